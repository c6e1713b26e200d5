//! What lies where: counted, moved, brought back.

use uuid::Uuid;

use super::ledger::{self, Cause, CauseKind};
use super::locks::{in_lock_order, lock_locations};
use super::reservations::serve_waiting;
use super::{DEFAULT_LOCATION, Error, Quantity, store};
use crate::db::Tx;

/// Begins to keep stock of a new variant, with `on_hand` pieces at the default location.
pub async fn create_item(tx: &mut Tx, variant_id: Uuid, on_hand: i64) -> Result<(), Error> {
    store::insert_item(tx, variant_id).await?;
    // The default location is never closed.
    if store::open_level(tx, variant_id, DEFAULT_LOCATION).await? && on_hand > 0 {
        let cause = Cause { kind: CauseKind::Opening, reference_id: None, reason: "", actor: "" };
        ledger::post(tx, variant_id, DEFAULT_LOCATION, on_hand, 0, &cause).await?;
    }
    Ok(())
}

/// Ends the stock of a variant that is to be deleted: what is on hand is written off. Refused while orders hold some of it.
pub async fn close_item(tx: &mut Tx, variant_id: Uuid) -> Result<(), Error> {
    let Some(item) = store::lock_item(tx, variant_id).await? else { return Ok(()) };
    if item.reserved > 0 {
        return Err(Error::InUse);
    }
    let cause = Cause { kind: CauseKind::Removal, reference_id: None, reason: "the variant was deleted", actor: "" };
    for level in store::levels_of(tx, variant_id).await? {
        if level.on_hand > 0 {
            ledger::post(tx, variant_id, level.location_id, -level.on_hand, 0, &cause).await?;
        }
    }
    Ok(store::delete_item(tx, variant_id).await?)
}

/// Sets what all locations have together, by a change at the default location: the shorthand of shops with one location,
/// and of files. Refused where less would lie there than orders hold, or less than nothing. Tells what can be ordered then.
pub async fn set_on_hand(tx: &mut Tx, variant_id: Uuid, on_hand: i64, kind: CauseKind) -> Result<i64, Error> {
    let item = store::lock_item(tx, variant_id).await?.ok_or(Error::NotFound)?;
    let cause = Cause { kind, reference_id: None, reason: "", actor: "" };
    if item.on_hand == on_hand {
        return Ok(item.available);
    }
    // Never closed, as above.
    store::open_level(tx, variant_id, DEFAULT_LOCATION).await?;
    if !ledger::post(tx, variant_id, DEFAULT_LOCATION, on_hand - item.on_hand, 0, &cause).await? {
        return Err(Error::BelowReserved);
    }
    serve_waiting(tx, variant_id).await?;
    Ok(store::find_item(tx, variant_id).await?.map_or(0, |item| item.available))
}

/// Goods come back to `to`, or to the default location. What is not tracked, or no longer in the catalog, is passed over. Whoever brings
/// goods to several locations in one transaction locks them all before ([`super::lock_locations`]).
pub async fn restock(tx: &mut Tx, cause: &Cause<'_>, goods: &[Quantity], to: Option<Uuid>) -> Result<(), Error> {
    let to = to.unwrap_or(DEFAULT_LOCATION);
    lock_locations(tx, &[to]).await?;
    for (variant_id, _, quantity) in in_lock_order(goods) {
        match store::lock_item(tx, variant_id).await? {
            Some(item) if item.tracked => {}
            _ => continue,
        }
        if !store::open_level(tx, variant_id, to).await? {
            return Err(Error::LocationUnknown);
        }
        ledger::post(tx, variant_id, to, quantity, 0, cause).await?;
        serve_waiting(tx, variant_id).await?;
    }
    Ok(())
}
