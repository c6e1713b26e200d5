//! Prices of many variants at once.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::catalog::{self, MAX_SKU, PriceChange, PriceLine, Repriced, Which};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, present};
use crate::money::{Amount, MAX_AMOUNT};
use crate::problem::{Problem, ProblemSchema};

/// Most that a price may change by, in basis points: a hundredfold.
const MAX_PERCENT: i64 = 1_000_000;
/// Coarsest rounding.
const MAX_ROUND_TO: i64 = 1_000_000;

/// Prices to be changed, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkPricesIn {
    /// Change nothing, and answer what would be.
    #[serde(default)]
    dry_run: bool,
    /// Prices that follow from a percentage become the nearest multiple of so many minor units, and a half the higher one.
    #[serde(default = "one")]
    #[schema(minimum = 1, maximum = 1_000_000, example = 5)]
    round_to: i64,
    /// At most `catalog.max_bulk_lines`, each about another variant.
    #[schema(min_items = 1)]
    lines: Vec<BulkPriceLineIn>,
}

/// A variant by its id or its SKU, and one of the three changes, `compare_at_price` or both.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkPriceLineIn {
    variant_id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 100, example = "TEA-SENCHA-100")]
    sku: Option<String>,
    /// The new price, in minor units.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 990)]
    price: Option<Amount>,
    /// What is added to it, in minor units.
    #[schema(value_type = Option<i64>, minimum = -9_007_199_254_740_991_i64, maximum = 9_007_199_254_740_991_i64)]
    add: Option<Amount>,
    /// What is added to it, in basis points: -1000 takes a tenth away.
    #[schema(minimum = -10000, maximum = 1_000_000)]
    percent_bp: Option<i64>,
    /// What it cost before, in minor units; null says nothing of it any more.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 1190)]
    compare_at_price: Option<Option<Amount>>,
}

/// What became of prices.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkPricesOut {
    dry_run: bool,
    #[schema(example = "EUR")]
    currency: &'static str,
    /// In the order of the lines.
    lines: Vec<RepricedOut>,
}

/// A price before and after, in minor units.
#[derive(Debug, Serialize, ToSchema)]
pub struct RepricedOut {
    variant_id: Uuid,
    #[schema(example = "TEA-SENCHA-100")]
    sku: String,
    #[schema(value_type = i64, example = 1190)]
    before: Amount,
    #[schema(value_type = i64, example = 990)]
    after: Amount,
    /// What it cost before, as it was and as it is said now.
    #[schema(value_type = Option<i64>)]
    compare_at_before: Option<Amount>,
    #[schema(value_type = Option<i64>, example = 1190)]
    compare_at_after: Option<Amount>,
}

/// Change the prices of many variants, all or none
///
/// Variants whose price is so already are left alone: neither their product's ETag changes, nor is anybody told.
#[utoipa::path(
    post, path = "/v1/admin/bulk/prices", tag = "catalog", request_body = BulkPricesIn, security(("bearer" = [])),
    responses(
        (status = 200, description = "Each price before and after", body = BulkPricesOut),
        (status = 422, description = "`invalid-request`: `errors` names each line that cannot be done; nothing is changed", body = ProblemSchema)
    )
)]
pub async fn change_prices_in_bulk(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Json(body): Json<BulkPricesIn>,
) -> Result<Answer<BulkPricesOut>, Problem> {
    let max = shop.config().catalog.max_bulk_lines;
    let mut checks = Checks::default();
    checks.require((1..=max).contains(&body.lines.len()), "/lines", &format!("must be 1 to {max}"));
    let detail = format!("must be 1 to {MAX_ROUND_TO}");
    checks.require((1..=MAX_ROUND_TO).contains(&body.round_to), "/round_to", &detail);
    let mut lines = Vec::with_capacity(body.lines.len().min(max));
    for (index, line) in body.lines.into_iter().enumerate().take(max) {
        lines.extend(line.check(&mut checks, &format!("/lines/{index}")));
    }
    checks.done()?;
    let repriced = catalog::change_prices(&shop, &lines, body.round_to, body.dry_run).await?;
    Ok(Answer(BulkPricesOut {
        dry_run: body.dry_run,
        currency: shop.config().shop.currency.code(),
        lines: repriced.into_iter().map(RepricedOut::from).collect(),
    }))
}

fn one() -> i64 {
    1
}

impl BulkPriceLineIn {
    fn check(self, checks: &mut Checks, at: &str) -> Option<PriceLine> {
        let which = check_which(checks, at, self.variant_id, self.sku);
        let price = format!("must be 0 to {MAX_AMOUNT}");
        checks.require(self.price.is_none_or(|to| (0..=MAX_AMOUNT).contains(&to)), &format!("{at}/price"), &price);
        let add = format!("must be -{MAX_AMOUNT} to {MAX_AMOUNT}");
        let fits = self.add.is_none_or(|add| (-MAX_AMOUNT..=MAX_AMOUNT).contains(&add));
        checks.require(fits, &format!("{at}/add"), &add);
        let percent = format!("must be -10000 to {MAX_PERCENT}");
        let fits = self.percent_bp.is_none_or(|points| (-10_000..=MAX_PERCENT).contains(&points));
        checks.require(fits, &format!("{at}/percent_bp"), &percent);
        let change = match (self.price, self.add, self.percent_bp) {
            (Some(price), None, None) => Some(PriceChange::To(price)),
            (None, Some(amount), None) => Some(PriceChange::By(amount)),
            (None, None, Some(points)) => Some(PriceChange::ByPercent(points)),
            _ => None,
        };
        let compare_at = self.compare_at_price;
        let fits = compare_at.flatten().is_none_or(|amount| (0..=MAX_AMOUNT).contains(&amount));
        checks.require(fits, &format!("{at}/compare_at_price"), &price);
        let none = self.price.is_none() && self.add.is_none() && self.percent_bp.is_none();
        let one = change.is_some() || none && compare_at.is_some();
        checks.require(one, at, "must have one of price, add and percent_bp, or compare_at_price");
        Some(PriceLine { which: which?, change, compare_at })
    }
}

/// One of the two names of a variant.
pub fn check_which(checks: &mut Checks, at: &str, id: Option<Uuid>, sku: Option<String>) -> Option<Which> {
    let which = match (id, sku) {
        (Some(id), None) => Some(Which::Id(id)),
        (None, Some(sku)) => {
            checks.text(&sku, 1, MAX_SKU, &format!("{at}/sku"));
            Some(Which::Sku(sku))
        }
        _ => None,
    };
    checks.require(which.is_some(), at, "must have variant_id or sku");
    which
}

impl From<Repriced> for RepricedOut {
    fn from(line: Repriced) -> Self {
        Self {
            variant_id: line.variant_id,
            sku: line.sku,
            before: line.before,
            after: line.after,
            compare_at_before: line.compare_at_before,
            compare_at_after: line.compare_at_after,
        }
    }
}
