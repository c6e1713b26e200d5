//! All the SQL of replays.

use serde::Deserialize;
use uuid::Uuid;

use super::{OrderChange, Replay, Report, State};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct Row {
    id: Uuid,
    domain: String,
    candidate: String,
    state: String,
    orders_total: i64,
    orders_done: i64,
    report: Option<String>,
    error: Option<String>,
    created_by: String,
    created_at: Moment,
    ended_at: Option<Moment>,
}

impl Row {
    fn into_replay(self) -> Option<Replay> {
        Some(Replay {
            id: self.id,
            // The column's own check allows no other.
            domain: self.domain.parse().ok()?,
            candidate: read(&self.candidate)?,
            state: State::parse(&self.state),
            orders_total: self.orders_total,
            orders_done: self.orders_done,
            report: self.report.as_deref().and_then(read),
            error: self.error,
            created_by: self.created_by,
            created_at: self.created_at,
            ended_at: self.ended_at,
        })
    }
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// False where as many as `max` run and have given a sign of life since `alive`. Two at once may both be the last: one too many harms nobody.
pub(super) async fn insert(tx: &mut Tx, replay: &Replay, alive: Moment, max: i64) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into replays (id, domain, candidate, state, orders_total, orders_done, report, changes, error, created_by,
                              created_at, seen_at, ended_at)
         select $1, $2, $3, 'running', $4, 0, null, null, null, $5, $6, $6, null
         where (select count(*) from replays where ended_at is null and seen_at >= $7) < $8",
        replay.id,
        replay.domain.name(),
        serde_json::to_string(&replay.candidate).unwrap_or_default(),
        replay.orders_total,
        replay.created_by.as_str(),
        replay.created_at,
        alive,
        max
    )?;
    Ok(inserted > 0)
}

pub(super) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Replay>> {
    let row = sql::optional!(
        conn,
        Row,
        "select id, domain, candidate, state, orders_total, orders_done, report, error, created_by, created_at, ended_at
         from replays where id = $1",
        id
    )?;
    Ok(row.and_then(Row::into_replay))
}

pub(super) async fn list(conn: &mut Conn, before: Uuid, limit: u32) -> Result<Vec<Replay>> {
    let rows = sql::all!(
        conn,
        Row,
        "select id, domain, candidate, state, orders_total, orders_done, report, error, created_by, created_at, ended_at
         from replays where id < $1 order by id desc limit $2",
        before,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().filter_map(Row::into_replay).collect())
}

/// Says how far it is; false where it has ended.
pub(super) async fn tell(tx: &mut Tx, id: Uuid, done: i64, now: Moment) -> Result<bool> {
    let told = sql::execute!(
        tx,
        "update replays set orders_done = $2, seen_at = $3 where id = $1 and ended_at is null",
        id,
        done,
        now
    )?;
    Ok(told > 0)
}

/// False where it has ended before.
pub(super) async fn end(tx: &mut Tx, id: Uuid, state: State, error: Option<&str>, now: Moment) -> Result<bool> {
    let ended = sql::execute!(
        tx,
        "update replays set state = $2, error = $3, ended_at = $4 where id = $1 and ended_at is null",
        id,
        state.name(),
        error,
        now
    )?;
    Ok(ended > 0)
}

/// What a replay has found, as its row has it: the changes as one text, since a row for each would keep the one writer of SQLite from
/// shoppers.
pub(super) struct Found {
    report: String,
    changes: String,
    orders_done: i64,
}

impl Found {
    pub fn of(report: &Report, changes: &[OrderChange]) -> Self {
        Self {
            // Records of numbers, texts and lists always have a JSON form.
            report: serde_json::to_string(report).unwrap_or_default(),
            changes: serde_json::to_string(changes).unwrap_or_default(),
            orders_done: i64::try_from(report.orders + report.skipped).unwrap_or(i64::MAX),
        }
    }
}

pub(super) async fn put_found(tx: &mut Tx, id: Uuid, found: &Found) -> Result<()> {
    sql::execute!(
        tx,
        "update replays set report = $2, changes = $3, orders_done = $4 where id = $1",
        id,
        found.report.as_str(),
        found.changes.as_str(),
        found.orders_done
    )?;
    Ok(())
}

/// Every order that would change, the newest first; none of a replay that has not come to its end.
pub(super) async fn changes(conn: &mut Conn, id: Uuid) -> Result<Vec<OrderChange>> {
    let row = sql::optional!(conn, (Option<String>,), "select changes from replays where id = $1", id)?;
    Ok(row.and_then(|(changes,)| changes).as_deref().and_then(read).unwrap_or_default())
}

pub(super) async fn any_silent(conn: &mut Conn, since: Moment) -> Result<bool> {
    let row =
        sql::optional!(conn, (Uuid,), "select id from replays where ended_at is null and seen_at < $1 limit 1", since)?;
    Ok(row.is_some())
}

pub(super) async fn end_silent(tx: &mut Tx, since: Moment, error: &str, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update replays set state = 'failed', error = $2, ended_at = $3 where ended_at is null and seen_at < $1",
        since,
        error,
        now
    )?;
    Ok(())
}

/// Deletes those that ended before.
pub(super) async fn forget(tx: &mut Tx, before: Moment) -> Result<()> {
    sql::execute!(tx, "delete from replays where ended_at < $1", before)?;
    Ok(())
}
