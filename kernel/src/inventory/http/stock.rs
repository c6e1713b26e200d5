//! The stock of one variant, changed by the merchant.

use axum::Json as Answer;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, header};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json, Path, present};
use crate::http::versions::{expected_version, version_tag};
use crate::inventory::{self, Error, Item, MAX_ON_HAND, PolicyPatch, Remark, Stock, StockLevel};
use crate::once::Once;
use crate::problem::{Problem, ProblemSchema};

/// Lines of a transfer.
const MAX_TRANSFER: usize = 100;

/// What was counted at a location.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CountIn {
    /// Pieces that lie there, those that orders hold included.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 40)]
    on_hand: i64,
    /// What was on hand there when the count began: if goods came or were shipped meanwhile, nothing is changed.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 42)]
    expected_on_hand: Option<i64>,
    #[serde(default)]
    #[schema(max_length = 200, example = "yearly count")]
    reason: String,
}

/// A correction of what is on hand.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdjustmentIn {
    /// Pieces that came, or with a minus went. Not 0.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000, example = -2)]
    delta: i64,
    #[schema(min_length = 1, max_length = 200, example = "broken")]
    reason: String,
}

/// Goods that move from one location to another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferIn {
    from_location_id: Uuid,
    to_location_id: Uuid,
    #[schema(min_items = 1, max_items = 100)]
    lines: Vec<TransferLineIn>,
    #[serde(default)]
    #[schema(max_length = 200, example = "for the shop window")]
    reason: String,
}

/// How many of a variant move.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TransferLineIn {
    variant_id: Uuid,
    #[schema(minimum = 1, maximum = 1_000_000_000, example = 5)]
    quantity: i64,
}

/// A transfer that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({ "id": "0198a1b2-4c3d-7e5f-8a9b-0c1d2e3f4a5b" }))]
pub struct TransferOut {
    /// `reference_id` of its movements.
    id: Uuid,
}

/// How a variant is to be sold: a field that is missing stays as it is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PolicyIn {
    /// False for services and downloads: they never run out. Changed only while no order holds some of it.
    tracked: Option<bool>,
    /// How many may be ordered beyond what is on hand: 0 for none, null for as many as are wanted.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000, example = 20)]
    backorder_limit: Option<Option<i64>>,
    /// `stock.low` is told at or below it; null for `inventory.low_stock_threshold`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000_000, example = 3)]
    low_stock_threshold: Option<Option<i64>>,
}

/// The stock of a variant.
#[derive(Debug, Serialize, ToSchema)]
pub struct StockOut {
    variant_id: Uuid,
    /// Over all locations.
    #[schema(example = 40)]
    on_hand: i64,
    /// What orders hold that are not shipped, with what waits for goods.
    #[schema(example = 3)]
    reserved: i64,
    /// The part of it that has no goods yet.
    #[schema(example = 0)]
    waiting: i64,
    /// What can be ordered now; 1,000,000 stands for no limit.
    #[schema(example = 37)]
    available: i64,
    tracked: bool,
    /// How many may be ordered beyond what is on hand; null for as many as are wanted.
    backorder_limit: Option<i64>,
    /// Null for the shop's own.
    low_stock_threshold: Option<i64>,
    /// The ETag, for `If-Match`. Counts changes of the three settings; the numbers do not count.
    version: i64,
    /// By the priority of the location.
    levels: Vec<LevelOut>,
}

/// What lies at a location.
#[derive(Debug, Serialize, ToSchema)]
pub struct LevelOut {
    location_id: Uuid,
    on_hand: i64,
    /// The part of it that orders hold.
    reserved: i64,
}

/// The stock of a variant, at each location
#[utoipa::path(get, path = "/v1/admin/variants/{id}/stock", tag = "stock", params(("id" = Uuid, Path)), security(("bearer" = [])), responses(
    (status = 200, description = "The stock, with its ETag", body = StockOut),
    (status = 404, description = "`not-found`", body = ProblemSchema)
))]
pub async fn get_stock(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path(id): Path<Uuid>,
) -> Result<Response, Problem> {
    Ok(answer(inventory::get_stock(&shop, id).await?))
}

/// How a variant is to be sold: backorder, low stock, tracked or not
#[utoipa::path(patch, path = "/v1/admin/variants/{id}/stock", tag = "stock", request_body = PolicyIn, security(("bearer" = [])),
    params(("id" = Uuid, Path), ("If-Match" = Option<String>, Header, description = "ETag: change only this version")), responses(
    (status = 200, description = "The stock, with its new ETag", body = StockOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 409, description = "`stock-in-use`: orders hold some of it, and `tracked` would change", body = ProblemSchema)
))]
pub async fn patch_stock(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    headers: HeaderMap,
    Path(id): Path<Uuid>,
    Json(body): Json<PolicyIn>,
) -> Result<Response, Problem> {
    let expected = expected_version(&headers)?;
    let mut checks = Checks::default();
    let limit = body.backorder_limit.flatten().unwrap_or_default();
    checks.require((0..=1_000_000).contains(&limit), "/backorder_limit", "must be 0 to 1,000,000, or null");
    let threshold = body.low_stock_threshold.flatten().unwrap_or_default();
    checks.require(
        (0..=MAX_ON_HAND).contains(&threshold),
        "/low_stock_threshold",
        "must be 0 to 1,000,000,000, or null",
    );
    checks.done()?;
    let patch = PolicyPatch {
        tracked: body.tracked,
        backorder_limit: body.backorder_limit,
        low_stock_threshold: body.low_stock_threshold,
    };
    Ok(answer(inventory::patch_policy(&shop, id, patch, expected).await?))
}

