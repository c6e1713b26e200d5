//! Price lists for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::accounts::is_code;
use crate::clock::{Given, Moment};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query, present};
use crate::http::paging::{Page, PageParams};
use crate::http::versions::{expected_version, version_tag};
use crate::prices::{self, List, ListPatch, ListStatus, MAX_LIST_NAME, MAX_LIST_PRIORITY, NewList, is_moment_of_list};
use crate::problem::{Problem, ProblemSchema};

/// A new price list.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PriceListIn {
    /// Unique, and never changed: orders name the list by it.
    #[schema(min_length = 1, max_length = 50, pattern = "^[a-z0-9-]+$", example = "trade-usd")]
    code: String,
    #[schema(min_length = 1, max_length = 200, example = "Trade, in dollars")]
    name: String,
    /// One in which the shop sells; never changed.
    #[schema(min_length = 3, max_length = 3, example = "EUR")]
    currency: String,
    /// Code of the customer group that it is for; everyone where none is given.
    #[schema(min_length = 1, max_length = 50)]
    group: Option<String>,
    /// `draft` where none is given.
    status: Option<ListStatus>,
    /// Of two lists the one with the higher priority counts.
    #[serde(default)]
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: i64,
    /// The first moment in which it is in force; from 2000 to 9999.
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Given>,
    /// The first moment in which it no longer is.
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Given>,
}

/// Changes of a price list: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "status": "active", "priority": 10, "ends_at": null }))]
pub struct PriceListPatchIn {
    #[schema(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// Null makes it for everyone.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 50)]
    group: Option<Option<String>>,
    status: Option<ListStatus>,
    #[schema(minimum = -1_000_000, maximum = 1_000_000)]
    priority: Option<i64>,
    /// Null: since ever.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Option<Given>>,
    /// Null: without an end.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Option<Given>>,
}

/// A price list as the merchant sees it.
#[derive(Debug, Serialize, ToSchema)]
pub struct PriceListOut {
    id: Uuid,
    #[schema(example = "trade-usd")]
    code: String,
    name: String,
    #[schema(example = "USD")]
    currency: &'static str,
    group: Option<String>,
    status: ListStatus,
    priority: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Moment>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Moment>,
    /// The ETag, for `If-Match`. Counts changes of the list and its prices.
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// Price lists, by code
#[utoipa::path(
    get, path = "/v1/admin/price-lists", tag = "prices", params(PageParams), security(("bearer" = [])),
    responses(
        (status = 200, body = Page<PriceListOut>),
    )
)]
pub async fn list_price_lists(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<PageParams>,
) -> Result<Answer<Page<PriceListOut>>, Problem> {
    let limit = params.limit()?;
    let after: String = params.key()?.unwrap_or_default();
    let lists = prices::lists(&shop, &after, limit + 1).await?;
    Ok(Answer(Page::new(lists, limit, |list| list.code.clone(), PriceListOut::from)))
}

/// Create a price list; it begins without prices
#[utoipa::path(
    post, path = "/v1/admin/price-lists", tag = "prices", request_body = PriceListIn, security(("bearer" = [])),
    responses(
        (status = 201, description = "The list, with `Location` and ETag", body = PriceListOut),
        (status = 409, description = "`code-taken`", body = ProblemSchema),
    )
)]
pub async fn create_price_list(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Json(body): Json<PriceListIn>,
) -> Result<Response, Problem> {
    let list = prices::create_list(&shop, body.check(&shop)?).await?;
    let location = HeaderValue::from_str(&format!("/v1/admin/price-lists/{}", list.id)).map_err(Problem::internal)?;
    let mut response = (StatusCode::CREATED, answer(list)).into_response();
    response.headers_mut().insert(header::LOCATION, location);
    Ok(response)
}

/// A price list
#[utoipa::path(
    get, path = "/v1/admin/price-lists/{id}", tag = "prices", params(("id" = Uuid, Path)), security(("bearer" = [])),
    responses(
        (status = 200, description = "The list, with its ETag", body = PriceListOut),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn get_price_list(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(prices::get_list(&shop, id).await?))
}

