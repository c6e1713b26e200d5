//! Returns for the owner of an order.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use uuid::Uuid;

use super::ReturnIn;
use super::view::ReturnOut;
use crate::Shop;
use crate::http::auth::Caller;
use crate::http::extract::{Json, Path};
use crate::orders;
use crate::problem::{Problem, ProblemSchema};
use crate::returns::{self, By};

/// Asks for goods to be taken back
///
/// Of pieces that have left, for `returns.days` after the last of them left or arrived. The shop approves it or not.
#[utoipa::path(post, path = "/v1/orders/{id}/returns", tag = "orders", params(("id" = Uuid, Path)), request_body = ReturnIn, responses(
    (status = 201, body = ReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`pieces-exceeded`; `order-state`: nothing has left, it is too late (`return_days`), or it has as many returns as it may have", body = ProblemSchema)
))]
pub async fn request_return(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<ReturnIn>,
) -> Result<(StatusCode, Answer<ReturnOut>), Problem> {
    let lines = body.checked()?;
    orders::get(&shop, id, caller.customer_id()).await?;
    let wanted = returns::request(&shop, id, lines, By::Shopper).await?;
    Ok((StatusCode::CREATED, Answer(wanted.into())))
}

/// Returns of an order of yours, in their order
#[utoipa::path(get, path = "/v1/orders/{id}/returns", tag = "orders", params(("id" = Uuid, Path)), responses(
    (status = 200, body = [ReturnOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_order_returns(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<ReturnOut>>, Problem> {
    orders::get(&shop, id, caller.customer_id()).await?;
    let returns = returns::of_order(&mut shop.db().read().await?, id).await?;
    Ok(Answer(returns.into_iter().map(ReturnOut::from).collect()))
}

/// Keeps the goods after all
///
/// Until some of them came.
#[utoipa::path(post, path = "/v1/orders/{id}/returns/{return_id}/cancel", tag = "orders",
    params(("id" = Uuid, Path), ("return_id" = Uuid, Path)), responses(
    (status = 200, body = ReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`return-state`", body = ProblemSchema)
))]
pub async fn cancel_return(
    State(shop): State<Shop>,
    caller: Caller,
    Path((id, return_id)): Path<(Uuid, Uuid)>,
) -> Result<Answer<ReturnOut>, Problem> {
    orders::get(&shop, id, caller.customer_id()).await?;
    Ok(Answer(returns::cancel(&shop, id, return_id).await?.into()))
}
