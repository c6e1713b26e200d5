//! Replays over HTTP, for merchants.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, OrderChange, Replay, Report, ReportSummary, page};
use crate::Shop;
use crate::clock::Moment;
use crate::html;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::plugins::Domain;
use crate::plugins::registry::BoundPlugin;
use crate::plugins::registry::http::{BoundPluginOut, WantedIn, read_wanted};
use crate::problem::{Kind, Problem, ProblemSchema};

/// What to try, and on how many orders.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayIn {
    /// The whole binding that would be put in force.
    #[schema(min_items = 1, max_items = 16)]
    plugins: Vec<WantedIn>,
    /// How many of the newest orders; at most `replay.max_orders` of the settings.
    #[serde(default = "ten_thousand")]
    #[schema(minimum = 1, maximum = 100_000, default = 10_000)]
    last: u32,
}

fn ten_thousand() -> u32 {
    10_000
}

/// A replay.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplayOut {
    id: Uuid,
    #[schema(value_type = String, example = "pricing")]
    domain: &'static str,
    /// What was tried.
    candidate: Vec<BoundPluginOut>,
    /// `running`, `done`, `failed` or `cancelled`.
    #[schema(example = "done")]
    state: &'static str,
    #[schema(example = 10_000)]
    orders_total: i64,
    #[schema(example = 10_000)]
    orders_done: i64,
    /// Once it is done.
    report: Option<Report>,
    /// Why it failed.
    error: Option<String>,
    /// Id of the person, or of the API key.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Moment>,
}

/// A replay in the list of them.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReplaySummaryOut {
    id: Uuid,
    #[schema(value_type = String, example = "pricing")]
    domain: &'static str,
    /// What was tried; the replay itself has the settings.
    candidate: Vec<CandidateOut>,
    /// `running`, `done`, `failed` or `cancelled`.
    #[schema(example = "done")]
    state: &'static str,
    #[schema(example = 10_000)]
    orders_total: i64,
    #[schema(example = 10_000)]
    orders_done: i64,
    /// Of its report, once it is done.
    summary: Option<ReportSummary>,
    /// Why it failed.
    error: Option<String>,
    /// Id of the person, or of the API key.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Moment>,
}

/// A plugin that was tried.
#[derive(Debug, Serialize, ToSchema)]
pub struct CandidateOut {
    #[schema(example = "pricing-standard")]
    name: String,
    #[schema(example = "0.1.0")]
    version: String,
    digest: String,
}

/// Replays orders with other plugins
///
/// What the newest orders would have cost if these plugins had been in force for the domain, `pricing` or `delivery`: how many would change, by how
/// much, which most, where, with which coupons and for which goods, what fails, and what the calls cost. Nothing is charged, written into orders or
/// told to shoppers. It runs in the background, on what plugins were asked when the orders were placed; the delivery that was chosen stays as
/// it was where pricing is replayed, and the goods cost what they did where delivery is.
#[utoipa::path(post, path = "/v1/admin/bindings/{domain}/replays", tag = "plugins", security(("bearer" = [])),
    params(("domain" = String, Path)), request_body = ReplayIn, responses(
    (status = 202, description = "The replay, with `Location`", body = ReplayOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`too-many-replays`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, `binding-rejected`", body = ProblemSchema)
))]
pub async fn create_replay(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(domain): Path<String>,
    Json(body): Json<ReplayIn>,
) -> Result<Response, Problem> {
    let domain: Domain = domain.parse().map_err(|_| Problem::not_found())?;
    let most = shop.config().replay.max_orders;
    let mut checks = Checks::default();
    checks.require((1..=most).contains(&body.last), "/last", &format!("must be 1 to {most}"));
    let wanted = read_wanted(body.plugins, checks)?;
    let replay = super::begin(&shop, domain, &wanted, body.last, &staff.actor.to_string()).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/replays/{}", replay.id)).map_err(Problem::internal)?;
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, location)], Answer(ReplayOut::from(replay))).into_response())
}

