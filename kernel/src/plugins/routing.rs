//! Which plugins serve now: an immutable snapshot, so that a call keeps the version that it began with.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Digest, Domain, Package};

/// A compiled component, ready to be called. Shared by digest: loading the same file twice gives the same value.
pub struct Loaded {
    pub package: Package,
}

/// A component with the settings that the merchant gave it.
pub struct Bound {
    pub component: Arc<Loaded>,
    /// One JSON object; `{}` where the merchant gave none.
    pub settings: Arc<str>,
    /// Counts the merchant's changes of the settings; recorded with every order.
    pub settings_version: u64,
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
#[derive(Clone, Default)]
pub struct Route {
    /// Counts the changes of this domain's binding, as the database does.
    pub generation: u64,
    /// In the order in which they are asked.
    pub bound: Arc<[Arc<Bound>]>,
}

/// Every domain's plugins at one moment.
#[derive(Clone, Default)]
pub struct Routing {
    routes: BTreeMap<Domain, Route>,
}

impl Routing {
    /// The plugins of `domain`; empty where nothing was published yet.
    pub fn of(&self, domain: Domain) -> Route {
        self.routes.get(&domain).cloned().unwrap_or_default()
    }
}
