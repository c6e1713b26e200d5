//! What shoppers read. Answers are cached as ready bytes: a hit costs no statement and no serialising.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::catalog::{self, CategoryNode, Filter, ListedProduct, ListedVariant, PageKey, PriceContext, is_slug};
use crate::clock::Moment;
use crate::http::auth::Caller;
use crate::http::caching::Tagged;
use crate::http::extract::{Checks, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::money::Amount;
use crate::problem::{Problem, ProblemSchema};
use crate::{Shop, accounts};

/// Longest search, in characters.
const MAX_Q: usize = 100;

/// Which products.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductsParams {
    /// Part of a title, vendor or SKU, in any case.
    #[param(max_length = 100, example = "earl")]
    q: Option<String>,
    /// Slug of a category: what is in it or anywhere below it.
    #[param(example = "tea")]
    category: Option<String>,
    /// In which prices are told: the shop's own where none is given.
    #[param(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// How one product is shown.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ProductParams {
    /// In which prices are told: the shop's own where none is given.
    #[param(min_length = 3, max_length = 3, example = "EUR")]
    currency: Option<String>,
}

/// A variant of a product in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantOut {
    id: Uuid,
    #[schema(example = "TEA-EARL-GREY-100")]
    sku: String,
    /// What tells it from the others; empty where there is only one.
    #[schema(example = "100 g")]
    title: String,
    /// Minor units; null where it is not sold in this currency.
    #[schema(example = 690)]
    price: Option<Amount>,
    /// What it cost before; null unless it was more.
    #[schema(example = 890)]
    compare_at_price: Option<Amount>,
    weight_grams: i64,
    /// How many can be sold now.
    #[schema(example = 25)]
    available: i64,
}

/// A product in a list. Amounts are minor units of `currency`.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductOut {
    id: Uuid,
    #[schema(example = "earl-grey")]
    slug: String,
    #[schema(example = "Earl Grey")]
    title: String,
    vendor: String,
    /// Slugs from the root; null without a category.
    #[schema(example = "tea/black-tea")]
    category: Option<String>,
    /// Lowest price of a variant; null where none has one.
    #[schema(example = 690)]
    price_from: Option<Amount>,
    /// Highest price of a variant.
    #[schema(example = 1490)]
    price_to: Option<Amount>,
    #[schema(example = "EUR")]
    currency: &'static str,
    /// Whether any variant costs less than it did before.
    on_sale: bool,
    /// Whether any variant can be sold now.
    in_stock: bool,
    variants: Vec<VariantOut>,
}

/// One product.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductDetailOut {
    #[serde(flatten)]
    product: ProductOut,
    /// Plain text. It comes from the merchant or an imported file: escape it before it becomes part of a page.
    description: String,
    #[schema(value_type = DateTime<Utc>)]
    created_at: Moment,
    #[schema(value_type = DateTime<Utc>)]
    updated_at: Moment,
}

/// A category with what is below it.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryOut {
    id: Uuid,
    #[schema(example = "black-tea")]
    slug: String,
    #[schema(example = "Black tea")]
    name: String,
    /// Slugs from the root.
    #[schema(example = "tea/black-tea")]
    path: String,
    #[schema(no_recursion)]
    children: Vec<CategoryOut>,
}

/// Active products, newest first
///
/// With a token, the prices are those of the customer's group.
#[utoipa::path(
    get, path = "/v1/products", tag = "catalog", params(ProductsParams),
    responses(
        (status = 200, description = "A page; it bears an ETag", body = Page<ProductOut>),
        (status = 304, description = "The page that `If-None-Match` names is still right"),
        (status = 401, description = "`invalid-token`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`", body = ProblemSchema)
    )
)]
pub async fn list_products(
    State(shop): State<Shop>,
    caller: Caller,
    headers: HeaderMap,
    Query(params): Query<ProductsParams>,
) -> Result<Response, Problem> {
    let q = params.q.map(|q| q.trim().to_owned()).filter(|q| !q.is_empty());
    let mut checks = Checks::default();
    if let Some(q) = &q {
        checks.text(q, 1, MAX_Q, "q");
        checks.require(!q.contains('\n'), "q", "must be one line");
    }
    checks.require(params.category.as_deref().is_none_or(is_slug), "category", "is not the slug of a category");
    checks.done()?;
    let filter = Filter { q, category: params.category };
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let after: Option<PageKey> = page.key()?;
    let context = price_context(&shop, &caller, params.currency.as_deref()).await?;
    let key = list_key(&context, &filter, after, limit);
    if let Some(bytes) = shop.cache().get(&key) {
        return Ok(Tagged::new(bytes).answer(&headers));
    }
    // One more than shown tells whether there is a next page.
    let products = catalog::list_products(&shop, &context, &filter, after, limit + 1).await?;
    let currency = context.currency.code();
    let page =
        Page::new(products, limit, |product| (product.created_at, product.id), |product| describe(product, currency));
    answer(&shop, &key, &page, &headers)
}

