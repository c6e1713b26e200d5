//! Which plugins the shop has and which are in force: versions that were uploaded, bindings and their history.
//!
//! A binding is the ordered list of plugins of one domain. Each change is a new generation; none is ever rewritten, so a
//! rollback is a new generation with an old list. The row is committed before the routing changes: a crash between the
//! two leaves the new binding, which the next start loads. Beside them stand the calls that failed, for those who mend plugins.

mod began;
mod changes;
mod defaults;
mod error;
mod failed_calls;
mod grants;
pub mod http;
mod kv;
mod settings;
mod store;
mod uploads;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::conformance::{self, ConformanceConfig};
use super::{
    Bound, Domain, FallbackConfig, Host, Loaded, Mistake, Package, Probe, Routing, Signature, SignaturesConfig,
    Unsigned, notification, schema,
};
use crate::accounts::{Keys, Sealer};
use crate::blobs::Blobs;
use crate::clock::Moment;
use crate::config::{Config, ShopConfig};
use crate::db::Db;
use crate::plugins::answer::is_kebab;
use began::bound_last;
pub use changes::Turn;
#[cfg(test)]
pub(super) use defaults::DEFAULT_PLUGINS;
pub use error::RegistryError;
pub use failed_calls::{KeptCall, forget_failed_calls, run, subject_of_order};
pub use grants::{Given, GrantState};
pub use settings::{InForce, SettingsPlace};
pub use uploads::{Inspected, inspect};

/// Static delivery rates of the settings go by this name.
pub const RESERVED_NAME: &str = "fallback";

/// A version of a plugin that was uploaded.
#[derive(Debug, Clone)]
pub struct PluginVersion {
    pub package: Package,
    /// That came with the file, or with the same file later.
    pub signature: Option<Signature>,
    /// It came with a kernel of this shop, this one or an earlier.
    pub from_kernel: bool,
    /// What its upload found. None of what came with the kernel, and of what was uploaded before there was a suite.
    pub conformance: Option<conformance::Summary>,
    pub uploaded_at: Moment,
}

/// One plugin of a binding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoundPlugin {
    pub name: String,
    pub version: String,
    pub digest: String,
    /// One JSON object.
    pub settings: Value,
}

impl BoundPlugin {
    /// Plugins as events tell of them: without their settings, which are the merchant's own.
    pub fn told(plugins: &[Self]) -> Value {
        let told = |plugin: &Self| json!({ "name": plugin.name, "version": plugin.version, "digest": plugin.digest });
        plugins.iter().map(told).collect()
    }
}

/// The plugins of a domain, as they were at one time.
#[derive(Debug, Clone)]
pub struct Binding {
    pub domain: Domain,
    pub generation: i64,
    pub plugins: Vec<BoundPlugin>,
    pub rolled_back_to: Option<i64>,
    pub actor: String,
    pub created_at: Moment,
}

/// What a merchant asks for: a plugin by name, in a version, with settings.
#[derive(Debug, Clone)]
pub struct Wanted {
    pub name: String,
    /// The newest upload where none is named.
    pub version: Option<String>,
    /// Where none are given, those that it had when it was bound last; `{}` where it never was.
    pub settings: Option<Value>,
}

/// The plugins of a shop.
pub struct Registry {
    host: Host,
    db: Db,
    blobs: Blobs,
    /// What activation asks a plugin with.
    probe: Probe,
    signatures: SignaturesConfig,
    fallback: FallbackConfig,
    conformance: ConformanceConfig,
    /// One suite at a time, so that uploads take one place at most.
    trying_out: Mutex<()>,
    /// What secrets rest under.
    secrets: Arc<Sealer>,
    /// One change of bindings and grants at a time. Another kernel's change is caught by the generation's primary key.
    changing: Mutex<()>,
}

impl Registry {
    /// Starts the host and loads what is bound; an empty shop gets the default plugins.
    pub async fn open(config: &Config, db: &Db, blobs: Blobs, keys: &Keys) -> Result<Self, RegistryError> {
        let cache_dir: PathBuf = config.data.dir.join("compiled");
        let kv = Arc::new(kv::DatabaseKv::new(db.clone()));
        let host = Host::new(&config.plugins, &cache_dir, &keys.cache_key(), kv)?;
        let probe = probe(&config.shop);
        let registry = Self {
            host,
            db: db.clone(),
            blobs,
            probe,
            signatures: config.plugins.signatures.clone(),
            fallback: config.plugins.fallback,
            conformance: config.plugins.conformance.clone(),
            trying_out: Mutex::new(()),
            secrets: keys.plugin_secrets(),
            changing: Mutex::new(()),
        };
        registry.load_grants().await?;
        let bound = registry.load_bound().await?;
        defaults::install(&registry, config, &bound).await?;
        Ok(registry)
    }

    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The plugins in force at this moment. Hold on to it for the length of one request.
    pub fn routing(&self) -> Arc<Routing> {
        self.host.routing()
    }

