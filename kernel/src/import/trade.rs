//! What a file says beside the catalog: customer groups, locations, price lists and their prices.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::Remark;
use super::lines::{LocationLine, PriceLine, PriceListLine};
use super::write::Applied;
use crate::catalog::{self, Flaw, Outcome};
use crate::db::Tx;
use crate::inventory::{self, LocationPatch, NewLocation};
use crate::prices::{self, List, ListPatch, ListStatus, NewEntry, NewList};
use crate::{Shop, accounts};

/// One that is there keeps its name: another permission is asked for to change it.
pub(super) async fn put_group(tx: &mut Tx, code: &str, name: &str) -> Result<Outcome, catalog::Error> {
    let made = accounts::make_group(tx, code, name).await?;
    Ok(if made { Outcome::Created } else { Outcome::Unchanged })
}

/// `id` is its own, or what a new one gets.
pub(super) async fn put_location(
    shop: &Shop,
    tx: &mut Tx,
    id: Uuid,
    line: &LocationLine,
) -> Result<Outcome, catalog::Error> {
    let Some(current) = inventory::find_location(tx, id).await? else {
        let new = NewLocation {
            name: line.name.clone(),
            address: None,
            priority: line.priority.unwrap_or_default(),
            pickup: line.pickup.unwrap_or_default(),
        };
        inventory::create_location_in(shop, tx, id, new).await?;
        if line.active == Some(false) {
            let closed = LocationPatch { active: Some(false), ..LocationPatch::default() };
            inventory::patch_location_in(tx, id, closed, None).await?;
        }
        return Ok(Outcome::Created);
    };
    let wanted = (
        line.priority.unwrap_or(current.priority),
        line.active.unwrap_or(current.active),
        line.pickup.unwrap_or(current.pickup),
    );
    if wanted == (current.priority, current.active, current.pickup) {
        return Ok(Outcome::Unchanged);
    }
    let (priority, active, pickup) = (line.priority, line.active, line.pickup);
    let patch = LocationPatch { priority, active, pickup, ..LocationPatch::default() };
    inventory::patch_location_in(tx, id, patch, None).await?;
    Ok(Outcome::Updated)
}

pub(super) async fn put_list(shop: &Shop, tx: &mut Tx, line: &PriceListLine) -> Result<Outcome, catalog::Error> {
    let currency = match &line.currency {
        Some(code) => {
            let known = shop.config().shop.find_currency(Some(code));
            Some(known.ok_or_else(|| flaw("/currency", "the shop does not sell in it"))?)
        }
        None => None,
    };
    let Some(current) = prices::find_list_by_code(tx, &line.code).await? else {
        let missing = |at: &str| flaw(at, "something new needs it");
        let new = NewList {
            code: line.code.clone(),
            name: line.name.clone().ok_or_else(|| missing("/name"))?,
            currency: currency.ok_or_else(|| missing("/currency"))?,
            group: line.group.clone().flatten(),
            status: line.status.unwrap_or(ListStatus::Draft),
            priority: line.priority.unwrap_or_default(),
            starts_at: line.starts_at.flatten(),
            ends_at: line.ends_at.flatten(),
        };
        prices::create_list_in(shop, tx, new).await.map_err(of_prices)?;
        return Ok(Outcome::Created);
    };
    if currency.is_some_and(|currency| currency != current.currency) {
        return Err(flaw("/currency", "never changes"));
    }
    let patch = ListPatch {
        name: line.name.clone(),
        group: line.group.clone(),
        status: line.status,
        priority: line.priority,
        starts_at: line.starts_at,
        ends_at: line.ends_at,
    };
    if is_so(&current, &patch) {
        return Ok(Outcome::Unchanged);
    }
    prices::patch_list_in(tx, current.id, patch, None).await.map_err(of_prices)?;
    Ok(Outcome::Updated)
}

fn is_so(list: &List, patch: &ListPatch) -> bool {
    patch.name.as_ref().is_none_or(|name| *name == list.name)
        && patch.group.as_ref().is_none_or(|group| *group == list.group)
        && patch.status.is_none_or(|status| status == list.status)
        && patch.priority.is_none_or(|priority| priority == list.priority)
        && patch.starts_at.is_none_or(|start| start == list.starts_at)
        && patch.ends_at.is_none_or(|end| end == list.ends_at)
}

/// A price of a variant that is not there is refused, the rest is taken. `made` are SKUs that would be there by now, in a dry run.
pub(super) async fn put_prices(
    tx: &mut Tx,
    code: &str,
    wanted: &[PriceLine],
    made: &HashSet<String>,
    applied: &mut Applied,
) -> Result<Outcome, catalog::Error> {
    let list = prices::find_list_by_code(tx, code).await?;
    let list = list.ok_or_else(|| flaw("/list", &format!("there is no price list `{code}`")))?;
    let skus: Vec<_> = wanted.iter().map(|price| price.sku.as_str()).collect();
    let known = prices::entries_of_skus(tx, list.id, &skus).await?;
    let known: HashMap<_, _> = known.into_iter().map(|known| (known.sku.clone(), known)).collect();
    let (mut entries, mut changed) = (Vec::new(), false);
    for price in wanted {
        match known.get(&price.sku) {
            Some(known) if known.price == Some((price.amount, price.compare_at)) => {}
            Some(known) => {
                let (variant_id, amount, compare_at) = (known.variant_id, price.amount, price.compare_at);
                entries.push(NewEntry { variant_id, amount, compare_at });
            }
            None if made.contains(&price.sku) => changed = true,
            None => {
                let text = format!("there is no variant with the SKU {}", price.sku);
                applied.rejected.push(Remark { line: applied.line, text });
            }
        }
    }
    if !entries.is_empty() {
        prices::put_entries_in(tx, list.id, &entries).await.map_err(of_prices)?;
    }
    Ok(if changed || !entries.is_empty() { Outcome::Updated } else { Outcome::Unchanged })
}

fn flaw(at: &str, detail: &str) -> catalog::Error {
    catalog::Error::Invalid(vec![Flaw { pointer: at.to_owned(), detail: detail.to_owned() }])
}

fn of_prices(error: prices::Error) -> catalog::Error {
    match error {
        prices::Error::Database(error) => error.into(),
        prices::Error::GroupUnknown => flaw("/group", "there is no such customer group"),
        error => flaw("/code", &error.to_string()),
    }
}
