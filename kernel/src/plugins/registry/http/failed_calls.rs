//! Calls that failed, over HTTP: listed, and each as a file for its author's desk.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, header};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::FaultOut;
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::plugins::CallFile;
use crate::plugins::registry::KeptCall;
use crate::problem::{Problem, ProblemSchema};

/// Calls of a plugin that failed, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedCallsOut {
    items: Vec<FailedCallOut>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    /// Calls that failed and were not kept, in this process and since it started: too many at once, or in a minute.
    not_kept: u64,
}

/// A call that failed.
#[derive(Debug, Serialize, ToSchema)]
pub struct FailedCallOut {
    id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    failed_at: Moment,
    #[schema(example = "1.2.0")]
    version: String,
    digest: String,
    #[schema(value_type = String, example = "pricing")]
    domain: &'static str,
    /// As the contract names it.
    #[schema(example = "price")]
    function: String,
    fault: FaultOut,
}

impl From<KeptCall> for FailedCallOut {
    fn from(call: KeptCall) -> Self {
        Self {
            id: call.id,
            failed_at: call.failed_at,
            version: call.version,
            digest: call.digest,
            domain: call.domain.name(),
            function: call.function,
            fault: FaultOut::new(call.code, call.fault),
        }
    }
}

/// Calls of a plugin that failed by its own fault
///
/// It crashed, went beyond a limit, or answered nonsense; what it refuses in the words of its contract is not among them. Kept are the newest
/// of those that failed while it was in force (`[plugins.failed_calls]`).
#[utoipa::path(get, path = "/v1/admin/plugins/{name}/failed-calls", tag = "plugins", security(("bearer" = [])),
    params(("name" = String, Path), PageParams), responses(
    (status = 200, body = FailedCallsOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_failed_calls(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(name): Path<String>,
    Query(page): Query<PageParams>,
) -> Result<Answer<FailedCallsOut>, Problem> {
    let limit = page.limit()?;
    let calls = shop.plugins().failed_calls(&name, page.key()?, limit).await?;
    let Page { items, next_cursor } = Page::new(calls, limit, |call| call.id, FailedCallOut::from);
    let not_kept = shop.plugins().host().failed_calls().not_kept(&name);
    Ok(Answer(FailedCallsOut { items, next_cursor, not_kept }))
}

/// A call that failed, as a file
///
/// With its input, the settings and the answers of the kernel, without secrets: `kassa plugin replay-call` runs it again. It may have data of a
/// person.
#[utoipa::path(get, path = "/v1/admin/failed-calls/{id}", tag = "plugins", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = CallFile),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_failed_call(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let text = shop.plugins().failed_call(id).await?;
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], text).into_response())
}
