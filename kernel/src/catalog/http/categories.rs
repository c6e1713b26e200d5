//! Categories for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::products::check_seo;
use super::{check_slug, expected_version, present, version_tag};
use crate::Shop;
use crate::catalog::{self, Category, CategoryPatch, Error, MAX_TITLE, NewCategory};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path};
use crate::problem::{Problem, ProblemSchema};

/// Positions stay small: they only order siblings.
const MAX_POSITION: i64 = 1_000_000;

/// A new category.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryIn {
    #[schema(min_length = 1, max_length = 200, example = "Black tea")]
    name: String,
    /// Unique in the whole shop; made from the name, and made unique, where none is given.
    #[schema(example = "black-tea")]
    slug: Option<String>,
    /// The category that it is in; a root where none is given.
    parent_id: Option<Uuid>,
    /// Siblings are shown by position, then by name.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000)]
    position: i64,
    /// For search engines; the name stands in where it is empty.
    #[serde(default)]
    #[schema(max_length = 200)]
    seo_title: String,
    #[serde(default)]
    #[schema(max_length = 500)]
    seo_description: String,
}

/// Changes of a category: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "name": "Green tea", "parent_id": "0198a1b2-4c3d-7e5f-8a9b-0c1d2e3f4a5b" }))]
pub struct CategoryPatchIn {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    slug: Option<String>,
    /// Moves it with all that is below it; null makes it a root.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Uuid>)]
    parent_id: Option<Option<Uuid>>,
    #[schema(minimum = 0, maximum = 1_000_000)]
    position: Option<i64>,
    #[schema(max_length = 200)]
    seo_title: Option<String>,
    #[schema(max_length = 500)]
    seo_description: Option<String>,
}

/// A category as the merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminCategoryOut {
    id: Uuid,
    parent_id: Option<Uuid>,
    slug: String,
    name: String,
    /// Slugs from the root.
    #[schema(example = "tea/black-tea")]
    path: String,
    /// 0 for a root.
    #[schema(example = 1)]
    level: usize,
    position: i64,
    seo_title: String,
    seo_description: String,
    /// The ETag, for `If-Match`.
    version: i64,
}

/// Create a category
#[utoipa::path(
    post, path = "/v1/admin/categories", tag = "catalog", request_body = CategoryIn, security(("bearer" = [])),
    responses(
        (status = 201, description = "The category, with its ETag", body = AdminCategoryOut),
        (status = 409, description = "`slug-taken`", body = ProblemSchema)
    )
)]
pub async fn create_category(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Json(body): Json<CategoryIn>,
) -> Result<Response, Problem> {
    let seo = (Some(body.seo_title.as_str()), Some(body.seo_description.as_str()));
    check(Some(&body.name), body.slug.as_deref(), Some(body.position), seo)?;
    let new = NewCategory {
        name: body.name.trim().to_owned(),
        slug: body.slug,
        parent_id: body.parent_id,
        position: body.position,
        seo_title: body.seo_title.trim().to_owned(),
        seo_description: body.seo_description.trim().to_owned(),
    };
    let category = catalog::create_category(&shop, &new).await.map_err(problem)?;
    Ok((StatusCode::CREATED, answer(category)).into_response())
}

/// Rename or move a category; what is below it moves with it
#[utoipa::path(
    patch, path = "/v1/admin/categories/{id}", tag = "catalog", request_body = CategoryPatchIn,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The category, with its ETag", body = AdminCategoryOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`slug-taken`, `category-cycle`", body = ProblemSchema)
    )
)]
pub async fn patch_category(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<CategoryPatchIn>,
) -> Result<Response, Problem> {
    let seo = (body.seo_title.as_deref(), body.seo_description.as_deref());
    check(body.name.as_deref(), body.slug.as_deref(), body.position, seo)?;
    let patch = CategoryPatch {
        name: body.name.map(|name| name.trim().to_owned()),
        slug: body.slug,
        parent_id: body.parent_id,
        position: body.position,
        seo_title: body.seo_title.map(|text| text.trim().to_owned()),
        seo_description: body.seo_description.map(|text| text.trim().to_owned()),
    };
    let expected = expected_version(&headers)?;
    Ok(answer(catalog::patch_category(&shop, id, patch, expected).await.map_err(problem)?))
}

/// A category
#[utoipa::path(
    get, path = "/v1/admin/categories/{id}", tag = "catalog", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The category, with its ETag", body = AdminCategoryOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn admin_get_category(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(catalog::get_category(&shop, id).await?))
}

/// Delete a category without sub-categories; its products go up to its parent
#[utoipa::path(
    delete, path = "/v1/admin/categories/{id}", tag = "catalog", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: delete only this version")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`category-not-empty`", body = ProblemSchema)
    )
)]
pub async fn delete_category(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    catalog::delete_category(&shop, id, expected_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

type Seo<'a> = (Option<&'a str>, Option<&'a str>);

fn check(name: Option<&str>, slug: Option<&str>, position: Option<i64>, seo: Seo<'_>) -> Result<(), Problem> {
    let mut checks = Checks::default();
    if let Some(name) = name {
        checks.line(name, 1, MAX_TITLE, "/name");
    }
    if let Some(slug) = slug {
        check_slug(&mut checks, slug);
    }
    if let Some(position) = position {
        let detail = format!("must be 0 to {MAX_POSITION}");
        checks.require((0..=MAX_POSITION).contains(&position), "/position", &detail);
    }
    check_seo(&mut checks, seo.0, seo.1);
    checks.done()
}

/// Here the category that is not there is the parent.
fn problem(error: Error) -> Problem {
    match error {
        Error::CategoryUnknown => Problem::invalid_field("/parent_id", error.to_string()),
        error => error.into(),
    }
}

fn answer(category: Category) -> Response {
    ([(header::ETAG, version_tag(category.version))], Answer(AdminCategoryOut::from(category))).into_response()
}

impl From<Category> for AdminCategoryOut {
    fn from(category: Category) -> Self {
        Self {
            level: category.level(),
            seo_title: category.seo_title,
            seo_description: category.seo_description,
            version: category.version,
            id: category.id,
            parent_id: category.parent_id,
            slug: category.slug,
            name: category.name,
            path: category.path,
            position: category.position,
        }
    }
}
