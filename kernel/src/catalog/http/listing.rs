//! The shopper's list: searching, filtering, sorting, counting.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::attribute_filters::{AttributeFilters, ListQuery};
use super::facets::FacetsOut;
use super::shopper::{ProductOut, answer, complete, describe, price_context, price_key};
use crate::Shop;
use crate::catalog::{self, Filter, MAX_TAG, MAX_VENDOR, Reading, fold_tag, is_slug};
use crate::http::auth::Caller;
use crate::http::caching::Tagged;
use crate::http::extract::{Checks, Query};
use crate::http::locale::{LocaleParams, mark};
use crate::http::paging::{PageParams, cursor};
use crate::money::{Amount, MAX_AMOUNT};
use crate::prices::PriceContext;
use crate::problem::Problem;
use crate::search::{Key, Sort, TAG, VENDOR};

/// Longest search, in characters.
const MAX_Q: usize = 100;
/// Products that are suggested.
const SUGGESTIONS: u32 = 8;

/// Which products, in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductsParams {
    /// Words that all must be found: in titles, SKUs, barcodes, vendors, tags, categories, attributes, descriptions, in any
    /// language of the shop. Inflected forms count, the last word may be unfinished, and a word that nothing has may have one
    /// typo.
    #[param(max_length = 100, example = "earl")]
    q: Option<String>,
    /// Slug of a category.
    #[param(max_length = 80, example = "tea", pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    category: Option<String>,
    /// Whether what is below the category belongs to it.
    #[param(default = true)]
    subtree: Option<bool>,
    /// Slug of a collection.
    #[param(max_length = 80, example = "summer")]
    collection: Option<String>,
    /// In which prices are told, filtered and sorted by: the shop's own where none is given.
    #[param(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
    /// Lowest price of a variant: at least so much, in minor units.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 500)]
    price_min: Option<Amount>,
    /// Lowest price of a variant: at most so much, in minor units.
    #[param(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64, example = 2000)]
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
    /// In any case.
    #[param(max_length = 60, example = "summer")]
    tag: Option<String>,
    /// `relevance` where there is a `q`, `position` in a collection, `newest` otherwise. `position` is the order that the
    /// merchant gave a collection, the newest first where it has a rule.
    #[param(inline)]
    sort: Option<Sort>,
    /// Whether to count what other filters would give.
    #[param(default = false)]
    facets: Option<bool>,
    /// BCP 47 tag; without it, `Accept-Language` decides. Titles without a translation come in the shop's own language.
    #[param(min_length = 1, max_length = 35, pattern = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", example = "de-AT")]
    locale: Option<String>,
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

/// Active products: searched, filtered, sorted
///
/// With a token, the prices are those of the customer's group.
#[utoipa::path(
    get, path = "/v1/products", tag = "catalog", params(ProductsParams, AttributeFilters),
    responses(
        (status = 200, description = "A page; it bears an ETag and `Content-Language`", body = ProductsOut),
        (status = 304, description = "The page that `If-None-Match` names is still right")
    )
)]
pub async fn list_products(
    State(shop): State<Shop>,
    caller: Caller,
    headers: HeaderMap,
    query: ListQuery<ProductsParams>,
) -> Result<Response, Problem> {
    let ListQuery { params, attributes } = query;
    let mut filter = params.filter()?;
    attributes.put(&mut filter);
    let reading = Reading::of(&shop, &LocaleParams { locale: params.locale }.wanted(&headers)?);
    let sort = params.sort.unwrap_or(match (&filter.q, &filter.collection) {
        (Some(_), _) => Sort::Relevance,
        (None, Some(_)) => Sort::Position,
        (None, None) => Sort::Newest,
    });
    if sort == Sort::Position && filter.collection.is_none() {
        return Err(Problem::invalid_field("sort", "position is an order of collections: name one"));
    }
    let facets = params.facets.unwrap_or_default();
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let after: Option<Key> = page.key()?;
    if after.as_ref().is_some_and(|key| key.sort != sort || !key.is_sound()) {
        return Err(Problem::invalid_field("cursor", "is not a cursor that this list gave"));
    }
    let context = price_context(&shop, &caller, params.currency.as_deref()).await?;
    // Quoted as `Debug` does it, no two lists share a key.
    let key = format!(
        "catalog:list\n{}\n{}\n{filter:?}\n{sort:?} {facets} {after:?} {limit}",
        reading.tag(&shop),
        price_key(&context)
    );
    let mut response = match shop.cache().get(&key) {
        Some(bytes) => Tagged::new(bytes).answer(&headers),
        None => {
            let mut page = read_page(&shop, &context, &filter, &reading, sort, after.as_ref(), limit).await?;
            if facets {
                let partial = page.partial || after.as_ref().is_some_and(|key| key.partial);
                page.facets = Some(catalog::count_listed(&shop, &context, &filter, partial, &reading).await?.into());
            }
            answer(&shop, &key, &page, &headers)?
        }
    };
    mark(response.headers_mut(), reading.tag(&shop));
    Ok(response)
}

