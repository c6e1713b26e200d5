//! Collections: products by the merchant's hand, or by a rule.
//!
//! Membership is a table either way, so that a list of a collection is one walk over an index. Of a collection by rule it is
//! derived: for one product in the transaction of its change ([`derive_product`]), for all by a worker after the rule changed
//! ([`derivation`]). What no change of a product tells (stock, days that pass, a rule that changed at the very
//! same moment) the worker catches up with, every `catalog.collections_minutes`.

mod derivation;
mod rule;

use std::collections::HashSet;

use uuid::Uuid;

use super::slugs::{self, SlugOf};
use super::translations::{self, Entity, Reading};
use super::{Error, Flaw, Found, Status, announce, store, text};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, id};

pub use derivation::run;
pub(super) use derivation::{Derivation, derive_product};
pub use rule::{Condition, MAX_CONDITIONS, Match, Rule};

/// Products that one collection by hand may have.
pub const MAX_CHOSEN: usize = 1_000;

/// A collection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collection {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    pub description: String,
    /// For search engines; title and description stand in where they are empty.
    pub seo_title: String,
    pub seo_description: String,
    /// Whether shoppers see it.
    pub status: Status,
    /// None where its products are chosen by hand.
    pub rule: Option<Rule>,
    /// Counts changes, from 1.
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// A collection to be made.
#[derive(Debug, Clone, Default)]
pub struct NewCollection {
    pub title: String,
    /// Made from the title where it is none.
    pub slug: Option<String>,
    pub description: String,
    pub seo_title: String,
    pub seo_description: String,
    pub status: Status,
    pub rule: Option<Rule>,
}

/// What is to change of a collection. One by hand stays one by hand: its products would be lost.
#[derive(Debug, Clone, Default)]
pub struct CollectionPatch {
    pub title: Option<String>,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub status: Option<Status>,
    pub rule: Option<Rule>,
}

/// Where in a list: the newest is first.
pub type CollectionKey = (Moment, Uuid);

/// At most `limit` collections after `after`, newest first; active ones alone for shoppers.
pub async fn list_collections(
    shop: &Shop,
    status: Status,
    after: Option<CollectionKey>,
    limit: u32,
    reading: &Reading,
) -> Result<Vec<Collection>, Error> {
    let mut conn = shop.db().read().await?;
    let mut collections = store::list_collections(&mut conn, status, after, limit).await?;
    let texts = translations::read_all(&mut conn, Entity::Collection, reading).await?;
    for collection in &mut collections {
        if let Some(texts) = texts.get(&collection.id.to_string()) {
            collection.translate(texts);
        }
    }
    Ok(collections)
}

/// The active collection with this id or slug, in the language of the reader.
pub async fn find_collection(
    shop: &Shop,
    id_or_slug: &str,
    reading: &Reading,
) -> Result<Option<Found<Collection>>, Error> {
    let mut conn = shop.db().read().await?;
    let found = match Uuid::try_parse(id_or_slug) {
        Ok(id) => store::find_collection(&mut conn, id).await?,
        Err(_) if text::is_slug(id_or_slug) => store::find_collection_by_slug(&mut conn, id_or_slug).await?,
        Err(_) => return Ok(None),
    };
    let moved = match found {
        Some(mut found) => {
            let key = found.id.to_string();
            found.translate(&translations::read(&mut conn, Entity::Collection, &key, reading).await?);
            return Ok((found.status == Status::Active).then(|| Found::Here(Box::new(found))));
        }
        None => slugs::find_moved(&mut conn, SlugOf::Collection, id_or_slug).await?,
    };
    let Some(id) = moved else { return Ok(None) };
    let now = store::find_collection(&mut conn, id).await?.filter(|now| now.status == Status::Active);
    Ok(now.map(|now| Found::Moved(now.slug)))
}

/// A collection, for the merchant, whatever its status.
pub async fn get_collection(shop: &Shop, id: Uuid) -> Result<Collection, Error> {
    let mut conn = shop.db().read().await?;
    store::find_collection(&mut conn, id).await?.ok_or(Error::NotFound)
}

pub async fn create_collection(shop: &Shop, new: &NewCollection) -> Result<Collection, Error> {
    let mut tx = shop.db().write().await?;
    let made = insert(&mut tx, new).await?;
    tx.commit().await?;
    announce(shop);
    Ok(made)
}

