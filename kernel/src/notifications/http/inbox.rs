//! The inbox of whoever is signed in, and its stream.

use std::collections::BTreeMap;
use std::convert::Infallible;

use axum::extract::State;
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json as Answer};
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::attributes;
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{self, SignedIn};
use crate::http::client::ClientAddress;
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::notifications::inbox::{self, Item, Look};
use crate::notifications::live::{self, News};
use crate::problem::{Problem, ProblemSchema};
use crate::throttle::Who;

/// Something that you are told.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxItemOut {
    id: Uuid,
    /// Counts what you were told; the id of the event in a stream.
    position: i64,
    /// Of the event: docs/events.md has them all.
    #[schema(example = "order.shipped")]
    kind: String,
    /// What it happened to: of `order.…` the order's id.
    about: String,
    #[schema(example = "Order 1042 is on its way")]
    title: String,
    /// May be empty.
    text: String,
    /// What the plugin gave beside: `url`, say.
    attributes: BTreeMap<String, String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    /// Null while it is not read.
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Moment>,
}

impl From<Item> for InboxItemOut {
    fn from(item: Item) -> Self {
        Self {
            id: item.id,
            position: item.position,
            kind: item.kind,
            about: item.about,
            title: item.title,
            text: item.text,
            attributes: attributes(item.attributes),
            created_at: item.created_at,
            read_at: item.read_at,
        }
    }
}

/// A part of an inbox.
#[derive(Debug, Serialize, ToSchema)]
pub struct InboxOut {
    items: Vec<InboxItemOut>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    /// Items in the whole inbox that are not read.
    unread: i64,
    /// Where a stream goes on from without missing anything: `?after=`.
    position: i64,
}

/// Which items.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxParams {
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// Only items that are not read.
    unread: Option<bool>,
}

/// Up to where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadAllIn {
    /// The `position` up to which items are read: what came after you looked stays unread. Without it, everything.
    #[schema(minimum = 0, example = 17)]
    until: Option<i64>,
}

/// What was read.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "read": 5 }))]
pub struct ReadAllOut {
    /// Items that were not read before.
    read: u64,
}

/// Where a stream begins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamParams {
    /// `position` of the inbox as it was listed: the stream begins after it. Without it, with what comes from now on.
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// My inbox, the newest first
///
/// Those who work for the shop find there what happened in the areas that they may look after.
#[utoipa::path(get, path = "/v1/me/inbox", tag = "notifications", security(("bearer" = [])), params(InboxParams), responses(
    (status = 200, body = InboxOut)
))]
pub async fn get_inbox(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Query(params): Query<InboxParams>,
) -> Result<Answer<InboxOut>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let (limit, before) = (page.limit()?, page.key::<i64>()?);
    let look = Look { before, unread: params.unread.unwrap_or(false), limit };
    let found = inbox::look(&shop, identity.customer_id, look).await?;
    let Page { items, next_cursor } = Page::new(found.items, limit, |item| item.position, InboxItemOut::from);
    Ok(Answer(InboxOut { items, next_cursor, unread: found.unread, position: found.position }))
}

/// I have read it
#[utoipa::path(post, path = "/v1/me/inbox/{id}/read", tag = "notifications", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is read, now or before"),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn read_inbox_item(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    found(inbox::mark_read(&shop, identity.customer_id, id).await?)
}

/// I have read everything
#[utoipa::path(post, path = "/v1/me/inbox/read-all", tag = "notifications", security(("bearer" = [])),
    request_body = ReadAllIn, responses(
    (status = 200, body = ReadAllOut)
))]
pub async fn read_inbox(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<ReadAllIn>,
) -> Result<Answer<ReadAllOut>, Problem> {
    if body.until.is_some_and(i64::is_negative) {
        return Err(Problem::invalid_field("/until", "must be 0 or more"));
    }
    let read = inbox::mark_all_read(&shop, identity.customer_id, body.until).await?;
    Ok(Answer(ReadAllOut { read }))
}

/// Delete an item
#[utoipa::path(delete, path = "/v1/me/inbox/{id}", tag = "notifications", security(("bearer" = [])),
    params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn delete_inbox_item(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    found(inbox::delete(&shop, identity.customer_id, id).await?)
}

fn found(found: bool) -> Result<StatusCode, Problem> {
    if found { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// One event of the stream, by its fields.
#[derive(ToSchema)]
#[allow(dead_code)] // Only the document has it; `axum` writes events.
pub struct StreamEventOut {
    #[schema(example = "item")]
    event: String,
    /// Position of the item.
    id: String,
    /// The item as JSON text.
    data: String,
}

/// My inbox as it grows
///
/// Server-sent events: each `event: item` has an item as its `data` and its position as its `id`. `Last-Event-ID` goes on after
/// that position, and misses nothing. Comments between them say that the stream lives. It ends with the access token, when the
/// shop stops, and after some minutes in any case: refresh the token and ask again. A browser's `EventSource` cannot send the
/// token; use `fetch`.
#[utoipa::path(get, path = "/v1/me/inbox/stream", tag = "notifications", security(("bearer" = [])),
    params(StreamParams, ("Last-Event-ID" = Option<i64>, Header, minimum = 0, description = "The `id` of the last event; before `after`")),
    responses(
    (status = 200, description = "Events", body = StreamEventOut, content_type = "text/event-stream"),
    (status = 429, description = "`too-many-requests`: you, or your address, have too many streams open", body = ProblemSchema),
    (status = 503, description = "`unavailable`: too many streams are open", body = ProblemSchema)
))]
pub async fn stream_inbox(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Extension(ClientAddress(address)): Extension<ClientAddress>,
    Query(params): Query<StreamParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = begin_after(&headers, params.after)?;
    let listening = shop.inboxes().listen(identity.customer_id, &Who::Address(address))?;
    let may_go_on = move |shop: Shop| {
        let headers = headers.clone();
        async move { auth::still_counts(&shop, &headers).await }
    };
    let news = live::news(&shop, listening, after, may_go_on).await?;
    Ok(Sse::new(news.map(|news| Ok::<_, Infallible>(event(news)))).into_response())
}

fn begin_after(headers: &HeaderMap, after: Option<i64>) -> Result<Option<i64>, Problem> {
    let (after, name) = match headers.get("last-event-id") {
        Some(value) => {
            let position = value.to_str().ok().and_then(|text| text.trim().parse().ok());
            (Some(position.unwrap_or(-1)), "Last-Event-ID")
        }
        None => (after, "after"),
    };
    match after {
        Some(position) if position < 0 => Err(Problem::invalid_field(name, "must be a position: 0 or more")),
        after => Ok(after),
    }
}

fn event(news: News) -> Event {
    match news {
        News::Heartbeat => Event::default().comment("heartbeat"),
        News::Item(item) => {
            let id = item.position.to_string();
            // An item has a JSON form, and that is one line.
            let data = serde_json::to_string(&InboxItemOut::from(*item)).unwrap_or_default();
            Event::default().event("item").id(id).data(data)
        }
    }
}
