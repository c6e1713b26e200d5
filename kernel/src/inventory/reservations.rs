//! Reservations: what orders hold of the stock.
//!
//! Made `held` at the checkout; `kept` by the payment, after which they do not expire; in the end `released` or
//! `shipped`, each exactly once, since every step moves them out of the state that they were read in. What is promised
//! beyond what is on hand waits without a location, and gets goods, the oldest first, as soon as there are some.

use serde_json::{Value, json};
use uuid::Uuid;

use super::ledger::{self, Cause, CauseKind};
use super::locks::in_lock_order;
use super::{Error, Item, Movement, Quantity, Reservation, ReservationState, store};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{events, id};

/// Reservations that get goods in the transaction that brings them; the worker goes on. A bound on how long one
/// transaction takes, since thousands may wait for one delivery.
const SERVED_AT_ONCE: i64 = 50;

/// What a paid order should have had: it waits for goods, or in vain where the variant was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shortage {
    pub variant_id: Uuid,
    pub sku: String,
    pub missing: i64,
}

/// Who reserves, and until when.
pub(super) struct Holder {
    pub order_id: Uuid,
    pub state: ReservationState,
    pub expires_at: Option<Moment>,
}

/// Reserves all of `wanted` for an order, or nothing: at one location where one has all of a line, else spread over them
/// by their priority. Unless it is kept before `expires_at`, the worker gives it back.
pub async fn reserve(
    tx: &mut Tx,
    order_id: Uuid,
    wanted: &[Quantity],
    expires_at: Option<Moment>,
) -> Result<(), Error> {
    let holder = Holder { order_id, state: ReservationState::Held, expires_at };
    let mut backordered = Vec::new();
    for (variant_id, sku, quantity) in in_lock_order(wanted) {
        let Some(item) = store::take(tx, variant_id, quantity).await? else {
            let available = store::find_item(tx, variant_id).await?.map_or(0, |item| item.available);
            return Err(Error::Insufficient { sku: sku.to_owned(), wanted: quantity, available });
        };
        if item.tracked {
            let missing = place(tx, &holder, &item, sku, quantity).await?;
            backordered.push(Shortage { variant_id, sku: sku.to_owned(), missing });
        }
    }
    tell_backordered(tx, order_id, backordered).await
}

/// The order is paid: what it holds does not expire any more. What had expired is taken again; where goods are short by
/// now, the order waits for them like a backorder, which the answer tells, and the event `stock.short`. What may wait anyway is
/// backordered once more.
pub async fn keep(tx: &mut Tx, order_id: Uuid) -> Result<Vec<Shortage>, Error> {
    let (mut shortages, mut backordered) = (Vec::new(), Vec::new());
    for (variant_id, sku) in variants_of(tx, order_id, ReservationState::can_be_kept).await? {
        let item = store::lock_item(tx, variant_id).await?;
        let mut expired = 0;
        for reservation in store::reservations_of_variant(tx, order_id, variant_id).await? {
            let to = match reservation.state {
                ReservationState::Held => ReservationState::Kept,
                ReservationState::Expired => ReservationState::Released,
                _ => continue,
            };
            if store::move_reservation(tx, reservation.id, reservation.state, to).await?
                && to == ReservationState::Released
            {
                expired += reservation.quantity;
            }
        }
        if expired > 0 {
            let (missing, waiting) = match item {
                Some(item) => take_again(tx, order_id, &item, &sku, expired).await?,
                // Deleted since it expired: there is nothing to wait for, which staff has to know all the more.
                None => (expired, expired),
            };
            if missing > 0 {
                shortages.push(Shortage { variant_id, sku, missing });
            } else {
                backordered.push(Shortage { variant_id, sku, missing: waiting });
            }
        }
    }
    if !shortages.is_empty() {
        tell_waiting(tx, "stock.short", order_id, &shortages).await?;
    }
    tell_backordered(tx, order_id, backordered).await?;
    Ok(shortages)
}

/// An order has been placed, or edited, with goods that are still to come: those of `lines` of which some are missing.
pub(super) async fn tell_backordered(tx: &mut Tx, order_id: Uuid, mut lines: Vec<Shortage>) -> Result<(), Error> {
    lines.retain(|line| line.missing > 0);
    if !lines.is_empty() {
        tell_waiting(tx, "stock.backordered", order_id, &lines).await?;
    }
    Ok(())
}

