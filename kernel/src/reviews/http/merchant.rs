//! Moderation.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ReviewOut;
use crate::Shop;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::http::versions::{expected_version, version_tag};
use crate::problem::{Problem, ProblemSchema};
use crate::reviews::{self, Decision, MAX_BODY, MAX_REASON, Review, StaffFilter, Status};

/// Which reviews.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AdminReviewsParams {
    #[param(inline)]
    status: Option<Status>,
    product_id: Option<Uuid>,
    /// `next_cursor` of the page before, with the same parameters; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// A review as the merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReviewOut {
    #[serde(flatten)]
    review: ReviewOut,
    product_id: Uuid,
    customer_id: Uuid,
    status: Status,
    /// Why it was rejected.
    reason: Option<String>,
    /// The ETag, for `If-Match`. Counts the changes of its author.
    version: i64,
}

/// Why a review is rejected.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewRejectionIn {
    /// Its author sees it.
    #[schema(min_length = 1, max_length = 500, example = "It is about the delivery, not about the tea.")]
    reason: String,
}

/// What the shop answers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplyIn {
    #[schema(min_length = 1, max_length = 5_000, example = "Thank you, Ada!")]
    text: String,
}

/// Reviews, the newest first
#[utoipa::path(
    get, path = "/v1/admin/reviews", tag = "reviews", params(AdminReviewsParams), security(("bearer" = [])),
    responses(
        (status = 200, body = Page<AdminReviewOut>)
    )
)]
pub async fn admin_list_reviews(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<AdminReviewsParams>,
) -> Result<Answer<Page<AdminReviewOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let filter = StaffFilter { status: params.status, product_id: params.product_id };
    let found = reviews::list_for_staff(&shop, filter, page.key()?, limit).await?;
    Ok(Answer(Page::new(found, limit, |review| review.id, AdminReviewOut::from)))
}

/// A review, whatever became of it
#[utoipa::path(
    get, path = "/v1/admin/reviews/{id}", tag = "reviews", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The review, with its ETag", body = AdminReviewOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn admin_get_review(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(reviews::get(&shop, id).await?))
}

/// Let everybody see a review
#[utoipa::path(
    post, path = "/v1/admin/reviews/{id}/publish", tag = "reviews", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: publish only this version")),
    responses(
        (status = 200, description = "The review; it counts for the product now", body = AdminReviewOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 412, description = "`precondition-failed`: its author has changed it", body = ProblemSchema)
    )
)]
pub async fn publish_review(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    Ok(answer(reviews::decide(&shop, id, Decision::Publish, expected).await?))
}

/// Let nobody but its author see a review
#[utoipa::path(
    post, path = "/v1/admin/reviews/{id}/reject", tag = "reviews", request_body = ReviewRejectionIn, security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: reject only this version")),
    responses(
        (status = 200, description = "The review; it counts for nothing", body = AdminReviewOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 412, description = "`precondition-failed`: its author has changed it", body = ProblemSchema)
    )
)]
pub async fn reject_review(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<ReviewRejectionIn>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let reason = text(&body.reason, MAX_REASON, "/reason")?;
    Ok(answer(reviews::decide(&shop, id, Decision::Reject(reason), expected).await?))
}

/// Answer a review
#[utoipa::path(
    put, path = "/v1/admin/reviews/{id}/reply", tag = "reviews", request_body = ReplyIn, security(("bearer" = [])),
    params(("id" = Uuid, Path)),
    responses(
        (status = 200, description = "The review with the answer; there is one at most", body = AdminReviewOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn put_review_reply(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<ReplyIn>,
) -> Result<Response, Problem> {
    let text = text(&body.text, MAX_BODY, "/text")?;
    Ok(answer(reviews::reply(&shop, id, Some(text)).await?))
}

/// Take the answer to a review back
#[utoipa::path(
    delete, path = "/v1/admin/reviews/{id}/reply", tag = "reviews", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 204, description = "There is none"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_review_reply(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    reviews::reply(&shop, id, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a review
///
/// For what nobody may keep. What should only not be seen is better rejected: after a deletion its author may write another.
#[utoipa::path(
    delete, path = "/v1/admin/reviews/{id}", tag = "reviews", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 204, description = "It is gone, with its votes"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn admin_delete_review(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    reviews::remove(&shop, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A text that must not be empty, trimmed.
fn text(text: &str, max: usize, pointer: &str) -> Result<String, Problem> {
    let mut checks = Checks::default();
    checks.text(text, 1, max, pointer);
    checks.done()?;
    Ok(text.trim().to_owned())
}

fn answer(review: Review) -> Response {
    let etag = version_tag(review.version);
    ([(header::ETAG, etag)], Answer(AdminReviewOut::from(review))).into_response()
}

impl From<Review> for AdminReviewOut {
    fn from(mut review: Review) -> Self {
        Self {
            product_id: review.product_id,
            customer_id: review.customer_id,
            status: review.status,
            reason: review.reason.take(),
            version: review.version,
            review: review.into(),
        }
    }
}
