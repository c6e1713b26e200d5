//! Plugins and bindings over HTTP, for merchants.

mod call;
mod card;
mod failed_calls;
mod grants;
mod settings;
mod telemetry;

use axum::Json as Answer;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

pub use call::*;
pub use card::CardOut;
pub use failed_calls::*;
pub use grants::*;
pub use settings::*;
pub use telemetry::*;

use super::{Binding, BoundPlugin, PluginVersion, RegistryError, SettingsPlace, Wanted};
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, read_body};
use crate::plugins::answer::has_nul;
use crate::plugins::{CompileError, Domain, Fault, LoadError, Mistake, SignatureError};
use crate::problem::{FieldError, Kind, Problem, ProblemSchema};

/// A version of a plugin: its card, and when it came.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginVersionOut {
    #[serde(flatten)]
    card: CardOut,
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

/// One plugin of a binding.
#[derive(Debug, Serialize, ToSchema)]
pub struct BoundPluginOut {
    name: String,
    version: String,
    digest: String,
    settings: Value,
}

/// The plugins in force for a domain.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "domain": "pricing", "generation": 4, "plugins": [{ "name": "pricing-standard", "version": "0.1.0" }], "rolled_back_to": null, "actor": "0198a1b2-4c3d-7e5f-8a9b-0c1d2e3f4a5b", "created_at": "2026-11-21T09:30:00Z" }))]
pub struct BindingOut {
    domain: &'static str,
    /// Counts the changes; also the `ETag`.
    generation: i64,
    /// Pricing plugins price one after the other in this order.
    plugins: Vec<BoundPluginOut>,
    /// The generation that this one went back to.
    rolled_back_to: Option<i64>,
    /// Who put it in force.
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
}

/// A plugin to bind.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WantedIn {
    #[schema(example = "pricing-standard", min_length = 1, max_length = 64)]
    name: String,
    /// The newest upload where none is named.
    #[schema(example = "1.2.0", min_length = 1, max_length = 64)]
    version: Option<String>,
    /// A JSON object. Where none is given, the settings that it had when it was bound last; `{}` where it never was.
    #[schema(value_type = Option<Object>)]
    settings: Option<Value>,
}

/// The plugins of a domain, in their order.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BindingIn {
    #[schema(min_items = 1, max_items = 16)]
    plugins: Vec<WantedIn>,
}

/// Uploads a plugin
///
/// The body is the `.wasm` file. It is checked and compiled, and in force only once it is bound. The same file may be uploaded again
/// with a signature.
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
    _: Staff<may::Plugins>,
    request: Request,
) -> Result<Response, Problem> {
    let media_type = request.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    if !matches!(media_type, Some(b"application/wasm" | b"application/octet-stream")) {
        return Err(Problem::new(Kind::UnsupportedMediaType).detail("send application/wasm"));
    }
    let signature = request.headers().get(SIGNATURE).map(decode_signature).transpose()?;
    let file = read_body(request).await?;
    let version = shop.plugins().upload(file, signature).await?;
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

/// The plugins in force, by domain
#[utoipa::path(get, path = "/v1/admin/bindings", tag = "plugins", security(("bearer" = [])), responses(
    (status = 200, body = [BindingOut])
))]
pub async fn list_bindings(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
) -> Result<Answer<Vec<BindingOut>>, Problem> {
    let bindings = shop.plugins().bindings().await?;
    Ok(Answer(bindings.into_iter().map(binding_out).collect()))
}

