//! What customers write.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::ReviewOut;
use crate::Shop;
use crate::http::auth::SignedIn;
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};
use crate::reviews::{self, MAX_BODY, MAX_TITLE, NewReview, Review, ReviewPatch, Status};

/// A new review.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewIn {
    #[schema(minimum = 1, maximum = 5, example = 5)]
    rating: i64,
    /// One line.
    #[serde(default)]
    #[schema(max_length = 150, example = "Bright and smooth")]
    title: String,
    #[serde(default)]
    #[schema(max_length = 5_000, example = "The best Earl Grey that I have had.")]
    body: String,
}

/// Changes of a review: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReviewPatchIn {
    #[schema(minimum = 1, maximum = 5, example = 4)]
    rating: Option<i64>,
    #[schema(max_length = 150)]
    title: Option<String>,
    #[schema(max_length = 5_000)]
    body: Option<String>,
}

/// A review of mine.
#[derive(Debug, Serialize, ToSchema)]
pub struct MyReviewOut {
    #[serde(flatten)]
    review: ReviewOut,
    product_id: Uuid,
    /// Others see it once it is `published`.
    status: Status,
    /// Why it was rejected.
    reason: Option<String>,
}

impl From<Review> for MyReviewOut {
    fn from(mut review: Review) -> Self {
        Self {
            product_id: review.product_id,
            status: review.status,
            reason: review.reason.take(),
            review: review.into(),
        }
    }
}

/// Review a product
///
/// Once for each product; anybody with an account may. Whether others see it at once or after the merchant has, is the
/// shop's choice: `status` tells.
#[utoipa::path(
    post, path = "/v1/products/{product}/reviews", tag = "reviews", request_body = ReviewIn, security(("bearer" = [])),
    params(("product" = String, Path, description = "Id or slug", example = "earl-grey")),
    responses(
        (status = 201, description = "The review, with `Location`", body = MyReviewOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`review-exists`", body = ProblemSchema)
    )
)]
pub async fn create_review(
    SignedIn(identity): SignedIn,
    State(shop): State<Shop>,
    Path(product): Path<String>,
    Json(body): Json<ReviewIn>,
) -> Result<Response, Problem> {
    check(Some(body.rating), Some(&body.title), Some(&body.body))?;
    let new = NewReview { rating: body.rating, title: body.title.trim().to_owned(), body: body.body.trim().to_owned() };
    let review = reviews::create(&shop, identity.customer_id, &product, new).await?;
    let location = HeaderValue::from_str(&format!("/v1/me/reviews/{}", review.id)).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(MyReviewOut::from(review))).into_response())
}

/// My reviews, the newest first
#[utoipa::path(
    get, path = "/v1/me/reviews", tag = "reviews", params(PageParams), security(("bearer" = [])),
    responses(
        (status = 200, body = Page<MyReviewOut>)
    )
)]
pub async fn list_my_reviews(
    SignedIn(identity): SignedIn,
    State(shop): State<Shop>,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<MyReviewOut>>, Problem> {
    let limit = page.limit()?;
    let found = reviews::list_own(&shop, identity.customer_id, page.key()?, limit).await?;
    Ok(Answer(Page::new(found, limit, |review| review.id, MyReviewOut::from)))
}

/// A review of mine
#[utoipa::path(
    get, path = "/v1/me/reviews/{id}", tag = "reviews", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, body = MyReviewOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_my_review(
    SignedIn(identity): SignedIn,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Answer<MyReviewOut>, Problem> {
    Ok(Answer(reviews::get_own(&shop, identity.customer_id, id).await?.into()))
}

/// Change a review of mine
///
/// It goes through moderation again: where the merchant looks first, others do not see it until then. The shop's reply and the
/// votes stay.
#[utoipa::path(
    patch, path = "/v1/me/reviews/{id}", tag = "reviews", params(("id" = Uuid, Path)), request_body = ReviewPatchIn,
    security(("bearer" = [])),
    responses(
        (status = 200, body = MyReviewOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn patch_my_review(
    SignedIn(identity): SignedIn,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<ReviewPatchIn>,
) -> Result<Answer<MyReviewOut>, Problem> {
    check(body.rating, body.title.as_deref(), body.body.as_deref())?;
    let trim = |text: String| text.trim().to_owned();
    let patch = ReviewPatch { rating: body.rating, title: body.title.map(trim), body: body.body.map(trim) };
    Ok(Answer(reviews::patch(&shop, identity.customer_id, id, patch).await?.into()))
}

/// Take a review of mine back
#[utoipa::path(
    delete, path = "/v1/me/reviews/{id}", tag = "reviews", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 204, description = "It is gone, with its votes and the shop's reply"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_my_review(
    SignedIn(identity): SignedIn,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    reviews::delete(&shop, identity.customer_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(rating: Option<i64>, title: Option<&str>, body: Option<&str>) -> Result<(), Problem> {
    let mut checks = Checks::default();
    checks.require(rating.is_none_or(|rating| (1..=5).contains(&rating)), "/rating", "must be 1 to 5");
    if let Some(title) = title {
        checks.line(title, 0, MAX_TITLE, "/title");
    }
    if let Some(body) = body {
        checks.text(body, 0, MAX_BODY, "/body");
    }
    checks.done()
}