/// Makes a collection in the caller's transaction, which must be dropped after an error.
pub(super) async fn insert(tx: &mut Tx, new: &NewCollection) -> Result<Collection, Error> {
    let now = clock::now();
    let mut made = Collection {
        id: id::sequential(),
        slug: String::new(),
        title: new.title.clone(),
        description: new.description.clone(),
        seo_title: new.seo_title.clone(),
        seo_description: new.seo_description.clone(),
        status: new.status,
        rule: new.rule.clone(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let base = text::slugify(&new.title, "collection");
    // As for products: a chosen slug is taken or refused, one that is made gets a number.
    let slugs = match &new.slug {
        Some(slug) => vec![slug.clone()],
        None => std::iter::once(base.clone()).chain((2..=50).map(|number| format!("{base}-{number}"))).collect(),
    };
    for slug in slugs {
        made.slug = slug;
        if store::insert_collection(tx, &made).await? {
            slugs::take(tx, SlugOf::Collection, &made.slug).await?;
            return Ok(made);
        }
    }
    Err(Error::SlugTaken(made.slug))
}

/// Changes a collection; where `expected` is some, only if that is its version.
pub async fn patch_collection(
    shop: &Shop,
    id: Uuid,
    patch: CollectionPatch,
    expected: Option<i64>,
) -> Result<Collection, Error> {
    let mut tx = shop.db().write().await?;
    let collection = change(&mut tx, id, patch, expected).await?;
    tx.commit().await?;
    announce(shop);
    Ok(collection)
}

/// Changes a collection in the caller's transaction, which must be dropped after an error.
pub(super) async fn change(
    tx: &mut Tx,
    id: Uuid,
    patch: CollectionPatch,
    expected: Option<i64>,
) -> Result<Collection, Error> {
    let mut collection = lock(tx, id, expected).await?;
    if collection.rule.is_none() && patch.rule.is_some() {
        let detail = "the products of this collection are chosen by hand: make another one for a rule";
        return Err(Error::Invalid(vec![Flaw::new("/rule", detail)]));
    }
    let old_slug = collection.slug.clone();
    let derive = patch.rule.is_some();
    collection.title = patch.title.unwrap_or(collection.title);
    collection.slug = patch.slug.unwrap_or(collection.slug);
    collection.description = patch.description.unwrap_or(collection.description);
    collection.seo_title = patch.seo_title.unwrap_or(collection.seo_title);
    collection.seo_description = patch.seo_description.unwrap_or(collection.seo_description);
    collection.status = patch.status.unwrap_or(collection.status);
    collection.rule = patch.rule.or(collection.rule);
    match store::update_collection(tx, &collection).await {
        Err(error) if error.is_unique_violation() => return Err(Error::SlugTaken(collection.slug)),
        done => done?,
    }
    if derive {
        store::derive_again(tx, id, collection.updated_at).await?;
    }
    slugs::rename(tx, SlugOf::Collection, id, &old_slug, &collection.slug).await?;
    Ok(collection)
}

/// Deletes a collection; its products stay.
pub async fn delete_collection(shop: &Shop, id: Uuid, expected: Option<i64>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    lock(&mut tx, id, expected).await?;
    store::delete_collection(&mut tx, id).await?;
    slugs::forget(&mut tx, id).await?;
    translations::forget(&mut tx, Entity::Collection, &id.to_string()).await?;
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// The products of a collection by hand, in order.
pub async fn chosen_products(shop: &Shop, id: Uuid) -> Result<(Vec<Uuid>, i64), Error> {
    let mut conn = shop.db().read().await?;
    let collection = store::find_collection(&mut conn, id).await?.ok_or(Error::NotFound)?;
    by_hand(&collection)?;
    Ok((store::members(&mut conn, id).await?, collection.version))
}

/// Chooses the products of a collection by hand; answers its new version.
pub async fn put_chosen_products(
    shop: &Shop,
    id: Uuid,
    products: &[Uuid],
    expected: Option<i64>,
) -> Result<i64, Error> {
    let mut tx = shop.db().write().await?;
    let version = choose(&mut tx, id, products, expected).await?;
    tx.commit().await?;
    announce(shop);
    Ok(version)
}

/// Chooses them in the caller's transaction, which must be dropped after an error.
pub(super) async fn choose(tx: &mut Tx, id: Uuid, products: &[Uuid], expected: Option<i64>) -> Result<i64, Error> {
    let collection = lock(tx, id, expected).await?;
    by_hand(&collection)?;
    store::delete_members(tx, id).await?;
    let (mut flaws, mut seen) = (Vec::new(), HashSet::new());
    for (index, product_id) in products.iter().enumerate() {
        let position = i64::try_from(index).unwrap_or(i64::MAX);
        if !seen.insert(*product_id) || !store::insert_member(tx, id, *product_id, position).await? {
            flaws.push(Flaw::new(format!("/products/{index}"), "there is no such product, or it stands here twice"));
        }
    }
    Flaw::none(flaws)?;
    Ok(collection.version)
}

fn by_hand(collection: &Collection) -> Result<(), Error> {
    if collection.rule.is_none() { Ok(()) } else { Err(Error::CollectionByRule) }
}

/// Locks a collection for the rest of the transaction, at its next version.
async fn lock(tx: &mut Tx, id: Uuid, expected: Option<i64>) -> Result<Collection, Error> {
    let collection = store::lock_collection(tx, id, clock::now()).await?.ok_or(Error::NotFound)?;
    let current = collection.version - 1;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Error::VersionMismatch { current });
    }
    Ok(collection)
}

/// The tree of categories has changed: every rule may mean other products now.
pub(super) async fn derive_all_soon(tx: &mut Tx) -> db::Result<()> {
    store::derive_all_again(tx, clock::now()).await
}

impl Collection {
    fn translate(&mut self, texts: &translations::Texts) {
        translations::put(&mut self.title, texts, "title");
        translations::put(&mut self.description, texts, "description");
        translations::put(&mut self.seo_title, texts, "seo_title");
        translations::put(&mut self.seo_description, texts, "seo_description");
    }
}
