//! All the SQL of events.

use uuid::Uuid;

use super::Event;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct EventRow {
    id: Uuid,
    kind: String,
    subject: String,
    data: String,
    occurred_at: Moment,
    attempts: i64,
}

pub(super) async fn insert_event(tx: &mut Tx, event: &Event) -> Result<()> {
    sql::execute!(
        tx,
        "insert into events (id, kind, subject, data, occurred_at, attempts, next_attempt_at)
         values ($1, $2, $3, $4, $5, 0, $5)",
        event.id,
        event.kind.as_str(),
        event.subject.as_str(),
        event.data.to_string(),
        event.occurred_at
    )?;
    Ok(())
}

/// Unsent events whose time has come, with their number of tries. Read by their state, not by `id > last`: transactions
/// commit in another order than they begin, and the latter would lose those that commit late.
pub(super) async fn due_events(conn: &mut Conn, now: Moment, limit: u32) -> Result<Vec<(Event, i64)>> {
    let rows = sql::all!(
        conn,
        EventRow,
        "select id, kind, subject, data, occurred_at, attempts from events
         where sent_at is null and next_attempt_at <= $1 order by next_attempt_at, id limit $2",
        now,
        i64::from(limit)
    )?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let data = serde_json::from_str(&row.data).unwrap_or_default();
            let event =
                Event { id: row.id, kind: row.kind, subject: row.subject, data, occurred_at: row.occurred_at };
            (event, row.attempts)
        })
        .collect())
}

pub(super) async fn mark_sent(conn: &mut Conn, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(conn, "update events set sent_at = $2 where id = $1", id, now)?;
    Ok(())
}

pub(super) async fn mark_failed(conn: &mut Conn, id: Uuid, next_attempt_at: Moment) -> Result<()> {
    sql::execute!(
        conn,
        "update events set attempts = attempts + 1, next_attempt_at = $2 where id = $1",
        id,
        next_attempt_at
    )?;
    Ok(())
}

/// Notes in the transaction of the effect that `consumer` has had the event; false where it had it before,
/// and the effect must not take place again.
pub async fn consume_once(tx: &mut Tx, consumer: &str, event_id: Uuid, now: Moment) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into consumed_events (consumer, event_id, consumed_at) values ($1, $2, $3)
         on conflict (consumer, event_id) do nothing",
        consumer,
        event_id,
        now
    )?;
    Ok(inserted == 1)
}

/// Forgets events that were sent before `before`, and tells how many.
pub(crate) async fn forget_sent(conn: &mut Conn, before: Moment) -> Result<u64> {
    sql::execute!(conn, "delete from events where sent_at < $1", before)
}
