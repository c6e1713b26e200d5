//! What is in force, and how it is changed: by one generation after the other, none of which is ever rewritten.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::MutexGuard;

use super::{Binding, BoundPlugin, Registry, RegistryError, Wanted, store};
use crate::clock;
use crate::db::Tx;
use crate::events;
use crate::plugins::{Bound, Domain, LastGood, Route};

/// Held while bindings or grants are changed.
pub struct Turn<'a>(#[expect(dead_code, reason = "it is held, not read")] MutexGuard<'a, ()>);

impl Registry {
    /// The turn to change bindings: whoever has it knows that none changes meanwhile, but by another kernel.
    pub async fn turn(&self) -> Turn<'_> {
        Turn(self.changing.lock().await)
    }

    /// Puts `wanted` in force for `domain`, after each plugin passed its check. `expected` refuses where the
    /// binding changed since that generation was read.
    pub async fn bind(
        &self,
        domain: Domain,
        wanted: &[Wanted],
        expected: Option<i64>,
        actor: &str,
    ) -> Result<Binding, RegistryError> {
        let turn = self.turn().await;
        self.refuse_beside_trial(domain)?;
        let generation = self.binding(domain).await?.map_or(0, |binding| binding.generation);
        if expected.is_some_and(|expected| expected != generation) {
            return Err(RegistryError::Contended);
        }
        let plugins = self.resolve(domain, wanted).await?;
        self.require_grants(&plugins).await?;
        self.put_in_force(&turn, domain, generation + 1, plugins, None, actor).await
    }

    /// Goes back to an earlier generation or, where none is named, to the binding before the one in force; called again, further
    /// back.
    pub async fn roll_back(
        &self,
        domain: Domain,
        to: Option<i64>,
        expected: Option<i64>,
        actor: &str,
    ) -> Result<Binding, RegistryError> {
        let turn = self.turn().await;
        self.refuse_beside_trial(domain)?;
        let current = self.binding(domain).await?.ok_or(RegistryError::NothingToRollBack)?;
        if expected.is_some_and(|expected| expected != current.generation) {
            return Err(RegistryError::Contended);
        }
        let stands_for = current.rolled_back_to.unwrap_or(current.generation);
        let before = match to {
            Some(generation) if generation >= current.generation => return Err(RegistryError::NotEarlier(generation)),
            Some(generation) => generation.saturating_add(1),
            None => stands_for,
        };
        let earlier = store::binding_before(&mut self.db.read().await?, domain, before).await?;
        let earlier = earlier.filter(|earlier| to.is_none_or(|generation| earlier.generation == generation));
        let earlier = earlier.ok_or(RegistryError::NothingToRollBack)?;
        let target = earlier.rolled_back_to.unwrap_or(earlier.generation);
        self.put_in_force(&turn, domain, current.generation + 1, earlier.plugins, Some(target), actor).await
    }

    /// At most `limit` bindings of `domain` before that generation, the newest first.
    pub async fn history(&self, domain: Domain, before: i64, limit: u32) -> Result<Vec<Binding>, RegistryError> {
        Ok(store::bindings_before(&mut self.db.read().await?, domain, before, limit).await?)
    }

    /// The binding of `domain` with that generation, whether or not it is in force.
    pub async fn generation(&self, domain: Domain, generation: i64) -> Result<Option<Binding>, RegistryError> {
        let found = store::binding_before(&mut self.db.read().await?, domain, generation.saturating_add(1)).await?;
        Ok(found.filter(|binding| binding.generation == generation))
    }

    /// What is compared with a candidate must not change under it.
    pub(super) fn refuse_beside_trial(&self, domain: Domain) -> Result<(), RegistryError> {
        match self.routing().trial(domain) {
            Some(trial) if !trial.is_in_force() => Err(RegistryError::RolloutRuns(domain)),
            _ => Ok(()),
        }
    }

    /// Holds plugins that are to be put in force against all that could have changed since they were looked at: keys that are trusted, and
    /// what was granted.
    pub async fn permit_again(&self, plugins: &[BoundPlugin]) -> Result<(), RegistryError> {
        self.permit(plugins).await?;
        self.require_grants(plugins).await
    }

    /// The route of a binding whose plugins are loaded. What is to stand in where they fail is loaded too, if the shop wants that; one that
    /// cannot be loaded stands in for nobody, and is no reason not to sell.
    pub async fn route_of(&self, binding: &Binding, bound: Vec<Arc<Bound>>) -> Route {
        let last_good = match self.fallback.keeps_last_good(binding.domain) {
            true => self.last_good(binding).await.unwrap_or_else(|error| {
                tracing::error!(domain = %binding.domain, %error, "the plugins that were in force before cannot be loaded");
                None
            }),
            false => None,
        };
        Route { generation: number(binding.generation), bound: bound.into(), last_good: last_good.map(Arc::new) }
    }

    /// The binding before that one. Of one that went back, the one before that which it went back to: what it went back from was not good.
    async fn last_good(&self, binding: &Binding) -> Result<Option<LastGood>, RegistryError> {
        let stands_for = binding.rolled_back_to.unwrap_or(binding.generation);
        let before = store::binding_before(&mut self.db.read().await?, binding.domain, stands_for).await?;
        let Some(before) = before else { return Ok(None) };
        let bound = self.bind_loaded(&before.plugins).await?;
        Ok(Some(LastGood { generation: number(before.generation), bound: bound.into() }))
    }

    pub(super) async fn put_in_force(
        &self,
        turn: &Turn<'_>,
        domain: Domain,
        generation: i64,
        plugins: Vec<BoundPlugin>,
        rolled_back_to: Option<i64>,
        actor: &str,
    ) -> Result<Binding, RegistryError> {
        let bound = self.load_checked(&plugins).await?;
        let binding =
            Binding { domain, generation, plugins, rolled_back_to, actor: actor.to_owned(), created_at: clock::now() };
        let route = self.route_of(&binding, bound).await;
        let mut tx = self.db.write().await?;
        self.write(turn, &mut tx, &binding, json!({})).await?;
        tx.commit().await?;
        self.host.publish_route(domain, route, None);
        tracing::info!(%domain, generation, rolled_back_to, actor, "a binding is in force");
        Ok(binding)
    }

    /// Writes a binding down with its event, which has the members of `also` too. Once it is committed, it has to be published.
    pub async fn write(
        &self,
        _turn: &Turn<'_>,
        tx: &mut Tx,
        binding: &Binding,
        also: Value,
    ) -> Result<(), RegistryError> {
        store::insert_binding(tx, binding).await.map_err(|error| match error.is_unique_violation() {
            true => RegistryError::Contended,
            false => error.into(),
        })?;
        let kind = if binding.rolled_back_to.is_some() { "plugin.rolled-back" } else { "plugin.activated" };
        self.tell(tx, kind, binding, also).await
    }

    /// Tells of a binding.
    pub async fn tell(&self, tx: &mut Tx, kind: &str, binding: &Binding, also: Value) -> Result<(), RegistryError> {
        let Binding { domain, generation, plugins, actor, .. } = binding;
        let mut data = json!({
            "domain": domain.name(), "generation": generation, "actor": actor, "plugins": BoundPlugin::told(plugins),
        });
        if let (Some(data), Value::Object(also)) = (data.as_object_mut(), also) {
            data.extend(also);
        }
        events::record(tx, kind, domain.name(), data).await?;
        Ok(())
    }
}

/// Generations are counted from 1.
fn number(generation: i64) -> u64 {
    u64::try_from(generation).unwrap_or_default()
}
