//! Membership of collections by rule.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use super::Rule;
use crate::catalog::products::read_product;
use crate::catalog::{Error, Product, Status, announce, store};
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::{Shop, events};

/// Products that are looked at in one transaction: shoppers' orders wait for it on SQLite.
const BATCH: u32 = 50;
/// How often the worker looks for something to do.
const POLL: Duration = Duration::from_secs(1);

/// A derivation under way.
#[derive(Debug, Clone)]
pub(in crate::catalog) struct Derivation {
    pub collection_id: Uuid,
    pub rule: Rule,
    pub derive_at: Moment,
    /// The product after which it goes on; none at its beginning.
    pub after: Option<Uuid>,
}

/// Puts a product that has just been written into the collections that mean it, and out of the others.
pub(in crate::catalog) async fn derive_product(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    let rules = store::rules(tx).await?;
    if rules.is_empty() {
        return Ok(());
    }
    let categories = match product.category_id {
        Some(id) if rules.iter().any(|(_, rule)| rule.asks_for_categories()) => categories_above(tx, id).await?,
        _ => Vec::new(),
    };
    let member_of = store::collections_of(tx, product.id).await?;
    let now = clock::now();
    for (id, rule) in &rules {
        let (is, was) = (belongs(rule, product, &categories, now), member_of.contains(id));
        put(tx, *id, product, is, was).await?;
    }
    Ok(())
}

/// What is archived is in no collection by rule; a draft is, so that it is there when it becomes active.
fn belongs(rule: &Rule, product: &Product, categories: &[Uuid], now: Moment) -> bool {
    product.status != Status::Archived && rule.includes(product, categories, now)
}

/// By their place the newest come first.
async fn put(tx: &mut Tx, collection_id: Uuid, product: &Product, is: bool, was: bool) -> Result<(), Error> {
    let position = -product.created_at.timestamp_micros();
    match (is, was) {
        (true, false) => drop(store::insert_member(tx, collection_id, product.id, position).await?),
        (false, true) => store::delete_member(tx, collection_id, product.id).await?,
        _ => {}
    }
    Ok(())
}

async fn categories_above(tx: &mut Tx, id: Uuid) -> Result<Vec<Uuid>, Error> {
    Ok(store::ancestors(tx, id).await?.into_iter().map(|category| category.id).collect())
}

/// Derives what is due, until the shop stops.
pub async fn run(shop: Shop) {
    loop {
        let wait = match derive_batch(&shop).await {
            Ok(true) => Duration::ZERO,
            Ok(false) => POLL,
            Err(cause) => {
                tracing::error!(%cause, "collections could not be derived; trying again");
                POLL
            }
        };
        tokio::select! {
            () = shop.stopping().cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

/// One batch of the derivation that has been due for longest; false where none is.
async fn derive_batch(shop: &Shop) -> Result<bool, Error> {
    let now = clock::now();
    let due = store::due_derivation(&mut shop.db().read().await?, now).await?;
    let Some(due) = due else { return Ok(false) };
    let mut tx = shop.db().write().await?;
    // Where another kernel was faster, or the rule has changed since, this changes nothing.
    if !store::claim_derivation(&mut tx, &due).await? {
        return Ok(true);
    }
    let ids = store::product_ids_after(&mut tx, due.after.unwrap_or_default(), BATCH).await?;
    let mut above: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
    for id in &ids {
        let product = read_product(&mut tx, *id).await?;
        if let Some(id) = product.category_id.filter(|id| !above.contains_key(id)) {
            above.insert(id, categories_above(&mut tx, id).await?);
        }
        let categories = product.category_id.and_then(|id| above.get(&id));
        let is = belongs(&due.rule, &product, categories.map_or(&[], Vec::as_slice), now);
        let was = store::collections_of(&mut tx, *id).await?.contains(&due.collection_id);
        put(&mut tx, due.collection_id, &product, is, was).await?;
    }
    let again = now + events::delta(u64::from(shop.config().catalog.collections_minutes.max(1)) * 60_000);
    match ids.last() {
        Some(last) if ids.len() == BATCH as usize => store::go_on(&mut tx, due.collection_id, *last).await?,
        _ => store::end_derivation(&mut tx, due.collection_id, again).await?,
    }
    tx.commit().await?;
    announce(shop);
    Ok(true)
}
