//! The statement of a page, and the pieces of it that the counts have too.

use uuid::Uuid;

use super::words::{Term, end_of};
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result};
use crate::money::{Amount, MAX_AMOUNT};
use crate::prices::{self, applying_entry};
use crate::search::find::Search;
use crate::search::words::Plan;
use crate::search::{Key, Prices, Query, Sort};

/// More than all words of a search can score in all fields: a product with more of the words comes first.
const WHOLE_WORD: i64 = 1_000_000;

/// A product that was found, with what lists are ordered by.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Hit {
    pub product_id: Uuid,
    pub created_at: Moment,
    pub(in crate::search) score: i64,
    pub(in crate::search) lowest_price: Amount,
    pub(in crate::search) highest_price: Amount,
    pub(in crate::search) rating: i64,
    pub(in crate::search) title: String,
    /// In the collection; 0 without one.
    pub(in crate::search) position: i64,
}

/// The lowest price, or the highest, of the variants of the product `d` that apply; nothing where none has one.
macro_rules! of_product {
    ($which:literal, $own:literal) => {
        concat!(
            "(select ",
            $which,
            "(coalesce((select entry.amount",
            applying_entry!(),
            "), ",
            $own,
            ")) from variants v where v.product_id = d.product_id)"
        )
    };
}

/// [`BEYOND_PRICES`](crate::search::BEYOND_PRICES) where there is none.
macro_rules! sorted_lowest {
    ($($lowest:tt)+) => {
        concat!("coalesce(", $($lowest)+, ", 9007199254740992)")
    };
}

/// [`BELOW_PRICES`](crate::search::BELOW_PRICES) where there is none.
macro_rules! sorted_highest {
    ($($highest:tt)+) => {
        concat!("coalesce(", $($highest)+, ", -1)")
    };
}

/// SQL of the prices of the product `d`.
pub(super) struct PriceExpressions {
    pub lowest: &'static str,
    /// What has no price comes last.
    lowest_sorted: &'static str,
    highest_sorted: &'static str,
    /// The lowest, and nothing where there is none.
    pub lowest_known: &'static str,
}

impl PriceExpressions {
    const OWN: Self = Self {
        lowest: "d.lowest_price",
        lowest_sorted: "d.lowest_price",
        highest_sorted: "d.highest_price",
        lowest_known: "case when d.highest_price >= 0 then d.lowest_price end",
    };
    const APPLYING: Self = Self {
        lowest: of_product!("min", "v.price"),
        lowest_sorted: sorted_lowest!(of_product!("min", "v.price")),
        highest_sorted: sorted_highest!(of_product!("max", "v.price")),
        lowest_known: of_product!("min", "v.price"),
    };
    /// In a currency in which variants have no prices of their own.
    const LISTED: Self = Self {
        lowest: of_product!("min", "null"),
        lowest_sorted: sorted_lowest!(of_product!("min", "null")),
        highest_sorted: sorted_highest!(of_product!("max", "null")),
        lowest_known: of_product!("min", "null"),
    };

    pub fn of(query: &Query) -> Self {
        match &query.prices {
            Prices::Own => Self::OWN,
            Prices::Applying(context) if context.is_own() => Self::APPLYING,
            Prices::Applying(_) => Self::LISTED,
        }
    }
}

/// A filter that a count leaves out: what else there would be is what a storefront shows beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::search) enum Without<'a> {
    Nothing,
    Category,
    Price,
    Stock,
    Rating,
    Value(&'a str),
}

