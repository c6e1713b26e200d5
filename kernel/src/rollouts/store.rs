//! All the SQL of rollouts.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Ending, Rollout, Stage};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::plugins::trial::Counts;

#[derive(FromRow)]
struct Row {
    id: Uuid,
    domain: String,
    stage: String,
    ending: Option<String>,
    steps: String,
    candidate: String,
    base_generation: i64,
    generation: Option<i64>,
    guards: String,
    observed: String,
    breach: Option<String>,
    reason: Option<String>,
    created_by: String,
    created_at: Moment,
    stage_since: Moment,
    ended_at: Option<Moment>,
}

/// Only what this kernel wrote is in these columns; a row that it cannot read belongs to a newer one and is passed over.
impl Row {
    fn into_rollout(self) -> Option<Rollout> {
        Some(Rollout {
            id: self.id,
            domain: self.domain.parse().ok()?,
            stage: Stage::parse(&self.stage)?,
            ending: match self.ending {
                Some(ending) => Some(Ending::parse(&ending)?),
                None => None,
            },
            steps: read(&self.steps)?,
            candidate: read(&self.candidate)?,
            base_generation: self.base_generation,
            generation: self.generation,
            guards: read(&self.guards)?,
            observed: read(&self.observed)?,
            breach: self.breach.as_deref().and_then(read),
            reason: self.reason,
            created_by: self.created_by,
            created_at: self.created_at,
            stage_since: self.stage_since,
            ended_at: self.ended_at,
        })
    }
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

/// Records of numbers, texts and lists always have a JSON form.
fn json(of: &impl Serialize) -> String {
    serde_json::to_string(of).unwrap_or_default()
}

/// Violates a unique index where the domain has one under way.
pub(super) async fn insert(tx: &mut Tx, rollout: &Rollout) -> Result<()> {
    sql::execute!(
        tx,
        "insert into rollouts (id, domain, stage, steps, candidate, base_generation, guards, observed, created_by, created_at,
                               stage_since)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        rollout.id,
        rollout.domain.name(),
        rollout.stage.name(),
        json(&rollout.steps),
        json(&rollout.candidate),
        rollout.base_generation,
        json(&rollout.guards),
        json(&rollout.observed),
        rollout.created_by.as_str(),
        rollout.created_at,
        rollout.stage_since
    )?;
    Ok(())
}

pub(super) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Rollout>> {
    let row = sql::optional!(
        conn,
        Row,
        "select id, domain, stage, ending, steps, candidate, base_generation, generation, guards, observed, breach, reason,
                created_by, created_at, stage_since, ended_at
         from rollouts where id = $1",
        id
    )?;
    Ok(row.and_then(Row::into_rollout))
}

pub(super) async fn list(conn: &mut Conn, before: Uuid, limit: u32) -> Result<Vec<Rollout>> {
    let rows = sql::all!(
        conn,
        Row,
        "select id, domain, stage, ending, steps, candidate, base_generation, generation, guards, observed, breach, reason,
                created_by, created_at, stage_since, ended_at
         from rollouts where id < $1 order by id desc limit $2",
        before,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().filter_map(Row::into_rollout).collect())
}

/// Those under way.
pub(super) async fn running(conn: &mut Conn) -> Result<Vec<Rollout>> {
    let rows = sql::all!(
        conn,
        Row,
        "select id, domain, stage, ending, steps, candidate, base_generation, generation, guards, observed, breach, reason,
                created_by, created_at, stage_since, ended_at
         from rollouts where ended_at is null order by domain"
    )?;
    Ok(rows.into_iter().filter_map(Row::into_rollout).collect())
}

/// Writes its new stage over the one that it had since `since`; false where it has moved or ended meanwhile.
pub(super) async fn put_stage(tx: &mut Tx, rollout: &Rollout, since: Moment) -> Result<bool> {
    let moved = sql::execute!(
        tx,
        "update rollouts set stage = $3, steps = $4, generation = $5, observed = $6, stage_since = $7
         where id = $1 and stage_since = $2 and ended_at is null",
        rollout.id,
        since,
        rollout.stage.name(),
        json(&rollout.steps),
        rollout.generation,
        json(&rollout.observed),
        rollout.stage_since
    )?;
    Ok(moved == 1)
}

/// Writes how it ended; false where it has moved or ended meanwhile.
pub(super) async fn put_end(tx: &mut Tx, rollout: &Rollout) -> Result<bool> {
    let ended = sql::execute!(
        tx,
        "update rollouts set ending = $3, observed = $4, breach = $5, reason = $6, ended_at = $7
         where id = $1 and stage_since = $2 and ended_at is null",
        rollout.id,
        rollout.stage_since,
        rollout.ending.map(Ending::name),
        json(&rollout.observed),
        rollout.breach.as_ref().map(json),
        rollout.reason.as_deref(),
        rollout.ended_at
    )?;
    Ok(ended == 1)
}

/// Writes down what was seen of it in this stage.
pub(super) async fn put_observed(tx: &mut Tx, id: Uuid, since: Moment, observed: &Counts) -> Result<()> {
    sql::execute!(
        tx,
        "update rollouts set observed = $3 where id = $1 and stage_since = $2 and ended_at is null",
        id,
        since,
        json(observed)
    )?;
    Ok(())
}
