//! Webhooks themselves.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, SchemaType, Type};
use uuid::Uuid;

use super::require_customers;
use crate::Shop;
use crate::clock::Moment;
use crate::events;
use crate::http::auth::{InPerson, Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};
use crate::webhooks::{self, Change, NewWebhook, Webhook, check_url};

/// Kinds that a webhook may name.
const MAX_KINDS: usize = 100;
const MAX_OVERLAP_HOURS: u32 = 168;

/// A webhook to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookIn {
    /// Where messages are posted. On the public Internet, and `https`, unless the settings of the shop allow more.
    #[schema(
        example = "https://erp.example/hooks/kassa",
        min_length = 1,
        max_length = 2000,
        pattern = "^https?://[^ ]+$"
    )]
    url: String,
    #[serde(default)]
    #[schema(example = "ERP", max_length = 200)]
    description: String,
    /// Kinds of events; left out or empty: every kind, also those that a later version has.
    #[serde(default)]
    #[schema(schema_with = kinds_schema, required = false)]
    kinds: Vec<String>,
}

/// Changes of a webhook: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookPatchIn {
    #[schema(
        example = "https://erp.example/hooks/kassa",
        min_length = 1,
        max_length = 2000,
        pattern = "^https?://[^ ]+$"
    )]
    url: Option<String>,
    #[schema(example = "ERP", max_length = 200)]
    description: Option<String>,
    /// All of them: what is not named is not told any more.
    #[schema(schema_with = kinds_or_null_schema)]
    kinds: Option<Vec<String>>,
    /// False switches it off: what waits has failed. True switches it on, from now on; replay what it missed.
    enabled: Option<bool>,
}

/// How long the secret that was good goes on signing beside the new one.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateSecretIn {
    /// 0: not at all, for a secret that got out. Left out: as the settings of the shop say.
    #[schema(minimum = 0, maximum = 168, example = 24)]
    overlap_hours: Option<u32>,
}

/// A webhook, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookOut {
    id: Uuid,
    #[schema(example = "https://erp.example/hooks/kassa")]
    url: String,
    #[schema(example = "ERP")]
    description: String,
    /// Empty: every kind.
    #[schema(example = json!(["order.paid", "order.cancelled"]))]
    kinds: Vec<String>,
    enabled: bool,
    /// Why it is off: `merchant`, `gone` (it answered 410) or `failing` (for too long).
    disabled_reason: Option<String>,
    /// The first failure since the last success.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Moment>,
    /// Until when messages are signed with the secret before the last rotation too.
    #[schema(value_type = Option<String>, format = DateTime)]
    former_secret_until: Option<Moment>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// A webhook with a new secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookSecretOut {
    /// What messages are signed with. It is shown here and never again.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwW1v3nVvNUpk=")]
    secret: String,
    #[serde(flatten)]
    about: WebhookOut,
}

impl From<Webhook> for WebhookOut {
    fn from(webhook: Webhook) -> Self {
        Self {
            id: webhook.id,
            url: webhook.url,
            description: webhook.description,
            kinds: webhook.kinds,
            enabled: webhook.enabled,
            disabled_reason: webhook.disabled_reason,
            failing_since: webhook.failing_since,
            former_secret_until: webhook.former_secret_until,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

/// A list of kinds, which the shop knows all.
fn kinds_schema() -> Array {
    let kind = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(events::KINDS.iter().copied()));
    ArrayBuilder::new()
        .items(kind)
        .max_items(Some(MAX_KINDS))
        .examples([json!(["order.paid", "order.cancelled"])])
        .build()
}

/// Null, too: they stay as they are.
fn kinds_or_null_schema() -> Array {
    let mut schema = kinds_schema();
    schema.schema_type = SchemaType::Array(vec![Type::Array, Type::Null]);
    schema
}

fn check(shop: &Shop, url: Option<&str>, description: Option<&str>, kinds: Option<&[String]>) -> Result<(), Problem> {
    let mut checks = Checks::default();
    if let Some(url) = url {
        let checked = check_url(url, &shop.config().webhooks);
        checks.require(checked.is_ok(), "/url", checked.err().unwrap_or_default());
    }
    checks.text(description.unwrap_or_default(), 0, 200, "/description");
    checks.require(
        kinds.is_none_or(|kinds| kinds.len() <= MAX_KINDS),
        "/kinds",
        &format!("must be at most {MAX_KINDS}"),
    );
    for (index, kind) in kinds.unwrap_or_default().iter().take(MAX_KINDS).enumerate() {
        let known = events::KINDS.contains(&kind.as_str());
        checks.require(known, &format!("/kinds/{index}"), "is no kind of event; docs/events.md has them all");
    }
    checks.done()
}

/// In the order of the list of all kinds, each once.
fn each_once(kinds: &[String]) -> Vec<String> {
    let named = events::KINDS.iter().filter(|known| kinds.iter().any(|kind| kind == *known));
    named.map(|kind| (*kind).to_owned()).collect()
}

/// Make a webhook
///
/// Its secret is in this answer and nowhere else. Needs the permission `customers` too, since what is told is personal. An
/// `Idempotency-Key` is ignored, since the answer is not kept.
#[utoipa::path(post, path = "/v1/admin/webhooks", tag = "webhooks", security(("bearer" = [])), request_body = WebhookIn, responses(
    (status = 201, description = "With `Location`", body = WebhookSecretOut),
    (status = 403, description = "`forbidden`: also to an API key, and without the permission `customers`", body = ProblemSchema),
    (status = 409, description = "`too-many-webhooks`", body = ProblemSchema)
))]
pub async fn create_webhook(
    State(shop): State<Shop>,
    staff: InPerson<may::Settings>,
    Json(body): Json<WebhookIn>,
) -> Result<Response, Problem> {
    require_customers(staff.identity.permissions)?;
    check(&shop, Some(&body.url), Some(&body.description), Some(&body.kinds))?;
    let kinds = each_once(&body.kinds);
    let new = NewWebhook { url: body.url, description: body.description.trim().to_owned(), kinds };
    let (webhook, secret) = webhooks::create_webhook(&shop, new).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/webhooks/{}", webhook.id)).map_err(Problem::internal)?;
    let body = WebhookSecretOut { secret, about: webhook.into() };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(body)).into_response())
}

