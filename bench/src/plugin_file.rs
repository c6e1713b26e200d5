//! What a plugin file costs: compiling it, loading it, and calls with carts of several sizes. Of any language, so that they can be compared.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use kassa::plugins::pricing::{Line, Request};
use kassa::plugins::{Bound, CallError, Host, Loaded, MemoryKv, PluginsConfig};

use crate::{Error, Result};

/// Lines of the carts that it is asked about.
pub const CARTS: [usize; 4] = [1, 10, 100, 500];
/// Calls that are not counted: the first ones find cold caches.
const WARM_UP: usize = 20;
/// Calls of which each must answer the same, and take the same fuel.
const SAME: usize = 3;
/// Linux tells times of processes in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// What a file costs once.
pub struct Loading {
    /// Of compiling it in the process that does, by the clock on the wall.
    pub compiled: Duration,
    /// Time on the processor of that process; none where the system does not tell.
    pub compiled_cpu_s: Option<f64>,
    /// Of the machine code, as it lies on the disk.
    pub code_bytes: u64,
    /// Taken from the disk, and an instance made.
    pub loaded: Duration,
}

/// What calls with a cart of `lines` cost.
pub struct Calls {
    pub lines: usize,
    /// In nanoseconds.
    pub times: Histogram<u64>,
    pub fuel: u64,
    pub memory_bytes: u64,
}

/// A plugin file in a host of its own.
pub struct Measured {
    host: Host,
    bound: Arc<Bound>,
}

/// Compiles `file` as an upload is compiled, and loads it again as a start does.
///
/// # Errors
///
/// What an upload would be refused with, and a plugin of another domain than pricing.
pub async fn load(file: &[u8], settings: &str, config: &PluginsConfig) -> Result<(Loading, Measured)> {
    let cache = tempfile::tempdir().map_err(|cause| Error::File { path: "the temporary folder".into(), cause })?;
    let cpu_before = children_cpu_s();
    let (_, compiled) = load_once(file, cache.path(), config).await?;
    let compiled_cpu_s = cpu_before.zip(children_cpu_s()).map(|(before, after)| after - before);
    let code_bytes = size_of_files(cache.path())?;
    let ((host, component), loaded) = load_once(file, cache.path(), config).await?;
    if component.package.domain != kassa::plugins::Domain::Pricing {
        return Err(Error::Plugin("only pricing plugins are measured".into()));
    }
    let bound = Arc::new(Bound::new(component, settings));
    Ok((Loading { compiled, compiled_cpu_s, code_bytes, loaded }, Measured { host, bound }))
}

/// With a host of its own, so that nothing is in memory yet.
async fn load_once(file: &[u8], cache: &Path, config: &PluginsConfig) -> Result<((Host, Arc<Loaded>), Duration)> {
    let host = Host::new(config, cache, &[7; 32], Arc::new(MemoryKv::default())).map_err(plugin)?;
    let begun = Instant::now();
    let component = host.load(file).await.map_err(plugin)?;
    let took = begun.elapsed();
    Ok(((host, component), took))
}

impl Measured {
    /// Calls for `time`, one after the other.
    ///
    /// # Errors
    ///
    /// Of a call, and where the same request has another answer or takes other fuel.
    pub async fn calls(&self, lines: usize, time: Duration) -> Result<Calls> {
        let request = Arc::new(cart(lines));
        let first = self.host.price(&self.bound, &request).await.map_err(|error| fault(lines, &error))?;
        for _ in 0..SAME {
            let again = self.host.price(&self.bound, &request).await.map_err(|error| fault(lines, &error))?;
            if (json(&again.value)?, again.report.fuel) != (json(&first.value)?, first.report.fuel) {
                return Err(Error::Plugin(format!("a cart of {lines} lines is answered otherwise a second time")));
            }
        }
        let mut times = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are valid");
        let mut until = Instant::now() + time;
        let mut calls = 0;
        while Instant::now() < until {
            let begun = Instant::now();
            self.host.price(&self.bound, &request).await.map_err(|error| fault(lines, &error))?;
            let took = begun.elapsed();
            calls += 1;
            match calls <= WARM_UP {
                true => until = Instant::now() + time,
                false => times.saturating_record(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX)),
            }
        }
        Ok(Calls { lines, times, fuel: first.report.fuel, memory_bytes: first.report.memory_bytes })
    }
}

pub(crate) fn cart(lines: usize) -> Request {
    let line = |at: usize| Line {
        sku: format!("SKU-{at:05}"),
        category: "home/kitchen".into(),
        quantity: 1 + at as u32 % 5,
        unit_price: 12_000 + at as i64,
        weight_grams: 250,
        attributes: Vec::new(),
    };
    Request {
        currency: "EUR".into(),
        exponent: 2,
        now: 1_800_000_000,
        locale: "en".into(),
        customer: None,
        destination: None,
        delivery: None,
        coupons: Vec::new(),
        lines: (0..lines).map(line).collect(),
        so_far: Vec::new(),
        attributes: Vec::new(),
    }
}

/// Of all processes that this one started and that have ended.
fn children_cpu_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The program's name stands in brackets and may hold anything; what comes after it are numbers. proc(5) counts from 1: cutime is the
    // 16th, cstime the 17th, and the first after the name is the 3rd.
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(16 - 3);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn size_of_files(folder: &Path) -> Result<u64> {
    let wrong = |cause| Error::File { path: folder.display().to_string(), cause };
    let mut bytes = 0;
    for entry in fs::read_dir(folder).map_err(wrong)? {
        bytes += entry.and_then(|entry| entry.metadata()).map_err(wrong)?.len();
    }
    Ok(bytes)
}

fn json(quote: &kassa::plugins::pricing::Quote) -> Result<String> {
    serde_json::to_string(quote).map_err(|cause| Error::Answer { request: "a cart".into(), cause })
}

fn fault(lines: usize, error: &CallError) -> Error {
    Error::Plugin(format!("a cart of {lines} lines: {error}"))
}

fn plugin(cause: impl std::fmt::Display) -> Error {
    Error::Plugin(cause.to_string())
}
