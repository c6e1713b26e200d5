//! `[webhooks]` of shop.toml.

use serde::Deserialize;

/// `[webhooks]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// Webhooks of the shop.
    pub most: u32,
    /// Take `http://` URLs too, which anyone on the way reads.
    pub allow_http: bool,
    /// Take addresses of this machine and of private networks too. Whoever may set a webhook then reaches what only the
    /// kernel should.
    pub allow_private_networks: bool,
    /// How long one try may take, in milliseconds.
    pub timeout_ms: u64,
    /// Messages that are posted to one webhook at the same time.
    pub concurrency: u32,
    /// Waits after the first, second and so on try that failed, in seconds; after the last of them the message has failed.
    pub retry_after_s: Vec<u64>,
    /// A webhook that has failed for this many days, with no success between, is switched off.
    pub disable_after_days: u32,
    /// Hours for which the former secret signs too, where a rotation does not say.
    pub overlap_hours: u32,
    /// How often the queue is looked at when nothing wakes the worker, in milliseconds.
    pub poll_interval_ms: u64,
    /// Days that messages, with their bodies and the beginnings of answers, are kept.
    pub keep_days: u32,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self {
            most: 50,
            allow_http: false,
            allow_private_networks: false,
            timeout_ms: 15_000,
            concurrency: 4,
            // 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h: three days, over a weekend.
            retry_after_s: vec![5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400],
            disable_after_days: 5,
            overlap_hours: 24,
            poll_interval_ms: 1_000,
            keep_days: 30,
        }
    }
}

impl WebhooksConfig {
    /// The name of a setting that may not be zero and is.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let at_least_one = [
            ("timeout_ms", self.timeout_ms),
            ("concurrency", self.concurrency.into()),
            ("poll_interval_ms", self.poll_interval_ms),
        ];
        at_least_one.into_iter().find(|(_, value)| *value == 0).map_or(Ok(()), |(name, _)| Err(name))
    }
}
