//! The host: one value that loads plugins, routes to them and calls them.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use arc_swap::ArcSwap;
use tokio::runtime::{Handle, Runtime};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::Cache;
use super::call::Abandoned;
use super::compile::{self, CompileError};
use super::desk::{FailedCalls, Playback};
use super::engine::Ticker;
use super::fault::Stopped;
use super::grants::Granted;
use super::limits::PluginsConfig;
use super::outbound::Outbound;
use super::places::{Cores, Gate};
use super::ranges;
use super::routing::{Bound, Linked, Loaded, Route, Routing};
use super::shards::{self, Shard};
use super::telemetry::Telemetry;
use super::trial::Trial;
use super::{CallError, Called, Digest, Domain, Fault, KvStore, Package, PackageError};

/// The host did not start.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("plugins.{setting} must be {range}")]
    Setting { setting: String, range: &'static str },
    #[error("the plugin engine does not start: {0}")]
    Engine(String),
    #[error("the plugin host cannot start a thread: {0}")]
    Thread(#[from] std::io::Error),
    #[error("the client of plugins does not start: {0}")]
    Client(String),
}

/// A file that cannot be loaded. The texts are for the person who uploads it.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("the component cannot be compiled: {0}")]
    Compile(#[from] CompileError),
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
}

/// The plugin host. Cheap to clone; the last clone dropped stops its threads.
#[derive(Clone)]
pub struct Host(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) shards: Box<[Shard]>,
    cores: Arc<Cores>,
    /// Places for calls of all plugins together: in each of its shards no more than the pool of that engine has.
    pub(super) calls: Gate,
    pub(super) kv: Arc<dyn KvStore>,
    pub(super) outbound: Arc<Outbound>,
    pub(super) slow_lane: Handle,
    /// None only while it is dropped.
    slow_lane_threads: Option<Runtime>,
    pub(super) config: PluginsConfig,
    pub(super) cache: Cache,
    telemetry: Telemetry,
    pub(super) failed_calls: FailedCalls,
    loaded: Mutex<HashMap<Digest, Weak<Loaded>>>,
    compiling: compile::Queue,
    routing: ArcSwap<Routing>,
    _ticker: Ticker,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A runtime must not be dropped where it could block, which is where hosts are dropped.
        if let Some(threads) = self.slow_lane_threads.take() {
            threads.shutdown_background();
        }
    }
}

impl Host {
    /// Starts the engine, its ticker and the slow lane. `cache_dir` keeps compiled code, authenticated with
    /// `install_key`: a secret of this install, at least 32 bytes that were drawn at random.
    pub fn new(
        config: &PluginsConfig,
        cache_dir: &Path,
        install_key: &[u8],
        kv: Arc<dyn KvStore>,
    ) -> Result<Self, HostError> {
        Self::with_outbound(config, cache_dir, install_key, kv, Outbound::new(&config.outbound)?)
    }

    /// One that reaches nothing: `playback` gives the answers of the shop and of other hosts.
    pub(super) fn on_a_desk(
        config: &PluginsConfig,
        cache_dir: &Path,
        install_key: &[u8],
        playback: Arc<Playback>,
    ) -> Result<Self, HostError> {
        let outbound = Outbound::on_a_desk(&config.outbound, playback.clone())?;
        Self::with_outbound(config, cache_dir, install_key, playback, outbound)
    }

    fn with_outbound(
        config: &PluginsConfig,
        cache_dir: &Path,
        install_key: &[u8],
        kv: Arc<dyn KvStore>,
        outbound: Arc<Outbound>,
    ) -> Result<Self, HostError> {
        ranges::check(config)?;
        let shards = shards::start(config)?;
        let engines: Vec<Engine> = shards.iter().map(|shard| shard.engine.clone()).collect();
        let cores = Arc::new(Cores::of_this_process());
        let slow_lane = slow_lane(config)?;
        Ok(Self(Arc::new(Inner {
            calls: Gate::new(config.total_calls, shards.len(), cores.clone()),
            cores,
            kv,
            outbound,
            slow_lane: slow_lane.handle().clone(),
            slow_lane_threads: Some(slow_lane),
            config: config.clone(),
            cache: Cache::new(cache_dir.to_owned(), install_key, engines.clone()),
            telemetry: Telemetry::new(&config.logs, &config.breaker, shards.len()),
            failed_calls: FailedCalls::new(&config.failed_calls),
            loaded: Mutex::default(),
            compiling: compile::Queue::default(),
            routing: ArcSwap::default(),
            _ticker: Ticker::start(engines, config.epoch_tick_ms)?,
            shards,
        })))
    }

