//! Second factors, recovery codes, and logins that wait for one.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
pub(in crate::accounts) struct Factor {
    pub customer_id: Uuid,
    /// Encrypted.
    pub secret: Vec<u8>,
    /// None until the first code.
    pub confirmed_at: Option<Moment>,
    /// The step of the last code that was taken.
    pub last_step: i64,
}

/// A factor that is not confirmed, in the place of any other such; false where there is one that is.
pub(in crate::accounts) async fn begin(tx: &mut Tx, customer_id: Uuid, secret: &[u8], now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "insert into second_factors (customer_id, secret, last_step, created_at) values ($1, $2, 0, $3)
         on conflict (customer_id) do update set secret = excluded.secret, created_at = excluded.created_at
         where second_factors.confirmed_at is null",
        customer_id,
        secret,
        now
    )?;
    Ok(changed == 1)
}

pub(in crate::accounts) async fn find(conn: &mut Conn, customer_id: Uuid) -> Result<Option<Factor>> {
    sql::optional!(
        conn,
        Factor,
        "select customer_id, secret, confirmed_at, last_step from second_factors where customer_id = $1",
        customer_id
    )
}

/// False where it was confirmed, removed or begun anew since it was read.
pub(in crate::accounts) async fn confirm(tx: &mut Tx, factor: &Factor, step: i64, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update second_factors set confirmed_at = $3, last_step = $4
         where customer_id = $1 and secret = $2 and confirmed_at is null",
        factor.customer_id,
        factor.secret.as_slice(),
        now,
        step
    )?;
    Ok(changed == 1)
}

/// False where this code, or a later one, was taken before.
pub(in crate::accounts) async fn take_step(tx: &mut Tx, customer_id: Uuid, step: i64) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update second_factors set last_step = $2
         where customer_id = $1 and last_step < $2 and confirmed_at is not null",
        customer_id,
        step
    )?;
    Ok(changed == 1)
}

/// With its recovery codes and the logins that wait for it.
pub(in crate::accounts) async fn delete(tx: &mut Tx, customer_id: Uuid) -> Result<()> {
    delete_recovery_codes(tx, customer_id).await?;
    delete_challenges_of(tx, customer_id).await?;
    sql::execute!(tx, "delete from second_factors where customer_id = $1", customer_id)?;
    Ok(())
}

pub(in crate::accounts) async fn insert_recovery_code(tx: &mut Tx, customer_id: Uuid, hash: &[u8]) -> Result<()> {
    sql::execute!(tx, "insert into recovery_codes (customer_id, code_hash) values ($1, $2)", customer_id, hash)?;
    Ok(())
}

pub(in crate::accounts) async fn delete_recovery_codes(tx: &mut Tx, customer_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from recovery_codes where customer_id = $1", customer_id)?;
    Ok(())
}

pub(in crate::accounts) async fn count_recovery_codes(conn: &mut Conn, customer_id: Uuid) -> Result<i64> {
    let (count,) = sql::one!(
        conn,
        (i64,),
        "select count(*) from recovery_codes where customer_id = $1 and used_at is null",
        customer_id
    )?;
    Ok(count)
}

/// False where there is no such code, or it was used before.
pub(in crate::accounts) async fn use_recovery_code(
    tx: &mut Tx,
    customer_id: Uuid,
    hash: &[u8],
    now: Moment,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update recovery_codes set used_at = $3 where customer_id = $1 and code_hash = $2 and used_at is null",
        customer_id,
        hash,
        now
    )?;
    Ok(changed == 1)
}

/// Of the logins of an account that wait, leaves so many.
pub(in crate::accounts) async fn keep_newest_challenges(tx: &mut Tx, customer_id: Uuid, most: i64) -> Result<()> {
    sql::execute!(
        tx,
        "delete from login_challenges where customer_id = $1 and token_hash not in (
             select token_hash from login_challenges where customer_id = $1 order by created_at desc, token_hash limit $2
         )",
        customer_id,
        most
    )?;
    Ok(())
}

pub(in crate::accounts) async fn insert_challenge(
    tx: &mut Tx,
    token_hash: &[u8],
    customer_id: Uuid,
    now: Moment,
    expires_at: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into login_challenges (token_hash, customer_id, attempts, created_at, expires_at)
         values ($1, $2, 0, $3, $4)",
        token_hash,
        customer_id,
        now,
        expires_at
    )?;
    Ok(())
}

/// Whose login it is, while it waits.
pub(in crate::accounts) async fn find_challenge(
    conn: &mut Conn,
    token_hash: &[u8],
    now: Moment,
) -> Result<Option<Uuid>> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        "select customer_id from login_challenges where token_hash = $1 and expires_at > $2",
        token_hash,
        now
    )?;
    Ok(row.map(|(customer_id,)| customer_id))
}

/// Counts an answer; false where there were `most` of them.
pub(in crate::accounts) async fn spend_attempt(tx: &mut Tx, token_hash: &[u8], most: i64, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update login_challenges set attempts = attempts + 1
         where token_hash = $1 and attempts < $2 and expires_at > $3",
        token_hash,
        most,
        now
    )?;
    Ok(changed == 1)
}

pub(in crate::accounts) async fn delete_challenge(tx: &mut Tx, token_hash: &[u8]) -> Result<bool> {
    Ok(sql::execute!(tx, "delete from login_challenges where token_hash = $1", token_hash)? == 1)
}

pub(in crate::accounts) async fn delete_challenges_of(tx: &mut Tx, customer_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from login_challenges where customer_id = $1", customer_id)?;
    Ok(())
}

pub(in crate::accounts) async fn delete_expired_challenges(tx: &mut Tx, now: Moment) -> Result<u64> {
    sql::execute!(tx, "delete from login_challenges where expires_at <= $1", now)
}
