//! Money that moved by hand, for staff.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::{OrderOut, order_out};
use crate::Shop;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::money::{Amount, MAX_AMOUNT};
use crate::once::Once;
use crate::orders::by_hand::{self, ByHand};
use crate::problem::{Problem, ProblemSchema};

/// Money that no payment plugin saw.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentByHandIn {
    /// Above 0, the shopper gave it; below 0, they were given it. Not 0.
    #[schema(value_type = i64, maximum = 9_007_199_254_740_991_i64, example = 1740)]
    amount: Amount,
    /// 1 to 64 characters.
    #[schema(example = "cash", min_length = 1, max_length = 64)]
    method: String,
    /// Number of a receipt or transfer.
    #[serde(default)]
    #[schema(example = "till 2, receipt 4711", max_length = 200)]
    reference: String,
}

/// Writes down money that moved by hand
///
/// Paid in cash or by bank transfer, or given back so; no more than the shop holds of what was paid. An order that owes nothing
/// any more is paid, and what else was to pay it is given up.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/payments-by-hand", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = PaymentByHandIn, responses(
    (status = 201, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`amount-exceeded`: the shop does not hold so much; `order-state`: it has as many movements of money as it may have", body = ProblemSchema)
))]
pub async fn create_payment_by_hand(
    State(shop): State<Shop>,
    staff: Staff<may::Refunds>,
    Path(id): Path<Uuid>,
    once: Once,
    Json(body): Json<PaymentByHandIn>,
) -> Result<(StatusCode, Answer<OrderOut>), Problem> {
    let mut checks = Checks::default();
    let in_range = (-MAX_AMOUNT..=MAX_AMOUNT).contains(&body.amount);
    checks.require(in_range && body.amount != 0, "/amount", "must be -(2^53 - 1) to 2^53 - 1, and not 0");
    checks.text(&body.method, 1, 64, "/method");
    checks.text(&body.reference, 0, 200, "/reference");
    checks.done()?;
    let how = ByHand { method: body.method.trim().to_owned(), reference: body.reference.trim().to_owned() };
    let work = {
        let shop = shop.clone();
        async move { by_hand::record(&shop, once, id, body.amount, &how, &staff.actor.to_string()).await }
    };
    let details = shop.run_to_end(work).await.map_err(Problem::internal)??;
    Ok((StatusCode::CREATED, Answer(order_out(details))))
}
