//! What orders have of a person: told, and forgotten. The goods and the money stay for the books, and of the address what tax needs.

use serde_json::{Value, json};
use uuid::Uuid;

use super::store::{self, people};
use super::{Filter, Line, Order};
use crate::accounts::Person;
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};

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
        "note": order.note,
        "attributes": order.attributes,
        "delivery": order.delivery,
        "currency": order.currency,
        "lines": lines.iter().map(line).collect::<Vec<_>>(),
        "total": order.total,
    })
}

/// Takes the person out of their orders, and out of those that guests placed under an address that is proved to be theirs;
/// tells which.
pub async fn forget_person(tx: &mut Tx, person: &Person, now: Moment) -> db::Result<Vec<Uuid>> {
    let mut orders = people::orders_of(tx, person.customer_id).await?;
    if let Some(email_key) = &person.proved_email_key {
        orders.extend(people::orders_of_guest(tx, email_key).await?);
    }
    for (id, address) in &orders {
        people::forget(tx, *id, &address.without_person(), now).await?;
    }
    Ok(orders.into_iter().map(|(id, _)| id).collect())
}
