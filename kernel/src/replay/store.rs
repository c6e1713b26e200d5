//! All the SQL of replays.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{OrderChange, Replay, Report, ReportSummary, State};
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
    fn into_replay<Found: for<'a> Deserialize<'a>>(self) -> Option<Replay<Found>> {
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
        "insert into replays (id, domain, candidate, state, orders_total, orders_done, report, summary, error, created_by,
                              created_at, seen_at, ended_at)
         select $1, $2, $3, 'running', $4, 0, null, null, null, $5, $6, $6, null
         where (select count(*) from replays where ended_at is null and seen_at >= $7) < $8",
        replay.id,
        replay.domain.name(),
        json(&replay.candidate),
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

pub(super) async fn is_known(conn: &mut Conn, id: Uuid) -> Result<bool> {
    Ok(sql::optional!(conn, (Uuid,), "select id from replays where id = $1", id)?.is_some())
}

pub(super) async fn list(conn: &mut Conn, before: Uuid, limit: u32) -> Result<Vec<Replay<ReportSummary>>> {
    let rows = sql::all!(
        conn,
        Row,
        "select id, domain, candidate, state, orders_total, orders_done, summary as report, error, created_by, created_at, ended_at
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

/// Changes in one row: as many as the largest page of the API, and as much again.
const CHANGES_IN_A_ROW: usize = 200;

/// What a replay has found, as its rows have it.
pub(super) struct Found {
    report: String,
    summary: String,
    /// The number of the last order of each row, and the row.
    changes: Vec<(i64, String)>,
    orders_done: i64,
}

impl Found {
    /// `changes`: from the newest order on.
    pub fn of(report: &Report, changes: &[OrderChange]) -> Self {
        let row = |changes: &[OrderChange]| Some((changes.last()?.number, json(&changes)));
        Self {
            report: json(report),
            summary: json(&report.summary()),
            changes: changes.chunks(CHANGES_IN_A_ROW).filter_map(row).collect(),
            orders_done: i64::try_from(report.orders + report.skipped).unwrap_or(i64::MAX),
        }
    }
}

/// Records of numbers, texts and lists always have a JSON form.
fn json(of: &impl Serialize) -> String {
    serde_json::to_string(of).unwrap_or_default()
}

pub(super) async fn put_found(tx: &mut Tx, id: Uuid, found: &Found) -> Result<()> {
    sql::execute!(
        tx,
        "update replays set report = $2, summary = $3, orders_done = $4 where id = $1",
        id,
        found.report.as_str(),
        found.summary.as_str(),
        found.orders_done
    )?;
    for (oldest, changes) in &found.changes {
        sql::execute!(
            tx,
            "insert into replay_changes (replay_id, oldest, changes) values ($1, $2, $3)",
            id,
            *oldest,
            changes.as_str()
        )?;
    }
    Ok(())
}

/// At most `limit` of the orders that would change, before the order of that number, the newest first; none of a replay that has not come
/// to its end. A page costs the rows that it is made of.
pub(super) async fn changes(conn: &mut Conn, id: Uuid, mut before: i64, limit: usize) -> Result<Vec<OrderChange>> {
    let mut found: Vec<OrderChange> = Vec::new();
    while found.len() < limit {
        let row = sql::optional!(
            conn,
            (i64, String),
            "select oldest, changes from replay_changes where replay_id = $1 and oldest < $2 order by oldest desc limit 1",
            id,
            before
        )?;
        let Some((oldest, changes)) = row else { break };
        let changes = read::<Vec<OrderChange>>(&changes).unwrap_or_default();
        found.extend(changes.into_iter().filter(|change| change.number < before));
        before = oldest;
    }
    found.truncate(limit);
    Ok(found)
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
    sql::execute!(
        tx,
        "delete from replay_changes where replay_id in (select id from replays where ended_at < $1)",
        before
    )?;
    sql::execute!(tx, "delete from replays where ended_at < $1", before)?;
    Ok(())
}