    /// The domains that have a binding.
    async fn load_bound(&self) -> Result<BTreeSet<Domain>, RegistryError> {
        let bindings = store::current_bindings(&mut self.db.read().await?).await?;
        // Components load side by side: it is most of the time that a start takes.
        let loads = bindings.iter().map(async |binding| {
            let bound = self.bind_loaded(&binding.plugins).await?;
            Ok::<_, RegistryError>((binding.domain, self.route_of(binding, bound).await))
        });
        for (domain, route) in futures_util::future::try_join_all(loads).await? {
            self.host.publish_route(domain, route, None);
        }
        Ok(bindings.iter().map(|binding| binding.domain).collect())
    }

    /// Loads plugins that passed their checks before.
    pub async fn bind_loaded(&self, plugins: &[BoundPlugin]) -> Result<Vec<Arc<Bound>>, RegistryError> {
        let mut bound = Vec::with_capacity(plugins.len());
        for plugin in plugins {
            let component = self.load(&plugin.digest).await.map_err(|cause| RegistryError::Missing {
                name: plugin.name.clone(),
                version: plugin.version.clone(),
                cause: cause.to_string(),
            })?;
            bound.push(bound_of(component, &plugin.settings));
        }
        Ok(bound)
    }

    async fn load(&self, digest: &str) -> Result<Arc<Loaded>, RegistryError> {
        let bytes = self.blobs.get(digest).await?;
        let loaded = self.host.load(bytes.as_ref()).await?;
        // The name of a file is only a name: other code under it must not serve, nor answer for an old order.
        if loaded.package.digest.to_string() != digest {
            return Err(RegistryError::OtherFile { wanted: digest.to_owned(), found: loaded.package.digest });
        }
        Ok(loaded)
    }

    /// A plugin that is bound, under settings that are not in force; refused where they would be at a binding.
    pub async fn try_settings(
        &self,
        domain: Domain,
        name: &str,
        settings: &Value,
    ) -> Result<Arc<Bound>, RegistryError> {
        let bound = bound_of(self.find_bound(domain, name).await?.component().clone(), settings);
        self.check(SettingsPlace::Member, &bound, settings).await?;
        Ok(bound)
    }

    /// The component with the digest `digest` under `settings`, for deriving an old order's price again.
    pub async fn load_for_receipt(&self, digest: &str, settings: &str) -> Result<Arc<Bound>, RegistryError> {
        let component = self.load(digest).await?;
        Ok(Arc::new(Bound::new(component, settings)))
    }

    /// Refuses what the operator does not want in force, whenever it was uploaded.
    async fn permit(&self, plugins: &[BoundPlugin]) -> Result<(), RegistryError> {
        if self.signatures.unsigned != Unsigned::Refused {
            return Ok(());
        }
        let mut conn = self.db.read().await?;
        for BoundPlugin { name, version, .. } in plugins {
            let found = store::find_version(&mut conn, name, version).await?;
            if !found.is_some_and(|found| self.signer_of(&found).is_trusted()) {
                return Err(RegistryError::Unsigned { name: name.clone(), version: version.clone() });
            }
        }
        Ok(())
    }

    /// Refuses where the shop has no version of the plugin.
    pub async fn require(&self, name: &str) -> Result<(), RegistryError> {
        // What no plugin is called is not looked for: PostgreSQL takes no U+0000, not even to find nothing.
        if !is_kebab(name, 64) {
            return Err(RegistryError::NotFound);
        }
        let found = store::newest_version(&mut self.db.read().await?, name).await?;
        found.map(drop).ok_or(RegistryError::NotFound)
    }

    /// The binding in force of every domain that has one.
    pub async fn bindings(&self) -> Result<Vec<Binding>, RegistryError> {
        Ok(store::current_bindings(&mut self.db.read().await?).await?)
    }

    /// The binding in force of `domain`.
    pub async fn binding(&self, domain: Domain) -> Result<Option<Binding>, RegistryError> {
        Ok(store::current_binding(&mut self.db.read().await?, domain).await?)
    }

