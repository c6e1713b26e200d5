//! The log of events over HTTP.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::log::{self, Filter, Logged};
use crate::Shop;
use crate::accounts::Permission;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::Problem;

/// Which events; what is left out does not matter.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventParams {
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
    /// The kind.
    #[serde(rename = "type")]
    #[param(min_length = 1, max_length = 64, example = "order.paid")]
    kind: Option<String>,
    /// What it happened to: of `order.…` the order's id.
    #[param(min_length = 1, max_length = 200)]
    subject: Option<String>,
}

/// What these kinds happen to is goods, or a part of the shop. All others are somebody's: of an account, or of a guest, whose order or cart
/// belongs to whoever knows its id. With a dot at its end a name stands for all that begin so.
const OF_NOBODY: [&str; 7] =
    ["product.", "product-type.", "stock.low", "stock.out", "stock.back", "plugin.", "webhook."];

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventOut {
    id: Uuid,
    /// The kind; the documentation of events has them all.
    #[serde(rename = "type")]
    #[schema(example = "order.paid")]
    kind: String,
    /// What it happened to. Null without the permission `customers`, where it belongs to somebody.
    subject: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    time: Moment,
    /// Personal in part: null without the permission `customers`.
    data: Option<Value>,
    /// Tries to tell it.
    attempts: i64,
    /// When everyone inside the shop (messages, webhooks) had it; null while somebody has not.
    #[schema(value_type = Option<String>, format = DateTime)]
    told_at: Option<Moment>,
    /// When it was given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    given_up_at: Option<Moment>,
    /// Why the last try failed; null where `subject` is.
    last_error: Option<String>,
}

/// What happened, the newest first
///
/// Kept for `events.keep_days` after it was told.
#[utoipa::path(get, path = "/v1/admin/events", tag = "events", security(("bearer" = [])), params(EventParams), responses(
    (status = 200, body = Page<EventOut>)
))]
pub async fn list_events(
    State(shop): State<Shop>,
    staff: Staff<may::Reports>,
    Query(params): Query<EventParams>,
) -> Result<Answer<Page<EventOut>>, Problem> {
    let mut checks = Checks::default();
    for (text, most, name) in [(&params.kind, 64, "type"), (&params.subject, 200, "subject")] {
        if let Some(text) = text {
            checks.text(text, 1, most, name);
        }
    }
    checks.done()?;
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let (limit, before) = (page.limit()?, page.key::<Uuid>()?);
    let filter = Filter { kind: params.kind, subject: params.subject };
    let rows = log::list(&shop, &filter, before, limit).await?;
    let personal = staff.permissions.has(Permission::Customers);
    Ok(Answer(Page::new(rows, limit, |row| row.event.id, |row| event_out(row, personal))))
}

fn is_of_nobody(kind: &str) -> bool {
    OF_NOBODY.iter().any(|known| kind == *known || known.ends_with('.') && kind.starts_with(known))
}

fn event_out(logged: Logged, personal: bool) -> EventOut {
    let Logged { event, attempts, told_at, given_up_at, last_error } = logged;
    let shown = personal || is_of_nobody(&event.kind);
    EventOut {
        id: event.id,
        kind: event.kind,
        subject: shown.then_some(event.subject),
        time: event.occurred_at,
        data: personal.then_some(event.data),
        attempts,
        told_at,
        given_up_at,
        last_error: last_error.filter(|_| shown),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_belongs_to_somebody_is_told_from_goods() {
        for (kind, expected) in [
            ("product.created", true),
            ("product-type.updated", true),
            ("stock.back", true),
            ("stock.backordered", false),
            ("stock.short", false),
            ("order.placed", false),
            ("webhook.disabled", true),
        ] {
            assert_eq!(is_of_nobody(kind), expected, "{kind}");
        }
    }
}