async fn tell_waiting(tx: &mut Tx, kind: &str, order_id: Uuid, shortages: &[Shortage]) -> Result<(), db::Error> {
    let line = |short: &Shortage| json!({"variant_id": short.variant_id, "sku": short.sku, "missing": short.missing});
    let lines: Vec<_> = shortages.iter().map(line).collect();
    events::record(tx, kind, order_id, json!({"order_id": order_id, "lines": lines})).await
}

/// The order wants nothing any more: gives back what it holds and has not been shipped.
pub async fn release(tx: &mut Tx, order_id: Uuid) -> Result<(), Error> {
    for (variant_id, _) in variants_of(tx, order_id, ReservationState::can_be_released).await? {
        give_back(tx, order_id, variant_id, ReservationState::Released).await?;
    }
    Ok(())
}

/// The order wants so much of it no more. First goes what has expired, which holds nothing and would be taken again with the payment, then
/// what waits for goods.
pub async fn release_some(tx: &mut Tx, order_id: Uuid, goods: &[Quantity]) -> Result<(), Error> {
    let cause = Cause::order(CauseKind::Release, order_id);
    for (variant_id, _, mut left) in in_lock_order(goods) {
        // Of a variant that is gone, too, what has expired would be missed in vain.
        store::lock_item(tx, variant_id).await?;
        let mut reservations = store::reservations_of_variant(tx, order_id, variant_id).await?;
        reservations.retain(|held| held.state.can_be_released());
        reservations.sort_by_key(|held| (held.state.is_open(), held.location_id.is_some()));
        for reservation in reservations {
            let quantity = left.min(reservation.quantity);
            if quantity > 0
                && split(tx, &reservation, quantity, reservation.location_id, ReservationState::Released).await?
            {
                // An expired one was given back before.
                if reservation.state.is_open() {
                    unreserve(tx, &reservation, quantity, &cause).await?;
                }
                left -= quantity;
            }
        }
        serve_waiting(tx, variant_id).await?;
    }
    Ok(())
}

/// What an order holds of a variant is given back, unless it was paid or released meanwhile.
pub(super) async fn expire(tx: &mut Tx, order_id: Uuid, variant_id: Uuid) -> Result<(), Error> {
    give_back(tx, order_id, variant_id, ReservationState::Expired).await
}

/// Goods leave for the shopper: from `from`, or from where they are reserved. Nothing leaves where not all of it can.
///
/// A variant that was not tracked when it was ordered holds nothing, and nothing is counted; nor of one that is not tracked now, of
/// which no order holds any.
pub async fn ship(tx: &mut Tx, order_id: Uuid, goods: &[Quantity], from: Option<Uuid>) -> Result<(), Error> {
    for (variant_id, sku, wanted) in in_lock_order(goods) {
        if !store::lock_item(tx, variant_id).await?.is_some_and(|item| item.tracked) {
            continue;
        }
        let mut reservations = store::reservations_of_variant(tx, order_id, variant_id).await?;
        if reservations.is_empty() {
            continue;
        }
        reservations.retain(|reservation| reservation.state.is_open());
        let held = reservations.iter().map(|reservation| reservation.quantity).sum();
        if held < wanted {
            return Err(Error::NotReserved { sku: sku.to_owned(), wanted, held });
        }
        // What is set aside at that place first, then what is elsewhere, then what waits.
        reservations.sort_by_key(|held| (held.location_id.is_none(), held.location_id != from));
        let mut left = wanted;
        for reservation in &reservations {
            let quantity = left.min(reservation.quantity);
            if quantity > 0 && !ship_one(tx, reservation, quantity, from.or(reservation.location_id)).await? {
                return Err(Error::Insufficient { sku: sku.to_owned(), wanted, available: wanted - left });
            }
            left -= quantity;
        }
        serve_waiting(tx, variant_id).await?;
    }
    Ok(())
}

/// False where the goods do not lie there.
async fn ship_one(
    tx: &mut Tx,
    reservation: &Reservation,
    quantity: i64,
    from: Option<Uuid>,
) -> Result<bool, db::Error> {
    let Some(from) = from else { return Ok(false) };
    let cause = Cause::order(CauseKind::Shipment, reservation.order_id);
    let variant_id = reservation.variant_id;
    if reservation.location_id != Some(from) {
        // Set aside elsewhere: free there, and taken here, where as much must be free.
        let release = Cause::order(CauseKind::Release, reservation.order_id);
        unreserve(tx, reservation, quantity, &release).await?;
        if !ledger::post(tx, variant_id, from, -quantity, 0, &cause).await? {
            return Ok(false);
        }
    } else if !ledger::post(tx, variant_id, from, -quantity, -quantity, &cause).await? {
        return Ok(false);
    }
    split(tx, reservation, quantity, Some(from), ReservationState::Shipped).await
}

