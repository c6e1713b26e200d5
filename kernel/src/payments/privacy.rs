//! What payments have of a person: told. There is nothing to forget: what they know of a card is the provider's reference.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Payment, of_order};
use crate::db::{self, Conn};

/// The payments of these orders.
pub async fn export(conn: &mut Conn, order_ids: &[Uuid]) -> db::Result<Vec<Value>> {
    let mut exported = Vec::new();
    for order_id in order_ids {
        exported.extend(of_order(conn, *order_id).await?.iter().map(payment_json));
    }
    Ok(exported)
}

fn payment_json(payment: &Payment) -> Value {
    json!({
        "order_id": payment.order_id,
        "method": format!("{}:{}", payment.plugin, payment.method),
        "status": payment.status_name(),
        "currency": payment.currency,
        "amount": payment.amount,
        "authorized": payment.moved.authorized,
        "captured": payment.moved.captured,
        "refunded": payment.moved.refunded,
        "reference": payment.reference,
        "created_at": payment.created_at,
    })
}
