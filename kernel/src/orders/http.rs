//! Checkout and orders over HTTP.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::checkout::{self, Checkout, is_providers_fault};
use super::{Adjustment, Delivery, Details, Error, Order, PricedBy, StateError, Target, receipts};
use crate::Shop;
use crate::carts::{self, Address, Shortage};
use crate::clock::Moment;
use crate::http::auth::{Caller, Merchant, SignedIn};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::inventory;
use crate::money::{Amount, MAX_AMOUNT};
use crate::payments::{Action, Payment};
use crate::problem::{Kind, Problem, ProblemSchema};

/// The shopper buys what the cart holds, at the price that was shown.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutIn {
    /// `id` of one of the cart's payment methods; may be left out where the total is 0.
    #[schema(example = "payment-emulator:card")]
    payment_method: Option<String>,
    /// What the payment provider gave the storefront in exchange for the card; never a card number. 1 to 500 characters.
    #[schema(example = "tok-approve", max_length = 500)]
    payment_token: Option<String>,
    /// `total` of the cart as the shopper saw it: no other amount is charged.
    #[schema(example = 4280)]
    expected_total: Amount,
}

/// A discount, tax or fee.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderAdjustmentOut {
    /// `discount`, `tax`, `tax-included` or `fee`.
    kind: String,
    code: String,
    label: String,
    amount: Amount,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLineOut {
    variant_id: Uuid,
    sku: String,
    title: String,
    quantity: u32,
    unit_price: Amount,
    adjustments: Vec<OrderAdjustmentOut>,
    /// Goods and adjustments.
    total: Amount,
}

/// How an order is being paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentOut {
    /// `plugin:method`.
    method: String,
    /// `pending`, `requires_action`, `authorized`, `captured`, `declined`, `cancelled`, `unknown` (the provider's answer was lost;
    /// it is asked again) or `refunded`.
    status: &'static str,
    amount: Amount,
    /// The provider's name of the payment.
    reference: String,
    /// What the shopper must do, where the status is `requires_action`.
    action: Option<Action>,
    decline_code: Option<String>,
    decline_message: Option<String>,
}

/// A change of an order's status.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderEventOut {
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    status: String,
    cause: String,
}

/// An order in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderSummaryOut {
    id: Uuid,
    #[schema(example = 1001)]
    number: i64,
    status: &'static str,
    currency: String,
    total: Amount,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Moment,
}

/// An order. Amounts are minor units of `currency`.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderOut {
    /// For a guest, knowing it is the right to see the order.
    id: Uuid,
    #[schema(example = 1001)]
    number: i64,
    /// `new` (not paid yet), `paid`, `shipped`, `delivered`, `cancelled` or `refunded`.
    status: &'static str,
    currency: String,
    email: String,
    address: Address,
    delivery: Delivery,
    lines: Vec<OrderLineOut>,
    /// On the goods as a whole and on the delivery.
    adjustments: Vec<OrderAdjustmentOut>,
    goods_total: Amount,
    discount_total: Amount,
    fee_total: Amount,
    delivery_total: Amount,
    tax_total: Amount,
    tax_included_total: Amount,
    total: Amount,
    /// None where there was nothing to pay.
    payment: Option<PaymentOut>,
    /// The plugins that made the price.
    priced_by: Vec<PricedBy>,
    history: Vec<OrderEventOut>,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// A recorded call of a plugin.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceiptOut {
    domain: String,
    plugin: String,
    version: String,
    digest: String,
    settings: serde_json::Value,
    /// The request as it was priced.
    input: serde_json::Value,
    /// SHA-256 of the recorded text.
    input_sha256: String,
    output: serde_json::Value,
    /// Deterministic cost of the call.
    fuel: i64,
}

/// Places the order and pays it
///
/// Nothing is charged but `expected_total`. Where the provider's answer is lost, the order is placed with the payment
/// `unknown` and finished later; follow it at `/v1/orders/{id}`.
#[utoipa::path(post, path = "/v1/carts/{id}/checkout", tag = "checkout", params(("id" = Uuid, Path)), request_body = CheckoutIn, responses(
    (status = 201, body = OrderOut),
    (status = 402, description = "`payment-declined`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stale-quote`, `insufficient-stock`, `cart-incomplete`, `cart-closed`, `delivery-option-unavailable`, `payment-method-unavailable`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`", body = ProblemSchema),
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
    let checkout = Checkout {
        cart_id,
        caller: caller.customer_id(),
        payment_method,
        payment_token: body.payment_token,
        expected_total: body.expected_total,
    };
    let placed = checkout::place(&shop, checkout).await.map_err(|error| problem(&shop, error))?;
    let location = HeaderValue::from_str(&format!("/v1/orders/{}", placed.order.id)).map_err(Problem::internal)?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(order_out(placed))).into_response())
}

