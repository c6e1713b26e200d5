//! What the outbox tells about a shipment; docs/events.md describes it.

use serde_json::json;

use super::Shipment;
use crate::db::{self, Tx};
use crate::events;
use crate::orders::{self, Order};

/// What is told of a shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum News {
    /// It is planned.
    Created,
    /// It is on its way, or ready to be collected: what a shopper waits for, of each shipment of the order.
    OnItsWay,
    Delivered,
}

/// The order, and what of it is in the shipment.
pub(super) async fn announce(tx: &mut Tx, news: News, order: &Order, shipment: &Shipment) -> Result<(), db::Error> {
    let lines = orders::lines(tx, order.id).await?;
    let held = shipment.lines.iter().filter_map(|held| {
        let line = lines.get(held.line as usize)?;
        Some(json!({"line": held.line, "sku": line.sku, "title": line.title, "quantity": held.quantity}))
    });
    let mut data = orders::event_data(tx, order).await?;
    data["shipment"] = json!({
        "id": shipment.id,
        "number": shipment.number,
        "kind": shipment.kind.name(),
        "status": shipment.status.name(),
        "tracking_number": shipment.tracking.number,
        "tracking_url": shipment.tracking.url,
        "lines": held.collect::<Vec<_>>(),
    });
    let (kind, subject) = match news {
        News::Created => ("shipment.created", shipment.id),
        News::OnItsWay => ("order.shipped", order.id),
        News::Delivered => ("shipment.delivered", shipment.id),
    };
    events::record(tx, kind, subject, data).await
}
