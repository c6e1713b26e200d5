//! What shoppers read: the list and one product.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::translations::{self, Reading};
use super::{Error, Status, store, text};
use crate::clock::Moment;
use crate::inventory::Availability;
use crate::money::Amount;
use crate::prices::{self, Price, PriceContext};
use crate::search::{self, Bounds, Key, Prices, Sort};
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
    /// Slug of a collection. One that does not exist, or is not active, has no products.
    pub collection: Option<String>,
    /// Bounds of the lowest price that applies, both included, in minor units of the reader's currency.
    pub price_min: Option<Amount>,
    pub price_max: Option<Amount>,
    /// Only what can be bought now.
    pub in_stock: bool,
    /// Stars, 1 to 5.
    pub rating_min: Option<u8>,
    /// By name: one of these values. Names are ANDed.
    pub values: BTreeMap<String, Vec<String>>,
    /// By name: a number between these.
    pub bounds: BTreeMap<String, Bounds>,
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
    /// The codes of its values, in the order of the product's options.
    pub options: Vec<String>,
    /// None where it is not sold in the reader's currency.
    pub price: Option<Price>,
    pub weight_grams: i64,
    /// What can be sold now.
    pub available: i64,
    pub availability: Availability,
}

impl ListedProduct {
    /// The lowest and the highest price; none where no variant has one.
    pub fn price_range(&self) -> Option<(Amount, Amount)> {
        let prices = || self.variants.iter().filter_map(|variant| Some(variant.price.as_ref()?.amount));
        Some((prices().min()?, prices().max()?))
    }

    /// Whether any variant costs less than it did before.
    pub fn on_sale(&self) -> bool {
        self.variants.iter().any(|variant| variant.price.as_ref().is_some_and(|price| price.compare_at.is_some()))
    }

    /// Whether any variant can be sold.
    pub fn in_stock(&self) -> bool {
        self.variants.iter().any(|variant| variant.available > 0)
    }
}

/// At most `limit` active products after `after`, at the prices of `context`.
///
/// One statement finds them and one reads them, whatever is asked for; a category, each word, and whether price lists
/// are in force cost a look-up by key.
pub async fn list_products(
    shop: &Shop,
    context: &PriceContext,
    filter: &Filter,
    sort: Sort,
    after: Option<&Key>,
    limit: u32,
) -> Result<Listing, Error> {
    let mut conn = shop.db().read().await?;
    let query = to_query(&mut conn, context, filter).await?;
    // One more than shown tells whether there is a next page.
    let mut found = search::find(&mut conn, &query, sort, after, limit + 1).await?;
    let more = found.hits.len() > limit as usize;
    found.hits.truncate(limit as usize);
    let next = found.hits.last().filter(|_| more).map(|last| found.key(sort, last));
    let ids: Vec<_> = found.hits.iter().map(|hit| hit.product_id).collect();
    let products = store::listed(&mut conn, context, &ids, shop.config().inventory.low_stock_threshold).await?;
    Ok(Listing { products, partial: found.partial, next })
}

/// Gives the products of a list the titles of the reader's language, where they have been translated.
pub async fn translate_titles(shop: &Shop, products: &mut [ListedProduct], reading: &Reading) -> Result<(), Error> {
    if reading.is_own() {
        return Ok(());
    }
    let ids: Vec<_> = products.iter().map(|product| product.id).collect();
    let mut titles = translations::titles(&mut shop.db().read().await?, &ids, reading).await?;
    for product in products {
        product.title = titles.remove(&product.id).unwrap_or(std::mem::take(&mut product.title));
    }
    Ok(())
}

/// The active product with this id or slug.
pub async fn find_listed(
    shop: &Shop,
    context: &PriceContext,
    id_or_slug: &str,
) -> Result<Option<ListedProduct>, Error> {
    let id = Uuid::try_parse(id_or_slug).ok();
    // What is neither names nothing, and is not worth a statement.
    if id.is_none() && !text::is_slug(id_or_slug) {
        return Ok(None);
    }
    let mut conn = shop.db().read().await?;
    let low = shop.config().inventory.low_stock_threshold;
    Ok(store::find_listed(&mut conn, context, id.unwrap_or_default(), id_or_slug, low).await?)
}

pub(super) async fn to_query(
    conn: &mut db::Conn,
    context: &PriceContext,
    filter: &Filter,
) -> Result<search::Query, Error> {
    let categories = match &filter.category {
        Some(slug) => Some(store::category_ids(conn, slug, !filter.without_subtree).await?),
        None => None,
    };
    let collection = match &filter.collection {
        Some(slug) => Some(find_active_collection(conn, slug).await?.unwrap_or_default()),
        None => None,
    };
    Ok(search::Query {
        q: filter.q.clone(),
        // `in ()` is no SQL that both databases take; nothing is in a category that is none.
        categories: categories.map(|ids| if ids.is_empty() { vec![Uuid::nil()] } else { ids }),
        collection,
        // Where no list is in force, the prices that stand in the index are right, and sorted already.
        prices: if prices::are_own(conn, context).await? { Prices::Own } else { Prices::Applying(context.clone()) },
        price_min: filter.price_min,
        price_max: filter.price_max,
        in_stock: filter.in_stock,
        rating_min: filter.rating_min.map(|stars| i64::from(stars) * 100),
        values: filter.values.clone(),
        bounds: filter.bounds.clone(),
    })
}

async fn find_active_collection(conn: &mut db::Conn, slug: &str) -> Result<Option<Uuid>, Error> {
    let found = store::find_collection_by_slug(conn, slug).await?;
    Ok(found.filter(|found| found.status == Status::Active).map(|found| found.id))
}
