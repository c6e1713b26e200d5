//! What shipments have of a person: told, and forgotten.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Shipment, ShippedLine, TrackingEvent, of_order, store};
use crate::db::{self, Conn, Tx};

/// The shipments of these orders.
pub async fn export(conn: &mut Conn, order_ids: &[Uuid]) -> db::Result<Vec<Value>> {
    let mut exported = Vec::new();
    for id in order_ids {
        exported.extend(of_order(conn, *id).await?.iter().map(shipment_json));
    }
    Ok(exported)
}

fn shipment_json(shipment: &Shipment) -> Value {
    let line = |line: &ShippedLine| json!({ "line": line.line, "quantity": line.quantity });
    let event = |event: &TrackingEvent| {
        let status = event.status.map(super::Status::name);
        json!({ "at": event.at, "status": status, "text": event.text, "source": event.source.name() })
    };
    json!({
        "id": shipment.id,
        "order_id": shipment.order_id,
        "number": shipment.number,
        "kind": shipment.kind.name(),
        "status": shipment.status.name(),
        "tracking": { "number": shipment.tracking.number, "url": shipment.tracking.url },
        "lines": shipment.lines.iter().map(line).collect::<Vec<_>>(),
        "events": shipment.events.iter().map(event).collect::<Vec<_>>(),
        "created_at": shipment.created_at,
        "dispatched_at": shipment.dispatched_at,
        "delivered_at": shipment.delivered_at,
    })
}

/// Takes what leads to a person out of the shipments of these orders: what people wrote about them, and the carriers' pages. Tells
/// which.
pub async fn forget(tx: &mut Tx, order_ids: &[Uuid]) -> db::Result<Vec<Uuid>> {
    let mut forgotten = Vec::new();
    for id in order_ids {
        forgotten.extend(store::forget(tx, *id).await?);
    }
    Ok(forgotten)
}
