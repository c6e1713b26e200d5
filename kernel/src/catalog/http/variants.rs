//! Variants for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::values::{AttributeChanges, check_attribute_count, trimmed, trimmed_changes};
use super::{check_amount, check_on_hand, check_sku, check_variant, expected_version, version_tag};
use crate::Shop;
use crate::catalog::{
    self, AttributeValues, Chosen, MAX_BARCODE, MAX_OPTIONS, MAX_SIDE_MM, NewVariant, ProductOption, Variant,
    VariantPatch, is_barcode,
};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, present};
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
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 690)]
    price: Amount,
    /// What it cost before: shown crossed out where it is more than the price.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 890)]
    compare_at_price: Option<Amount>,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 120)]
    weight_grams: i64,
    /// The code of its value of each of the product's options. They make its title.
    #[serde(default)]
    #[schema(example = json!({}))]
    options: Chosen,
    /// Those of the product's type that variants have, by code.
    #[serde(default)]
    #[schema(example = json!({}))]
    attributes: AttributeValues,
    /// A GTIN (EAN, UPC) must have its check digit.
    #[serde(default)]
    #[schema(max_length = 64, example = "4006381333931")]
    barcode: String,
    /// Packed; 0 where it is not known.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    length_mm: i64,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    width_mm: i64,
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    height_mm: i64,
    /// Pieces on hand.
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
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 790)]
    price: Option<Amount>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 990)]
    compare_at_price: Option<Option<Amount>>,
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    weight_grams: Option<i64>,
    /// One value for each of the product's options, by codes.
    #[schema(example = json!({}))]
    options: Option<Chosen>,
    /// Those that it names; null takes a value away.
    #[serde(default)]
    #[schema(example = json!({}))]
    attributes: AttributeChanges,
    #[schema(max_length = 64, example = "4006381333931")]
    barcode: Option<String>,
    #[schema(minimum = 0, maximum = 1_000_000)]
    length_mm: Option<i64>,
    #[schema(minimum = 0, maximum = 1_000_000)]
    width_mm: Option<i64>,
    #[schema(minimum = 0, maximum = 1_000_000)]
    height_mm: Option<i64>,
    /// Its place among the variants, from 0.
    #[schema(minimum = 0, maximum = 199)]
    position: Option<i64>,
    /// Pieces on hand as counted, those that orders hold included, never fewer than these. With several locations the
    /// difference is booked at the default one; `/v1/admin/variants/{id}/stock/{location}` counts each.
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
    #[schema(value_type = i64, example = 690)]
    price: Amount,
    #[schema(value_type = Option<i64>, example = 890)]
    compare_at_price: Option<Amount>,
    weight_grams: i64,
    /// The code of its value of each option.
    #[schema(example = json!({ "size": "m" }))]
    options: Chosen,
    #[schema(example = json!({ "grind": "fine" }))]
    attributes: AttributeValues,
    barcode: String,
    length_mm: i64,
    width_mm: i64,
    height_mm: i64,
    position: i64,
    /// Pieces on hand.
    on_hand: i64,
    /// What orders that are not shipped hold; more than is on hand where goods were promised before they came.
    reserved: i64,
    /// What can be ordered now; more than what no order holds where it may be promised before it comes, and 1,000,000
    /// where there is no limit.
    available: i64,
}

/// Add a variant to a product
#[utoipa::path(
    post, path = "/v1/admin/products/{id}/variants", tag = "catalog", request_body = VariantIn,
    params(("id" = Uuid, Path, description = "The product")), security(("bearer" = [])),
    responses(
        (status = 201, description = "The variant, with the new ETag of its product", body = AdminVariantOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`sku-taken`", body = ProblemSchema)
    )
)]
pub async fn create_variant(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<VariantIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    body.check(&mut checks, "");
    checks.done()?;
    let (variant, version, options) = catalog::create_variant(&shop, id, &body.into_new()).await?;
    Ok((StatusCode::CREATED, answer(variant, version, &options)).into_response())
}

