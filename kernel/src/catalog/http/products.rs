//! Products for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{AdminVariantOut, VariantIn, check_slug, expected_version, present, version_tag};
use crate::Shop;
use crate::catalog::{
    self, MAX_DESCRIPTION, MAX_TITLE, MAX_VARIANTS, MAX_VENDOR, NewProduct, Product, ProductPatch, Status,
};
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::problem::{Problem, ProblemSchema};

/// A new product.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductIn {
    #[schema(min_length = 1, max_length = 200, example = "Earl Grey")]
    title: String,
    /// Made from the title, and made unique, where none is given.
    #[schema(example = "earl-grey")]
    slug: Option<String>,
    /// Plain text.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    description: String,
    #[serde(default)]
    #[schema(max_length = 100)]
    vendor: String,
    /// `draft` where none is given.
    status: Option<Status>,
    category_id: Option<Uuid>,
    #[serde(default)]
    #[schema(max_items = 200)]
    variants: Vec<VariantIn>,
}

/// Changes of a product: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductPatchIn {
    #[schema(min_length = 1, max_length = 200, example = "Earl Grey, loose")]
    title: Option<String>,
    slug: Option<String>,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    #[schema(max_length = 100)]
    vendor: Option<String>,
    status: Option<Status>,
    /// Null takes it out of its category.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Uuid>)]
    category_id: Option<Option<Uuid>>,
}

/// A product as the merchant sees it. Amounts are minor units of `currency`.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminProductOut {
    id: Uuid,
    slug: String,
    title: String,
    description: String,
    vendor: String,
    status: Status,
    category_id: Option<Uuid>,
    /// The ETag, for `If-Match`. Counts changes of the product and its variants; sales do not count.
    version: i64,
    #[schema(example = "EUR")]
    currency: &'static str,
    #[schema(value_type = DateTime<Utc>)]
    created_at: Moment,
    #[schema(value_type = DateTime<Utc>)]
    updated_at: Moment,
    variants: Vec<AdminVariantOut>,
}

/// Create a product with its variants
#[utoipa::path(
    post, path = "/v1/admin/products", tag = "catalog", request_body = ProductIn, security(("bearer" = [])),
    responses(
        (status = 201, description = "The product, with `Location` and ETag", body = AdminProductOut),
        (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
        (status = 403, description = "`forbidden`", body = ProblemSchema),
        (status = 409, description = "`sku-taken`, `slug-taken`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`", body = ProblemSchema)
    )
)]
pub async fn create_product(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Json(body): Json<ProductIn>,
) -> Result<Response, Problem> {
    let new = body.check()?;
    let product = catalog::create_product(&shop, &new).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/products/{}", product.id)).map_err(Problem::internal)?;
    let mut response = (StatusCode::CREATED, answer(&shop, product)).into_response();
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// A product, whatever its status
#[utoipa::path(
    get, path = "/v1/admin/products/{id}", tag = "catalog", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The product, with its ETag", body = AdminProductOut),
        (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
        (status = 403, description = "`forbidden`", body = ProblemSchema),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn admin_get_product(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(&shop, catalog::get_product(&shop, id).await?))
}

/// Change a product
#[utoipa::path(
    patch, path = "/v1/admin/products/{id}", tag = "catalog", request_body = ProductPatchIn, security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")),
    responses(
        (status = 200, description = "The product, with its new ETag", body = AdminProductOut),
        (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
        (status = 403, description = "`forbidden`", body = ProblemSchema),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`slug-taken`", body = ProblemSchema),
        (status = 412, description = "`precondition-failed`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`", body = ProblemSchema)
    )
)]
pub async fn patch_product(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<ProductPatchIn>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let product = catalog::patch_product(&shop, id, body.check()?, expected).await?;
    Ok(answer(&shop, product))
}

/// Archive a product: shoppers no longer see it, and it can be made active again
#[utoipa::path(
    delete, path = "/v1/admin/products/{id}", tag = "catalog", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: archive only this version")),
    responses(
        (status = 204, description = "It is archived"),
        (status = 401, description = "`unauthenticated`, `invalid-token`", body = ProblemSchema),
        (status = 403, description = "`forbidden`", body = ProblemSchema),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 412, description = "`precondition-failed`", body = ProblemSchema)
    )
)]
pub async fn delete_product(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    catalog::archive_product(&shop, id, expected_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl ProductIn {
    fn check(self) -> Result<NewProduct, Problem> {
        let mut checks = Checks::default();
        check_head(&mut checks, Some(&self.title), self.slug.as_deref(), Some(&self.description), Some(&self.vendor));
        let few = self.variants.len() <= MAX_VARIANTS;
        checks.require(few, "/variants", &format!("must be at most {MAX_VARIANTS}"));
        for (index, variant) in self.variants.iter().enumerate() {
            variant.check(&mut checks, &format!("/variants/{index}"));
        }
        checks.done()?;
        Ok(NewProduct {
            title: self.title.trim().to_owned(),
            slug: self.slug,
            description: self.description.trim().to_owned(),
            vendor: self.vendor.trim().to_owned(),
            status: self.status.unwrap_or(Status::Draft),
            category_id: self.category_id,
            variants: self.variants.into_iter().map(VariantIn::into_new).collect(),
        })
    }
}

impl ProductPatchIn {
    fn check(self) -> Result<ProductPatch, Problem> {
        let mut checks = Checks::default();
        let (title, description) = (self.title.as_deref(), self.description.as_deref());
        check_head(&mut checks, title, self.slug.as_deref(), description, self.vendor.as_deref());
        checks.done()?;
        let trim = |text: String| text.trim().to_owned();
        Ok(ProductPatch {
            title: self.title.map(trim),
            slug: self.slug,
            description: self.description.map(trim),
            vendor: self.vendor.map(trim),
            status: self.status,
            category_id: self.category_id,
        })
    }
}

fn check_head(
    checks: &mut Checks,
    title: Option<&str>,
    slug: Option<&str>,
    description: Option<&str>,
    vendor: Option<&str>,
) {
    if let Some(title) = title {
        checks.text(title, 1, MAX_TITLE, "/title");
    }
    if let Some(slug) = slug {
        check_slug(checks, slug);
    }
    if let Some(description) = description {
        checks.text(description, 0, MAX_DESCRIPTION, "/description");
    }
    if let Some(vendor) = vendor {
        checks.text(vendor, 0, MAX_VENDOR, "/vendor");
    }
}

fn answer(shop: &Shop, product: Product) -> Response {
    let etag = version_tag(product.version);
    let body = AdminProductOut {
        id: product.id,
        slug: product.slug,
        title: product.title,
        description: product.description,
        vendor: product.vendor,
        status: product.status,
        category_id: product.category_id,
        version: product.version,
        currency: shop.config().shop.currency.code(),
        created_at: product.created_at,
        updated_at: product.updated_at,
        variants: product.variants.into_iter().map(AdminVariantOut::from).collect(),
    };
    ([(header::ETAG, etag)], Answer(body)).into_response()
}
