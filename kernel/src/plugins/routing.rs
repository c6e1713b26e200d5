//! Which plugins serve now: an immutable snapshot, so that a call keeps the version that it began with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use crossbeam_utils::CachePadded;
use wasmtime::component::{Component, InstancePre};

use super::bindings::configurable_world::ConfigurablePluginPre;
use super::bindings::delivery_world::DeliveryPluginPre;
use super::bindings::notification_world::NotificationPluginPre;
use super::bindings::payment_world::PaymentPluginPre;
use super::limits::Limits;
use super::places::{Cores, Gate};
use super::shards::Shard;
use super::state::State;
use super::telemetry::Version;
use super::trial::{Asker, Served, Trial};
use super::{Digest, Domain, Package, pricing};
use crate::clock::Moment;

/// A compiled component, ready to be called. Shared by digest: loading the same file twice gives the same value.
pub struct Loaded {
    pub package: Package,
    pub(super) limits: Limits,
    /// For the engine of each shard.
    linked: Box<[CachePadded<Linked>]>,
    /// The same for the optional interface; none where it is not exported.
    configurable: Box<[ConfigurablePluginPre<State>]>,
    /// Places for calls of this plugin.
    pub(super) calls: Gate,
}

impl Loaded {
    /// Links the component, of which `components` has one for each shard, and sees that it has what the contract names.
    /// Types are compared when it is first instantiated.
    pub(super) fn link(
        package: Package,
        limits: Limits,
        shards: &[Shard],
        components: &[Component],
        cores: Arc<Cores>,
    ) -> wasmtime::Result<Self> {
        let link = |(shard, component): (&Shard, _)| shard.link(package.domain, component);
        let instances = shards.iter().zip(components).map(link).collect::<wasmtime::Result<Vec<_>>>()?;
        let configurable = match package.configurable {
            true => instances.iter().cloned().map(ConfigurablePluginPre::new).collect::<wasmtime::Result<_>>()?,
            false => Box::default(),
        };
        let linked = instances.into_iter().map(|pre| Linked::new(package.domain, pre).map(CachePadded::new));
        let linked = linked.collect::<wasmtime::Result<_>>()?;
        let calls = Gate::new(limits.concurrent_calls, shards.len(), cores);
        Ok(Self { package, limits, linked, configurable, calls })
    }
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded").field("package", &self.package).finish_non_exhaustive()
    }
}

/// A component with its imports resolved, by the world that it fits.
pub(super) enum Linked {
    Pricing(pricing::Linking),
    Payment(PaymentPluginPre<State>),
    Delivery(DeliveryPluginPre<State>),
    Notification(NotificationPluginPre<State>),
}

impl Linked {
    fn new(domain: Domain, instances: InstancePre<State>) -> wasmtime::Result<Self> {
        Ok(match domain {
            Domain::Pricing => Self::Pricing(pricing::Linking::new(instances)?),
            Domain::Payment => Self::Payment(PaymentPluginPre::new(instances)?),
            Domain::Delivery => Self::Delivery(DeliveryPluginPre::new(instances)?),
            Domain::Notification => Self::Notification(NotificationPluginPre::new(instances)?),
        })
    }
}

/// A component with the settings that the merchant gave it.
#[derive(Debug)]
pub struct Bound {
    component: Arc<Loaded>,
    settings: Arc<str>,
    /// Where its calls are counted, once it is in force.
    counted: OnceLock<Arc<Version>>,
    locals: Box<[Arc<CachePadded<Local>>]>,
}

/// How much of what a plugin's name was granted its calls are lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lent {
    All,
    /// All, but what it would keep: of a call that nobody waits for nothing must stay.
    ToRead,
    Nothing,
}

/// A bound plugin as the calls of one shard hold it. It says nothing that [`Bound`] does not; but calls on different cores
/// do not count references to it in one place.
#[derive(Debug)]
pub(super) struct Local {
    component: Arc<Loaded>,
    pub(super) settings: Arc<str>,
    pub(super) lent: Lent,
    shard: usize,
}

impl Local {
    pub(super) fn name(&self) -> &str {
        &self.component.package.metadata.name
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.component.limits
    }

    pub(super) fn linked(&self) -> &Linked {
        &self.component.linked[self.shard]
    }

    /// None where the component does not export it.
    pub(super) fn configurable(&self) -> Option<&ConfigurablePluginPre<State>> {
        self.component.configurable.get(self.shard)
    }
}

impl Bound {
    /// `settings` is one JSON object; `{}` where the merchant gave none.
    pub fn new(component: Arc<Loaded>, settings: impl Into<Arc<str>>) -> Self {
        Self::lent(component, settings.into(), Lent::All)
    }

    /// The same plugin under the same settings, for calls that are no news of the shop.
    pub(super) fn again(&self, lent: Lent) -> Self {
        Self::lent(self.component.clone(), self.settings.clone(), lent)
    }

