//! API keys over HTTP.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, ApiKey, ApiKeyError, NewApiKey, Permission, Scopes};
use crate::clock::{self, Given, Moment};
use crate::http::auth::{InPerson, Staff, may};
use crate::http::extract::{Checks, Json, Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Kind, Problem, ProblemSchema};

const MAX_NAME_CHARS: usize = 100;
const MAX_SCOPES: usize = 2 * Permission::ALL.len();
const SCOPE_DETAIL: &str = "must be a permission (catalog), or one only to read (catalog:read)";

/// A key to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyIn {
    /// What it is for.
    #[schema(example = "warehouse", min_length = 1, max_length = 100)]
    name: String,
    /// A permission (`catalog`: read and change), or one with `:read`. You give what you have yourself.
    #[schema(min_items = 1, max_items = 14, example = json!(["catalog:read", "orders"]))]
    scopes: Vec<String>,
    /// Until when it is good; for ever where none is given.
    #[schema(value_type = Option<String>, format = DateTime, example = "2031-01-01T00:00:00Z")]
    expires_at: Option<Given>,
}

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub struct ApiKeyOut {
    id: Uuid,
    #[schema(example = "warehouse")]
    name: String,
    /// How the key begins.
    #[schema(example = "kassa_k7n2m4pq")]
    prefix: String,
    #[schema(example = json!(["catalog:read", "orders"]))]
    scopes: Vec<String>,
    /// Who made it.
    created_by: Uuid,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Moment>,
    /// To the minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Moment>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Moment>,
}

/// A key that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct NewApiKeyOut {
    /// The key itself. It is shown here and never again.
    #[schema(example = "kassa_k7n2m4pq_8xGfM0T4Yw1w0mJHkQy1l3mCwF2b6rX9aZcVdNeSuQk")]
    key: String,
    #[serde(flatten)]
    about: ApiKeyOut,
}

impl From<ApiKey> for ApiKeyOut {
    fn from(key: ApiKey) -> Self {
        Self {
            id: key.id,
            name: key.name,
            prefix: key.prefix,
            scopes: key.scopes.names(),
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

impl ApiKeyIn {
    fn check(self) -> Result<NewApiKey, Problem> {
        let mut checks = Checks::default();
        checks.line(&self.name, 1, MAX_NAME_CHARS, "/name");
        let few = (1..=MAX_SCOPES).contains(&self.scopes.len());
        checks.require(few, "/scopes", &format!("must be 1 to {MAX_SCOPES}"));
        let scopes = Scopes::parse(self.scopes.iter().map(String::as_str));
        if let Err(index) = scopes {
            checks.require(false, &format!("/scopes/{index}"), SCOPE_DETAIL);
        }
        let expires_at = self.expires_at.map(Moment::from);
        let ahead = expires_at.is_none_or(|moment| moment > clock::now());
        checks.require(ahead, "/expires_at", "must be in the future");
        checks.done()?;
        Ok(NewApiKey { name: self.name.trim().to_owned(), scopes: scopes.unwrap_or_default(), expires_at })
    }
}

/// Make an API key
///
/// Its text is in this answer and nowhere else. An `Idempotency-Key` is ignored, since the answer is not kept.
#[utoipa::path(post, path = "/v1/admin/api-keys", tag = "accounts", security(("bearer" = [])), request_body = ApiKeyIn, responses(
    (status = 201, description = "With `Location`", body = NewApiKeyOut),
    (status = 403, description = "`forbidden`: also to an API key, and where more is given than you have", body = ProblemSchema),
    (status = 409, description = "`too-many-keys`", body = ProblemSchema)
))]
pub async fn create_api_key(
    State(shop): State<Shop>,
    staff: InPerson<may::Settings>,
    Json(body): Json<ApiKeyIn>,
) -> Result<Response, Problem> {
    let maker = staff.identity;
    let (key, text) = accounts::create_api_key(&shop, maker.customer_id, maker.permissions, body.check()?).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/api-keys/{}", key.id)).map_err(Problem::internal)?;
    let body = NewApiKeyOut { key: text, about: key.into() };
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Answer(body)).into_response())
}

/// Every API key, the newest first; also those that have ended
#[utoipa::path(get, path = "/v1/admin/api-keys", tag = "accounts", security(("bearer" = [])), params(PageParams), responses(
    (status = 200, body = Page<ApiKeyOut>)
))]
pub async fn list_api_keys(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<ApiKeyOut>>, Problem> {
    let limit = page.limit()?;
    let keys = accounts::list_api_keys(&shop, page.key()?, limit).await?;
    Ok(Answer(Page::new(keys, limit, |key| key.id, ApiKeyOut::from)))
}

/// An API key
#[utoipa::path(get, path = "/v1/admin/api-keys/{id}", tag = "accounts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = ApiKeyOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_api_key(
    State(shop): State<Shop>,
    _: Staff<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<Answer<ApiKeyOut>, Problem> {
    Ok(Answer(accounts::get_api_key(&shop, id).await?.into()))
}

/// Revoke an API key, at once; it stays in the list
#[utoipa::path(delete, path = "/v1/admin/api-keys/{id}", tag = "accounts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is good for nothing, now or since before"),
    (status = 403, description = "`forbidden`: also to an API key", body = ProblemSchema),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn revoke_api_key(
    State(shop): State<Shop>,
    _: InPerson<may::Settings>,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    accounts::revoke_api_key(&shop, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        let detail = error.to_string();
        match error {
            ApiKeyError::NotFound => Problem::not_found(),
            ApiKeyError::BeyondOwn(permission) => {
                Problem::new(Kind::Forbidden).detail(detail).with("permission", permission)
            }
            ApiKeyError::TooMany => Problem::new(Kind::TooManyKeys).detail(detail),
            ApiKeyError::Database(error) => error.into(),
        }
    }
}
