//! What a plugin may reach, over HTTP: the screen on which a merchant grants it.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::expected_generation;
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::http::versions::version_tag;
use crate::plugins::registry::{GrantState, RegistryError};
use crate::plugins::{Endpoint, Grants, SecretUse, SecretValue};
use crate::problem::{Problem, ProblemSchema};

/// A secret in a header of every request that the plugin sends to a host. The kernel puts it there; the plugin never sees it.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretPlace {
    /// For the merchant who gives its value. 1 to 64 characters of `a-z 0-9 -`.
    #[schema(example = "api-key")]
    name: String,
    /// One of the hosts.
    #[schema(example = "api.example.com")]
    host: String,
    /// Name of the header, in lower case.
    #[schema(example = "authorization")]
    header: String,
    /// What stands before the secret.
    #[serde(default)]
    #[schema(example = "Bearer ")]
    prefix: String,
}

/// What a plugin may reach beside its settings and its log.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "hosts": ["api.example.com"], "secrets": [{ "name": "api-key", "host": "api.example.com", "header": "authorization", "prefix": "Bearer " }], "kv": true }))]
pub struct GrantList {
    /// Hosts that it may send requests to, `host` or `host:port`; 443 where there is no port.
    #[schema(example = json!(["api.example.com"]))]
    hosts: Vec<String>,
    secrets: Vec<SecretPlace>,
    /// Whether it keeps keys and values in the shop's database.
    kv: bool,
}

/// A secret that was granted, and whether it has a value. Values are never shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct GrantedSecretOut {
    name: String,
    host: String,
    header: String,
    prefix: String,
    /// When its value was given; without one no request goes to its host.
    #[schema(value_type = Option<String>, format = DateTime)]
    value_set_at: Option<Moment>,
}

/// The quota of `kv`: settings of the operator.
#[derive(Debug, Serialize, ToSchema)]
pub struct KvQuotaOut {
    keys: u32,
    /// Of all keys and values together.
    total_bytes: u64,
}

/// What a version asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct VersionAsksOut {
    version: String,
    digest: String,
    asks_for: GrantList,
    /// What of it is not granted: while there is any, the version is not put in force.
    missing: GrantList,
}

/// What a plugin was granted, in all its versions, and what each version asks for.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginGrantsOut {
    plugin: String,
    /// Rises with every change, 0 before the first; also the `ETag`.
    version: i64,
    hosts: Vec<String>,
    secrets: Vec<GrantedSecretOut>,
    kv: bool,
    kv_quota: KvQuotaOut,
    /// Who granted it; null where nothing was ever granted.
    granted_by: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    granted_at: Option<Moment>,
    /// The newest upload first.
    versions: Vec<VersionAsksOut>,
}

/// The value of a secret.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "value": "sk_live_4eC39HqLyjWD" }))]
pub struct SecretValueIn {
    /// Visible characters of ASCII, and spaces between them.
    #[schema(min_length = 8, max_length = 4096, pattern = "^[!-~][ -~]*[!-~]$")]
    value: String,
}

/// What a plugin may reach
///
/// What was granted to it, and beside it what each of its versions asks for.
#[utoipa::path(get, path = "/v1/admin/plugins/{name}/grants", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path)), responses(
    (status = 200, description = "With the version of the grants as `ETag`", body = PluginGrantsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_plugin_grants(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    let state = shop.plugins().grants(&name).await?;
    answer(&shop, state)
}

/// Grants a plugin what it may reach
///
/// All of it: what is left out is taken back, for calls that begin from now on. Only what one of its versions asks for can be granted. The value of a
/// secret whose host or header changes is forgotten. `If-Match` with the `ETag` of the grants guards against a change in between.
#[utoipa::path(put, path = "/v1/admin/plugins/{name}/grants", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path)), request_body = GrantList, responses(
    (status = 200, description = "With the new version of the grants as `ETag`", body = PluginGrantsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 412, description = "`precondition-failed`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`", body = ProblemSchema)
))]
pub async fn put_plugin_grants(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(body): Json<GrantList>,
) -> Result<Response, Problem> {
    let expected = expected_generation(&headers)?;
    let grants = read(body)?;
    let actor = staff.actor.to_string();
    let granting = shop.clone();
    let granted = shop.run_to_end(async move { granting.plugins().grant(&name, grants, expected, &actor).await });
    let state = granted.await.map_err(Problem::internal)??;
    shop.relay().wake();
    answer(&shop, state)
}

