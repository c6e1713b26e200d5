//! Lists of orders.

use uuid::Uuid;

use super::orders::OrderRow;
use crate::clock::Moment;
use crate::db::{Built, Conn, Result};
use crate::orders::{Filter, Order};

/// The newest first. Whatever is asked for, an index has it in this order, but for the beginning of an address: what that finds is
/// sorted.
pub(in crate::orders) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    (before, before_id): (Moment, Uuid),
    limit: i64,
) -> Result<Vec<Order>> {
    let mut sql = Built::new(
        "select id, number, cart_id, customer_id, status, currency, locale, email, address, billing_address, delivery, note,
                attributes, goods_total, discount_total, fee_total, delivery_total, tax_total, tax_included_total, total, revision, version,
                placed_at, updated_at
         from orders where true",
    );
    if let Some(customer_id) = filter.customer_id {
        sql.push(" and customer_id = ").bind(customer_id);
    }
    if let Some(status) = filter.status {
        sql.push(" and status = ").bind(status.name());
    }
    if let Some(number) = filter.number {
        sql.push(" and number = ").bind(number);
    }
    if let Some(email) = &filter.email {
        // Nothing sorts after the last character there is.
        sql.push(" and email_key >= ").bind(email).push(" and email_key < ").bind(format!("{email}\u{10FFFF}"));
    }
    if let Some(since) = filter.placed_since {
        sql.push(" and placed_at >= ").bind(since);
    }
    if let Some(until) = filter.placed_until {
        sql.push(" and placed_at < ").bind(until);
    }
    sql.push(" and (placed_at, id) < (").bind(before).push(", ").bind(before_id).push(")");
    sql.push(" order by placed_at desc, id desc limit ").bind(limit);
    let rows: Vec<OrderRow> = sql.all(conn).await?;
    Ok(rows.into_iter().map(Order::from).collect())
}
