//! The delivery log, for staff.

use std::collections::BTreeMap;

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::attributes;
use crate::Shop;
use crate::accounts::{Permission, Permissions};
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::notifications::log::{self, Attempt, Details, Filter, Logged};
use crate::problem::{Problem, ProblemSchema};

/// What became of a message.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum MessageStatus {
    /// It waits for its turn, or for another try.
    Queued,
    Sent,
    /// Given up: no further try without you.
    Dead,
    /// Not sent: there was no address, or the recipient does not want it.
    Suppressed,
}

/// By which way.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChannelName {
    Email,
    Sms,
    Push,
    Inbox,
}

impl MessageStatus {
    fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sent => "sent",
            Self::Dead => "dead",
            Self::Suppressed => "suppressed",
        }
    }
}

impl ChannelName {
    fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
            Self::Push => "push",
            Self::Inbox => "inbox",
        }
    }
}

/// Which messages.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MessageParams {
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    #[param(inline)]
    status: Option<MessageStatus>,
    #[param(inline)]
    channel: Option<ChannelName>,
    /// Kind of the event.
    #[param(example = "order.shipped", max_length = 64)]
    kind: Option<String>,
    /// The order that it is about.
    order_id: Option<Uuid>,
    /// Address of the recipient, as it was written. Needs the permission `customers` too.
    #[param(max_length = 254)]
    recipient: Option<String>,
}

/// A message of the log. What it says and to whom is personal: without the permission `customers` those fields are null.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageOut {
    id: Uuid,
    #[schema(example = "order.shipped")]
    kind: String,
    /// What the event happened to: of `order.…` the order's id, which opens a guest's order; null without the permission `orders`.
    about: Option<String>,
    /// Who wrote it.
    #[schema(example = "notification-email")]
    plugin: String,
    #[schema(example = "email")]
    channel: String,
    /// `queued`, `sent`, `dead` or `suppressed`.
    #[schema(example = "sent")]
    status: String,
    customer_id: Option<Uuid>,
    recipient_name: Option<String>,
    recipient: Option<String>,
    subject: Option<String>,
    /// It holds a link that opens an account. Nobody sees its text, and it is not sent again.
    secret: bool,
    /// Tries since it was queued last.
    attempts: i64,
    /// Why it did not leave.
    last_error: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Moment>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Moment>,
    /// The message that this one repeats.
    resend_of: Option<Uuid>,
}

/// One try to send a message.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptOut {
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    /// Null where the message was taken.
    #[schema(example = "smtp-550")]
    code: Option<String>,
    /// All that is known: the server's words, which may name the address. Null without the permission `customers`.
    detail: Option<String>,
}

/// A message with its text and every try.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageDetailsOut {
    #[serde(flatten)]
    message: MessageOut,
    text: Option<String>,
    /// Not safe to put into a page of yours: show it in a sandboxed frame.
    html: Option<String>,
    attributes: Option<BTreeMap<String, String>>,
    tries: Vec<AttemptOut>,
}

/// Which dead messages; all of them where nothing is said.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryDeadIn {
    channel: Option<ChannelName>,
    /// Kind of the event.
    #[schema(example = "order.shipped", min_length = 1, max_length = 64)]
    kind: Option<String>,
}

/// What was done.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "queued": 12 }))]
pub struct RetryDeadOut {
    /// Messages that are queued again; 1,000 at most, then ask once more.
    queued: u64,
}