    async fn resolve(&self, domain: Domain, wanted: &[Wanted]) -> Result<Vec<BoundPlugin>, RegistryError> {
        let mut plugins: Vec<BoundPlugin> = Vec::with_capacity(wanted.len());
        let mut conn = self.db.read().await?;
        for want in wanted {
            let found = match &want.version {
                Some(version) => store::find_version(&mut conn, &want.name, version).await?,
                None => store::newest_version(&mut conn, &want.name).await?,
            };
            let label = || want.version.as_ref().map_or(want.name.clone(), |v| format!("{}@{v}", want.name));
            let found = found.ok_or_else(|| RegistryError::UnknownPlugin(label()))?;
            let Package { metadata, digest, domain: is, .. } = found.package;
            if is != domain {
                return Err(RegistryError::OtherDomain { name: want.name.clone(), is });
            }
            if plugins.iter().any(|plugin| plugin.name == want.name) {
                return Err(RegistryError::Twice(want.name.clone()));
            }
            let settings = match &want.settings {
                Some(settings) => settings.clone(),
                None => {
                    bound_last(&mut conn, domain, &want.name).await?.map_or_else(|| json!({}), |last| last.settings)
                }
            };
            let (name, version, digest) = (metadata.name, metadata.version, digest.to_string());
            plugins.push(BoundPlugin { name, version, digest, settings });
        }
        Ok(plugins)
    }

    /// Whether a plugin takes these settings: by its schema, by what it says of them, and by its answer to an empty request.
    async fn check(&self, place: SettingsPlace, bound: &Arc<Bound>, settings: &Value) -> Result<(), RegistryError> {
        let name = || bound.name().to_owned();
        // Off the runtime's threads: what it costs is bounded, and little for anybody but one who wants it to be much.
        let (component, given) = (bound.component().clone(), settings.clone());
        let held = move || schema::mistakes(component.package.manifest.settings.as_ref(), &given);
        let mistakes = tokio::task::spawn_blocking(held).await.map_err(std::io::Error::other)?;
        let refused = |mistakes: Vec<Mistake>| match mistakes.is_empty() {
            true => Ok(()),
            false => Err(RegistryError::Settings { name: name(), place, mistakes }),
        };
        let failed = |cause| RegistryError::Check { name: name(), cause };
        refused(mistakes)?;
        refused(self.host.validate_settings(bound).await.map_err(failed)?)?;
        self.host.check(bound, &self.probe).await.map_err(failed)?;
        Ok(())
    }

    /// Loads what could be put in force, after it passed all that it has to.
    async fn load_checked(&self, plugins: &[BoundPlugin]) -> Result<Vec<Arc<Bound>>, RegistryError> {
        self.permit(plugins).await?;
        let bound = self.bind_loaded(plugins).await?;
        for (index, (bound, plugin)) in bound.iter().zip(plugins).enumerate() {
            self.check(SettingsPlace::OfBinding(index), bound, &plugin.settings).await?;
        }
        Ok(bound)
    }

    /// What [`Registry::bind`] would put in force, which is not in force: to be tried on what was recorded.
    pub async fn candidate(
        &self,
        domain: Domain,
        wanted: &[Wanted],
    ) -> Result<(Vec<BoundPlugin>, Vec<Arc<Bound>>), RegistryError> {
        let plugins = self.resolve(domain, wanted).await?;
        let bound = self.load_checked(&plugins).await?;
        Ok((plugins, bound))
    }

    /// The same to be tried on live calls, where it reaches what it was granted.
    pub async fn live_candidate(
        &self,
        domain: Domain,
        wanted: &[Wanted],
    ) -> Result<(Vec<BoundPlugin>, Vec<Arc<Bound>>), RegistryError> {
        let (plugins, bound) = self.candidate(domain, wanted).await?;
        self.require_grants(&plugins).await?;
        Ok((plugins, bound))
    }
}

fn probe(shop: &ShopConfig) -> Probe {
    Probe {
        currency: shop.currency.code().into(),
        exponent: shop.currency.exponent(),
        locale: shop.locale.clone(),
        now: 0,
        shop: notification::Shop { name: shop.name.clone(), url: shop.url.clone(), email: shop.email.clone() },
    }
}

fn bound_of(component: Arc<Loaded>, settings: &Value) -> Arc<Bound> {
    Arc::new(Bound::new(component, settings.to_string()))
}
