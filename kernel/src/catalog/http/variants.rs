//! Variants for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{check_amount, check_on_hand, check_sku, check_variant, present};
use crate::Shop;
use crate::catalog::{self, NewVariant, Variant, VariantPatch};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::money::Amount;
use crate::problem::{Problem, ProblemSchema};

/// A new variant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantIn {
    /// Unique in the shop, and never changed: orders and files know the variant by it.
    #[schema(min_length = 1, max_length = 100, example = "TEA-EARL-GREY-100")]
    sku: String,
    /// What tells it from the others; empty where there is only one.
    #[serde(default)]
    #[schema(max_length = 200, example = "100 g")]
    title: String,
    /// Minor units of the shop's currency.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 690)]
    price: Amount,
    /// What it cost before: shown crossed out where it is more than the price.
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 890)]
    compare_at_price: Option<Amount>,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 120)]
    weight_grams: i64,
    /// Pieces in the warehouse.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 25)]
    on_hand: i64,
}

/// Changes of a variant: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantPatchIn {
    #[schema(max_length = 200)]
    title: Option<String>,
    #[schema(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 790)]
    price: Option<Amount>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 990)]
    compare_at_price: Option<Option<Amount>>,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    weight_grams: Option<i64>,
    /// Pieces in the warehouse as counted, those that orders have reserved included: never fewer than these.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 40)]
    on_hand: Option<i64>,
}

/// A variant as the merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminVariantOut {
    id: Uuid,
    product_id: Uuid,
    #[schema(example = "TEA-EARL-GREY-100")]
    sku: String,
    #[schema(example = "100 g")]
    title: String,
    /// Minor units of the shop's currency.
    #[schema(example = 690)]
    price: Amount,
    #[schema(example = 890)]
    compare_at_price: Option<Amount>,
    weight_grams: i64,
    /// Pieces in the warehouse.
    on_hand: i64,
    /// The part of them that unpaid orders hold.
    reserved: i64,
    /// What can be sold now.
    available: i64,
}

/// Add a variant to a product
#[utoipa::path(
    post, path = "/v1/admin/products/{id}/variants", tag = "catalog", request_body = VariantIn,
    params(("id" = Uuid, Path, description = "The product")), security(("bearer" = [])),
    responses(
        (status = 201, description = "The variant", body = AdminVariantOut),
        (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
        (status = 403, description = "`forbidden`", body = ProblemSchema),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`sku-taken`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`", body = ProblemSchema)
    )
)]
pub async fn create_variant(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<VariantIn>,
) -> Result<(StatusCode, Answer<AdminVariantOut>), Problem> {
    let mut checks = Checks::default();
    body.check(&mut checks, "");
    checks.done()?;
    let variant = catalog::create_variant(&shop, id, &body.into_new()).await?;
    Ok((StatusCode::CREATED, Answer(variant.into())))
}

/// Change a variant: title, price, weight, stock
#[utoipa::path(
    patch, path = "/v1/admin/variants/{id}", tag = "catalog", request_body = VariantPatchIn,
    params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The variant", body = AdminVariantOut),
        (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
        (status = 403, description = "`forbidden`", body = ProblemSchema),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`, also for stock below what is reserved", body = ProblemSchema)
    )
)]
pub async fn patch_variant(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<VariantPatchIn>,
) -> Result<Answer<AdminVariantOut>, Problem> {
    let mut checks = Checks::default();
    check_variant(&mut checks, "", body.title.as_deref(), body.price, body.weight_grams);
    check_amount(&mut checks, "/compare_at_price", body.compare_at_price.flatten());
    if let Some(on_hand) = body.on_hand {
        check_on_hand(&mut checks, "", on_hand);
    }
    checks.done()?;
    let patch = VariantPatch {
        title: body.title.map(|title| title.trim().to_owned()),
        price: body.price,
        compare_at_price: body.compare_at_price,
        weight_grams: body.weight_grams,
        on_hand: body.on_hand,
    };
    Ok(Answer(catalog::patch_variant(&shop, id, patch).await?.into()))
}

/// Delete a variant: it leaves the carts that it is in
#[utoipa::path(
    delete, path = "/v1/admin/variants/{id}", tag = "catalog", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 204, description = "It is gone"),
        (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
        (status = 403, description = "`forbidden`", body = ProblemSchema),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_variant(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    catalog::delete_variant(&shop, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl VariantIn {
    pub(super) fn check(&self, checks: &mut Checks, at: &str) {
        check_sku(checks, at, &self.sku);
        check_variant(checks, at, Some(&self.title), Some(self.price), Some(self.weight_grams));
        check_amount(checks, &format!("{at}/compare_at_price"), self.compare_at_price);
        check_on_hand(checks, at, self.on_hand);
    }

    pub(super) fn into_new(self) -> NewVariant {
        NewVariant {
            sku: self.sku.trim().to_owned(),
            title: self.title.trim().to_owned(),
            price: self.price,
            compare_at_price: self.compare_at_price,
            weight_grams: self.weight_grams,
            on_hand: self.on_hand,
        }
    }
}

impl From<Variant> for AdminVariantOut {
    fn from(variant: Variant) -> Self {
        Self {
            id: variant.id,
            product_id: variant.product_id,
            sku: variant.sku,
            title: variant.title,
            price: variant.price,
            compare_at_price: variant.compare_at_price,
            weight_grams: variant.weight_grams,
            on_hand: variant.on_hand,
            reserved: variant.reserved,
            available: variant.on_hand - variant.reserved,
        }
    }
}