/// Every webhook, the oldest first
#[utoipa::path(get, path = "/v1/admin/webhooks", tag = "webhooks", security(("bearer" = [])), params(PageParams), responses(
    (status = 200, body = Page<WebhookOut>)
))]
pub async fn list_webhooks(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<WebhookOut>>, Problem> {
    let limit = page.limit()?;
    let webhooks = webhooks::list_webhooks(&shop, page.key()?, limit).await?;
    Ok(Answer(Page::new(webhooks, limit, |webhook| webhook.id, WebhookOut::from)))
}

/// A webhook
#[utoipa::path(get, path = "/v1/admin/webhooks/{id}", tag = "webhooks", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses(
    (status = 200, body = WebhookOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_webhook(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<Answer<WebhookOut>, Problem> {
    Ok(Answer(webhooks::get_webhook(&shop, id).await?.into()))
}

/// Change a webhook, or switch it on or off
///
/// Another `url` or other `kinds` need the permission `customers` too.
#[utoipa::path(patch, path = "/v1/admin/webhooks/{id}", tag = "webhooks", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = WebhookPatchIn, responses(
    (status = 200, body = WebhookOut),
    (status = 403, description = "`forbidden`: also to an API key, and without the permission `customers`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn patch_webhook(
    State(shop): State<Shop>,
    staff: InPerson<may::Settings>,
    Path(id): Path<Uuid>,
    Json(body): Json<WebhookPatchIn>,
) -> Result<Answer<WebhookOut>, Problem> {
    if body.url.is_some() || body.kinds.is_some() || body.enabled == Some(true) {
        require_customers(staff.identity.permissions)?;
    }
    check(&shop, body.url.as_deref(), body.description.as_deref(), body.kinds.as_deref())?;
    let change = Change {
        url: body.url,
        description: body.description.map(|text| text.trim().to_owned()),
        kinds: body.kinds.as_deref().map(each_once),
        enabled: body.enabled,
    };
    Ok(Answer(webhooks::change_webhook(&shop, id, change).await?.into()))
}

/// Delete a webhook with its log
#[utoipa::path(delete, path = "/v1/admin/webhooks/{id}", tag = "webhooks", security(("bearer" = [])), params(("id" = Uuid, Path)),
    responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn delete_webhook(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    webhooks::delete_webhook(&shop, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Give a webhook a new secret
///
/// For `overlap_hours` messages bear both signatures, so that the receiver can change over without losing one. The secret is in
/// this answer and nowhere else. An `Idempotency-Key` is ignored, since the answer is not kept.
#[utoipa::path(post, path = "/v1/admin/webhooks/{id}/rotate-secret", tag = "webhooks", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = RotateSecretIn, responses(
    (status = 200, body = WebhookSecretOut),
    (status = 403, description = "`forbidden`: also to an API key, and without the permission `customers`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn rotate_webhook_secret(
    State(shop): State<Shop>,
    staff: InPerson<may::Settings>,
    Path(id): Path<Uuid>,
    Json(body): Json<RotateSecretIn>,
) -> Result<Answer<WebhookSecretOut>, Problem> {
    require_customers(staff.identity.permissions)?;
    let mut checks = Checks::default();
    let fits = body.overlap_hours.is_none_or(|hours| hours <= MAX_OVERLAP_HOURS);
    checks.require(fits, "/overlap_hours", "must be 0 to 168");
    checks.done()?;
    let (webhook, secret) = webhooks::rotate_secret(&shop, id, body.overlap_hours).await?;
    Ok(Answer(WebhookSecretOut { secret, about: webhook.into() }))
}
