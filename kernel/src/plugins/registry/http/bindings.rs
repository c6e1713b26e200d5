//! What is in force over HTTP, and what was.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::super::{Binding, BoundPlugin, Wanted};
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::plugins::Domain;
use crate::plugins::answer::has_nul;
use crate::problem::{Kind, Problem, ProblemSchema};

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
    (status = 409, description = "`rollout-running`", body = ProblemSchema),
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

/// Bindings of a domain
///
/// Every change, the newest first; the first is in force.
#[utoipa::path(get, path = "/v1/admin/bindings/{domain}/history", tag = "plugins", security(("bearer" = [])),
    params(("domain" = String, Path), PageParams), responses(
    (status = 200, body = Page<BindingOut>),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_binding_history(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(domain): Path<String>,
    Query(params): Query<PageParams>,
) -> Result<Answer<Page<BindingOut>>, Problem> {
    let domain = parse_domain(&domain)?;
    let limit = params.limit()?;
    let bindings = shop.plugins().history(domain, params.key()?.unwrap_or(i64::MAX), limit + 1).await?;
    Ok(Answer(Page::new(bindings, limit, |binding| binding.generation, binding_out)))
}

/// How far back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RollBackParams {
    /// Which generation to go back to; the one before the one in force where none is named.
    #[param(minimum = 1, example = 3)]
    generation: Option<i64>,
}

/// Goes back to an earlier binding
///
/// To the one before the one in force, or to any that the history names, as a new generation; checked as any binding is. In force for every
/// call that begins after the answer, whoever quoted a cart before. `If-Match` as for a change.
#[utoipa::path(post, path = "/v1/admin/bindings/{domain}/rollback", tag = "plugins", security(("bearer" = [])),
    params(("domain" = String, Path), RollBackParams), responses(
    (status = 200, body = BindingOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`nothing-to-roll-back`, `rollout-running`", body = ProblemSchema),
    (status = 412, description = "`precondition-failed`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, `binding-rejected`", body = ProblemSchema)
))]
pub async fn roll_back_binding(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(domain): Path<String>,
    Query(params): Query<RollBackParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (domain, actor) = (parse_domain(&domain)?, staff.actor.to_string());
    let expected = expected_generation(&headers)?;
    let to = params.generation;
    let back =
        put_in_force(shop, move |shop| async move { shop.plugins().roll_back(domain, to, expected, &actor).await });
    back.await.map(answer_binding)
}

/// Runs the change to its end: with a client that hangs up it must not be committed and not published.
pub async fn put_in_force<F, T, E>(shop: Shop, change: impl FnOnce(Shop) -> F) -> Result<T, Problem>
where
    F: Future<Output = Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    let change = change(shop.clone());
    let relay = shop.clone();
    let changed = shop.run_to_end(async move { change.await.inspect(|_| relay.relay().wake()) }).await;
    changed.map_err(Problem::internal)?.map_err(E::into)
}

pub(super) fn parse_domain(text: &str) -> Result<Domain, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

pub(super) fn expected_generation(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
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
