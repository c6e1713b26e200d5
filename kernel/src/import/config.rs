//! `[import]` of shop.toml.

use serde::Deserialize;

/// What an import may be, and how it is done.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImportConfig {
    /// Largest file that is uploaded.
    pub max_bytes: usize,
    /// Rows or lines of one file.
    pub max_rows: u64,
    /// Longest row or line.
    pub max_line_bytes: usize,
    /// Variants written in one transaction.
    pub batch: usize,
    /// Lines kept of the report of a job: so many of what was refused or taken otherwise, and so many of what was done.
    pub report_lines: u64,
    /// Jobs that wait or run.
    pub max_waiting: u32,
    /// How often the worker looks for a job.
    pub poll_interval_ms: u64,
    /// How long a worker has a job to itself without a sign of life.
    pub claim_ms: u64,
    /// A job waits while more events than this wait to be sent.
    pub max_unsent_events: u32,
    /// How long jobs that have ended are kept, with their reports.
    pub keep_days: u32,
}

impl Default for ImportConfig {
    fn default() -> Self {
        Self {
            max_bytes: 64 * 1024 * 1024,
            max_rows: 500_000,
            max_line_bytes: 1024 * 1024,
            batch: 500,
            report_lines: 100_000,
            max_waiting: 20,
            poll_interval_ms: 1_000,
            claim_ms: 60_000,
            max_unsent_events: 1_000,
            keep_days: 30,
        }
    }
}
