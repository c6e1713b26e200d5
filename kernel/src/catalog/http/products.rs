//! Products for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::values::{AttributeChanges, check_attribute_count, read_options, trimmed, trimmed_changes};
use super::{AdminVariantOut, OptionDefinition, VariantIn, check_slug, expected_version, present, version_tag};
use crate::Shop;
use crate::catalog::{
    self, AttributeValues, MAX_DESCRIPTION, MAX_SEO_DESCRIPTION, MAX_SEO_TITLE, MAX_TAG, MAX_TAGS, MAX_TITLE,
    MAX_VARIANTS, MAX_VENDOR, NewProduct, Product, ProductPatch, Status,
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
    /// Code of its type, which says what attributes it may have.
    #[schema(max_length = 40, example = json!(null))]
    product_type: Option<String>,
    /// Values by the code of their attribute: a text, a whole number, a boolean, the code of a choice, a date.
    #[serde(default)]
    #[schema(example = json!({}))]
    attributes: AttributeValues,
    /// What its variants differ in. Each of them has one value of each.
    #[serde(default)]
    #[schema(max_items = 3, example = json!([]))]
    options: Vec<OptionDefinition>,
    /// For search engines; the title stands in where it is empty.
    #[serde(default)]
    #[schema(max_length = 200)]
    seo_title: String,
    #[serde(default)]
    #[schema(max_length = 500)]
    seo_description: String,
    /// Words to gather products by; upper and lower case do not matter.
    #[serde(default)]
    #[schema(max_items = 50)]
    tags: Vec<String>,
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
    /// Another type takes away the attributes that it does not have; null, all of them.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 40, example = json!(null))]
    product_type: Option<Option<String>>,
    /// Those that it names; null takes a value away.
    #[serde(default)]
    #[schema(example = json!({}))]
    attributes: AttributeChanges,
    /// All of them, as they are to be. Variants keep their values; of a new option they get its first one.
    #[schema(max_items = 3)]
    options: Option<Vec<OptionDefinition>>,
    #[schema(max_length = 200)]
    seo_title: Option<String>,
    #[schema(max_length = 500)]
    seo_description: Option<String>,
    /// All of them, as they are to be.
    #[schema(max_items = 50)]
    tags: Option<Vec<String>>,
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
    #[schema(example = "coffee")]
    product_type: Option<String>,
    #[schema(example = json!({ "roast": "light", "caffeine": 125 }))]
    attributes: AttributeValues,
    options: Vec<OptionDefinition>,
    seo_title: String,
    seo_description: String,
    tags: Vec<String>,
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
        (status = 409, description = "`sku-taken`, `slug-taken`", body = ProblemSchema)
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
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`slug-taken`", body = ProblemSchema)
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
        (status = 404, description = "`not-found`", body = ProblemSchema)
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
        check_attribute_count(&mut checks, "", self.attributes.len());
        check_seo(&mut checks, Some(&self.seo_title), Some(&self.seo_description));
        check_tags(&mut checks, &self.tags);
        let options = read_options(&mut checks, self.options);
        checks.done()?;
        Ok(NewProduct {
            title: self.title.trim().to_owned(),
            slug: self.slug,
            description: self.description.trim().to_owned(),
            vendor: self.vendor.trim().to_owned(),
            status: self.status.unwrap_or(Status::Draft),
            category_id: self.category_id,
            type_code: self.product_type,
            attributes: trimmed(self.attributes),
            options,
            seo_title: self.seo_title.trim().to_owned(),
            seo_description: self.seo_description.trim().to_owned(),
            tags: self.tags,
            variants: self.variants.into_iter().map(VariantIn::into_new).collect(),
        })
    }
}

impl ProductPatchIn {
    fn check(self) -> Result<ProductPatch, Problem> {
        let mut checks = Checks::default();
        let (title, description) = (self.title.as_deref(), self.description.as_deref());
        check_head(&mut checks, title, self.slug.as_deref(), description, self.vendor.as_deref());
        check_attribute_count(&mut checks, "", self.attributes.len());
        check_seo(&mut checks, self.seo_title.as_deref(), self.seo_description.as_deref());
        check_tags(&mut checks, self.tags.as_deref().unwrap_or_default());
        let options = self.options.map(|options| read_options(&mut checks, options));
        checks.done()?;
        let trim = |text: String| text.trim().to_owned();
        Ok(ProductPatch {
            title: self.title.map(trim),
            slug: self.slug,
            description: self.description.map(trim),
            vendor: self.vendor.map(trim),
            status: self.status,
            category_id: self.category_id,
            type_code: self.product_type,
            attributes: trimmed_changes(self.attributes),
            options,
            seo_title: self.seo_title.map(trim),
            seo_description: self.seo_description.map(trim),
            tags: self.tags,
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
        checks.line(title, 1, MAX_TITLE, "/title");
    }
    if let Some(slug) = slug {
        check_slug(checks, slug);
    }
    if let Some(description) = description {
        checks.text(description, 0, MAX_DESCRIPTION, "/description");
    }
    if let Some(vendor) = vendor {
        checks.line(vendor, 0, MAX_VENDOR, "/vendor");
    }
}

fn check_tags(checks: &mut Checks, tags: &[String]) {
    checks.require(tags.len() <= MAX_TAGS, "/tags", &format!("must be at most {MAX_TAGS}"));
    for (index, tag) in tags.iter().enumerate() {
        checks.line(tag, 1, MAX_TAG, &format!("/tags/{index}"));
    }
}

pub(super) fn check_seo(checks: &mut Checks, title: Option<&str>, description: Option<&str>) {
    if let Some(title) = title {
        checks.line(title, 0, MAX_SEO_TITLE, "/seo_title");
    }
    if let Some(description) = description {
        checks.text(description, 0, MAX_SEO_DESCRIPTION, "/seo_description");
    }
}

fn answer(shop: &Shop, product: Product) -> Response {
    let etag = version_tag(product.version);
    let variant = |variant| AdminVariantOut::new(variant, &product.options);
    let body = AdminProductOut {
        variants: product.variants.into_iter().map(variant).collect(),
        id: product.id,
        slug: product.slug,
        title: product.title,
        description: product.description,
        vendor: product.vendor,
        status: product.status,
        category_id: product.category_id,
        product_type: product.type_code,
        attributes: product.attributes,
        options: product.options.into_iter().map(OptionDefinition::from).collect(),
        seo_title: product.seo_title,
        seo_description: product.seo_description,
        tags: product.tags,
        version: product.version,
        currency: shop.config().shop.currency.code(),
        created_at: product.created_at,
        updated_at: product.updated_at,
    };
    ([(header::ETAG, etag)], Answer(body)).into_response()
}
