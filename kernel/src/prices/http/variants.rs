//! What a variant costs, in every list: for the merchant who asks why.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::PriceListOut;
use crate::Shop;
use crate::accounts::is_code;
use crate::clock;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Path, Query};
use crate::money::{Amount, Currency};
use crate::prices::{self, PriceContext, VariantEntry, VariantPrices};
use crate::problem::{Problem, ProblemSchema};

/// For which shopper.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct VariantPricesParams {
    /// The shop's own where none is given.
    #[param(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
    /// Code of their customer group; none where none is given.
    #[param(min_length = 1, max_length = 50, pattern = "^[a-z0-9-]+$", example = "trade")]
    group: Option<String>,
}

/// What a shopper is asked for a piece. Minor units of the currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApplyingPriceOut {
    #[schema(value_type = i64, example = 590)]
    amount: Amount,
    /// What it cost before; null unless it was more.
    #[schema(value_type = Option<i64>, example = 690)]
    compare_at: Option<Amount>,
    /// Code of the price list that it is from; null for the variant's own price.
    #[schema(example = "summer-sale")]
    price_list: Option<String>,
}

/// A variant's price in one list.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantPriceOut {
    price_list: PriceListOut,
    #[schema(value_type = i64, example = 590)]
    amount: Amount,
    #[schema(value_type = Option<i64>, example = 690)]
    compare_at: Option<Amount>,
    /// Whether the list is active and in its period now, for whomever it is.
    in_force: bool,
    /// Whether this is the price that the shopper is asked.
    applies: bool,
}

/// What a variant costs.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantPricesOut {
    variant_id: Uuid,
    #[schema(example = "TEA-EARL-GREY-100")]
    sku: String,
    /// Its own price, in minor units of the shop's own currency.
    #[schema(value_type = i64, example = 690)]
    own_price: Amount,
    #[schema(value_type = Option<i64>, example = 890)]
    own_compare_at_price: Option<Amount>,
    /// That was asked for.
    #[schema(example = "EUR")]
    currency: &'static str,
    /// That was asked for.
    group: Option<String>,
    /// What applies now in this currency, to this group; null where it is not sold in it.
    applying: Option<ApplyingPriceOut>,
    /// Its price in every list, by the code of the list.
    prices: Vec<VariantPriceOut>,
}

/// What a variant costs in every price list, and which price applies
#[utoipa::path(
    get, path = "/v1/admin/variants/{id}/prices", tag = "prices", params(("id" = Uuid, Path), VariantPricesParams),
    security(("bearer" = [])),
    responses(
        (status = 200, body = VariantPricesOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn list_variant_prices(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Query(params): Query<VariantPricesParams>,
) -> Result<Answer<VariantPricesOut>, Problem> {
    let mut checks = Checks::default();
    let currency = shop.config().shop.find_currency(params.currency.as_deref());
    checks.require(currency.is_some(), "currency", "is not a currency in which the shop sells");
    checks.require(params.group.as_deref().is_none_or(is_code), "group", "is not the code of a customer group");
    checks.done()?;
    let currency = currency.unwrap_or(shop.config().shop.currency);
    let context = PriceContext::now(&shop, currency, params.group);
    let prices = prices::prices_of_variant(&shop, &context, id).await?;
    Ok(Answer(VariantPricesOut::new(prices, currency, context.group)))
}

impl VariantPricesOut {
    fn new(prices: VariantPrices, currency: Currency, group: Option<String>) -> Self {
        let now = clock::now();
        let list = prices.applying.as_ref().and_then(|price| price.list.clone());
        let entry = |entry: VariantEntry| VariantPriceOut {
            in_force: entry.list.is_in_force(now),
            applies: list.as_ref() == Some(&entry.list.code),
            price_list: entry.list.into(),
            amount: entry.amount,
            compare_at: entry.compare_at,
        };
        Self {
            variant_id: prices.variant_id,
            sku: prices.sku,
            own_price: prices.own,
            own_compare_at_price: prices.own_compare_at,
            currency: currency.code(),
            group,
            prices: prices.entries.into_iter().map(entry).collect(),
            applying: prices.applying.map(|price| ApplyingPriceOut {
                amount: price.amount,
                compare_at: price.compare_at,
                price_list: price.list,
            }),
        }
    }
}
