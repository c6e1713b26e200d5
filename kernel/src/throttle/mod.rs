//! Throttling: how often somebody may do what costs the shop, or somebody else, something.
//!
//! A bucket of tokens for each kind of request and each address or account, as the generic cell rate algorithm has it: of a bucket one moment
//! is kept, the one at which it will be full again. Where the moments are kept is behind [`Store`]: in memory now, each kernel for
//! itself; one that several kernels share can take its place. (`governor` was looked at: its keyed store grows until somebody sweeps it,
//! and is no seam for a store elsewhere.)
//!
//! Wrong passwords are counted beside this, per account (`accounts`): there the right one clears the count.

pub mod http;
mod memory;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Deserializer};

use crate::Shop;
use crate::clock::{self, Moment};

/// `[throttle]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ThrottleConfig {
    /// Buckets that are remembered at once; beyond, the least used are forgotten.
    pub max_buckets: u64,
    /// Every request, by address.
    #[serde(deserialize_with = "rate::<_, 1000, 0>")]
    pub everything: Rate,
    /// Logins and codes of look-ups, by address.
    #[serde(deserialize_with = "rate::<_, 100, 1800>")]
    pub logins: Rate,
    /// Registrations, by address.
    #[serde(deserialize_with = "rate::<_, 100, 600>")]
    pub registrations: Rate,
    /// What sends a mail with a secret to an address that somebody names, by the address of who asks.
    #[serde(deserialize_with = "rate::<_, 10, 30>")]
    pub password_resets: Rate,
    /// New carts, by address and by account.
    #[serde(deserialize_with = "rate::<_, 100, 0>")]
    pub carts: Rate,
    /// Codes of gift cards that are tried, by address.
    #[serde(deserialize_with = "rate::<_, 60, 600>")]
    pub gift_cards: Rate,
    /// Checkouts, by address and by account.
    #[serde(deserialize_with = "rate::<_, 20, 0>")]
    pub checkouts: Rate,
}

/// How often something may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// At once, after a while without any.
    pub burst: u32,
    /// In the long run. 0: as often as one likes.
    pub per_hour: u32,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        let off = |burst| Rate { burst, per_hour: 0 };
        Self {
            max_buckets: 200_000,
            everything: off(1_000),
            logins: Rate { burst: 100, per_hour: 1_800 },
            registrations: Rate { burst: 100, per_hour: 600 },
            password_resets: Rate { burst: 10, per_hour: 30 },
            carts: off(100),
            gift_cards: Rate { burst: 60, per_hour: 600 },
            checkouts: off(20),
        }
    }
}

/// A section that names one of the two keeps the default of the other.
fn rate<'de, D: Deserializer<'de>, const BURST: u32, const PER_HOUR: u32>(deserializer: D) -> Result<Rate, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Section {
        burst: Option<u32>,
        per_hour: Option<u32>,
    }
    let section = Section::deserialize(deserializer)?;
    Ok(Rate { burst: section.burst.unwrap_or(BURST), per_hour: section.per_hour.unwrap_or(PER_HOUR) })
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Everything,
    Logins,
    Registrations,
    PasswordResets,
    Carts,
    GiftCards,
    Checkouts,
}

/// Who does it.
#[derive(Debug, Clone, Copy)]
pub enum Who<'a> {
    Address(IpAddr),
    /// An id, or the key of an e-mail address, known or not.
    Account(&'a str),
}

/// Done too often.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("too many requests; try again in {retry_after_seconds} s")]
pub struct TooMany {
    pub retry_after_seconds: u64,
}

/// Where buckets are kept.
pub trait Store: Send + Sync {
    /// Takes a token of the bucket `key`, or tells in how many microseconds there is one.
    fn take<'a>(&'a self, key: String, rate: Rate, now: Moment) -> BoxFuture<'a, Result<(), i64>>;
}

/// The buckets of a shop.
pub fn open(config: &ThrottleConfig) -> Arc<dyn Store> {
    Arc::new(memory::Memory::new(config))
}

