//! What a storefront shows beside a list: how many products each choice would give. Each is counted over the list without its
//! own filter, so that the choices beside the chosen one keep their numbers.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::find::Search;
use super::store::{self, Totals, Without};
use super::{Query, words};
use crate::db::{Conn, Result};
use crate::money::Amount;

/// How many names a shop may count by. More are left out, the rarest first.
const MAX_NAMES: u32 = 100;

/// Counts beside a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facets {
    /// Products of the list.
    pub total: i64,
    pub in_stock: i64,
    /// Lowest and highest of the lowest prices.
    pub prices: Option<(Amount, Amount)>,
    /// With an average of at least 1, 2, 3, 4 stars.
    pub rated_at_least: [i64; 4],
    /// Products directly in each category.
    pub categories: Vec<(Uuid, i64)>,
    /// By name: values, the most frequent first.
    pub values: BTreeMap<String, Vec<ValueCount>>,
    /// By name, of what has an order.
    pub ranges: BTreeMap<String, Range>,
}

/// The least and the greatest number, and how many products have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub min: i64,
    pub max: i64,
    pub products: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueCount {
    pub value: String,
    pub products: i64,
}

/// Counts beside the list of `query`; `partial` as [`super::find`] said. At most `limit` values of each name.
pub async fn count_facets(conn: &mut Conn, query: &Query, partial: bool, limit: u32) -> Result<Facets> {
    let plan = match &query.q {
        Some(q) => Some(words::plan(conn, q).await?),
        None => None,
    };
    if plan.as_ref().is_some_and(|plan| plan.words == 0) {
        return Ok(Facets::default());
    }
    let search = Search { query, plan: plan.as_ref(), partial };
    let all = store::totals(conn, &search, Without::Nothing).await?;
    let price_filtered = query.price_min.is_some() || query.price_max.is_some();
    let by_price = other(conn, &search, price_filtered, Without::Price, &all).await?;
    let by_stock = other(conn, &search, query.in_stock, Without::Stock, &all).await?;
    let by_rating = other(conn, &search, query.rating_min.is_some(), Without::Rating, &all).await?;
    Ok(Facets {
        total: all.products,
        in_stock: by_stock.in_stock,
        prices: by_price.price_min.zip(by_price.price_max),
        rated_at_least: [by_rating.rated_1, by_rating.rated_2, by_rating.rated_3, by_rating.rated_4],
        categories: store::count_categories(conn, &search).await?,
        values: count_values(conn, &search, limit).await?,
        ranges: count_ranges(conn, &search).await?,
    })
}

/// The totals without one filter, which are those of the list where it is not set.
async fn other(
    conn: &mut Conn,
    search: &Search<'_>,
    is_set: bool,
    without: Without<'_>,
    all: &Totals,
) -> Result<Totals> {
    if is_set { store::totals(conn, search, without).await } else { Ok(all.clone()) }
}

/// One statement for all names that are not filtered by, and one for each that is.
async fn count_values(conn: &mut Conn, search: &Search<'_>, limit: u32) -> Result<BTreeMap<String, Vec<ValueCount>>> {
    let filtered = filtered_names(search.query);
    let mut rows = store::count_values(conn, search, None, limit.saturating_mul(MAX_NAMES)).await?;
    rows.retain(|(name, ..)| !filtered.contains(name.as_str()));
    for name in filtered {
        rows.extend(store::count_values(conn, search, Some(name), limit).await?);
    }
    let mut values: BTreeMap<String, Vec<ValueCount>> = BTreeMap::new();
    for (name, value, products) in rows {
        let counts = values.entry(name).or_default();
        if counts.len() < limit as usize {
            counts.push(ValueCount { value, products });
        }
    }
    Ok(values)
}

/// Likewise.
async fn count_ranges(conn: &mut Conn, search: &Search<'_>) -> Result<BTreeMap<String, Range>> {
    let filtered = filtered_names(search.query);
    let mut rows = store::count_ranges(conn, search, None, MAX_NAMES).await?;
    rows.retain(|(name, ..)| !filtered.contains(name.as_str()));
    for name in filtered {
        rows.extend(store::count_ranges(conn, search, Some(name), 1).await?);
    }
    Ok(rows.into_iter().map(|(name, min, max, products)| (name, Range { min, max, products })).collect())
}

fn filtered_names(query: &Query) -> BTreeSet<&str> {
    query.values.keys().chain(query.bounds.keys()).map(String::as_str).collect()
}
