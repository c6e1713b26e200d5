//! How long a plugin's quotes take while a hostile plugin is called beside it, in one host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use kassa::plugins::{Bound, Host, Loaded, MemoryKv, PluginsConfig};
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::plugin_file::cart;
use crate::{Error, Result, versions};

/// Lines of the carts of both.
pub const LINES: usize = 10;
/// Calls that are not counted: the first ones find cold caches.
const WARM_UP: u32 = 200;

/// What hostile-pricing does by its settings: each costs the host something else.
pub const MODES: [&str; 8] =
    ["loop", "recurse-flat", "allocate", "trap", "text-50mb", "log-flood", "many-adjustments", "wrong-currency"];

/// One plugin that means well and one that does not.
pub struct Pair {
    host: Host,
    honest: Arc<Bound>,
    hostile: Arc<Loaded>,
    // Removed when it is dropped.
    _cache: TempDir,
}

/// Times of calls, in nanoseconds.
pub type Times = Histogram<u64>;

/// What was measured.
pub struct Beside {
    pub alone: Times,
    pub beside: Times,
    /// How the calls of the hostile plugin ended meanwhile.
    pub ended: BTreeMap<&'static str, u64>,
}

impl Pair {
    /// Builds both from the checkout, and loads them with the limits that a shop has by default.
    ///
    /// # Errors
    ///
    /// Where the sources are not there.
    pub async fn load() -> Result<Self> {
        let cache = tempfile::tempdir().map_err(|cause| Error::File { path: "the temporary folder".into(), cause })?;
        let config = PluginsConfig::default();
        let host = Host::new(&config, cache.path(), &[7; 32], Arc::new(MemoryKv::default())).map_err(plugin)?;
        let load = async |name| host.load(versions::of(name, "1.0.0", &[])?.to_vec()).await.map_err(plugin);
        let (honest, hostile) = (load("percent-off").await?, load("hostile-pricing").await?);
        Ok(Self { honest: Arc::new(Bound::new(honest, "{}")), hostile, host, _cache: cache })
    }

    /// Asks for quotes for `time`, and again while `callers` call the hostile plugin in `mode` without a pause. It is not in force, so no
    /// circuit breaker spares the host anything.
    ///
    /// # Errors
    ///
    /// Of a quote.
    pub async fn beside(&self, mode: &str, callers: usize, time: Duration) -> Result<Beside> {
        let alone = self.quotes(time).await?;
        let bound = Arc::new(Bound::new(self.hostile.clone(), format!(r#"{{"mode": "{mode}"}}"#)));
        let enough = Arc::new(AtomicBool::new(false));
        let mut attacks = JoinSet::new();
        for _ in 0..callers {
            attacks.spawn(attack(self.host.clone(), bound.clone(), enough.clone()));
        }
        let beside = self.quotes(time).await;
        enough.store(true, Ordering::Relaxed);
        let mut ended = BTreeMap::new();
        while let Some(counted) = attacks.join_next().await {
            for (code, count) in counted? {
                *ended.entry(code).or_default() += count;
            }
        }
        Ok(Beside { alone, beside: beside?, ended })
    }

    /// In a task, as a request is one.
    async fn quotes(&self, time: Duration) -> Result<Times> {
        tokio::spawn(quotes(self.host.clone(), self.honest.clone(), time)).await?
    }
}

async fn quotes(host: Host, bound: Arc<Bound>, time: Duration) -> Result<Times> {
    let request = Arc::new(cart(LINES));
    let mut times = Times::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are valid");
    for _ in 0..WARM_UP {
        host.price(&bound, &request).await.map_err(plugin)?;
    }
    let until = Instant::now() + time;
    while Instant::now() < until {
        let begun = Instant::now();
        host.price(&bound, &request).await.map_err(plugin)?;
        times.saturating_record(u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX));
        // A request ends, and another task has its turn.
        tokio::task::yield_now().await;
    }
    Ok(times)
}

async fn attack(host: Host, bound: Arc<Bound>, enough: Arc<AtomicBool>) -> BTreeMap<&'static str, u64> {
    let request = Arc::new(cart(LINES));
    let mut ended = BTreeMap::new();
    while !enough.load(Ordering::Relaxed) {
        let code = host.price(&bound, &request).await.map_or_else(|error| error.code(), |_| "ok");
        *ended.entry(code).or_default() += 1;
        tokio::task::yield_now().await;
    }
    ended
}

fn plugin(cause: impl std::fmt::Display) -> Error {
    Error::Plugin(cause.to_string())
}
