//! A circuit breaker for one function of a plugin version in force: where most calls fail, others are spared the wait.
//!
//! What counts is what is against the plugin: traps, limits, time-outs, broken answers. What it refuses in the words of its contract is
//! business. A handful of failures does not open it while most calls are answered: a shopper who finds a cart that breaks a rule must not take
//! the shop down for the others.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Fault;

/// The `[plugins.breaker]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BreakerConfig {
    /// Failures within the window that open it. 0 to 1,000; 0 never opens it.
    pub failures: u32,
    /// Of the calls since the first of them, so many in a hundred have to be failures. 1 to 100.
    pub percent: u32,
    /// How long a failure counts, in milliseconds. 1 to 3,600,000.
    pub window_ms: u32,
    /// How long it stays open before one call is let through to try, in milliseconds; doubled each time that one fails. 1 to 3,600,000.
    pub first_wait_ms: u32,
    /// It never stays open for longer at a time, in milliseconds. `first_wait_ms` to 3,600,000.
    pub max_wait_ms: u32,
}

impl Default for BreakerConfig {
    fn default() -> Self {
        Self { failures: 5, percent: 50, window_ms: 30_000, first_wait_ms: 1_000, max_wait_ms: 60_000 }
    }
}

/// How it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Calls go through.
    Closed,
    /// They are refused.
    Open,
    /// The next one is let through to try, or is on its way.
    HalfOpen,
}

impl Circuit {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
        }
    }
}

/// A call that was let through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admitted {
    Usually,
    /// How it ends decides for all.
    AsTrial,
}

#[derive(Debug)]
pub(super) struct Breaker {
    config: BreakerConfig,
    /// Whether there is more to look at than this: a call through a closed breaker reads one byte that nobody writes.
    tripped: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When, and how many calls were answered by then; the oldest first.
    failures: VecDeque<(Instant, u64)>,
    open: Option<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    /// From then on one call is let through. Put off when it is: one that never ends must not keep the others waiting for ever.
    next_trial: Instant,
    wait: Duration,
}

impl Breaker {
    pub(super) fn new(config: &BreakerConfig) -> Self {
        let state = State { failures: VecDeque::new(), open: None };
        Self { config: config.clone(), tripped: AtomicBool::new(false), state: Mutex::new(state) }
    }

    /// Whether a call may go through, or after how long one is tried again.
    pub(super) fn admit(&self, now: impl FnOnce() -> Instant) -> Result<Admitted, Duration> {
        if !self.tripped.load(Ordering::Relaxed) {
            return Ok(Admitted::Usually);
        }
        let (now, mut state) = (now(), self.state());
        let Some(open) = &mut state.open else { return Ok(Admitted::Usually) };
        if now < open.next_trial {
            return Err(open.next_trial - now);
        }
        open.next_trial = now + open.wait;
        Ok(Admitted::AsTrial)
    }

    /// The call ended without anything against the plugin. True where that closed it.
    pub(super) fn succeeded(&self, admitted: Admitted) -> bool {
        admitted == Admitted::AsTrial && self.close()
    }

    /// The call failed; `answered` counts the calls of the function that did not. True where that opened it.
    pub(super) fn failed(&self, admitted: Admitted, now: Instant, answered: u64) -> bool {
        let mut state = self.state();
        if let Some(open) = &mut state.open {
            if admitted == Admitted::AsTrial {
                open.wait = (open.wait * 2).min(Duration::from_millis(self.config.max_wait_ms.into()));
                open.next_trial = now + open.wait;
            }
            return false;
        }
        let window = Duration::from_millis(self.config.window_ms.into());
        state.failures.push_back((now, answered));
        // More than open it need not be remembered.
        while state.failures.front().is_some_and(|(at, _)| now.duration_since(*at) > window)
            || state.failures.len() > self.config.failures as usize
        {
            state.failures.pop_front();
        }
        if !self.is_too_much(&state, answered) {
            return false;
        }
        let wait = Duration::from_millis(self.config.first_wait_ms.into());
        *state = State { failures: VecDeque::new(), open: Some(Open { next_trial: now + wait, wait }) };
        self.tripped.store(true, Ordering::Relaxed);
        true
    }

    fn is_too_much(&self, state: &State, answered: u64) -> bool {
        let failures = state.failures.len() as u64;
        let Some((_, answered_before)) = state.failures.front() else { return false };
        let calls = failures + answered.saturating_sub(*answered_before);
        failures >= self.config.failures.into() && failures * 100 >= calls * u64::from(self.config.percent)
    }

    /// Forgets everything: what was against the plugin may be mended. True where it was open.
    pub(super) fn close(&self) -> bool {
        let mut state = self.state();
        let was_open = state.open.is_some();
        *state = State { failures: VecDeque::new(), open: None };
        self.tripped.store(false, Ordering::Relaxed);
        was_open
    }

