//! All the SQL of imports: jobs and their reports. What a file says is written by its domain.

use uuid::Uuid;

use super::jobs::{Job, ReportLine, State};
use super::write::Done;
use super::{Counts, Format, Outcome, Remark};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};

#[derive(FromRow)]
struct JobRow {
    id: Uuid,
    format: String,
    dry_run: bool,
    state: String,
    bytes: i64,
    rows_total: Option<i64>,
    rows_done: i64,
    items_done: i64,
    counts: Json<Counts>,
    error: Option<String>,
    created_by: String,
    created_at: Moment,
    ended_at: Option<Moment>,
    tries: i64,
}

impl From<JobRow> for Job {
    fn from(row: JobRow) -> Self {
        Self {
            id: row.id,
            format: Format::parse(&row.format),
            dry_run: row.dry_run,
            state: State::parse(&row.state),
            bytes: row.bytes,
            rows_total: row.rows_total,
            rows_done: row.rows_done,
            counts: row.counts.0,
            error: row.error,
            created_by: row.created_by,
            created_at: row.created_at,
            ended_at: row.ended_at,
            items_done: row.items_done,
        }
    }
}

#[derive(FromRow)]
struct ReportRow {
    number: i64,
    line: i64,
    outcome: String,
    what: String,
    detail: String,
}

impl From<ReportRow> for ReportLine {
    fn from(row: ReportRow) -> Self {
        let outcome = Outcome::parse(&row.outcome);
        Self { number: row.number, line: row.line, outcome, what: row.what, detail: row.detail }
    }
}

/// False where as many as `max` wait or run. Two at once may both be the last: one too many harms nobody.
pub(super) async fn insert_job(tx: &mut Tx, job: &Job, max: i64) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into import_jobs (id, format, dry_run, state, bytes, rows_total, rows_done, items_done, counts, error,
                                  created_by, created_at, ended_at, tries, claim, claimed_until)
         select $1, $2, $3, 'receiving', $4, null, 0, 0, $5, null, $6, $7, null, 0, null, null
         where (select count(*) from import_jobs where ended_at is null) < $8",
        job.id,
        job.format.name(),
        job.dry_run,
        job.bytes,
        Json(&job.counts),
        job.created_by.as_str(),
        job.created_at,
        max
    )?;
    Ok(inserted == 1)
}

/// Its file is kept.
pub(super) async fn queue_job(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "update import_jobs set state = 'queued' where id = $1 and state = 'receiving'", id)?;
    Ok(())
}

/// Walks the primary key: ids sort by time.
pub(super) async fn list_jobs(conn: &mut Conn, before: Uuid, limit: u32) -> Result<Vec<Job>> {
    let rows = sql::all!(
        conn,
        JobRow,
        "select id, format, dry_run, state, bytes, rows_total, rows_done, items_done, counts, error, created_by,
                created_at, ended_at, tries
         from import_jobs where id < $1 order by id desc limit $2",
        before,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(Job::from).collect())
}

pub(super) async fn find_job(conn: &mut Conn, id: Uuid) -> Result<Option<Job>> {
    let row = sql::optional!(
        conn,
        JobRow,
        "select id, format, dry_run, state, bytes, rows_total, rows_done, items_done, counts, error, created_by,
                created_at, ended_at, tries
         from import_jobs where id = $1",
        id
    )?;
    Ok(row.map(Job::from))
}

/// Whether there is anything to do, for somebody.
pub(super) async fn any_waits(conn: &mut Conn) -> Result<bool> {
    let waiting = sql::optional!(
        conn,
        (Uuid,),
        "select id from import_jobs where state in ('queued', 'running') order by id limit 1"
    )?;
    Ok(waiting.is_some())
}

/// Takes the oldest job that nobody works on, while nobody works on another: one at a time. Also says how often it was
/// taken since it last got further. On PostgreSQL two may look at once: the lock of the counter has one wait for the other.
pub(super) async fn claim_job(tx: &mut Tx, claim: Uuid, now: Moment, until: Moment) -> Result<Option<(Job, i64)>> {
    sql::execute!(
        tx,
        "insert into counters (name, value) values ('import_claims', 1)
         on conflict (name) do update set value = counters.value + 1"
    )?;
    let row = sql::optional!(
        tx,
        JobRow,
        "update import_jobs set state = 'running', claim = $1, claimed_until = $3, tries = tries + 1
         where id = (select id from import_jobs
                     where state in ('queued', 'running') and (claimed_until is null or claimed_until <= $2)
                     order by id limit 1)
           and not exists (select 1 from import_jobs other where other.state = 'running' and other.claimed_until > $2)
         returning id, format, dry_run, state, bytes, rows_total, rows_done, items_done, counts, error, created_by,
                   created_at, ended_at, tries",
        claim,
        now,
        until
    )?;
    Ok(row.map(|row| {
        let tries = row.tries;
        (row.into(), tries)
    }))
}

