//! Orders, and whose they are.

use uuid::Uuid;

use crate::address::Address;
use crate::carts::Attributes;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::orders::drafts::Wishes;

/// What a plugin was asked.
#[derive(FromRow)]
pub(in crate::orders) struct Input {
    pub revision: i64,
    pub position: i64,
    pub input: String,
}

/// An order with what it has of a person.
type Named = (Uuid, Address);

fn named(rows: Vec<(Uuid, Json<Address>)>) -> Vec<Named> {
    rows.into_iter().map(|(id, Json(address))| (id, address)).collect()
}

pub(in crate::orders) async fn orders_of(conn: &mut Conn, customer_id: Uuid) -> Result<Vec<Named>> {
    let rows = sql::all!(
        conn,
        (Uuid, Json<Address>),
        "select id, address from orders where customer_id = $1 order by id",
        customer_id
    )?;
    Ok(named(rows))
}

pub(in crate::orders) async fn orders_of_guest(conn: &mut Conn, email_key: &str, limit: i64) -> Result<Vec<Named>> {
    let rows = sql::all!(
        conn,
        (Uuid, Json<Address>),
        "select id, address from orders where customer_id is null and email_key = $1 order by id limit $2",
        email_key,
        limit
    )?;
    Ok(named(rows))
}

pub(in crate::orders) async fn number_of(conn: &mut Conn, id: Uuid) -> Result<i64> {
    let (number,) = sql::one!(conn, (i64,), "select number from orders where id = $1", id)?;
    Ok(number)
}

/// A new version, so that whoever read the order before does not write the person back.
pub(in crate::orders) async fn forget(tx: &mut Tx, id: Uuid, address: &Address, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update orders set email = '', email_key = '', note = '', attributes = $4, address = $2, billing_address = null,
                updated_at = $3, version = version + 1
         where id = $1 and email <> ''",
        id,
        Json(address),
        now,
        Json(Attributes::new())
    )?;
    sql::execute!(
        tx,
        "update order_lines set note = '', attributes = $2 where order_id = $1",
        id,
        Json(Attributes::new())
    )?;
    sql::execute!(tx, "update refunds set reason = '' where order_id = $1", id)?;
    // What it was before says the same of the person.
    sql::execute!(tx, "delete from order_revisions where order_id = $1", id)?;
    Ok(())
}

/// Position, revision and input of the receipts of an order's price whose input has these words. Delivery plugins are told none.
pub(in crate::orders) async fn inputs_with(conn: &mut Conn, order_id: Uuid, words: &str) -> Result<Vec<Input>> {
    sql::all!(
        conn,
        Input,
        "select revision, position, input from order_receipts
         where order_id = $1 and domain = 'pricing' and input like $2 order by revision, position",
        order_id,
        format!("%{words}%")
    )
}

pub(in crate::orders) async fn replace_input(tx: &mut Tx, order_id: Uuid, input: &Input, sha256: &str) -> Result<()> {
    sql::execute!(
        tx,
        "update order_receipts set input = $4, input_sha256 = $5
         where order_id = $1 and revision = $2 and position = $3",
        order_id,
        input.revision,
        input.position,
        input.input.as_str(),
        sha256
    )?;
    Ok(())
}

/// Deletes what plugins logged when they were asked for the order.
pub(in crate::orders) async fn forget_logs(tx: &mut Tx, order_id: Uuid) -> Result<()> {
    sql::execute!(tx, "update order_receipts set log = '[]' where order_id = $1", order_id)?;
    Ok(())
}

/// Deletes what these orders were made of; tells which drafts.
pub(in crate::orders) async fn forget_drafts_of_orders(tx: &mut Tx, order_ids: &[Uuid]) -> Result<Vec<Uuid>> {
    let mut forgotten = Vec::new();
    for id in order_ids {
        let rows = sql::all!(tx, (Uuid,), "delete from drafts where order_id = $1 returning id", *id)?;
        forgotten.extend(rows.into_iter().map(|(id,)| id));
    }
    Ok(forgotten)
}

/// Deletes open drafts for this customer; tells which.
pub(in crate::orders) async fn forget_open_drafts(tx: &mut Tx, customer_id: Uuid) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        tx,
        (Uuid,),
        "delete from drafts where order_id is null and customer_id = $1 returning id",
        customer_id
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Deletes open drafts for this address, at most `limit`; tells which.
pub(in crate::orders) async fn forget_drafts_for(tx: &mut Tx, email_key: &str, limit: i64) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        tx,
        (Uuid,),
        "delete from drafts
         where id in (select id from drafts where order_id is null and email_key = $1 limit $2) returning id",
        email_key,
        limit
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// What the drafts that [`forget_open_drafts`] and [`forget_drafts_for`] delete are to be, the oldest first.
pub(in crate::orders) async fn open_drafts(
    conn: &mut Conn,
    customer_id: Option<Uuid>,
    email_key: Option<&str>,
) -> Result<Vec<(Moment, Wishes)>> {
    let rows = sql::all!(
        conn,
        (Moment, Json<Wishes>),
        "select created_at, wishes from drafts
         where order_id is null and (customer_id = $1 or email_key = $2) order by created_at, id",
        customer_id,
        email_key
    )?;
    Ok(rows.into_iter().map(|(created_at, Json(wishes))| (created_at, wishes)).collect())
}

/// The person in it was forgotten: nothing else leaves an order without an address.
pub(in crate::orders) async fn is_forgotten(conn: &mut Conn, id: Uuid) -> Result<bool> {
    Ok(sql::optional!(conn, (Uuid,), "select id from orders where id = $1 and email = ''", id)?.is_some())
}

pub(in crate::orders) async fn placed_by(conn: &mut Conn, customer_id: Uuid) -> Result<(i64, Option<Moment>)> {
    let (count,) = sql::one!(conn, (i64,), "select count(*) from orders where customer_id = $1", customer_id)?;
    let last = sql::optional!(
        conn,
        (Moment,),
        "select placed_at from orders where customer_id = $1 order by placed_at desc, id desc limit 1",
        customer_id
    )?;
    Ok((count, last.map(|(placed_at,)| placed_at)))
}

pub(in crate::orders) async fn under_way(conn: &mut Conn, customer_id: Uuid) -> Result<i64> {
    let (count,) = sql::one!(
        conn,
        (i64,),
        "select count(*) from orders where customer_id = $1 and status in ('new', 'paid')",
        customer_id
    )?;
    Ok(count)
}
