//! A call as people are told of it: who was asked, what it cost, what came of it.

use serde::{Deserialize, Serialize};

use super::{Bound, Fault, Report};

/// Which plugin was asked, to the byte and the settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginId {
    pub name: String,
    pub version: String,
    /// Of the component; empty where the kernel itself answered.
    pub digest: String,
    /// Of the binding that it stood in; 0 where it is not known.
    pub generation: u64,
}

impl PluginId {
    pub fn of(bound: &Bound, generation: u64) -> Self {
        let (name, version) = (bound.name().to_owned(), bound.version().to_owned());
        Self { name, version, digest: bound.digest().to_string(), generation }
    }
}

/// A call that ended, well or not.
#[derive(Clone, Debug)]
pub struct Told<Answer> {
    pub by: PluginId,
    pub report: Report,
    pub outcome: Result<Answer, Fault>,
}
