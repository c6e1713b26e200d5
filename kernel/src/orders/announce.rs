//! What the outbox tells about an order; docs/events.md describes it.

use serde_json::{Value, json};

use super::refunds::Refund;
use super::state::GoesBack;
use super::{Adjustment, Line, Order, Reason, Status};
use crate::config::Config;
use crate::db::{self, Tx};
use crate::events;
use crate::money::{Amount, Currency};

pub(super) async fn announce(
    tx: &mut Tx,
    kind: &str,
    order: &Order,
    lines: &[Line],
    adjustments: &[Adjustment],
) -> Result<(), db::Error> {
    events::record(tx, kind, order.id, data(order, lines, adjustments)).await
}

/// As [`announce`], with why it was called off and what the shopper gets back.
pub(super) async fn cancelled(
    tx: &mut Tx,
    order: &Order,
    lines: &[Line],
    adjustments: &[Adjustment],
    reason: Reason,
    back: GoesBack,
) -> Result<(), db::Error> {
    let mut data = data(order, lines, adjustments);
    data["cancellation"] = json!({"reason": reason.name(), "refunded": back.refunded, "returned": back.returned});
    events::record(tx, "order.cancelled", order.id, data).await
}

/// What an edit did to the money.
pub(super) struct Edited {
    /// Above 0 the order costs so much more, below so much less.
    pub difference: Amount,
    /// What is still to be paid; below 0, what is still to be given back.
    pub outstanding: Amount,
}

/// As [`announce`], with what it means for the shopper.
pub(super) async fn edited(
    tx: &mut Tx,
    order: &Order,
    lines: &[Line],
    adjustments: &[Adjustment],
    edit: Edited,
) -> Result<(), db::Error> {
    let mut data = data(order, lines, adjustments);
    data["edit"] = json!({"revision": order.revision, "difference": edit.difference, "outstanding": edit.outstanding});
    events::record(tx, "order.edited", order.id, data).await
}

/// As [`announce`], with what went back.
pub(super) async fn refunded(
    tx: &mut Tx,
    order: &Order,
    lines: &[Line],
    adjustments: &[Adjustment],
    refund: &Refund,
) -> Result<(), db::Error> {
    let mut data = data(order, lines, adjustments);
    let back =
        refund.lines.iter().map(|back| json!({"line": back.line, "quantity": back.quantity, "amount": back.amount}));
    data["refund"] = json!({
        "id": refund.id,
        "amount": refund.amount,
        "delivery": refund.delivery,
        "lines": back.collect::<Vec<_>>(),
        // Of an order that was called off, which has been told with the amount already.
        "cancellation": order.status == Status::Cancelled,
    });
    events::record(tx, "order.refunded", order.id, data).await
}

/// The storefront's page of an order, behind a # as in all letters: a guest's belongs to whoever knows the id. Empty where the shop has no
/// storefront. It is for letters only, and stands in no event.
pub fn page(config: &Config, order_id: &str) -> String {
    let base = config.shop.storefront_url.trim_end_matches('/');
    if base.is_empty() { String::new() } else { format!("{base}{}#order={order_id}", config.orders.order_path) }
}

pub(super) fn data(order: &Order, lines: &[Line], adjustments: &[Adjustment]) -> Value {
    let exponent = Currency::try_from(order.currency.clone()).map_or(2, Currency::exponent);
    json!({
        "order_id": order.id,
        "customer_id": order.customer_id,
        "number": order.number.to_string(),
        "status": order.status.name(),
        "email": order.email,
        "name": order.address.name,
        "locale": order.locale,
        "currency": order.currency,
        "exponent": exponent,
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "adjustments": adjustments.iter().map(adjustment).collect::<Vec<_>>(),
        "delivery": {
            "label": order.delivery.label,
            "amount": order.delivery.amount,
            "pickup": order.delivery.pickup,
        },
        "goods_total": order.goods_total,
        "tax_included_total": order.tax_included_total,
        "total": order.total,
        "address": order.address,
        "billing_address": order.billing_address,
        "note": order.note,
        "attributes": order.attributes,
    })
}

fn line(line: &Line) -> Value {
    json!({
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price": line.unit_price,
        // Before adjustments, which are listed on their own.
        "total": line.unit_price.saturating_mul(i64::from(line.quantity)),
        "note": line.note,
        "attributes": line.attributes,
    })
}

fn adjustment(adjustment: &Adjustment) -> Value {
    json!({
        "target": adjustment.target.name(),
        "line": adjustment.target.line(),
        "kind": adjustment.kind,
        "code": adjustment.code,
        "label": adjustment.label,
        "amount": adjustment.amount,
        "rate_ppm": adjustment.rate_ppm,
        "base": adjustment.base,
    })
}
