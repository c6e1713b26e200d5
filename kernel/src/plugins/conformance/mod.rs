//! What a version of a plugin does with inputs that nobody would type: asked when it is uploaded, and by `kassa plugin check`.
//!
//! | file | holds |
//! |---|---|
//! | `report` | what was found, as it is kept with the version |
//! | `settings` | which settings it is tried with |
//! | `inputs` | what all inputs are made of: the edges of the contract, and chance that is the same everywhere |
//! | `pricing`, `payment`, `delivery`, `notification` | the inputs of each world |
//! | `run` | asking, twice each, and holding one answer against the other |
//!
//! Only functions that do nothing but answer are asked: `price`, `methods`, `quote`, `compose`. What moves money or goods is not, so of
//! `authorize`, `book` and their like the suite knows nothing. The plugin reaches nothing meanwhile that its name was granted before.
//!
//! The arithmetic is the one of every call: an answer that [`Host::price`](super::Host::price) and its like refuse is a finding. So is a
//! trap and a limit. What the plugin refuses in the words of the contract is an answer.

mod delivery;
mod inputs;
mod notification;
mod payment;
mod pricing;
mod report;
mod run;
mod settings;

use serde::{Deserialize, Serialize};

pub use report::{Check, Cost, Finding, Report, Summary, Verdict};

/// What becomes of an upload with findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Failed {
    /// It is not kept.
    #[default]
    Refused,
    /// It is kept, every list says so, and it may be bound.
    Marked,
}

/// The `[plugins.conformance]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConformanceConfig {
    /// What becomes of an upload that did not pass.
    pub failed: Failed,
    /// Inputs by chance, beside those at the edges of the contract. The same in every run. 0 to 1,000.
    pub random_inputs: u32,
    /// Milliseconds after which no other input is tried. 1 to 600,000.
    pub budget_ms: u32,
}

impl Default for ConformanceConfig {
    fn default() -> Self {
        Self { failed: Failed::Refused, random_inputs: 32, budget_ms: 3_000 }
    }
}
