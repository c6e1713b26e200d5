//! What the merchant does to the stock: counts, corrections, transfers, and how a variant is to be sold.

use uuid::Uuid;

use super::ledger::{self, Cause, CauseKind};
use super::locks::lock_locations;
use super::reservations::serve_waiting;
use super::{Error, Item, StockLevel, store};
use crate::db::{Conn, Tx};
use crate::once::Once;
use crate::{Shop, id};

/// The stock of a variant, at each location.
#[derive(Debug, Clone)]
pub struct Stock {
    pub item: Item,
    /// By the priority of the location.
    pub levels: Vec<StockLevel>,
}

/// Why the merchant changes it, and who it is.
#[derive(Debug, Clone, Copy)]
pub struct Remark<'a> {
    pub reason: &'a str,
    pub actor: &'a str,
}

/// How a variant is to be sold; what is none stays as it is.
#[derive(Debug, Clone, Default)]
pub struct PolicyPatch {
    pub tracked: Option<bool>,
    /// `Some(None)`: without limit.
    pub backorder_limit: Option<Option<i64>>,
    /// `Some(None)`: the shop's own.
    pub low_stock_threshold: Option<Option<i64>>,
}

pub async fn get_stock(shop: &Shop, variant_id: Uuid) -> Result<Stock, Error> {
    read(&mut shop.db().read().await?, variant_id).await
}

async fn read(conn: &mut Conn, variant_id: Uuid) -> Result<Stock, Error> {
    let item = store::find_item(conn, variant_id).await?.ok_or(Error::NotFound)?;
    Ok(Stock { item, levels: store::levels_of(conn, variant_id).await? })
}

/// Sets what was counted at a location. A count takes time: where `expected` says what was on hand when it began, and it is
/// no longer that, nothing is changed.
pub async fn count(
    shop: &Shop,
    variant_id: Uuid,
    location_id: Uuid,
    on_hand: i64,
    expected: Option<i64>,
    remark: Remark<'_>,
) -> Result<Stock, Error> {
    let mut tx = shop.db().write().await?;
    lock_locations(&mut tx, &[location_id]).await?;
    let current = lock(&mut tx, variant_id, location_id).await?;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Error::CountedOther { on_hand: current });
    }
    book(&mut tx, variant_id, location_id, on_hand - current, CauseKind::Count, remark).await?;
    finish(shop, tx, variant_id).await
}

/// Adds to what is on hand at a location, or takes away from it.
pub async fn adjust(
    shop: &Shop,
    variant_id: Uuid,
    location_id: Uuid,
    delta: i64,
    remark: Remark<'_>,
    once: Once,
) -> Result<Stock, Error> {
    let mut tx = shop.db().write().await?;
    lock_locations(&mut tx, &[location_id]).await?;
    lock(&mut tx, variant_id, location_id).await?;
    if once.done(&mut tx).await?.is_some() {
        return read(&mut tx, variant_id).await;
    }
    once.keep(&mut tx, variant_id).await?;
    book(&mut tx, variant_id, location_id, delta, CauseKind::Adjustment, remark).await?;
    finish(shop, tx, variant_id).await
}

/// Moves free goods between locations, all of them or none. The answer is the id that the movements bear.
pub async fn transfer(
    shop: &Shop,
    (from, to): (Uuid, Uuid),
    goods: &[(Uuid, i64)],
    remark: Remark<'_>,
    once: Once,
) -> Result<Uuid, Error> {
    let transfer_id = id::sequential();
    let cause = Cause {
        kind: CauseKind::Transfer,
        reference_id: Some(transfer_id),
        reason: remark.reason,
        actor: remark.actor,
    };
    let mut goods = goods.to_vec();
    goods.sort_unstable();
    let mut tx = shop.db().write().await?;
    lock_locations(&mut tx, &[to]).await?;
    if let Some(done) = once.done(&mut tx).await? {
        return Ok(done);
    }
    once.keep(&mut tx, transfer_id).await?;
    for (variant_id, quantity) in goods {
        lock(&mut tx, variant_id, to).await?;
        if !ledger::post(&mut tx, variant_id, from, -quantity, 0, &cause).await? {
            return Err(short(&mut tx, variant_id, from, quantity).await?);
        }
        ledger::post(&mut tx, variant_id, to, quantity, 0, &cause).await?;
    }
    tx.commit().await?;
    Ok(transfer_id)
}

/// Changes how a variant is to be sold; where `expected` is some, only if that is the version of its stock.
pub async fn patch_policy(
    shop: &Shop,
    variant_id: Uuid,
    patch: PolicyPatch,
    expected: Option<i64>,
) -> Result<Stock, Error> {
    let mut tx = shop.db().write().await?;
    let mut item = store::lock_item(&mut tx, variant_id).await?.ok_or(Error::NotFound)?;
    if expected.is_some_and(|expected| expected != item.version) {
        return Err(Error::VersionMismatch { current: item.version });
    }
    let tracked = patch.tracked.unwrap_or(item.tracked);
    // What orders hold would be neither counted nor given back any more.
    if tracked != item.tracked && item.reserved > 0 {
        return Err(Error::InUse);
    }
    item.tracked = tracked;
    item.backorder_limit = patch.backorder_limit.unwrap_or(item.backorder_limit);
    item.low_stock_threshold = patch.low_stock_threshold.unwrap_or(item.low_stock_threshold);
    store::update_policy(&mut tx, &item).await?;
    finish(shop, tx, variant_id).await
}

/// Locks a variant, and has a level at the location, whose lock is held. Tells what is on hand there.
async fn lock(tx: &mut Tx, variant_id: Uuid, location_id: Uuid) -> Result<i64, Error> {
    store::lock_item(tx, variant_id).await?.ok_or(Error::NotFound)?;
    if !store::open_level(tx, variant_id, location_id).await? {
        return Err(Error::LocationUnknown);
    }
    Ok(store::find_level(tx, variant_id, location_id).await?.map_or(0, |level| level.on_hand))
}

async fn book(
    tx: &mut Tx,
    variant_id: Uuid,
    location_id: Uuid,
    delta: i64,
    kind: CauseKind,
    remark: Remark<'_>,
) -> Result<(), Error> {
    let cause = Cause { kind, reference_id: None, reason: remark.reason, actor: remark.actor };
    // A count that finds what was expected is a fact too: its movement says so.
    if !ledger::post(tx, variant_id, location_id, delta, 0, &cause).await? {
        return Err(Error::BelowReserved);
    }
    if store::find_item(tx, variant_id).await?.is_some_and(|item| item.on_hand > super::MAX_ON_HAND) {
        return Err(Error::TooMuch);
    }
    serve_waiting(tx, variant_id).await?;
    Ok(())
}

async fn short(tx: &mut Tx, variant_id: Uuid, from: Uuid, wanted: i64) -> Result<Error, Error> {
    let available = store::find_level(tx, variant_id, from).await?.map_or(0, StockLevel::free);
    let sku = store::find_sku(tx, variant_id).await?.unwrap_or_default();
    Ok(Error::Insufficient { sku, wanted, available })
}

async fn finish(shop: &Shop, mut tx: Tx, variant_id: Uuid) -> Result<Stock, Error> {
    let stock = read(&mut tx, variant_id).await?;
    tx.commit().await?;
    // Shoppers see at once what the merchant changed.
    shop.cache().clear();
    Ok(stock)
}
