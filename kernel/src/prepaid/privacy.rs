//! What gift cards and store credit have of a person: told, and forgotten. The amounts stay for the books.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Entry, store};
use crate::db::{self, Conn, Tx};

/// The customer's store credit in every currency, with every change of it.
pub async fn export_credit(conn: &mut Conn, customer_id: Option<Uuid>) -> db::Result<Vec<Value>> {
    let mut exported = Vec::new();
    for (account_id, currency) in store::credits_of(conn, customer_id).await? {
        let entries = store::entries(conn, account_id, Uuid::max(), i64::MAX).await?;
        exported.push(json!({
            "currency": currency,
            "balance": store::balance(conn, account_id).await?,
            "entries": entries.iter().map(entry_json).collect::<Vec<_>>(),
        }));
    }
    Ok(exported)
}

fn entry_json(entry: &Entry) -> Value {
    json!({
        "cause": entry.cause,
        "amount": entry.amount,
        "order_number": entry.order_number,
        "reason": entry.reason,
        "posted_at": entry.posted_at,
    })
}

/// What gift cards paid of these orders and got back. Of a card there is no more than the end of its code.
pub async fn export_gift_cards(conn: &mut Conn, order_ids: &[Uuid]) -> db::Result<Vec<Value>> {
    let mut exported = Vec::new();
    for order_id in order_ids {
        for paid in store::gift_card_entries(conn, *order_id).await? {
            exported.push(json!({
                "order_id": order_id,
                "last_four": paid.last_four,
                "cause": paid.cause,
                "amount": paid.amount,
                "reason": paid.reason,
                "posted_at": paid.posted_at,
            }));
        }
    }
    Ok(exported)
}

/// Takes what staff wrote out of a customer's credit: it may name them.
pub async fn forget_person(tx: &mut Tx, customer_id: Uuid) -> db::Result<()> {
    store::forget_reasons_of(tx, customer_id).await
}

/// Takes what staff wrote out of what these orders were paid with and got back.
pub async fn forget(tx: &mut Tx, order_ids: &[Uuid]) -> db::Result<()> {
    for order_id in order_ids {
        store::forget_reasons(tx, *order_id).await?;
    }
    Ok(())
}
