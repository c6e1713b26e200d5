//! My address book.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts::{self, AddressEntry, SavedAddress};
use crate::address::Address;
use crate::clock::Moment;
use crate::http::auth::SignedIn;
use crate::http::extract::{Checks, Json, Path};
use crate::problem::{Problem, ProblemSchema};

const MAX_LABEL_CHARS: usize = 60;

/// An address to keep.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SavedAddressIn {
    #[serde(default)]
    #[schema(example = "Home", max_length = 60)]
    label: String,
    address: Address,
    /// Make it the default for delivery. False leaves the default where it is; the first address is the default anyway.
    #[serde(default)]
    default_delivery: bool,
    /// As `default_delivery`, for bills.
    #[serde(default)]
    default_billing: bool,
}

impl SavedAddressIn {
    fn check(self) -> Result<AddressEntry, Problem> {
        let address = self.address.trimmed();
        let mut checks = Checks::default();
        checks.text(&self.label, 0, MAX_LABEL_CHARS, "/label");
        checks.address(&address, "/address");
        checks.done()?;
        let Self { label, default_delivery, default_billing, .. } = self;
        Ok(AddressEntry { label: label.trim().to_owned(), address, default_delivery, default_billing })
    }
}

/// An address of mine.
#[derive(Serialize, ToSchema)]
pub struct SavedAddressOut {
    id: Uuid,
    /// Empty where none was given.
    #[schema(example = "Home")]
    label: String,
    address: Address,
    default_delivery: bool,
    default_billing: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

impl From<SavedAddress> for SavedAddressOut {
    fn from(saved: SavedAddress) -> Self {
        let SavedAddress { id, label, address, default_delivery, default_billing, created_at, updated_at } = saved;
        Self { id, label, address, default_delivery, default_billing, created_at, updated_at }
    }
}

/// My addresses, the oldest first
#[utoipa::path(get, path = "/v1/me/addresses", tag = "accounts", security(("bearer" = [])), responses(
    (status = 200, body = [SavedAddressOut])
))]
pub async fn list_addresses(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
) -> Result<axum::Json<Vec<SavedAddressOut>>, Problem> {
    let addresses = accounts::list_addresses(&shop, identity.customer_id).await?;
    Ok(axum::Json(addresses.into_iter().map(SavedAddressOut::from).collect()))
}

/// An address of mine
#[utoipa::path(get, path = "/v1/me/addresses/{id}", tag = "accounts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, body = SavedAddressOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_address(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<axum::Json<SavedAddressOut>, Problem> {
    let saved = accounts::find_address(&shop, identity.customer_id, id).await?.ok_or_else(Problem::not_found)?;
    Ok(axum::Json(saved.into()))
}

/// Keep an address
#[utoipa::path(post, path = "/v1/me/addresses", tag = "accounts", security(("bearer" = [])), request_body = SavedAddressIn, responses(
    (status = 201, body = SavedAddressOut),
    (status = 422, description = "`invalid-request`, also where the book is full", body = ProblemSchema)
))]
pub async fn create_address(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Json(body): Json<SavedAddressIn>,
) -> Result<Response, Problem> {
    let saved = accounts::add_address(&shop, identity.customer_id, &body.check()?).await?;
    let location = HeaderValue::from_str(&format!("/v1/me/addresses/{}", saved.id)).map_err(Problem::internal)?;
    let body = axum::Json(SavedAddressOut::from(saved));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// Replace an address of mine
#[utoipa::path(put, path = "/v1/me/addresses/{id}", tag = "accounts", security(("bearer" = [])), params(("id" = Uuid, Path)),
    request_body = SavedAddressIn, responses(
    (status = 200, body = SavedAddressOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn put_address(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
    Json(body): Json<SavedAddressIn>,
) -> Result<axum::Json<SavedAddressOut>, Problem> {
    Ok(axum::Json(accounts::replace_address(&shop, identity.customer_id, id, &body.check()?).await?.into()))
}

/// Forget an address of mine
///
/// Where it was a default, the oldest of those that stay is the next.
#[utoipa::path(delete, path = "/v1/me/addresses/{id}", tag = "accounts", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 204, description = "It is forgotten"),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn delete_address(
    State(shop): State<Shop>,
    SignedIn(identity): SignedIn,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    accounts::remove_address(&shop, identity.customer_id, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
