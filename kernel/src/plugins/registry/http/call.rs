//! A call of a plugin, as staff is told of it wherever that is: which plugin, what it wrote, what it cost, why it failed.

use serde::Serialize;
use utoipa::ToSchema;

use crate::plugins::{Fault, Level, LogLine, PluginId, Report};

/// A call of a plugin: who was asked, and what that cost.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginCallOut {
    /// `fallback`: the static rates of the settings stood in for delivery plugins that failed.
    #[schema(example = "pricing-standard")]
    plugin: String,
    #[schema(example = "1.2.0")]
    version: String,
    /// Of the component; empty for `fallback`.
    digest: String,
    /// Of the binding that it stood in; 0 where that is not known.
    #[schema(example = 4)]
    generation: u64,
    /// Why it has no usable answer; null where it has one.
    fault: Option<FaultOut>,
    #[serde(flatten)]
    cost: CallCostOut,
}

/// What a call of a plugin cost and wrote.
#[derive(Debug, Serialize, ToSchema)]
pub struct CallCostOut {
    /// Instructions, roughly: the same on every machine.
    #[schema(example = 48_210)]
    fuel: u64,
    /// Null where it was not recorded.
    #[schema(example = 327_680)]
    memory_bytes: Option<u64>,
    /// That it took.
    #[schema(example = 14)]
    microseconds: u64,
    /// What the plugin wrote meanwhile, the first line first.
    log: Vec<LogLineOut>,
    /// Lines beyond the limits of a call.
    #[schema(example = 0)]
    dropped_log_lines: u32,
}

/// Why a call has no usable answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct FaultOut {
    /// `trapped`, `fuel-exhausted`, `invalid-answer` and so on, as in the counters of a plugin.
    #[schema(example = "trapped")]
    code: String,
    #[schema(example = "the plugin crashed: wasm `unreachable` instruction executed")]
    text: String,
}

/// A line that a plugin wrote; control characters are escaped.
#[derive(Debug, Serialize, ToSchema)]
pub struct LogLineOut {
    /// `trace`, `debug`, `info`, `warn` or `error`.
    #[schema(value_type = String, example = "info")]
    level: Level,
    #[schema(example = "free delivery from 50.00")]
    text: String,
}

impl PluginCallOut {
    pub fn of(by: PluginId, fault: Option<&Fault>, report: Report) -> Self {
        let PluginId { name, version, digest, generation } = by;
        Self { plugin: name, version, digest, generation, fault: fault.map(FaultOut::from), cost: report.into() }
    }
}

impl From<Report> for CallCostOut {
    fn from(report: Report) -> Self {
        Self {
            fuel: report.fuel,
            memory_bytes: (report.memory_bytes > 0).then_some(report.memory_bytes),
            microseconds: report.elapsed_us,
            log: report.log.into_iter().map(LogLineOut::from).collect(),
            dropped_log_lines: report.dropped_log_lines,
        }
    }
}

impl FaultOut {
    pub fn new(code: String, text: String) -> Self {
        Self { code, text }
    }
}

impl From<&Fault> for FaultOut {
    fn from(fault: &Fault) -> Self {
        Self::new(fault.code().to_owned(), fault.to_string())
    }
}

impl From<LogLine> for LogLineOut {
    fn from(LogLine { level, text, .. }: LogLine) -> Self {
        Self { level, text }
    }
}