pub(in crate::search) async fn page(
    conn: &mut Conn,
    search: &Search<'_>,
    sort: Sort,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<Hit>> {
    // There is no place in a collection that nobody asked for.
    let placed = search.query.collection.is_some();
    let sort = if sort == Sort::Position && !placed { Sort::Newest } else { sort };
    let by_price_sorted = matches!(sort, Sort::PriceAsc | Sort::PriceDesc);
    let mut built = begin(search, Without::Nothing, by_price_sorted);
    push_hits(&mut built, search);
    let by_price = PriceExpressions::of(search.query);
    // Where they are not sorted by, those of the index do: nobody reads them.
    let lowest = if sort == Sort::PriceAsc { by_price.lowest_sorted } else { "d.lowest_price" };
    let highest = if sort == Sort::PriceDesc { by_price.highest_sorted } else { "d.highest_price" };
    built.push("select d.product_id, d.created_at, d.rating, d.title, ");
    built.push(lowest).push(" as lowest_price, ").push(highest).push(" as highest_price, ");
    built.push(if search.plan.is_some() { "h.score" } else { "cast(0 as bigint) as score" });
    built.push(if placed { ", m.position" } else { ", cast(0 as bigint) as position" });
    push_documents(&mut built, search, Without::Nothing);
    if let Some(after) = after {
        push_after(&mut built, sort, after, &by_price);
    }
    match sort {
        Sort::Relevance => built.push(" order by h.score desc, d.created_at desc, d.product_id desc"),
        Sort::Newest => built.push(" order by d.created_at desc, d.product_id desc"),
        Sort::PriceAsc => built.push(" order by ").push(lowest).push(", d.product_id"),
        Sort::PriceDesc => built.push(" order by ").push(highest).push(" desc, d.product_id desc"),
        Sort::Rating => built.push(" order by d.rating desc, d.product_id desc"),
        Sort::Title => built.push(" order by d.title, d.product_id"),
        Sort::Position => built.push(" order by m.position, m.product_id"),
    };
    built.push(" limit ").bind(i64::from(limit));
    built.all(conn).await
}

fn push_after(built: &mut Built, sort: Sort, after: &Key, by_price: &PriceExpressions) {
    match sort {
        Sort::Relevance => {
            built.push(" and (h.score, d.created_at, d.product_id) < (").bind(after.number).push(", ");
            built.bind(after.created_at)
        }
        Sort::Newest => built.push(" and (d.created_at, d.product_id) < (").bind(after.created_at),
        Sort::PriceAsc => {
            built.push(" and (").push(by_price.lowest_sorted).push(", d.product_id) > (").bind(after.number)
        }
        Sort::PriceDesc => {
            built.push(" and (").push(by_price.highest_sorted).push(", d.product_id) < (").bind(after.number)
        }
        Sort::Rating => built.push(" and (d.rating, d.product_id) < (").bind(after.number),
        Sort::Title => built.push(" and (d.title, d.product_id) > (").bind(&after.title),
        Sort::Position => built.push(" and (m.position, m.product_id) > (").bind(after.number),
    };
    built.push(", ").bind(after.product_id).push(")");
}

/// A statement in which [`PriceExpressions`] stand, where prices are filtered by or `shown`: what they name by number is bound.
pub(super) fn begin(search: &Search<'_>, without: Without<'_>, shown: bool) -> Built {
    let mut built = Built::default();
    let query = search.query;
    let filtered = without != Without::Price && (query.price_min.is_some() || query.price_max.is_some());
    if let Prices::Applying(context) = &query.prices
        && (shown || filtered)
    {
        prices::bind_context(&mut built, context);
    }
    built
}

/// `with hits as (product_id, score)`: the products that have the words, where there are words.
///
/// A word counts by the best of its terms, and each term is one range of the primary key of the postings. They are grouped
/// once, by product: grouping by product and word first, and adding that up, took half as long again.
pub(super) fn push_hits(built: &mut Built, search: &Search<'_>) {
    let Some(plan) = search.plan else { return };
    built.push("with matched (product_id, word, score) as (");
    for (index, wanted) in plan.wanted.iter().enumerate() {
        built.push(if index == 0 { "select product_id, cast(" } else { " union all select product_id, cast(" });
        built.bind(wanted.word).push(" as bigint), weight * ").bind(wanted.factor);
        match &wanted.term {
            Term::Exact(term) => built.push(" from search_postings where term = ").bind(term),
            Term::Prefix(term) => {
                built.push(" from search_postings where term >= ").bind(term).push(" and term < ").bind(end_of(term))
            }
        };
    }
    built.push("), hits as (select product_id, ");
    for word in 0..plan.words + plan.wholes {
        built.push(if word == 0 { "" } else { " + " });
        built.push("coalesce(max(case when word = ").bind(word).push(" then score end), 0)");
    }
    if search.partial {
        built.push(" + ").bind(WHOLE_WORD).push(" * (");
        push_words_had(built, plan);
        built.push(")");
    }
    built.push(" as score from matched group by product_id having ");
    push_words_had(built, plan);
    built.push(" >= ").bind(if search.partial { 1 } else { plan.words }).push(") ");
}

/// How many of the words that it should have a product has.
fn push_words_had(built: &mut Built, plan: &Plan) {
    for word in 0..plan.words {
        built.push(if word == 0 { "" } else { " + " });
        built.push("max(case when word = ").bind(word).push(" then 1 else 0 end)");
    }
}

/// `from search_documents d where …`, joined with the hits where there are words.
pub(super) fn push_documents(built: &mut Built, search: &Search<'_>, without: Without<'_>) {
    built.push(match search.plan {
        Some(_) => " from hits h join search_documents d on d.product_id = h.product_id",
        None => " from search_documents d",
    });
    if let Some(collection) = search.query.collection {
        built.push(" join collection_products m on m.product_id = d.product_id and m.collection_id = ");
        built.bind(collection);
    }
    built.push(" where d.listed = true");
    push_filters(built, search.query, without);
}

fn push_filters(built: &mut Built, query: &Query, without: Without<'_>) {
    if let Some(categories) = query.categories.as_ref().filter(|_| without != Without::Category) {
        built.push(" and d.category_id in (").bind_all(categories.iter().copied()).push(")");
    }
    if without != Without::Price {
        let lowest = PriceExpressions::of(query).lowest;
        if let Some(min) = query.price_min {
            built.push(" and ").push(lowest).push(" >= ").bind(min);
        }
        // What has no price costs more than everything.
        if let Some(max) = query.price_max.or(query.price_min.map(|_| MAX_AMOUNT)) {
            built.push(" and ").push(lowest).push(" <= ").bind(max);
        }
    }
    if query.in_stock && without != Without::Stock {
        built.push(" and ").push(IN_STOCK);
    }
    if let Some(min) = query.rating_min.filter(|_| without != Without::Rating) {
        built.push(" and d.rating >= ").bind(min);
    }
    for (name, values) in query.values.iter().filter(|(name, _)| without != Without::Value(name)) {
        built.push(" and d.product_id in (select product_id from search_values where name = ").bind(name);
        built.push(" and value in (").bind_all(values).push("))");
    }
    for (name, (min, max)) in query.bounds.iter().filter(|(name, _)| without != Without::Value(name)) {
        built.push(" and d.product_id in (select product_id from search_values where name = ").bind(name);
        if let Some(min) = min {
            built.push(" and number >= ").bind(*min);
        }
        if let Some(max) = max {
            built.push(" and number <= ").bind(*max);
        }
        built.push(")");
    }
}

/// Looked up, not kept in the document: every order would write to it, and two orders that empty two shelves of the same
/// two products in turn would wait for each other. It costs a probe by key for each product that the rest lets through.
pub(super) const IN_STOCK: &str = "exists (select 1 from variants v join stock_items s on s.variant_id = v.id \
                                   where v.product_id = d.product_id and s.available > 0)";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{BELOW_PRICES, BEYOND_PRICES};

    #[test]
    fn what_has_no_price_sorts_as_in_the_index() {
        assert!(PriceExpressions::APPLYING.lowest_sorted.ends_with(&format!(", {BEYOND_PRICES})")));
        assert!(PriceExpressions::LISTED.highest_sorted.ends_with(&format!(", {BELOW_PRICES})")));
    }
}
