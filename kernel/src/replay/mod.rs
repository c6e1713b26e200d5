//! Replays: what orders that were placed would have cost with other plugins. Nothing of it is ever charged or written into an order.
//!
//! A replay takes a whole candidate for the binding of a domain, as activation does, so that what is tried is what would be in force. It runs
//! in the kernel that was asked for it, in the background; its row says how far it is, so that every kernel can tell.
//!
//! | file | holds |
//! |---|---|
//! | `run` | the work: recorded calls in pages, many at once |
//! | `case` | one order, then and now |
//! | `sums`, `report` | all of them added up; what that says |
//! | `page` | the report as a page to read |

mod case;
pub mod http;
mod page;
mod report;
mod run;
mod store;
mod sums;

use serde::Deserialize;
use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::plugins::registry::{BoundPlugin, Wanted};
use crate::plugins::{Domain, RegistryError};
use crate::{Shop, db, id, orders};

pub use report::{CallCost, Change, Cost, Failure, Group, OrderChange, Report, ReportSummary, Side};

/// `[replay]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayConfig {
    /// Orders of one replay at most.
    pub max_orders: u32,
    /// Replays that run at once.
    pub max_running: u32,
    /// Orders that are replayed at the same time; 0: half as many as there are cores.
    pub parallel: u32,
    /// How long reports are kept, in days.
    pub keep_days: u32,
    /// How often an order is tried again, a fifth of a second apart, whose calls found no place beside the shoppers'; also where orders are
    /// verified. Then it counts as failed.
    pub tries: u32,
    /// How long a replay may give no sign of life, in seconds: 60 to 86400. Then it counts as left by its kernel.
    #[serde(deserialize_with = "silence_s")]
    pub silence_s: u32,
    /// Countries, coupons and categories that a report names, of each the ones that change most.
    pub groups: u32,
}

/// A sign comes every second, but a busy database may hold it up for some, and how a replay ended is tried to be written for most of a minute:
/// one that is taken for dead before has worked in vain.
fn silence_s<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        seconds @ 60..=86_400 => Ok(seconds),
        _ => Err(serde::de::Error::custom("must be 60 to 86400")),
    }
}

impl Default for ReplayConfig {
    fn default() -> Self {
        Self { max_orders: 100_000, max_running: 2, parallel: 0, keep_days: 90, tries: 50, silence_s: 60, groups: 200 }
    }
}

/// A replay, with its whole report or, in a list of them, with its summary.
#[derive(Debug, Clone)]
pub struct Replay<Found = Report> {
    pub id: Uuid,
    pub domain: Domain,
    /// What was tried.
    pub candidate: Vec<BoundPlugin>,
    pub state: State,
    /// How many there are to be replayed.
    pub orders_total: i64,
    pub orders_done: i64,
    /// Once it is done.
    pub report: Option<Found>,
    /// Why it failed.
    pub error: Option<String>,
    pub created_by: String,
    pub created_at: Moment,
    pub ended_at: Option<Moment>,
}

/// How far a replay is. The names are in the API and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Running,
    Done,
    Failed,
    Cancelled,
}

impl State {
    const ALL: [(Self, &'static str); 4] =
        [(Self::Running, "running"), (Self::Done, "done"), (Self::Failed, "failed"), (Self::Cancelled, "cancelled")];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    /// The column's own check allows nothing else.
    fn parse(name: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == name).map_or(Self::Failed, |(state, _)| *state)
    }
}

/// Why it cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such replay")]
    NotFound,
    #[error("calls of {0} plugins are not recorded: pricing and delivery are")]
    NotRecorded(Domain),
    #[error("{0} replays run already")]
    TooMany(u32),
    #[error("the replay has ended")]
    Ended,
    #[error("the sums are beyond what an amount can say")]
    TooLarge,
    #[error("the kernel stopped")]
    Stopped,
    #[error("the kernel panicked on a replay")]
    Panicked,
    #[error(transparent)]
    Plugin(#[from] RegistryError),
    #[error(transparent)]
    Order(#[from] Box<orders::Error>),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Begins to replay the newest `last` orders with `wanted` in the place of what is in force. The candidate passed every check that it would
/// have to pass to be put in force.
pub async fn begin(shop: &Shop, domain: Domain, wanted: &[Wanted], last: u32, by: &str) -> Result<Replay, Error> {
    if !matches!(domain, Domain::Pricing | Domain::Delivery) {
        return Err(Error::NotRecorded(domain));
    }
    let (candidate, bound) = shop.plugins().candidate(domain, wanted).await?;
    let placed = orders::count(shop).await.map_err(Box::new)?;
    let replay = Replay {
        id: id::sequential(),
        domain,
        candidate,
        state: State::Running,
        orders_total: i64::try_from(placed.min(last.into())).unwrap_or(i64::MAX),
        orders_done: 0,
        report: None,
        error: None,
        created_by: by.to_owned(),
        created_at: clock::now(),
        ended_at: None,
    };
    let config = &shop.config().replay;
    let mut tx = shop.db().write().await?;
    store::forget(&mut tx, clock::now() - chrono::TimeDelta::days(config.keep_days.into())).await?;
    if !store::insert(&mut tx, &replay, alive_since(shop), config.max_running.into()).await? {
        return Err(Error::TooMany(config.max_running));
    }
    tx.commit().await?;
    shop.run_unattended(run::run(shop.clone(), replay.clone(), bound));
    Ok(replay)
}

/// At most `limit` replays before `before`, the newest first.
pub async fn list(shop: &Shop, before: Option<Uuid>, limit: u32) -> Result<Vec<Replay<ReportSummary>>, Error> {
    end_those_left(shop).await?;
    Ok(store::list(&mut shop.db().read().await?, before.unwrap_or(Uuid::max()), limit).await?)
}

pub async fn get(shop: &Shop, id: Uuid) -> Result<Replay, Error> {
    end_those_left(shop).await?;
    store::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// At most `limit` of the orders that would change, before the order of that number, the newest first.
pub async fn changes(shop: &Shop, id: Uuid, before: Option<i64>, limit: u32) -> Result<Vec<OrderChange>, Error> {
    let mut conn = shop.db().read().await?;
    if !store::is_known(&mut conn, id).await? {
        return Err(Error::NotFound);
    }
    Ok(store::changes(&mut conn, id, before.unwrap_or(i64::MAX), limit as usize).await?)
}

/// Ends a replay: it has no report.
pub async fn cancel(shop: &Shop, id: Uuid) -> Result<Replay, Error> {
    let mut tx = shop.db().write().await?;
    let ended = store::end(&mut tx, id, State::Cancelled, None, clock::now()).await?;
    tx.commit().await?;
    let replay = get(shop, id).await?;
    if ended { Ok(replay) } else { Err(Error::Ended) }
}

fn alive_since(shop: &Shop) -> Moment {
    clock::now() - chrono::TimeDelta::seconds(shop.config().replay.silence_s.into())
}

/// A kernel that was killed cannot say that its replays have ended: whoever looks next does.
async fn end_those_left(shop: &Shop) -> Result<(), Error> {
    if store::any_silent(&mut shop.db().read().await?, alive_since(shop)).await? {
        let mut tx = shop.db().write().await?;
        store::end_silent(
            &mut tx,
            alive_since(shop),
            "the kernel that ran it was stopped; begin it again",
            clock::now(),
        )
        .await?;
        tx.commit().await?;
    }
    Ok(())
}
