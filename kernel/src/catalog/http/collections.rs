//! Collections for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::products::check_seo;
use super::{check_slug, expected_version, version_tag};
use crate::Shop;
use crate::catalog::{
    self, AttributeValue, Collection, CollectionPatch, Condition, MAX_ATTRIBUTE_TEXT, MAX_CHOSEN, MAX_CONDITIONS,
    MAX_DESCRIPTION, MAX_TAG, MAX_TITLE, MAX_VENDOR, NewCollection, Reading, Rule, Status, is_code,
};
use crate::clock::{Given, Moment};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::money::MAX_AMOUNT;
use crate::problem::{Problem, ProblemSchema};

/// A new collection.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionIn {
    #[schema(min_length = 1, max_length = 200, example = "Summer")]
    title: String,
    /// Made from the title, and made unique, where none is given.
    #[schema(example = "summer")]
    slug: Option<String>,
    /// Plain text.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    description: String,
    #[serde(default)]
    #[schema(max_length = 200)]
    seo_title: String,
    #[serde(default)]
    #[schema(max_length = 500)]
    seo_description: String,
    /// `draft` where none is given.
    status: Option<Status>,
    /// None for a collection by hand.
    rule: Option<Rule>,
}

/// Changes of a collection: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CollectionPatchIn {
    #[schema(min_length = 1, max_length = 200, example = "High summer")]
    title: Option<String>,
    slug: Option<String>,
    #[schema(max_length = 20_000)]
    description: Option<String>,
    #[schema(max_length = 200)]
    seo_title: Option<String>,
    #[schema(max_length = 500)]
    seo_description: Option<String>,
    status: Option<Status>,
    /// Of a collection by rule. Its products follow within moments.
    rule: Option<Rule>,
}

/// The products of a collection by hand.
#[derive(Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "products": ["0198a1b2-4c3d-7e5f-8a9b-0c1d2e3f4a5b", "0198a1b2-5d4e-7f60-9b8c-1d2e3f4a5b6c"] }))]
pub struct ChosenProducts {
    /// Ids, in the order in which they are shown.
    #[schema(max_items = 1_000)]
    products: Vec<Uuid>,
}

/// A collection as the merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminCollectionOut {
    id: Uuid,
    slug: String,
    title: String,
    description: String,
    seo_title: String,
    seo_description: String,
    status: Status,
    rule: Option<Rule>,
    /// The ETag, for `If-Match`.
    version: i64,
    #[schema(value_type = DateTime<Utc>)]
    created_at: Moment,
    #[schema(value_type = DateTime<Utc>)]
    updated_at: Moment,
}

/// Which collections.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AdminCollectionsParams {
    /// `active` where none is given.
    status: Option<Status>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Collections of one status, newest first
#[utoipa::path(
    get, path = "/v1/admin/collections", tag = "catalog", params(AdminCollectionsParams), security(("bearer" = [])),
    responses(
        (status = 200, description = "A page", body = Page<AdminCollectionOut>)
    )
)]
pub async fn admin_list_collections(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<AdminCollectionsParams>,
) -> Result<Answer<Page<AdminCollectionOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let status = params.status.unwrap_or(Status::Active);
    let after = page.key::<(Given, Uuid)>()?.map(|(at, id)| (at.into(), id));
    let found = catalog::list_collections(&shop, status, after, limit + 1, &Reading::default()).await?;
    Ok(Answer(Page::new(found, limit, |found| (found.created_at, found.id), AdminCollectionOut::from)))
}

/// A collection, whatever its status
#[utoipa::path(
    get, path = "/v1/admin/collections/{id}", tag = "catalog", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The collection, with its ETag", body = AdminCollectionOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn admin_get_collection(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(catalog::get_collection(&shop, id).await?))
}

/// Create a collection, by hand or by rule
#[utoipa::path(
    post, path = "/v1/admin/collections", tag = "catalog", request_body = CollectionIn, security(("bearer" = [])),
    responses(
        (status = 201, description = "The collection, with `Location` and ETag", body = AdminCollectionOut),
        (status = 409, description = "`slug-taken`", body = ProblemSchema)
    )
)]
pub async fn create_collection(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Json(body): Json<CollectionIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    check_head(&mut checks, Some(&body.title), body.slug.as_deref(), Some(&body.description));
    check_seo(&mut checks, Some(&body.seo_title), Some(&body.seo_description));
    check_rule(&mut checks, body.rule.as_ref());
    checks.done()?;
    let new = NewCollection {
        title: body.title.trim().to_owned(),
        slug: body.slug,
        description: body.description.trim().to_owned(),
        seo_title: body.seo_title.trim().to_owned(),
        seo_description: body.seo_description.trim().to_owned(),
        status: body.status.unwrap_or_default(),
        rule: body.rule.map(folded),
    };
    let made = catalog::create_collection(&shop, &new).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/collections/{}", made.id)).map_err(Problem::internal)?;
    let mut response = (StatusCode::CREATED, answer(made)).into_response();
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Change a collection
#[utoipa::path(
    patch, path = "/v1/admin/collections/{id}", tag = "catalog", request_body = CollectionPatchIn,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The collection, with its new ETag", body = AdminCollectionOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`slug-taken`", body = ProblemSchema)
    )
)]
pub async fn patch_collection(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<CollectionPatchIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    check_head(&mut checks, body.title.as_deref(), body.slug.as_deref(), body.description.as_deref());
    check_seo(&mut checks, body.seo_title.as_deref(), body.seo_description.as_deref());
    check_rule(&mut checks, body.rule.as_ref());
    checks.done()?;
    let trim = |text: String| text.trim().to_owned();
    let patch = CollectionPatch {
        title: body.title.map(trim),
        slug: body.slug,
        description: body.description.map(trim),
        seo_title: body.seo_title.map(trim),
        seo_description: body.seo_description.map(trim),
        status: body.status,
        rule: body.rule.map(folded),
    };
    Ok(answer(catalog::patch_collection(&shop, id, patch, expected_version(&headers)?).await?))
}

