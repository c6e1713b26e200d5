//! Checkout and orders over HTTP.

mod by_hand;
mod drafts;
mod edits;
mod listing;
mod lookup;
mod merchant;
mod money;
mod payments;
mod view;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::checkout::{self, Checkout, is_providers_fault};
use super::{Details, Error, Reason, StateError};
use crate::Shop;
use crate::accounts;
use crate::carts;
use crate::http::auth::Caller;
use crate::http::extract::{Checks, Json, Path};
use crate::money::{Amount, MAX_AMOUNT};
use crate::problem::{Kind, Problem, ProblemSchema};

pub use by_hand::*;
pub use drafts::*;
pub use edits::*;
pub use listing::*;
pub use lookup::*;
pub use merchant::*;
pub use money::*;
pub use payments::*;
use view::{OrderOut, order_out};

/// The shopper buys what the cart holds, at the price that was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutIn {
    /// `id` of one of the cart's payment methods; may be left out where nothing is due.
    #[schema(example = "payment-emulator:card", pattern = "^[!-9;-~]{1,64}:[!-~]{1,64}$")]
    payment_method: Option<String>,
    /// What the payment provider gave the storefront in exchange for the card; never a card number. 1 to 500 characters.
    #[schema(example = "tok-approve", min_length = 1, max_length = 500)]
    payment_token: Option<String>,
    /// `total` of the cart as the shopper saw it: no other amount is charged.
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 4280)]
    expected_total: Amount,
    /// `due` of the cart as the shopper saw it. It is needed where gift cards or store credit pay; left out, it is the total.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 2280)]
    expected_due: Option<Amount>,
}

/// Places the order and pays it
///
/// Nothing is charged but `expected_total`, and of that gift cards and store credit pay all but `expected_due`. Where the
/// provider's answer is lost, the order is placed with the payment
/// `unknown` and finished later; follow it at `/v1/orders/{id}`.
#[utoipa::path(post, path = "/v1/carts/{id}/checkout", tag = "checkout", params(("id" = Uuid, Path)), request_body = CheckoutIn, responses(
    (status = 201, body = OrderOut),
    (status = 402, description = "`payment-declined`", body = ProblemSchema),
    (status = 403, description = "`email-unconfirmed`, where the shop asks for it", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stale-quote`, `insufficient-stock`, `price-missing`, `cart-incomplete`, `cart-closed`, `delivery-option-unavailable`, `payment-method-unavailable`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`, `payment-unavailable`", body = ProblemSchema)
))]
pub async fn place_order(
    State(shop): State<Shop>,
    caller: Caller,
    Path(cart_id): Path<Uuid>,
    Json(body): Json<CheckoutIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    checks.require((0..=MAX_AMOUNT).contains(&body.expected_total), "/expected_total", "must be 0 to 2^53 - 1");
    let due = body.expected_due.is_none_or(|due| (0..=MAX_AMOUNT).contains(&due));
    checks.require(due, "/expected_due", "must be 0 to 2^53 - 1");
    if let Some(token) = &body.payment_token {
        checks.text(token, 1, 500, "/payment_token");
    }
    let payment_method = match body.payment_method.as_deref().map(str::parse) {
        Some(Ok(method)) => Some(method),
        Some(Err(())) => {
            checks.require(false, "/payment_method", "must be the id of a payment method");
            None
        }
        None => None,
    };
    checks.done()?;
    if let Some(customer_id) = caller.customer_id() {
        accounts::require_confirmed(&shop, customer_id).await?;
    }
    let checkout = Checkout {
        cart_id,
        caller: caller.customer_id(),
        payment_method,
        payment_token: body.payment_token,
        expected_total: body.expected_total,
        expected_due: body.expected_due,
    };
    let placed = checkout::place(&shop, checkout).await.map_err(problem)?;
    let location = HeaderValue::from_str(&format!("/v1/orders/{}", placed.order.id)).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(order_out(placed))).into_response())
}

/// An order of yours
#[utoipa::path(get, path = "/v1/orders/{id}", tag = "orders", params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_order(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    let details = super::get(&shop, id, caller.customer_id()).await?;
    Ok(Answer(order_out(details)))
}

/// Calls an order off, before shipping begins
///
/// What was paid goes back. Once a carrier is booked or goods have left it is `order-state` with `shipping_begun`; what arrives
/// can be returned.
#[utoipa::path(post, path = "/v1/orders/{id}/cancel", tag = "orders", params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`", body = ProblemSchema)
))]
pub async fn cancel_order(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    let details = super::get(&shop, id, caller.customer_id()).await?;
    cancel_to_end(&shop, details, Reason::Customer).await
}

