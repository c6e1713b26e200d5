//! Codes that were mailed to guests.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, Result, Tx, sql};

pub(in crate::orders) async fn find_guests(conn: &mut Conn, number: i64, email_key: &str) -> Result<Option<Uuid>> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        "select id from orders where number = $1 and email_key = $2 and customer_id is null",
        number,
        email_key
    )?;
    Ok(row.map(|(id,)| id))
}

/// False where one was made after `paused`.
pub(in crate::orders) async fn put_code(
    tx: &mut Tx,
    order_id: Uuid,
    hash: &[u8],
    now: Moment,
    expires_at: Moment,
    paused: Moment,
) -> Result<bool> {
    let written = sql::execute!(
        tx,
        "insert into order_codes (order_id, code_hash, attempts, made_at, expires_at) values ($1, $2, 0, $3, $4)
         on conflict (order_id) do update set code_hash = $2, attempts = 0, made_at = $3, expires_at = $4
         where order_codes.made_at <= $5",
        order_id,
        hash,
        now,
        expires_at,
        paused
    )?;
    Ok(written == 1)
}

/// The hash of the code, if one more attempt is free.
pub(in crate::orders) async fn try_code(
    tx: &mut Tx,
    number: i64,
    email_key: &str,
    attempts: i64,
    now: Moment,
) -> Result<Option<(Uuid, Vec<u8>)>> {
    sql::optional!(
        tx,
        (Uuid, Vec<u8>),
        "update order_codes set attempts = attempts + 1
         where order_id = (select id from orders where number = $1 and email_key = $2 and customer_id is null)
           and attempts < $3 and expires_at > $4
         returning order_id, code_hash",
        number,
        email_key,
        attempts,
        now
    )
}

/// False where somebody was faster.
pub(in crate::orders) async fn delete_code(tx: &mut Tx, order_id: Uuid) -> Result<bool> {
    Ok(sql::execute!(tx, "delete from order_codes where order_id = $1", order_id)? == 1)
}

pub(in crate::orders) async fn delete_expired(tx: &mut Tx, now: Moment) -> Result<u64> {
    sql::execute!(tx, "delete from order_codes where expires_at <= $1", now)
}
