//! What operators and their machines ask for.

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::Shop;
use crate::problem::{Kind, Problem};

/// The process runs
#[utoipa::path(get, path = "/livez", tag = "operations", responses((status = 200, description = "It does")))]
pub async fn livez() -> Json<Value> {
    Json(json!({ "status": "live" }))
}

/// Requests can be served: the database answers (plugins were loaded before the first request)
#[utoipa::path(get, path = "/readyz", tag = "operations", responses(
    (status = 200, description = "They can"),
    (status = 503, description = "`unavailable`", body = crate::problem::ProblemSchema)
))]
pub async fn readyz(State(shop): State<Shop>) -> Result<Json<Value>, Problem> {
    if shop.stopping().is_cancelled() {
        return Err(Problem::new(Kind::Unavailable).detail("the kernel is stopping"));
    }
    super::store::ping(&shop).await.map_err(|error| {
        tracing::warn!(%error, "not ready");
        Problem::new(Kind::Unavailable).detail("the database does not answer")
    })?;
    Ok(Json(json!({ "status": "ready" })))
}

/// A type of problem.
#[derive(serde::Serialize, ToSchema)]
pub struct ProblemType {
    #[schema(example = "/problems/stale-quote")]
    r#type: String,
    title: &'static str,
    #[schema(example = 409)]
    status: u16,
}

fn describe(kind: Kind) -> ProblemType {
    ProblemType { r#type: format!("/problems/{}", kind.slug()), title: kind.title(), status: kind.status().as_u16() }
}

/// Every type of problem that this API answers with
#[utoipa::path(get, path = "/problems", tag = "operations", responses((status = 200, body = [ProblemType])))]
pub async fn list_problems() -> Json<Vec<ProblemType>> {
    Json(Kind::ALL.iter().copied().map(describe).collect())
}

/// What a type of problem means
#[utoipa::path(get, path = "/problems/{slug}", tag = "operations", params(("slug" = String, Path)), responses(
    (status = 200, body = ProblemType),
    (status = 404, description = "`not-found`", body = crate::problem::ProblemSchema)
))]
pub async fn get_problem(
    super::extract::Path(slug): super::extract::Path<String>,
) -> Result<Json<ProblemType>, Problem> {
    let kind = Kind::ALL.iter().copied().find(|kind| kind.slug() == slug);
    kind.map(|kind| Json(describe(kind))).ok_or_else(Problem::not_found)
}
