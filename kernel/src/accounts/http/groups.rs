//! Customer groups for staff.

use axum::Json as Answer;
use axum::extract::State;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, Group, is_code};
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};

const MAX_GROUP_NAME: usize = 200;

/// A new customer group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupIn {
    /// Unique, and never changed: price lists and settings of plugins name the group by it.
    #[schema(min_length = 1, max_length = 50, pattern = "^[a-z0-9-]+$", example = "trade")]
    code: String,
    #[schema(min_length = 1, max_length = 200, example = "Trade customers")]
    name: String,
}

/// Another name for a customer group.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupPatchIn {
    #[schema(min_length = 1, max_length = 200, example = "Resellers")]
    name: String,
}

/// The group that a customer is to be in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomerGroupIn {
    /// Its code; null for none.
    #[schema(min_length = 1, max_length = 50, example = "trade")]
    group: Option<String>,
}

/// A customer group.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupOut {
    #[schema(example = "trade")]
    code: String,
    #[schema(example = "Trade customers")]
    name: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
}

/// Customer groups, by code
#[utoipa::path(
    get, path = "/v1/admin/customer-groups", tag = "customers", params(PageParams), security(("bearer" = [])),
    responses(
        (status = 200, body = Page<GroupOut>)
    )
)]
pub async fn list_groups(
    _: Staff<may::Customers>,
    State(shop): State<Shop>,
    Query(params): Query<PageParams>,
) -> Result<Answer<Page<GroupOut>>, Problem> {
    let limit = params.limit()?;
    let after: String = params.key()?.unwrap_or_default();
    let groups = accounts::list_groups(&shop, &after, limit + 1).await?;
    Ok(Answer(Page::new(groups, limit, |group| group.code.clone(), GroupOut::from)))
}

/// Create a customer group
#[utoipa::path(
    post, path = "/v1/admin/customer-groups", tag = "customers", request_body = GroupIn, security(("bearer" = [])),
    responses(
        (status = 201, body = GroupOut),
        (status = 409, description = "`code-taken`", body = ProblemSchema)
    )
)]
pub async fn create_group(
    _: Staff<may::Customers>,
    State(shop): State<Shop>,
    Json(body): Json<GroupIn>,
) -> Result<(StatusCode, Answer<GroupOut>), Problem> {
    let mut checks = Checks::default();
    checks.require(is_code(&body.code), "/code", "must be 1 to 50 of a-z, 0-9 and -");
    checks.line(&body.name, 1, MAX_GROUP_NAME, "/name");
    checks.done()?;
    let group = accounts::create_group(&shop, body.code, body.name.trim().to_owned()).await?;
    Ok((StatusCode::CREATED, Answer(group.into())))
}

/// A customer group
#[utoipa::path(
    get, path = "/v1/admin/customer-groups/{code}", tag = "customers", params(("code" = String, Path)),
    security(("bearer" = [])),
    responses(
        (status = 200, body = GroupOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_group(
    _: Staff<may::Customers>,
    State(shop): State<Shop>,
    Path(code): Path<String>,
) -> Result<Answer<GroupOut>, Problem> {
    Ok(Answer(accounts::get_group(&shop, known(&code)?).await?.into()))
}

/// Rename a customer group
#[utoipa::path(
    patch, path = "/v1/admin/customer-groups/{code}", tag = "customers", params(("code" = String, Path)),
    request_body = GroupPatchIn, security(("bearer" = [])),
    responses(
        (status = 200, body = GroupOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn patch_group(
    _: Staff<may::Customers>,
    State(shop): State<Shop>,
    Path(code): Path<String>,
    Json(body): Json<GroupPatchIn>,
) -> Result<Answer<GroupOut>, Problem> {
    let mut checks = Checks::default();
    checks.line(&body.name, 1, MAX_GROUP_NAME, "/name");
    checks.done()?;
    Ok(Answer(accounts::rename_group(&shop, known(&code)?, body.name.trim()).await?.into()))
}

/// Delete a customer group; its customers are in none then
#[utoipa::path(
    delete, path = "/v1/admin/customer-groups/{code}", tag = "customers", params(("code" = String, Path)),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 409, description = "`customer-group-in-use`: price lists are for it", body = ProblemSchema)
    )
)]
pub async fn delete_group(
    _: Staff<may::Customers>,
    State(shop): State<Shop>,
    Path(code): Path<String>,
) -> Result<StatusCode, Problem> {
    accounts::delete_group(&shop, known(&code)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a customer into a group, or into none
#[utoipa::path(
    put, path = "/v1/admin/customers/{id}/group", tag = "customers", params(("id" = Uuid, Path)),
    request_body = CustomerGroupIn, security(("bearer" = [])),
    responses(
        (status = 204, description = "They are in it"),
        (status = 404, description = "`not-found`", body = ProblemSchema),
        (status = 422, description = "`invalid-request`, also for a group that does not exist", body = ProblemSchema)
    )
)]
pub async fn put_customer_group(
    _: Staff<may::Customers>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Json(body): Json<CustomerGroupIn>,
) -> Result<StatusCode, Problem> {
    let mut checks = Checks::default();
    checks.require(body.group.as_deref().is_none_or(is_code), "/group", "is not the code of a customer group");
    checks.done()?;
    accounts::set_group(&shop, id, body.group.as_deref()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What cannot be a code names nothing.
fn known(code: &str) -> Result<&str, Problem> {
    if is_code(code) { Ok(code) } else { Err(Problem::not_found()) }
}

impl From<Group> for GroupOut {
    fn from(group: Group) -> Self {
        Self { code: group.code, name: group.name, created_at: group.created_at }
    }
}