    /// Reads and compiles a plugin file, or takes its code from the cache.
    pub async fn load(&self, wasm: impl Into<Arc<[u8]>>) -> Result<Arc<Loaded>, LoadError> {
        let wasm: Arc<[u8]> = wasm.into();
        let file = wasm.clone();
        let loaded = match self.off_thread(move |host| host.find(&file)).await? {
            Found::Loaded(loaded) => loaded,
            Found::Package(package) => {
                let _turn = self.0.compiling.turn().await?;
                // Who waited here may have waited for this very file.
                match self.off_thread(move |host| host.find_compiled(package)).await? {
                    Found::Loaded(loaded) => loaded,
                    Found::Package(package) => self.compile(*package, wasm).await?,
                }
            }
        };
        self.try_out(&loaded).await?;
        Ok(loaded)
    }

    async fn compile(&self, package: Package, wasm: Arc<[u8]>) -> Result<Arc<Loaded>, LoadError> {
        let code = compile::compile(&self.0.shards[0].engine, wasm, &self.0.config.compile).await?;
        self.off_thread(move |host| {
            let components = host.cache.store(package.digest, &code);
            host.link(package, &components.map_err(|error| LoadError::Contract(format!("{error:#}")))?)
        })
        .await
    }

    /// Off the runtime's threads: files are read to their last byte, and linking looks at every function.
    async fn off_thread<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T, LoadError> + Send + 'static,
    ) -> Result<T, LoadError> {
        let host = self.0.clone();
        // The task is never cancelled, so this is a panic of what reads or links: the fault of a file that should be refused.
        tokio::task::spawn_blocking(move || work(&host)).await.map_err(|error| {
            tracing::error!(%error, "the kernel panicked on a plugin");
            LoadError::from(CompileError::Crashed)
        })?
    }

    /// Makes one instance. Linking goes by names alone: only here are the types of the functions held against the contract.
    async fn try_out(&self, loaded: &Arc<Loaded>) -> Result<(), LoadError> {
        let bound = Bound::new(loaded.clone(), "{}");
        let made = self.call::<(), _>(
            &bound,
            None,
            Abandoned::Stops,
            |mut store, plugin| {
                Box::pin(async move {
                    match plugin.linked() {
                        Linked::Pricing(plugin) => plugin.try_out(store).await?,
                        Linked::Payment(plugin) => _ = plugin.instantiate_async(&mut store).await?,
                        Linked::Delivery(plugin) => _ = plugin.instantiate_async(&mut store).await?,
                        Linked::Notification(plugin) => _ = plugin.instantiate_async(&mut store).await?,
                    }
                    Ok(Ok(()))
                })
            },
            |()| Ok(()),
        );
        fits(made.await)?;
        self.try_out_configurable(&bound).await
    }

    /// The same for the optional interface, in a store of its own: an instance takes what memory a call may have.
    async fn try_out_configurable(&self, bound: &Bound) -> Result<(), LoadError> {
        if !bound.component().package.configurable {
            return Ok(());
        }
        let made = self.call::<(), _>(
            bound,
            None,
            Abandoned::Stops,
            |store, plugin| {
                Box::pin(async move {
                    let plugin = plugin.configurable().ok_or(Stopped::WrongDomain)?;
                    plugin.instantiate_async(store).await?;
                    Ok(Ok(()))
                })
            },
            |()| Ok(()),
        );
        fits(made.await)
    }

    /// What a plugin may reach, in all its versions, for calls that begin from now on.
    pub fn grant(&self, plugin: &str, granted: Granted) {
        self.0.outbound.grants.put(plugin, granted);
    }

    /// What the plugins in force did and wrote lately.
    pub fn telemetry(&self) -> &Telemetry {
        &self.0.telemetry
    }

    /// The calls that failed and are not written down yet.
    pub fn failed_calls(&self) -> &FailedCalls {
        &self.0.failed_calls
    }

    /// The plugins that serve now. Hold on to it for the length of one request.
    pub fn routing(&self) -> Arc<Routing> {
        self.0.routing.load_full()
    }

    /// A route of these plugins alone.
    #[cfg(test)]
    pub(super) fn publish(&self, domain: Domain, generation: u64, bound: Vec<Arc<Bound>>) -> bool {
        self.publish_route(domain, Route { generation, bound: bound.into(), last_good: None }, None)
    }

    /// Makes `route` the plugins of `domain`, for calls that begin from now on, with what they are tried beside in one step: nobody is
    /// served by the one without the other. False, and nothing changes, where a generation as new is published already: two workers that
    /// race end at the newer.
    ///
    /// # Panics
    ///
    /// Where one of its plugins is of another domain: a plugin that was loaded knows its domain, so this is a mistake in
    /// the kernel.
    pub fn publish_route(&self, domain: Domain, route: Route, trial: Option<Arc<Trial>>) -> bool {
        assert!(route.bound.iter().all(|bound| bound.domain() == domain), "only {domain} plugins serve {domain}");
        self.count(route.bound.iter());
        self.reroute(|present| present.with(domain, route.clone(), trial.clone()))
    }

    /// Tries a candidate beside the plugins in force of `domain`, or none any longer, for calls that begin from now on. False where it
    /// is to be beside a generation that is not in force.
    pub fn put_trial(&self, domain: Domain, trial: Option<Arc<Trial>>) -> bool {
        self.reroute(|present| present.with_trial(domain, trial.clone()))
    }

    fn count<'a>(&self, plugins: impl Iterator<Item = &'a Arc<Bound>>) {
        plugins.for_each(|bound| bound.count_in(self.0.telemetry.of(&bound.component().package)));
    }

    /// Counts and logs the calls of a candidate that answers shoppers. Not those of a file that is in force under other settings: what
    /// they fail would be held against that.
    pub fn count_beside(&self, candidate: &Route, base: &Route) {
        let is_new = |bound: &&Arc<Bound>| base.bound.iter().all(|other| other.digest() != bound.digest());
        self.count(candidate.bound.iter().filter(is_new));
    }

    fn reroute(&self, change: impl Fn(&Routing) -> Option<Routing>) -> bool {
        let mut changed = false;
        self.0.routing.rcu(|present| match change(present) {
            Some(next) => {
                changed = true;
                Arc::new(next)
            }
            None => {
                changed = false;
                present.clone()
            }
        });
        changed
    }
}

