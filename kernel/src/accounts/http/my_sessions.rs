//! Where I am signed in.

use axum::extract::State;
use http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts;
use crate::clock::Moment;
use crate::http::auth::SignedIn;
use crate::http::extract::{Path, Query};
use crate::http::paging::{Page, PageParams};
use crate::problem::{Problem, ProblemSchema};

/// A session of mine.
#[derive(Serialize, ToSchema)]
pub struct MySessionBody {
    id: Uuid,
    /// It is the one that asks.
    current: bool,
    /// What the browser or app called itself at the login; empty where it said nothing.
    #[schema(example = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0")]
    user_agent: String,
    /// The network that the login came from; the address itself is not kept.
    #[schema(example = "203.0.113.0/24")]
    network: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    /// When its tokens were last renewed.
    #[schema(value_type = String, format = DateTime)]
    last_used_at: Moment,
    /// When it ends by itself.
    #[schema(value_type = String, format = DateTime)]
    expires_at: Moment,
}

/// My sessions, the newest first
#[utoipa::path(get, path = "/v1/me/sessions", tag = "accounts", security(("bearer" = [])), params(PageParams), responses(
    (status = 200, body = Page<MySessionBody>)
))]
pub async fn list_sessions(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Query(page): Query<PageParams>,
) -> Result<axum::Json<Page<MySessionBody>>, Problem> {
    let (limit, before) = (page.limit()?, page.key::<Uuid>()?);
    let sessions = accounts::list_sessions(&shop, identity.customer_id, before, limit).await?;
    let body = |session: accounts::Session| MySessionBody {
        id: session.id,
        current: session.id == identity.session_id,
        user_agent: session.user_agent,
        network: session.network,
        created_at: session.created_at,
        last_used_at: session.last_used_at,
        expires_at: session.expires_at,
    };
    Ok(axum::Json(Page::new(sessions, limit, |session| session.id, body)))
}

/// End a session of mine
#[utoipa::path(delete, path = "/v1/me/sessions/{id}", tag = "accounts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It has ended, and its tokens with it"),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn delete_session(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let ended = accounts::end_session(&shop, identity.customer_id, id).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(Problem::not_found()) }
}

/// End all my sessions but this one
#[utoipa::path(delete, path = "/v1/me/sessions", tag = "accounts", security(("bearer" = [])), responses(
    (status = 204, description = "They have ended, and their tokens with them")
))]
pub async fn delete_other_sessions(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
) -> Result<StatusCode, Problem> {
    accounts::end_other_sessions(&shop, &identity).await?;
    Ok(StatusCode::NO_CONTENT)
}
