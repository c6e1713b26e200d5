//! Messages that wait to be posted, and what became of each try.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, Tx, sql};
use crate::id;
use crate::webhooks::delivery::Outcome;
use crate::webhooks::{Attempt, Filter, Message};

/// A message that this worker has to itself until its claim runs out.
#[derive(Debug, Clone, FromRow)]
pub(in crate::webhooks) struct Claimed {
    pub id: Uuid,
    pub body: String,
    /// Tries that were begun, this one included.
    pub attempts: i64,
}

#[derive(FromRow)]
struct MessageRow {
    id: Uuid,
    webhook_id: Uuid,
    event_id: Uuid,
    kind: String,
    body: String,
    status: String,
    attempts: i64,
    next_attempt_at: Moment,
    created_at: Moment,
}

impl From<MessageRow> for Message {
    fn from(row: MessageRow) -> Self {
        let next_attempt_at = (row.status == "queued").then_some(row.next_attempt_at);
        Self {
            id: row.id,
            webhook_id: row.webhook_id,
            event_id: row.event_id,
            kind: row.kind,
            status: row.status,
            attempts: row.attempts,
            next_attempt_at,
            created_at: row.created_at,
        }
    }
}

/// Nothing where the webhook is gone, or has the event.
pub(in crate::webhooks) async fn insert(
    tx: &mut Tx,
    id: Uuid,
    webhook_id: Uuid,
    (event_id, kind): (Uuid, &str),
    body: &str,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into webhook_messages (id, webhook_id, event_id, kind, body, status, attempts, next_attempt_at, created_at)
         select $1, id, $3, $4, $5, 'queued', 0, $6, $6 from webhooks where id = $2
         on conflict (webhook_id, event_id) do nothing",
        id,
        webhook_id,
        event_id,
        kind,
        body,
        now
    )?;
    Ok(())
}

/// Takes due messages, at most `limit`, which nobody else will look at until `until`. The condition stands twice for the reason
/// that `events::store::claim_due` gives.
pub(in crate::webhooks) async fn claim_due(
    tx: &mut Tx,
    webhook_id: Uuid,
    now: Moment,
    until: Moment,
    limit: u32,
) -> Result<Vec<Claimed>> {
    let mut rows = sql::all!(
        tx,
        Claimed,
        "update webhook_messages set attempts = attempts + 1, next_attempt_at = $3
         where status = 'queued' and next_attempt_at <= $2 and id in (
             select id from webhook_messages where webhook_id = $1 and status = 'queued' and next_attempt_at <= $2
             order by next_attempt_at, id limit $4
         )
         returning id, body, attempts",
        webhook_id,
        now,
        until,
        i64::from(limit)
    )?;
    rows.sort_by_key(|row| row.id);
    Ok(rows)
}

/// False where the message is gone.
pub(in crate::webhooks) async fn insert_attempt(
    tx: &mut Tx,
    message_id: Uuid,
    at: Moment,
    outcome: &Outcome,
) -> Result<bool> {
    let rows = sql::execute!(
        tx,
        "insert into webhook_attempts (id, message_id, at, duration_ms, status, error, answer)
         select $1, id, $3, $4, cast($5 as bigint), cast($6 as text), $7 from webhook_messages where id = $2",
        id::sequential(),
        message_id,
        at,
        outcome.duration_ms,
        outcome.status.map(i64::from),
        outcome.error,
        outcome.answer.as_str()
    )?;
    Ok(rows == 1)
}

/// Whoever has the message now: it was taken.
pub(in crate::webhooks) async fn mark_delivered(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "update webhook_messages set status = 'delivered' where id = $1", id)?;
    Ok(())
}

/// `attempts` is the claim's: where it ran out and another worker has the message now, nothing changes.
pub(in crate::webhooks) async fn retry_at(tx: &mut Tx, id: Uuid, attempts: i64, next: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update webhook_messages set next_attempt_at = $3 where id = $1 and attempts = $2 and status = 'queued'",
        id,
        attempts,
        next
    )?;
    Ok(())
}

/// As [`retry_at`], but for good.
pub(in crate::webhooks) async fn mark_failed(tx: &mut Tx, id: Uuid, attempts: i64) -> Result<()> {
    sql::execute!(
        tx,
        "update webhook_messages set status = 'failed' where id = $1 and attempts = $2 and status = 'queued'",
        id,
        attempts
    )?;
    Ok(())
}

