//! The tokens of links in letters, by their hashes.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, Result, Tx, sql};

pub(in crate::accounts) async fn insert(
    tx: &mut Tx,
    token_hash: &[u8],
    purpose: &str,
    customer_id: Uuid,
    email: &str,
    now: Moment,
    expires_at: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into account_tokens (token_hash, purpose, customer_id, email, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6)",
        token_hash,
        purpose,
        customer_id,
        email,
        now,
        expires_at
    )?;
    Ok(())
}

/// The customer and the address, where the token was good until now.
pub(in crate::accounts) async fn spend(
    tx: &mut Tx,
    token_hash: &[u8],
    purpose: &str,
    now: Moment,
) -> Result<Option<(Uuid, String)>> {
    sql::optional!(
        tx,
        (Uuid, String),
        "update account_tokens set used_at = $3
         where token_hash = $1 and purpose = $2 and used_at is null and expires_at > $3
         returning customer_id, email",
        token_hash,
        purpose,
        now
    )
}

/// The customer of a token that is not out of date, used or not.
pub(in crate::accounts) async fn find_customer_of(
    conn: &mut Conn,
    token_hash: &[u8],
    purpose: &str,
    now: Moment,
) -> Result<Option<Uuid>> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        "select customer_id from account_tokens where token_hash = $1 and purpose = $2 and expires_at > $3",
        token_hash,
        purpose,
        now
    )?;
    Ok(row.map(|(customer_id,)| customer_id))
}

/// Whether the customer has used a token of this purpose for this address.
pub(in crate::accounts) async fn was_spent(
    conn: &mut Conn,
    customer_id: Uuid,
    purpose: &str,
    email: &str,
    now: Moment,
) -> Result<bool> {
    let row = sql::optional!(
        conn,
        (i64,),
        "select cast(1 as bigint) from account_tokens
         where customer_id = $1 and purpose = $2 and email = $3 and used_at is not null and expires_at > $4 limit 1",
        customer_id,
        purpose,
        email,
        now
    )?;
    Ok(row.is_some())
}

pub(in crate::accounts) async fn delete_of(tx: &mut Tx, customer_id: Uuid, purpose: &str) -> Result<()> {
    sql::execute!(tx, "delete from account_tokens where customer_id = $1 and purpose = $2", customer_id, purpose)?;
    Ok(())
}

pub(in crate::accounts) async fn delete_expired(tx: &mut Tx, now: Moment) -> Result<u64> {
    sql::execute!(tx, "delete from account_tokens where expires_at <= $1", now)
}
