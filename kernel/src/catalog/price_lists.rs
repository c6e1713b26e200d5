//! Price lists: other prices than the variants' own, by currency, customer group and period.

use uuid::Uuid;

use super::{Error, announce, store};
use crate::clock::Moment;
use crate::money::{Amount, Currency};
use crate::{Shop, clock, id};

/// Price lists that a shop may have.
pub const MAX_PRICE_LISTS: i64 = 1_000;
/// Prices that one request sets.
pub const MAX_PRICES_AT_ONCE: usize = 1_000;

/// Whether a list counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ListStatus {
    /// Not yet, or not any more.
    Draft,
    /// In its period.
    Active,
}

impl ListStatus {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
        }
    }

    /// The database holds one of the two.
    pub(super) fn parse(text: &str) -> Self {
        if text == "active" { Self::Active } else { Self::Draft }
    }
}

/// A price list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceList {
    pub id: Uuid,
    /// Like its currency, it stays: orders name the list by it.
    pub code: String,
    pub name: String,
    pub currency: Currency,
    /// The code of the customer group that it is for; none for everyone.
    pub group: Option<String>,
    pub status: ListStatus,
    pub priority: i64,
    /// The first moment in which it is in force.
    pub starts_at: Option<Moment>,
    /// The first moment in which it no longer is.
    pub ends_at: Option<Moment>,
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// A price list to be made; it begins without prices.
#[derive(Debug, Clone)]
pub struct NewPriceList {
    pub code: String,
    pub name: String,
    pub currency: Currency,
    pub group: Option<String>,
    pub status: ListStatus,
    pub priority: i64,
    pub starts_at: Option<Moment>,
    pub ends_at: Option<Moment>,
}

/// What is to change of a price list. `Some(None)` takes away.
#[derive(Debug, Clone, Default)]
pub struct PriceListPatch {
    pub name: Option<String>,
    pub group: Option<Option<String>>,
    pub status: Option<ListStatus>,
    pub priority: Option<i64>,
    pub starts_at: Option<Option<Moment>>,
    pub ends_at: Option<Option<Moment>>,
}

/// A price in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPrice {
    pub variant_id: Uuid,
    pub sku: String,
    pub amount: Amount,
    pub compare_at: Option<Amount>,
}

/// A price to be put into a list.
#[derive(Debug, Clone)]
pub struct NewListPrice {
    pub variant_id: Uuid,
    pub amount: Amount,
    pub compare_at: Option<Amount>,
}

/// At most `limit` lists after the code `after`, by code.
pub async fn list_price_lists(shop: &Shop, after: &str, limit: u32) -> Result<Vec<PriceList>, Error> {
    Ok(store::price_lists(&mut shop.db().read().await?, after, limit).await?)
}

/// The list with this id.
pub async fn get_price_list(shop: &Shop, id: Uuid) -> Result<PriceList, Error> {
    store::find_price_list(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// Makes a list.
pub async fn create_price_list(shop: &Shop, new: NewPriceList) -> Result<PriceList, Error> {
    let now = clock::now();
    let list = PriceList {
        id: id::sequential(),
        code: new.code,
        name: new.name,
        currency: new.currency,
        group: new.group,
        status: new.status,
        priority: new.priority,
        starts_at: new.starts_at,
        ends_at: new.ends_at,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    check_period(&list)?;
    let mut tx = shop.db().write().await?;
    if store::count_price_lists(&mut tx).await? >= MAX_PRICE_LISTS {
        return Err(Error::TooManyPriceLists);
    }
    match store::insert_price_list(&mut tx, &list).await {
        Err(error) if error.is_unique_violation() => return Err(Error::CodeTaken(list.code)),
        Err(error) if error.is_foreign_key_violation() => return Err(Error::GroupUnknown),
        done => done?,
    }
    tx.commit().await?;
    Ok(list)
}

/// Changes a list; where `expected` is some, only if that is its version.
pub async fn patch_price_list(
    shop: &Shop,
    id: Uuid,
    patch: PriceListPatch,
    expected: Option<i64>,
) -> Result<PriceList, Error> {
    let mut tx = shop.db().write().await?;
    let mut list = lock(&mut tx, id).await?;
    let current = list.version - 1;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Error::VersionMismatch { current });
    }
    list.name = patch.name.unwrap_or(list.name);
    list.group = patch.group.unwrap_or(list.group);
    list.status = patch.status.unwrap_or(list.status);
    list.priority = patch.priority.unwrap_or(list.priority);
    list.starts_at = patch.starts_at.unwrap_or(list.starts_at);
    list.ends_at = patch.ends_at.unwrap_or(list.ends_at);
    check_period(&list)?;
    match store::update_price_list(&mut tx, &list).await {
        Err(error) if error.is_foreign_key_violation() => return Err(Error::GroupUnknown),
        done => done?,
    }
    tx.commit().await?;
    announce(shop);
    Ok(list)
}

/// Deletes a list with its prices. Orders keep its code.
pub async fn delete_price_list(shop: &Shop, id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    if !store::delete_price_list(&mut tx, id).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// At most `limit` prices of a list after the variant `after`, by the variant's id.
pub async fn list_prices(shop: &Shop, list_id: Uuid, after: Uuid, limit: u32) -> Result<Vec<ListPrice>, Error> {
    let mut conn = shop.db().read().await?;
    store::find_price_list(&mut conn, list_id).await?.ok_or(Error::NotFound)?;
    Ok(store::list_prices(&mut conn, list_id, after, limit).await?)
}

/// Puts prices into a list, over those that it has of the same variants: all of them, or none where a variant does not exist.
pub async fn put_prices(shop: &Shop, list_id: Uuid, prices: &[NewListPrice]) -> Result<PriceList, Error> {
    let mut tx = shop.db().write().await?;
    let list = lock(&mut tx, list_id).await?;
    let mut unknown = Vec::new();
    for (index, price) in prices.iter().enumerate() {
        if !store::put_price(&mut tx, list_id, price, list.updated_at).await? {
            unknown.push(index);
        }
    }
    if !unknown.is_empty() {
        return Err(Error::VariantsUnknown(unknown));
    }
    tx.commit().await?;
    announce(shop);
    Ok(list)
}

/// Takes a price out of a list.
pub async fn delete_price(shop: &Shop, list_id: Uuid, variant_id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    lock(&mut tx, list_id).await?;
    if !store::delete_price(&mut tx, list_id, variant_id).await? {
        return Err(Error::NotFound);
    }
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// Locks a list for the rest of the transaction, at its next version.
async fn lock(tx: &mut crate::db::Tx, id: Uuid) -> Result<PriceList, Error> {
    store::lock_price_list(tx, id, clock::now()).await?.ok_or(Error::NotFound)
}

fn check_period(list: &PriceList) -> Result<(), Error> {
    match (list.starts_at, list.ends_at) {
        (Some(start), Some(end)) if start >= end => Err(Error::PeriodEmpty),
        _ => Ok(()),
    }
}