/// Delete a collection; its products stay
#[utoipa::path(
    delete, path = "/v1/admin/collections/{id}", tag = "catalog", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: delete only this version")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_collection(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    catalog::delete_collection(&shop, id, expected_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The products of a collection by hand, in order
#[utoipa::path(
    get, path = "/v1/admin/collections/{id}/products", tag = "catalog", params(("id" = Uuid, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Ids, with the ETag of the collection", body = ChosenProducts),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`collection-by-rule`", body = ProblemSchema)
    )
)]
pub async fn list_collection_products(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    let (products, version) = catalog::chosen_products(&shop, id).await?;
    Ok(([(header::ETAG, version_tag(version))], Answer(ChosenProducts { products })).into_response())
}

/// Choose the products of a collection by hand
#[utoipa::path(
    put, path = "/v1/admin/collections/{id}/products", tag = "catalog", request_body = ChosenProducts,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag of the collection")),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "They are chosen; with the new ETag of the collection"),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`collection-by-rule`", body = ProblemSchema)
    )
)]
pub async fn put_collection_products(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<ChosenProducts>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    checks.require(body.products.len() <= MAX_CHOSEN, "/products", &format!("must be at most {MAX_CHOSEN}"));
    checks.done()?;
    let version = catalog::put_chosen_products(&shop, id, &body.products, expected_version(&headers)?).await?;
    Ok((StatusCode::NO_CONTENT, [(header::ETAG, version_tag(version))]).into_response())
}

fn check_head(checks: &mut Checks, title: Option<&str>, slug: Option<&str>, description: Option<&str>) {
    if let Some(title) = title {
        checks.line(title, 1, MAX_TITLE, "/title");
    }
    if let Some(slug) = slug {
        check_slug(checks, slug);
    }
    if let Some(description) = description {
        checks.text(description, 0, MAX_DESCRIPTION, "/description");
    }
}

fn check_rule(checks: &mut Checks, rule: Option<&Rule>) {
    let Some(rule) = rule else { return };
    let detail = format!("must be 1 to {MAX_CONDITIONS}");
    checks.require((1..=MAX_CONDITIONS).contains(&rule.conditions.len()), "/rule/conditions", &detail);
    for (index, condition) in rule.conditions.iter().enumerate() {
        let at = format!("/rule/conditions/{index}");
        let amount = |amount: &Option<i64>| amount.is_none_or(|amount| (0..=MAX_AMOUNT).contains(&amount));
        match condition {
            Condition::ProductType { value } => checks.require(is_code(value), &at, "is not a code"),
            Condition::Attribute { code, value } => {
                checks.require(is_code(code), &at, "is not a code");
                if let AttributeValue::Text(text) = value {
                    checks.line(text, 1, MAX_ATTRIBUTE_TEXT, &at);
                }
            }
            Condition::Vendor { value } => checks.line(value, 0, MAX_VENDOR, &at),
            Condition::Tag { value } => checks.line(value, 1, MAX_TAG, &at),
            Condition::Price { min, max } => {
                let ends = min.is_some() || max.is_some();
                checks.require(ends, &at, "needs a least or a greatest price");
                checks.require(amount(min) && amount(max), &at, "prices must be 0 to 2^53 - 1");
            }
            Condition::CreatedWithinDays { days } => {
                checks.require((1..=3_650).contains(days), &at, "must be 1 to 3650 days");
            }
            Condition::Category { .. } | Condition::InStock { .. } => {}
        }
    }
}

/// Tags are kept in lower case, and so is what is compared with them.
fn folded(mut rule: Rule) -> Rule {
    for condition in &mut rule.conditions {
        if let Condition::Tag { value } = condition {
            *value = catalog::fold_tag(value);
        }
    }
    rule
}

fn answer(collection: Collection) -> Response {
    ([(header::ETAG, version_tag(collection.version))], Answer(AdminCollectionOut::from(collection))).into_response()
}

impl From<Collection> for AdminCollectionOut {
    fn from(found: Collection) -> Self {
        Self {
            id: found.id,
            slug: found.slug,
            title: found.title,
            description: found.description,
            seo_title: found.seo_title,
            seo_description: found.seo_description,
            status: found.status,
            rule: found.rule,
            version: found.version,
            created_at: found.created_at,
            updated_at: found.updated_at,
        }
    }
}
