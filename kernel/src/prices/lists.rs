//! Price lists: other prices than the variants' own, by currency, customer group and period.
//!
//! A change of a list locks its row first, so that two who change the same list wait for each other.

use uuid::Uuid;

use super::{Error, announce, store};
use crate::clock::Moment;
use crate::db::{self, Conn, Tx};
use crate::money::Currency;
use crate::{Shop, clock, id};

/// Longest name of a list, in characters.
pub const MAX_LIST_NAME: usize = 200;
/// Highest priority; the lowest is as far below 0.
pub const MAX_LIST_PRIORITY: i64 = 1_000_000;

/// From 2000 to 9999: beyond, a period is a slip of the hand, and the text of a moment no longer sorts.
pub fn is_moment_of_list(moment: Moment) -> bool {
    (946_684_800..=253_402_300_799).contains(&moment.timestamp())
}

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
pub struct List {
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

impl List {
    /// Whether it is active and in its period.
    pub fn is_in_force(&self, now: Moment) -> bool {
        let began = self.starts_at.is_none_or(|start| start <= now);
        self.status == ListStatus::Active && began && self.ends_at.is_none_or(|end| end > now)
    }
}

/// A price list to be made; it begins without prices.
#[derive(Debug, Clone)]
pub struct NewList {
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
pub struct ListPatch {
    pub name: Option<String>,
    pub group: Option<Option<String>>,
    pub status: Option<ListStatus>,
    pub priority: Option<i64>,
    pub starts_at: Option<Option<Moment>>,
    pub ends_at: Option<Option<Moment>>,
}

/// At most `limit` lists after the code `after`, by code.
pub async fn lists(shop: &Shop, after: &str, limit: u32) -> Result<Vec<List>, Error> {
    Ok(store::lists(&mut shop.db().read().await?, after, limit).await?)
}

/// The list with this id.
pub async fn get_list(shop: &Shop, id: Uuid) -> Result<List, Error> {
    store::find_list(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// The list with this code, if there is one.
pub async fn find_list_by_code(conn: &mut Conn, code: &str) -> db::Result<Option<List>> {
    store::find_list_by_code(conn, code).await
}

/// Makes a list.
pub async fn create_list(shop: &Shop, new: NewList) -> Result<List, Error> {
    let mut tx = shop.db().write().await?;
    let list = create_list_in(shop, &mut tx, new).await?;
    tx.commit().await?;
    Ok(list)
}

/// The same in a transaction of the caller, which is to be dropped after an error.
pub async fn create_list_in(shop: &Shop, tx: &mut Tx, new: NewList) -> Result<List, Error> {
    let now = clock::now();
    let list = List {
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
    let max = shop.config().prices.max_lists;
    if store::count_lists(tx).await? >= i64::from(max) {
        return Err(Error::TooManyLists(max));
    }
    match store::insert_list(tx, &list).await {
        Err(error) if error.is_unique_violation() => return Err(Error::CodeTaken(list.code)),
        Err(error) if error.is_foreign_key_violation() => return Err(Error::GroupUnknown),
        done => done?,
    }
    Ok(list)
}

/// Changes a list; where `expected` is some, only if that is its version.
pub async fn patch_list(shop: &Shop, id: Uuid, patch: ListPatch, expected: Option<i64>) -> Result<List, Error> {
    let mut tx = shop.db().write().await?;
    let list = patch_list_in(&mut tx, id, patch, expected).await?;
    tx.commit().await?;
    announce(shop);
    Ok(list)
}

/// The same in a transaction of the caller, who lets shoppers see it after its end.
pub async fn patch_list_in(tx: &mut Tx, id: Uuid, patch: ListPatch, expected: Option<i64>) -> Result<List, Error> {
    let mut list = lock(tx, id).await?;
    require_version(&list, expected)?;
    list.name = patch.name.unwrap_or(list.name);
    list.group = patch.group.unwrap_or(list.group);
    list.status = patch.status.unwrap_or(list.status);
    list.priority = patch.priority.unwrap_or(list.priority);
    list.starts_at = patch.starts_at.unwrap_or(list.starts_at);
    list.ends_at = patch.ends_at.unwrap_or(list.ends_at);
    check_period(&list)?;
    match store::update_list(tx, &list).await {
        Err(error) if error.is_foreign_key_violation() => return Err(Error::GroupUnknown),
        done => done?,
    }
    Ok(list)
}

/// Deletes a list with its prices; where `expected` is some, only if that is its version. Carts that hold a price of it hold it for
/// their time, and tell what comes after; orders keep its code.
pub async fn delete_list(shop: &Shop, id: Uuid, expected: Option<i64>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let list = lock(&mut tx, id).await?;
    require_version(&list, expected)?;
    store::delete_list(&mut tx, id).await?;
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// Locks a list for the rest of the transaction, at its next version.
pub(super) async fn lock(tx: &mut Tx, id: Uuid) -> Result<List, Error> {
    store::lock_list(tx, id, clock::now()).await?.ok_or(Error::NotFound)
}

/// The lock has counted the version up.
fn require_version(list: &List, expected: Option<i64>) -> Result<(), Error> {
    let current = list.version - 1;
    match expected {
        Some(expected) if expected != current => Err(Error::VersionMismatch { current }),
        _ => Ok(()),
    }
}

fn check_period(list: &List) -> Result<(), Error> {
    match (list.starts_at, list.ends_at) {
        (Some(start), Some(end)) if start >= end => Err(Error::PeriodEmpty),
        _ => Ok(()),
    }
}
