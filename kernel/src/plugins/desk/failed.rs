//! Calls that failed, on their way to whoever keeps them. The shopper does not wait: what finds the queue full is only counted.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::record::HostCall;
use super::{Asked, Question};
use crate::clock::{self, Moment};
use crate::plugins::breaker::Verdict;
use crate::plugins::ledger::Ledger;
use crate::plugins::limits::Limits;
use crate::plugins::telemetry::Function;
use crate::plugins::{Bound, Domain, Fault, Granted, Host, PluginId, Report};

/// The `[plugins.failed_calls]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FailedCallsConfig {
    /// Calls that are kept of each plugin, the newest. 0 to 10,000; 0 keeps none.
    pub keep: u32,
    /// Days that they are kept: they may have data of people. 1 to 365.
    pub keep_days: u32,
    /// Bytes of a call's input, and of the kernel's answers to it; what is larger is not kept, and said so. 1 KiB to 16 MiB.
    pub max_bytes: u32,
    /// Of one plugin, so many are written in a minute; others are counted. 1 to 10,000.
    pub per_minute: u32,
    /// Calls that wait to be written; others are counted. 1 to 1,000.
    pub queue: u32,
}

impl Default for FailedCallsConfig {
    fn default() -> Self {
        Self { keep: 200, keep_days: 14, max_bytes: 256 << 10, per_minute: 30, queue: 32 }
    }
}

/// A call that crashed, went beyond a limit or answered nonsense. It holds secrets: only as a [`CallFile`](super::CallFile) it leaves the
/// memory.
#[derive(Debug)]
pub struct FailedCall {
    pub(in crate::plugins) failed_at: Moment,
    pub(in crate::plugins) plugin: PluginId,
    pub(in crate::plugins) domain: Domain,
    pub(in crate::plugins) function: Function,
    pub(in crate::plugins) question: Question,
    pub(in crate::plugins) settings: Arc<str>,
    pub(in crate::plugins) limits: Limits,
    pub(in crate::plugins) host_calls: Vec<HostCall>,
    /// There were more than are kept.
    pub(in crate::plugins) cut: bool,
    pub(in crate::plugins) granted: Arc<Granted>,
    pub(in crate::plugins) fault: Fault,
    pub(in crate::plugins) report: Report,
}

impl FailedCall {
    /// The plugin's name.
    pub fn name(&self) -> &str {
        &self.plugin.name
    }
}

/// Between the calls and whoever writes them down.
pub struct FailedCalls {
    config: FailedCallsConfig,
    sender: Sender<FailedCall>,
    waiting: tokio::sync::Mutex<Receiver<FailedCall>>,
    /// By plugin, since this process started.
    not_kept: Mutex<BTreeMap<String, u64>>,
}

impl FailedCalls {
    pub(in crate::plugins) fn new(config: &FailedCallsConfig) -> Self {
        let (sender, waiting) = mpsc::channel(config.queue as usize);
        Self { config: config.clone(), sender, waiting: tokio::sync::Mutex::new(waiting), not_kept: Mutex::default() }
    }

    pub fn config(&self) -> &FailedCallsConfig {
        &self.config
    }

    /// For the kernel's answers to one call, in bytes.
    pub(in crate::plugins) fn room(&self) -> usize {
        if self.config.keep == 0 { 0 } else { self.config.max_bytes as usize }
    }

    /// Never waits.
    pub(in crate::plugins) fn offer(&self, plugin: &str, call: impl FnOnce() -> FailedCall) {
        if self.config.keep == 0 {
            return;
        }
        match self.sender.try_reserve() {
            Ok(place) => place.send(call()),
            Err(_) => self.count_not_kept(plugin),
        }
    }

    /// The next call that failed. Dropped before it is there, nothing is lost.
    pub async fn next(&self) -> FailedCall {
        match self.waiting.lock().await.recv().await {
            Some(call) => call,
            // There is always a sender, here.
            None => std::future::pending().await,
        }
    }

    pub fn count_not_kept(&self, plugin: &str) {
        let mut not_kept = self.counters();
        match not_kept.get_mut(plugin) {
            Some(count) => *count += 1,
            None => drop(not_kept.insert(plugin.to_owned(), 1)),
        }
    }

    /// Calls of the plugin that failed and were not kept, since this process started.
    pub fn not_kept(&self, plugin: &str) -> u64 {
        self.counters().get(plugin).copied().unwrap_or_default()
    }

    fn counters(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        // Nothing here panics half-way.
        self.not_kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Keeps a call for the plugin's author, where it is one of a plugin in force that failed by the plugin's fault.
    pub(in crate::plugins) fn keep_failed(
        &self,
        bound: &Bound,
        asked: Asked<'_>,
        ledger: &Ledger,
        fault: &Fault,
        report: &Report,
    ) {
        if bound.counted().is_none() || Verdict::of(fault) != Verdict::AgainstIt {
            return;
        }
        self.0.failed_calls.offer(bound.name(), || {
            let route = self.routing().of(bound.domain());
            let is_in_force = route.bound.iter().any(|serving| std::ptr::eq(&**serving, bound));
            let (host_calls, cut) = ledger.record().take_all();
            FailedCall {
                failed_at: clock::now(),
                plugin: PluginId::of(bound, if is_in_force { route.generation } else { 0 }),
                domain: bound.domain(),
                function: asked.function,
                question: (asked.question)(),
                settings: bound.settings().clone(),
                limits: bound.component().limits.clone(),
                host_calls,
                cut,
                granted: self.0.outbound.grants.of(bound.name()),
                fault: fault.clone(),
                report: report.clone(),
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(plugin: &str) -> FailedCall {
        let domain = Domain::Payment;
        FailedCall {
            failed_at: clock::now(),
            plugin: PluginId { name: plugin.into(), version: "1.0.0".into(), digest: String::new(), generation: 1 },
            domain,
            function: Function::Query,
            question: Question::Query { payment_key: "k".into(), asked: 1, now: 7 },
            settings: "{}".into(),
            limits: Limits::of(domain),
            host_calls: Vec::new(),
            cut: false,
            granted: Arc::default(),
            fault: Fault::StackOverflow,
            report: Report::default(),
        }
    }

    #[tokio::test]
    async fn what_finds_the_queue_full_is_counted_and_never_waits() {
        let calls = FailedCalls::new(&FailedCallsConfig { queue: 2, ..FailedCallsConfig::default() });
        for plugin in ["a", "b", "a", "a"] {
            calls.offer(plugin, || call(plugin));
        }
        assert_eq!((calls.not_kept("a"), calls.not_kept("b")), (2, 0));
        assert_eq!((calls.next().await.name(), calls.next().await.name()), ("a", "b"));
        calls.offer("b", || call("b"));
        assert_eq!((calls.next().await.name(), calls.not_kept("b")), ("b", 0));
        let none = FailedCalls::new(&FailedCallsConfig { keep: 0, ..FailedCallsConfig::default() });
        none.offer("a", || unreachable!("nothing is kept"));
        assert_eq!((none.room(), none.not_kept("a")), (0, 0));
    }
}
