//! Lines of a cart.

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::changed;
use super::view::CartOut;
use super::words::{attributes_schema, check_attributes, check_note};
use crate::Shop;
use crate::carts::change::VariantRef;
use crate::carts::{Attributes, Change};
use crate::catalog::MAX_SKU;
use crate::http::auth::Caller;
use crate::http::extract::{Checks, Json, Path};
use crate::problem::{Problem, ProblemSchema};

/// What to put into the cart: one of `variant_id` and `sku`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LineIn {
    variant_id: Option<Uuid>,
    #[schema(example = "TEA-EARL-GREY-100", min_length = 1, max_length = 100)]
    sku: Option<String>,
    #[schema(minimum = 1, maximum = 1_000_000, example = 2)]
    quantity: u32,
    /// For whoever packs it. Left out, the note of the line that it joins stays. As many characters as `carts.max_note_chars`.
    #[schema(max_length = 1000, example = "as a gift, please")]
    note: Option<String>,
    #[schema(schema_with = attributes_schema, required = false)]
    #[serde(default)]
    attributes: Attributes,
}

/// What changes of a line. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinePatch {
    /// 0 removes the line.
    #[schema(maximum = 1_000_000, example = 3)]
    quantity: Option<u32>,
    /// Empty: none. As many characters as `carts.max_note_chars`.
    #[schema(max_length = 1000)]
    note: Option<String>,
}

/// Adds a variant; more of it joins the line that is there
///
/// The same variant with other attributes is another line.
#[utoipa::path(post, path = "/v1/carts/{id}/lines", tag = "carts", params(("id" = Uuid, Path)), request_body = LineIn, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`insufficient-stock`, `price-missing`: it is not sold in the currency of the cart, `cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn add_line(
    State(shop): State<Shop>,
    caller: Caller,
    Path(id): Path<Uuid>,
    Json(body): Json<LineIn>,
) -> Result<Answer<CartOut>, Problem> {
    let mut checks = Checks::default();
    checks.require((1..=1_000_000).contains(&body.quantity), "/quantity", "must be 1 to 1,000,000");
    checks.require(body.variant_id.is_some() != body.sku.is_some(), "", "name one of variant_id and sku");
    if let Some(sku) = &body.sku {
        checks.text(sku, 1, MAX_SKU, "/sku");
    }
    check_note(&mut checks, &shop, body.note.as_deref());
    check_attributes(&mut checks, &shop, &body.attributes);
    checks.done()?;
    let variant = match (body.variant_id, body.sku) {
        (Some(id), _) => VariantRef::Id(id),
        (None, sku) => VariantRef::Sku(sku.unwrap_or_default()),
    };
    let note = body.note.map(|note| note.trim().to_owned());
    changed(&shop, id, caller, Change::AddLine { variant, quantity: body.quantity, note, attributes: body.attributes })
        .await
}

/// Changes the quantity or the note of a line; quantity 0 removes it
///
/// Attributes make the line what it is: for others, remove it and add another one.
#[utoipa::path(patch, path = "/v1/carts/{id}/lines/{line_id}", tag = "carts",
    params(("id" = Uuid, Path), ("line_id" = Uuid, Path)), request_body = LinePatch, responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`insufficient-stock`, `price-missing`: it is not sold in the currency of the cart, `cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn patch_line(
    State(shop): State<Shop>,
    caller: Caller,
    Path((id, line_id)): Path<(Uuid, Uuid)>,
    Json(body): Json<LinePatch>,
) -> Result<Answer<CartOut>, Problem> {
    let mut checks = Checks::default();
    check_note(&mut checks, &shop, body.note.as_deref());
    checks.done()?;
    let change = match body.quantity {
        Some(0) => Change::RemoveLine { line_id },
        quantity => Change::ChangeLine { line_id, quantity, note: body.note.map(|note| note.trim().to_owned()) },
    };
    changed(&shop, id, caller, change).await
}

/// Removes a line
#[utoipa::path(delete, path = "/v1/carts/{id}/lines/{line_id}", tag = "carts",
    params(("id" = Uuid, Path), ("line_id" = Uuid, Path)), responses(
    (status = 200, body = CartOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`cart-closed`", body = ProblemSchema),
    (status = 503, description = "`pricing-unavailable`", body = ProblemSchema)
))]
pub async fn delete_line(
    State(shop): State<Shop>,
    caller: Caller,
    Path((id, line_id)): Path<(Uuid, Uuid)>,
) -> Result<Answer<CartOut>, Problem> {
    changed(&shop, id, caller, Change::RemoveLine { line_id }).await
}
