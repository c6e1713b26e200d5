//! What the suite found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

/// Findings that are told of. After as many no other input is tried: the plugin is known well enough.
pub(super) const MOST_FINDINGS: usize = 10;

/// What the suite says of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ConformanceVerdict)]
pub enum Verdict {
    /// Every input was tried, and nothing found.
    Passed,
    /// Nothing was found in what was tried, but time was over, or the kernel had no place for it, before all of it was.
    Incomplete,
    /// It refused every input in the words of the contract, so nothing is known of its answers: it needs settings that the suite does not
    /// have, or a service that nobody granted yet.
    Untried,
    /// There are findings.
    Failed,
}

/// What lists say of a version.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConformanceSummary)]
pub struct Summary {
    pub verdict: Verdict,
    /// Inputs of the suite.
    #[schema(example = 78)]
    pub inputs: u32,
    /// Those that were tried, twice each.
    #[schema(example = 78)]
    pub tried: u32,
    /// Findings: inputs that were answered otherwise than the contract says.
    #[schema(example = 0)]
    pub found: u32,
    /// Of carts or shipments of 1, 10, 100 and 500 lines, for pricing and delivery.
    pub costs: Vec<Cost>,
}

/// What the conformance suite found when a version was uploaded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConformanceReport)]
pub struct Report {
    #[serde(flatten)]
    pub summary: Summary,
    /// Reports with the same number asked the same.
    #[schema(example = 1)]
    pub suite: u32,
    /// That it was tried with: made of the defaults and examples of its schema.
    #[schema(value_type = Object)]
    pub settings: Value,
    /// How many inputs came to what, as `checks` have it.
    pub outcomes: BTreeMap<String, u32>,
    /// The first 10; after them no other input was tried.
    pub findings: Vec<Finding>,
    /// Each input that was tried.
    pub checks: Vec<Check>,
    /// Fuel that a call of the domain may use, by the limits of this shop.
    #[schema(example = 50_000_000)]
    pub fuel_limit: u64,
    /// Milliseconds that it took.
    #[schema(example = 65)]
    pub elapsed_ms: u64,
}

impl Report {
    /// How many findings there are, and the first of them, on one line.
    pub fn told(&self) -> String {
        let found = match self.summary.found {
            1 => "1 finding".to_owned(),
            found => format!("{found} findings"),
        };
        match self.findings.first() {
            None => found,
            Some(Finding { input, detail, .. }) => format!("{found}, first with the input \"{input}\": {detail}"),
        }
    }
}

/// What one input came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConformanceCheck)]
pub struct Check {
    #[schema(example = "ten coupons")]
    pub input: String,
    /// `answered`, or the code of the fault; `beyond-range` where the amounts of the input are so large that nothing can be put on top,
    /// and the plugin did.
    #[schema(example = "answered")]
    pub outcome: String,
    #[schema(example = 56_241)]
    pub fuel: u64,
    #[schema(example = 327_680)]
    pub memory_bytes: u64,
    /// Microseconds of the quicker of the two calls.
    #[schema(example = 45)]
    pub elapsed_us: u64,
}

/// An input that was answered otherwise than the contract says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConformanceFinding)]
pub struct Finding {
    #[schema(example = "everything is free so far")]
    pub input: String,
    /// The code of the fault: `invalid-answer`, `trapped`, `fuel-exhausted` and the like; `other-answer` where the second answer was not the
    /// first, `other-fuel` where it only cost otherwise.
    #[schema(example = "invalid-answer")]
    pub rule: String,
    #[schema(example = "the plugin's answer breaks the contract: the goods fall below zero")]
    pub detail: String,
    /// The last lines that it wrote to its log in that call, at most three.
    pub log: Vec<String>,
}

/// What a call with so many lines costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = ConformanceCost)]
pub struct Cost {
    #[schema(example = 100)]
    pub lines: u32,
    /// The same on every machine.
    #[schema(example = 197_002)]
    pub fuel: u64,
    /// The part of its limit, in basis points: 39 is 0.39 %.
    #[schema(example = 39)]
    pub fuel_bp: u64,
    #[schema(example = 393_216)]
    pub memory_bytes: u64,
    /// Of the quicker of two calls, on this machine.
    #[schema(example = 140)]
    pub elapsed_us: u64,
}