/// Moves `quantity` of a reservation into another state or to another place; the rest stays as it is.
async fn split(
    tx: &mut Tx,
    reservation: &Reservation,
    quantity: i64,
    location_id: Option<Uuid>,
    state: ReservationState,
) -> Result<bool, db::Error> {
    if quantity == reservation.quantity && location_id == reservation.location_id {
        return store::move_reservation(tx, reservation.id, reservation.state, state).await;
    }
    let part = Reservation { id: id::sequential(), location_id, quantity, state, ..reservation.clone() };
    store::insert_reservation(tx, &part).await?;
    if quantity == reservation.quantity {
        return store::move_reservation(tx, reservation.id, reservation.state, ReservationState::Released).await;
    }
    store::reduce_reservation(tx, reservation.id, quantity).await
}

/// Sets goods aside for what was counted as reserved already. Tells how much of it waits for goods.
pub(super) async fn place(tx: &mut Tx, holder: &Holder, item: &Item, sku: &str, quantity: i64) -> Result<i64, Error> {
    let variant_id = item.variant_id;
    let cause = Cause::order(CauseKind::Reservation, holder.order_id);
    // Who waits already comes first, even if goods have come that nobody has been given yet.
    let mut left = quantity;
    if item.waiting == 0 {
        if let Some(level) = store::reserve_at_one(tx, variant_id, quantity).await? {
            set_aside(tx, holder, variant_id, sku, level, quantity, &cause).await?;
            return Ok(0);
        }
        for level in store::levels_of(tx, variant_id).await? {
            let part = left.min(level.free());
            if part > 0
                && let Some(level) = store::add_to_level(tx, variant_id, level.location_id, 0, part).await?
            {
                set_aside(tx, holder, variant_id, sku, level, part, &cause).await?;
                left -= part;
            }
        }
    }
    if left > 0 {
        store::add_to_item(tx, variant_id, 0, 0, left).await?;
        ledger::record_waiting(tx, variant_id, item.waiting + left, left, &cause).await?;
        insert(tx, holder, variant_id, sku, None, left).await?;
    }
    Ok(left)
}

async fn set_aside(
    tx: &mut Tx,
    holder: &Holder,
    variant_id: Uuid,
    sku: &str,
    level: super::StockLevel,
    quantity: i64,
    cause: &Cause<'_>,
) -> Result<(), Error> {
    let movement = Movement {
        variant_id,
        location_id: Some(level.location_id),
        on_hand_delta: 0,
        reserved_delta: quantity,
        on_hand: level.on_hand,
        reserved: level.reserved,
    };
    ledger::record(tx, &movement, cause).await?;
    insert(tx, holder, variant_id, sku, Some(level.location_id), quantity).await
}

async fn insert(
    tx: &mut Tx,
    holder: &Holder,
    variant_id: Uuid,
    sku: &str,
    location_id: Option<Uuid>,
    quantity: i64,
) -> Result<(), Error> {
    let reservation = Reservation {
        id: id::sequential(),
        order_id: holder.order_id,
        variant_id,
        sku: sku.to_owned(),
        location_id,
        quantity,
        state: holder.state,
        expires_at: holder.expires_at,
    };
    Ok(store::insert_reservation(tx, &reservation).await?)
}

/// Reserves for a paid order whatever there is; the rest waits. Tells how much that is beyond what the variant allows, and how much
/// it is in all.
async fn take_again(tx: &mut Tx, order_id: Uuid, item: &Item, sku: &str, quantity: i64) -> Result<(i64, i64), Error> {
    if !item.tracked {
        return Ok((0, 0));
    }
    let holder = Holder { order_id, state: ReservationState::Kept, expires_at: None };
    store::add_to_item(tx, item.variant_id, 0, quantity, 0).await?;
    let waiting = place(tx, &holder, item, sku, quantity).await?;
    Ok(((quantity - item.available).max(0), waiting))
}

