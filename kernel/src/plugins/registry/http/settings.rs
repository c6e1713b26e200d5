//! The settings of one plugin over HTTP.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{expected_generation, put_in_force};
use crate::Shop;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Json, Path};
use crate::http::versions::version_tag;
use crate::plugins::answer::has_nul;
use crate::plugins::registry::InForce;
use crate::problem::{Problem, ProblemSchema};

/// The settings that a plugin has in force, and what a form for them is drawn from.
#[derive(Debug, Serialize, ToSchema)]
pub struct PluginSettingsOut {
    #[schema(example = "delivery-rates")]
    name: String,
    #[schema(example = "0.1.0")]
    version: String,
    #[schema(example = "delivery")]
    domain: &'static str,
    /// Of the domain's binding; also the `ETag`.
    #[schema(example = 4)]
    generation: i64,
    #[schema(value_type = Object, example = json!({ "zones": [] }))]
    settings: Value,
    /// JSON Schema of the settings; null where the plugin brought none.
    settings_schema: Option<Value>,
}

/// The settings of a plugin
///
/// Those in force, with the schema beside them.
#[utoipa::path(get, path = "/v1/admin/plugins/{name}/settings", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path)), responses(
    (status = 200, description = "With the generation of the domain's binding as `ETag`", body = PluginSettingsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`plugin-not-bound`", body = ProblemSchema)
))]
pub async fn get_plugin_settings(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    Ok(answer(shop.plugins().settings(&name).await?))
}

/// Puts other settings of a plugin in force
///
/// A new generation of its domain's binding, in which all else is as before: checked as any binding is, and rolled back like one.
/// `If-Match` with the `ETag` of the settings, or of the binding, guards against a change in between.
#[utoipa::path(put, path = "/v1/admin/plugins/{name}/settings", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path)),
    request_body(content = Object, description = "All settings: one JSON object", content_type = "application/json",
        example = json!({ "currency": "EUR", "zones": [] })),
    responses(
    (status = 200, description = "With the new generation as `ETag`", body = PluginSettingsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`plugin-not-bound`, `rollout-running`", body = ProblemSchema),
    (status = 412, description = "`precondition-failed`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, `binding-rejected`", body = ProblemSchema)
))]
pub async fn put_plugin_settings(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(name): Path<String>,
    headers: HeaderMap,
    Json(settings): Json<Map<String, Value>>,
) -> Result<Response, Problem> {
    let expected = expected_generation(&headers)?;
    let settings = Value::Object(settings);
    if has_nul(&settings) {
        return Err(Problem::invalid_field("", "must not have the character U+0000"));
    }
    let actor = staff.actor.to_string();
    let changed = put_in_force(shop, move |shop| async move {
        shop.plugins().change_settings(&name, settings, expected, &actor).await
    });
    changed.await.map(answer)
}

fn answer(in_force: InForce) -> Response {
    let InForce { domain, generation, plugin, schema } = in_force;
    let out = PluginSettingsOut {
        name: plugin.name,
        version: plugin.version,
        domain: domain.name(),
        generation,
        settings: plugin.settings,
        settings_schema: schema,
    };
    ([(header::ETAG, version_tag(generation))], Answer(out)).into_response()
}
