//! The shopper's list: searching, filtering, sorting, counting.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::shopper::{ProductOut, answer, describe};
use crate::Shop;
use crate::catalog::{self, CategoryCount, Filter, MAX_VENDOR, is_slug};
use crate::http::caching::Tagged;
use crate::http::extract::{Checks, Query};
use crate::http::paging::{PageParams, cursor};
use crate::money::{Amount, MAX_AMOUNT};
use crate::problem::{Problem, ProblemSchema};
use crate::search::{Facets, Key, Sort, VENDOR, ValueCount};

/// Longest search, in characters.
const MAX_Q: usize = 100;
/// Products that are suggested.
const SUGGESTIONS: u32 = 8;

/// Which products, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductsParams {
    /// Words that all must be found: in titles, SKUs, vendors, categories, descriptions. Inflected forms count, the last
    /// word may be unfinished, and a word that nothing has may have one typo.
    #[param(max_length = 100, example = "earl")]
    q: Option<String>,
    /// Slug of a category.
    #[param(max_length = 80, example = "tea")]
    category: Option<String>,
    /// Whether what is below the category belongs to it.
    #[param(default = true)]
    subtree: Option<bool>,
    /// Lowest price of a variant: at least so much, in minor units.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 500)]
    price_min: Option<Amount>,
    /// Lowest price of a variant: at most so much, in minor units.
    #[param(minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 2000)]
    price_max: Option<Amount>,
    /// Only what can be bought now.
    #[param(default = false)]
    in_stock: Option<bool>,
    /// Stars, on average, at least.
    #[param(minimum = 1, maximum = 5)]
    rating_min: Option<u8>,
    /// The vendor, exactly as it is written.
    #[param(max_length = 100, example = "Leaf & Ladle")]
    vendor: Option<String>,
    /// `relevance` where there is a `q`, `newest` otherwise.
    #[param(inline)]
    sort: Option<Sort>,
    /// Whether to count what other filters would give.
    #[param(default = false)]
    facets: Option<bool>,
    /// `next_cursor` of the page before, with the same parameters; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// A page of products.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductsOut {
    items: Vec<ProductOut>,
    /// Where the next page begins; null on the last one.
    next_cursor: Option<String>,
    /// No product has all the words of `q`: these have some of them, those with most first.
    partial: bool,
    /// Where `facets=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<FacetsOut>,
}

/// How many products of the whole list there are of each kind. Each is counted without its own filter, so that the choices
/// beside the chosen one keep their numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetsOut {
    /// Products of the list.
    #[schema(example = 4)]
    total: i64,
    /// Those that can be bought now.
    in_stock: i64,
    /// Lowest and highest of the products' lowest prices, in minor units; null where nothing has a price.
    price: Option<PriceRangeOut>,
    /// With so many stars or more, on average.
    ratings: Vec<RatingCountOut>,
    /// With what is below them; those with most products first.
    categories: Vec<CategoryCountOut>,
    /// Those with most products first.
    vendors: Vec<ValueCountOut>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PriceRangeOut {
    min: Amount,
    max: Amount,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RatingCountOut {
    #[schema(example = 4)]
    rating_min: u8,
    products: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryCountOut {
    #[schema(example = "black-tea")]
    slug: String,
    name: String,
    /// Slugs from the root.
    #[schema(example = "tea/black-tea")]
    path: String,
    products: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ValueCountOut {
    value: String,
    products: i64,
}

/// Active products: searched, filtered, sorted
#[utoipa::path(
    get, path = "/v1/products", tag = "catalog", params(ProductsParams),
    responses(
        (status = 200, description = "A page; it bears an ETag", body = ProductsOut),
        (status = 304, description = "The page that `If-None-Match` names is still right"),
        (status = 422, description = "`invalid-request`", body = ProblemSchema)
    )
)]
pub async fn list_products(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Query(params): Query<ProductsParams>,
) -> Result<Response, Problem> {
    let filter = params.filter()?;
    let sort = params.sort.unwrap_or(if filter.q.is_some() { Sort::Relevance } else { Sort::Newest });
    let facets = params.facets.unwrap_or_default();
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let after: Option<Key> = page.key()?;
    if after.as_ref().is_some_and(|key| key.sort != sort || !key.is_sound()) {
        return Err(Problem::invalid_field("cursor", "is not a cursor that this list gave"));
    }
    // Quoted as `Debug` does it, no two lists share a key.
    let key = format!("catalog:list\n{filter:?}\n{sort:?} {facets} {after:?} {limit}");
    if let Some(bytes) = shop.cache().get(&key) {
        return Ok(Tagged::new(bytes).answer(&headers));
    }
    let listing = catalog::list_products(&shop, &filter, sort, after.as_ref(), limit).await?;
    let facets = if facets {
        let partial = listing.partial || after.is_some_and(|key| key.partial);
        Some(catalog::count_listed(&shop, &filter, partial).await?.into())
    } else {
        None
    };
    let currency = shop.config().shop.currency.code();
    let products = ProductsOut {
        items: listing.products.into_iter().map(|product| describe(product, currency)).collect(),
        next_cursor: listing.next.as_ref().map(cursor),
        partial: listing.partial,
        facets,
    };
    answer(&shop, &key, &products, &headers)
}

/// What a shopper types.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuggestParams {
    /// As typed so far.
    #[param(max_length = 100, example = "ear")]
    q: String,
}

