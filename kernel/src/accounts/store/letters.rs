//! Letters that wait for the worker.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

/// A letter that this worker has to itself until its claim runs out.
#[derive(FromRow)]
pub(in crate::accounts) struct Queued {
    pub id: Uuid,
    pub letter: String,
    pub email_key: String,
    pub customer_id: Option<Uuid>,
    pub other_email: Option<String>,
    /// Tries that were begun, this one included.
    pub attempts: i64,
    pub created_at: Moment,
}

/// One of a kind waits for an address at a time: asking again and again changes nothing.
pub(in crate::accounts) async fn insert(
    tx: &mut Tx,
    id: Uuid,
    letter: &str,
    email_key: &str,
    customer_id: Option<Uuid>,
    other_email: Option<&str>,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into account_letters (id, letter, email_key, customer_id, other_email, attempts, next_attempt_at, created_at)
         values ($1, $2, $3, $4, cast($5 as text), 0, $6, $6) on conflict (letter, email_key) do nothing",
        id,
        letter,
        email_key,
        customer_id,
        other_email,
        now
    )?;
    Ok(())
}

pub(in crate::accounts) async fn is_any_due(conn: &mut Conn, now: Moment) -> Result<bool> {
    let due = sql::optional!(
        conn,
        (i64,),
        "select cast(1 as bigint) from account_letters where next_attempt_at <= $1 limit 1",
        now
    )?;
    Ok(due.is_some())
}

/// Takes due letters, at most `limit`, which nobody else will look at until `until`. The condition stands twice for the reason
/// that `events::store::claim_due` gives.
pub(in crate::accounts) async fn claim_due(tx: &mut Tx, now: Moment, until: Moment, limit: u32) -> Result<Vec<Queued>> {
    let mut rows = sql::all!(
        tx,
        Queued,
        "update account_letters set attempts = attempts + 1, next_attempt_at = $2
         where next_attempt_at <= $1 and id in (
             select id from account_letters where next_attempt_at <= $1 order by next_attempt_at, id limit $3
         )
         returning id, letter, email_key, customer_id, other_email, attempts, created_at",
        now,
        until,
        i64::from(limit)
    )?;
    // `returning` promises no order.
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows)
}

/// False where another worker has it now, or it is gone.
pub(in crate::accounts) async fn delete(tx: &mut Tx, id: Uuid, attempts: i64) -> Result<bool> {
    let deleted = sql::execute!(tx, "delete from account_letters where id = $1 and attempts = $2", id, attempts)?;
    Ok(deleted == 1)
}

pub(in crate::accounts) async fn retry_at(tx: &mut Tx, id: Uuid, attempts: i64, next: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update account_letters set next_attempt_at = $3 where id = $1 and attempts = $2",
        id,
        attempts,
        next
    )?;
    Ok(())
}

pub(in crate::accounts) async fn delete_of(tx: &mut Tx, customer_id: Uuid, letter: &str) -> Result<()> {
    sql::execute!(tx, "delete from account_letters where customer_id = $1 and letter = $2", customer_id, letter)?;
    Ok(())
}

/// Whoever this is a digest of gets no other letter of this kind until then.
pub(in crate::accounts) async fn pause(tx: &mut Tx, letter: &str, digest: &[u8], until: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "insert into letter_pauses (letter, recipient_digest, until) values ($1, $2, $3)
         on conflict (letter, recipient_digest) do update set until = excluded.until",
        letter,
        digest,
        until
    )?;
    Ok(())
}

pub(in crate::accounts) async fn find_pause(conn: &mut Conn, letter: &str, digest: &[u8]) -> Result<Option<Moment>> {
    let row = sql::optional!(
        conn,
        (Moment,),
        "select until from letter_pauses where letter = $1 and recipient_digest = $2",
        letter,
        digest
    )?;
    Ok(row.map(|(until,)| until))
}

pub(in crate::accounts) async fn delete_pauses(tx: &mut Tx, now: Moment) -> Result<u64> {
    sql::execute!(tx, "delete from letter_pauses where until <= $1", now)
}
