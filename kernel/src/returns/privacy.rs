//! What returns have of a person: told, and forgotten.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Event, Return, ReturnLine, of_order, store};
use crate::db::{self, Conn, Tx};

/// The returns of these orders.
pub async fn export(conn: &mut Conn, order_ids: &[Uuid]) -> db::Result<Vec<Value>> {
    let mut exported = Vec::new();
    for id in order_ids {
        exported.extend(of_order(conn, *id).await?.iter().map(return_json));
    }
    Ok(exported)
}

fn return_json(wanted: &Return) -> Value {
    let line = |line: &ReturnLine| {
        json!({
            "line": line.line,
            "quantity": line.quantity,
            "reason": line.reason.name(),
            "note": line.note,
            "received": line.received,
        })
    };
    let event = |event: &Event| json!({ "at": event.at, "status": event.status, "cause": event.cause });
    json!({
        "id": wanted.id,
        "order_id": wanted.order_id,
        "number": wanted.number,
        "status": wanted.status.name(),
        "lines": wanted.lines.iter().map(line).collect::<Vec<_>>(),
        "history": wanted.history.iter().map(event).collect::<Vec<_>>(),
        "created_at": wanted.created_at,
        "updated_at": wanted.updated_at,
    })
}

/// Takes what people wrote out of the returns of these orders; tells which.
pub async fn forget(tx: &mut Tx, order_ids: &[Uuid]) -> db::Result<Vec<Uuid>> {
    let mut forgotten = Vec::new();
    for id in order_ids {
        forgotten.extend(store::forget(tx, *id).await?);
    }
    Ok(forgotten)
}