/// Takes a token of the bucket that `who` has for `class`.
pub async fn check(shop: &Shop, class: Class, who: Who<'_>) -> Result<(), TooMany> {
    let rate = class.rate(&shop.config().throttle);
    if !class.is_limited(&shop.config().throttle) {
        return Ok(());
    }
    let taken = shop.throttle().take(format!("{class:?} {who}"), rate, clock::now()).await;
    taken
        .map_err(|microseconds| TooMany { retry_after_seconds: microseconds.max(1).unsigned_abs().div_ceil(1_000_000) })
}

impl Class {
    /// Whether the settings limit it.
    fn is_limited(self, config: &ThrottleConfig) -> bool {
        self.rate(config).per_hour != 0
    }

    fn rate(self, config: &ThrottleConfig) -> Rate {
        match self {
            Self::Everything => config.everything,
            Self::Logins => config.logins,
            Self::Registrations => config.registrations,
            Self::PasswordResets => config.password_resets,
            Self::Carts => config.carts,
            Self::GiftCards => config.gift_cards,
            Self::Checkouts => config.checkouts,
        }
    }
}

impl Rate {
    /// Time for one token, in microseconds.
    fn interval(self) -> i64 {
        3_600_000_000 / i64::from(self.per_hour.max(1))
    }

    /// Time in which an empty bucket is full.
    fn span(self) -> i64 {
        self.interval().saturating_mul(i64::from(self.burst.max(1)))
    }

    /// The moment at which a bucket that was to be full at `full_at` is full after one more token is taken at `now`, both in microseconds;
    /// or how long it takes until there is one.
    fn take(self, full_at: i64, now: i64) -> Result<i64, i64> {
        let full_at = full_at.max(now) + self.interval();
        let lacking = full_at - now - self.span();
        if lacking <= 0 { Ok(full_at) } else { Err(lacking) }
    }
}

impl fmt::Display for Who<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            // A household has 2^64 addresses.
            Self::Address(IpAddr::V6(address)) => write!(f, "{:x}/64", address.to_bits() >> 64),
            Self::Account(account) => write!(f, "account {account}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_its_burst_and_then_its_rate() {
        const SECOND: i64 = 1_000_000;
        let rate = Rate { burst: 3, per_hour: 3_600 };
        let mut full_at = 0;
        let mut take = |now: i64| rate.take(full_at, now).map(|next| full_at = next);
        let start = 1_000 * SECOND;
        for (now, expected) in [
            (0, Ok(())),
            (0, Ok(())),
            (0, Ok(())),
            (0, Err(SECOND)),
            (SECOND / 4, Err(SECOND * 3 / 4)),
            (SECOND, Ok(())),
            (SECOND, Err(SECOND)),
            (10 * SECOND, Ok(())),
            (10 * SECOND, Ok(())),
            (10 * SECOND, Ok(())),
            (10 * SECOND, Err(SECOND)),
        ] {
            assert_eq!(take(start + now), expected, "after {now} microseconds");
        }
    }

    #[test]
    fn a_section_keeps_the_defaults_that_it_does_not_name() {
        let defaults = ThrottleConfig::default();
        for class in ["everything", "logins", "registrations", "password_resets", "carts", "gift_cards", "checkouts"] {
            let config = crate::Config::parse(&format!("[throttle.{class}]")).expect("an empty section").throttle;
            assert_eq!(format!("{config:?}"), format!("{defaults:?}"), "{class}");
        }
        let config = crate::Config::parse("[throttle.logins]\nper_hour = 0").expect("one of two").throttle;
        assert_eq!(config.logins, Rate { per_hour: 0, ..defaults.logins });
    }

    #[test]
    fn a_household_is_one_client() {
        let key = |text: &str| Who::Address(text.parse().expect("an address")).to_string();
        assert_eq!(key("2001:db8::1"), key("2001:db8::ffff:1"));
        assert_ne!(key("2001:db8::1"), key("2001:db8:0:1::1"));
        assert_ne!(key("192.0.2.1"), key("192.0.2.2"));
    }
}
