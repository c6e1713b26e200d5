//! Captures, refunds and corrections, for staff.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::{OrderOut, order_out};
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::money::{Amount, MAX_AMOUNT};
use crate::once::Once;
use crate::orders::refunds::{self, Destination, Refund, Wanted, WantedLine, Why};
use crate::orders::{self, corrections};
use crate::payments::{self, Journaled};
use crate::problem::{Problem, ProblemSchema};

const MAX_LINES: usize = 1_000;
const REASON_CHARACTERS: usize = 500;

/// What goes back: `amount`, or `lines` and `delivery`, or, where none of them is given, all that can still go back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundIn {
    /// Pieces that go back at what they were paid with.
    #[schema(max_items = 1000)]
    #[serde(default)]
    lines: Vec<RefundLineIn>,
    /// Of what was paid for the delivery.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    delivery: Option<Amount>,
    /// Any amount, instead of lines and delivery.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    amount: Option<Amount>,
    /// `original` (the default): what the payment took first, then gift cards and store credit. `store_credit`: all of it to the
    /// customer's store credit, of an order that is not a guest's.
    #[serde(default)]
    #[schema(example = "original")]
    to: RefundTo,
    /// For the shop's own records; 1 to 500 characters.
    #[schema(example = "one was broken", min_length = 1, max_length = 500)]
    reason: String,
}

/// Where a refund goes.
#[derive(Debug, Clone, Copy, Default, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RefundTo {
    #[default]
    Original,
    StoreCredit,
}

/// Pieces of a line.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundLineIn {
    /// Position of the line in `lines` of the order; the first is 0.
    #[schema(maximum = 10_000)]
    line: u32,
    #[schema(minimum = 1, maximum = 1_000_000)]
    quantity: u32,
    /// The goods are back in the warehouse and can be sold again. Only pieces that have left; without it, pieces that have not left are
    /// refunded first, and not sent any more.
    #[serde(default)]
    restock: bool,
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundOut {
    id: Uuid,
    #[schema(value_type = i64, example = 1290)]
    amount: Amount,
    /// The part of it that is for the delivery.
    delivery: Amount,
    /// The part that gift cards and store credit got, at once; payments give the rest.
    prepaid: Amount,
    to: RefundTo,
    lines: Vec<RefundLineOut>,
    reason: String,
    /// Who gave it.
    actor: String,
    /// `pending` (the provider has not done it yet, or cannot be reached), `refunded` or `declined`.
    #[schema(example = "refunded")]
    status: &'static str,
    /// Why the provider declined it.
    code: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// Pieces of a line that went back.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundLineOut {
    line: u32,
    quantity: u32,
    amount: Amount,
    restock: bool,
}

/// An order gets another price.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionIn {
    /// Above 0, the order costs so much more; below 0, so much less. Not 0.
    #[schema(value_type = i64, maximum = 9_007_199_254_740_991_i64)]
    amount: Amount,
    /// 1 to 500 characters.
    #[schema(example = "a scratch", min_length = 1, max_length = 500)]
    reason: String,
}

/// What is taken of the money that is reserved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "amount": 1870 }))]
pub struct CaptureIn {
    /// All of it, where it is left out.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 9_007_199_254_740_991_i64)]
    amount: Option<Amount>,
}

/// A step of a payment: something that may have moved money.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentStepOut {
    id: Uuid,
    payment_id: Uuid,
    /// `authorize`, `capture`, `cancel` or `refund`.
    #[schema(example = "capture")]
    kind: String,
    amount: Amount,
    /// `begun` (its end is not known), `done` or `failed`.
    #[schema(example = "done")]
    status: String,
    /// Why it failed, or the provider's name of it.
    note: String,
    #[schema(value_type = String, format = DateTime)]
    begun_at: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    ended_at: Option<Moment>,
}

/// Refunds of an order, the oldest first
#[utoipa::path(get, path = "/v1/admin/orders/{id}/refunds", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = [RefundOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_refunds(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<RefundOut>>, Problem> {
    Ok(Answer(refunds::list(&shop, id).await?.into_iter().map(refund_out).collect()))
}

