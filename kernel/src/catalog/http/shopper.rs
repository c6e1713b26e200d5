//! One product and the tree of categories, for shoppers. Answers are cached as ready bytes: a hit costs no statement and no serialising.

use axum::extract::State;
use axum::response::Response;
use bytes::Bytes;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::catalog::{self, CategoryNode, ListedProduct, ListedVariant};
use crate::clock::Moment;
use crate::http::caching::Tagged;
use crate::http::extract::Path;
use crate::money::Amount;
use crate::problem::{Problem, ProblemSchema};

/// A variant of a product in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct VariantOut {
    id: Uuid,
    #[schema(example = "TEA-EARL-GREY-100")]
    sku: String,
    /// What tells it from the others; empty where there is only one.
    #[schema(example = "100 g")]
    title: String,
    /// Minor units.
    #[schema(example = 690)]
    price: Amount,
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
    /// Lowest price of a variant; null without variants.
    #[schema(example = 690)]
    price_from: Option<Amount>,
    /// Highest price of a variant.
    #[schema(example = 1490)]
    price_to: Option<Amount>,
    #[schema(example = "EUR")]
    currency: &'static str,
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

/// One active product, by its id or slug
#[utoipa::path(
    get, path = "/v1/products/{product}", tag = "catalog",
    params(("product" = String, Path, description = "Id or slug", example = "earl-grey")),
    responses(
        (status = 200, description = "The product; it bears an ETag", body = ProductDetailOut),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_product(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(product): Path<String>,
) -> Result<Response, Problem> {
    let key = format!("catalog:product\n{product}");
    if let Some(bytes) = shop.cache().get(&key) {
        return Ok(Tagged::new(bytes).answer(&headers));
    }
    let mut product = catalog::find_listed(&shop, &product).await?.ok_or_else(Problem::not_found)?;
    let detail = ProductDetailOut {
        description: std::mem::take(&mut product.description),
        created_at: product.created_at,
        updated_at: product.updated_at,
        product: describe(product, shop.config().shop.currency.code()),
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

pub(super) fn answer(shop: &Shop, key: &str, body: &impl Serialize, headers: &HeaderMap) -> Result<Response, Problem> {
    let bytes = Bytes::from(serde_json::to_vec(body).map_err(Problem::internal)?);
    shop.cache().put(key, bytes.clone());
    Ok(Tagged::new(bytes).answer(headers))
}

pub(super) fn describe(product: ListedProduct, currency: &'static str) -> ProductOut {
    let prices = product.price_range();
    ProductOut {
        id: product.id,
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
            price: variant.price,
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
