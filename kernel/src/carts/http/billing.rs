//! Whom the invoice is for, where that is not who gets the goods.

use axum::Json as Answer;
use axum::extract::State;
use serde_json::Value;
use uuid::Uuid;

use super::view::CartOut;
use super::{CartAddressIn, address_of, changed};
use crate::Shop;
use crate::carts::Change;
use crate::http::auth::Caller;
use crate::http::extract::{Json, Path};
use crate::problem::{Problem, ProblemSchema};

/// Sets the address that the invoice is for
///
/// Without one it is the address that the goods go to. No price depends on it.
#[utoipa::path(put, path = "/v1/carts/{id}/billing-address", tag = "carts", params(("id" = Uuid, Path)), request_body = CartAddressIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn put_billing_address(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<Value>,
) -> Result<Answer<CartOut>, Problem> {
    let address = address_of(&shop, &caller, &body).await?;
    changed(&shop, id, caller, Change::SetBillingAddress(Some(address))).await
}

/// The invoice is for the address that the goods go to
#[utoipa::path(delete, path = "/v1/carts/{id}/billing-address", tag = "carts", params(("id" = Uuid, Path)), responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn delete_billing_address(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<CartOut>, Problem> {
    changed(&shop, id, caller, Change::SetBillingAddress(None)).await
}