/// Without the counts.
async fn read_page(
    shop: &Shop,
    context: &PriceContext,
    filter: &Filter,
    reading: &Reading,
    sort: Sort,
    after: Option<&Key>,
    limit: u32,
) -> Result<ProductsOut, Problem> {
    let mut listing = catalog::list_products(shop, context, filter, sort, after, limit).await?;
    let alts = catalog::translate_names(shop, &mut listing.products, reading).await?;
    let currency = context.currency.code();
    let mut products = ProductsOut {
        items: listing.products.into_iter().map(|product| describe(product, currency)).collect(),
        next_cursor: listing.next.as_ref().map(cursor),
        partial: listing.partial,
        facets: None,
    };
    complete(shop, products.items.iter_mut()).await?;
    products.items.iter_mut().for_each(|product| product.translate_images(&alts));
    Ok(products)
}

/// What a shopper types.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SuggestParams {
    /// As typed so far.
    #[param(max_length = 100, example = "ear")]
    q: String,
    /// BCP 47 tag; without it, `Accept-Language` decides.
    #[param(min_length = 1, max_length = 35, pattern = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", example = "de-AT")]
    locale: Option<String>,
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
        (status = 200, description = "The best eight at most; they bear an ETag and `Content-Language`", body = [SuggestionOut]),
        (status = 304, description = "What `If-None-Match` names is still right")
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
    let reading = Reading::of(&shop, &LocaleParams { locale: params.locale }.wanted(&headers)?);
    let key = format!("catalog:suggest\n{}\n{filter:?}", reading.tag(&shop));
    let mut response = match shop.cache().get(&key) {
        Some(bytes) => Tagged::new(bytes).answer(&headers),
        None => {
            let found = catalog::list_products(
                &shop,
                &PriceContext::of_guest(&shop),
                &filter,
                Sort::Relevance,
                None,
                SUGGESTIONS,
            )
            .await?;
            let mut products = found.products;
            catalog::translate_titles(&shop, &mut products, &reading).await?;
            let suggest = |product: catalog::ListedProduct| SuggestionOut {
                id: product.id,
                slug: product.slug,
                title: product.title,
            };
            let suggestions: Vec<_> = products.into_iter().map(suggest).collect();
            answer(&shop, &key, &suggestions, &headers)?
        }
    };
    mark(response.headers_mut(), reading.tag(&shop));
    Ok(response)
}

impl ProductsParams {
    fn filter(&self) -> Result<Filter, Problem> {
        let mut checks = Checks::default();
        let q = self.q.as_deref().map(str::trim).filter(|q| !q.is_empty());
        if let Some(q) = q {
            checks.text(q, 1, MAX_Q, "q");
        }
        checks.require(self.category.as_deref().is_none_or(is_slug), "category", "is not the slug of a category");
        let is_collection = self.collection.as_deref().is_none_or(is_slug);
        checks.require(is_collection, "collection", "is not the slug of a collection");
        for (pointer, price) in [("price_min", self.price_min), ("price_max", self.price_max)] {
            let detail = format!("must be 0 to {MAX_AMOUNT} minor units");
            checks.require(price.is_none_or(|price| (0..=MAX_AMOUNT).contains(&price)), pointer, &detail);
        }
        let stars = self.rating_min.is_none_or(|stars| (1..=5).contains(&stars));
        checks.require(stars, "rating_min", "must be 1 to 5");
        if let Some(vendor) = &self.vendor {
            checks.text(vendor, 0, MAX_VENDOR, "vendor");
        }
        if let Some(tag) = &self.tag {
            checks.text(tag, 0, MAX_TAG, "tag");
        }
        checks.done()?;
        let vendor = self.vendor.as_ref().map(|vendor| (VENDOR.to_owned(), vec![vendor.clone()]));
        let tag = self.tag.as_ref().map(|tag| (TAG.to_owned(), vec![fold_tag(tag)]));
        Ok(Filter {
            q: q.map(str::to_owned),
            category: self.category.clone(),
            collection: self.collection.clone(),
            without_subtree: self.subtree == Some(false),
            price_min: self.price_min,
            price_max: self.price_max,
            in_stock: self.in_stock.unwrap_or_default(),
            rating_min: self.rating_min,
            values: vendor.into_iter().chain(tag).collect(),
            bounds: BTreeMap::new(),
        })
    }
}
