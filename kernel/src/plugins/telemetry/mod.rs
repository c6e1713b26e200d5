//! What the plugins in force did and wrote lately: counters for each version, and the last lines of each log.
//!
//! All of it is in the memory of this process. It begins anew at a start, and each kernel of a shop tells of its own calls. Calls of
//! plugins that were put in force are counted; what is asked of a file, or before activation, is not. Neither is a call whose caller was gone
//! before it ended.
//!
//! | file | holds |
//! |---|---|
//! | `counters` | what calls came to, counted on each core by itself |
//! | `logs` | a ring of lines for each plugin |
//! | `follow` | the lines as they come |

mod counters;
mod follow;
mod logs;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

pub(super) use counters::Version;
pub use counters::{Counted, Function, FunctionCounted, Largest};
pub use follow::{Follower, News, TooManyFollowers};
use logs::Logs;
pub use logs::{Filter, Line, Lines};

use super::Package;
use super::breaker::BreakerConfig;
use crate::clock::{self, Moment};

/// The `[plugins.logs]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogsConfig {
    /// Lines that are kept of each plugin. 1 to 100,000.
    pub lines: u32,
    /// Bytes of text that are kept of each plugin. 1 KiB to 64 MiB.
    pub bytes: u32,
    /// Plugins whose lines and counters are kept: those in force, and of others the ones used last. 64 to 10,000.
    pub plugins: u32,
    /// Versions of one plugin whose counters are kept: the one in force, and of others the ones used last. 1 to 1,000.
    pub versions: u32,
    /// Who may follow logs at once, in all; each takes a connection of `http.max_connections`. 1 to 10,000.
    pub followers: u32,
    /// How often one who follows is told that the shop lives, and asked whether the token still counts. 100 ms to 5 minutes.
    pub heartbeat_ms: u32,
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self { lines: 1_000, bytes: 1 << 20, plugins: 100, versions: 8, followers: 16, heartbeat_ms: 15_000 }
    }
}

/// What is kept of all plugins.
pub struct Telemetry {
    config: LogsConfig,
    breaker: BreakerConfig,
    shards: usize,
    /// When counting began.
    since: Moment,
    /// The one used last at the end.
    plugins: Mutex<Vec<Plugin>>,
    followers: Arc<Semaphore>,
}

/// What is kept of one plugin.
struct Plugin {
    name: Arc<str>,
    logs: Arc<Logs>,
    /// The one put in force last at the end.
    versions: Vec<Arc<Version>>,
}

impl Plugin {
    /// Whether a plugin in force or somebody who follows has it.
    fn is_used(&self) -> bool {
        Arc::strong_count(&self.logs) > 1 + self.versions.len() || self.versions.iter().any(is_used)
    }
}

fn is_used(version: &Arc<Version>) -> bool {
    Arc::strong_count(version) > 1
}

/// Takes the first that nobody uses away, where there are more than `most`.
fn forget<T>(kept: &mut Vec<T>, most: u32, is_used: impl Fn(&T) -> bool) {
    while kept.len() > most as usize {
        let Some(index) = kept.iter().position(|one| !is_used(one)) else { return };
        kept.remove(index);
    }
}

impl Telemetry {
    pub(super) fn new(config: &LogsConfig, breaker: &BreakerConfig, shards: usize) -> Self {
        Self {
            config: config.clone(),
            breaker: breaker.clone(),
            shards,
            since: clock::now(),
            plugins: Mutex::default(),
            followers: Arc::new(Semaphore::new(config.followers as usize)),
        }
    }

    /// When counting began: the start of this process.
    pub fn since(&self) -> Moment {
        self.since
    }

    /// Where the calls of a plugin are counted that is put in force. One version has one value, however often it comes.
    pub(super) fn of(&self, package: &Package) -> Arc<Version> {
        self.with(package.name(), |plugin| {
            let known = plugin.versions.iter().position(|version| version.digest == package.digest);
            let version = match known {
                Some(index) => plugin.versions.remove(index),
                None => Arc::new(Version::new(package, plugin.logs.clone(), self.shards, &self.breaker)),
            };
            version.close_breakers();
            plugin.versions.push(version.clone());
            forget(&mut plugin.versions, self.config.versions, is_used);
            version
        })
    }

    /// The counters of each version of a plugin, the one put in force last at first.
    pub fn counters(&self, plugin: &str) -> Vec<Counted> {
        self.with(plugin, |plugin| plugin.versions.iter().rev().map(|version| version.counted()).collect())
    }

    /// Lines of a plugin's log, the oldest first: `limit` after a sequence number, or the last where none is given.
    pub fn lines(&self, plugin: &str, after: Option<u64>, filter: &Filter, limit: usize) -> Lines {
        let logs = self.with(plugin, |plugin| plugin.logs.clone());
        match after {
            Some(after) => logs.after(after, filter, limit),
            None => logs.last(filter, limit),
        }
    }

    /// The lines of a plugin's log as they come, after a sequence number or from now on.
    pub fn follow(&self, plugin: &str, after: Option<u64>, filter: Filter) -> Result<Follower, TooManyFollowers> {
        let place = self.followers.clone().try_acquire_owned().map_err(|_| TooManyFollowers)?;
        let logs = self.with(plugin, |plugin| plugin.logs.clone());
        Ok(Follower::new(logs, place, after, filter, self.config.heartbeat_ms))
    }

    fn with<T>(&self, name: &str, look: impl FnOnce(&mut Plugin) -> T) -> T {
        let mut plugins = self.plugins();
        let mut plugin = match plugins.iter().position(|plugin| &*plugin.name == name) {
            Some(index) => plugins.remove(index),
            None => {
                let logs = Logs::new(self.config.lines as usize, self.config.bytes as usize);
                Plugin { name: name.into(), logs: Arc::new(logs), versions: Vec::new() }
            }
        };
        let looked = look(&mut plugin);
        plugins.push(plugin);
        forget(&mut plugins, self.config.plugins, Plugin::is_used);
        looked
    }

    fn plugins(&self) -> MutexGuard<'_, Vec<Plugin>> {
        // Nothing here panics half-way.
        self.plugins.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
