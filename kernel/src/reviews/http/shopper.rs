//! Reviews of a product, and whether they were helpful.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::ReviewOut;
use crate::Shop;
use crate::http::auth::SignedIn;
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};
use crate::reviews::{self, Filter, Key, Rating, Sort};

/// Which reviews, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReviewsParams {
    /// `newest` where none is given.
    #[param(inline)]
    sort: Option<Sort>,
    /// Only those with exactly so many stars.
    #[param(minimum = 1, maximum = 5)]
    rating: Option<i64>,
    /// Only those of people who had paid for the product.
    #[param(default = false)]
    verified: Option<bool>,
    /// `next_cursor` of the page before, with the same parameters; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// A page of reviews, and what all of the product's come to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReviewsOut {
    items: Vec<ReviewOut>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    summary: RatingOut,
}

/// What the published reviews of a product come to, whatever this list is filtered by.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatingOut {
    /// Average in hundredths of a star; null without reviews.
    #[schema(example = 467)]
    rating: Option<i64>,
    #[schema(example = 3)]
    reviews: i64,
    /// From five stars down to one.
    stars: Vec<StarsOut>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct StarsOut {
    #[schema(minimum = 1, maximum = 5, example = 5)]
    rating: i64,
    #[schema(example = 2)]
    reviews: i64,
}

/// Whether a review was helpful.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "helpful": true }))]
pub struct VoteIn {
    helpful: bool,
}

/// The published reviews of an active product
#[utoipa::path(
    get, path = "/v1/products/{product}/reviews", tag = "reviews",
    params(("product" = String, Path, description = "Id or slug", example = "earl-grey"), ReviewsParams),
    responses(
        (status = 200, description = "A page, with what all reviews of the product come to", body = ReviewsOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn list_reviews(
    State(shop): State<Shop>,
    Path(product): Path<String>,
    Query(params): Query<ReviewsParams>,
) -> Result<Answer<ReviewsOut>, Problem> {
    let mut checks = Checks::default();
    checks.require(params.rating.is_none_or(|rating| (1..=5).contains(&rating)), "rating", "must be 1 to 5");
    checks.done()?;
    let sort = params.sort.unwrap_or_default();
    let filter = Filter { sort, rating: params.rating, verified: params.verified.unwrap_or_default() };
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let after: Option<Key> = page.key()?;
    if after.is_some_and(|key| key.sort != sort) {
        return Err(Problem::invalid_field("cursor", "is not a cursor that this list gave"));
    }
    let (found, rating) = reviews::list(&shop, &product, filter, after, limit).await?;
    let page = Page::new(found, limit, |review| Key::of(review, sort), ReviewOut::from);
    Ok(Answer(ReviewsOut { items: page.items, next_cursor: page.next_cursor, summary: rating.into() }))
}

/// Say whether somebody else's review was helpful
///
/// Said again, the last word counts.
#[utoipa::path(
    put, path = "/v1/reviews/{id}/vote", tag = "reviews", params(("id" = Uuid, Path)), request_body = VoteIn,
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It is counted"),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`own-review`", body = ProblemSchema)
    )
)]
pub async fn put_review_vote(
    SignedIn(identity): SignedIn,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<VoteIn>,
) -> Result<StatusCode, Problem> {
    reviews::vote(&shop, identity.customer_id, id, body.helpful).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take one's word on a review back
#[utoipa::path(
    delete, path = "/v1/reviews/{id}/vote", tag = "reviews", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 204, description = "There is none"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_review_vote(
    SignedIn(identity): SignedIn,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    reviews::unvote(&shop, identity.customer_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<Rating> for RatingOut {
    fn from(rating: Rating) -> Self {
        let stars = (1..).zip(rating.stars).map(|(stars, reviews)| StarsOut { rating: stars, reviews });
        let mut stars: Vec<_> = stars.collect();
        stars.reverse();
        Self { rating: rating.shown(), reviews: rating.reviews, stars }
    }
}
