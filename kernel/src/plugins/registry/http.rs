//! Plugins and bindings over HTTP, for merchants.

mod bindings;
mod call;
mod card;
mod conformance;
mod failed_calls;
mod grants;
mod settings;
mod telemetry;

use axum::Json as Answer;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use utoipa::ToSchema;

pub use bindings::*;
pub use call::*;
pub use card::CardOut;
pub use conformance::*;
pub use failed_calls::*;
pub use grants::*;
pub use settings::*;
pub use telemetry::*;

use super::{Binding, PluginVersion, RegistryError, SettingsPlace};
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Path, read_body};
use crate::plugins::conformance::Summary;
use crate::plugins::{CompileError, Fault, LoadError, Mistake, SignatureError};
use crate::problem::{FieldError, Kind, Problem, ProblemSchema};

/// A version of a plugin: its card, what its upload found, and when it came.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginVersionOut {
    #[serde(flatten)]
    card: CardOut,
    /// What the conformance suite found when it was uploaded. Null of what came with the kernel, and of what was uploaded before there was
    /// a suite.
    conformance: Option<Summary>,
    #[schema(value_type = String, format = DateTime)]
    uploaded_at: Moment,
}

/// A plugin and its versions.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginOut {
    name: String,
    domain: &'static str,
    /// The version in force, where it is bound.
    active_version: Option<String>,
    /// The newest upload first.
    versions: Vec<PluginVersionOut>,
}

/// Uploads a plugin
///
/// The body is the `.wasm` file. It is checked, compiled and asked what the conformance suite of its domain asks, and in force only once it is
/// bound. With findings it is refused, unless the shop's settings say otherwise; `findings` of the problem has them. The same file may be
/// uploaded again with a signature.
#[utoipa::path(post, path = "/v1/admin/plugins", tag = "plugins", security(("bearer" = [])),
    params(("plugin-signature" = Option<String>, Header, description = "The `.minisig` file of minisign, in Base64")),
    request_body(content = Vec<u8>, content_type = "application/wasm"), responses(
    (status = 201, body = PluginVersionOut),
    (status = 409, description = "`plugin-version-taken`", body = ProblemSchema),
    (status = 422, description = "`plugin-rejected`", body = ProblemSchema),
    (status = 415, description = "`unsupported-media-type`", body = ProblemSchema),
    (status = 503, description = "`unavailable`: too many files are waiting to be compiled", body = ProblemSchema)
))]
pub async fn upload_plugin(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    request: Request,
) -> Result<Response, Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !matches!(media_type, Some(b"application/wasm" | b"application/octet-stream")) {
        return Err(Problem::new(Kind::UnsupportedMediaType).detail("send application/wasm"));
    }
    let signature = request.headers().get(SIGNATURE).map(decode_signature).transpose()?;
    let file = read_body(request).await?;
    let version = shop.plugins().upload(file, signature, &staff.actor.to_string()).await?;
    let location =
        HeaderValue::from_str(&format!("/v1/admin/plugins/{}", version.package.name())).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(version_out(&shop, version))).into_response())
}

/// After how long an upload is tried again that found too many before it.
const RETRY_COMPILING_S: u64 = 10;

/// The header that a signature comes in. A file of minisign has lines, a header has none.
const SIGNATURE: &str = "plugin-signature";

fn decode_signature(header: &HeaderValue) -> Result<String, Problem> {
    let decoded = STANDARD.decode(header.as_bytes()).ok().and_then(|text| String::from_utf8(text).ok());
    decoded.ok_or_else(|| RegistryError::from(SignatureError::Malformed).into())
}

/// Every plugin with its versions
#[utoipa::path(get, path = "/v1/admin/plugins", tag = "plugins", security(("bearer" = [])), responses(
    (status = 200, body = [PluginOut])
))]
pub async fn list_plugins(State(shop): State<Shop>, _: Staff<may::Plugins>) -> Result<Answer<Vec<PluginOut>>, Problem> {
    let bindings = shop.plugins().bindings().await?;
    let plugins = shop.plugins().list().await?;
    Ok(Answer(
        plugins.into_iter().filter_map(|(name, versions)| plugin_out(&shop, name, versions, &bindings)).collect(),
    ))
}