/// Change a price list
#[utoipa::path(
    patch, path = "/v1/admin/price-lists/{id}", tag = "prices", request_body = PriceListPatchIn,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag of the version to change")),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The list, with its ETag", body = PriceListOut),
        (status = 404, description = "`not-found`", body = ProblemSchema),
    )
)]
pub async fn patch_price_list(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    Json(body): Json<PriceListPatchIn>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let mut checks = Checks::default();
    if let Some(name) = &body.name {
        check_name(&mut checks, name);
    }
    check_conditions(
        &mut checks,
        body.group.as_ref().and_then(Option::as_deref),
        body.priority.unwrap_or_default(),
        body.starts_at.flatten(),
        body.ends_at.flatten(),
    );
    checks.done()?;
    let patch = ListPatch {
        name: body.name.map(|name| name.trim().to_owned()),
        group: body.group,
        status: body.status,
        priority: body.priority,
        starts_at: body.starts_at.map(|moment| moment.map(Moment::from)),
        ends_at: body.ends_at.map(|moment| moment.map(Moment::from)),
    };
    Ok(answer(prices::patch_list(&shop, id, patch, expected).await?))
}

/// Delete a price list with its prices
#[utoipa::path(
    delete, path = "/v1/admin/price-lists/{id}", tag = "prices", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: delete only this version")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, description = "`not-found`", body = ProblemSchema)
    )
)]
pub async fn delete_price_list(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    prices::delete_list(&shop, id, expected_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl PriceListIn {
    fn check(self, shop: &Shop) -> Result<NewList, Problem> {
        let mut checks = Checks::default();
        checks.require(is_code(&self.code), "/code", "must be 1 to 50 of a-z, 0-9 and -");
        check_name(&mut checks, &self.name);
        let currency = shop.config().shop.find_currency(Some(&self.currency));
        checks.require(currency.is_some(), "/currency", "is not a currency in which the shop sells");
        check_conditions(&mut checks, self.group.as_deref(), self.priority, self.starts_at, self.ends_at);
        checks.done()?;
        Ok(NewList {
            code: self.code,
            name: self.name.trim().to_owned(),
            currency: currency.unwrap_or(shop.config().shop.currency),
            group: self.group,
            status: self.status.unwrap_or(ListStatus::Draft),
            priority: self.priority,
            starts_at: self.starts_at.map(Moment::from),
            ends_at: self.ends_at.map(Moment::from),
        })
    }
}

fn check_name(checks: &mut Checks, name: &str) {
    checks.line(name, 1, MAX_LIST_NAME, "/name");
}

fn check_conditions(
    checks: &mut Checks,
    group: Option<&str>,
    priority: i64,
    starts_at: Option<Given>,
    ends_at: Option<Given>,
) {
    checks.require(group.is_none_or(is_code), "/group", "is not the code of a customer group");
    let fits = (-MAX_LIST_PRIORITY..=MAX_LIST_PRIORITY).contains(&priority);
    checks.require(fits, "/priority", &format!("must be -{MAX_LIST_PRIORITY} to {MAX_LIST_PRIORITY}"));
    for (pointer, moment) in [("/starts_at", starts_at), ("/ends_at", ends_at)] {
        let fits = moment.is_none_or(|moment| is_moment_of_list(moment.into()));
        checks.require(fits, pointer, "must be in the years 2000 to 9999");
    }
}

/// With its ETag.
pub(super) fn answer(list: List) -> Response {
    let etag = version_tag(list.version);
    ([(header::ETAG, etag)], Answer(PriceListOut::from(list))).into_response()
}

impl From<List> for PriceListOut {
    fn from(list: List) -> Self {
        Self {
            id: list.id,
            code: list.code,
            name: list.name,
            currency: list.currency.code(),
            group: list.group,
            status: list.status,
            priority: list.priority,
            starts_at: list.starts_at,
            ends_at: list.ends_at,
            version: list.version,
            created_at: list.created_at,
            updated_at: list.updated_at,
        }
    }
}
