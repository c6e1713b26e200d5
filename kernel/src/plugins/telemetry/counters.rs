//! Counters of one version: what its calls came to, by function.
//!
//! Pricing calls take some ten microseconds, so counting must cost little: every shard counts for itself, in memory that calls on other
//! cores do not write, with relaxed atomics and no lock. A call that logs nothing pays six such additions.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crossbeam_utils::CachePadded;

use super::logs::Logs;
use crate::plugins::breaker::{Admitted, Breaker, BreakerConfig, Circuit, Verdict};
use crate::plugins::{Digest, Fault, Package, Report};

/// A function of the contract that the shop calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    Price,
    Methods,
    Authorize,
    Capture,
    Refund,
    Query,
    Webhook,
    Quote,
    Book,
    Track,
    /// Of a payment, or of a booking: no plugin has both.
    Cancel,
    Compose,
}

impl Function {
    const ALL: [Self; 12] = [
        Self::Price,
        Self::Methods,
        Self::Authorize,
        Self::Capture,
        Self::Refund,
        Self::Query,
        Self::Webhook,
        Self::Quote,
        Self::Book,
        Self::Track,
        Self::Cancel,
        Self::Compose,
    ];

    /// Whether a plugin that is asked this may send requests. Not where the same question has to have the same answer.
    pub(in crate::plugins) const fn may_send(self) -> bool {
        !matches!(self, Self::Price | Self::Quote | Self::Compose)
    }

    /// As the contract names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Methods => "methods",
            Self::Authorize => "authorize",
            Self::Capture => "capture",
            Self::Refund => "refund",
            Self::Query => "query",
            Self::Webhook => "webhook",
            Self::Quote => "quote",
            Self::Book => "book",
            Self::Track => "track",
            Self::Cancel => "cancel",
            Self::Compose => "compose",
        }
    }

    /// Nothing comes of the call but its answer: it may be asked of what is not in force.
    pub(in crate::plugins) const fn only_answers(self) -> bool {
        matches!(self, Self::Price | Self::Methods | Self::Quote | Self::Compose)
    }
}

/// Where the calls of one version are counted.
#[derive(Debug)]
pub(in crate::plugins) struct Version {
    version: Arc<str>,
    pub(super) digest: Digest,
    logs: Arc<Logs>,
    shards: Box<[CachePadded<[Counters; Function::ALL.len()]>]>,
    breakers: [Breaker; Function::ALL.len()],
}

#[derive(Debug, Default)]
struct Counters {
    answered: AtomicU64,
    /// By the place of the code in `Fault::CODES`.
    failed: [AtomicU64; Fault::CODES.len()],
    fuel: Sum,
    micros: Sum,
    written: AtomicU64,
    dropped: AtomicU64,
}

#[derive(Debug, Default)]
struct Sum {
    total: AtomicU64,
    highest: AtomicU64,
}

impl Sum {
    fn add(&self, value: u64) {
        self.total.fetch_add(value, Ordering::Relaxed);
        // Seldom the highest yet: a look is cheaper than a change.
        if value > self.highest.load(Ordering::Relaxed) {
            self.highest.fetch_max(value, Ordering::Relaxed);
        }
    }
}

impl Version {
    pub(super) fn new(package: &Package, logs: Arc<Logs>, shards: usize, breaker: &BreakerConfig) -> Self {
        let shards = (0..shards).map(|_| CachePadded::default()).collect();
        let breakers = Function::ALL.map(|_| Breaker::new(breaker));
        Self { version: package.version().into(), digest: package.digest, logs, shards, breakers }
    }

    /// Whether a call may go through, or after how long one is tried again.
    pub(in crate::plugins) fn admit(&self, function: Function) -> Result<Admitted, Duration> {
        self.breakers[function as usize].admit(Instant::now)
    }

    /// It is put in force: what was against it may be mended, by its settings or by its neighbours.
    pub(super) fn close_breakers(&self) {
        for breaker in &self.breakers {
            breaker.close();
        }
    }