/// Set what was counted at a location
#[utoipa::path(put, path = "/v1/admin/variants/{id}/stock/{location}", tag = "stock", request_body = CountIn, security(("bearer" = [])),
    params(("id" = Uuid, Path, description = "The variant"), ("location" = Uuid, Path)), responses(
    (status = 200, body = StockOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 412, description = "`precondition-failed`: `expected_on_hand` is not what is on hand; `on_hand` is", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, also for less than orders hold there, and a location that is closed", body = ProblemSchema)
))]
pub async fn count_stock(
    staff: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((id, location)): Path<(Uuid, Uuid)>,
    Json(body): Json<CountIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    checks.require((0..=MAX_ON_HAND).contains(&body.on_hand), "/on_hand", "must be 0 to 1,000,000,000");
    checks.text(&body.reason, 0, 200, "/reason");
    checks.done()?;
    let actor = staff.actor.to_string();
    let remark = Remark { reason: body.reason.trim(), actor: &actor };
    Ok(answer(inventory::count(&shop, id, location, body.on_hand, body.expected_on_hand, remark).await?))
}

/// Correct what is on hand at a location
#[utoipa::path(post, path = "/v1/admin/variants/{id}/stock/{location}/adjustments", tag = "stock", request_body = AdjustmentIn,
    security(("bearer" = [])), params(("id" = Uuid, Path, description = "The variant"), ("location" = Uuid, Path)), responses(
    (status = 201, body = StockOut),
    (status = 404, description = "`not-found`", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, also for less than orders hold there, and a location that is closed", body = ProblemSchema)
))]
pub async fn adjust_stock(
    staff: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Path((id, location)): Path<(Uuid, Uuid)>,
    once: Once,
    Json(body): Json<AdjustmentIn>,
) -> Result<Response, Problem> {
    let mut checks = Checks::default();
    let in_range = (-MAX_ON_HAND..=MAX_ON_HAND).contains(&body.delta) && body.delta != 0;
    checks.require(in_range, "/delta", "must be -1,000,000,000 to 1,000,000,000, and not 0");
    checks.text(&body.reason, 1, 200, "/reason");
    checks.done()?;
    let actor = staff.actor.to_string();
    let remark = Remark { reason: body.reason.trim(), actor: &actor };
    let stock =
        inventory::adjust(&shop, id, location, body.delta, remark, once).await.map_err(|error| match error {
            Error::BelowReserved | Error::TooMuch => Problem::invalid_field("/delta", error.to_string()),
            error => error.into(),
        })?;
    Ok((StatusCode::CREATED, answer(stock)).into_response())
}

/// Move goods that no order holds from one location to another
#[utoipa::path(post, path = "/v1/admin/stock/transfers", tag = "stock", request_body = TransferIn, security(("bearer" = [])), responses(
    (status = 201, body = TransferOut),
    (status = 404, description = "`not-found`: there is no such variant", body = ProblemSchema),
    (status = 409, description = "`insufficient-stock`: less than that is free there", body = ProblemSchema),
    (status = 422, description = "`invalid-request`, also for a location that is closed", body = ProblemSchema)
))]
pub async fn transfer_stock(
    staff: Staff<may::Catalog>,
    State(shop): State<Shop>,
    once: Once,
    Json(body): Json<TransferIn>,
) -> Result<(StatusCode, Answer<TransferOut>), Problem> {
    let mut checks = Checks::default();
    let differ = body.from_location_id != body.to_location_id;
    checks.require(differ, "/to_location_id", "must be another than /from_location_id");
    checks.require((1..=MAX_TRANSFER).contains(&body.lines.len()), "/lines", "must be 1 to 100");
    for (index, line) in body.lines.iter().enumerate().take(MAX_TRANSFER) {
        let pointer = format!("/lines/{index}/quantity");
        checks.require((1..=MAX_ON_HAND).contains(&line.quantity), &pointer, "must be 1 to 1,000,000,000");
    }
    checks.text(&body.reason, 0, 200, "/reason");
    checks.done()?;
    let actor = staff.actor.to_string();
    let remark = Remark { reason: body.reason.trim(), actor: &actor };
    let goods: Vec<_> = body.lines.iter().map(|line| (line.variant_id, line.quantity)).collect();
    let way = (body.from_location_id, body.to_location_id);
    let id = inventory::transfer(&shop, way, &goods, remark, once).await?;
    Ok((StatusCode::CREATED, Answer(TransferOut { id })))
}

fn answer(stock: Stock) -> Response {
    ([(header::ETAG, version_tag(stock.item.version))], Answer(StockOut::new(stock.item, stock.levels))).into_response()
}

impl StockOut {
    pub(super) fn new(item: Item, levels: Vec<StockLevel>) -> Self {
        let level = |level: StockLevel| LevelOut {
            location_id: level.location_id,
            on_hand: level.on_hand,
            reserved: level.reserved,
        };
        Self {
            variant_id: item.variant_id,
            on_hand: item.on_hand,
            reserved: item.reserved,
            waiting: item.waiting,
            available: item.available,
            tracked: item.tracked,
            backorder_limit: item.backorder_limit,
            low_stock_threshold: item.low_stock_threshold,
            version: item.version,
            levels: levels.into_iter().map(level).collect(),
        }
    }
}
