//! A call that failed, run again: in the host as it is, with the answers that the file has in the place of the shop.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::file::FileFault;
use super::{CallFile, Playback};
use crate::id;
use crate::plugins::limits::DomainLimits;
use crate::plugins::{Bound, CallError, Domain, Granted, Grants, Host, HostError, LoadError, PluginsConfig, Report};

/// Why a call cannot be run again.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("the file: {0}")]
    File(String),
    #[error(transparent)]
    Host(#[from] HostError),
    #[error("the component: {0}")]
    Load(#[from] LoadError),
    #[error("the component is a {is} plugin, and the call was one of a {was} plugin")]
    OtherDomain { is: Domain, was: Domain },
}

/// A call that was run again.
#[derive(Debug)]
pub struct Replayed {
    /// It is the component of the file, and no other.
    pub same_component: bool,
    pub ending: Ending,
    pub report: Report,
    /// Where it asked the kernel something else than it had asked.
    pub departures: Vec<String>,
}

/// How a call ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    Answered,
    Failed(FileFault),
}

impl Replayed {
    /// It ended as it had.
    pub fn ends_as(&self, file: &CallFile) -> bool {
        self.ending == Ending::Failed(file.fault.clone())
    }
}

/// Runs the call of `file` again on the component `wasm`, under the limits that it had. `folder` is for compiled code, and to be thrown away.
pub async fn run_again(
    config: &PluginsConfig,
    folder: &Path,
    file: &CallFile,
    wasm: Vec<u8>,
) -> Result<Replayed, ReplayError> {
    let question = file.question().map_err(ReplayError::File)?;
    let limits: DomainLimits = serde_json::from_value(json!({ file.domain.name(): file.limits }))
        .map_err(|error| ReplayError::File(format!("its limits cannot be read: {error}")))?;
    let config = PluginsConfig { limits, ..config.clone() };
    let playback = Arc::new(Playback::of(&file.host_calls, file.host_calls_cut));
    let host = Host::on_a_desk(&config, folder, &id::random_bytes::<32>(), playback.clone())?;
    let component = host.load(wasm).await?;
    if component.package.domain != file.domain {
        return Err(ReplayError::OtherDomain { is: component.package.domain, was: file.domain });
    }
    let same_component = component.package.digest.to_string() == file.plugin.digest;
    // Whatever it was granted stands in the answers.
    let grants = Grants { kv: true, ..Grants::default() };
    host.grant(component.package.name(), Granted { grants, ..Granted::default() });
    let bound = Arc::new(Bound::new(component, file.settings.to_string()));
    let (ending, report) = match question.ask(&host, &bound).await {
        Ok(report) => (Ending::Answered, report),
        Err(CallError { fault, report }) => {
            let fault = FileFault { code: fault.code().to_owned(), text: fault.to_string() };
            (Ending::Failed(fault), report)
        }
    };
    Ok(Replayed { same_component, ending, report, departures: playback.departures() })
}