    /// For a version that nobody decided upon yet: it reaches nothing that was granted to those before it.
    pub(super) fn on_trial(component: Arc<Loaded>, settings: impl Into<Arc<str>>) -> Self {
        Self::lent(component, settings.into(), Lent::Nothing)
    }

    fn lent(component: Arc<Loaded>, settings: Arc<str>, lent: Lent) -> Self {
        let local = |shard| Local { component: component.clone(), settings: settings.clone(), lent, shard };
        let locals = (0..component.linked.len()).map(|shard| Arc::new(CachePadded::new(local(shard)))).collect();
        Self { component, settings, counted: OnceLock::new(), locals }
    }

    /// For calls on the engine of this shard.
    pub(super) fn on(&self, shard: usize) -> &Arc<CachePadded<Local>> {
        &self.locals[shard]
    }

    /// It is in force: its calls are counted there.
    pub(super) fn count_in(&self, version: Arc<Version>) {
        // Put in force again, it is counted where it was.
        let _ = self.counted.set(version);
    }

    /// None before it is in force.
    pub(super) fn counted(&self) -> Option<&Arc<Version>> {
        self.counted.get()
    }

    /// How many calls of the component run at once, whichever settings they have.
    pub fn concurrent_calls(&self) -> u32 {
        self.component.limits.concurrent_calls
    }

    pub fn component(&self) -> &Arc<Loaded> {
        &self.component
    }

    /// One JSON object.
    pub fn settings(&self) -> &Arc<str> {
        &self.settings
    }

    pub fn name(&self) -> &str {
        &self.component.package.metadata.name
    }

    pub fn version(&self) -> &str {
        &self.component.package.metadata.version
    }

    pub fn digest(&self) -> Digest {
        self.component.package.digest
    }

    pub fn domain(&self) -> Domain {
        self.component.package.domain
    }
}

/// The plugins of one domain.
#[derive(Clone, Debug, Default)]
pub struct Route {
    /// Counts the changes of this domain's binding, as the database does; 0 where nothing was published yet.
    pub generation: u64,
    /// In the order in which they are asked.
    pub bound: Arc<[Arc<Bound>]>,
    /// What answers where one of them fails, if the shop wants that.
    pub last_good: Option<Arc<LastGood>>,
}

/// What was in force before, for calls that are no news of the shop: neither counted nor logged, and let through whatever breakers say.
#[derive(Debug)]
pub struct LastGood {
    pub generation: u64,
    pub bound: Arc<[Arc<Bound>]>,
}

impl LastGood {
    pub(super) fn route(&self) -> Route {
        Route { generation: self.generation, bound: self.bound.clone(), last_good: None }
    }
}

impl Route {
    /// The plugin of that name, if it serves.
    pub fn find(&self, name: &str) -> Option<&Arc<Bound>> {
        self.bound.iter().find(|bound| bound.name() == name)
    }
}

/// Every domain's plugins at one moment.
#[derive(Clone, Debug, Default)]
pub struct Routing {
    routes: BTreeMap<Domain, Route>,
    /// What is tried beside them.
    trials: BTreeMap<Domain, Arc<Trial>>,
}

impl Routing {
    /// The plugins of `domain`; none where nothing was published yet.
    pub fn of(&self, domain: Domain) -> Route {
        self.routes.get(&domain).cloned().unwrap_or_default()
    }

    /// Who answers a question of `asker` in `domain`.
    pub fn serve(&self, domain: Domain, asker: Option<Asker>, now: Moment) -> Served {
        match self.trials.get(&domain) {
            Some(trial) => Served::in_trial(self.of(domain), trial, asker, now),
            None => Served::by(self.of(domain)),
        }
    }

    /// What is tried in `domain`.
    pub fn trial(&self, domain: Domain) -> Option<&Arc<Trial>> {
        self.trials.get(&domain)
    }

    /// This snapshot with another route, or none where `route` is not newer than the present one. What was tried beside the present one
    /// is tried no longer; `trial` is, where it is of this route.
    pub(super) fn with(&self, domain: Domain, route: Route, trial: Option<Arc<Trial>>) -> Option<Self> {
        if self.routes.get(&domain).is_some_and(|present| present.generation >= route.generation) {
            return None;
        }
        let mut next = self.clone();
        next.trials.remove(&domain);
        if let Some(trial) = trial.filter(|trial| trial.is_of(route.generation)) {
            next.trials.insert(domain, trial);
        }
        next.routes.insert(domain, route);
        Some(next)
    }

    /// This snapshot with another trial, or without any; none where `trial` is of another generation than the one in force.
    pub(super) fn with_trial(&self, domain: Domain, trial: Option<Arc<Trial>>) -> Option<Self> {
        let mut next = self.clone();
        match trial {
            Some(trial) if trial.is_of(self.of(domain).generation) => next.trials.insert(domain, trial),
            Some(_) => return None,
            None => next.trials.remove(&domain),
        };
        Some(next)
    }
}
