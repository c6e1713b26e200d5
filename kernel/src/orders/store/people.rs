//! Orders, and whose they are.

use uuid::Uuid;

use crate::address::Address;
use crate::clock::Moment;
use crate::db::{Conn, Json, Result, Tx, sql};

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

pub(in crate::orders) async fn orders_of_guest(conn: &mut Conn, email_key: &str) -> Result<Vec<Named>> {
    let rows = sql::all!(
        conn,
        (Uuid, Json<Address>),
        "select id, address from orders where customer_id is null and email_key = $1 order by id",
        email_key
    )?;
    Ok(named(rows))
}

/// A new version, so that whoever read the order before does not write the person back.
pub(in crate::orders) async fn forget(tx: &mut Tx, id: Uuid, address: &Address, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update orders set email = '', email_key = '', note = '', address = $2, updated_at = $3, version = version + 1
         where id = $1 and email <> ''",
        id,
        Json(address),
        now
    )?;
    sql::execute!(tx, "update order_lines set note = '' where order_id = $1 and note <> ''", id)?;
    // What it was before, and what it was made of, say the same of the person.
    sql::execute!(tx, "delete from order_revisions where order_id = $1", id)?;
    sql::execute!(tx, "delete from drafts where order_id = $1", id)?;
    Ok(())
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