/// What waits for a webhook that is switched off.
pub(in crate::webhooks) async fn fail_queued(tx: &mut Tx, webhook_id: Uuid) -> Result<()> {
    sql::execute!(
        tx,
        "update webhook_messages set status = 'failed' where webhook_id = $1 and status = 'queued'",
        webhook_id
    )?;
    Ok(())
}

/// Queues a message that has ended again. One that waits goes on waiting.
pub(in crate::webhooks) async fn revive(tx: &mut Tx, webhook_id: Uuid, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update webhook_messages set status = 'queued', attempts = 0, next_attempt_at = $3
         where id = $2 and webhook_id = $1 and status <> 'queued'",
        webhook_id,
        id,
        now
    )?;
    Ok(())
}

/// Queues what failed and was made since `since` again, the oldest first, at most `limit`; tells how many.
pub(in crate::webhooks) async fn revive_failed(
    tx: &mut Tx,
    webhook_id: Uuid,
    since: Moment,
    now: Moment,
    limit: i64,
) -> Result<u64> {
    sql::execute!(
        tx,
        "update webhook_messages set status = 'queued', attempts = 0, next_attempt_at = $3
         where status = 'failed' and id in (
             select id from webhook_messages where webhook_id = $1 and status = 'failed' and created_at >= $2
             order by id limit $4
         )",
        webhook_id,
        since,
        now,
        limit
    )
}

pub(in crate::webhooks) async fn list(
    conn: &mut Conn,
    webhook_id: Uuid,
    filter: &Filter,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Message>> {
    // Bodies are long and not shown in lists.
    let mut built = Built::new(
        "select id, webhook_id, event_id, kind, '' as body, status, attempts, next_attempt_at, created_at
         from webhook_messages where webhook_id = ",
    );
    built.bind(webhook_id).push(" and id < ").bind(before);
    if let Some(status) = &filter.status {
        built.push(" and status = ").bind(status.clone());
    }
    if let Some(kind) = &filter.kind {
        built.push(" and kind = ").bind(kind.clone());
    }
    built.push(" order by id desc limit ").bind(limit);
    let rows = built.all::<MessageRow>(conn).await?;
    Ok(rows.into_iter().map(Message::from).collect())
}

/// With its body.
pub(in crate::webhooks) async fn find(
    conn: &mut Conn,
    webhook_id: Uuid,
    id: Uuid,
) -> Result<Option<(Message, String)>> {
    let row = sql::optional!(
        conn,
        MessageRow,
        "select id, webhook_id, event_id, kind, body, status, attempts, next_attempt_at, created_at
         from webhook_messages where id = $2 and webhook_id = $1",
        webhook_id,
        id
    )?;
    Ok(row.map(|mut row| {
        let body = std::mem::take(&mut row.body);
        (Message::from(row), body)
    }))
}

#[derive(FromRow)]
struct AttemptRow {
    at: Moment,
    duration_ms: i64,
    status: Option<i64>,
    error: Option<String>,
    answer: String,
}

/// The last hundred, in the order in which they were made: replays have no end.
pub(in crate::webhooks) async fn attempts_of(conn: &mut Conn, message_id: Uuid) -> Result<Vec<Attempt>> {
    let rows = sql::all!(
        conn,
        AttemptRow,
        "select at, duration_ms, status, error, answer from webhook_attempts where message_id = $1 order by id desc limit 100",
        message_id
    )?;
    let attempt = |row: AttemptRow| Attempt {
        at: row.at,
        duration_ms: row.duration_ms,
        status: row.status,
        error: row.error,
        answer: row.answer,
    };
    Ok(rows.into_iter().rev().map(attempt).collect())
}

/// Deletes at most `limit` messages that ended and were made before `before`, and tells how many.
pub(in crate::webhooks) async fn forget(tx: &mut Tx, before: Moment, limit: u32) -> Result<u64> {
    sql::execute!(
        tx,
        "delete from webhook_messages where id in (
             select id from webhook_messages where created_at < $1 and status <> 'queued' limit $2
         )",
        before,
        i64::from(limit)
    )
}
