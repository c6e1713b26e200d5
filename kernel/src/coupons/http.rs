//! Coupons for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::{Coupon, Error, Patch, Redemption, Terms};
use crate::Shop;
use crate::clock::{Given, Moment};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, Query, present};
use crate::http::paging::{Page, PageParams};
use crate::http::versions::{expected_version, version_tag};
use crate::problem::{Kind, Problem, ProblemSchema};

const CODE_CHARACTERS: usize = 64;
const DESCRIPTION_CHARACTERS: usize = 500;
const MOST_REDEMPTIONS: i64 = 1_000_000_000;

/// A code to be counted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponIn {
    /// What shoppers type, in any case. It cannot be changed.
    #[schema(example = "WELCOME10", min_length = 1, max_length = 64)]
    code: String,
    /// For the shop's own records.
    #[serde(default)]
    #[schema(example = "autumn newsletter", max_length = 500)]
    description: String,
    #[serde(default = "yes")]
    #[schema(default = true)]
    active: bool,
    /// Valid from this moment on; at once where there is none.
    #[schema(value_type = Option<String>, format = DateTime, example = "2026-12-01T00:00:00Z")]
    starts_at: Option<Given>,
    /// The first moment at which it is not valid any more.
    #[schema(value_type = Option<String>, format = DateTime, example = "2027-01-01T00:00:00Z")]
    ends_at: Option<Given>,
    /// How many orders may redeem it.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 500)]
    limit_total: Option<i64>,
    /// How many orders of one account, or of a guest's e-mail address.
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 1)]
    limit_per_customer: Option<i64>,
}

fn yes() -> bool {
    true
}

/// Changes of a coupon: a field that is missing stays as it is, and null takes it away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({ "active": false, "limit_total": 200 }))]
pub struct CouponPatchIn {
    #[schema(max_length = 500)]
    description: Option<String>,
    active: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Option<Given>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Option<Given>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000_000)]
    limit_total: Option<Option<i64>>,
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 1_000_000_000)]
    limit_per_customer: Option<Option<i64>>,
}

/// A coupon.
#[derive(Debug, Serialize, ToSchema)]
pub struct CouponOut {
    id: Uuid,
    #[schema(example = "WELCOME10")]
    code: String,
    description: String,
    active: bool,
    #[schema(value_type = Option<String>, format = DateTime)]
    starts_at: Option<Moment>,
    #[schema(value_type = Option<String>, format = DateTime)]
    ends_at: Option<Moment>,
    limit_total: Option<i64>,
    limit_per_customer: Option<i64>,
    /// Orders that redeemed it and were not cancelled.
    #[schema(example = 17)]
    redeemed: i64,
    /// The ETag, for `If-Match`.
    version: i64,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// An order that redeemed a coupon.
#[derive(Debug, Serialize, ToSchema)]
pub struct RedemptionOut {
    id: Uuid,
    #[schema(example = 1042)]
    order_number: i64,
    #[schema(value_type = String, format = DateTime)]
    redeemed_at: Moment,
    /// When the order was cancelled, and the redemption given back.
    #[schema(value_type = Option<String>, format = DateTime)]
    returned_at: Option<Moment>,
}

/// Which coupons.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CouponParams {
    /// The one with this code, in any case.
    #[param(min_length = 1, max_length = 64, example = "WELCOME10")]
    code: Option<String>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Coupons that the shop counts, the newest first
#[utoipa::path(get, path = "/v1/admin/coupons", tag = "promotions", security(("bearer" = [])), params(CouponParams), responses(
    (status = 200, body = Page<CouponOut>)
))]
pub async fn list_coupons(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<CouponParams>,
) -> Result<Answer<Page<CouponOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let coupons = match params.code {
        Some(code) => {
            let mut checks = Checks::default();
            checks.text(&code, 1, CODE_CHARACTERS, "code");
            checks.require(page.cursor.is_none(), "cursor", "has no meaning beside code");
            checks.done()?;
            super::find_by_code(&shop, &code).await?.into_iter().collect()
        }
        None => super::list(&shop, page.key()?, limit).await?,
    };
    Ok(Answer(Page::new(coupons, limit, |coupon| coupon.id, CouponOut::from)))
}

/// A coupon
#[utoipa::path(get, path = "/v1/admin/coupons/{id}", tag = "promotions", security(("bearer" = [])), params(("id" = Uuid, Path)), responses(
    (status = 200, description = "The coupon, with its ETag", body = CouponOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_coupon(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(super::get(&shop, id).await?))
}

