//! `kassa plugin check`: the suite that an upload has to pass, in the host that a shop has, without a shop.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use kassa::plugins::conformance::{Cost, Report, Verdict};
use kassa::plugins::{Host, MemoryKv, Package};
use kassa::{Config, id};
use serde_json::Value;

use super::{Outcome, visible, visible_json};

#[derive(Args)]
pub struct Check {
    /// A `.wasm` file
    file: PathBuf,
    /// Settings to try it with, a JSON file; what its schema has as defaults and examples where none is given, as at an upload
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Print the whole report as JSON
    #[arg(long)]
    json: bool,
}

/// Prints the report; an error where there are findings.
pub async fn run(config: &Config, Check { file, settings, json }: Check) -> Outcome {
    let settings = settings.as_deref().map(read_settings).transpose()?;
    let wasm = std::fs::read(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    let compiled = Compiled::new();
    let host = Host::new(&config.plugins, &compiled.0, &id::random_bytes::<32>(), Arc::new(MemoryKv::default()))?;
    let loaded = host.load(wasm).await.map_err(|error| format!("{}: {error}", file.display()))?;
    let report = host.conformance(&loaded, &config.plugins.conformance, settings.as_ref()).await;
    match json {
        true => println!("{}", visible_json(&serde_json::to_string_pretty(&report)?)),
        false => print!("{}", visible(&told(&loaded.package, &report))),
    }
    match report.summary.verdict {
        Verdict::Failed => Err(format!("it does not conform: {}", report.told()).into()),
        Verdict::Passed | Verdict::Incomplete | Verdict::Untried => Ok(()),
    }
}

/// A folder for what is compiled, gone with this value: a check leaves nothing behind.
struct Compiled(PathBuf);

impl Compiled {
    fn new() -> Self {
        Self(std::env::temp_dir().join(format!("kassa-check-{}", id::unguessable())))
    }
}

impl Drop for Compiled {
    fn drop(&mut self) {
        // It is there only if something could be written to it.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn read_settings(file: &Path) -> Result<Value, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let settings: Value =
        serde_json::from_slice(&std::fs::read(file).map_err(|error| wrong(&error))?).map_err(|error| wrong(&error))?;
    if settings.is_object() { Ok(settings) } else { Err(wrong(&"settings are a JSON object")) }
}

fn told(package: &Package, report: &Report) -> String {
    let summary = &report.summary;
    let mut lines = format!("{}@{}, {} {}\n", package.name(), package.version(), package.domain, package.contract);
    lines += &format!("settings   {}\n", report.settings);
    lines += &format!("inputs     {} of {} tried, twice each\n", summary.tried, summary.inputs);
    for (outcome, count) in &report.outcomes {
        lines += &format!("           {count} {outcome}\n");
    }
    if !summary.costs.is_empty() {
        lines += "cost       lines         fuel  of its limit   memory KiB           µs\n";
    }
    for Cost { lines: of_lines, fuel, fuel_bp, memory_bytes, elapsed_us } in &summary.costs {
        let share = format!("{}.{:02} %", fuel_bp / 100, fuel_bp % 100);
        let memory = memory_bytes / 1_024;
        lines += &format!("           {of_lines:>5} {fuel:>12}  {share:>12} {memory:>12} {elapsed_us:>12}\n");
    }
    for finding in &report.findings {
        lines += &format!("FINDING    {}: {} ({})\n", finding.input, finding.detail, finding.rule);
        for line in &finding.log {
            lines += &format!("           log: {line}\n");
        }
    }
    lines + "verdict    " + explained(summary.verdict) + "\n"
}

fn explained(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed: every answer keeps the contract",
        Verdict::Incomplete => {
            "incomplete: nothing was found, but time was over before all was tried (plugins.conformance.budget_ms)"
        }
        Verdict::Untried => {
            "untried: it refused every input, so nothing is known of its answers; try it with --settings FILE.json"
        }
        Verdict::Failed => "FAILED: a shop refuses it, or marks it, as plugins.conformance.failed says",
    }
}
