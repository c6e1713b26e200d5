//! What orders have of a person: told, and forgotten. The goods and the money stay for the books, and of the address what tax needs.

use serde_json::{Value, json};
use uuid::Uuid;

use super::refunds::Refund;
use super::revisions::Revision;
use super::store::{self, people};
use super::{Event, Line, Order, receipts};
use crate::accounts::Person;
use crate::address::Address;
use crate::clock::Moment;
use crate::db::{self, Conn, Tx};
use crate::ledger;

/// How many orders a customer has placed, and when the last.
pub async fn placed_by(conn: &mut Conn, customer_id: Uuid) -> db::Result<(i64, Option<Moment>)> {
    people::placed_by(conn, customer_id).await
}

/// How many of a customer's orders are placed or paid and not shipped yet: they cannot be without an address.
pub async fn under_way(conn: &mut Conn, customer_id: Uuid) -> db::Result<i64> {
    people::under_way(conn, customer_id).await
}

/// These orders, with all that was done and written about them.
pub async fn export(conn: &mut Conn, order_ids: &[Uuid]) -> db::Result<Vec<Value>> {
    let mut exported = Vec::with_capacity(order_ids.len());
    for id in order_ids {
        let order = store::get_order(conn, *id).await?;
        let lines = store::lines(conn, *id).await?;
        let mut json = order_json(&order, &lines);
        json["history"] = store::history(conn, *id).await?.iter().map(event_json).collect();
        json["former_revisions"] = store::revisions(conn, *id).await?.iter().map(revision_json).collect();
        json["refunds"] = store::refunds(conn, *id).await?.iter().map(refund_json).collect();
        json["bookings"] = ledger::transactions(conn, *id).await?.iter().map(booking_json).collect();
        exported.push(json);
    }
    Ok(exported)
}

/// What staff began for the person, and did not order yet.
pub async fn export_drafts(conn: &mut Conn, person: &Person) -> db::Result<Vec<Value>> {
    let drafts = people::open_drafts(conn, person.customer_id, person.proved_email_key.as_deref()).await?;
    Ok(drafts.into_iter().map(|(created_at, wishes)| json!({ "created_at": created_at, "wishes": wishes })).collect())
}

fn event_json(event: &Event) -> Value {
    json!({ "at": event.at, "status": event.status, "cause": event.cause })
}

fn revision_json(revision: &Revision) -> Value {
    json!({
        "revision": revision.revision,
        "replaced_at": revision.replaced_at,
        "reason": revision.reason,
        "total": revision.total,
        "contents": revision.contents,
    })
}

fn refund_json(refund: &Refund) -> Value {
    json!({
        "id": refund.id,
        "amount": refund.amount,
        "status": refund.status.name(),
        "reason": refund.reason,
        "created_at": refund.created_at,
    })
}

fn booking_json(posted: &ledger::Transaction) -> Value {
    json!({ "kind": posted.kind, "cause": posted.cause, "posted_at": posted.posted_at, "entries": posted.entries })
}

fn order_json(order: &Order, lines: &[Line]) -> Value {
    let line = |line: &Line| {
        let Line { sku, title, quantity, unit_price, total, note, attributes, .. } = line;
        json!({
            "sku": sku,
            "title": title,
            "quantity": quantity,
            "unit_price": unit_price,
            "total": total,
            "note": note,
            "attributes": attributes,
        })
    };
    json!({
        "id": order.id,
        "number": order.number,
        "status": order.status.name(),
        "placed_at": order.placed_at,
        "email": order.email,
        "locale": order.locale,
        "address": order.address,
        "billing_address": order.billing_address,
        "note": order.note,
        "attributes": order.attributes,
        "delivery": order.delivery,
        "currency": order.currency,
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "total": order.total,
    })
}

/// The orders of the person: of their account, and those that guests placed under an address that is proved to be theirs. What is told of
/// a person and what is forgotten of them are the same.
pub async fn ids_of(conn: &mut Conn, person: &Person) -> db::Result<Vec<Uuid>> {
    let mut named = match person.customer_id {
        Some(customer_id) => people::orders_of(conn, customer_id).await?,
        None => Vec::new(),
    };
    if let Some(email_key) = &person.proved_email_key {
        named.extend(people::orders_of_guest(conn, email_key, i64::MAX).await?);
    }
    Ok(named.into_iter().map(|(id, _)| id).collect())
}

/// Whether the person in this order was forgotten.
pub async fn is_forgotten(conn: &mut Conn, order_id: Uuid) -> db::Result<bool> {
    people::is_forgotten(conn, order_id).await
}

/// What was forgotten.
pub struct Forgotten {
    pub orders: Vec<Uuid>,
    /// The numbers of the orders, which is what plugins know of them.
    pub numbers: Vec<i64>,
    /// Open ones, and those that became one of the orders.
    pub drafts: Vec<Uuid>,
}

/// Takes the person out of the orders of their account, and out of what staff began for it.
pub async fn forget_person(tx: &mut Tx, customer_id: Uuid, now: Moment) -> db::Result<Forgotten> {
    let named = people::orders_of(tx, customer_id).await?;
    let mut forgotten = forget(tx, named, now).await?;
    forgotten.drafts.extend(people::forget_open_drafts(tx, customer_id).await?);
    Ok(forgotten)
}

/// As [`forget_person`], of orders that guests placed, or staff began, under this address: at most `limit` of each.
pub async fn forget_guests(tx: &mut Tx, email_key: &str, limit: i64, now: Moment) -> db::Result<Forgotten> {
    let named = people::orders_of_guest(tx, email_key, limit).await?;
    let mut forgotten = forget(tx, named, now).await?;
    forgotten.drafts.extend(people::forget_drafts_for(tx, email_key, limit).await?);
    Ok(forgotten)
}

async fn forget(tx: &mut Tx, named: Vec<(Uuid, Address)>, now: Moment) -> db::Result<Forgotten> {
    let mut numbers = Vec::with_capacity(named.len());
    for (id, address) in &named {
        numbers.push(people::number_of(tx, *id).await?);
        people::forget(tx, *id, &address.without_person(), now).await?;
        receipts::forget_words(tx, *id).await?;
        ledger::forget_words(tx, *id).await?;
    }
    let orders: Vec<_> = named.into_iter().map(|(id, _)| id).collect();
    let drafts = people::forget_drafts_of_orders(tx, &orders).await?;
    Ok(Forgotten { orders, numbers, drafts })
}
