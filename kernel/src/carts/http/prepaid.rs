//! What is to pay for a cart before any payment: gift cards and store credit.

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::changed;
use super::view::CartOut;
use crate::carts::{self, Change};
use crate::http::auth::{Caller, SignedIn};
use crate::http::extract::{Checks, Json, Path};
use crate::prepaid::{self, Code};
use crate::problem::{Problem, ProblemSchema};
use crate::{Shop, clock};

/// All gift cards of the cart, in the order in which they are to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartGiftCardsIn {
    /// As they are written on the cards. `carts.max_gift_cards` at most.
    #[schema(max_items = 10, example = json!(["4G7N-0QZK-J8XM-22RT-7K2Q"]))]
    codes: Vec<String>,
}

/// Whether my store credit is to pay.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "use": true }))]
pub struct CartStoreCreditIn {
    #[serde(rename = "use")]
    wanted: bool,
}

/// Sets the gift cards that are to pay
///
/// The cart keeps no codes and shows the last four characters of each; send all of them again to change them. A code that is wrong,
/// expired, switched off, or of a card in another currency than the cart's is refused, and nothing changes. Nothing is taken before the checkout. Throttled:
/// `throttle.gift_cards`.
#[utoipa::path(put, path = "/v1/carts/{id}/gift-cards", tag = "carts", params(("id" = Uuid, Path)), request_body = CartGiftCardsIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn put_gift_cards(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<CartGiftCardsIn>,
) -> Result<Answer<CartOut>, Problem> {
    let max = shop.config().carts.max_gift_cards.min(10) as usize;
    let mut checks = Checks::default();
    checks.require(body.codes.len() <= max, "/codes", &format!("at most {max}"));
    checks.done()?;
    let cart = carts::get(&shop, id, caller.customer_id()).await?.cart;
    let mut ids = Vec::new();
    for (index, text) in body.codes.iter().enumerate() {
        let card = match Code::parse(text) {
            Some(code) => prepaid::find_by_code(&shop, &code).await?,
            None => None,
        };
        let card = card.filter(|card| card.is_usable(clock::now()));
        let wrong = || Problem::invalid_field(format!("/codes/{index}"), "is not a gift card that can be used");
        let card = card.ok_or_else(wrong)?;
        if card.currency != cart.currency.code() {
            let detail = format!("is a gift card in {}, and the cart is in {}", card.currency, cart.currency);
            return Err(Problem::invalid_field(format!("/codes/{index}"), detail));
        }
        if !ids.contains(&card.id) {
            ids.push(card.id);
        }
    }
    changed(&shop, id, caller, Change::SetGiftCards(ids)).await
}

/// Sets whether my store credit is to pay
///
/// After the gift cards. Only in a cart of one's own; nothing is taken before the checkout.
#[utoipa::path(put, path = "/v1/carts/{id}/store-credit", tag = "carts", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = CartStoreCreditIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`: also a guest's cart", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn put_store_credit(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<CartStoreCreditIn>,
) -> Result<Answer<CartOut>, Problem> {
    changed(&shop, id, Caller(Some(identity)), Change::SetStoreCredit(body.wanted)).await
}
