//! All the SQL of events.

use uuid::Uuid;

use super::Event;
use super::log::{Filter, Logged};
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct EventRow {
    id: Uuid,
    kind: String,
    subject: String,
    data: String,
    occurred_at: Moment,
    attempts: i64,
}

/// An event that this worker has to itself until its claim runs out.
pub(super) struct Claimed {
    pub id: Uuid,
    /// Tries that were begun, this one included.
    pub attempts: i64,
    /// None where the data is not JSON: somebody has written into the database.
    pub event: Option<Event>,
}

impl From<EventRow> for Claimed {
    fn from(row: EventRow) -> Self {
        let EventRow { id, kind, subject, data, occurred_at, attempts } = row;
        let event = serde_json::from_str(&data).ok().map(|data| Event { id, kind, subject, data, occurred_at });
        Self { id, attempts, event }
    }
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

/// How many events are due, counted up to `limit`.
pub(super) async fn count_due(conn: &mut Conn, now: Moment, limit: u32) -> Result<u32> {
    let (count,) = sql::one!(
        conn,
        (i64,),
        "select count(*) from (select 1 as one from events
                               where sent_at is null and given_up_at is null and next_attempt_at <= $1 limit $2) due",
        now,
        i64::from(limit)
    )?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX))
}

/// Takes due events, at most `limit`, for whom nobody else will look until `until`. In the order in which they happened.
///
/// Read by their state, not by `id > last`: transactions commit in another order than they begin, and the latter would
/// lose those that commit late. The condition stands twice, since the rows may have been claimed by another kernel between
/// the inner select and the update; PostgreSQL checks the outer one again on the newest version of the row.
pub(super) async fn claim_due(tx: &mut Tx, now: Moment, until: Moment, limit: u32) -> Result<Vec<Claimed>> {
    let mut rows = sql::all!(
        tx,
        EventRow,
        "update events set attempts = attempts + 1, next_attempt_at = $2
         where sent_at is null and given_up_at is null and next_attempt_at <= $1 and id in (
             select id from events where sent_at is null and given_up_at is null and next_attempt_at <= $1
             order by next_attempt_at, id limit $3
         )
         returning id, kind, subject, data, occurred_at, attempts",
        now,
        until,
        i64::from(limit)
    )?;
    // `returning` promises no order.
    rows.sort_by_key(|row| (row.occurred_at, row.id));
    Ok(rows.into_iter().map(Claimed::from).collect())
}

/// The last event of this kind about this.
pub async fn find_last(conn: &mut Conn, kind: &str, subject: &str) -> Result<Option<Event>> {
    let row = sql::optional!(
        conn,
        EventRow,
        "select id, kind, subject, data, occurred_at, attempts from events where subject = $1 and kind = $2
         order by id desc limit 1",
        subject,
        kind
    )?;
    Ok(row.map(Claimed::from).and_then(|claimed| claimed.event))
}

#[derive(FromRow)]
struct LoggedRow {
    id: Uuid,
    kind: String,
    subject: String,
    data: String,
    occurred_at: Moment,
    attempts: i64,
    sent_at: Option<Moment>,
    given_up_at: Option<Moment>,
    last_error: Option<String>,
}

impl From<LoggedRow> for Logged {
    fn from(row: LoggedRow) -> Self {
        // Data that is not JSON was written by somebody else; the row is shown all the same.
        let data = serde_json::from_str(&row.data).unwrap_or_default();
        let LoggedRow { id, kind, subject, occurred_at, .. } = row;
        Self {
            event: Event { id, kind, subject, data, occurred_at },
            attempts: row.attempts,
            told_at: row.sent_at,
            given_up_at: row.given_up_at,
            last_error: row.last_error,
        }
    }
}

pub(super) async fn list(conn: &mut Conn, filter: &Filter, before: Uuid, limit: i64) -> Result<Vec<Logged>> {
    let mut built = Built::new(
        "select id, kind, subject, data, occurred_at, attempts, sent_at, given_up_at, last_error from events where id < ",
    );
    built.bind(before);
    if let Some(kind) = &filter.kind {
        built.push(" and kind = ").bind(kind.clone());
    }
    if let Some(subject) = &filter.subject {
        built.push(" and subject = ").bind(subject.clone());
    }
    built.push(" order by id desc limit ").bind(limit);
    Ok(built.all::<LoggedRow>(conn).await?.into_iter().map(Logged::from).collect())
}

