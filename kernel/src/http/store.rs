//! The SQL of idempotency keys.

use uuid::Uuid;

use super::idempotency::{Claim, Claimed, Saved};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, sql};

#[derive(FromRow)]
struct KeyRow {
    request_hash: Vec<u8>,
    claimed_at: Moment,
    status: Option<i64>,
    content_type: Option<String>,
    location: Option<String>,
    body: Option<Vec<u8>>,
}

pub(super) async fn claim_key(conn: &mut Conn, claim: &Claim<'_>, abandoned_before: Moment) -> Result<Claimed> {
    let inserted = sql::execute!(
        conn,
        "insert into idempotency_keys (scope, idempotency_key, request_hash, claimed_at, caller_id, subject_id)
         values ($1, $2, $3, $4, $5, $6)
         on conflict (scope, idempotency_key) do nothing",
        claim.scope,
        claim.key,
        claim.request_hash,
        claim.claimed_at,
        claim.caller_id,
        claim.subject_id
    )?;
    if inserted == 1 {
        return Ok(Claimed::New);
    }
    let row = sql::optional!(
        conn,
        KeyRow,
        "select request_hash, claimed_at, status, content_type, location, body from idempotency_keys
         where scope = $1 and idempotency_key = $2",
        claim.scope,
        claim.key
    )?;
    let Some(row) = row else { return Ok(Claimed::InFlight) };
    if row.request_hash != claim.request_hash {
        return Ok(Claimed::OtherRequest);
    }
    if let Some(status) = row.status {
        return Ok(Claimed::Answered(Saved {
            status: u16::try_from(status).unwrap_or(200),
            content_type: row.content_type.unwrap_or_default(),
            location: row.location,
            body: row.body.unwrap_or_default(),
        }));
    }
    if row.claimed_at > abandoned_before {
        return Ok(Claimed::InFlight);
    }
    let taken_over = sql::execute!(
        conn,
        "update idempotency_keys set claimed_at = $3
         where scope = $1 and idempotency_key = $2 and claimed_at = $4 and status is null",
        claim.scope,
        claim.key,
        claim.claimed_at,
        row.claimed_at
    )?;
    Ok(if taken_over == 1 { Claimed::New } else { Claimed::InFlight })
}

pub(super) async fn save_answer(conn: &mut Conn, claim: &Claim<'_>, saved: &Saved) -> Result<()> {
    sql::execute!(
        conn,
        "update idempotency_keys set status = $3, content_type = $4, location = $5, body = $6, made_id = $8
         where scope = $1 and idempotency_key = $2 and claimed_at = $7",
        claim.scope,
        claim.key,
        i64::from(saved.status),
        saved.content_type.as_str(),
        saved.location.as_deref(),
        saved.body.as_slice(),
        claim.claimed_at,
        saved.made_id()
    )?;
    Ok(())
}

pub(super) async fn release_key(conn: &mut Conn, claim: &Claim<'_>) -> Result<()> {
    sql::execute!(
        conn,
        "delete from idempotency_keys where scope = $1 and idempotency_key = $2 and claimed_at = $3 and status is null",
        claim.scope,
        claim.key,
        claim.claimed_at
    )?;
    Ok(())
}

/// Forgets at most `limit` keys claimed before `before`, and tells how many.
pub(super) async fn forget_keys(conn: &mut Conn, before: Moment, limit: i64) -> Result<u64> {
    sql::execute!(
        conn,
        "delete from idempotency_keys where (scope, idempotency_key) in
         (select scope, idempotency_key from idempotency_keys where claimed_at < $1 limit $2)",
        before,
        limit
    )
}

/// Forgets what was answered to this one, about it, or when it was made.
pub(super) async fn forget_keys_of(conn: &mut Conn, subject: Uuid) -> Result<()> {
    sql::execute!(
        conn,
        "delete from idempotency_keys where caller_id = $1 or subject_id = $1 or made_id = $1",
        subject
    )?;
    Ok(())
}

/// Asks the database for a sign of life.
pub(super) async fn ping(shop: &crate::Shop) -> Result<()> {
    let mut conn = shop.db().read().await?;
    sql::one!(conn, (i64,), "select count(*) from counters where name = ''").map(drop)
}
