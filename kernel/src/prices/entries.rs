//! The prices of a list, and all prices of a variant.

use uuid::Uuid;

use super::lists::lock;
use super::{Error, List, Price, PriceContext, announce, store};
use crate::Shop;
use crate::db::{self, Conn, Tx};
use crate::money::Amount;

/// Prices that one request sets.
pub const MAX_ENTRIES_AT_ONCE: usize = 1_000;

/// A price in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub variant_id: Uuid,
    pub sku: String,
    pub amount: Amount,
    pub compare_at: Option<Amount>,
}

/// A price to be put into a list.
#[derive(Debug, Clone)]
pub struct NewEntry {
    pub variant_id: Uuid,
    pub amount: Amount,
    pub compare_at: Option<Amount>,
}

/// A variant, and what a list has of it: its price, and what it cost before.
#[derive(Debug, Clone)]
pub struct KnownEntry {
    pub variant_id: Uuid,
    pub sku: String,
    pub price: Option<(Amount, Option<Amount>)>,
}

/// A variant's price in one of the lists.
#[derive(Debug, Clone)]
pub struct VariantEntry {
    pub list: List,
    pub amount: Amount,
    pub compare_at: Option<Amount>,
}

/// What a variant costs, and where.
#[derive(Debug, Clone)]
pub struct VariantPrices {
    pub variant_id: Uuid,
    pub sku: String,
    /// Minor units of the shop's own currency.
    pub own: Amount,
    pub own_compare_at: Option<Amount>,
    /// What applies to the shopper who was asked about; none where it is not sold in their currency.
    pub applying: Option<Price>,
    /// By the code of the list.
    pub entries: Vec<VariantEntry>,
}

/// At most `limit` prices of a list after the variant `after`, by the variant's id.
pub async fn list_entries(shop: &Shop, list_id: Uuid, after: Uuid, limit: u32) -> Result<Vec<Entry>, Error> {
    let mut conn = shop.db().read().await?;
    store::find_list(&mut conn, list_id).await?.ok_or(Error::NotFound)?;
    Ok(store::entries(&mut conn, list_id, after, limit).await?)
}

/// Puts prices into a list, over those that it has of the same variants: all of them, or none where a variant does not exist.
pub async fn put_entries(shop: &Shop, list_id: Uuid, entries: &[NewEntry]) -> Result<List, Error> {
    let mut tx = shop.db().write().await?;
    let list = put_entries_in(&mut tx, list_id, entries).await?;
    tx.commit().await?;
    announce(shop);
    Ok(list)
}

/// The same in a transaction of the caller, who lets shoppers see it after its end. No two of `entries` are of one variant.
pub async fn put_entries_in(tx: &mut Tx, list_id: Uuid, entries: &[NewEntry]) -> Result<List, Error> {
    let list = lock(tx, list_id).await?;
    let ids: Vec<_> = entries.iter().map(|entry| entry.variant_id).collect();
    let known = store::known_variants(tx, &ids).await?;
    let unknown: Vec<_> = (0..ids.len()).filter(|index| !known.contains(&ids[*index])).collect();
    if !unknown.is_empty() {
        return Err(Error::VariantsUnknown(unknown));
    }
    store::put_entries(tx, list_id, entries, list.updated_at).await?;
    Ok(list)
}

/// What a list has of the variants with these SKUs; one that does not exist is not among them.
pub async fn entries_of_skus(conn: &mut Conn, list_id: Uuid, skus: &[&str]) -> db::Result<Vec<KnownEntry>> {
    store::entries_of_skus(conn, list_id, skus).await
}

/// Takes a price out of a list.
pub async fn delete_entry(shop: &Shop, list_id: Uuid, variant_id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    lock(&mut tx, list_id).await?;
    if !store::delete_entry(&mut tx, list_id, variant_id).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// What a variant costs in every list, and which of these prices a shopper is asked.
pub async fn prices_of_variant(shop: &Shop, context: &PriceContext, variant_id: Uuid) -> Result<VariantPrices, Error> {
    let mut conn = shop.db().read().await?;
    let found = store::variant_price(&mut conn, context, variant_id).await?;
    let (sku, own, own_compare_at, applying) = found.ok_or(Error::NotFound)?;
    let entries = store::entries_of_variant(&mut conn, variant_id).await?;
    Ok(VariantPrices { variant_id, sku, own, own_compare_at, applying, entries })
}
