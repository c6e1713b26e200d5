//! A kernel that starts takes up the rollouts that it finds.

use super::moving::{candidate_route, end, number, trial};
use super::{Ending, Error, Rollout, Stage, store};
use crate::plugins::RegistryError;
use crate::{Shop, clock, db};

/// Who ends what nobody ended.
pub(super) const KERNEL: &str = "kassa";

/// Tries the candidates of the rollouts under way again. One that cannot be loaded ends its rollout: what is in force serves all.
pub async fn resume(shop: &Shop) -> Result<(), db::Error> {
    let running = store::running(&mut shop.db().read().await?).await?;
    for rollout in running {
        match take_up(shop, &rollout).await {
            Ok(true) => {}
            Ok(false) => end_as(shop, rollout, Ending::Superseded, None).await?,
            Err(error) => {
                tracing::error!(rollout = %rollout.id, %error, "a rollout cannot be taken up");
                end_as(shop, rollout, Ending::Failed, Some(error.to_string())).await?;
            }
        }
    }
    Ok(())
}

/// False where something else is in force by now.
async fn take_up(shop: &Shop, rollout: &Rollout) -> Result<bool, Error> {
    let (registry, domain) = (shop.plugins(), rollout.domain);
    let in_force = registry.routing().of(domain);
    let (base, candidate) = match rollout.generation {
        None => (in_force, candidate_route(registry.bind_loaded(&rollout.candidate).await?.into())),
        Some(_) => {
            let base = registry.generation(domain, rollout.base_generation).await?;
            let base = base.ok_or(RegistryError::NothingToRollBack)?;
            let bound = registry.bind_loaded(&base.plugins).await?;
            (registry.route_of(&base, bound).await, in_force)
        }
    };
    if rollout.stage == Stage::Canary {
        registry.host().count_beside(&candidate, &base);
    }
    let trial = trial(shop, rollout, base, candidate);
    let is_of = rollout.generation.unwrap_or(rollout.base_generation);
    let is_in_force = registry.routing().of(domain).generation == number(is_of);
    Ok(is_in_force && registry.host().put_trial(domain, Some(trial)))
}

/// Ends a rollout that nobody stopped.
pub(super) async fn end_as(
    shop: &Shop,
    rollout: Rollout,
    ending: Ending,
    reason: Option<String>,
) -> Result<(), db::Error> {
    let observed = super::get(shop, rollout.id).await.map_or(rollout.observed.clone(), |rollout| rollout.observed);
    let ended = Rollout { ending: Some(ending), reason, ended_at: Some(clock::now()), observed, ..rollout };
    end(shop, &ended, KERNEL).await?;
    Ok(())
}