pub(super) async fn mark_sent(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "update events set sent_at = $2, last_error = null where id = $1", id, now)?;
    Ok(())
}

/// `attempts` is the claim's: where it ran out and another worker has the event now, nothing changes.
pub(super) async fn retry_at(tx: &mut Tx, id: Uuid, attempts: i64, error: &str, next: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update events set next_attempt_at = $4, last_error = $3 where id = $1 and attempts = $2 and sent_at is null",
        id,
        attempts,
        error,
        next
    )?;
    Ok(())
}

/// As [`retry_at`], but for good.
pub(super) async fn give_up(tx: &mut Tx, id: Uuid, attempts: i64, error: &str, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update events set given_up_at = $4, last_error = $3 where id = $1 and attempts = $2 and sent_at is null",
        id,
        attempts,
        error,
        now
    )?;
    Ok(())
}

/// Gives a claimed event back that was not tried.
pub(super) async fn release(tx: &mut Tx, id: Uuid, attempts: i64, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update events set attempts = attempts - 1, next_attempt_at = $3 where id = $1 and attempts = $2 and sent_at is null",
        id,
        attempts,
        now
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

/// Deletes at most `limit` events that ended before `before`, and tells how many.
pub(super) async fn forget_events(conn: &mut Conn, before: Moment, limit: u32) -> Result<u64> {
    let limit = i64::from(limit);
    let sent = sql::execute!(
        conn,
        "delete from events where id in (select id from events where sent_at < $1 limit $2)",
        before,
        limit
    )?;
    let given_up = sql::execute!(
        conn,
        "delete from events where id in (select id from events where given_up_at < $1 limit $2)",
        before,
        limit
    )?;
    Ok(sent + given_up)
}

/// Deletes what was told about this, but that somebody is gone, which names nobody. What is still to be told is told first, and forgotten in
/// its time. Answers which events there were, told or not, for those who keep what they were told: one consumer may have had what
/// another waits for.
pub async fn forget_subject(tx: &mut Tx, subject: &str) -> Result<Vec<Uuid>> {
    let rows = sql::all!(tx, (Uuid,), "select id from events where subject = $1 and kind <> 'user.deleted'", subject)?;
    sql::execute!(
        tx,
        "delete from events
         where subject = $1 and kind <> 'user.deleted' and (sent_at is not null or given_up_at is not null)",
        subject
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// As [`forget_subject`], where nobody needs to be told any more: what waits is deleted too.
pub async fn drop_subject(tx: &mut Tx, subject: &str) -> Result<Vec<Uuid>> {
    let rows = sql::all!(tx, (Uuid,), "delete from events where subject = $1 returning id", subject)?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Deletes at most `limit` notes of consumers whose event is gone, and tells how many. As long as there is the event it
/// may be told again, and the note is what keeps its effect from taking place twice.
pub(super) async fn forget_consumed(conn: &mut Conn, before: Moment, limit: u32) -> Result<u64> {
    sql::execute!(
        conn,
        "delete from consumed_events where consumed_at < $1 and event_id in (
             select event_id from consumed_events where consumed_at < $1
             and not exists (select 1 from events where events.id = consumed_events.event_id) limit $2
         )",
        before,
        i64::from(limit)
    )
}

/// What tests ask of an event.
#[cfg(test)]
#[derive(Debug, PartialEq, FromRow)]
pub(super) struct State {
    pub attempts: i64,
    pub is_sent: bool,
    pub is_given_up: bool,
    pub last_error: Option<String>,
}

#[cfg(test)]
pub(super) async fn state_of(conn: &mut Conn, id: Uuid) -> Result<Option<State>> {
    sql::optional!(
        conn,
        State,
        "select attempts, sent_at is not null as is_sent, given_up_at is not null as is_given_up, last_error
         from events where id = $1",
        id
    )
}

#[cfg(test)]
pub(super) async fn corrupt(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "update events set data = '{' where id = $1", id)?;
    Ok(())
}
