//! How long things took.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;

/// Times, to three digits, up to ten minutes.
#[derive(Clone)]
pub struct Latency(Histogram<u64>);

impl Default for Latency {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, 600_000_000, 3).expect("these bounds are valid"))
    }
}

impl Latency {
    pub fn record(&mut self, took: Duration) {
        self.0.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    pub fn add(&mut self, other: &Self) {
        // Both have the same bounds.
        self.0.add(&other.0).expect("the bounds are the same");
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The time that `percent` of all were within.
    pub fn percentile(&self, percent: f64) -> Duration {
        Duration::from_micros(self.0.value_at_percentile(percent))
    }

    pub fn max(&self) -> Duration {
        Duration::from_micros(self.0.max())
    }
}

/// The columns that [`Latency`] shows.
pub const COLUMNS: &str = "     count    p50 ms    p90 ms    p99 ms    max ms";

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [p50, p90, p99] = [50.0, 90.0, 99.0].map(|percent| millis(self.percentile(percent)));
        write!(f, "{:>10}{p50:>10.2}{p90:>10.2}{p99:>10.2}{:>10.2}", self.count(), millis(self.max()))
    }
}

/// Milliseconds, for a table.
pub fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
