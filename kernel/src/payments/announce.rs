//! What the outbox tells about payments; docs/events.md describes it.

use serde_json::json;

use super::{Payment, Status};
use crate::db::{self, Tx};
use crate::events;
use crate::orders::Order;

/// That nobody knows how a payment ended, and that it is known at last.
pub(super) async fn status(tx: &mut Tx, order: &Order, payment: &Payment, was: Status) -> Result<(), db::Error> {
    let kind = match (was, payment.status) {
        (before, Status::Unknown) if before != Status::Unknown => "payment.unknown",
        (Status::Unknown, now) if now != Status::Unknown => "payment.resolved",
        _ => return Ok(()),
    };
    let data = json!({
        "payment_id": payment.id,
        "order_id": payment.order_id,
        "number": order.number.to_string(),
        "plugin": payment.plugin,
        "method": payment.method,
        "status": payment.status.name(),
        "currency": payment.currency,
        "amount": payment.amount,
    });
    events::record(tx, kind, payment.id, data).await
}