/// The plugins in force for a domain
#[utoipa::path(get, path = "/v1/admin/bindings/{domain}", tag = "plugins", security(("bearer" = [])),
    params(("domain" = String, Path)), responses(
    (status = 200, body = BindingOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_binding(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(domain): Path<String>,
) -> Result<Response, Problem> {
    let binding = shop.plugins().binding(parse_domain(&domain)?).await?;
    binding.map(answer_binding).ok_or_else(Problem::not_found)
}

/// Puts plugins in force for a domain
///
/// Each is asked to check its settings first. Calls that have begun end on the version that they began with; calls that
/// begin after the answer run on the new one. `If-Match` with the `ETag` of the binding guards against a change in between.
#[utoipa::path(put, path = "/v1/admin/bindings/{domain}", tag = "plugins", security(("bearer" = [])),
    params(("domain" = String, Path)), request_body = BindingIn, responses(
    (status = 200, body = BindingOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, `binding-rejected`", body = ProblemSchema),
    (status = 412, description = "`precondition-failed`", body = ProblemSchema)
))]
pub async fn put_binding(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(domain): Path<String>,
    headers: HeaderMap,
    Json(body): Json<BindingIn>,
) -> Result<Response, Problem> {
    let domain = parse_domain(&domain)?;
    let expected = expected_generation(&headers)?;
    let wanted = read_wanted(body.plugins, Checks::default())?;
    let actor = staff.actor.to_string();
    let bound =
        put_in_force(shop, move |shop| async move { shop.plugins().bind(domain, &wanted, expected, &actor).await });
    bound.await.map(answer_binding)
}

/// The plugins of a binding, once these and the other `checks` of their body hold.
pub fn read_wanted(plugins: Vec<WantedIn>, mut checks: Checks) -> Result<Vec<Wanted>, Problem> {
    checks.require((1..=16).contains(&plugins.len()), "/plugins", "must name 1 to 16 plugins");
    for (index, plugin) in plugins.iter().enumerate() {
        let object = plugin.settings.as_ref().is_none_or(Value::is_object);
        checks.require(object, &format!("/plugins/{index}/settings"), "must be a JSON object");
        let nul = plugin.settings.as_ref().is_some_and(has_nul);
        checks.require(!nul, &format!("/plugins/{index}/settings"), "must not have the character U+0000");
        checks.text(&plugin.name, 1, 64, &format!("/plugins/{index}/name"));
        if let Some(version) = &plugin.version {
            checks.text(version, 1, 64, &format!("/plugins/{index}/version"));
        }
    }
    checks.done()?;
    let wanted = |plugin: WantedIn| Wanted { name: plugin.name, version: plugin.version, settings: plugin.settings };
    Ok(plugins.into_iter().map(wanted).collect())
}

/// Goes back to the binding before the one in force
#[utoipa::path(post, path = "/v1/admin/bindings/{domain}/rollback", tag = "plugins", security(("bearer" = [])),
    params(("domain" = String, Path)), responses(
    (status = 200, body = BindingOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`nothing-to-roll-back`", body = ProblemSchema),
    (status = 422, description = "`binding-rejected`", body = ProblemSchema)
))]
pub async fn roll_back_binding(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(domain): Path<String>,
) -> Result<Response, Problem> {
    let (domain, actor) = (parse_domain(&domain)?, staff.actor.to_string());
    let back = put_in_force(shop, move |shop| async move { shop.plugins().roll_back(domain, &actor).await });
    back.await.map(answer_binding)
}

/// Runs the change to its end: with a client that hangs up it must not be committed and not published.
async fn put_in_force<F, T>(shop: Shop, change: impl FnOnce(Shop) -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<T, RegistryError>> + Send + 'static,
    T: Send + 'static,
{
    let change = change(shop.clone());
    let relay = shop.clone();
    let changed = shop.run_to_end(async move { change.await.inspect(|_| relay.relay().wake()) }).await;
    changed.map_err(Problem::internal)?.map_err(Problem::from)
}

fn parse_domain(text: &str) -> Result<Domain, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

fn expected_generation(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let tag = value.to_str().ok().map(|text| text.trim().trim_matches('"'));
    match tag {
        Some("*") => Ok(None),
        Some(tag) => tag.parse().map(Some).map_err(|_| Problem::new(Kind::PreconditionFailed)),
        None => Err(Problem::new(Kind::PreconditionFailed)),
    }
}

fn answer_binding(binding: Binding) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{}\"", binding.generation));
    let mut response = Answer(binding_out(binding)).into_response();
    if let Ok(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

impl From<BoundPlugin> for BoundPluginOut {
    fn from(plugin: BoundPlugin) -> Self {
        Self { name: plugin.name, version: plugin.version, digest: plugin.digest, settings: plugin.settings }
    }
}

fn binding_out(binding: Binding) -> BindingOut {
    BindingOut {
        domain: binding.domain.name(),
        generation: binding.generation,
        plugins: binding.plugins.into_iter().map(BoundPluginOut::from).collect(),
        rolled_back_to: binding.rolled_back_to,
        actor: binding.actor,
        created_at: binding.created_at,
    }
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
    PluginVersionOut { card: CardOut::of(version.package, signer), uploaded_at: version.uploaded_at }
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
