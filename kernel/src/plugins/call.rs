//! The one path of every call.

use serde::{Deserialize, Serialize};

use super::types;

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
}

/// What a call cost and wrote, whether it succeeded or not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Instructions, roughly: for the same component and input the same on every machine. After a call that the
    /// wall clock ended, what was known at the last tick.
    pub fuel: u64,
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
}

/// Why a call has no usable answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    #[error("too many calls of this plugin at once")]
    Busy,
    #[error("the plugin computed for more than {cpu_ms} ms")]
    DeadlineExceeded { cpu_ms: u32 },
    #[error("the plugin did not answer within {wall_ms} ms")]
    WallClockExceeded { wall_ms: u32 },
    #[error("the plugin used more than {fuel} units of fuel")]
    FuelExhausted { fuel: u64 },
    #[error("the plugin wanted more than {memory_mib} MiB of memory")]
    MemoryExceeded { memory_mib: u32 },
    #[error("the plugin used up its stack")]
    StackOverflow,
    #[error("the plugin called the kernel more than {host_calls} times")]
    HostCallsExceeded { host_calls: u32 },
    #[error("the plugin crashed: {0}")]
    Trapped(String),
    #[error("the plugin passed more than {answer_bytes} bytes at once")]
    AnswerTooLarge { answer_bytes: u32 },
    #[error("the plugin's answer breaks the contract: {0}")]
    InvalidAnswer(String),
    #[error("the plugin refused: {}", refusal(.0))]
    Plugin(types::Error),
    #[error("the plugin cannot be run: {0}")]
    Unavailable(String),
}

impl Fault {
    /// A stable name of the fault, for problems, metrics and the database.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::DeadlineExceeded { .. } => "deadline-exceeded",
            Self::WallClockExceeded { .. } => "wall-clock-exceeded",
            Self::FuelExhausted { .. } => "fuel-exhausted",
            Self::MemoryExceeded { .. } => "memory-exceeded",
            Self::StackOverflow => "stack-overflow",
            Self::HostCallsExceeded { .. } => "host-calls-exceeded",
            Self::Trapped(_) => "trapped",
            Self::AnswerTooLarge { .. } => "answer-too-large",
            Self::InvalidAnswer(_) => "invalid-answer",
            Self::Plugin(types::Error::InvalidSettings(_)) => "invalid-settings",
            Self::Plugin(types::Error::Unsupported(_)) => "unsupported",
            Self::Plugin(types::Error::Unavailable(_)) => "plugin-unavailable",
            Self::Plugin(types::Error::Internal(_)) => "plugin-internal",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

fn refusal(error: &types::Error) -> String {
    match error {
        types::Error::InvalidSettings(text) => format!("its settings are wrong: {text}"),
        types::Error::Unsupported(text) => format!("it does not do this: {text}"),
        types::Error::Unavailable(text) => format!("a service that it needs did not answer: {text}"),
        types::Error::Internal(text) => format!("it failed: {text}"),
    }
}
