//! Rollouts over HTTP, for merchants.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Begin, Breach, Ending, Error, Guards, GuardsIn, Rollout, Stage};
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::plugins::Domain;
use crate::plugins::registry::http::{BoundPluginOut, WantedIn, put_in_force, read_wanted};
use crate::plugins::trial::{Counts, EVERYBODY};
use crate::problem::{Kind, Problem, ProblemSchema};

/// What is to be rolled out.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloutIn {
    /// The whole binding that is to be in force in the end.
    #[schema(min_items = 1, max_items = 16)]
    plugins: Vec<WantedIn>,
    /// Begin as a canary for this share of the shoppers, in basis points; where none is given, in shadow.
    #[schema(minimum = 1, maximum = 9_999, example = 1_000)]
    share: Option<u16>,
    /// What the candidate may not do; of those that are not named, what the shop's settings say.
    guards: Option<GuardsIn>,
}

/// The stage that a rollout is to have.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RolloutStageIn {
    /// `shadow`, `canary` or `active`.
    #[schema(example = "canary", pattern = "^(shadow|canary|active)$")]
    stage: String,
    /// Of a canary, and of nothing else: the share of the shoppers, in basis points.
    #[schema(minimum = 1, maximum = 9_999, example = 1_000)]
    share: Option<u16>,
}

/// A rollout.
#[derive(Debug, Serialize, ToSchema)]
pub struct RolloutOut {
    id: Uuid,
    #[schema(value_type = String, example = "pricing")]
    domain: &'static str,
    /// `shadow`, `canary` or `active`; the last one that it had.
    #[schema(example = "canary")]
    stage: &'static str,
    /// Null while it is under way: `completed`, `stopped`, `rolled-back`, `superseded` or `failed`.
    ending: Option<&'static str>,
    /// The share of the shoppers who get the candidate, in basis points.
    #[schema(example = 1_000)]
    share: u16,
    /// What is tried.
    candidate: Vec<BoundPluginOut>,
    /// The generation that was in force when it began.
    #[schema(example = 4)]
    base_generation: i64,
    /// Of the candidate, once it was put in force.
    generation: Option<i64>,
    guards: Guards,
    /// What this kernel saw of the candidate since the stage began.
    observed: Counts,
    /// What ended it, where a guard did.
    breach: Option<Breach>,
    /// In words, where nobody asked for its end.
    reason: Option<String>,
    /// Id of the person, or of the API key.
    created_by: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    stage_since: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Moment>,
}

/// Begins a rollout
///
/// In shadow, the candidate is asked what the plugins in force were asked, and its answers are compared and thrown away. As a canary it answers
/// a share of the shoppers, by cart; letters by the order that they are about. One at a time in each domain.
#[utoipa::path(post, path = "/v1/admin/bindings/{domain}/rollouts", tag = "plugins", security(("bearer" = [])),
    params(("domain" = String, Path)), request_body = RolloutIn, responses(
    (status = 201, description = "The rollout, with `Location`", body = RolloutOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`rollout-running`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, `binding-rejected`", body = ProblemSchema)
))]
pub async fn create_rollout(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(domain): Path<String>,
    Json(body): Json<RolloutIn>,
) -> Result<Response, Problem> {
    let domain: Domain = domain.parse().map_err(|_| Problem::not_found())?;
    let mut checks = Checks::default();
    check_share(&mut checks, body.share);
    let guards = body.guards.unwrap_or_default().over(shop.config().rollouts.guards);
    for (name, range) in guards.out_of_range() {
        checks.require(false, &format!("/guards/{name}"), range);
    }
    let wanted = read_wanted(body.plugins, checks)?;
    let (begin, actor) = (Begin { domain, wanted, share: body.share, guards }, staff.actor.to_string());
    let begun = put_in_force(shop, move |shop| async move { super::begin(&shop, begin, &actor).await }).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/rollouts/{}", begun.id)).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(RolloutOut::from(begun))).into_response())
}

fn check_share(checks: &mut Checks, share: Option<u16>) {
    let fits = share.is_none_or(|share| (1..EVERYBODY).contains(&share));
    checks.require(fits, "/share", "must be 1 to 9999 basis points");
}

