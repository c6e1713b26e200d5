//! Wrong passwords, counted per e-mail address, known or not: an address that had too many has to wait. Wrong codes of second factors, in
//! the same way, per account.
//!
//! In memory and on purpose soft: nobody is locked out for longer than the longest wait, whoever guesses at their account, and a
//! restart forgets it all. Network addresses are counted elsewhere (`throttle`), and more generously: behind a mobile carrier many share one.

use std::time::Duration;

use chrono::TimeDelta;
use moka::ops::compute::Op;
use moka::sync::Cache;

use super::{AccountsConfig, Error};
use crate::clock::Moment;

/// Addresses that are remembered at once. Beyond, the least used are forgotten: bounded memory matters more.
const MAX_ADDRESSES: u64 = 100_000;
/// Failures are forgotten after an hour without a further one, or after twice the longest wait where that is more.
const FORGET_AFTER_SECONDS: u64 = 3_600;

pub(crate) struct Attempts {
    failures: Cache<String, Failures>,
    free: u64,
    max_wait_seconds: u64,
}

#[derive(Clone, Copy)]
struct Failures {
    count: u64,
    wait_until: Moment,
}

impl Attempts {
    pub fn new(config: &AccountsConfig) -> Self {
        let forget_after = Duration::from_secs(FORGET_AFTER_SECONDS.max(2 * config.max_login_wait_seconds));
        Self {
            failures: Cache::builder().max_capacity(MAX_ADDRESSES).time_to_live(forget_after).build(),
            free: config.free_login_failures,
            max_wait_seconds: config.max_login_wait_seconds,
        }
    }

    /// Whether the address may try now. An attempt while it has to wait is refused before any hashing, and does not lengthen the wait.
    pub fn check(&self, email_key: &str, now: Moment) -> Result<(), Error> {
        let Some(failures) = self.failures.get(email_key) else { return Ok(()) };
        let left_ms = (failures.wait_until - now).num_milliseconds();
        if left_ms <= 0 {
            return Ok(());
        }
        Err(Error::TooManyAttempts { retry_after_seconds: left_ms.unsigned_abs().div_ceil(1_000) })
    }

    pub fn failed(&self, email_key: &str, now: Moment) {
        self.failures.entry_by_ref(email_key).and_compute_with(|entry| {
            let count = entry.map_or(0, |entry| entry.into_value().count) + 1;
            let wait = TimeDelta::seconds(wait_seconds(count, self.free, self.max_wait_seconds) as i64);
            Op::Put(Failures { count, wait_until: now + wait })
        });
    }

    pub fn succeeded(&self, email_key: &str) {
        self.failures.invalidate(email_key);
    }
}

/// Nothing before `free` failures, then 1, 2, 4 … seconds.
fn wait_seconds(count: u64, free: u64, max: u64) -> u64 {
    match count.checked_sub(free) {
        None => 0,
        Some(beyond) => (1_u64 << beyond.min(32)).min(max),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn waits_double_up_to_the_longest() {
        for (count, expected) in [(1, 0), (2, 0), (3, 1), (4, 2), (5, 4), (12, 512), (13, 900), (u64::MAX, 900)] {
            assert_eq!(wait_seconds(count, 3, 900), expected, "{count} failures");
        }
    }

    #[test]
    fn an_address_waits_after_its_free_failures_and_no_other_does() {
        let attempts = Attempts::new(&AccountsConfig { free_login_failures: 2, ..AccountsConfig::default() });
        let now = clock::now();
        attempts.failed("ada@example.org", now);
        assert!(attempts.check("ada@example.org", now).is_ok());
        attempts.failed("ada@example.org", now);
        let refused = attempts.check("ada@example.org", now);
        assert!(matches!(refused, Err(Error::TooManyAttempts { retry_after_seconds: 1 })), "{refused:?}");
        assert!(attempts.check("bob@example.org", now).is_ok());
        assert!(attempts.check("ada@example.org", now + TimeDelta::seconds(1)).is_ok());
        attempts.succeeded("ada@example.org");
        attempts.failed("ada@example.org", now);
        assert!(attempts.check("ada@example.org", now).is_ok(), "a success clears the count");
    }
}
