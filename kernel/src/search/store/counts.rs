//! What a list is counted by.

use uuid::Uuid;

use super::page::{IN_STOCK, PriceExpressions, Without, begin, push_documents, push_hits};
use crate::db::{Conn, FromRow, Result};
use crate::money::Amount;
use crate::search::find::Search;

/// Counts of a whole list.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub(in crate::search) struct Totals {
    pub products: i64,
    pub in_stock: i64,
    /// None where nothing has a price.
    pub price_min: Option<Amount>,
    pub price_max: Option<Amount>,
    /// With an average of at least so many stars.
    pub rated_1: i64,
    pub rated_2: i64,
    pub rated_3: i64,
    pub rated_4: i64,
}

pub(in crate::search) async fn totals(conn: &mut Conn, search: &Search<'_>, without: Without<'_>) -> Result<Totals> {
    let mut built = begin(search, without, true);
    let lowest = PriceExpressions::of(search.query).lowest_known;
    push_hits(&mut built, search);
    built.push("select cast(count(*) as bigint) as products, cast(coalesce(sum(case when ").push(IN_STOCK);
    built.push(" then 1 else 0 end), 0) as bigint) as in_stock, min(");
    built.push(lowest).push(") as price_min, max(").push(lowest).push(
        ") as price_max,
          cast(coalesce(sum(case when d.rating >= 100 then 1 else 0 end), 0) as bigint) as rated_1,
          cast(coalesce(sum(case when d.rating >= 200 then 1 else 0 end), 0) as bigint) as rated_2,
          cast(coalesce(sum(case when d.rating >= 300 then 1 else 0 end), 0) as bigint) as rated_3,
          cast(coalesce(sum(case when d.rating >= 400 then 1 else 0 end), 0) as bigint) as rated_4",
    );
    push_documents(&mut built, search, without);
    // An aggregate without groups is always one row.
    let none = Totals {
        products: 0,
        in_stock: 0,
        price_min: None,
        price_max: None,
        rated_1: 0,
        rated_2: 0,
        rated_3: 0,
        rated_4: 0,
    };
    Ok(built.all(conn).await?.pop().unwrap_or(none))
}

/// Products directly in each category.
pub(in crate::search) async fn count_categories(conn: &mut Conn, search: &Search<'_>) -> Result<Vec<(Uuid, i64)>> {
    let mut built = begin(search, Without::Category, false);
    push_hits(&mut built, search);
    built.push("select d.category_id, cast(count(*) as bigint)");
    push_documents(&mut built, search, Without::Category);
    built.push(" and d.category_id is not null group by d.category_id");
    built.all(conn).await
}

/// Name, value and count: of one name, or of all; the most frequent first. What has an order is counted by its range.
pub(in crate::search) async fn count_values(
    conn: &mut Conn,
    search: &Search<'_>,
    name: Option<&str>,
    limit: u32,
) -> Result<Vec<(String, String, i64)>> {
    let without = name.map_or(Without::Nothing, Without::Value);
    let mut built = begin(search, without, false);
    push_hits(&mut built, search);
    built.push("select f.name, f.value, cast(count(*) as bigint) as products from (select d.product_id");
    push_documents(&mut built, search, without);
    built.push(") l join search_values f on f.product_id = l.product_id where f.number is null");
    if let Some(name) = name {
        built.push(" and f.name = ").bind(name);
    }
    built.push(" group by f.name, f.value order by products desc, f.name, f.value limit ").bind(i64::from(limit));
    built.all(conn).await
}

/// Name, least and greatest number, and products that have one: of one name, or of all, by name.
pub(in crate::search) async fn count_ranges(
    conn: &mut Conn,
    search: &Search<'_>,
    name: Option<&str>,
    limit: u32,
) -> Result<Vec<(String, i64, i64, i64)>> {
    let without = name.map_or(Without::Nothing, Without::Value);
    let mut built = begin(search, without, false);
    push_hits(&mut built, search);
    built.push("select f.name, min(f.number), max(f.number), cast(count(distinct f.product_id) as bigint)");
    built.push(" from (select d.product_id");
    push_documents(&mut built, search, without);
    built.push(") l join search_values f on f.product_id = l.product_id where f.number is not null");
    if let Some(name) = name {
        built.push(" and f.name = ").bind(name);
    }
    built.push(" group by f.name order by f.name limit ").bind(i64::from(limit));
    built.all(conn).await
}
