//! The prices of a price list, for the merchant.

use std::collections::HashSet;

use axum::Json as Answer;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::PriceListOut;
use super::lists::answer;
use crate::Shop;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::money::{Amount, MAX_AMOUNT};
use crate::prices::{self, Entry, MAX_ENTRIES_AT_ONCE, NewEntry};
use crate::problem::{Problem, ProblemSchema};

/// What a variant costs in a list. Minor units of its currency.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceIn {
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 590)]
    amount: Amount,
    /// What it cost before: shown crossed out where it is more.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 690)]
    compare_at: Option<Amount>,
}

/// The price of one variant among many.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantPriceIn {
    variant_id: Uuid,
    #[schema(value_type = i64, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 590)]
    amount: Amount,
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 690)]
    compare_at: Option<Amount>,
}

/// Many prices at once.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PricesIn {
    #[schema(min_items = 1, max_items = 1_000)]
    prices: Vec<VariantPriceIn>,
}

/// A price in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListPriceOut {
    variant_id: Uuid,
    #[schema(example = "TEA-EARL-GREY-100")]
    sku: String,
    #[schema(value_type = i64, example = 590)]
    amount: Amount,
    #[schema(value_type = Option<i64>, example = 690)]
    compare_at: Option<Amount>,
}

/// The prices of a list
#[utoipa::path(
    get, path = "/v1/admin/price-lists/{id}/prices", tag = "prices", params(("id" = Uuid, Path), PageParams),
    security(("bearer" = [])),
    responses(
        (status = 200, body = Page<ListPriceOut>),
        (status = 404, description = "`not-found`", body = ProblemSchema),
    )
)]
pub async fn list_list_prices(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Query(params): Query<PageParams>,
) -> Result<Answer<Page<ListPriceOut>>, Problem> {
    let limit = params.limit()?;
    let after: Uuid = params.key()?.unwrap_or_default();
    let prices = prices::list_entries(&shop, id, after, limit + 1).await?;
    Ok(Answer(Page::new(prices, limit, |price| price.variant_id, ListPriceOut::from)))
}

/// Put up to 1,000 prices into a list: all of them, or none
#[utoipa::path(
    post, path = "/v1/admin/price-lists/{id}/prices", tag = "prices", request_body = PricesIn,
    params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The list, at its new version", body = PriceListOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`: `errors` names each price that is wrong", body = ProblemSchema)
    )
)]
pub async fn put_list_prices(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<PricesIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let fits = (1..=MAX_ENTRIES_AT_ONCE).contains(&body.prices.len());
    checks.require(fits, "/prices", &format!("must be 1 to {MAX_ENTRIES_AT_ONCE}"));
    let mut seen = HashSet::new();
    for (index, price) in body.prices.iter().enumerate() {
        check_amount(&mut checks, &format!("/prices/{index}/amount"), Some(price.amount));
        check_amount(&mut checks, &format!("/prices/{index}/compare_at"), price.compare_at);
        let first = seen.insert(price.variant_id);
        checks.require(first, &format!("/prices/{index}/variant_id"), "is there twice");
    }
    checks.done()?;
    let price = |price: VariantPriceIn| NewEntry {
        variant_id: price.variant_id,
        amount: price.amount,
        compare_at: price.compare_at,
    };
    let prices: Vec<_> = body.prices.into_iter().map(price).collect();
    Ok(answer(prices::put_entries(&shop, id, &prices).await?))
}

/// Put one price into a list
#[utoipa::path(
    put, path = "/v1/admin/price-lists/{id}/prices/{variant_id}", tag = "prices", request_body = PriceIn,
    params(("id" = Uuid, Path), ("variant_id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The list, at its new version", body = PriceListOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
    )
)]
pub async fn put_list_price(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((id, variant_id)): Path<(Uuid, Uuid)>,
    Json(body): Json<PriceIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    check_amount(&mut checks, "/amount", Some(body.amount));
    check_amount(&mut checks, "/compare_at", body.compare_at);
    checks.done()?;
    let price = NewEntry { variant_id, amount: body.amount, compare_at: body.compare_at };
    let list = prices::put_entries(&shop, id, &[price]).await.map_err(|error| match error {
        // Here it is part of the path.
        prices::Error::VariantsUnknown(_) => Problem::not_found(),
        error => error.into(),
    })?;
    Ok(answer(list))
}

/// Take a price out of a list
#[utoipa::path(
    delete, path = "/v1/admin/price-lists/{id}/prices/{variant_id}", tag = "prices",
    params(("id" = Uuid, Path), ("variant_id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_list_price(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((id, variant_id)): Path<(Uuid, Uuid)>,
) -> Result<StatusCode, Problem> {
    prices::delete_entry(&shop, id, variant_id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check_amount(checks: &mut Checks, pointer: &str, amount: Option<Amount>) {
    let detail = format!("must be 0 to {MAX_AMOUNT} minor units");
    checks.require(amount.is_none_or(|amount| (0..=MAX_AMOUNT).contains(&amount)), pointer, &detail);
}

impl From<Entry> for ListPriceOut {
    fn from(price: Entry) -> Self {
        Self { variant_id: price.variant_id, sku: price.sku, amount: price.amount, compare_at: price.compare_at }
    }
}