/// Your orders, the newest first
#[utoipa::path(get, path = "/v1/orders", tag = "orders", security(("bearer" = [])), params(PageParams), responses(
    (status = 200, body = Page<OrderSummaryOut>),
    (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`", body = ProblemSchema)
))]
pub async fn list_orders(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<OrderSummaryOut>>, Problem> {
    list_page(&shop, Some(identity.customer_id), &page).await
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

/// Calls an order off, before it is shipped
///
/// What was paid goes back.
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
    cancel_to_end(&shop, details, "cancelled by the shopper").await
}

/// All orders, the newest first
#[utoipa::path(get, path = "/v1/admin/orders", tag = "orders", security(("bearer" = [])), params(PageParams), responses(
    (status = 200, body = Page<OrderSummaryOut>),
    (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
    (status = 403, description = "`forbidden`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`", body = ProblemSchema)
))]
pub async fn admin_list_orders(
    State(shop): State<Shop>,
    _: Merchant,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<OrderSummaryOut>>, Problem> {
    list_page(&shop, None, &page).await
}

/// Any order
#[utoipa::path(get, path = "/v1/admin/orders/{id}", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
    (status = 403, description = "`forbidden`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn admin_get_order(
    State(shop): State<Shop>,
    _: Merchant,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    Ok(Answer(order_out(super::get_any(&shop, id).await?)))
}

/// What the plugins were asked for the price of an order
#[utoipa::path(get, path = "/v1/admin/orders/{id}/receipt", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = [ReceiptOut]),
    (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
    (status = 403, description = "`forbidden`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn admin_get_receipt(
    State(shop): State<Shop>,
    _: Merchant,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<ReceiptOut>>, Problem> {
    let json = |text: &str| serde_json::from_str(text).unwrap_or_default();
    let out = |receipt: receipts::Receipt| ReceiptOut {
        settings: json(&receipt.settings),
        input: json(&receipt.input),
        output: json(&receipt.output),
        domain: receipt.domain,
        plugin: receipt.plugin,
        version: receipt.version,
        digest: receipt.digest,
        input_sha256: receipt.input_sha256,
        fuel: receipt.fuel,
    };
    let receipts = receipts::list(&shop, id).await?;
    Ok(Answer(receipts.into_iter().map(out).collect()))
}

/// The goods are on their way
#[utoipa::path(post, path = "/v1/admin/orders/{id}/ship", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
    (status = 403, description = "`forbidden`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`", body = ProblemSchema)
))]
pub async fn ship_order(
    State(shop): State<Shop>,
    _: Merchant,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    super::get_any(&shop, id).await?;
    super::ship(&shop, id, "shipped by the merchant").await?;
    Ok(Answer(order_out(super::get_any(&shop, id).await?)))
}

/// The goods have arrived
#[utoipa::path(post, path = "/v1/admin/orders/{id}/deliver", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
    (status = 403, description = "`forbidden`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`", body = ProblemSchema)
))]
pub async fn deliver_order(
    State(shop): State<Shop>,
    _: Merchant,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    super::get_any(&shop, id).await?;
    super::deliver(&shop, id, "delivered").await?;
    Ok(Answer(order_out(super::get_any(&shop, id).await?)))
}

/// Calls any order off, before it is shipped
#[utoipa::path(post, path = "/v1/admin/orders/{id}/cancel", tag = "orders", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = OrderOut),
    (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
    (status = 403, description = "`forbidden`", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`order-state`", body = ProblemSchema)
))]
pub async fn admin_cancel_order(
    State(shop): State<Shop>,
    _: Merchant,
    Path(id): Path<Uuid>,
) -> Result<Answer<OrderOut>, Problem> {
    let details = super::get_any(&shop, id).await?;
    cancel_to_end(&shop, details, "cancelled by the merchant").await
}

async fn cancel_to_end(shop: &Shop, details: Details, cause: &'static str) -> Result<Answer<OrderOut>, Problem> {
    let work = {
        let shop = shop.clone();
        async move { super::cancel(&shop, details, cause).await }
    };
    let details = shop.run_to_end(work).await.map_err(Problem::internal)??;
    Ok(Answer(order_out(details)))
}

