//! Staff over HTTP.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, Email, Grant, InvalidEmail, Permission, Permissions, StaffError, StaffMember};
use crate::clock::Moment;
use crate::http::auth::{InPerson, Staff, may};
use crate::http::extract::{Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Kind, Problem, ProblemSchema};

/// Staff with permissions, or an owner, who may do everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum StaffRole {
    Staff,
    Owner,
}

/// Someone who is to work for the shop.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffIn {
    /// Of an account.
    #[schema(example = "grace@example.org", max_length = 254)]
    email: String,
    /// `staff` where none is given.
    role: Option<StaffRole>,
    /// Of staff; an owner has them all.
    #[serde(default)]
    #[schema(max_items = 7, example = json!(["catalog", "orders"]))]
    permissions: Vec<Permission>,
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StaffPatch {
    role: Option<StaffRole>,
    /// All that they are to have. An owner who becomes staff has these, or none.
    #[schema(max_items = 7, example = json!(["catalog"]))]
    permissions: Option<Vec<Permission>>,
}

/// Someone who works for the shop.
#[derive(Debug, Serialize, ToSchema)]
pub struct StaffOut {
    /// Of the account.
    id: Uuid,
    #[schema(example = "grace@example.org")]
    email: String,
    #[schema(example = "Grace Hopper")]
    name: String,
    role: StaffRole,
    /// An owner has them all.
    permissions: Vec<Permission>,
    /// Whether they have one.
    second_factor: bool,
    /// When the account was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
}

impl From<StaffMember> for StaffOut {
    fn from(member: StaffMember) -> Self {
        let role = if member.grant == Grant::Owner { StaffRole::Owner } else { StaffRole::Staff };
        let permissions = member.grant.permissions().iter().collect();
        let StaffMember { id, email, name, second_factor, created_at, .. } = member;
        Self { id, email, name, role, permissions, second_factor, created_at }
    }
}

/// A list of more than all permissions repeats some: an honest mistake cannot look like that.
const MAX_PERMISSIONS: usize = Permission::ALL.len();

fn check_permissions(permissions: Vec<Permission>) -> Result<Permissions, Problem> {
    if permissions.len() <= MAX_PERMISSIONS {
        Ok(permissions.into_iter().collect())
    } else {
        Err(Problem::invalid_field("/permissions", format!("must be at most {MAX_PERMISSIONS}")))
    }
}

fn grant(role: StaffRole, permissions: Permissions) -> Result<Grant, Problem> {
    match role {
        StaffRole::Staff => Ok(Grant::Staff(permissions)),
        StaffRole::Owner if permissions == Permissions::none() => Ok(Grant::Owner),
        StaffRole::Owner => Err(Problem::invalid_field("/permissions", "must be left out: an owner has them all")),
    }
}

/// Everyone who works for the shop
#[utoipa::path(get, path = "/v1/admin/staff", tag = "accounts", security(("bearer" = [])), params(PageParams), responses(
    (status = 200, body = Page<StaffOut>)
))]
pub async fn list_staff(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<StaffOut>>, Problem> {
    let limit = page.limit()?;
    let members = accounts::list_staff(&shop, page.key()?, limit).await?;
    Ok(Answer(Page::new(members, limit, |member| member.id, StaffOut::from)))
}

/// Someone who works for the shop
#[utoipa::path(get, path = "/v1/admin/staff/{id}", tag = "accounts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, description = "With its ETag", body = StaffOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_staff(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(accounts::get_staff(&shop, id).await?))
}

