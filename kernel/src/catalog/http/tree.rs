//! Categories for shoppers.

use axum::extract::{OriginalUri, State};
use axum::response::Response;
use http::HeaderMap;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{moved, shopper};
use crate::Shop;
use crate::catalog::{self, Category, CategoryDetail, CategoryNode, Found, Reading};
use crate::http::caching::Tagged;
use crate::http::extract::{Path, Query};
use crate::http::locale::{LocaleParams, mark};
use crate::problem::{Problem, ProblemSchema};

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
    /// 0 for a root.
    #[schema(example = 1)]
    level: usize,
    #[schema(no_recursion)]
    children: Vec<CategoryOut>,
}

/// A category, by itself.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryLinkOut {
    id: Uuid,
    #[schema(example = "black-tea")]
    slug: String,
    #[schema(example = "Black tea")]
    name: String,
    #[schema(example = "tea/black-tea")]
    path: String,
    #[schema(example = 1)]
    level: usize,
}

/// A category as its page shows it. Its products: `GET /v1/products?category=`.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryDetailOut {
    #[serde(flatten)]
    category: CategoryLinkOut,
    /// For search engines; never empty.
    #[schema(example = "Black tea")]
    seo_title: String,
    seo_description: String,
    /// From the root down, for the way back.
    ancestors: Vec<CategoryLinkOut>,
    /// Right below it.
    children: Vec<CategoryLinkOut>,
}

/// The tree of categories
#[utoipa::path(
    get, path = "/v1/categories", tag = "catalog", params(LocaleParams),
    responses(
        (status = 200, description = "The whole tree; it bears an ETag and `Content-Language`", body = [CategoryOut]),
        (status = 304, description = "What `If-None-Match` names is still right")
    )
)]
pub async fn list_categories(
    State(shop): State<Shop>,
    headers: HeaderMap,
    Query(params): Query<LocaleParams>,
) -> Result<Response, Problem> {
    let reading = Reading::of(&shop, &params.wanted(&headers)?);
    let key = format!("catalog:categories\n{}", reading.tag(&shop));
    let mut response = match shop.cache().get(&key) {
        Some(bytes) => Tagged::new(bytes).answer(&headers),
        None => {
            let tree = catalog::list_categories(&shop, &reading).await?;
            let roots: Vec<_> = tree.into_iter().map(CategoryOut::from).collect();
            shopper::answer(&shop, &key, &roots, &headers)?
        }
    };
    mark(response.headers_mut(), reading.tag(&shop));
    Ok(response)
}

/// One category, by its id or slug
#[utoipa::path(
    get, path = "/v1/categories/{category}", tag = "catalog",
    params(("category" = String, Path, description = "Id or slug", example = "black-tea"), LocaleParams),
    responses(
        (status = 200, description = "The category; it bears an ETag and `Content-Language`", body = CategoryDetailOut),
        (status = 301, description = "It has another slug now: `Location` has its address"),
        (status = 304, description = "What `If-None-Match` names is still right"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_category(
    State(shop): State<Shop>,
    headers: HeaderMap,
    OriginalUri(uri): OriginalUri,
    Path(category): Path<String>,
    Query(params): Query<LocaleParams>,
) -> Result<Response, Problem> {
    let reading = Reading::of(&shop, &params.wanted(&headers)?);
    let key = format!("catalog:category\n{}\n{category}", reading.tag(&shop));
    let mut response = match shop.cache().get(&key) {
        Some(bytes) => Tagged::new(bytes).answer(&headers),
        None => match catalog::find_category_detail(&shop, &category, &reading).await? {
            None => return Err(Problem::not_found()),
            Some(Found::Moved(slug)) => return moved(&format!("/v1/categories/{slug}"), &uri),
            Some(Found::Here(detail)) => shopper::answer(&shop, &key, &CategoryDetailOut::from(*detail), &headers)?,
        },
    };
    mark(response.headers_mut(), reading.tag(&shop));
    Ok(response)
}

impl From<CategoryNode> for CategoryOut {
    fn from(node: CategoryNode) -> Self {
        Self {
            level: node.category.level(),
            id: node.category.id,
            slug: node.category.slug,
            name: node.category.name,
            path: node.category.path,
            children: node.children.into_iter().map(Self::from).collect(),
        }
    }
}

impl From<Category> for CategoryLinkOut {
    fn from(category: Category) -> Self {
        let level = category.level();
        Self { id: category.id, slug: category.slug, name: category.name, path: category.path, level }
    }
}

impl From<CategoryDetail> for CategoryDetailOut {
    fn from(detail: CategoryDetail) -> Self {
        let mut category = detail.category;
        let title = std::mem::take(&mut category.seo_title);
        Self {
            seo_title: if title.is_empty() { category.name.clone() } else { title },
            seo_description: std::mem::take(&mut category.seo_description),
            category: category.into(),
            ancestors: detail.ancestors.into_iter().map(CategoryLinkOut::from).collect(),
            children: detail.children.into_iter().map(CategoryLinkOut::from).collect(),
        }
    }
}
