//! Buckets in the memory of this kernel.

use std::time::Duration;

use futures_util::future::BoxFuture;
use moka::ops::compute::Op;
use moka::sync::Cache;

use super::{Rate, Store, ThrottleConfig};
use crate::clock::Moment;

const LONGEST: Duration = Duration::from_secs(100 * 365 * 86_400);

/// By key, the moment at which the bucket is full again, in microseconds since 1970.
pub(super) struct Memory(Cache<String, i64>);

impl Memory {
    pub fn new(config: &ThrottleConfig) -> Self {
        // A bucket that nobody takes from is full after this time: forgetting it changes nothing. (The cache takes no more than 1,000 years.)
        let ThrottleConfig { everything, logins, registrations, password_resets, carts, gift_cards, checkouts, .. } =
            *config;
        let rates = [everything, logins, registrations, password_resets, carts, gift_cards, checkouts];
        let limited = rates.into_iter().filter(|rate| rate.per_hour != 0);
        let full = limited.map(Rate::span).max().unwrap_or_default();
        let idle = Duration::from_micros(full.unsigned_abs()) + Duration::from_secs(1);
        Self(Cache::builder().max_capacity(config.max_buckets).time_to_idle(idle.min(LONGEST)).build())
    }
}

impl Store for Memory {
    fn take<'a>(&'a self, key: String, rate: Rate, now: Moment) -> BoxFuture<'a, Result<(), i64>> {
        let mut taken = Ok(());
        self.0.entry(key).and_compute_with(|entry| {
            let full_at = entry.map_or(0, |entry| entry.into_value());
            match rate.take(full_at, now.timestamp_micros()) {
                Ok(full_at) => Op::Put(full_at),
                Err(lacking) => {
                    taken = Err(lacking);
                    Op::Nop
                }
            }
        });
        Box::pin(std::future::ready(taken))
    }
}
