//! The log of a webhook: messages, tries, replays, tests.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::Shop;
use crate::accounts::Permission;
use crate::clock::{Given, Moment};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};
use crate::webhooks::{self, Attempt, Filter, Message};

/// What became of a message.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum WebhookMessageStatus {
    /// It waits for its turn, or for another try.
    Queued,
    /// The receiver answered 2xx.
    Delivered,
    /// No further try, unless you replay it.
    Failed,
}

impl WebhookMessageStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }
}

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WebhookMessageParams {
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    #[param(inline)]
    status: Option<WebhookMessageStatus>,
    /// Kind of the event.
    #[param(example = "order.paid", min_length = 1, max_length = 64)]
    kind: Option<String>,
}

/// An event for a webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookMessageOut {
    /// `webhook-id` of the message: the same at every try, and in every replay.
    id: Uuid,
    webhook_id: Uuid,
    event_id: Uuid,
    #[schema(example = "order.paid")]
    kind: String,
    /// `queued`, `delivered` or `failed`.
    #[schema(example = "delivered")]
    status: String,
    /// Tries since it was queued last.
    attempts: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Moment>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
}

/// One try to post a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookAttemptOut {
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// How long the receiver took.
    #[schema(example = 120)]
    duration_ms: i64,
    /// HTTP status of the answer; null where there was none.
    #[schema(example = 503)]
    status: Option<i64>,
    /// Why there was no answer: `unreachable`, `timeout`, `broken-answer`, `address-not-allowed`, `url-not-allowed`.
    error: Option<String>,
    /// The first 1024 bytes of the answer.
    answer: String,
}

/// A message with its body and its last tries.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookMessageDetailsOut {
    #[serde(flatten)]
    message: WebhookMessageOut,
    /// What is posted: the event in CloudEvents' JSON. Personal in part: null without the permission `customers`.
    body: Option<Value>,
    /// The last 100, the oldest first.
    tries: Vec<WebhookAttemptOut>,
}

/// What is to be replayed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayFailedIn {
    /// Messages of events since then.
    #[schema(value_type = String, format = DateTime, example = "2026-11-20T00:00:00Z")]
    since: Given,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "queued": 3 }))]
pub struct ReplayFailedOut {
    /// Messages that are queued again; 1,000 at most, then ask once more.
    queued: u64,
}

impl From<Message> for WebhookMessageOut {
    fn from(message: Message) -> Self {
        Self {
            id: message.id,
            webhook_id: message.webhook_id,
            event_id: message.event_id,
            kind: message.kind,
            status: message.status,
            attempts: message.attempts,
            next_attempt_at: message.next_attempt_at,
            created_at: message.created_at,
        }
    }
}

impl From<Attempt> for WebhookAttemptOut {
    fn from(attempt: Attempt) -> Self {
        let Attempt { at, duration_ms, status, error, answer } = attempt;
        Self { at, duration_ms, status, error, answer }
    }
}

/// What a webhook was told, the newest first
#[utoipa::path(get, path = "/v1/admin/webhooks/{id}/messages", tag = "webhooks", security(("bearer" = [])),
    params(("id" = Uuid, Path), WebhookMessageParams), responses(
    (status = 200, body = Page<WebhookMessageOut>),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_webhook_messages(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Path(id): Path<Uuid>,
    Query(params): Query<WebhookMessageParams>,
) -> Result<Answer<Page<WebhookMessageOut>>, Problem> {
    let mut checks = Checks::default();
    if let Some(kind) = &params.kind {
        checks.text(kind, 1, 64, "kind");
    }
    checks.done()?;
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let (limit, before) = (page.limit()?, page.key::<Uuid>()?);
    let filter = Filter { status: params.status.map(|status| status.name().to_owned()), kind: params.kind };
    let rows = webhooks::list_messages(&shop, id, &filter, before, limit).await?;
    Ok(Answer(Page::new(rows, limit, |row| row.id, WebhookMessageOut::from)))
}

/// A message with its body and its tries
#[utoipa::path(get, path = "/v1/admin/webhooks/{id}/messages/{message_id}", tag = "webhooks", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("message_id" = Uuid, Path)), responses(
    (status = 200, body = WebhookMessageDetailsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_webhook_message(
    State(shop): State<Shop>,
    staff: Staff<may::Settings>,
    Path((id, message_id)): Path<(Uuid, Uuid)>,
) -> Result<Answer<WebhookMessageDetailsOut>, Problem> {
    let details = webhooks::get_message(&shop, id, message_id).await?;
    let body = serde_json::from_str(&details.body).ok();
    Ok(Answer(WebhookMessageDetailsOut {
        message: details.message.into(),
        body: body.filter(|_| staff.permissions.has(Permission::Customers)),
        tries: details.tries.into_iter().map(WebhookAttemptOut::from).collect(),
    }))
}

/// Post a message once more
///
/// The same body under the same `webhook-id`. One that waits goes on waiting.
#[utoipa::path(post, path = "/v1/admin/webhooks/{id}/messages/{message_id}/replay", tag = "webhooks",
    security(("bearer" = [])), params(("id" = Uuid, Path), ("message_id" = Uuid, Path)), responses(
    (status = 202, description = "It is queued", body = WebhookMessageOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`webhook-disabled`", body = ProblemSchema)
))]
pub async fn replay_webhook_message(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Path((id, message_id)): Path<(Uuid, Uuid)>,
) -> Result<(StatusCode, Answer<WebhookMessageOut>), Problem> {
    let message = webhooks::replay_message(&shop, id, message_id).await?;
    Ok((StatusCode::ACCEPTED, Answer(message.into())))
}

/// Post what has failed once more
#[utoipa::path(post, path = "/v1/admin/webhooks/{id}/replay-failed", tag = "webhooks", security(("bearer" = [])),
    params(("id" = Uuid, Path)), request_body = ReplayFailedIn, responses(
    (status = 202, description = "They are queued", body = ReplayFailedOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`webhook-disabled`", body = ProblemSchema)
))]
pub async fn replay_failed_webhook_messages(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Path(id): Path<Uuid>,
    Json(body): Json<ReplayFailedIn>,
) -> Result<(StatusCode, Answer<ReplayFailedOut>), Problem> {
    let queued = webhooks::replay_failed(&shop, id, body.since.into()).await?;
    Ok((StatusCode::ACCEPTED, Answer(ReplayFailedOut { queued })))
}

/// Post an event that tells nothing
///
/// Its kind is `webhook.test`. The log tells what the receiver answered.
#[utoipa::path(post, path = "/v1/admin/webhooks/{id}/test", tag = "webhooks", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 202, description = "It is queued", body = WebhookMessageOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`webhook-disabled`", body = ProblemSchema)
))]
pub async fn test_webhook(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Answer<WebhookMessageOut>), Problem> {
    let message = webhooks::send_test(&shop, id).await?;
    Ok((StatusCode::ACCEPTED, Answer(message.into())))
}
