//! Returns for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::view::{AdminReturnOut, ReturnSummaryOut};
use super::{ReturnIn, TEXT_CHARACTERS, check_lines};
use crate::Shop;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::money::{Amount, MAX_AMOUNT};
use crate::orders;
use crate::orders::refunds::Why;
use crate::problem::{Problem, ProblemSchema};
use crate::returns::{self, Arrived, By, Status};

/// Which returns.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReturnParams {
    /// `requested`, `approved`, `rejected`, `received`, `refunded`, `closed` or `cancelled`.
    #[param(pattern = "^(requested|approved|rejected|received|refunded|closed|cancelled)$", example = "requested")]
    status: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Why it is not taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReturnRejectionIn {
    /// For the shopper; 1 to 500 characters.
    #[schema(example = "it was worn", min_length = 1, max_length = 500)]
    reason: String,
}

/// Pieces that came.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true }] }))]
pub struct ReceiptIn {
    #[schema(min_items = 1, max_items = 1000)]
    lines: Vec<ReceivedLineIn>,
}

/// Pieces of a line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceivedLineIn {
    /// Position of the line in `lines` of the order; the first is 0.
    #[schema(maximum = 10_000)]
    line: u32,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
    /// They can be sold again.
    restock: bool,
    /// Where they lie now; left out: the default location.
    location_id: Option<Uuid>,
}

/// What goes back beside the price of the pieces.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "delivery": 490, "reason": "arrived broken" }))]
pub struct ReturnRefundIn {
    /// Of what was paid for the delivery.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    delivery: Option<Amount>,
    /// For the shop's own records; 1 to 500 characters. `returned`, where it is left out.
    #[schema(min_length = 1, max_length = 500)]
    reason: Option<String>,
}

/// Returns of all orders, the newest first
#[utoipa::path(get, path = "/v1/admin/returns", tag = "orders", security(("bearer" = [])), params(ReturnParams), responses(
    (status = 200, body = Page<ReturnSummaryOut>)
))]
pub async fn list_returns(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Query(params): Query<ReturnParams>,
) -> Result<Answer<Page<ReturnSummaryOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let status = match params.status.as_deref().map(Status::parse) {
        Some(None) => return Err(Problem::invalid_field("status", "is no status of returns")),
        known => known.flatten(),
    };
    let listed = returns::list(&shop, status, page.key()?, limit).await?;
    Ok(Answer(Page::new(listed, limit, |wanted| wanted.id, ReturnSummaryOut::from)))
}

/// A return
#[utoipa::path(get, path = "/v1/admin/returns/{id}", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_return(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminReturnOut>, Problem> {
    Ok(Answer(returns::get(&shop, id).await?.into()))
}

/// Returns of an order, in their order
#[utoipa::path(get, path = "/v1/admin/orders/{id}/returns", operation_id = "admin_list_order_returns", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = [AdminReturnOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn admin_list_order_returns(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<AdminReturnOut>>, Problem> {
    orders::get_any(&shop, id).await?;
    let returns = returns::of_order(&mut shop.db().read().await?, id).await?;
    Ok(Answer(returns.into_iter().map(AdminReturnOut::from).collect()))
}

/// Makes a return for the shopper
///
/// It is approved by that, and may be made at any time after goods have left.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/returns", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ReturnIn, responses(
    (status = 201, body = AdminReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`pieces-exceeded`; `order-state`: nothing has left, or it has as many returns as it may have", body = ProblemSchema)
))]
pub async fn create_return(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<ReturnIn>,
) -> Result<(StatusCode, Answer<AdminReturnOut>), Problem> {
    let lines = body.checked()?;
    orders::get_any(&shop, id).await?;
    let made = returns::request(&shop, id, lines, By::Staff(&staff.actor.to_string())).await?;
    Ok((StatusCode::CREATED, Answer(made.into())))
}

