//! From one stage to the next, as people ask for it.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{Ending, Error, Guards, Rollout, Stage, hold, store, tell, watch};
use crate::clock::{self, Moment};
use crate::plugins::registry::{Binding, Turn, Wanted};
use crate::plugins::trial::{Counts, EVERYBODY, Observed, Step, Trial};
use crate::plugins::{Bound, Domain, RegistryError, Route};
use crate::{Shop, db, id};

/// What is to be rolled out.
#[derive(Debug)]
pub struct Begin {
    pub domain: Domain,
    /// The whole binding that is to be in force in the end.
    pub wanted: Vec<Wanted>,
    /// Of a canary, in basis points; none begins in shadow.
    pub share: Option<u16>,
    pub guards: Guards,
}

/// Begins a rollout, in shadow or as a canary. The candidate passed every check that it has to pass to be put in force.
pub async fn begin(shop: &Shop, begin: Begin, by: &str) -> Result<Rollout, Error> {
    let Begin { domain, wanted, share, guards } = begin;
    let registry = shop.plugins();
    let _turn = registry.turn().await;
    let (candidate, bound) = registry.live_candidate(domain, &wanted).await?;
    let base = registry.binding(domain).await?.ok_or(Error::NothingInForce(domain))?;
    if base.plugins == candidate {
        return Err(Error::Unchanged);
    }
    end_those_superseded(shop, domain).await?;
    let now = clock::now();
    let rollout = Rollout {
        id: id::sequential(),
        domain,
        stage: if share.is_some() { Stage::Canary } else { Stage::Shadow },
        ending: None,
        steps: share.map(|share| Step { at: now, share }).into_iter().collect(),
        candidate,
        base_generation: base.generation,
        generation: None,
        guards,
        observed: Counts::default(),
        breach: None,
        reason: None,
        created_by: by.to_owned(),
        created_at: now,
        stage_since: now,
        ended_at: None,
    };
    let mut tx = shop.db().write().await?;
    store::insert(&mut tx, &rollout).await.map_err(|error| match error.is_unique_violation() {
        true => Error::Running(domain),
        false => error.into(),
    })?;
    tell(&mut tx, &rollout, kind_of(rollout.stage), by).await?;
    tx.commit().await?;
    let base = registry.routing().of(domain);
    try_beside(shop, &rollout, base, candidate_route(bound.into()));
    tracing::info!(rollout = %rollout.id, %domain, stage = rollout.stage.name(), share, "a rollout begins");
    Ok(rollout)
}

/// What the worker would do at its next look.
async fn end_those_superseded(shop: &Shop, domain: Domain) -> Result<(), Error> {
    let running = store::running(&mut shop.db().read().await?).await?;
    for rollout in running.into_iter().filter(|rollout| rollout.domain == domain) {
        watch::end_if_superseded(shop, rollout).await?;
    }
    Ok(())
}

/// The event of a stage. Being put in force is the one of any binding.
fn kind_of(stage: Stage) -> &'static str {
    match stage {
        Stage::Shadow => "plugin.shadowed",
        Stage::Canary | Stage::Active => "plugin.canary",
    }
}

/// Moves a rollout to another stage, or a canary to another share.
pub async fn move_to(shop: &Shop, id: Uuid, to: Stage, share: Option<u16>, by: &str) -> Result<Rollout, Error> {
    let turn = shop.plugins().turn().await;
    let rollout = require(shop, id).await?;
    if rollout.ending.is_some() || !rollout.stage.can_become(to) {
        let from = rollout.ending.map_or(rollout.stage.name(), Ending::name);
        return Err(Error::Stage { from, to: to.name() });
    }
    let (base, candidate) = sides(shop, &rollout).await?;
    if base.generation != number(rollout.base_generation) {
        return Err(RegistryError::Contended.into());
    }
    let (since, now) = (rollout.stage_since, clock::now());
    let mut moved = Rollout { stage: to, stage_since: now, observed: Counts::default(), ..rollout };
    match to {
        Stage::Shadow => moved.steps.clear(),
        Stage::Canary => push_step(&mut moved.steps, now, share.unwrap_or_default(), hold(shop)),
        Stage::Active => {
            push_step(&mut moved.steps, now, EVERYBODY, hold(shop));
            return put_in_force(shop, &turn, (moved, since), base, candidate, by).await;
        }
    }
    let mut tx = shop.db().write().await?;
    if !store::put_stage(&mut tx, &moved, since).await? {
        return Err(RegistryError::Contended.into());
    }
    tell(&mut tx, &moved, kind_of(to), by).await?;
    tx.commit().await?;
    try_beside(shop, &moved, base, candidate);
    tracing::info!(rollout = %id, stage = to.name(), share, "a rollout moves");
    Ok(moved)
}

/// A step, in the place of those that no quote rests on any more.
fn push_step(steps: &mut Vec<Step>, now: Moment, share: u16, hold: TimeDelta) {
    let still_held = steps.iter().rposition(|step| step.at <= now - hold).unwrap_or_default();
    steps.drain(..still_held);
    steps.push(Step { at: now, share });
}

