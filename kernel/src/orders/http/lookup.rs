//! Guests find their orders again.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;

use super::view::{OrderOut, order_out};
use crate::Shop;
use crate::accounts::Email;
use crate::http::extract::{Checks, Json};
use crate::orders::lookup;
use crate::problem::{Problem, ProblemSchema};

/// Which order, and whose.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUpIn {
    #[schema(example = 1001, minimum = 1)]
    number: i64,
    /// The address that the order was placed with.
    #[schema(example = "ada@example.org", min_length = 1, max_length = 254)]
    email: String,
}

/// With the code of the letter.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookUpCodeIn {
    #[schema(example = 1001, minimum = 1)]
    number: i64,
    #[schema(example = "ada@example.org", min_length = 1, max_length = 254)]
    email: String,
    /// In any case, with or without the hyphen.
    #[schema(example = "K7WQZ-3HMPA", min_length = 1, max_length = 40)]
    code: String,
}

/// Asks for a code to find a guest's order again
///
/// Mailed to the address of the order, if a guest placed one with this number and address; whether there is one is not told. A code is good
/// once, for `orders.lookup_minutes` and `orders.lookup_attempts` attempts. Customers sign in instead.
#[utoipa::path(post, path = "/v1/orders/lookup", operation_id = "look_up_order", tag = "orders", request_body = LookUpIn, responses(
    (status = 202, description = "A letter is on its way, if there is such an order")
))]
pub async fn look_up_order(State(shop): State<Shop>, Json(body): Json<LookUpIn>) -> Result<StatusCode, Problem> {
    let mut checks = Checks::default();
    named(&mut checks, body.number, &body.email);
    checks.done()?;
    lookup::request(&shop, body.number, body.email.trim());
    Ok(StatusCode::ACCEPTED)
}

/// Finds a guest's order by the code of the letter
///
/// Its `id` opens it from now on.
#[utoipa::path(post, path = "/v1/orders/lookup/confirm", operation_id = "confirm_order_look_up", tag = "orders", request_body = LookUpCodeIn, responses(
    (status = 200, body = OrderOut),
    (status = 422, description = "`invalid-code`", body = ProblemSchema)
))]
pub async fn confirm_order_look_up(
    State(shop): State<Shop>,
    Json(body): Json<LookUpCodeIn>,
) -> Result<Answer<OrderOut>, Problem> {
    let mut checks = Checks::default();
    named(&mut checks, body.number, &body.email);
    checks.text(&body.code, 1, 40, "/code");
    checks.done()?;
    let details = lookup::confirm(&shop, body.number, body.email.trim(), &body.code).await?;
    Ok(Answer(order_out(details)))
}

fn named(checks: &mut Checks, number: i64, email: &str) {
    checks.require(number >= 1, "/number", "must be 1 or more");
    checks.require(Email::parse(email).is_ok(), "/email", "must be an e-mail address");
}
