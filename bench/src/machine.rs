//! What figures were measured on. No names: they go into a public README.

use std::fs;

/// One line: cores, processor, kernel of the operating system, compiler profile.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let model = model.map_or("unknown processor", |(_, model)| model.trim());
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory: u64 = meminfo.split_whitespace().nth(1).and_then(|text| text.parse().ok()).unwrap_or_default();
    let profile = if cfg!(debug_assertions) { "debug build: the figures mean nothing" } else { "release build" };
    format!(
        "machine: {cores} cores, {model}, {} GiB, {} {}, {profile}",
        memory / 1024 / 1024,
        std::env::consts::OS,
        release.trim(),
    )
}