/// The delivery log, the newest first
///
/// `status=dead` lists what was given up.
#[utoipa::path(get, path = "/v1/admin/messages", tag = "notifications", security(("bearer" = [])), params(MessageParams),
    responses(
    (status = 200, body = Page<MessageOut>)
))]
pub async fn list_messages(
    State(shop): State<Shop>,
    staff: Staff<may::Settings>,
    Query(params): Query<MessageParams>,
) -> Result<Answer<Page<MessageOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let (limit, before) = (page.limit()?, page.key::<Uuid>()?);
    let mut checks = Checks::default();
    let personal = staff.permissions.has(Permission::Customers);
    checks.require(personal || params.recipient.is_none(), "recipient", "needs the permission customers");
    checks.text(params.kind.as_deref().unwrap_or_default(), 0, 64, "kind");
    checks.text(params.recipient.as_deref().unwrap_or_default(), 0, 254, "recipient");
    checks.done()?;
    let filter = Filter {
        status: params.status.map(|status| status.name().to_owned()),
        channel: params.channel.map(|channel| channel.name().to_owned()),
        kind: params.kind,
        about: params.order_id.map(|id| id.to_string()),
        recipient: params.recipient,
    };
    let rows = log::list(&shop, &filter, before, limit).await?;
    Ok(Answer(Page::new(rows, limit, |row| row.id, |row| message_out(row, staff.permissions))))
}

/// A message with its text and every try
#[utoipa::path(get, path = "/v1/admin/messages/{id}", tag = "notifications", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = MessageDetailsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_message(
    State(shop): State<Shop>,
    staff: Staff<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<Answer<MessageDetailsOut>, Problem> {
    let details = log::find(&shop, id).await?.ok_or_else(Problem::not_found)?;
    Ok(Answer(details_out(details, staff.permissions)))
}

/// Sends a message once more
///
/// The text is the same; what the recipient wants meanwhile is not asked again.
#[utoipa::path(post, path = "/v1/admin/messages/{id}/resend", tag = "notifications", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 201, body = MessageOut, description = "The new message, which names the old one"),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`message-not-resendable`", body = ProblemSchema)
))]
pub async fn resend_message(
    State(shop): State<Shop>,
    staff: Staff<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<(StatusCode, Answer<MessageOut>), Problem> {
    let message = log::resend(&shop, id).await?;
    Ok((StatusCode::CREATED, Answer(message_out(message, staff.permissions))))
}

/// Tries dead messages again
#[utoipa::path(post, path = "/v1/admin/messages/retry-dead", tag = "notifications", security(("bearer" = [])),
    request_body = RetryDeadIn, responses(
    (status = 200, body = RetryDeadOut)
))]
pub async fn retry_dead_messages(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Json(body): Json<RetryDeadIn>,
) -> Result<Answer<RetryDeadOut>, Problem> {
    let mut checks = Checks::default();
    if let Some(kind) = &body.kind {
        checks.text(kind, 1, 64, "/kind");
    }
    checks.done()?;
    let queued = log::retry_dead(&shop, body.channel.map(ChannelName::name), body.kind.as_deref()).await?;
    Ok(Answer(RetryDeadOut { queued }))
}

fn message_out(message: Logged, permissions: Permissions) -> MessageOut {
    let personal = |text: String| permissions.has(Permission::Customers).then_some(text);
    MessageOut {
        id: message.id,
        kind: message.kind,
        about: permissions.has(Permission::Orders).then_some(message.about),
        plugin: message.plugin,
        channel: message.channel,
        status: message.status,
        customer_id: message.customer_id,
        recipient_name: personal(message.recipient_name),
        recipient: personal(message.recipient),
        subject: personal(message.subject),
        secret: message.secret,
        attempts: message.attempts,
        last_error: message.last_error.and_then(personal),
        next_attempt_at: message.next_attempt_at,
        created_at: message.created_at,
        sent_at: message.sent_at,
        resend_of: message.resend_of,
    }
}

fn details_out(details: Details, permissions: Permissions) -> MessageDetailsOut {
    let personal = permissions.has(Permission::Customers);
    let attempt = |attempt: Attempt| {
        let detail = attempt.detail.filter(|_| personal);
        AttemptOut { at: attempt.at, code: attempt.code, detail }
    };
    let shown = personal && !details.message.secret;
    MessageDetailsOut {
        message: message_out(details.message, permissions),
        text: shown.then_some(details.text),
        html: details.html.filter(|_| shown),
        attributes: shown.then(|| attributes(details.attributes)),
        tries: details.tries.into_iter().map(attempt).collect(),
    }
}