/// Let someone work for the shop
///
/// You give what you have yourself; only an owner makes owners. What is given is in force at their next request. Who has no account gets
/// one, and a letter with which they set its password.
#[utoipa::path(post, path = "/v1/admin/staff", tag = "accounts", security(("bearer" = [])), request_body = StaffIn, responses(
    (status = 201, description = "With its ETag and `Location`", body = StaffOut),
    (status = 403, description = "`forbidden`: also to an API key, and where more is given than you have", body = ProblemSchema),
    (status = 409, description = "`already-staff`, `idempotency-key-in-flight`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`: also where nobody has proved the address of the account", body = ProblemSchema)
))]
pub async fn add_staff(
    State(shop): State<Shop>,
    staff: InPerson<may::Settings>,
    Json(body): Json<StaffIn>,
) -> Result<Response, Problem> {
    let email = Email::parse(&body.email).map_err(|_| Problem::invalid_field("/email", InvalidEmail.to_string()))?;
    let grant = grant(body.role.unwrap_or(StaffRole::Staff), check_permissions(body.permissions)?)?;
    let member = accounts::add_staff(&shop, staff.identity.customer_id, &email, grant).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/staff/{}", member.id)).map_err(Problem::internal)?;
    let mut response = (StatusCode::CREATED, answer(member)).into_response();
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// Change what someone may do; in force at their next request
#[utoipa::path(patch, path = "/v1/admin/staff/{id}", tag = "accounts", security(("bearer" = [])), request_body = StaffPatch,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only what was seen")), responses(
    (status = 200, description = "With its new ETag", body = StaffOut),
    (status = 403, description = "`forbidden`: also to an API key, and where more is given than you have", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`last-owner`", body = ProblemSchema)
))]
pub async fn patch_staff(
    State(shop): State<Shop>,
    staff: InPerson<may::Settings>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(body): Json<StaffPatch>,
) -> Result<Response, Problem> {
    let permissions = body.permissions.map(check_permissions).transpose()?;
    if let Some(role) = body.role {
        grant(role, permissions.unwrap_or_default())?;
    }
    let choose = |before: Grant| match (body.role, permissions, before) {
        (Some(StaffRole::Owner), _, _) => Grant::Owner,
        // Without a role, an owner stays one: permissions alone take nothing from who has them all.
        (None, _, Grant::Owner) => Grant::Owner,
        (_, Some(permissions), _) => Grant::Staff(permissions),
        (Some(StaffRole::Staff), None, Grant::Owner) => Grant::Staff(Permissions::none()),
        (_, None, Grant::Staff(permissions)) => Grant::Staff(permissions),
    };
    let giver = staff.identity.customer_id;
    Ok(answer(accounts::change_staff(&shop, giver, id, expected_tag(&headers)?.as_deref(), choose).await?))
}

/// Make a customer of someone again; their sessions end
#[utoipa::path(delete, path = "/v1/admin/staff/{id}", tag = "accounts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "They no longer work for the shop"),
    (status = 403, description = "`forbidden`: also to an API key, and for an owner unless you are one", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`last-owner`", body = ProblemSchema)
))]
pub async fn remove_staff(
    State(shop): State<Shop>,
    staff: InPerson<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    accounts::remove_staff(&shop, staff.identity.customer_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take away the second factor of someone who lost it
///
/// Their sessions end. They log in with the password alone and set up another; where the shop requires one of its staff, they can do
/// nothing else until then. That of an owner only another owner takes away, and whoever runs the process (`kassa admin create`).
#[utoipa::path(delete, path = "/v1/admin/staff/{id}/second-factor", tag = "accounts", operation_id = "reset_second_factor_of_staff",
    security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "They have none, now or since before"),
    (status = 403, description = "`forbidden`: also to an API key, and for an owner unless you are one", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn reset_second_factor_of_staff(
    State(shop): State<Shop>,
    staff: InPerson<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    accounts::reset_second_factor_of_staff(&shop, staff.identity.customer_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn answer(member: StaffMember) -> Response {
    let etag = HeaderValue::from_str(&format!("\"{}\"", member.grant.tag()));
    let mut response = Answer(StaffOut::from(member)).into_response();
    if let Ok(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    response
}

/// The tag that `If-Match` names; none where the header is missing or `*`.
fn expected_tag(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let tag = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    tag.map(|tag| Some(tag.to_owned())).ok_or_else(|| Problem::new(Kind::PreconditionFailed))
}

impl From<StaffError> for Problem {
    fn from(error: StaffError) -> Self {
        let detail = error.to_string();
        match error {
            StaffError::Unproved => Problem::invalid_field("/email", detail),
            StaffError::AlreadyStaff => Problem::new(Kind::AlreadyStaff),
            StaffError::NotFound => Problem::not_found(),
            StaffError::BeyondOwn(permission) => {
                Problem::new(Kind::Forbidden).detail(detail).with("permission", permission)
            }
            StaffError::OwnersOnly => Problem::new(Kind::Forbidden).detail(detail),
            StaffError::LastOwner => Problem::new(Kind::LastOwner),
            StaffError::Changed => Problem::new(Kind::PreconditionFailed).detail(detail),
            StaffError::Account(error) => error.into(),
            StaffError::Database(error) => error.into(),
        }
    }
}