async fn cancel_to_end(shop: &Shop, details: Details, reason: Reason) -> Result<Answer<OrderOut>, Problem> {
    let work = {
        let shop = shop.clone();
        async move { super::cancel(&shop, details, reason).await }
    };
    let details = shop.run_to_end(work).await.map_err(Problem::internal)??;
    Ok(Answer(order_out(details)))
}

/// A stale quote is answered with the cart as it stands, so that the shopper can be shown it.
fn problem(error: Error) -> Problem {
    match error {
        Error::StaleQuote(cart) => {
            let (contents, quoted) = *cart;
            carts::http::stale(&contents, &quoted)
        }
        error => error.into(),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Cart(error) => error.into(),
            Error::StaleQuote(_) | Error::NoLongerAsShown => Problem::new(Kind::StaleQuote),
            Error::UnknownPaymentMethod => Problem::new(Kind::PaymentMethodUnavailable),
            Error::NoPaymentToken => Problem::invalid_field("/payment_token", "is needed to pay"),
            Error::Declined(decline) if is_providers_fault(&decline.code) => {
                Problem::new(Kind::PaymentUnavailable).with("reason", decline.code)
            }
            Error::Declined(decline) => {
                Problem::new(Kind::PaymentDeclined).detail(decline.message).with("code", decline.code)
            }
            Error::State(error) => error.into(),
            Error::Stock(error) => error.into(),
            Error::Payment(error) => error.into(),
            Error::UnknownLine(line) => Problem::invalid_field("/lines", format!("the order has no line {line}")),
            Error::PiecesGone { line, available } => {
                let problem = Problem::new(Kind::AmountExceeded).detail(error.to_string());
                problem.with("line", line).with("available", available)
            }
            Error::RefundState(status) => Problem::new(Kind::OrderState).with("refund_status", status.name()),
            Error::NoAccount => Problem::invalid_field("/to", error.to_string()),
            Error::NotShipped { .. } => Problem::new(Kind::OrderState).detail(error.to_string()),
            Error::AmountTooLarge => Problem::invalid_field("/amount", error.to_string()),
            Error::StaleEdit(details) => Problem::new(Kind::StaleQuote).with("order", order_out(*details)),
            Error::StaleDraft(shown) => Problem::new(Kind::StaleQuote).with("draft", drafts::draft_out(*shown)),
            Error::DraftChanged { current } => {
                Problem::new(Kind::PreconditionFailed).detail(format!("it is version {current} now"))
            }
            Error::UnknownDraftVariant(line) => {
                Problem::invalid_field(format!("/lines/{line}"), "there is no such variant on sale")
            }
            Error::UnknownCustomer => Problem::invalid_field("/customer_id", "there is no such customer"),
            Error::NothingToPay => Problem::new(Kind::OrderState).detail(error.to_string()),
            Error::LetterNotComposed(_) => Problem::new(Kind::Unavailable).detail("the letter could not be written"),
            Error::Accounts(error) => error.into(),
            Error::NothingLeft => Problem::invalid_field("/lines", error.to_string()),
            Error::LinesRefunded | Error::DeliveryRefunded => Problem::new(Kind::OrderState).detail(error.to_string()),
            Error::EditNotAllowed => Problem::new(Kind::OrderState).detail(error.to_string()),
            Error::WrongCode => Problem::new(Kind::InvalidCode),
            Error::StaleAmount { payable } => Problem::new(Kind::StaleAmount).with("payable", payable),
            Error::OutOfRange(_) | Error::CutOff(_) | Error::Currency(_) => Problem::internal(error),
            Error::Database(error) => error.into(),
        }
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Not(status) => Problem::new(Kind::OrderState).with("order_status", status.name()),
            StateError::Contended => Problem::new(Kind::Unavailable).detail("the order was changed at the same time"),
            StateError::ShippingBegun => Problem::new(Kind::OrderState)
                .detail("shipping has begun: a carrier was booked, or goods have left")
                .with("shipping_begun", true),
            StateError::Ledger(error) => error.into(),
            StateError::Refund(error) => (*error).into(),
            StateError::Prepaid(error) => error.into(),
            StateError::Stock(error) => error.into(),
            StateError::Database(error) => error.into(),
        }
    }
}
