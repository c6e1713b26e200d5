//! Why the registry does not do what it is asked for.

use super::SettingsPlace;
use crate::accounts::SealError;
use crate::db;
use crate::plugins::conformance::Report;
use crate::plugins::{CallError, Digest, Domain, Grants, HostError, LoadError, Mistake, PackageError, SignatureError};

/// Why the registry does not do it.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("default plugin {name}: {cause}")]
    Default { name: &'static str, cause: Box<RegistryError> },
    #[error("plugin {name} {version} is bound but cannot be loaded: {cause}")]
    Missing { name: String, version: String, cause: String },
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error("the plugin does not conform to its contract: {}", .0.told())]
    NotConforming(Box<Report>),
    #[error(transparent)]
    Signature(#[from] SignatureError),
    #[error("no key that this shop trusts has signed {name} {version}")]
    Unsigned { name: String, version: String },
    #[error("the file cannot be kept: {0}")]
    Blob(#[from] std::io::Error),
    #[error("there is another file under the name {name} and the version {version}")]
    VersionTaken { name: String, version: String },
    #[error("there is no plugin {0}")]
    UnknownPlugin(String),
    #[error("{name} is a {is} plugin")]
    OtherDomain { name: String, is: Domain },
    #[error("{0} stands in the list twice")]
    Twice(String),
    #[error("{name} does not take these settings")]
    Settings { name: String, place: SettingsPlace, mistakes: Vec<Mistake> },
    #[error("{name} {version} asks for more than it was granted")]
    NotGranted { name: String, version: String, missing: Grants },
    #[error("no version of {name} asks for this")]
    NotAskedFor { name: String, beyond: Grants },
    #[error("grants: {0}")]
    Grants(String),
    #[error("{name} was granted no secret {secret}")]
    UnknownSecret { name: String, secret: String },
    #[error(transparent)]
    Sealed(#[from] SealError),
    #[error("{name} fails its check: {cause}")]
    Check { name: String, cause: CallError },
    #[error("the file kept as {wanted} is another: {found}")]
    OtherFile { wanted: String, found: Digest },
    #[error("there is no such plugin")]
    NotFound,
    #[error("{0} is not bound, so it has no settings in force")]
    NotBound(String),
    #[error("there is no earlier binding")]
    NothingToRollBack,
    #[error("generation {0} is not an earlier one")]
    NotEarlier(i64),
    #[error("a rollout of {0} plugins is under way: stop it first, or put its candidate in force")]
    RolloutRuns(Domain),
    #[error("the binding was changed at the same time")]
    Contended,
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<PackageError> for RegistryError {
    fn from(error: PackageError) -> Self {
        Self::Load(error.into())
    }
}
