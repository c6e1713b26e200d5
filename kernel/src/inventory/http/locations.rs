//! Locations for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::address::Address;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, present};
use crate::http::versions::{expected_version, version_tag};
use crate::inventory::{self, Location, LocationPatch, NewLocation};
use crate::problem::{Problem, ProblemSchema};

/// A place where goods lie.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationIn {
    #[schema(min_length = 1, max_length = 100, example = "Warehouse Leipzig")]
    name: String,
    address: Option<Address>,
    /// Orders are served from the location with the lowest number that has all of a line.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 1_000_000, example = 10)]
    priority: i64,
    /// Shoppers may collect there.
    #[serde(default)]
    pickup: bool,
}

/// Changes of a location: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LocationPatchIn {
    #[schema(min_length = 1, max_length = 100, example = "Warehouse Leipzig")]
    name: Option<String>,
    /// Null takes it away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<Address>)]
    address: Option<Option<Address>>,
    #[schema(minimum = 0, maximum = 1_000_000)]
    priority: Option<i64>,
    /// False closes it, which takes that nothing lies there.
    active: Option<bool>,
    pickup: Option<bool>,
}

/// A location.
#[derive(Debug, Serialize, ToSchema)]
pub struct LocationOut {
    id: Uuid,
    #[schema(example = "Warehouse Leipzig")]
    name: String,
    address: Option<Address>,
    priority: i64,
    /// A closed one takes no goods, and has none.
    active: bool,
    pickup: bool,
    /// The ETag, for `If-Match`.
    version: i64,
}

/// A place where shoppers may collect.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({
    "id": "019a0000-0000-7000-8000-000000000000",
    "name": "Shop in the Torstraße",
    "address": { "name": "Tea & Sons", "street": "Torstraße 1", "city": "Berlin", "region": "", "postcode": "10119", "country": "DE", "phone": "" }
}))]
pub struct PickupLocationOut {
    id: Uuid,
    name: String,
    address: Option<Address>,
}

/// Where shoppers may collect
#[utoipa::path(get, path = "/v1/pickup-locations", tag = "stock", responses(
    (status = 200, description = "Those that are open, as the merchant put them in order", body = [PickupLocationOut]),
))]
pub async fn list_pickup_locations(State(shop): State<Shop>) -> Result<Answer<Vec<PickupLocationOut>>, Problem> {
    let locations = inventory::pickup_locations(&shop).await?;
    let out =
        |location: Location| PickupLocationOut { id: location.id, name: location.name, address: location.address };
    Ok(Answer(locations.into_iter().map(out).collect()))
}

/// Every location, in the order in which orders are served
#[utoipa::path(get, path = "/v1/admin/locations", tag = "stock", security(("bearer" = [])), responses(
    (status = 200, body = [LocationOut]),
))]
pub async fn list_locations(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
) -> Result<Answer<Vec<LocationOut>>, Problem> {
    let locations = inventory::list_locations(&shop).await?;
    Ok(Answer(locations.into_iter().map(LocationOut::from).collect()))
}

/// A location
#[utoipa::path(get, path = "/v1/admin/locations/{id}", tag = "stock", params(("id" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The location, with its ETag", body = LocationOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_location(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(inventory::get_location(&shop, id).await?))
}

/// Open a location
#[utoipa::path(post, path = "/v1/admin/locations", tag = "stock", request_body = LocationIn, security(("bearer" = [])), responses(
    (status = 201, description = "The location, with `Location` and ETag", body = LocationOut),
    (status = 422, description = "`invalid-request`, also beyond `inventory.max_locations`", body = ProblemSchema)
))]
pub async fn create_location(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Json(body): Json<LocationIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    check(&mut checks, Some(&body.name), body.address.as_ref(), Some(body.priority));
    checks.done()?;
    let new = NewLocation {
        name: body.name.trim().to_owned(),
        address: body.address.map(Address::trimmed),
        priority: body.priority,
        pickup: body.pickup,
    };
    let location = inventory::create_location(&shop, new).await?;
    let place = HeaderValue::from_str(&format!("/v1/admin/locations/{}", location.id)).map_err(Problem::internal)?;
    let mut response = (StatusCode::CREATED, answer(location)).into_response();
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

/// Change or close a location
#[utoipa::path(patch, path = "/v1/admin/locations/{id}", tag = "stock", request_body = LocationPatchIn, security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")), responses(
    (status = 200, description = "The location, with its new ETag", body = LocationOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stock-in-use`: goods lie there, or it is the default location", body = ProblemSchema)
))]
pub async fn patch_location(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<LocationPatchIn>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let mut checks = Checks::default();
    check(&mut checks, body.name.as_deref(), body.address.iter().flatten().next(), body.priority);
    checks.done()?;
    let patch = LocationPatch {
        name: body.name.map(|name| name.trim().to_owned()),
        address: body.address.map(|address| address.map(Address::trimmed)),
        priority: body.priority,
        active: body.active,
        pickup: body.pickup,
    };
    Ok(answer(inventory::patch_location(&shop, id, patch, expected).await?))
}

/// Delete a location where nothing lies
#[utoipa::path(delete, path = "/v1/admin/locations/{id}", tag = "stock", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: delete only this version")), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stock-in-use`: goods lie there, or it is the default location", body = ProblemSchema)
))]
pub async fn delete_location(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    inventory::delete_location(&shop, id, expected_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn check(checks: &mut Checks, name: Option<&str>, address: Option<&Address>, priority: Option<i64>) {
    if let Some(name) = name {
        checks.line(name, 1, inventory::MAX_LOCATION_NAME, "/name");
    }
    if let Some(priority) = priority {
        checks.require((0..=1_000_000).contains(&priority), "/priority", "must be 0 to 1,000,000");
    }
    if let Some(address) = address {
        checks.address(address, "/address");
    }
}

fn answer(location: Location) -> Response {
    ([(header::ETAG, version_tag(location.version))], Answer(LocationOut::from(location))).into_response()
}

impl From<Location> for LocationOut {
    fn from(location: Location) -> Self {
        Self {
            id: location.id,
            name: location.name,
            address: location.address,
            priority: location.priority,
            active: location.active,
            pickup: location.pickup,
            version: location.version,
        }
    }
}
