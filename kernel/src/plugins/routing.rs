//! Which plugins serve now: an immutable snapshot, so that a call keeps the version that it began with.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::{Component, Linker};

use super::bindings::delivery_world::DeliveryPluginPre;
use super::bindings::notification_world::NotificationPluginPre;
use super::bindings::payment_world::PaymentPluginPre;
use super::limits::Limits;
use super::state::State;
use super::{Digest, Domain, Package, pricing};

/// A compiled component, ready to be called. Shared by digest: loading the same file twice gives the same value.
pub struct Loaded {
    pub package: Package,
    pub(super) limits: Limits,
    pub(super) linked: Linked,
    /// Places for calls of this plugin.
    pub(super) calls: Arc<Semaphore>,
}

impl Loaded {
    /// Links `component`, and sees that it has what the contract names. Types are compared when it is first instantiated.
    pub(super) fn link(
        package: Package,
        limits: Limits,
        linker: &Linker<State>,
        component: &Component,
    ) -> wasmtime::Result<Self> {
        let linked = linker.instantiate_pre(component)?;
        let linked = match package.domain {
            Domain::Pricing => Linked::Pricing(pricing::Linking::new(linked)?),
            Domain::Payment => Linked::Payment(PaymentPluginPre::new(linked)?),
            Domain::Delivery => Linked::Delivery(DeliveryPluginPre::new(linked)?),
            Domain::Notification => Linked::Notification(NotificationPluginPre::new(linked)?),
        };
        let calls = Arc::new(Semaphore::new(limits.concurrent_calls as usize));
        Ok(Self { package, limits, linked, calls })
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

/// A component with the settings that the merchant gave it.
#[derive(Clone, Debug)]
pub struct Bound {
    pub component: Arc<Loaded>,
    /// One JSON object; `{}` where the merchant gave none.
    pub settings: Arc<str>,
}

impl Bound {
    pub fn name(&self) -> &str {
        &self.component.package.manifest.name
    }

    pub fn version(&self) -> &str {
        &self.component.package.manifest.version
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
}

impl Routing {
    /// The plugins of `domain`; none where nothing was published yet.
    pub fn of(&self, domain: Domain) -> Route {
        self.routes.get(&domain).cloned().unwrap_or_default()
    }

    /// This snapshot with another route, or none where `route` is not newer than the present one.
    pub(super) fn with(&self, domain: Domain, route: Route) -> Option<Self> {
        if self.routes.get(&domain).is_some_and(|present| present.generation >= route.generation) {
            return None;
        }
        let mut routes = self.routes.clone();
        routes.insert(domain, route);
        Some(Self { routes })
    }
}
