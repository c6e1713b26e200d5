//! What is planned, and not wanted any more: the whole order, or pieces that are refunded before they leave.

use uuid::Uuid;

use super::{Pieces, Shipment, Source, Status, TrackingEvent, pieces, store};
use crate::clock;
use crate::db::{self, Tx};
use crate::orders::Order;

/// Cancels what is planned of an order that is called off, in a transaction that holds its lock. False where shipping has
/// begun: a carrier was booked, or goods have left.
pub async fn call_off(tx: &mut Tx, order: &Order) -> Result<bool, db::Error> {
    let shipments = super::of_order(tx, order.id).await?;
    if shipments.iter().any(Shipment::has_begun) {
        return Ok(false);
    }
    let now = clock::now();
    for mut shipment in shipments.into_iter().filter(|shipment| shipment.status != Status::Cancelled) {
        shipment.status = Status::Cancelled;
        // Whoever changes a shipment holds the order's lock, as we do.
        store::update_shipment(tx, &shipment, now).await?;
    }
    Ok(true)
}

/// Was a carrier booked, or did goods leave? In a transaction that holds the order's lock.
pub async fn has_begun(tx: &mut Tx, order_id: Uuid) -> Result<bool, db::Error> {
    Ok(super::of_order(tx, order_id).await?.iter().any(Shipment::has_begun))
}

/// By line of an order whose lock is held: the pieces that can still be kept from leaving. They are in no shipment, or in one that no
/// carrier comes for.
pub async fn stoppable(tx: &mut Tx, order_id: Uuid) -> Result<Vec<u32>, db::Error> {
    let mut stoppable: Vec<_> = pieces(tx, order_id).await?.iter().map(Pieces::left).collect();
    for shipment in super::of_order(tx, order_id).await?.iter().filter(|shipment| is_loose(shipment)) {
        for held in &shipment.lines {
            if let Some(of) = stoppable.get_mut(held.line as usize) {
                *of += held.quantity;
            }
        }
    }
    Ok(stoppable)
}

/// Takes out of its shipments what an order does not want any more, the newest first, in a transaction that holds its lock. A shipment
/// that nothing is left of is cancelled.
pub async fn unplan(tx: &mut Tx, order_id: Uuid) -> Result<(), db::Error> {
    let mut unwanted: Vec<_> = pieces(tx, order_id).await?.iter().map(Pieces::unwanted).collect();
    for mut shipment in super::of_order(tx, order_id).await?.into_iter().rev().filter(is_loose) {
        let before = shipment.lines.clone();
        for held in &mut shipment.lines {
            if let Some(of) = unwanted.get_mut(held.line as usize) {
                let taken = held.quantity.min(*of);
                (held.quantity, *of) = (held.quantity - taken, *of - taken);
            }
        }
        shipment.lines.retain(|held| held.quantity > 0);
        if shipment.lines == before {
            continue;
        }
        let now = clock::now();
        if shipment.lines.is_empty() {
            // It shows what it held.
            (shipment.status, shipment.next_check_at) = (Status::Cancelled, None);
            let (status, text, source) = (Some(Status::Cancelled), String::new(), Source::Staff);
            store::insert_event(tx, shipment.id, &TrackingEvent { at: now, status, text, source }).await?;
        } else {
            store::replace_lines(tx, &shipment).await?;
        }
        // Whoever changes a shipment holds the order's lock, as we do.
        store::update_shipment(tx, &shipment, now).await?;
    }
    Ok(())
}

/// Its goods are here, and nobody comes for them but the shopper.
fn is_loose(shipment: &Shipment) -> bool {
    shipment.status != Status::Cancelled && !shipment.has_begun()
}