/// Change a variant: title, price, compare-at price, weight, stock
#[utoipa::path(
    patch, path = "/v1/admin/variants/{id}", tag = "catalog", request_body = VariantPatchIn,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag of the product: change only this version")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The variant, with the new ETag of its product", body = AdminVariantOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`, also for stock below what is reserved", body = ProblemSchema)
    )
)]
pub async fn patch_variant(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<VariantPatchIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    check_variant(&mut checks, "", body.title.as_deref(), body.price, body.weight_grams);
    check_amount(&mut checks, "/compare_at_price", body.compare_at_price.flatten());
    if let Some(on_hand) = body.on_hand {
        check_on_hand(&mut checks, "", on_hand);
    }
    check_size(&mut checks, "", body.length_mm, body.width_mm, body.height_mm);
    if let Some(barcode) = &body.barcode {
        check_barcode(&mut checks, "", barcode);
    }
    check_attribute_count(&mut checks, "", body.attributes.len());
    checks.require(body.options.as_ref().is_none_or(|chosen| chosen.len() <= MAX_OPTIONS), "/options", "are too many");
    checks.require(body.position.is_none_or(|position| position >= 0), "/position", "must be 0 or more");
    checks.done()?;
    let patch = VariantPatch {
        title: body.title.map(|title| title.trim().to_owned()),
        price: body.price,
        compare_at_price: body.compare_at_price,
        weight_grams: body.weight_grams,
        options: body.options,
        attributes: trimmed_changes(body.attributes),
        barcode: body.barcode.map(|barcode| barcode.trim().to_owned()),
        length_mm: body.length_mm,
        width_mm: body.width_mm,
        height_mm: body.height_mm,
        position: body.position,
        on_hand: body.on_hand,
    };
    let (variant, version, options) = catalog::patch_variant(&shop, id, patch, expected_version(&headers)?).await?;
    Ok(answer(variant, version, &options))
}

/// Delete a variant: it leaves the carts that it is in
#[utoipa::path(
    delete, path = "/v1/admin/variants/{id}", tag = "catalog", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag of the product: delete only then")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`stock-in-use`: orders that are not shipped hold some of it", body = ProblemSchema)
    )
)]
pub async fn delete_variant(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    catalog::delete_variant(&shop, id, expected_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl VariantIn {
    pub(super) fn check(&self, checks: &mut Checks, at: &str) {
        check_sku(checks, at, &self.sku);
        check_variant(checks, at, Some(&self.title), Some(self.price), Some(self.weight_grams));
        check_amount(checks, &format!("{at}/compare_at_price"), self.compare_at_price);
        check_on_hand(checks, at, self.on_hand);
        check_size(checks, at, Some(self.length_mm), Some(self.width_mm), Some(self.height_mm));
        check_barcode(checks, at, &self.barcode);
        check_attribute_count(checks, at, self.attributes.len());
        checks.require(self.options.len() <= MAX_OPTIONS, &format!("{at}/options"), "are too many");
    }

    pub(super) fn into_new(self) -> NewVariant {
        NewVariant {
            sku: self.sku.trim().to_owned(),
            title: self.title.trim().to_owned(),
            price: self.price,
            compare_at_price: self.compare_at_price,
            weight_grams: self.weight_grams,
            options: self.options,
            attributes: trimmed(self.attributes),
            barcode: self.barcode.trim().to_owned(),
            length_mm: self.length_mm,
            width_mm: self.width_mm,
            height_mm: self.height_mm,
            on_hand: self.on_hand,
        }
    }
}

fn check_size(checks: &mut Checks, at: &str, length: Option<i64>, width: Option<i64>, height: Option<i64>) {
    for (name, value) in [("length_mm", length), ("width_mm", width), ("height_mm", height)] {
        let detail = format!("must be 0 to {MAX_SIDE_MM}");
        checks.require(value.is_none_or(|value| (0..=MAX_SIDE_MM).contains(&value)), &format!("{at}/{name}"), &detail);
    }
}

fn check_barcode(checks: &mut Checks, at: &str, barcode: &str) {
    checks.line(barcode, 0, MAX_BARCODE, &format!("{at}/barcode"));
    checks.require(is_barcode(barcode.trim()), &format!("{at}/barcode"), "has not the check digit of a GTIN");
}

fn answer(variant: Variant, version: i64, options: &[ProductOption]) -> Response {
    ([(header::ETAG, version_tag(version))], Answer(AdminVariantOut::new(variant, options))).into_response()
}

impl AdminVariantOut {
    pub(super) fn new(variant: Variant, options: &[ProductOption]) -> Self {
        Self {
            id: variant.id,
            product_id: variant.product_id,
            sku: variant.sku,
            title: variant.title,
            price: variant.price,
            compare_at_price: variant.compare_at_price,
            weight_grams: variant.weight_grams,
            options: catalog::chosen(options, &variant.options),
            attributes: variant.attributes,
            barcode: variant.barcode,
            length_mm: variant.length_mm,
            width_mm: variant.width_mm,
            height_mm: variant.height_mm,
            position: variant.position,
            on_hand: variant.on_hand,
            reserved: variant.reserved,
            available: variant.available,
        }
    }
}