/// One active product, by its id or slug
///
/// With a token, the prices are those of the customer's group.
#[utoipa::path(
    get, path = "/v1/products/{product}", tag = "catalog",
    params(("product" = String, Path, description = "Id or slug", example = "earl-grey"), ProductParams),
    responses(
        (status = 200, description = "The product; it bears an ETag", body = ProductDetailOut),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 401, description = "`invalid-token`", body = ProblemSchema),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`", body = ProblemSchema)
    )
)]
pub async fn get_product(
    State(shop): State<Shop>,
    caller: Caller,
    headers: HeaderMap,
    Path(product): Path<String>,
    Query(params): Query<ProductParams>,
) -> Result<Response, Problem> {
    let context = price_context(&shop, &caller, params.currency.as_deref()).await?;
    let key = format!("catalog:product\n{}\n{product}", price_key(&context));
    if let Some(bytes) = shop.cache().get(&key) {
        return Ok(Tagged::new(bytes).answer(&headers));
    }
    let mut product = catalog::find_listed(&shop, &context, &product).await?.ok_or_else(Problem::not_found)?;
    let detail = ProductDetailOut {
        description: std::mem::take(&mut product.description),
        created_at: product.created_at,
        updated_at: product.updated_at,
        product: describe(product, context.currency.code()),
    };
    answer(&shop, &key, &detail, &headers)
}

/// The tree of categories
#[utoipa::path(
    get, path = "/v1/categories", tag = "catalog",
    responses(
        (status = 200, description = "The whole tree; it bears an ETag", body = [CategoryOut]),
        (status = 304, description = "What `If-None-Match` names is still right")
    )
)]
pub async fn list_categories(State(shop): State<Shop>, headers: HeaderMap) -> Result<Response, Problem> {
    let key = "catalog:categories";
    if let Some(bytes) = shop.cache().get(key) {
        return Ok(Tagged::new(bytes).answer(&headers));
    }
    let tree = catalog::list_categories(&shop).await?;
    let roots: Vec<_> = tree.into_iter().map(CategoryOut::from).collect();
    answer(&shop, key, &roots, &headers)
}

/// The prices that this caller gets.
async fn price_context(shop: &Shop, caller: &Caller, currency: Option<&str>) -> Result<PriceContext, Problem> {
    let currency = shop.config().shop.find_currency(currency);
    let currency = currency.ok_or_else(|| Problem::invalid_field("currency", "the shop does not sell in it"))?;
    let group = match caller.customer_id() {
        Some(id) => accounts::find_group_of(shop, id).await?,
        None => None,
    };
    Ok(PriceContext::now(shop, currency, group))
}

/// What prices depend on beside the moment: shoppers with the same get the same answers.
fn price_key(context: &PriceContext) -> String {
    format!("{} {}", context.currency, context.group.as_deref().unwrap_or_default())
}

/// Searches hold no newline, and slugs neither, so that no two lists share a key.
fn list_key(context: &PriceContext, filter: &Filter, after: Option<PageKey>, limit: u32) -> String {
    let q = filter.q.as_deref().unwrap_or_default();
    let category = filter.category.as_deref().unwrap_or_default();
    let after = after.map(|(at, id)| format!("{} {id}", at.timestamp_micros())).unwrap_or_default();
    let prices = price_key(context);
    format!("catalog:list\n{prices}\n{limit}\n{after}\n{category}\n{q}")
}

fn answer(shop: &Shop, key: &str, body: &impl Serialize, headers: &HeaderMap) -> Result<Response, Problem> {
    let bytes = Bytes::from(serde_json::to_vec(body).map_err(Problem::internal)?);
    shop.cache().put(key, bytes.clone());
    Ok(Tagged::new(bytes).answer(headers))
}

fn describe(product: ListedProduct, currency: &'static str) -> ProductOut {
    let prices = product.price_range();
    ProductOut {
        id: product.id,
        on_sale: product.on_sale(),
        in_stock: product.in_stock(),
        price_from: prices.map(|(from, _)| from),
        price_to: prices.map(|(_, to)| to),
        currency,
        slug: product.slug,
        title: product.title,
        vendor: product.vendor,
        category: product.category_path,
        variants: product.variants.into_iter().map(VariantOut::from).collect(),
    }
}

impl From<ListedVariant> for VariantOut {
    fn from(variant: ListedVariant) -> Self {
        Self {
            id: variant.id,
            sku: variant.sku,
            title: variant.title,
            price: variant.price.as_ref().map(|price| price.amount),
            compare_at_price: variant.price.and_then(|price| price.compare_at),
            weight_grams: variant.weight_grams,
            available: variant.available,
        }
    }
}

impl From<CategoryNode> for CategoryOut {
    fn from(node: CategoryNode) -> Self {
        Self {
            id: node.category.id,
            slug: node.category.slug,
            name: node.category.name,
            path: node.category.path,
            children: node.children.into_iter().map(Self::from).collect(),
        }
    }
}
