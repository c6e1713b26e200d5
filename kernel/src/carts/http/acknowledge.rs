//! What has changed of a cart is acknowledged.

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::CartOut;
use super::{cart_out, stale};
use crate::Shop;
use crate::carts::{self, Error};
use crate::http::auth::Caller;
use crate::http::extract::{Checks, Json, Path};
use crate::money::{Amount, MAX_AMOUNT};
use crate::problem::{Problem, ProblemSchema};

/// The cart that the shopper saw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeIn {
    /// `total` of the cart whose `changes` were shown.
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 1740)]
    expected_total: Amount,
}

/// Takes the cart as it stands, with its `changes`
///
/// Its prices are known from now on, no more of a line is wanted than can be had, and what cannot be had at all is removed. Where the
/// cart costs another total by now, nothing happens but `stale-quote` with the cart as it is.
#[utoipa::path(post, path = "/v1/carts/{id}/changes/acknowledge", tag = "carts", params(("id" = Uuid, Path)),
    request_body = AcknowledgeIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stale-quote`, `cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn acknowledge_changes(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<AcknowledgeIn>,
) -> Result<Answer<CartOut>, Problem> {
    let mut checks = Checks::default();
    checks.require((0..=MAX_AMOUNT).contains(&body.expected_total), "/expected_total", "must be 0 to 2^53 - 1");
    checks.done()?;
    match carts::acknowledge(&shop, id, caller.customer_id(), body.expected_total).await {
        Ok((contents, quoted)) => Ok(Answer(cart_out(&contents, &quoted))),
        Err(Error::Stale(cart)) => Err(stale(&cart.0, &cart.1)),
        Err(error) => Err(error.into()),
    }
}