/// A plugin with its versions
#[utoipa::path(get, path = "/v1/admin/plugins/{name}", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path)), responses(
    (status = 200, body = PluginOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_plugin(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(name): Path<String>,
) -> Result<Answer<PluginOut>, Problem> {
    let bindings = shop.plugins().bindings().await?;
    let versions = shop.plugins().list().await?.remove(&name).unwrap_or_default();
    plugin_out(&shop, name, versions, &bindings).map(Answer).ok_or_else(Problem::not_found)
}

fn plugin_out(shop: &Shop, name: String, versions: Vec<PluginVersion>, bindings: &[Binding]) -> Option<PluginOut> {
    let domain = versions.first()?.package.domain.name();
    let bound = bindings.iter().flat_map(|binding| &binding.plugins).find(|plugin| plugin.name == name);
    let active_version = bound.map(|plugin| plugin.version.clone());
    let versions = versions.into_iter().map(|version| version_out(shop, version)).collect();
    Some(PluginOut { name, domain, active_version, versions })
}

fn version_out(shop: &Shop, version: PluginVersion) -> PluginVersionOut {
    let signer = shop.plugins().signer_of(&version);
    let PluginVersion { package, conformance, uploaded_at, .. } = version;
    PluginVersionOut { card: CardOut::of(package, signer), conformance, uploaded_at }
}

impl From<RegistryError> for Problem {
    fn from(error: RegistryError) -> Self {
        match error {
            RegistryError::Load(LoadError::Package(crate::plugins::PackageError::TooLarge { limit, .. })) => {
                Problem::new(Kind::PayloadTooLarge).detail(format!("at most {limit} bytes"))
            }
            RegistryError::Load(LoadError::Compile(CompileError::Unavailable(_))) => Problem::internal(error),
            RegistryError::Load(LoadError::Compile(CompileError::Busy)) => {
                Problem::new(Kind::Unavailable).detail(error.to_string()).retry_after(RETRY_COMPILING_S)
            }
            RegistryError::Load(error) => Problem::new(Kind::PluginRejected).with("reason", error.to_string()),
            RegistryError::NotConforming(ref report) => conformance::rejected(&error, report),
            RegistryError::Signature(error) => Problem::new(Kind::PluginRejected).with("reason", error.to_string()),
            RegistryError::Unsigned { ref name, .. } => Problem::new(Kind::BindingRejected)
                .with("plugin", name.clone())
                .with("reason", "unsigned")
                .detail(error.to_string()),
            RegistryError::NotGranted { ref name, ref missing, .. } => Problem::new(Kind::BindingRejected)
                .with("plugin", name.clone())
                .with("reason", "not-granted")
                .with("missing", GrantList::from(missing.clone()))
                .detail(error.to_string()),
            RegistryError::NotAskedFor { ref beyond, .. } => grants::not_asked_for(&error, beyond),
            RegistryError::Grants(text) => Problem::invalid_field("", text),
            RegistryError::UnknownSecret { .. } => Problem::not_found(),
            RegistryError::VersionTaken { .. } => Problem::new(Kind::PluginVersionTaken).detail(error.to_string()),
            RegistryError::UnknownPlugin(_) | RegistryError::OtherDomain { .. } | RegistryError::Twice(_) => {
                Problem::invalid_field("/plugins", error.to_string())
            }
            RegistryError::Settings { ref name, place, ref mistakes } => {
                let settings = match place {
                    SettingsPlace::OfBinding(index) => format!("/plugins/{index}/settings"),
                    SettingsPlace::Member => "/settings".into(),
                    SettingsPlace::Body => String::new(),
                };
                let of = |mistake: &Mistake| {
                    FieldError::new(format!("{settings}{}", mistake.pointer), mistake.detail.clone())
                };
                let problem = Problem::new(Kind::BindingRejected).errors(mistakes.iter().map(of).collect());
                problem.with("plugin", name).with("reason", "invalid-settings").detail(error.to_string())
            }
            RegistryError::Check { name, cause } => rejected(&name, &cause.fault),
            RegistryError::NotFound => Problem::not_found(),
            RegistryError::NotBound(_) => Problem::new(Kind::PluginNotBound).detail(error.to_string()),
            RegistryError::NothingToRollBack => Problem::new(Kind::NothingToRollBack),
            RegistryError::NotEarlier(_) => Problem::invalid_field("generation", error.to_string()),
            RegistryError::RolloutRuns(_) => Problem::new(Kind::RolloutRunning).detail(error.to_string()),
            RegistryError::Contended => Problem::new(Kind::PreconditionFailed),
            RegistryError::Database(error) => error.into(),
            RegistryError::Host(_)
            | RegistryError::Sealed(_)
            | RegistryError::Default { .. }
            | RegistryError::Missing { .. }
            | RegistryError::OtherFile { .. }
            | RegistryError::Blob(_) => Problem::internal(error),
        }
    }
}

fn rejected(plugin: &str, fault: &Fault) -> Problem {
    Problem::new(Kind::BindingRejected).with("plugin", plugin).with("reason", fault.code()).detail(fault.to_string())
}