/// Rollouts, the newest first
#[utoipa::path(get, path = "/v1/admin/rollouts", tag = "plugins", security(("bearer" = [])), params(PageParams),
    responses((status = 200, body = Page<RolloutOut>))
)]
pub async fn list_rollouts(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Query(params): Query<PageParams>,
) -> Result<Answer<Page<RolloutOut>>, Problem> {
    let limit = params.limit()?;
    let rollouts = super::list(&shop, params.key()?, limit + 1).await?;
    Ok(Answer(Page::new(rollouts, limit, |rollout| rollout.id, RolloutOut::from)))
}

/// A rollout, and what was seen of its candidate
#[utoipa::path(get, path = "/v1/admin/rollouts/{id}", tag = "plugins", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = RolloutOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_rollout(
    State(shop): State<Shop>,
    _: Staff<may::Plugins>,
    Path(id): Path<Uuid>,
) -> Result<Answer<RolloutOut>, Problem> {
    Ok(Answer(super::get(&shop, id).await?.into()))
}

/// Moves a rollout to another stage
///
/// From shadow to canary, to more shoppers or fewer, back to shadow, and in force: a new generation of the binding, watched for a while. What was
/// seen is counted anew. A cart that was quoted keeps whom it was quoted by until prices are held no longer.
#[utoipa::path(put, path = "/v1/admin/rollouts/{id}/stage", tag = "plugins", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = RolloutStageIn, responses(
    (status = 200, body = RolloutOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`rollout-stage`", body = ProblemSchema),
    (status = 412, description = "`precondition-failed`: it, or the binding, was changed at the same time", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, `binding-rejected`", body = ProblemSchema)
))]
pub async fn put_rollout_stage(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(id): Path<Uuid>,
    Json(body): Json<RolloutStageIn>,
) -> Result<Answer<RolloutOut>, Problem> {
    let stage = Stage::parse(&body.stage);
    let mut checks = Checks::default();
    checks.require(stage.is_some(), "/stage", "must be shadow, canary or active");
    check_share(&mut checks, body.share);
    if stage.is_some() {
        let fits = body.share.is_some() == (stage == Some(Stage::Canary));
        checks.require(fits, "/share", "must be there for a canary, and only there");
    }
    checks.done()?;
    let stage = stage.ok_or_else(Problem::not_found)?;
    let actor = staff.actor.to_string();
    let moved =
        put_in_force(shop, move |shop| async move { super::move_to(&shop, id, stage, body.share, &actor).await });
    Ok(Answer(moved.await?.into()))
}

/// Stops a rollout
///
/// A candidate that is not in force answers nobody any more, from this moment on. One that is in force stays it and is watched no longer: to take
/// it back, roll the binding back.
#[utoipa::path(post, path = "/v1/admin/rollouts/{id}/stop", tag = "plugins", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = RolloutOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`rollout-stage`: it has ended", body = ProblemSchema),
    (status = 412, description = "`precondition-failed`: it was changed at the same time", body = ProblemSchema)
))]
pub async fn stop_rollout(
    State(shop): State<Shop>,
    staff: Staff<may::Plugins>,
    Path(id): Path<Uuid>,
) -> Result<Answer<RolloutOut>, Problem> {
    let actor = staff.actor.to_string();
    let stopped = put_in_force(shop, move |shop| async move { super::stop(&shop, id, &actor).await });
    Ok(Answer(stopped.await?.into()))
}

impl From<Rollout> for RolloutOut {
    fn from(rollout: Rollout) -> Self {
        Self {
            id: rollout.id,
            domain: rollout.domain.name(),
            stage: rollout.stage.name(),
            ending: rollout.ending.map(Ending::name),
            share: rollout.share(),
            candidate: rollout.candidate.into_iter().map(BoundPluginOut::from).collect(),
            base_generation: rollout.base_generation,
            generation: rollout.generation,
            guards: rollout.guards,
            observed: rollout.observed,
            breach: rollout.breach,
            reason: rollout.reason,
            created_by: rollout.created_by,
            created_at: rollout.created_at,
            stage_since: rollout.stage_since,
            ended_at: rollout.ended_at,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Unchanged | Error::NothingInForce(_) => Problem::invalid_field("/plugins", detail),
            Error::Running(_) => Problem::new(Kind::RolloutRunning).detail(detail),
            Error::Stage { .. } => Problem::new(Kind::RolloutStage).detail(detail),
            Error::Plugin(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
