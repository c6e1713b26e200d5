//! How a call ended: its answer or its fault, what it cost and what it wrote.

use serde::{Deserialize, Serialize};

use super::Fault;

/// How loud a line of a plugin's log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
}

/// A line that a plugin wrote; control characters are escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    pub level: Level,
    pub text: String,
    /// The kernel wrote it, of a request that the plugin sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_kernel: bool,
}

/// What a call cost and wrote, whether it succeeded or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Instructions, roughly: for the same component and input the same on every machine. After a call that a time limit
    /// ended, what was known at the last tick, which lags behind in a loop that calls no function.
    pub fuel: u64,
    /// Linear memory, over all memories of the call; 0 where a time limit of the wall ended it.
    pub memory_bytes: u64,
    /// From the moment that the call had its place to the answer.
    pub elapsed_us: u64,
    pub log: Vec<LogLine>,
    /// Lines beyond the limits of lines or bytes.
    pub dropped_log_lines: u32,
}

/// An answer that passed every check, and what it cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Called<T> {
    pub value: T,
    pub report: Report,
}

/// A call without a usable answer.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{fault}")]
pub struct CallError {
    pub fault: Fault,
    pub report: Report,
}

impl CallError {
    /// A stable name of the fault, for problems, metrics and the database: `deadline-exceeded`.
    pub fn code(&self) -> &'static str {
        self.fault.code()
    }

    pub(super) fn not_begun(fault: Fault) -> Self {
        Self { fault, report: Report::default() }
    }
}