/// The last stage: a binding like any other, with a watch on it.
async fn put_in_force(
    shop: &Shop,
    turn: &Turn<'_>,
    (mut moved, since): (Rollout, Moment),
    base: Route,
    candidate: Route,
    by: &str,
) -> Result<Rollout, Error> {
    let registry = shop.plugins();
    registry.permit_again(&moved.candidate).await?;
    let binding = Binding {
        domain: moved.domain,
        generation: moved.base_generation + 1,
        plugins: moved.candidate.clone(),
        rolled_back_to: None,
        actor: by.to_owned(),
        created_at: moved.stage_since,
    };
    moved.generation = Some(binding.generation);
    let candidate = registry.route_of(&binding, candidate.bound.to_vec()).await;
    let mut tx = shop.db().write().await?;
    if !store::put_stage(&mut tx, &moved, since).await? {
        return Err(RegistryError::Contended.into());
    }
    registry.write(turn, &mut tx, &binding, json!({ "rollout_id": moved.id })).await?;
    tx.commit().await?;
    let trial = trial(shop, &moved, base, candidate.clone());
    registry.host().publish_route(moved.domain, candidate, Some(trial));
    tracing::info!(rollout = %moved.id, domain = %moved.domain, generation = binding.generation, "a candidate is in force");
    Ok(moved)
}

/// Stops a rollout. A candidate that was not in force answers nobody from now on, whoever quoted a cart before; one that is in force stays it,
/// for every cart.
pub async fn stop(shop: &Shop, id: Uuid, by: &str) -> Result<Rollout, Error> {
    let _turn = shop.plugins().turn().await;
    let rollout = require(shop, id).await?;
    if let Some(ending) = rollout.ending {
        return Err(Error::Stage { from: ending.name(), to: Ending::Stopped.name() });
    }
    let observed = super::get(shop, id).await?.observed;
    let ended = Rollout { ending: Some(Ending::Stopped), ended_at: Some(clock::now()), observed, ..rollout };
    end(shop, &ended, by).await?.then_some(ended).ok_or_else(|| RegistryError::Contended.into())
}

/// Writes down how it ended, and tries the candidate no longer. False where it has moved or ended meanwhile.
pub(super) async fn end(shop: &Shop, ended: &Rollout, by: &str) -> Result<bool, db::Error> {
    let mut tx = shop.db().write().await?;
    if !store::put_end(&mut tx, ended).await? {
        return Ok(false);
    }
    tell(&mut tx, ended, "plugin.rollout-ended", by).await?;
    tx.commit().await?;
    forget(shop, ended);
    tracing::info!(rollout = %ended.id, ending = ended.ending.map(Ending::name), "a rollout has ended");
    Ok(true)
}

/// Tries the candidate of `rollout` no longer.
pub(super) fn forget(shop: &Shop, rollout: &Rollout) {
    if shop.plugins().routing().trial(rollout.domain).is_some_and(|trial| trial.id == rollout.id) {
        shop.plugins().host().put_trial(rollout.domain, None);
    }
}

async fn require(shop: &Shop, id: Uuid) -> Result<Rollout, Error> {
    store::find(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// What is in force, and the candidate, as this kernel has them; loaded where it has not.
async fn sides(shop: &Shop, rollout: &Rollout) -> Result<(Route, Route), Error> {
    let routing = shop.plugins().routing();
    let candidate: Arc<[Arc<Bound>]> = match routing.trial(rollout.domain).filter(|trial| trial.id == rollout.id) {
        Some(trial) => trial.candidate().bound.clone(),
        None => shop.plugins().bind_loaded(&rollout.candidate).await?.into(),
    };
    Ok((routing.of(rollout.domain), candidate_route(candidate)))
}

/// Of a candidate that is not in force.
pub(super) fn candidate_route(bound: Arc<[Arc<Bound>]>) -> Route {
    Route { generation: 0, bound, last_good: None }
}

fn try_beside(shop: &Shop, rollout: &Rollout, base: Route, candidate: Route) {
    let host = shop.plugins().host();
    if rollout.stage == Stage::Canary {
        host.count_beside(&candidate, &base);
    }
    if !host.put_trial(rollout.domain, Some(trial(shop, rollout, base, candidate))) {
        tracing::warn!(rollout = %rollout.id, "another binding is in force than the rollout was begun beside");
    }
}

/// The trial that a rollout is in this kernel.
pub(super) fn trial(shop: &Shop, rollout: &Rollout, base: Route, candidate: Route) -> Arc<Trial> {
    let window = TimeDelta::seconds(rollout.guards.window_s.into());
    let observed = Arc::new(Observed::new(rollout.observed.clone(), window));
    let beside = shop.config().rollouts.beside;
    Arc::new(Trial::new(rollout.id, rollout.steps.clone(), hold(shop), [base, candidate], observed, beside))
}

/// Generations are counted from 1.
pub(super) fn number(generation: i64) -> u64 {
    u64::try_from(generation).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_kept_as_long_as_a_quote_may_rest_on_them() {
        let at = |minutes: i64| Moment::from_timestamp(1_800_000_000 + minutes * 60, 0).expect("a moment");
        let mut steps = Vec::new();
        for (minutes, share) in [(0, 100), (10, 200), (20, 300), (45, 400)] {
            push_step(&mut steps, at(minutes), share, TimeDelta::minutes(30));
        }
        // What was quoted at minute 15 holds until 45: the step of minute 10 is the oldest that counts.
        assert_eq!(steps.iter().map(|step| step.share).collect::<Vec<_>>(), [200, 300, 400]);
    }
}
