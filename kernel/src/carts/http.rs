//! Carts over HTTP.

mod acknowledge;
mod billing;
mod claim;
mod lines;
mod merchant;
mod prepaid;
mod price;
mod view;
mod words;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Change, Contents, Error, Quoted, Shortage};
use crate::Shop;
use crate::accounts;
use crate::address::Address;
use crate::http::auth::Caller;
use crate::http::extract::{Checks, Json, Path, parse_json};
use crate::plugins::OptionId;
use crate::problem::{Kind, Problem, ProblemSchema};

pub use acknowledge::*;
pub use billing::*;
pub use claim::*;
pub use lines::*;
pub use merchant::*;
pub use prepaid::*;
pub use price::*;
use view::CartOut;
pub use view::{DeliveryOptionOut, PaymentMethodOut, cart_out, delivery_out, payment_method_out};
pub use words::*;

/// A new cart.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartIn {
    /// BCP 47 tag of labels and messages; the shop's own where none is given.
    #[schema(example = "en")]
    locale: Option<String>,
    /// One in which the shop sells: its own where none is given. It stays.
    #[schema(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
}

/// All coupon codes of the cart, in the order typed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponsIn {
    #[schema(example = json!(["WELCOME10"]))]
    coupons: Vec<String>,
}

/// Where confirmations go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailIn {
    #[schema(example = "ada@example.org")]
    email: String,
}

/// The chosen delivery.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryOptionIn {
    /// `id` of an entry of the delivery options.
    #[schema(example = "delivery-rates:standard", pattern = "^[!-9;-~]{1,64}:[!-~]{1,64}$")]
    id: String,
}

/// Opens an empty cart
///
/// Signed in, it is yours alone; as a guest, it belongs to whoever knows its id.
#[utoipa::path(post, path = "/v1/carts", tag = "carts", request_body = CartIn, responses(
    (status = 201, body = CartOut)
))]
pub async fn create_cart(
    State(shop): State<Shop>,
    caller: Caller,
    Json(body): Json<CartIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    if let Some(locale) = &body.locale {
        checks.require(crate::accounts::is_locale(locale), "/locale", "must be a BCP 47 tag such as en or ru-RU");
    }
    let currency = shop.config().shop.find_currency(body.currency.as_deref());
    checks.require(currency.is_some(), "/currency", "is not a currency in which the shop sells");
    checks.done()?;
    let currency = currency.unwrap_or(shop.config().shop.currency);
    let contents = super::create(&shop, caller.customer_id(), currency, body.locale).await?;
    let location = HeaderValue::from_str(&format!("/v1/carts/{}", contents.cart.id)).map_err(Problem::internal)?;
    let cart = priced(&shop, &contents).await?;
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], cart).into_response())
}

/// The cart, priced now
///
/// What it shows is held for the shop's time (`price_held_until` of each line); what has changed since they were shown it stands in
/// `changes`. A cart that was added to another one has `status` `merged` and `merged_into`.
#[utoipa::path(get, path = "/v1/carts/{id}", tag = "carts", params(("id" = Uuid, Path)), responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn get_cart(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<CartOut>, Problem> {
    let (contents, quoted) = super::show(&shop, id, caller.customer_id()).await?;
    Ok(Answer(cart_out(&contents, &quoted)))
}

/// Sets the coupon codes
///
/// A code that is unknown or does not apply is kept, and `coupons` of the answer says so.
#[utoipa::path(put, path = "/v1/carts/{id}/coupons", tag = "carts", params(("id" = Uuid, Path)), request_body = CouponsIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn put_coupons(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<CouponsIn>,
) -> Result<Answer<CartOut>, Problem> {
    let max = shop.config().carts.max_coupons.min(10) as usize;
    let mut checks = Checks::default();
    checks.require(body.coupons.len() <= max, "/coupons", &format!("at most {max}"));
    for (index, code) in body.coupons.iter().enumerate() {
        checks.text(code, 1, 64, &format!("/coupons/{index}"));
    }
    checks.done()?;
    let mut codes: Vec<String> = Vec::new();
    for code in body.coupons.iter().map(|code| code.trim()) {
        if !codes.iter().any(|known| known == code) {
            codes.push(code.to_owned());
        }
    }
    changed(&shop, id, caller, Change::SetCoupons(codes)).await
}

/// An address, or one of the address book of whoever is signed in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum CartAddressIn {
    Saved(SavedAddressRef),
    Written(Address),
}

/// An address of the address book.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedAddressRef {
    address_id: Uuid,
}

impl CartAddressIn {
    /// Not by serde's `untagged`, which is here for the document only: it cannot say what is wrong with either shape.
    fn parse(body: &Value) -> Result<Self, Problem> {
        let text = body.to_string();
        match body.get("address_id") {
            Some(_) => parse_json(text.as_bytes()).map(Self::Saved),
            None => parse_json(text.as_bytes()).map(Self::Written),
        }
    }
}

/// Somebody else's address is as unknown as none.
async fn saved_address(shop: &Shop, caller: &Caller, address_id: Uuid) -> Result<Address, Problem> {
    let saved = match caller.customer_id() {
        Some(customer_id) => accounts::find_address(shop, customer_id, address_id).await?,
        None => None,
    };
    let saved = saved.ok_or_else(|| Problem::invalid_field("/address_id", "there is no such address in your book"))?;
    Ok(saved.address)
}

