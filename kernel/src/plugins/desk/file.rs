//! `kassa-call/1`: a call that failed, as a file without secrets.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::record::HostCall;
use super::redact::Clean;
use super::{FailedCall, Question};
use crate::clock::Moment;
use crate::plugins::{Domain, PluginId, Report};

/// What a file says of itself. Another form of it has another number.
pub const FORMAT: &str = "kassa-call/1";

/// A call that failed, with all that it takes to run it again.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct CallFile {
    #[schema(example = "kassa-call/1")]
    pub format: String,
    pub id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    pub failed_at: Moment,
    /// `name`, `version`, `digest`, `generation`: of the binding that it stood in, 0 where that is not known.
    #[schema(value_type = Object)]
    pub plugin: PluginId,
    #[schema(value_type = String, example = "pricing")]
    pub domain: Domain,
    /// As the contract names it.
    #[schema(example = "price")]
    pub function: String,
    #[schema(value_type = Object)]
    pub settings: Value,
    /// Of the domain, as `[plugins.limits]` had them.
    #[schema(value_type = Object)]
    pub limits: Value,
    /// What it was asked; null where it has more than `plugins.failed_calls.max_bytes`.
    #[schema(value_type = Option<Object>)]
    pub input: Option<Value>,
    /// Bytes of the input.
    pub input_bytes: u64,
    /// What the kernel answered meanwhile, in that order.
    #[schema(value_type = Vec<Object>)]
    pub host_calls: Vec<HostCall>,
    /// There were more than are kept.
    pub host_calls_cut: bool,
    #[schema(value_type = Object)]
    pub fault: FileFault,
    /// What it cost and wrote.
    #[schema(value_type = Object)]
    pub report: Report,
}

/// How the call ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFault {
    pub code: String,
    pub text: String,
}

impl CallFile {
    /// The text of the file, and the file.
    pub fn of(id: Uuid, call: &FailedCall, max_bytes: usize) -> (String, Self) {
        let Clean { settings, input, host_calls, fault, report } = Clean::of(call);
        let input_bytes = input.to_string().len();
        let file = Self {
            format: FORMAT.to_owned(),
            id,
            failed_at: call.failed_at,
            plugin: call.plugin.clone(),
            domain: call.domain,
            function: call.function.name().to_owned(),
            settings,
            limits: json!(call.limits),
            input: (input_bytes <= max_bytes).then_some(input),
            input_bytes: input_bytes as u64,
            host_calls,
            host_calls_cut: call.cut,
            fault,
            report,
        };
        // Records of numbers, texts and lists always have a JSON form.
        (serde_json::to_string(&file).unwrap_or_default(), file)
    }

    /// A file that somebody has on their desk; the error is for them.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(text).map_err(|error| format!("it is no JSON: {error}"))?;
        match value["format"].as_str() {
            Some(FORMAT) => {}
            Some(other) => return Err(format!("its format is {other}; this program reads {FORMAT}")),
            None => return Err("it does not say its format: it is no call".to_owned()),
        }
        serde_json::from_value(value).map_err(|error| format!("it cannot be read: {error}"))
    }

    /// What was asked; the error is for whoever has the file.
    pub(super) fn question(&self) -> Result<Question, String> {
        let too_large = || format!("its input was not kept: it has {} bytes", self.input_bytes);
        Question::read(self.domain, &self.function, self.input.clone().ok_or_else(too_large)?)
    }
}