/// Count a code
///
/// What it is worth is set at the pricing plugin, under the same code. A code that is not made here still works where the plugin
/// knows it, uncounted.
#[utoipa::path(post, path = "/v1/admin/coupons", tag = "promotions", security(("bearer" = [])), request_body = CouponIn, responses(
    (status = 201, description = "The coupon, with `Location` and ETag", body = CouponOut),
    (status = 409, description = "`coupon-code-taken`", body = ProblemSchema)
))]
pub async fn create_coupon(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Json(body): Json<CouponIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    checks.line(&body.code, 1, CODE_CHARACTERS, "/code");
    checks.text(&body.description, 0, DESCRIPTION_CHARACTERS, "/description");
    check_limit(&mut checks, body.limit_total, "/limit_total");
    check_limit(&mut checks, body.limit_per_customer, "/limit_per_customer");
    checks.done()?;
    let terms = Terms {
        description: body.description.trim().to_owned(),
        active: body.active,
        starts_at: body.starts_at.map(Moment::from),
        ends_at: body.ends_at.map(Moment::from),
        limit_total: body.limit_total,
        limit_per_customer: body.limit_per_customer,
    };
    let coupon = super::create(&shop, body.code.trim(), terms).await?;
    let place = HeaderValue::from_str(&format!("/v1/admin/coupons/{}", coupon.id)).map_err(Problem::internal)?;
    let mut response = (StatusCode::CREATED, answer(coupon)).into_response();
    response.headers_mut().insert(header::LOCATION, place);
    Ok(response)
}

/// Change a coupon, or switch it on or off
///
/// A limit may be set below what was redeemed: then it is used up.
#[utoipa::path(patch, path = "/v1/admin/coupons/{id}", tag = "promotions", security(("bearer" = [])), request_body = CouponPatchIn,
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")), responses(
    (status = 200, description = "The coupon, with its new ETag", body = CouponOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn patch_coupon(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<CouponPatchIn>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let mut checks = Checks::default();
    if let Some(description) = &body.description {
        checks.text(description, 0, DESCRIPTION_CHARACTERS, "/description");
    }
    check_limit(&mut checks, body.limit_total.flatten(), "/limit_total");
    check_limit(&mut checks, body.limit_per_customer.flatten(), "/limit_per_customer");
    checks.done()?;
    let patch = Patch {
        description: body.description.map(|description| description.trim().to_owned()),
        active: body.active,
        starts_at: body.starts_at.map(|moment| moment.map(Moment::from)),
        ends_at: body.ends_at.map(|moment| moment.map(Moment::from)),
        limit_total: body.limit_total,
        limit_per_customer: body.limit_per_customer,
    };
    Ok(answer(super::patch(&shop, id, patch, expected).await?))
}

/// Forget a coupon and what was redeemed of it
///
/// Orders keep their discounts. From then on the code is like any other that the shop does not count: switch it off instead where the
/// pricing plugin still knows it.
#[utoipa::path(delete, path = "/v1/admin/coupons/{id}", tag = "promotions", security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: delete only this version")), responses(
    (status = 204, description = "It is gone"),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn delete_coupon(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    super::delete(&shop, id, expected_version(&headers)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Orders that redeemed a coupon, the newest first
#[utoipa::path(get, path = "/v1/admin/coupons/{id}/redemptions", tag = "promotions", security(("bearer" = [])),
    params(("id" = Uuid, Path), PageParams), responses(
    (status = 200, body = Page<RedemptionOut>),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn list_coupon_redemptions(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
    Query(page): Query<PageParams>,
) -> Result<Answer<Page<RedemptionOut>>, Problem> {
    let limit = page.limit()?;
    let redemptions = super::redemptions(&shop, id, page.key()?, limit).await?;
    Ok(Answer(Page::new(redemptions, limit, |redemption| redemption.id, RedemptionOut::from)))
}

fn check_limit(checks: &mut Checks, limit: Option<i64>, pointer: &str) {
    let in_range = limit.is_none_or(|limit| (1..=MOST_REDEMPTIONS).contains(&limit));
    checks.require(in_range, pointer, "must be 1 to 1,000,000,000");
}

fn answer(coupon: Coupon) -> Response {
    ([(header::ETAG, version_tag(coupon.version))], Answer(CouponOut::from(coupon))).into_response()
}

impl From<Coupon> for CouponOut {
    fn from(coupon: Coupon) -> Self {
        let Coupon { id, code, terms, redeemed, version, created_at, updated_at } = coupon;
        let Terms { description, active, starts_at, ends_at, limit_total, limit_per_customer } = terms;
        Self {
            id,
            code,
            description,
            active,
            starts_at,
            ends_at,
            limit_total,
            limit_per_customer,
            redeemed,
            version,
            created_at,
            updated_at,
        }
    }
}

impl From<Redemption> for RedemptionOut {
    fn from(redemption: Redemption) -> Self {
        let Redemption { id, order_number, redeemed_at, returned_at } = redemption;
        Self { id, order_number, redeemed_at, returned_at }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::CodeTaken => Problem::new(Kind::CouponCodeTaken),
            Error::EndsBeforeStart => Problem::invalid_field("/ends_at", "must be after starts_at"),
            Error::VersionMismatch { .. } => Problem::new(Kind::PreconditionFailed).detail(detail),
            Error::Database(error) => error.into(),
        }
    }
}
