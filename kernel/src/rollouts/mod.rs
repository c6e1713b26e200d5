//! Rollouts: how a candidate comes to be in force, step by step, and goes back by itself where it should not have.
//!
//! One domain has one rollout at a time. Its row is committed before the routing changes: a kernel that dies between the two finds the row
//! when it starts and goes on from there. What is seen of the candidate is counted in memory, and written down every few seconds.
//!
//! | file | holds |
//! |---|---|
//! | `stage` | the stages, and which follows which |
//! | `guards` | what a candidate may not do |
//! | `moving` | from one stage to the next, by people |
//! | `watch` | the worker: guards, the end of the watch, what a kernel left |
//! | `resume` | a kernel that starts takes up what it finds |

mod guards;
pub mod http;
mod moving;
mod resume;
mod stage;
mod store;
mod watch;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::Moment;
use crate::db::Tx;
use crate::plugins::registry::BoundPlugin;
use crate::plugins::trial::{Counts, Step};
use crate::plugins::{Domain, RegistryError};
use crate::{Shop, db, events};

pub use guards::{Breach, Guard, Guards, GuardsIn};
pub use moving::{Begin, begin, move_to, stop};
pub use resume::resume;
pub use stage::{Ending, Stage};
pub use watch::run;

/// `[rollouts]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RolloutsConfig {
    /// For how long a candidate that was put in force is held against the guards, in minutes. At least as long as prices are held.
    pub watch_minutes: u32,
    /// Calls at once that nobody waits for: the other side of what a shopper was answered. 1 to 100.
    #[serde(deserialize_with = "beside")]
    pub beside: u32,
    /// How often guards are looked at, in milliseconds: 50 to 60000.
    #[serde(deserialize_with = "check_interval_ms")]
    pub check_interval_ms: u64,
    /// What a candidate may not do, where its rollout says nothing else.
    #[serde(deserialize_with = "guards")]
    pub guards: Guards,
}

fn beside<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        calls @ 1..=100 => Ok(calls),
        _ => Err(serde::de::Error::custom("must be 1 to 100")),
    }
}

fn check_interval_ms<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match u64::deserialize(deserializer)? {
        interval @ 50..=60_000 => Ok(interval),
        _ => Err(serde::de::Error::custom("must be 50 to 60000")),
    }
}

fn guards<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Guards, D::Error> {
    let guards = Guards::deserialize(deserializer)?;
    match guards.out_of_range().first() {
        None => Ok(guards),
        Some((setting, range)) => Err(serde::de::Error::custom(format!("{setting} {range}"))),
    }
}

impl Default for RolloutsConfig {
    fn default() -> Self {
        Self { watch_minutes: 60, beside: 4, check_interval_ms: 500, guards: Guards::default() }
    }
}

/// A rollout.
#[derive(Debug, Clone)]
pub struct Rollout {
    pub id: Uuid,
    pub domain: Domain,
    pub stage: Stage,
    /// How it ended; none while it goes on.
    pub ending: Option<Ending>,
    /// Who got the candidate from when on.
    pub steps: Vec<Step>,
    /// What is tried.
    pub candidate: Vec<BoundPlugin>,
    /// The generation of the binding that was in force when it began.
    pub base_generation: i64,
    /// Of the candidate, once it is in force.
    pub generation: Option<i64>,
    pub guards: Guards,
    /// What was seen of the candidate since its stage began.
    pub observed: Counts,
    /// What ended it, where a guard did.
    pub breach: Option<Breach>,
    /// In words, where nobody asked for its end.
    pub reason: Option<String>,
    pub created_by: String,
    pub created_at: Moment,
    /// When its stage began.
    pub stage_since: Moment,
    pub ended_at: Option<Moment>,
}

impl Rollout {
    /// The share of shoppers who get the candidate, in basis points.
    pub fn share(&self) -> u16 {
        self.steps.last().map_or(0, |step| step.share)
    }
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such rollout")]
    NotFound,
    #[error("nothing is in force for {0}: there is nothing to compare with")]
    NothingInForce(Domain),
    #[error("this is what is in force")]
    Unchanged,
    #[error("a rollout of {0} plugins is under way")]
    Running(Domain),
    #[error("a rollout that is {from} cannot be {to} next")]
    Stage { from: &'static str, to: &'static str },
    #[error(transparent)]
    Plugin(#[from] RegistryError),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// At most `limit` rollouts before `before`, the newest first.
pub async fn list(shop: &Shop, before: Option<Uuid>, limit: u32) -> Result<Vec<Rollout>, Error> {
    Ok(store::list(&mut shop.db().read().await?, before.unwrap_or(Uuid::max()), limit).await?)
}

/// The rollout, with what this kernel has seen until now.
pub async fn get(shop: &Shop, id: Uuid) -> Result<Rollout, Error> {
    let mut rollout = store::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)?;
    if let Some(trial) = shop.plugins().routing().trial(rollout.domain).filter(|trial| trial.id == id)
        && rollout.ending.is_none()
    {
        rollout.observed = trial.observed().all();
    }
    Ok(rollout)
}

/// How long a quote holds.
fn hold(shop: &Shop) -> TimeDelta {
    TimeDelta::minutes(shop.config().carts.price_hold_minutes.into())
}

/// Tells what became of a rollout.
async fn tell(tx: &mut Tx, rollout: &Rollout, kind: &str, actor: &str) -> db::Result<()> {
    events::record(tx, kind, rollout.id, about(rollout, actor)).await
}

/// A rollout as events tell of it.
fn about(rollout: &Rollout, actor: &str) -> Value {
    json!({
        "rollout_id": rollout.id, "domain": rollout.domain.name(), "stage": rollout.stage.name(),
        "ending": rollout.ending.map(Ending::name), "share": rollout.share(), "actor": actor,
        "plugins": BoundPlugin::told(&rollout.candidate), "reason": rollout.reason,
    })
}