    /// Counts a call that ended on `shard` after it was let through, and keeps what it wrote.
    pub(in crate::plugins) fn record(
        &self,
        shard: usize,
        function: Function,
        admitted: Admitted,
        fault: Option<&Fault>,
        report: &Report,
    ) {
        self.count(shard, function, fault, report);
        let breaker = &self.breakers[function as usize];
        let (digest, name) = (self.digest, function.name());
        match fault.map(Verdict::of) {
            Some(Verdict::SaysNothing) => {}
            Some(Verdict::AgainstIt) => {
                if breaker.failed(admitted, Instant::now(), self.answered(function)) {
                    tracing::error!(%digest, function = name, ?fault, "a plugin fails too often: its breaker opens");
                }
            }
            Some(Verdict::Business) | None => {
                if breaker.succeeded(admitted) {
                    tracing::warn!(%digest, function = name, "a plugin answers again: its breaker closes");
                }
            }
        }
    }

    /// Calls that ended well, and those that were refused in the words of the contract.
    fn answered(&self, function: Function) -> u64 {
        let of = |counters: &Counters| {
            let refused = counters.failed[..Fault::ANSWERED].iter();
            refused.chain([&counters.answered]).map(|counter| counter.load(Ordering::Relaxed)).sum::<u64>()
        };
        self.shards.iter().map(|shard| of(&shard[function as usize])).sum()
    }

    fn count(&self, shard: usize, function: Function, fault: Option<&Fault>, report: &Report) {
        let Some(counters) = self.shards.get(shard).map(|shard| &shard[function as usize]) else { return };
        match fault {
            None => counters.answered.fetch_add(1, Ordering::Relaxed),
            Some(fault) => counters.failed[fault.place()].fetch_add(1, Ordering::Relaxed),
        };
        counters.fuel.add(report.fuel);
        counters.micros.add(report.elapsed_us);
        if report.dropped_log_lines > 0 {
            counters.dropped.fetch_add(report.dropped_log_lines.into(), Ordering::Relaxed);
        }
        if !report.log.is_empty() {
            counters.written.fetch_add(report.log.len() as u64, Ordering::Relaxed);
            self.logs.write(&self.version, self.digest, function, &report.log);
        }
    }

    /// The sum over all shards. Calls that end meanwhile may be in one number and not yet in another.
    pub(super) fn counted(&self) -> Counted {
        let now = Instant::now();
        let of = |function: Function| {
            let circuit = self.breakers[function as usize].circuit(now);
            let mut sum = FunctionCounted::new(function, circuit);
            self.shards.iter().for_each(|shard| sum.add(&shard[function as usize]));
            sum
        };
        let functions = Function::ALL.into_iter().map(of).filter(|counted| counted.calls > 0).collect();
        Counted { version: self.version.clone(), digest: self.digest, functions }
    }
}

/// The counters of a version, as they stand.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    pub version: Arc<str>,
    pub digest: Digest,
    /// Those that were called.
    pub functions: Vec<FunctionCounted>,
}

/// A total, and the highest that one call had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Largest {
    pub total: u64,
    pub highest: u64,
}

/// What the calls of one function came to.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionCounted {
    pub function: Function,
    /// All of them: those that were answered, and those with an error or a fault.
    pub calls: u64,
    /// With an answer that passed every check.
    pub answered: u64,
    /// By the code of the error that the plugin answered.
    pub errors: BTreeMap<&'static str, u64>,
    /// By the code of what went wrong otherwise.
    pub faults: BTreeMap<&'static str, u64>,
    pub fuel: Largest,
    pub micros: Largest,
    pub lines_written: u64,
    pub lines_dropped: u64,
    /// Whether calls go through.
    pub circuit: Circuit,
}

impl FunctionCounted {
    fn new(function: Function, circuit: Circuit) -> Self {
        Self {
            function,
            calls: 0,
            answered: 0,
            errors: BTreeMap::new(),
            faults: BTreeMap::new(),
            fuel: Largest::default(),
            micros: Largest::default(),
            lines_written: 0,
            lines_dropped: 0,
            circuit,
        }
    }

    fn add(&mut self, counters: &Counters) {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let answered = read(&counters.answered);
        self.answered += answered;
        self.calls += answered;
        for (place, code) in Fault::CODES.into_iter().enumerate() {
            let failed = read(&counters.failed[place]);
            if failed > 0 {
                self.calls += failed;
                let by_code = if place < Fault::ANSWERED { &mut self.errors } else { &mut self.faults };
                *by_code.entry(code).or_default() += failed;
            }
        }
        for (sum, counter) in [(&mut self.fuel, &counters.fuel), (&mut self.micros, &counters.micros)] {
            sum.total += read(&counter.total);
            sum.highest = sum.highest.max(read(&counter.highest));
        }
        self.lines_written += read(&counters.written);
        self.lines_dropped += read(&counters.dropped);
    }
}