/// Gives a secret its value
///
/// It rests encrypted, bound to the plugin, the host and the header, and is shown to nobody.
#[utoipa::path(put, path = "/v1/admin/plugins/{name}/secrets/{secret}", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path), ("secret" = String, Path)), request_body = SecretValueIn, responses(
    (status = 204, description = "For requests that begin from now on"),
    (status = 404, description = "`not-found`: no such plugin, or it was granted no such secret", body = ProblemSchema),
    (status = 422, description = "`invalid-request`", body = ProblemSchema)
))]
pub async fn put_plugin_secret(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path((name, secret)): Path<(String, String)>,
    Json(body): Json<SecretValueIn>,
) -> Result<StatusCode, Problem> {
    let value: SecretValue =
        body.value.parse().map_err(|error| Problem::invalid_field("/value", format!("{error}")))?;
    let (setting, actor) = (shop.clone(), staff.actor.to_string());
    let set = shop.run_to_end(async move { setting.plugins().set_secret(&name, &secret, &value, &actor).await });
    set.await.map_err(Problem::internal)??;
    Ok(StatusCode::NO_CONTENT)
}

/// Forgets the value of a secret
///
/// Requests to its host are not sent from now on.
#[utoipa::path(delete, path = "/v1/admin/plugins/{name}/secrets/{secret}", tag = "plugins",
    security(("bearer" = [])), params(("name" = String, Path), ("secret" = String, Path)), responses(
    (status = 204, description = "It has no value any more"),
    (status = 404, description = "`not-found`: no such plugin, or it was granted no such secret", body = ProblemSchema)
))]
pub async fn delete_plugin_secret(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path((name, secret)): Path<(String, String)>,
) -> Result<StatusCode, Problem> {
    let unsetting = shop.clone();
    let unset = shop.run_to_end(async move { unsetting.plugins().unset_secret(&name, &secret).await });
    unset.await.map_err(Problem::internal)??;
    Ok(StatusCode::NO_CONTENT)
}

fn read(body: GrantList) -> Result<Grants, Problem> {
    let mut checks = Checks::default();
    let mut endpoint = |text: &str, pointer: String| {
        let parsed = text.parse::<Endpoint>();
        checks.require(parsed.is_ok(), &pointer, "must be `host` or `host:port`, by its name in lower case");
        parsed.ok()
    };
    let hosts: Vec<_> =
        body.hosts.iter().enumerate().filter_map(|(at, host)| endpoint(host, format!("/hosts/{at}"))).collect();
    let secrets: Vec<_> = (body.secrets.into_iter().enumerate())
        .filter_map(|(at, secret)| {
            let host = endpoint(&secret.host, format!("/secrets/{at}/host"))?;
            Some(SecretUse { name: secret.name, host, header: secret.header, prefix: secret.prefix })
        })
        .collect();
    checks.done()?;
    Ok(Grants { hosts: hosts.into_iter().collect(), secrets: secrets.into_iter().collect(), kv: body.kv })
}

fn answer(shop: &Shop, state: GrantState) -> Result<Response, Problem> {
    let granted = state.granted();
    let limits = state.versions.first().map(|version| shop.config().plugins.limits.of(version.package.domain));
    let limits = limits.ok_or_else(Problem::not_found)?;
    let asks = |version: &crate::plugins::registry::PluginVersion| {
        let asked = version.package.asks_for();
        VersionAsksOut {
            version: version.package.version().to_owned(),
            digest: version.package.digest.to_string(),
            missing: asked.beyond(&granted).into(),
            asks_for: asked.into(),
        }
    };
    let versions = state.versions.iter().map(asks).collect();
    let version = state.given.as_ref().map_or(0, |given| given.version);
    let secret = |secret: SecretUse| GrantedSecretOut {
        value_set_at: state.values_set_at.get(&secret.name).copied(),
        name: secret.name,
        host: secret.host.to_string(),
        header: secret.header,
        prefix: secret.prefix,
    };
    let out = PluginGrantsOut {
        plugin: state.plugin,
        version,
        hosts: granted.hosts.iter().map(Endpoint::to_string).collect(),
        kv: granted.kv,
        secrets: granted.secrets.into_iter().map(secret).collect(),
        kv_quota: KvQuotaOut { keys: limits.kv_keys, total_bytes: limits.kv_total_bytes },
        granted_by: state.given.as_ref().map(|given| given.actor.clone()),
        granted_at: state.given.as_ref().map(|given| given.granted_at),
        versions,
    };
    Ok(([(header::ETAG, version_tag(version))], Answer(out)).into_response())
}

impl From<Grants> for GrantList {
    fn from(grants: Grants) -> Self {
        let secret = |secret: SecretUse| SecretPlace {
            name: secret.name,
            host: secret.host.to_string(),
            header: secret.header,
            prefix: secret.prefix,
        };
        Self {
            hosts: grants.hosts.iter().map(Endpoint::to_string).collect(),
            secrets: grants.secrets.into_iter().map(secret).collect(),
            kv: grants.kv,
        }
    }
}

/// Where it stands in the body of a grant.
pub(super) fn not_asked_for(error: &RegistryError, beyond: &Grants) -> Problem {
    let at = match () {
        () if !beyond.hosts.is_empty() => "/hosts",
        () if !beyond.secrets.is_empty() => "/secrets",
        () => "/kv",
    };
    Problem::invalid_field(at, error.to_string())
}