    pub(super) fn circuit(&self, now: Instant) -> Circuit {
        match self.state().open {
            None => Circuit::Closed,
            Some(open) if now < open.next_trial => Circuit::Open,
            Some(_) => Circuit::HalfOpen,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing here panics half-way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a fault says of the plugin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It crashed, went beyond a limit, or answered nonsense.
    AgainstIt,
    /// It refused, in the words of the contract.
    Business,
    /// It was not asked, or the kernel failed.
    SaysNothing,
}

impl Verdict {
    pub(super) fn of(fault: &Fault) -> Self {
        match fault {
            Fault::Plugin(_) => Self::Business,
            Fault::Busy | Fault::CircuitOpen { .. } | Fault::Unavailable(_) => Self::SaysNothing,
            Fault::DeadlineExceeded { .. }
            | Fault::WallClockExceeded { .. }
            | Fault::FuelExhausted { .. }
            | Fault::MemoryExceeded { .. }
            | Fault::StackOverflow
            | Fault::HostCallsExceeded { .. }
            | Fault::Trapped(_)
            | Fault::AnswerTooLarge { .. }
            | Fault::InvalidAnswer(_) => Self::AgainstIt,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn breaker() -> Breaker {
        let config = BreakerConfig { failures: 3, percent: 50, window_ms: 1_000, first_wait_ms: 100, max_wait_ms: 300 };
        Breaker::new(&config)
    }

    #[test]
    fn it_opens_when_enough_of_the_calls_fail_within_the_window() {
        let start = Instant::now();
        // Milliseconds, and calls answered by then, of each failure; whether the last one opens it.
        for (failures, opens) in [
            (vec![(0, 0), (1, 0), (2, 0)], true),
            (vec![(0, 0), (1, 0)], false),
            (vec![(0, 0), (600, 0), (1_100, 0)], false),
            (vec![(0, 0), (600, 0), (1_100, 0), (1_500, 0)], true),
            // Of six calls three failed, of seven no longer half of them.
            (vec![(0, 10), (1, 11), (2, 13)], true),
            (vec![(0, 10), (1, 11), (2, 14)], false),
            // What was answered long ago is no excuse.
            (vec![(0, 1_000_000), (1, 1_000_000), (2, 1_000_000)], true),
        ] {
            let breaker = breaker();
            let opened: Vec<_> = failures
                .iter()
                .map(|(at, answered)| breaker.failed(Admitted::Usually, start + MS(*at), *answered))
                .collect();
            assert_eq!(opened.last(), Some(&opens), "{failures:?}");
            assert!(!opened[..opened.len() - 1].contains(&true), "{failures:?}");
            let last = start + MS(failures[failures.len() - 1].0);
            assert_eq!(breaker.admit(|| last).is_err(), opens, "{failures:?}");
        }
    }

    fn opened(at: Instant) -> Breaker {
        let breaker = breaker();
        let failed: Vec<_> = (0..3).map(|_| breaker.failed(Admitted::Usually, at, 0)).collect();
        assert_eq!(failed, [false, false, true]);
        breaker
    }

    #[test]
    fn one_call_tries_and_decides_for_all() {
        let start = Instant::now();
        let breaker = opened(start);
        assert_eq!(breaker.admit(|| start + MS(40)), Err(MS(60)));
        assert_eq!(breaker.circuit(start + MS(40)), Circuit::Open);
        assert_eq!(breaker.circuit(start + MS(100)), Circuit::HalfOpen);
        assert_eq!(breaker.admit(|| start + MS(100)), Ok(Admitted::AsTrial));
        // The others wait for it.
        assert_eq!(breaker.admit(|| start + MS(101)), Err(MS(99)));
        // Those that were let through before it opened say nothing any more.
        assert!(!breaker.succeeded(Admitted::Usually) && !breaker.failed(Admitted::Usually, start + MS(102), 0));
        assert!(breaker.succeeded(Admitted::AsTrial));
        assert_eq!(breaker.admit(|| start + MS(103)), Ok(Admitted::Usually));
        assert_eq!(breaker.circuit(start + MS(103)), Circuit::Closed);
    }

    #[test]
    fn it_waits_longer_each_time_and_never_for_ever() {
        let mut now = Instant::now();
        let breaker = opened(now);
        for wait in [100, 200, 300, 300] {
            assert_eq!(breaker.admit(|| now), Err(MS(wait)));
            now += MS(wait);
            assert_eq!(breaker.admit(|| now), Ok(Admitted::AsTrial));
            assert!(!breaker.failed(Admitted::AsTrial, now, 0));
        }
        // A trial that never ends is followed by another.
        now += MS(300);
        assert_eq!(breaker.admit(|| now), Ok(Admitted::AsTrial));
        now += MS(300);
        assert_eq!(breaker.admit(|| now), Ok(Admitted::AsTrial));
        assert!(breaker.close());
        assert_eq!(breaker.admit(|| now), Ok(Admitted::Usually));
    }

    #[test]
    fn it_can_be_switched_off() {
        let breaker = Breaker::new(&BreakerConfig { failures: 0, ..BreakerConfig::default() });
        let now = Instant::now();
        assert!((0..100).all(|_| !breaker.failed(Admitted::Usually, now, 0)));
        assert_eq!(breaker.admit(|| now), Ok(Admitted::Usually));
    }
}