/// A product that may be meant.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuggestionOut {
    id: Uuid,
    #[schema(example = "earl-grey")]
    slug: String,
    #[schema(example = "Earl Grey")]
    title: String,
}

/// Products that a shopper may mean, while typing
#[utoipa::path(
    get, path = "/v1/products/suggest", tag = "catalog", params(SuggestParams),
    responses(
        (status = 200, description = "The best eight at most; they bear an ETag", body = [SuggestionOut]),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 422, description = "`invalid-request`", body = ProblemSchema)
    )
)]
pub async fn suggest_products(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Query(params): Query<SuggestParams>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    checks.text(&params.q, 0, MAX_Q, "q");
    checks.done()?;
    let filter = Filter { q: Some(params.q.trim().to_owned()), ..Filter::default() };
    let key = format!("catalog:suggest\n{filter:?}");
    if let Some(bytes) = shop.cache().get(&key) {
        return Ok(Tagged::new(bytes).answer(&headers));
    }
    let listing = catalog::list_products(&shop, &filter, Sort::Relevance, None, SUGGESTIONS).await?;
    let suggest =
        |product: catalog::ListedProduct| SuggestionOut { id: product.id, slug: product.slug, title: product.title };
    let suggestions: Vec<_> = listing.products.into_iter().map(suggest).collect();
    answer(&shop, &key, &suggestions, &headers)
}

impl ProductsParams {
    fn filter(&self) -> Result<Filter, Problem> {
        let mut checks = Checks::default();
        let q = self.q.as_deref().map(str::trim).filter(|q| !q.is_empty());
        if let Some(q) = q {
            checks.text(q, 1, MAX_Q, "q");
        }
        checks.require(self.category.as_deref().is_none_or(is_slug), "category", "is not the slug of a category");
        for (pointer, price) in [("price_min", self.price_min), ("price_max", self.price_max)] {
            let detail = format!("must be 0 to {MAX_AMOUNT} minor units");
            checks.require(price.is_none_or(|price| (0..=MAX_AMOUNT).contains(&price)), pointer, &detail);
        }
        let stars = self.rating_min.is_none_or(|stars| (1..=5).contains(&stars));
        checks.require(stars, "rating_min", "must be 1 to 5");
        if let Some(vendor) = &self.vendor {
            checks.text(vendor, 0, MAX_VENDOR, "vendor");
        }
        checks.done()?;
        let vendor = self.vendor.as_ref().map(|vendor| (VENDOR.to_owned(), vec![vendor.clone()]));
        Ok(Filter {
            q: q.map(str::to_owned),
            category: self.category.clone(),
            without_subtree: self.subtree == Some(false),
            price_min: self.price_min,
            price_max: self.price_max,
            in_stock: self.in_stock.unwrap_or_default(),
            rating_min: self.rating_min,
            values: BTreeMap::from_iter(vendor),
        })
    }
}

impl From<(Facets, Vec<CategoryCount>)> for FacetsOut {
    fn from((mut facets, categories): (Facets, Vec<CategoryCount>)) -> Self {
        let rating = |(rating_min, products)| RatingCountOut { rating_min, products };
        Self {
            total: facets.total,
            in_stock: facets.in_stock,
            price: facets.prices.map(|(min, max)| PriceRangeOut { min, max }),
            ratings: (1..).zip(facets.rated_at_least).map(rating).collect(),
            categories: categories.into_iter().map(CategoryCountOut::from).collect(),
            vendors: facets.values.remove(VENDOR).unwrap_or_default().into_iter().map(ValueCountOut::from).collect(),
        }
    }
}

impl From<CategoryCount> for CategoryCountOut {
    fn from(count: CategoryCount) -> Self {
        Self { slug: count.slug, name: count.name, path: count.path, products: count.products }
    }
}

impl From<ValueCount> for ValueCountOut {
    fn from(count: ValueCount) -> Self {
        Self { value: count.value, products: count.products }
    }
}