/// Ends what an order holds of a variant: as released, or as expired where nobody has paid meanwhile.
async fn give_back(tx: &mut Tx, order_id: Uuid, variant_id: Uuid, to: ReservationState) -> Result<(), Error> {
    // A variant that is gone has no open reservations: it could not be deleted with them.
    if store::lock_item(tx, variant_id).await?.is_none() {
        return Ok(());
    }
    let expiring = to == ReservationState::Expired;
    let kind = if expiring { CauseKind::Expiry } else { CauseKind::Release };
    let cause = Cause::order(kind, order_id);
    let now = clock::now();
    for reservation in store::reservations_of_variant(tx, order_id, variant_id).await? {
        let state = reservation.state;
        let overdue = reservation.expires_at.is_some_and(|expires_at| expires_at <= now);
        let applies = if expiring { state == ReservationState::Held && overdue } else { state.can_be_released() };
        if !applies || !store::move_reservation(tx, reservation.id, state, to).await? {
            continue;
        }
        // An expired one was given back before.
        if state.is_open() {
            unreserve(tx, &reservation, reservation.quantity, &cause).await?;
        }
    }
    serve_waiting(tx, variant_id).await?;
    Ok(())
}

/// Takes what a reservation holds out of the numbers.
async fn unreserve(tx: &mut Tx, reservation: &Reservation, quantity: i64, cause: &Cause<'_>) -> Result<(), db::Error> {
    let variant_id = reservation.variant_id;
    match reservation.location_id {
        // The level holds at least what its reservations add up to.
        Some(location_id) => ledger::post(tx, variant_id, location_id, 0, -quantity, cause).await.map(drop),
        None => {
            let waiting = store::find_item(tx, variant_id).await?.map_or(0, |item| item.waiting);
            ledger::post_waiting(tx, variant_id, waiting, -quantity, cause).await
        }
    }
}

/// Gives free goods of a locked variant to those who wait for them, the oldest first. True where some are left to do.
pub(super) async fn serve_waiting(tx: &mut Tx, variant_id: Uuid) -> Result<bool, db::Error> {
    let Some(item) = store::find_item(tx, variant_id).await? else { return Ok(false) };
    if item.waiting == 0 {
        return Ok(false);
    }
    let mut waiting = item.waiting;
    let mut free = store::levels_of(tx, variant_id).await?;
    free.retain(|level| level.free() > 0);
    if free.is_empty() {
        return Ok(false);
    }
    for reservation in store::waiting_reservations(tx, variant_id, SERVED_AT_ONCE).await? {
        let mut left = reservation.clone();
        for level in &mut free {
            let part = left.quantity.min(level.free());
            if part <= 0 {
                continue;
            }
            let cause = Cause::order(CauseKind::Assignment, reservation.order_id);
            ledger::post_waiting(tx, variant_id, waiting, -part, &cause).await?;
            ledger::post(tx, variant_id, level.location_id, 0, part, &cause).await?;
            split(tx, &left, part, Some(level.location_id), reservation.state).await?;
            waiting -= part;
            level.reserved += part;
            left.quantity -= part;
        }
        if left.quantity > 0 {
            break;
        }
    }
    if waiting < item.waiting {
        tell_back(tx, variant_id, item.waiting - waiting).await?;
    }
    Ok(waiting > 0 && free.iter().any(|level| level.free() > 0))
}

/// There are goods again: so many of them went to those who waited.
pub(super) async fn tell_back(tx: &mut Tx, variant_id: Uuid, served: i64) -> Result<(), db::Error> {
    let Some(item) = store::find_item(tx, variant_id).await? else { return Ok(()) };
    let mut data = numbers(&item, store::find_sku(tx, variant_id).await?);
    data["served"] = served.into();
    events::record(tx, "stock.back", variant_id, data).await
}

/// A variant as events tell of it.
pub(super) fn numbers(item: &Item, sku: Option<String>) -> Value {
    json!({
        "variant_id": item.variant_id,
        "sku": sku,
        "on_hand": item.on_hand,
        "reserved": item.reserved,
        "available": item.available,
    })
}

/// What an order has reservations of in these states, in the order of locking.
async fn variants_of(
    tx: &mut Tx,
    order_id: Uuid,
    states: fn(ReservationState) -> bool,
) -> Result<Vec<(Uuid, String)>, db::Error> {
    let mut reservations = store::reservations_of(tx, order_id).await?;
    reservations.retain(|held| states(held.state));
    let mut variants: Vec<_> = reservations.into_iter().map(|held| (held.variant_id, held.sku)).collect();
    variants.sort();
    variants.dedup_by_key(|(variant_id, _)| *variant_id);
    Ok(variants)
}
