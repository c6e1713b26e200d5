//! What orders have of a person: told, and forgotten. The goods and the money stay for the books, and of the address what tax needs.

use serde_json::{Value, json};
use uuid::Uuid;

use super::store::{self, people};
use super::{Filter, Line, Order, receipts};
use crate::accounts::Person;
use crate::clock::{self, Moment};
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

/// Every order of the person, the newest first.
pub async fn export_person(conn: &mut Conn, person: &Person) -> db::Result<Vec<Value>> {
    const PAGE: i64 = 100;
    let mut exported = Vec::new();
    let theirs = Filter { customer_id: Some(person.customer_id), ..Filter::default() };
    let mut before = (clock::now() + chrono::TimeDelta::days(1), Uuid::max());
    loop {
        let page = store::list(conn, &theirs, before, PAGE).await?;
        let Some(last) = page.last() else { return Ok(exported) };
        before = (last.placed_at, last.id);
        for order in page {
            let lines = store::lines(conn, order.id).await?;
            exported.push(order_json(&order, &lines));
        }
    }
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

/// The orders of the person's account.
pub async fn ids_of(conn: &mut Conn, person: &Person) -> db::Result<Vec<Uuid>> {
    let orders = people::orders_of(conn, person.customer_id).await?;
    Ok(orders.into_iter().map(|(id, _)| id).collect())
}

/// What was forgotten.
pub struct Forgotten {
    pub orders: Vec<Uuid>,
    /// Open ones, and those that became one of the orders.
    pub drafts: Vec<Uuid>,
}

/// Takes the person out of their orders, and out of those that guests placed, or staff began, under an address that is proved to be theirs.
pub async fn forget_person(tx: &mut Tx, person: &Person, now: Moment) -> db::Result<Forgotten> {
    let email_key = person.proved_email_key.as_deref();
    let mut named = people::orders_of(tx, person.customer_id).await?;
    if let Some(email_key) = email_key {
        named.extend(people::orders_of_guest(tx, email_key).await?);
    }
    for (id, address) in &named {
        people::forget(tx, *id, &address.without_person(), now).await?;
        receipts::forget_words(tx, *id).await?;
        ledger::forget_words(tx, *id).await?;
    }
    let orders: Vec<_> = named.into_iter().map(|(id, _)| id).collect();
    let mut drafts = people::forget_drafts_of_orders(tx, &orders).await?;
    drafts.extend(people::forget_open_drafts(tx, person.customer_id, email_key).await?);
    Ok(Forgotten { orders, drafts })
}