/// A dry run, from its beginning.
pub(super) async fn begin_again(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from import_report where job_id = $1", id)?;
    sql::execute!(tx, "update import_jobs set rows_done = 0, items_done = 0 where id = $1", id)?;
    Ok(())
}

/// Writes how far a job is, in the transaction of a batch. False where it is not this worker's any more.
pub(super) async fn advance(
    tx: &mut Tx,
    id: Uuid,
    claim: Uuid,
    batch: &Done,
    counts: &Counts,
    until: Moment,
) -> Result<bool> {
    let whole = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let updated = sql::execute!(
        tx,
        "update import_jobs set rows_total = $3, rows_done = $4, items_done = items_done + $5, counts = $6,
                                claimed_until = $7, tries = 0
         where id = $1 and claim = $2 and state = 'running'",
        id,
        claim,
        whole(batch.progress.rows_total),
        whole(batch.progress.rows_done),
        whole(batch.items),
        Json(counts),
        until
    )?;
    Ok(updated == 1)
}

pub(super) async fn renew_claim(tx: &mut Tx, id: Uuid, claim: Uuid, until: Moment) -> Result<bool> {
    let updated = sql::execute!(
        tx,
        "update import_jobs set claimed_until = $3 where id = $1 and claim = $2 and state = 'running'",
        id,
        claim,
        until
    )?;
    Ok(updated == 1)
}

/// Gives a job back, to be taken from then on.
pub(super) async fn release_claim(tx: &mut Tx, id: Uuid, claim: Uuid, free_at: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update import_jobs set claimed_until = $3, claim = null where id = $1 and claim = $2 and state = 'running'",
        id,
        claim,
        free_at
    )?;
    Ok(())
}

/// What is told of a file quotes it, and PostgreSQL keeps no NUL.
fn kept(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// False where it has ended before.
pub(super) async fn end_job(tx: &mut Tx, id: Uuid, state: State, error: Option<&str>, now: Moment) -> Result<bool> {
    let updated = sql::execute!(
        tx,
        "update import_jobs set state = $2, error = $3, ended_at = $4, claim = null, claimed_until = null
         where id = $1 and ended_at is null",
        id,
        state.name(),
        error.map(kept),
        now
    )?;
    Ok(updated == 1)
}

/// The same, by the worker that has it.
pub(super) async fn end_claimed(
    tx: &mut Tx,
    id: Uuid,
    claim: Uuid,
    state: State,
    error: Option<&str>,
    now: Moment,
) -> Result<bool> {
    let updated = sql::execute!(
        tx,
        "update import_jobs set state = $3, error = $4, ended_at = $5, claim = null, claimed_until = null
         where id = $1 and claim = $2 and state = 'running'",
        id,
        claim,
        state.name(),
        error.map(kept),
        now
    )?;
    Ok(updated == 1)
}

/// Some of the jobs that ended before the first moment, or whose upload began before the second and never ended.
pub(super) async fn old_jobs(conn: &mut Conn, ended_before: Moment, received_before: Moment) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select id from import_jobs
         where ended_at < $1 or (ended_at is null and state = 'receiving' and created_at < $2) order by id limit 20",
        ended_before,
        received_before
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Its report goes with it.
pub(super) async fn delete_job(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from import_jobs where id = $1", id)?;
    Ok(())
}

pub(super) async fn insert_report_line(
    tx: &mut Tx,
    job_id: Uuid,
    number: i64,
    outcome: Outcome,
    what: &str,
    remark: &Remark,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into import_report (job_id, number, line, outcome, what, detail) values ($1, $2, $3, $4, $5, $6)",
        job_id,
        number,
        i64::try_from(remark.line).unwrap_or(i64::MAX),
        outcome.name(),
        kept(what),
        kept(&remark.text)
    )?;
    Ok(())
}

/// In their order; of one outcome, or of all.
pub(super) async fn report_lines(
    conn: &mut Conn,
    job_id: Uuid,
    outcome: Option<Outcome>,
    after: i64,
    limit: u32,
) -> Result<Vec<ReportLine>> {
    let rows = match outcome {
        None => sql::all!(
            conn,
            ReportRow,
            "select number, line, outcome, what, detail from import_report
             where job_id = $1 and number > $2 order by number limit $3",
            job_id,
            after,
            i64::from(limit)
        )?,
        Some(outcome) => sql::all!(
            conn,
            ReportRow,
            "select number, line, outcome, what, detail from import_report
             where job_id = $1 and outcome = $2 and number > $3 order by number limit $4",
            job_id,
            outcome.name(),
            after,
            i64::from(limit)
        )?,
    };
    Ok(rows.into_iter().map(ReportLine::from).collect())
}