/// Gives money back, in full or in part
///
/// Never more than was paid and is not back or on its way back already.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/refunds", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = RefundIn, responses(
    (status = 201, body = RefundOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`amount-exceeded`; `order-state`: goods that were not shipped cannot come back, or it has as many movements of money as it may have", body = ProblemSchema)
))]
pub async fn create_refund(
    State(shop): State<Shop>,
    staff: Staff<may::Refunds>,
    Path(id): Path<Uuid>,
    once: Once,
    Json(body): Json<RefundIn>,
) -> Result<(StatusCode, Answer<RefundOut>), Problem> {
    let to = match body.to {
        RefundTo::Original => Destination::Original,
        RefundTo::StoreCredit => Destination::StoreCredit,
    };
    let (wanted, reason) = body.checked()?;
    orders::get_any(&shop, id).await?;
    let actor = staff.actor.to_string();
    // A client that leaves must not stop it between two payments.
    let work = {
        let shop = shop.clone();
        async move { refunds::refund(&shop, once, id, &wanted, to, Why { reason: &reason, actor: &actor }).await }
    };
    let refund = shop.run_to_end(work).await.map_err(Problem::internal)??;
    Ok((StatusCode::CREATED, Answer(refund_out(refund))))
}

/// Tries a declined refund again
#[utoipa::path(post, path = "/v1/admin/orders/{id}/refunds/{refund_id}/retry", tag = "orders", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("refund_id" = Uuid, Path)), responses(
    (status = 200, body = RefundOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`: it is not declined, or the order has as many movements of money as it may have; `amount-exceeded`", body = ProblemSchema)
))]
pub async fn retry_refund(
    State(shop): State<Shop>,
    _: Staff<may::Refunds>,
    Path((id, refund_id)): Path<(Uuid, Uuid)>,
) -> Result<Answer<RefundOut>, Problem> {
    orders::get_any(&shop, id).await?;
    let work = {
        let shop = shop.clone();
        async move { refunds::retry(&shop, id, refund_id).await }
    };
    Ok(Answer(refund_out(shop.run_to_end(work).await.map_err(Problem::internal)??)))
}

/// Puts right by hand what an order costs
///
/// A price that was agreed on, a fee, a debt that is given up. For money that was paid or given back by hand there is
/// `POST /v1/admin/orders/{id}/payments-by-hand`.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/corrections", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CorrectionIn, responses(
    (status = 201, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`: it has as many movements of money as it may have", body = ProblemSchema)
))]
pub async fn create_correction(
    State(shop): State<Shop>,
    staff: Staff<may::Refunds>,
    Path(id): Path<Uuid>,
    once: Once,
    Json(body): Json<CorrectionIn>,
) -> Result<(StatusCode, Answer<OrderOut>), Problem> {
    let mut checks = Checks::default();
    let in_range = (-MAX_AMOUNT..=MAX_AMOUNT).contains(&body.amount);
    checks.require(in_range && body.amount != 0, "/amount", "must be -(2^53 - 1) to 2^53 - 1, and not 0");
    checks.text(&body.reason, 1, REASON_CHARACTERS, "/reason");
    checks.done()?;
    let work = {
        let shop = shop.clone();
        async move { corrections::correct(&shop, once, id, body.amount, body.reason.trim(), &staff.actor.to_string()).await }
    };
    let details = shop.run_to_end(work).await.map_err(Problem::internal)??;
    Ok((StatusCode::CREATED, Answer(order_out(details))))
}

/// Takes reserved money, in full or in part
///
/// For shops that capture by hand (`payments.capture`). What is not taken stays reserved until it is released.
#[utoipa::path(post, path = "/v1/admin/orders/{id}/captures", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), request_body = CaptureIn, responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`amount-exceeded`, `payment-busy`, `capture-declined`; `order-state`: it has as many movements of money as it may have", body = ProblemSchema)
))]
pub async fn create_capture(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
    once: Once,
    Json(body): Json<CaptureIn>,
) -> Result<Answer<OrderOut>, Problem> {
    let mut checks = Checks::default();
    checks.require(body.amount.is_none_or(|amount| (1..=MAX_AMOUNT).contains(&amount)), "/amount", AMOUNT_RANGE);
    checks.done()?;
    orders::get_any(&shop, id).await?;
    let work = {
        let shop = shop.clone();
        async move { payments::capture(&shop, once, id, body.amount).await }
    };
    shop.run_to_end(work).await.map_err(Problem::internal)??;
    Ok(Answer(order_out(orders::get_any(&shop, id).await?)))
}

