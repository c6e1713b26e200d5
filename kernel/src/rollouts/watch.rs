//! The worker: holds candidates against their guards, ends what is over, writes down what was seen.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::moving::{forget, number};
use super::resume::{KERNEL, end_as};
use super::{Breach, Ending, Error, Rollout, Stage, about, hold, store, tell};
use crate::clock::{self, Moment};
use crate::plugins::registry::Binding;
use crate::plugins::trial::{Counts, Trial};
use crate::plugins::{Domain, RegistryError, Route};
use crate::{Shop, audit, db};

/// How often what was seen is written down.
const TELL_EVERY: TimeDelta = TimeDelta::seconds(5);

/// How often the rows are read though this kernel tries nothing: what somebody put in force instead ends a rollout.
const READ_EVERY: TimeDelta = TimeDelta::seconds(60);

/// Runs until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_millis(shop.config().rollouts.check_interval_ms);
    let mut known = Known::default();
    while !shop.stopping().is_cancelled() {
        if let Err(error) = look(&shop, &mut known).await {
            tracing::error!(%error, "rollouts cannot be watched");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => {}
        }
    }
    // The last seconds count as well.
    known.written.clear();
    if let Err(error) = look(&shop, &mut known).await {
        tracing::error!(%error, "what was seen of a rollout is not written down");
    }
}

/// What the worker remembers from one look to the next.
#[derive(Default)]
struct Known {
    read_at: Moment,
    /// What was written of each rollout under way, and when.
    written: BTreeMap<Uuid, (Moment, Counts)>,
}

async fn look(shop: &Shop, known: &mut Known) -> Result<(), Error> {
    let (routing, now) = (shop.plugins().routing(), clock::now());
    let tries_nothing = Domain::ALL.into_iter().all(|domain| routing.trial(domain).is_none());
    // Most shops have nothing under way most of the time.
    if tries_nothing && known.written.is_empty() && now < known.read_at + READ_EVERY {
        return Ok(());
    }
    known.read_at = now;
    let running = store::running(&mut shop.db().read().await?).await?;
    known.written.retain(|id, _| running.iter().any(|rollout| rollout.id == *id));
    for rollout in running {
        match routing.trial(rollout.domain).filter(|trial| trial.id == rollout.id) {
            Some(trial) => look_at(shop, rollout, trial, known).await?,
            None => end_if_superseded(shop, rollout).await?,
        }
    }
    Ok(())
}

/// Ends a rollout that something else was put in force beside.
pub(super) async fn end_if_superseded(shop: &Shop, rollout: Rollout) -> Result<(), Error> {
    // Not one that was begun or moved a moment ago: its row is there before the routing is.
    if shop.plugins().routing().of(rollout.domain).generation > newest(&rollout) {
        end_as(shop, rollout, Ending::Superseded, None).await?;
    }
    Ok(())
}

/// The generation that it is beside, or of.
fn newest(rollout: &Rollout) -> u64 {
    number(rollout.generation.unwrap_or(rollout.base_generation))
}

async fn look_at(shop: &Shop, rollout: Rollout, trial: &Arc<Trial>, known: &mut Known) -> Result<(), Error> {
    let now = clock::now();
    if rollout.stage != Stage::Shadow
        && let Some(breach) = rollout.guards.judge(&trial.observed().window(now), &trial.observed().all())
    {
        return take_back(shop, rollout, breach).await;
    }
    if rollout.stage == Stage::Active && now >= rollout.stage_since + watch(shop) {
        return Ok(end_as(shop, rollout, Ending::Completed, None).await?);
    }
    let seen = trial.observed().all();
    let is_news = |(at, written): &(Moment, Counts)| *written != seen && now >= *at + TELL_EVERY;
    if known.written.get(&rollout.id).is_none_or(is_news) {
        put_observed(shop, &rollout, &seen).await?;
        known.written.insert(rollout.id, (now, seen));
    }
    Ok(())
}

/// As long as a cart may be served by the plugins before, at least.
fn watch(shop: &Shop) -> TimeDelta {
    TimeDelta::minutes(shop.config().rollouts.watch_minutes.into()).max(hold(shop))
}

async fn put_observed(shop: &Shop, rollout: &Rollout, seen: &Counts) -> db::Result<()> {
    let mut tx = shop.db().write().await?;
    store::put_observed(&mut tx, rollout.id, rollout.stage_since, seen).await?;
    tx.commit().await
}

/// Puts the plugins back in force that were it before, for all at once.
async fn take_back(shop: &Shop, rollout: Rollout, breach: Breach) -> Result<(), Error> {
    let registry = shop.plugins();
    let turn = registry.turn().await;
    let domain = rollout.domain;
    let base = registry.generation(domain, rollout.base_generation).await?.ok_or(RegistryError::NothingToRollBack)?;
    let reason = format!("guard {}: {} is past {}", name(&breach), breach.measured, breach.limit);
    let ended = Rollout {
        ending: Some(Ending::RolledBack),
        ended_at: Some(clock::now()),
        observed: super::get(shop, rollout.id).await?.observed,
        breach: Some(breach),
        reason: Some(reason),
        ..rollout
    };
    // Before anything is written: loading may fail, and what fails is tried again at the next look.
    let back = match ended.generation {
        Some(generation) => Some(back_to(shop, &base, generation).await?),
        None => None,
    };
    let mut tx = shop.db().write().await?;
    if !store::put_end(&mut tx, &ended).await? {
        return Ok(());
    }
    let told = about(&ended, KERNEL);
    let also = json!({ "rollout_id": ended.id, "reason": ended.reason, "from": told["plugins"] });
    match &back {
        Some((binding, _)) => registry.write(&turn, &mut tx, binding, also).await?,
        // It never was in force: nothing of the binding changes, and what happened is told in the same words.
        None => registry.tell(&mut tx, "plugin.rolled-back", &Binding { actor: KERNEL.into(), ..base }, also).await?,
    }
    tell(&mut tx, &ended, "plugin.rollout-ended", KERNEL).await?;
    audit::record_own(&mut tx, "roll_back_rollout", &ended.id.to_string(), &told).await?;
    tx.commit().await?;
    match back {
        Some((_, route)) => _ = registry.host().publish_route(domain, route, None),
        None => forget(shop, &ended),
    }
    shop.relay().wake();
    tracing::error!(rollout = %ended.id, %domain, reason = ended.reason, "a candidate was taken back");
    Ok(())
}

/// The binding that goes back from `generation` to `base`, and its route.
async fn back_to(shop: &Shop, base: &Binding, generation: i64) -> Result<(Binding, Route), Error> {
    let registry = shop.plugins();
    let binding = Binding {
        domain: base.domain,
        generation: generation + 1,
        plugins: base.plugins.clone(),
        rolled_back_to: Some(base.rolled_back_to.unwrap_or(base.generation)),
        actor: KERNEL.to_owned(),
        created_at: clock::now(),
    };
    let bound = registry.bind_loaded(&binding.plugins).await?;
    let route = registry.route_of(&binding, bound).await;
    Ok((binding, route))
}

fn name(breach: &Breach) -> String {
    serde_json::to_value(breach.guard).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
