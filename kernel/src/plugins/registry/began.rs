//! Which version and settings go on with what a plugin began, whatever is in force by now.

use std::sync::Arc;

use uuid::Uuid;

use super::{BoundPlugin, Registry, RegistryError, bound_of, store};
use crate::db;
use crate::plugins::trial::Answers;
use crate::plugins::{Bound, Domain};

impl Registry {
    /// The plugin with which a payment that was begun in a rollout goes on, where that is not the one of its name in force: the candidate's that
    /// never came in force or was taken back; or, while the candidate that came in force is tried, what it replaced. Another account would
    /// know nothing of the payment. Where both sides had the same settings it was one account, and a newer version may mend what an
    /// older one could not.
    pub async fn begun_in_rollout(
        &self,
        rollout_id: Uuid,
        answers: Answers,
        name: &str,
    ) -> Result<Option<Arc<Bound>>, RegistryError> {
        let rollout = store::rollout_of_payment(&mut self.db.read().await?, rollout_id).await?;
        let Some(rollout) = rollout else { return Ok(None) };
        let base = self.generation(Domain::Payment, rollout.base_generation).await?;
        let base = base.map(|base| base.plugins).unwrap_or_default();
        let of = |plugins: &[BoundPlugin]| plugins.iter().find(|plugin| plugin.name == name).cloned();
        let (base, candidate) = (of(&base), of(&rollout.candidate));
        let is_one_account = base.as_ref().zip(candidate.as_ref()).is_some_and(|(a, b)| a.settings == b.settings);
        let began = match answers {
            _ if is_one_account => None,
            Answers::Candidate if !rollout.came_in_force || rollout.was_taken_back => candidate,
            Answers::Base if rollout.came_in_force && !rollout.ended => base,
            _ => None,
        };
        let Some(plugin) = began else { return Ok(None) };
        Ok(Some(bound_of(self.load(&plugin.digest).await?, &plugin.settings)))
    }

    /// A plugin by name: as it is bound or answers shoppers now, else as it was last, so that what it began can be ended.
    pub async fn find_bound(&self, domain: Domain, name: &str) -> Result<Arc<Bound>, RegistryError> {
        let routing = self.routing();
        // What a candidate began of payments comes by its rollout: those without are of somebody else.
        let tried = routing.trial(domain).filter(|trial| !trial.is_shadow() && domain != Domain::Payment);
        let tried = tried.and_then(|trial| trial.candidate().find(name));
        if let Some(bound) = routing.of(domain).find(name).or(tried) {
            return Ok(bound.clone());
        }
        let mut conn = self.db.read().await?;
        let last = match bound_last(&mut conn, domain, name).await? {
            Some(last) => Some(last),
            // It never was in force, but answered shoppers as a canary.
            None => {
                let candidate = store::candidate_naming(&mut conn, domain, name).await?;
                candidate.into_iter().flatten().find(|plugin| plugin.name == name)
            }
        };
        drop(conn);
        let plugin = last.ok_or_else(|| RegistryError::UnknownPlugin(name.to_owned()))?;
        Ok(bound_of(self.load(&plugin.digest).await?, &plugin.settings))
    }
}

/// The plugin as the newest binding that names it has it.
pub(super) async fn bound_last(
    conn: &mut db::Conn,
    domain: Domain,
    name: &str,
) -> Result<Option<BoundPlugin>, db::Error> {
    let mut generation = i64::MAX;
    // A loop, because settings can have such a text too.
    while let Some(binding) = store::binding_naming(conn, domain, name, generation).await? {
        generation = binding.generation;
        if let Some(plugin) = binding.plugins.into_iter().find(|plugin| plugin.name == name) {
            return Ok(Some(plugin));
        }
    }
    Ok(None)
}