async fn address_of(shop: &Shop, caller: &Caller, body: &Value) -> Result<Address, Problem> {
    match CartAddressIn::parse(body)? {
        CartAddressIn::Saved(SavedAddressRef { address_id }) => saved_address(shop, caller, address_id).await,
        CartAddressIn::Written(address) => {
            let address = address.trimmed();
            let mut checks = Checks::default();
            checks.address(&address, "");
            checks.done()?;
            Ok(address)
        }
    }
}

/// Sets the address that the goods go to
#[utoipa::path(put, path = "/v1/carts/{id}/address", tag = "carts", params(("id" = Uuid, Path)), request_body = CartAddressIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn put_address(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<Value>,
) -> Result<Answer<CartOut>, Problem> {
    let address = address_of(&shop, &caller, &body).await?;
    changed(&shop, id, caller, Change::SetAddress(address)).await
}

/// Sets where confirmations go
#[utoipa::path(put, path = "/v1/carts/{id}/email", tag = "carts", params(("id" = Uuid, Path)), request_body = EmailIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn put_email(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<EmailIn>,
) -> Result<Answer<CartOut>, Problem> {
    let email = body.email.trim();
    if email.len() > 254 || !email_address::EmailAddress::is_valid(email) {
        return Err(Problem::invalid_field("/email", "must be an e-mail address"));
    }
    changed(&shop, id, caller, Change::SetEmail(email.to_owned())).await
}

/// Chooses how the goods are delivered
#[utoipa::path(put, path = "/v1/carts/{id}/delivery-option", tag = "carts", params(("id" = Uuid, Path)), request_body = DeliveryOptionIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`delivery-option-unavailable`, `cart-incomplete` (no address yet), `cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn put_delivery_option(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<DeliveryOptionIn>,
) -> Result<Answer<CartOut>, Problem> {
    let option: OptionId =
        body.id.parse().map_err(|()| Problem::invalid_field("/id", "must be the id of a delivery option"))?;
    let contents = super::get(&shop, id, caller.customer_id()).await?;
    contents.cart.require_open()?;
    if contents.cart.address.is_none() {
        return Err(Error::Incomplete(vec!["address"]).into());
    }
    changed(&shop, id, caller, Change::SetDelivery(option)).await
}

/// The ways to deliver this cart; none before there is an address
#[utoipa::path(get, path = "/v1/carts/{id}/delivery-options", tag = "carts", params(("id" = Uuid, Path)), responses(
    (status = 200, body = [DeliveryOptionOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn list_delivery_options(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<DeliveryOptionOut>>, Problem> {
    let contents = super::get(&shop, id, caller.customer_id()).await?;
    let offered = super::quote::offered(&shop, &contents).await?;
    let currency = contents.cart.currency;
    Ok(Answer(offered.options.into_iter().map(|option| delivery_out(currency, option)).collect()))
}

/// The ways to pay for this cart
#[utoipa::path(get, path = "/v1/carts/{id}/payment-methods", tag = "carts", params(("id" = Uuid, Path)), responses(
    (status = 200, body = [PaymentMethodOut]),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`, `payment-unavailable`", body = ProblemSchema)
))]
pub async fn list_payment_methods(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
) -> Result<Answer<Vec<PaymentMethodOut>>, Problem> {
    let contents = super::get(&shop, id, caller.customer_id()).await?;
    let methods = super::payment_methods(&shop, &contents).await?;
    Ok(Answer(methods.into_iter().map(payment_method_out).collect()))
}

async fn changed(shop: &Shop, id: Uuid, caller: Caller, change: Change) -> Result<Answer<CartOut>, Problem> {
    let (contents, quoted) = super::change(shop, id, caller.customer_id(), &change).await?;
    Ok(Answer(cart_out(&contents, &quoted)))
}

/// The problem that shows the cart as it stands now.
pub fn stale(contents: &Contents, quoted: &Quoted) -> Problem {
    Problem::new(Kind::StaleQuote).with("cart", cart_out(contents, quoted))
}

async fn priced(shop: &Shop, contents: &Contents) -> Result<Answer<CartOut>, Problem> {
    let quoted = super::quote(shop, contents).await?;
    Ok(Answer(cart_out(contents, &quoted)))
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::NotFound | Error::LineNotFound => Problem::not_found(),
            Error::Closed(order_id) => Problem::new(Kind::CartClosed).with("order_id", order_id),
            Error::Merged(cart_id) => Problem::new(Kind::CartClosed).with("merged_into", cart_id),
            Error::Stale(_) => Problem::new(Kind::StaleQuote),
            Error::UnknownVariant => Problem::invalid_field("", "there is no such variant on sale"),
            Error::PriceMissing(skus) => Problem::new(Kind::PriceMissing).with("skus", skus),
            Error::Insufficient(lines) => insufficient(&lines),
            Error::Invalid(pointer, detail) => Problem::invalid_field(pointer, detail),
            Error::Incomplete(missing) => Problem::new(Kind::CartIncomplete).with("missing", missing),
            Error::DeliveryUnavailable => Problem::new(Kind::DeliveryOptionUnavailable),
            Error::Pricing(error) => Problem::new(Kind::PricingUnavailable).with("reason", error.code()),
            Error::Payment(error) => Problem::new(Kind::PaymentUnavailable).with("reason", error.code()),
            Error::Contended => {
                Problem::new(Kind::Unavailable).detail("the cart was changed at the same time; try again")
            }
            Error::Database(error) => error.into(),
        }
    }
}

/// The problem that names what there is too little of.
pub fn insufficient(lines: &[Shortage]) -> Problem {
    Problem::new(Kind::InsufficientStock).with("lines", lines)
}
