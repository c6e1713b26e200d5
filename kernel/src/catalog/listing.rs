//! What shoppers read: the list and one product.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Error, store, text};
use crate::clock::Moment;
use crate::money::Amount;
use crate::search::{self, Facets, Key, Sort};
use crate::{Shop, db};

/// Which products of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words that all must be found; docs/search.md says how.
    pub q: Option<String>,
    /// Slug of a category. One that does not exist has no products.
    pub category: Option<String>,
    /// Only what is in the category itself, not what is below it.
    pub without_subtree: bool,
    /// Bounds of the lowest price, both included, in minor units of the shop's currency.
    pub price_min: Option<Amount>,
    pub price_max: Option<Amount>,
    /// Only what can be bought now.
    pub in_stock: bool,
    /// Stars, 1 to 5.
    pub rating_min: Option<u8>,
    /// By name: one of these values. Names are ANDed.
    pub values: BTreeMap<String, Vec<String>>,
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    pub products: Vec<ListedProduct>,
    /// Nothing has all the words: these have some of them.
    pub partial: bool,
    /// Where the next page begins; none on the last one.
    pub next: Option<Key>,
}

/// An active product as shoppers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProduct {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    /// Empty in lists, which do not show it.
    pub description: String,
    pub vendor: String,
    /// Slugs from the root.
    pub category_path: Option<String>,
    pub created_at: Moment,
    pub updated_at: Moment,
    /// By position.
    pub variants: Vec<ListedVariant>,
}

/// A variant as shoppers see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedVariant {
    pub id: Uuid,
    pub sku: String,
    pub title: String,
    /// Minor units of the shop's currency.
    pub price: Amount,
    pub weight_grams: i64,
    /// What can be sold now.
    pub available: i64,
}

/// A category and how many products of a list are in it or below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryCount {
    pub slug: String,
    pub name: String,
    pub path: String,
    pub products: i64,
}

impl ListedProduct {
    /// The lowest and the highest price; none without variants.
    pub fn price_range(&self) -> Option<(Amount, Amount)> {
        let prices = || self.variants.iter().map(|variant| variant.price);
        Some((prices().min()?, prices().max()?))
    }

    /// Whether any variant can be sold.
    pub fn in_stock(&self) -> bool {
        self.variants.iter().any(|variant| variant.available > 0)
    }
}

/// At most `limit` active products after `after`.
///
/// One statement finds them and one reads them, whatever is asked for; a category and each word cost a look-up by key.
pub async fn list_products(
    shop: &Shop,
    filter: &Filter,
    sort: Sort,
    after: Option<&Key>,
    limit: u32,
) -> Result<Listing, Error> {
    let mut conn = shop.db().read().await?;
    let query = to_query(&mut conn, filter).await?;
    // One more than shown tells whether there is a next page.
    let mut found = search::find(&mut conn, &query, sort, after, limit + 1).await?;
    let more = found.hits.len() > limit as usize;
    found.hits.truncate(limit as usize);
    let next = found.hits.last().filter(|_| more).map(|last| found.key(sort, last));
    let ids: Vec<_> = found.hits.iter().map(|hit| hit.product_id).collect();
    Ok(Listing { products: store::listed(&mut conn, &ids).await?, partial: found.partial, next })
}

/// The counts beside that list, and its categories, those with most products first.
pub async fn count_listed(shop: &Shop, filter: &Filter, partial: bool) -> Result<(Facets, Vec<CategoryCount>), Error> {
    let limit = shop.config().search.facet_values;
    let mut conn = shop.db().read().await?;
    let query = to_query(&mut conn, filter).await?;
    let facets = search::count_facets(&mut conn, &query, partial, limit).await?;
    let direct: BTreeMap<Uuid, i64> = facets.categories.iter().copied().collect();
    let categories = store::all_categories(&mut conn).await?;
    let mut below: BTreeMap<&str, i64> = BTreeMap::new();
    for category in &categories {
        let products = direct.get(&category.id).copied().unwrap_or_default();
        // Itself and all that it is in.
        for (end, _) in category.path.match_indices('/').chain([(category.path.len(), "")]) {
            *below.entry(&category.path[..end]).or_default() += products;
        }
    }
    let count = |category: &super::Category| CategoryCount {
        slug: category.slug.clone(),
        name: category.name.clone(),
        path: category.path.clone(),
        products: below.get(category.path.as_str()).copied().unwrap_or_default(),
    };
    let mut counts: Vec<_> = categories.iter().map(count).filter(|count| count.products > 0).collect();
    counts.sort_by(|a, b| b.products.cmp(&a.products).then_with(|| a.path.cmp(&b.path)));
    counts.truncate(limit as usize);
    Ok((facets, counts))
}

/// The active product with this id or slug.
pub async fn find_listed(shop: &Shop, id_or_slug: &str) -> Result<Option<ListedProduct>, Error> {
    let id = Uuid::try_parse(id_or_slug).ok();
    // What is neither names nothing, and is not worth a statement.
    if id.is_none() && !text::is_slug(id_or_slug) {
        return Ok(None);
    }
    let mut conn = shop.db().read().await?;
    Ok(store::find_listed(&mut conn, id.unwrap_or_default(), id_or_slug).await?)
}

async fn to_query(conn: &mut db::Conn, filter: &Filter) -> Result<search::Query, Error> {
    let categories = match &filter.category {
        Some(slug) => Some(store::category_ids(conn, slug, !filter.without_subtree).await?),
        None => None,
    };
    Ok(search::Query {
        q: filter.q.clone(),
        // `in ()` is no SQL that both databases take; nothing is in a category that is none.
        categories: categories.map(|ids| if ids.is_empty() { vec![Uuid::nil()] } else { ids }),
        price_min: filter.price_min,
        price_max: filter.price_max,
        in_stock: filter.in_stock,
        rating_min: filter.rating_min.map(|stars| i64::from(stars) * 100),
        values: filter.values.clone(),
    })
}