async fn list_page(
    shop: &Shop,
    customer_id: Option<Uuid>,
    page: &PageParams,
) -> Result<Answer<Page<OrderSummaryOut>>, Problem> {
    let limit = page.limit()?;
    let orders = super::list(shop, customer_id, page.key()?, limit).await?;
    Ok(Answer(Page::new(orders, limit, |order| (order.placed_at, order.id), summary_out)))
}

fn summary_out(order: Order) -> OrderSummaryOut {
    OrderSummaryOut {
        id: order.id,
        number: order.number,
        status: order.status.name(),
        currency: order.currency,
        total: order.total,
        placed_at: order.placed_at,
    }
}

fn order_out(details: Details) -> OrderOut {
    let Details { order, lines, adjustments, history, priced_by, payment } = details;
    let wanted = |wanted: &dyn Fn(Target) -> bool| -> Vec<OrderAdjustmentOut> {
        adjustments.iter().filter(|adjustment| wanted(adjustment.target)).map(adjustment_out).collect()
    };
    let lines = (0_i64..).zip(lines).map(|(position, line)| OrderLineOut {
        variant_id: line.variant_id,
        sku: line.sku,
        title: line.title,
        quantity: line.quantity,
        unit_price: line.unit_price,
        adjustments: wanted(&|target| target == Target::Line(position)),
        total: line.total,
    });
    OrderOut {
        id: order.id,
        number: order.number,
        status: order.status.name(),
        currency: order.currency,
        email: order.email,
        address: order.address,
        delivery: order.delivery,
        lines: lines.collect(),
        adjustments: wanted(&|target| !matches!(target, Target::Line(_))),
        goods_total: order.goods_total,
        discount_total: order.discount_total,
        fee_total: order.fee_total,
        delivery_total: order.delivery_total,
        tax_total: order.tax_total,
        tax_included_total: order.tax_included_total,
        total: order.total,
        payment: payment.map(payment_out),
        priced_by,
        history: history
            .into_iter()
            .map(|event| OrderEventOut { at: event.at, status: event.status, cause: event.cause })
            .collect(),
        placed_at: order.placed_at,
        updated_at: order.updated_at,
    }
}

fn adjustment_out(adjustment: &Adjustment) -> OrderAdjustmentOut {
    OrderAdjustmentOut {
        kind: adjustment.kind.clone(),
        code: adjustment.code.clone(),
        label: adjustment.label.clone(),
        amount: adjustment.amount,
    }
}

fn payment_out(payment: Payment) -> PaymentOut {
    let (decline_code, decline_message) = payment.decline.map(|decline| (decline.code, decline.message)).unzip();
    PaymentOut {
        method: format!("{}:{}", payment.plugin, payment.method),
        status: payment.status.name(),
        amount: payment.amount,
        reference: payment.reference,
        action: payment.action,
        decline_code,
        decline_message,
    }
}

/// A stale quote is answered with the cart as it stands, so that the shopper can be shown it.
fn problem(shop: &Shop, error: Error) -> Problem {
    match error {
        Error::StaleQuote(cart) => {
            let (contents, quoted) = *cart;
            Problem::new(Kind::StaleQuote).with("cart", carts::http::cart_out(shop, &contents, &quoted))
        }
        error => error.into(),
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Cart(error) => error.into(),
            Error::StaleQuote(_) => Problem::new(Kind::StaleQuote),
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
            Error::OutOfRange(_) | Error::CutOff(_) => Problem::internal(error),
            Error::Database(error) => error.into(),
        }
    }
}

impl From<StateError> for Problem {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Not(status) => Problem::new(Kind::OrderState).with("order_status", status.name()),
            StateError::Contended => Problem::new(Kind::Unavailable).detail("the order was changed at the same time"),
            StateError::Stock(error) => error.into(),
            StateError::Database(error) => error.into(),
        }
    }
}

impl From<inventory::Error> for Problem {
    fn from(error: inventory::Error) -> Self {
        match error {
            inventory::Error::Insufficient { sku, wanted, available } => {
                let count = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
                carts::http::insufficient(&[Shortage { sku, wanted: count(wanted), available: count(available) }])
            }
            inventory::Error::Database(error) => error.into(),
        }
    }
}
