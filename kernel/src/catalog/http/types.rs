//! Product types for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{check_code, check_distinct, expected_version, version_tag};
use crate::Shop;
use crate::catalog::{
    self, Attribute, AttributeKind, Choice, Level, MAX_ATTRIBUTES, MAX_CHOICES, MAX_DECIMALS, MAX_TITLE, MAX_UNIT,
    ProductType, ProductTypePatch,
};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};

/// A new product type.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductTypeIn {
    /// Never changes.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([-_][a-z0-9]+)*$", example = "coffee")]
    code: String,
    #[schema(min_length = 1, max_length = 200, example = "Coffee")]
    name: String,
    #[serde(default)]
    #[schema(max_items = 50)]
    attributes: Vec<AttributeDefinition>,
}

/// Changes of a product type: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductTypePatchIn {
    #[schema(min_length = 1, max_length = 200, example = "Coffee beans")]
    name: Option<String>,
    /// All of them, as they are to be. One that is missing goes, with its values; kind, level, unit and decimals of one that
    /// stays cannot change; a choice that a product has cannot go.
    #[schema(max_items = 50)]
    attributes: Option<Vec<AttributeDefinition>>,
}

/// Something that products of the type have.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AttributeDefinition {
    /// Means the same in every type that has it.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([-_][a-z0-9]+)*$", example = "caffeine")]
    code: String,
    #[schema(min_length = 1, max_length = 200, example = "Caffeine")]
    name: String,
    #[schema(example = "number")]
    kind: AttributeKind,
    /// `product` where none is given.
    #[serde(default = "of_the_product")]
    #[schema(example = "product")]
    level: Level,
    /// Of a number.
    #[serde(default)]
    #[schema(max_length = 20, example = "mg")]
    unit: String,
    /// Of a number: with one decimal, 12.5 is written 125.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 6, example = 1)]
    decimals: i64,
    /// Whether active products must have it.
    #[serde(default)]
    required: bool,
    /// Whether lists can be filtered by it.
    #[serde(default)]
    filterable: bool,
    /// Of a choice, which has at least one; in the order in which they are shown.
    #[serde(default)]
    #[schema(max_items = 200, example = json!([]))]
    choices: Vec<ChoiceDefinition>,
}

/// A value that an attribute may have.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceDefinition {
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([-_][a-z0-9]+)*$", example = "light")]
    code: String,
    #[schema(min_length = 1, max_length = 200, example = "Light roast")]
    name: String,
}

/// A product type.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProductTypeOut {
    #[schema(example = "coffee")]
    code: String,
    #[schema(example = "Coffee")]
    name: String,
    /// The ETag, for `If-Match`.
    version: i64,
    attributes: Vec<AttributeDefinition>,
}

fn of_the_product() -> Level {
    Level::Product
}

/// Product types, by code
#[utoipa::path(
    get, path = "/v1/admin/product-types", tag = "catalog", params(PageParams), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page", body = Page<ProductTypeOut>)
    )
)]
pub async fn list_product_types(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<ProductTypeOut>>, Problem> {
    let limit = page.limit()?;
    let after: Option<String> = page.key()?;
    let types = catalog::list_product_types(&shop, after.as_deref(), limit + 1).await?;
    Ok(Answer(Page::new(types, limit, |kind| kind.code.clone(), ProductTypeOut::from)))
}

/// A product type with its attributes
#[utoipa::path(
    get, path = "/v1/admin/product-types/{code}", tag = "catalog", params(("code" = String, Path, example = "coffee")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The type, with its ETag", body = ProductTypeOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_product_type(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    Ok(answer(catalog::get_product_type(&shop, named(&code)?).await?))
}

/// Create a product type: what attributes its products have
#[utoipa::path(
    post, path = "/v1/admin/product-types", tag = "catalog", request_body = ProductTypeIn, security(("bearer" = [])),
    responses(
        (status = 201, description = "The type, with `Location` and ETag", body = ProductTypeOut),
        (status = 409, description = "`code-taken`", body = ProblemSchema)
    )
)]
pub async fn create_product_type(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Json(body): Json<ProductTypeIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    check_code(&mut checks, "/code", &body.code);
    checks.line(&body.name, 1, MAX_TITLE, "/name");
    check_attributes(&mut checks, &body.attributes);
    checks.done()?;
    let new = ProductType {
        code: body.code,
        name: body.name.trim().to_owned(),
        version: 1,
        attributes: body.attributes.into_iter().map(Attribute::from).collect(),
    };
    let made = catalog::create_product_type(&shop, &new).await?;
    let location = format!("/v1/admin/product-types/{}", made.code);
    let location = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    let mut response = (StatusCode::CREATED, answer(made)).into_response();
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Change a product type
#[utoipa::path(
    patch, path = "/v1/admin/product-types/{code}", tag = "catalog", request_body = ProductTypePatchIn,
    params(("code" = String, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The type, with its new ETag", body = ProductTypeOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`attribute-in-use`", body = ProblemSchema)
    )
)]
pub async fn patch_product_type(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(code): Path<String>,
    Json(body): Json<ProductTypePatchIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    if let Some(name) = &body.name {
        checks.line(name, 1, MAX_TITLE, "/name");
    }
    check_attributes(&mut checks, body.attributes.as_deref().unwrap_or_default());
    checks.done()?;
    let patch = ProductTypePatch {
        name: body.name.map(|name| name.trim().to_owned()),
        attributes: body.attributes.map(|attributes| attributes.into_iter().map(Attribute::from).collect()),
    };
    let expected = expected_version(&headers)?;
    Ok(answer(catalog::patch_product_type(&shop, named(&code)?, patch, expected).await?))
}

