//! Paying what an order still owes.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::{OrderOut, order_out};
use crate::Shop;
use crate::carts::http::{PaymentMethodOut, payment_method_out};
use crate::http::auth::Caller;
use crate::http::extract::{Checks, Json, Path};
use crate::money::{Amount, MAX_AMOUNT};
use crate::orders::{self, paying};
use crate::problem::{Problem, ProblemSchema};

/// The shopper pays what an order still owes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentIn {
    /// `id` of one of the order's payment methods.
    #[schema(example = "payment-emulator:card")]
    payment_method: String,
    /// What the payment provider gave the storefront in exchange for the card; never a card number.
    #[schema(example = "tok-approve", min_length = 1, max_length = 500)]
    payment_token: String,
    /// `payable` of the order as the shopper saw it: no other amount is charged.
    #[schema(value_type = i64, example = 1500, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    expected_amount: Amount,
}

/// Pays what an order still owes
///
/// After an edit that made it dearer, or of an order that was sent to be paid. Charges `payable` of the order, if that is
/// `expected_amount`, and never more. An attempt that fails leaves the order as it is.
#[utoipa::path(post, path = "/v1/orders/{id}/payments", operation_id = "create_payment", tag = "orders", params(("id" = Uuid, Path)), request_body = PaymentIn, responses(
    (status = 201, body = OrderOut),
    (status = 402, description = "`payment-declined`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stale-amount`; `payment-method-unavailable`; `order-state`: it has as many movements of money as it may have", body = ProblemSchema),
    (status = 503, description = "`payment-unavailable`", body = ProblemSchema)
))]
pub async fn create_payment(
    State(shop): State<Shop>,
    caller: Caller,
    Path(order_id): Path<Uuid>,
    Json(body): Json<PaymentIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let amount = (1..=MAX_AMOUNT).contains(&body.expected_amount);
    checks.require(amount, "/expected_amount", "must be 1 to 2^53 - 1");
    checks.text(&body.payment_token, 1, 500, "/payment_token");
    let method = body.payment_method.parse().ok();
    checks.require(method.is_some(), "/payment_method", "must be the id of a payment method");
    checks.done()?;
    let method = method.ok_or_else(Problem::not_found)?;
    let caller = caller.customer_id();
    let rest =
        paying::Rest { order_id, caller, method, token: body.payment_token, expected_amount: body.expected_amount };
    let details = paying::pay(&shop, rest).await?;
    let location = HeaderValue::from_str(&format!("/v1/orders/{order_id}")).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(order_out(details))).into_response())
}

/// The ways to pay what an order still owes; none where it owes nothing
#[utoipa::path(get, path = "/v1/orders/{id}/payment-methods", operation_id = "list_order_payment_methods", tag = "orders", params(("id" = Uuid, Path)), responses(
    (status = 200, body = [PaymentMethodOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 503, description = "`payment-unavailable`", body = ProblemSchema)
))]
pub async fn list_order_payment_methods(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<PaymentMethodOut>>, Problem> {
    let details = orders::get(&shop, id, caller.customer_id()).await?;
    let methods = paying::methods(&shop, &details).await?;
    Ok(Answer(methods.into_iter().map(payment_method_out).collect()))
}
