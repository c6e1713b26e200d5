//! `kassa-bench plugin`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use kassa::Config;
use kassa::plugins::PluginsConfig;
use kassa_bench::plugin_file::{self, CARTS, Calls, Loading};
use kassa_bench::{Error, Result, machine};

#[derive(Args)]
pub struct Plugin {
    /// Files of pricing plugins
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Their settings, a JSON file; `{}` where none is given
    #[arg(long)]
    settings: Option<PathBuf>,
    /// Settings of the shop with the limits that they need, a shop.toml; the defaults where none is given
    #[arg(long)]
    config: Option<PathBuf>,
    /// Seconds for which each cart is asked about
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

/// Whether each of them answered.
pub async fn run(arguments: &Plugin) -> Result<bool> {
    let config = match &arguments.config {
        Some(file) => Config::parse(&text(file)?).map_err(Error::shop)?.plugins,
        None => PluginsConfig::default(),
    };
    let settings = arguments.settings.as_deref().map_or_else(|| Ok("{}".to_owned()), text)?;
    println!("{}", machine::describe());
    for file in &arguments.files {
        let bytes = read(file)?;
        let (loading, measured) = plugin_file::load(&bytes, settings.trim(), &config).await?;
        print_loading(file, bytes.len(), &loading);
        for lines in CARTS {
            print_calls(&measured.calls(lines, Duration::from_secs(arguments.seconds)).await?);
        }
    }
    Ok(true)
}

fn print_loading(file: &Path, bytes: usize, loading: &Loading) {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let cpu = loading.compiled_cpu_s.map(|seconds| format!(" ({seconds:.1} s on the processor)")).unwrap_or_default();
    println!("\n{name}: {bytes} bytes");
    println!(
        "compiled in {:.1?}{cpu} to {} bytes of code; from the disk in {:.1?}",
        loading.compiled, loading.code_bytes, loading.loaded
    );
    println!("lines     calls    p50 µs    p99 µs        fuel  memory KiB");
}

fn print_calls(calls: &Calls) {
    let micros = |quantile| calls.times.value_at_quantile(quantile) as f64 / 1_000.0;
    let Calls { lines, times, fuel, memory_bytes } = calls;
    let (count, p50, p99) = (times.len(), micros(0.5), micros(0.99));
    println!("{lines:>5} {count:>9} {p50:>9.1} {p99:>9.1} {fuel:>11} {:>11}", memory_bytes / 1024);
}

fn text(file: &Path) -> Result<String> {
    let wrong = |cause| Error::File { path: file.display().to_string(), cause };
    std::fs::read_to_string(file).map_err(wrong)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    std::fs::read(file).map_err(|cause| Error::File { path: file.display().to_string(), cause })
}