/// Delete a product type that no product has
#[utoipa::path(
    delete, path = "/v1/admin/product-types/{code}", tag = "catalog", security(("bearer" = [])),
    params(("code" = String, Path), ("If-Match" = Option<String>, Header, description = "ETag: delete only this version")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`product-type-in-use`", body = ProblemSchema)
    )
)]
pub async fn delete_product_type(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(code): Path<String>,
) -> Result<StatusCode, Problem> {
    catalog::delete_product_type(&shop, named(&code)?, expected_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be a code names nothing, and never reaches a statement.
fn named(code: &str) -> Result<&str, Problem> {
    if catalog::is_code(code) { Ok(code) } else { Err(Problem::not_found()) }
}

fn check_attributes(checks: &mut Checks, attributes: &[AttributeDefinition]) {
    let few = attributes.len() <= MAX_ATTRIBUTES;
    checks.require(few, "/attributes", &format!("must be at most {MAX_ATTRIBUTES}"));
    let codes = attributes.iter().map(|attribute| attribute.code.as_str());
    check_distinct(checks, codes, |index| format!("/attributes/{index}/code"));
    for (index, attribute) in attributes.iter().enumerate() {
        attribute.check(checks, &format!("/attributes/{index}"));
    }
}

impl AttributeDefinition {
    fn check(&self, checks: &mut Checks, at: &str) {
        check_code(checks, &format!("{at}/code"), &self.code);
        checks.line(&self.name, 1, MAX_TITLE, &format!("{at}/name"));
        checks.line(&self.unit, 0, MAX_UNIT, &format!("{at}/unit"));
        let number = self.kind == AttributeKind::Number;
        checks.require(number || self.unit.trim().is_empty(), &format!("{at}/unit"), "only a number has a unit");
        let decimals = if number { 0..=MAX_DECIMALS } else { 0..=0 };
        let detail = format!("must be 0 to {}", decimals.end());
        checks.require(decimals.contains(&self.decimals), &format!("{at}/decimals"), &detail);
        let choices = if self.kind == AttributeKind::Choice { 1..=MAX_CHOICES } else { 0..=0 };
        let detail = format!("must be {} to {}", choices.start(), choices.end());
        checks.require(choices.contains(&self.choices.len()), &format!("{at}/choices"), &detail);
        let codes = self.choices.iter().map(|choice| choice.code.as_str());
        check_distinct(checks, codes, |index| format!("{at}/choices/{index}/code"));
        for (index, choice) in self.choices.iter().enumerate() {
            check_code(checks, &format!("{at}/choices/{index}/code"), &choice.code);
            checks.line(&choice.name, 1, MAX_TITLE, &format!("{at}/choices/{index}/name"));
        }
    }
}

fn answer(kind: ProductType) -> Response {
    ([(header::ETAG, version_tag(kind.version))], Answer(ProductTypeOut::from(kind))).into_response()
}

impl From<ProductType> for ProductTypeOut {
    fn from(kind: ProductType) -> Self {
        let attributes = kind.attributes.into_iter().map(AttributeDefinition::from).collect();
        Self { code: kind.code, name: kind.name, version: kind.version, attributes }
    }
}

impl From<AttributeDefinition> for Attribute {
    fn from(given: AttributeDefinition) -> Self {
        let choice = |choice: ChoiceDefinition| Choice { code: choice.code, name: choice.name.trim().to_owned() };
        Self {
            code: given.code,
            name: given.name.trim().to_owned(),
            kind: given.kind,
            level: given.level,
            unit: given.unit.trim().to_owned(),
            decimals: given.decimals,
            required: given.required,
            filterable: given.filterable,
            choices: given.choices.into_iter().map(choice).collect(),
        }
    }
}

impl From<Attribute> for AttributeDefinition {
    fn from(attribute: Attribute) -> Self {
        let choice = |choice: Choice| ChoiceDefinition { code: choice.code, name: choice.name };
        Self {
            code: attribute.code,
            name: attribute.name,
            kind: attribute.kind,
            level: attribute.level,
            unit: attribute.unit,
            decimals: attribute.decimals,
            required: attribute.required,
            filterable: attribute.filterable,
            choices: attribute.choices.into_iter().map(choice).collect(),
        }
    }
}
