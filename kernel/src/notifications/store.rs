//! All the SQL of messages.

use uuid::Uuid;

use super::compose::Recipient;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::plugins::notification::Message;

/// A message that this worker has to itself until its claim runs out.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Claimed {
    pub id: Uuid,
    pub recipient_name: String,
    pub recipient: String,
    pub subject: String,
    pub body_text: String,
    pub body_html: Option<String>,
    /// Tries that were begun, this one included.
    pub attempts: i64,
    pub created_at: Moment,
}

/// Keeps `message` to be sent, or as failed where `refusal` says why it never will be.
pub(super) async fn insert_message(
    tx: &mut Tx,
    id: Uuid,
    event_id: Uuid,
    recipient: &Recipient,
    message: &Message,
    refusal: Option<&str>,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into messages (id, event_id, channel, recipient_name, recipient, subject, body_text, body_html,
             status, attempts, last_error, next_attempt_at, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, cast($8 as text), $9, 0, cast($10 as text), $11, $11)",
        id,
        event_id,
        message.channel.as_str(),
        recipient.name.as_str(),
        recipient.email.as_str(),
        message.subject.as_str(),
        message.text.as_str(),
        message.html.as_deref(),
        if refusal.is_some() { "failed" } else { "queued" },
        refusal,
        now
    )?;
    Ok(())
}

/// Takes due messages, at most `limit`, which nobody else will look at until `until`. In the order of their making. The
/// condition stands twice for the reason that `events::store::claim_due` gives.
pub(super) async fn claim_due(tx: &mut Tx, now: Moment, until: Moment, limit: u32) -> Result<Vec<Claimed>> {
    let mut rows = sql::all!(
        tx,
        Claimed,
        "update messages set attempts = attempts + 1, next_attempt_at = $2
         where status = 'queued' and next_attempt_at <= $1 and id in (
             select id from messages where status = 'queued' and next_attempt_at <= $1
             order by next_attempt_at, id limit $3
         )
         returning id, recipient_name, recipient, subject, body_text, body_html, attempts, created_at",
        now,
        until,
        i64::from(limit)
    )?;
    rows.sort_by_key(|row| (row.created_at, row.id));
    Ok(rows)
}

pub(super) async fn mark_sent(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "update messages set status = 'sent', sent_at = $2, last_error = null where id = $1", id, now)?;
    Ok(())
}

/// `attempts` is the claim's: where it ran out and another worker has the message now, nothing changes.
pub(super) async fn retry_at(tx: &mut Tx, id: Uuid, attempts: i64, error: &str, next: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update messages set next_attempt_at = $4, last_error = $3
         where id = $1 and attempts = $2 and status = 'queued'",
        id,
        attempts,
        error,
        next
    )?;
    Ok(())
}

/// As [`retry_at`], but for good.
pub(super) async fn mark_failed(tx: &mut Tx, id: Uuid, attempts: i64, error: &str) -> Result<()> {
    sql::execute!(
        tx,
        "update messages set status = 'failed', last_error = $3
         where id = $1 and attempts = $2 and status = 'queued'",
        id,
        attempts,
        error
    )?;
    Ok(())
}

/// Deletes at most `limit` messages that ended and were made before `before`, and tells how many.
pub(super) async fn forget_messages(conn: &mut Conn, before: Moment, limit: u32) -> Result<u64> {
    sql::execute!(
        conn,
        "delete from messages where id in (
             select id from messages where created_at < $1 and status <> 'queued' limit $2
         )",
        before,
        i64::from(limit)
    )
}

/// What tests ask of a message.
#[cfg(test)]
#[derive(Debug, FromRow)]
pub(super) struct State {
    pub id: Uuid,
    pub status: String,
    pub attempts: i64,
    pub last_error: Option<String>,
}

#[cfg(test)]
pub(super) async fn states(conn: &mut Conn) -> Result<Vec<State>> {
    sql::all!(conn, State, "select id, status, attempts, last_error from messages order by id")
}