/// Lets go of reserved money that is not taken
#[utoipa::path(post, path = "/v1/admin/orders/{id}/captures/release", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`amount-exceeded`: nothing is reserved; `payment-busy`; `order-state`: it has as many movements of money as it may have", body = ProblemSchema)
))]
pub async fn release_payments(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    orders::get_any(&shop, id).await?;
    let work = {
        let shop = shop.clone();
        async move { payments::release(&shop, id).await }
    };
    shop.run_to_end(work).await.map_err(Problem::internal)??;
    Ok(Answer(order_out(orders::get_any(&shop, id).await?)))
}

/// The journal of an order's payments, the oldest step first
#[utoipa::path(get, path = "/v1/admin/orders/{id}/payment-steps", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = [PaymentStepOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_payment_steps(
    State(shop): State<Shop>,
    _: Staff<may::Orders>,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<PaymentStepOut>>, Problem> {
    orders::get_any(&shop, id).await?;
    let steps = payments::journal(&mut shop.db().read().await?, id).await?;
    Ok(Answer(steps.into_iter().map(step_out).collect()))
}

const AMOUNT_RANGE: &str = "must be 1 to 2^53 - 1";

impl RefundIn {
    fn checked(self) -> Result<(Wanted, String), Problem> {
        let mut checks = Checks::default();
        let in_range = |amount: Option<Amount>| amount.is_none_or(|amount| (1..=MAX_AMOUNT).contains(&amount));
        checks.require(in_range(self.amount), "/amount", AMOUNT_RANGE);
        checks.require(in_range(self.delivery), "/delivery", AMOUNT_RANGE);
        checks.text(&self.reason, 1, REASON_CHARACTERS, "/reason");
        checks.require(self.lines.len() <= MAX_LINES, "/lines", "must be at most 1,000");
        for (index, line) in self.lines.iter().take(MAX_LINES).enumerate() {
            let range = (1..=1_000_000).contains(&line.quantity);
            checks.require(range, &format!("/lines/{index}/quantity"), "must be 1 to 1,000,000");
        }
        let mut named: Vec<_> = self.lines.iter().map(|line| line.line).collect();
        named.sort_unstable();
        checks.require(named.windows(2).all(|pair| pair[0] != pair[1]), "/lines", "must name each line once");
        let by_parts = !self.lines.is_empty() || self.delivery.is_some();
        checks.require(self.amount.is_none() || !by_parts, "/amount", "cannot stand beside lines or delivery");
        checks.done()?;
        let wanted = match self.amount {
            Some(amount) => Wanted::Amount(amount),
            None if !by_parts => Wanted::Everything,
            None => Wanted::Parts {
                lines: self
                    .lines
                    .into_iter()
                    .map(|line| WantedLine {
                        line: line.line,
                        quantity: line.quantity,
                        restock: line.restock,
                        returned: false,
                    })
                    .collect(),
                delivery: self.delivery.unwrap_or_default(),
            },
        };
        Ok((wanted, self.reason.trim().to_owned()))
    }
}

fn refund_out(refund: Refund) -> RefundOut {
    let lines = refund.lines.into_iter().map(|line| RefundLineOut {
        line: line.line,
        quantity: line.quantity,
        amount: line.amount,
        restock: line.restock,
    });
    RefundOut {
        id: refund.id,
        amount: refund.amount,
        delivery: refund.delivery,
        prepaid: refund.prepaid,
        to: match refund.destination {
            Destination::Original => RefundTo::Original,
            Destination::StoreCredit => RefundTo::StoreCredit,
        },
        lines: lines.collect(),
        reason: refund.reason,
        actor: refund.actor,
        status: refund.status.name(),
        code: Some(refund.code).filter(|code| !code.is_empty()),
        created_at: refund.created_at,
        updated_at: refund.updated_at,
    }
}

fn step_out(step: Journaled) -> PaymentStepOut {
    PaymentStepOut {
        id: step.id,
        payment_id: step.payment_id,
        kind: step.kind,
        amount: step.amount,
        status: step.status,
        note: step.note,
        begun_at: step.begun_at,
        ended_at: step.ended_at,
    }
}