/// What making an instance says of the component.
fn fits(made: Result<Called<()>, CallError>) -> Result<(), LoadError> {
    match made {
        Ok(_) => Ok(()),
        // It runs already, and is busy with that.
        Err(CallError { fault: Fault::Busy, .. }) => Ok(()),
        // There was no answer yet: what does not fit is the component itself.
        Err(CallError { fault: Fault::InvalidAnswer(text), .. }) => Err(LoadError::Contract(text)),
        Err(error) => Err(LoadError::Contract(error.to_string())),
    }
}

/// What is known of a file.
enum Found {
    Loaded(Arc<Loaded>),
    /// It is in order, and must be compiled.
    Package(Box<Package>),
}

impl Inner {
    fn find(&self, wasm: &[u8]) -> Result<Found, LoadError> {
        if let Some(loaded) = self.loaded().get(&Digest::of(wasm)).and_then(Weak::upgrade) {
            return Ok(Found::Loaded(loaded));
        }
        self.find_compiled(Package::read(wasm, &self.config.package)?.into())
    }

    fn find_compiled(&self, package: Box<Package>) -> Result<Found, LoadError> {
        match self.cache.find(package.digest) {
            Some(components) => self.link(*package, &components).map(Found::Loaded),
            None => Ok(Found::Package(package)),
        }
    }

    fn link(&self, package: Package, components: &[Component]) -> Result<Arc<Loaded>, LoadError> {
        let (digest, limits) = (package.digest, self.config.limits.of(package.domain).clone());
        let loaded = Loaded::link(package, limits, &self.shards, components, self.cores.clone());
        let loaded = Arc::new(loaded.map_err(|error| LoadError::Contract(format!("{error:#}")))?);
        let mut known = self.loaded();
        // Whoever loaded it meanwhile was first: one value a digest, so one count of its calls.
        if let Some(first) = known.get(&digest).and_then(Weak::upgrade) {
            return Ok(first);
        }
        known.retain(|_, loaded| loaded.strong_count() > 0);
        known.insert(digest, Arc::downgrade(&loaded));
        Ok(loaded)
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, HashMap<Digest, Weak<Loaded>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The runtime for calls that outlive their first slice. It looks at its timers after every poll, so that the wall clock of
/// one call is kept although another spins. Its threads give way to those of the shoppers: where a guest spins on every core, the scheduler
/// would else take a core from a quick call at each tick, which tripled the p99 of the calls beside it (`kassa-bench hostile`).
fn slow_lane(config: &PluginsConfig) -> std::io::Result<Runtime> {
    let nice = config.slow_lane_nice;
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(config.slow_lane_threads as usize)
        .thread_name("kassa-slow-lane")
        .on_thread_start(move || give_way(nice))
        .event_interval(1)
        .global_queue_interval(1)
        .enable_all()
        .build()
}

#[cfg(target_os = "linux")]
fn give_way(nice: u32) {
    use rustix::process::{getpriority_process, setpriority_process};
    use rustix::thread::gettid;

    // On Linux a thread has a priority of its own, by its id; 19 is the lowest.
    let lower = |present: i32| present.saturating_add_unsigned(nice).min(19);
    let set = getpriority_process(Some(gettid())).and_then(|present| match nice {
        0 => Ok(()),
        _ => setpriority_process(Some(gettid()), lower(present)),
    });
    if let Err(error) = set {
        tracing::warn!(%error, nice, "a thread of the slow lane keeps its priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way(_: u32) {}
