//! What the numbers of `[plugins]` may be.

use super::limits::{Limits, PluginsConfig};
use super::{Domain, HostError};

/// Refuses the first setting that is out of its range.
pub(super) fn check(config: &PluginsConfig) -> Result<(), HostError> {
    for (setting, range, given, least, most) in [
        ("epoch_tick_ms", "1 to 5", config.epoch_tick_ms, 1, 5),
        ("total_calls", "1 to 1000", config.total_calls, 1, 1_000),
        ("engines", "0 to 64", config.engines, 0, 64),
        ("slow_lane_threads", "1 to 16", config.slow_lane_threads, 1, 16),
        ("slow_lane_nice", "0 to 19", config.slow_lane_nice, 0, 19),
        ("compile.memory_mib", "256 to 65536", config.compile.memory_mib, 256, 65_536),
        ("compile.code_mib", "1 to 1024", config.compile.code_mib, 1, 1_024),
        ("compile.cpu_s", "1 to 3600", config.compile.cpu_s, 1, 3_600),
        ("compile.wall_s", "1 to 3600", config.compile.wall_s, 1, 3_600),
        ("conformance.random_inputs", "0 to 1000", config.conformance.random_inputs, 0, 1_000),
        ("conformance.budget_ms", "1 to 600000", config.conformance.budget_ms, 1, 600_000),
        ("breaker.failures", "0 to 1000", config.breaker.failures, 0, 1_000),
        ("breaker.percent", "1 to 100", config.breaker.percent, 1, 100),
        ("breaker.window_ms", "1 to 3600000", config.breaker.window_ms, 1, 3_600_000),
        ("breaker.first_wait_ms", "1 to 3600000", config.breaker.first_wait_ms, 1, 3_600_000),
        (
            "breaker.max_wait_ms",
            "first_wait_ms to 3600000",
            config.breaker.max_wait_ms,
            config.breaker.first_wait_ms,
            3_600_000,
        ),
        ("outbound.timeout_ms", "1 to 600000", config.outbound.timeout_ms, 1, 600_000),
        ("outbound.requests", "0 to 1000", config.outbound.requests, 0, 1_000),
        ("outbound.request_bytes", "0 to 67108864", config.outbound.request_bytes, 0, 64 << 20),
        ("outbound.answer_bytes", "0 to 67108864", config.outbound.answer_bytes, 0, 64 << 20),
        ("logs.lines", "1 to 100000", config.logs.lines, 1, 100_000),
        ("logs.bytes", "1024 to 67108864", config.logs.bytes, 1 << 10, 64 << 20),
        ("logs.plugins", "64 to 10000", config.logs.plugins, 64, 10_000),
        ("logs.versions", "1 to 1000", config.logs.versions, 1, 1_000),
        ("logs.followers", "1 to 10000", config.logs.followers, 1, 10_000),
        ("logs.heartbeat_ms", "100 to 300000", config.logs.heartbeat_ms, 100, 300_000),
        ("failed_calls.keep", "0 to 10000", config.failed_calls.keep, 0, 10_000),
        ("failed_calls.keep_days", "1 to 365", config.failed_calls.keep_days, 1, 365),
        ("failed_calls.max_bytes", "1024 to 16777216", config.failed_calls.max_bytes, 1 << 10, 16 << 20),
        ("failed_calls.per_minute", "1 to 10000", config.failed_calls.per_minute, 1, 10_000),
        ("failed_calls.queue", "1 to 1000", config.failed_calls.queue, 1, 1_000),
    ] {
        if !(least..=most).contains(&given) {
            return Err(HostError::Setting { setting: setting.into(), range });
        }
    }
    Domain::ALL.into_iter().try_for_each(|domain| check_limits(domain, config.limits.of(domain)))
}

/// Without these no call would ever end well.
fn check_limits(domain: Domain, limits: &Limits) -> Result<(), HostError> {
    for (setting, range, fits) in [
        ("cpu_ms", "1 or more", limits.cpu_ms > 0),
        ("wall_ms", "1 or more", limits.wall_ms > 0),
        ("fuel", "1 or more", limits.fuel > 0),
        ("memory_mib", "1 to 4096", (1..=4096).contains(&limits.memory_mib)),
        ("concurrent_calls", "1 or more", limits.concurrent_calls > 0),
    ] {
        if !fits {
            return Err(HostError::Setting { setting: format!("limits.{domain}.{setting}"), range });
        }
    }
    Ok(())
}