/// The goods may come back
#[utoipa::path(post, path = "/v1/admin/returns/{id}/approve", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`return-state`", body = ProblemSchema)
))]
pub async fn approve_return(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminReturnOut>, Problem> {
    Ok(Answer(returns::approve(&shop, id, &staff.actor.to_string()).await?.into()))
}

/// The goods are not taken back
#[utoipa::path(post, path = "/v1/admin/returns/{id}/reject", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ReturnRejectionIn, responses(
    (status = 200, body = AdminReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`return-state`", body = ProblemSchema)
))]
pub async fn reject_return(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<ReturnRejectionIn>,
) -> Result<Answer<AdminReturnOut>, Problem> {
    let mut checks = Checks::default();
    checks.text(&body.reason, 1, TEXT_CHARACTERS, "/reason");
    checks.done()?;
    Ok(Answer(returns::reject(&shop, id, body.reason.trim(), &staff.actor.to_string()).await?.into()))
}

/// Goods came
///
/// All at once or one after the other, never more than the return is about. What is restocked can be sold at once.
#[utoipa::path(post, path = "/v1/admin/returns/{id}/receive", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ReceiptIn, responses(
    (status = 200, body = AdminReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`return-state`: it is not approved; `pieces-exceeded`", body = ProblemSchema)
))]
pub async fn receive_return(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    Json(body): Json<ReceiptIn>,
) -> Result<Answer<AdminReturnOut>, Problem> {
    let mut checks = Checks::default();
    check_lines(&mut checks, body.lines.iter().map(|line| (line.line, line.quantity)));
    checks.done()?;
    let arrived = |line: ReceivedLineIn| Arrived {
        line: line.line,
        quantity: line.quantity,
        restock: line.restock,
        location_id: line.location_id,
    };
    let arrived: Vec<_> = body.lines.into_iter().map(arrived).collect();
    Ok(Answer(returns::receive(&shop, id, &arrived, &staff.actor.to_string()).await?.into()))
}

/// Gives back what was paid for what came
///
/// By the lines of the return, once, and as every refund never more than was captured. It is among the order's refunds, where a declined
/// one is tried again.
#[utoipa::path(post, path = "/v1/admin/returns/{id}/refund", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = ReturnRefundIn, responses(
    (status = 200, body = AdminReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`return-state`: nothing came, or it is refunded; `amount-exceeded`: the pieces or the delivery were refunded before", body = ProblemSchema)
))]
pub async fn refund_return(
    State(shop): State<Shop>,
    staff: Staff<may::Refunds>,
    Path(id): Path<Uuid>,
    Json(body): Json<ReturnRefundIn>,
) -> Result<Answer<AdminReturnOut>, Problem> {
    let mut checks = Checks::default();
    let range = body.delivery.is_none_or(|amount| (1..=MAX_AMOUNT).contains(&amount));
    checks.require(range, "/delivery", "must be 1 to 2^53 - 1");
    if let Some(reason) = &body.reason {
        checks.text(reason, 1, TEXT_CHARACTERS, "/reason");
    }
    checks.done()?;
    let reason = body.reason.map_or_else(|| "returned".to_owned(), |reason| reason.trim().to_owned());
    let actor = staff.actor.to_string();
    // A client that leaves must not stop it between two payments.
    let work = {
        let shop = shop.clone();
        let delivery = body.delivery.unwrap_or_default();
        async move { returns::refund(&shop, id, delivery, Why { reason: &reason, actor: &actor }).await }
    };
    Ok(Answer(shop.run_to_end(work).await.map_err(Problem::internal)??.into()))
}

/// Ends a return of which nothing more is to come
#[utoipa::path(post, path = "/v1/admin/returns/{id}/close", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = AdminReturnOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`return-state`", body = ProblemSchema)
))]
pub async fn close_return(
    State(shop): State<Shop>,
    staff: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<AdminReturnOut>, Problem> {
    Ok(Answer(returns::close(&shop, id, &staff.actor.to_string()).await?.into()))
}