/// Replays, the newest first
///
/// Without their reports and settings: `GET /v1/admin/replays/{id}` has those of one.
#[utoipa::path(get, path = "/v1/admin/replays", tag = "plugins", security(("bearer" = [])), params(PageParams),
    responses((status = 200, body = Page<ReplaySummaryOut>))
)]
pub async fn list_replays(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Query(params): Query<PageParams>,
) -> Result<Answer<Page<ReplaySummaryOut>>, Problem> {
    let limit = params.limit()?;
    let replays = super::list(&shop, params.key()?, limit + 1).await?;
    Ok(Answer(Page::new(replays, limit, |replay| replay.id, ReplaySummaryOut::from)))
}

/// How far a replay is, and what it found
#[utoipa::path(get, path = "/v1/admin/replays/{id}", tag = "plugins", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = ReplayOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_replay(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(id): Path<Uuid>,
) -> Result<Answer<ReplayOut>, Problem> {
    Ok(Answer(super::get(&shop, id).await?.into()))
}

/// Every order that would cost another amount, the newest first
#[utoipa::path(get, path = "/v1/admin/replays/{id}/changes", tag = "plugins", security(("bearer" = [])), params(("id" = Uuid, Path), PageParams), responses(
    (status = 200, body = Page<OrderChange>),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_replay_changes(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(id): Path<Uuid>,
    Query(params): Query<PageParams>,
) -> Result<Answer<Page<OrderChange>>, Problem> {
    let limit = params.limit()?;
    let changes = super::changes(&shop, id, params.key()?, limit + 1).await?;
    Ok(Answer(Page::new(changes, limit, |change| change.number, |change| change)))
}

/// What a replay found, as a page to read
///
/// HTML that loads nothing and runs no scripts, to be kept, printed or sent on.
#[utoipa::path(get, path = "/v1/admin/replays/{id}/page", tag = "plugins", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = String, content_type = "text/html"),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_replay_page(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let replay = super::get(&shop, id).await?;
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, html::POLICY)];
    Ok((headers, page::page(&replay)).into_response())
}

/// Cancels a replay
#[utoipa::path(post, path = "/v1/admin/replays/{id}/cancel", tag = "plugins", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = ReplayOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`replay-ended`", body = ProblemSchema)
))]
pub async fn cancel_replay(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(id): Path<Uuid>,
) -> Result<Answer<ReplayOut>, Problem> {
    Ok(Answer(super::cancel(&shop, id).await?.into()))
}

impl From<Replay> for ReplayOut {
    fn from(replay: Replay) -> Self {
        Self {
            id: replay.id,
            domain: replay.domain.name(),
            candidate: replay.candidate.into_iter().map(BoundPluginOut::from).collect(),
            state: replay.state.name(),
            orders_total: replay.orders_total,
            orders_done: replay.orders_done,
            report: replay.report,
            error: replay.error,
            created_by: replay.created_by,
            created_at: replay.created_at,
            ended_at: replay.ended_at,
        }
    }
}

impl From<Replay<ReportSummary>> for ReplaySummaryOut {
    fn from(replay: Replay<ReportSummary>) -> Self {
        let candidate =
            |plugin: BoundPlugin| CandidateOut { name: plugin.name, version: plugin.version, digest: plugin.digest };
        Self {
            id: replay.id,
            domain: replay.domain.name(),
            candidate: replay.candidate.into_iter().map(candidate).collect(),
            state: replay.state.name(),
            orders_total: replay.orders_total,
            orders_done: replay.orders_done,
            summary: replay.report,
            error: replay.error,
            created_by: replay.created_by,
            created_at: replay.created_at,
            ended_at: replay.ended_at,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::NotRecorded(_) => Problem::invalid_field("/domain", detail),
            Error::TooMany(_) => Problem::new(Kind::TooManyReplays).detail(detail),
            Error::Ended => Problem::new(Kind::ReplayEnded),
            Error::Plugin(error) => error.into(),
            Error::Order(error) => (*error).into(),
            Error::Database(error) => error.into(),
            Error::TooLarge | Error::Stopped | Error::Panicked => Problem::internal(error),
        }
    }
}
