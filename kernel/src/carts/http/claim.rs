//! The cart of whoever is signed in.

use axum::Json as Answer;
use axum::extract::State;
use uuid::Uuid;

use super::cart_out;
use super::view::CartOut;
use crate::Shop;
use crate::carts;
use crate::http::auth::SignedIn;
use crate::http::extract::Path;
use crate::problem::{Problem, ProblemSchema};

/// Takes a guest's cart along when they have signed in
///
/// It becomes yours or, where you have an open cart already, is added to that one, the one that was changed last. Quantities add up as far as
/// limits and stock allow, and what is lost by that stands in `changes`; e-mail address, address and whatever else both have said stays as
/// your cart has it. The guest's cart is then `merged`, with `merged_into`. The answer is the cart that you have now; asked again, it is the same.
#[utoipa::path(post, path = "/v1/carts/{id}/claim", tag = "carts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn claim_cart(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<Answer<CartOut>, Problem> {
    let (contents, quoted) = carts::claim(&shop, id, identity.customer_id).await?;
    Ok(Answer(cart_out(&contents, &quoted)))
}

/// Your open cart
///
/// Of several, the one that was changed last. `not-found` where there is none: open one with `POST /v1/carts`.
#[utoipa::path(get, path = "/v1/me/cart", tag = "carts", security(("bearer" = [])), responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn get_my_cart(State(shop): State<Shop>, SignedIn(identity): SignedIn) -> Result<Answer<CartOut>, Problem> {
    let (contents, quoted) = carts::current(&shop, identity.customer_id).await?;
    Ok(Answer(cart_out(&contents, &quoted)))
}
