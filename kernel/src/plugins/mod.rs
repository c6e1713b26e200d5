//! The plugin host: components behind the four interfaces of the contract, run in a sandbox.
//!
//! | file | holds |
//! |---|---|
//! | `host` | the one value that loads, publishes and calls |
//! | `package`, `scan`, `metadata`, `manifest` | a plugin file, read and refused without running any of it |
//! | `schema` | settings held against the schema that came with the file |
//! | `signature` | who stands behind a file |
//! | `compile/` | the process that compiles, and what it is denied |
//! | `engine`, `cache` | the settings of the compiler, the pool of instances, the clock; compiled code on disk |
//! | `shards` | an engine for each core, and which is whose |
//! | `bindings` | the contract as Rust types, the only `bindgen!` |
//! | `limits`, `ranges` | what a file and a call may cost, from shop.toml; what these settings may be |
//! | `routing` | which plugins serve now: an immutable snapshot |
//! | `trial/` | a candidate beside the plugins in force: who gets it, who stands in, what the difference is |
//! | `places` | how many calls at once |
//! | `call` | the one path of every call: place, store, limits, outcome |
//! | `fallback` | what becomes of a call that fails, by domain |
//! | `breaker` | functions that fail too often are not asked for a while |
//! | `state`, `ledger`, `report`, `fault` | what a call holds, what it used and wrote, how it ended, why it failed |
//! | `capabilities`, `wasi` | what a plugin can reach: log, settings, kv; a closed, deterministic WASI |
//! | `grants` | what a plugin may have beside: hosts, secrets, kv; asked for, granted, the difference |
//! | `outbound/` | requests to hosts that were granted |
//! | `pricing/`, `payment`, `delivery`, `notification` | typed calls that check every answer; pricing in two versions of the contract |
//! | `answer`, `totals` | the rules that those checks share; the only arithmetic of a cart's totals |
//! | `chain` | pricing plugins one after the other |
//! | `told` | a call as people are told of it |
//! | `patience` | work that waits where the shoppers' calls take all places |
//! | `check`, `configurable` | what activation asks a plugin, and what it says of settings where it exports that |
//! | `conformance/` | what a version does with inputs at the edges of the contract, asked when it is uploaded |
//! | `desk/` | calls that failed, kept for their authors and run again |
//! | `telemetry/` | counters and the last log lines of what is in force, in the memory of this process |
//! | `registry/` | which versions the shop has, which are bound, and the merchant's API for both |
//! | `build`, `pack` | the component from an author's crate; a component of any other tool with what makes it a plugin |
//!
//! Architecture invariant: nothing outside this folder names wasmtime, and nothing in it but `registry/` names HTTP or SQL.

mod answer;
mod bindings;
mod breaker;
pub mod build;
mod cache;
mod call;
mod capabilities;
mod chain;
mod check;
pub mod compile;
mod configurable;
pub mod conformance;
mod desk;
mod engine;
mod fallback;
mod fault;
mod grants;
mod host;
mod ledger;
mod limits;
mod manifest;
mod metadata;
mod option_id;
mod outbound;
mod pack;
mod package;
mod patience;
mod places;
mod ranges;
pub mod registry;
mod report;
mod routing;
mod scan;
mod schema;
mod shards;
mod signature;
mod state;
pub mod telemetry;
#[cfg(test)]
mod tests;
mod told;
mod totals;
pub mod trial;
mod wasi;

pub mod delivery;
pub mod notification;
pub mod payment;
pub mod pricing;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

pub(crate) use answer::has_nul;
pub use answer::is_invisible;
pub use bindings::types;
pub use breaker::{BreakerConfig, Circuit};
pub use capabilities::{KvError, KvQuota, KvStore, MemoryKv};
pub use chain::{ChainError, Chained, Link, Walked};
pub use check::Probe;
pub use compile::{CompileConfig, CompileError, Isolation};
pub use desk::{
    CallFile, Ending, FailedCall, FailedCalls, FailedCallsConfig, FileFault, ReplayError, Replayed, run_again,
};
pub use fallback::{DeliveryFallback, FallbackConfig, PricingFallback};
pub use fault::Fault;
pub use grants::{Endpoint, Granted, Grants, NotASecret, NotAnEndpoint, SecretUse, SecretValue};
pub use host::{Host, HostError, LoadError};
pub use limits::{Allocator, DomainLimits, Limits, PackageLimits, PluginsConfig};
pub use manifest::Manifest;
pub use metadata::Metadata;
pub use option_id::OptionId;
pub use outbound::OutboundConfig;
pub use pack::{PackError, pack};
pub use package::{Digest, NotADigest, Package, PackageError};
pub use patience::patiently;
pub use registry::{Registry, RegistryError};
pub use report::{CallError, Called, Level, LogLine, Report};
pub use routing::{Bound, LastGood, Loaded, Route, Routing};
pub use schema::Mistake;
pub use signature::{KeyId, Signature, SignatureError, SignaturesConfig, Signer, TrustedKey, Unsigned};
pub use told::{PluginId, Told};

/// What a plugin decides: one of the four interfaces of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    Pricing,
    Payment,
    Delivery,
    Notification,
}

impl Domain {
    /// All of them, in the order of the contract.
    pub const ALL: [Self; 4] = [Self::Pricing, Self::Payment, Self::Delivery, Self::Notification];

    /// The name that the contract, the API and the database use: `pricing`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pricing => "pricing",
            Self::Payment => "payment",
            Self::Delivery => "delivery",
            Self::Notification => "notification",
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names none of the four domains.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a domain is pricing, payment, delivery or notification")]
pub struct UnknownDomain;

impl FromStr for Domain {
    type Err = UnknownDomain;

    fn from_str(text: &str) -> Result<Self, UnknownDomain> {
        Self::ALL.into_iter().find(|domain| domain.name() == text).ok_or(UnknownDomain)
    }
}
