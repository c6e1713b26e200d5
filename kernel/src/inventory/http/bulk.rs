//! The stock of many variants, changed at once.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::Shop;
use crate::catalog::http::check_which;
use crate::catalog::{self, Which};
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Json};
use crate::inventory::{self, DEFAULT_LOCATION, MAX_ON_HAND, Remark, Restocked, StockChange, StockChangeLine};
use crate::once::Once;
use crate::problem::{Problem, ProblemSchema};

/// Stock to be changed, all or none.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkStockIn {
    /// Change nothing, and answer what would be.
    #[serde(default)]
    dry_run: bool,
    /// Stands in every movement.
    #[schema(min_length = 1, max_length = 200, example = "delivery of Monday")]
    reason: String,
    /// At most `catalog.max_bulk_lines`, each about another variant or location.
    #[schema(min_items = 1)]
    lines: Vec<BulkStockLineIn>,
}

/// A variant by its id or its SKU, and one of the two changes.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkStockLineIn {
    variant_id: Option<Uuid>,
    #[schema(min_length = 1, max_length = 100, example = "TEA-SENCHA-100")]
    sku: Option<String>,
    /// The default location where none is given.
    location_id: Option<Uuid>,
    /// Pieces that lie there, as counted, those that orders hold included.
    #[schema(minimum = 0, maximum = 1_000_000_000, example = 40)]
    on_hand: Option<i64>,
    /// Pieces that came, or with a minus went.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    delta: Option<i64>,
}

/// What became of stock.
#[derive(Debug, Serialize, ToSchema)]
pub struct BulkStockOut {
    dry_run: bool,
    /// In the order of the lines.
    lines: Vec<RestockedOut>,
}

/// Pieces on hand at a location, before and after.
#[derive(Debug, Serialize, ToSchema)]
pub struct RestockedOut {
    variant_id: Uuid,
    location_id: Uuid,
    #[schema(example = 38)]
    before: i64,
    #[schema(example = 40)]
    after: i64,
}

/// Change the stock of many variants, all or none
///
/// What lies there already leaves no movement. Sent again with the same `Idempotency-Key` after its answer was lost, it changes nothing
/// and tells what lies there now.
#[utoipa::path(
    post, path = "/v1/admin/bulk/stock", tag = "stock", request_body = BulkStockIn, security(("bearer" = [])),
    responses(
        (status = 200, description = "Each place before and after", body = BulkStockOut),
        (status = 422, description = "`invalid-request`: `errors` names each line that cannot be done; nothing is changed", body = ProblemSchema)
    )
)]
pub async fn change_stock_in_bulk(
    staff: Staff<may::Catalog>,
    State(shop): State<Shop>,
    once: Once,
    Json(body): Json<BulkStockIn>,
) -> Result<Answer<BulkStockOut>, Problem> {
    let max = shop.config().catalog.max_bulk_lines;
    let mut checks = Checks::default();
    checks.require((1..=max).contains(&body.lines.len()), "/lines", &format!("must be 1 to {max}"));
    checks.text(&body.reason, 1, 200, "/reason");
    let mut lines = Vec::with_capacity(body.lines.len().min(max));
    for (index, line) in body.lines.into_iter().enumerate().take(max) {
        lines.extend(line.check(&mut checks, &format!("/lines/{index}")));
    }
    checks.done()?;
    let named: Vec<_> = lines.iter().map(|(which, ..)| which.clone()).collect();
    let ids = catalog::variant_ids(&shop, &named).await?;
    let line = |(variant_id, (_, location_id, change))| StockChangeLine { variant_id, location_id, change };
    let lines: Vec<_> = ids.into_iter().zip(lines).map(line).collect();
    let actor = staff.actor.to_string();
    let remark = Remark { reason: body.reason.trim(), actor: &actor };
    let restocked = inventory::change_stock(&shop, &lines, remark, body.dry_run, once).await?;
    if !body.dry_run {
        catalog::announce(&shop);
    }
    Ok(Answer(BulkStockOut { dry_run: body.dry_run, lines: restocked.into_iter().map(RestockedOut::from).collect() }))
}

impl BulkStockLineIn {
    fn check(self, checks: &mut Checks, at: &str) -> Option<(Which, Uuid, StockChange)> {
        let which = check_which(checks, at, self.variant_id, self.sku);
        let counted = self.on_hand.is_none_or(|on_hand| (0..=MAX_ON_HAND).contains(&on_hand));
        checks.require(counted, &format!("{at}/on_hand"), "must be 0 to 1,000,000,000");
        let moved = self.delta.is_none_or(|delta| (-MAX_ON_HAND..=MAX_ON_HAND).contains(&delta));
        checks.require(moved, &format!("{at}/delta"), "must be -1,000,000,000 to 1,000,000,000");
        let change = match (self.on_hand, self.delta) {
            (Some(on_hand), None) => Some(StockChange::To(on_hand)),
            (None, Some(delta)) => Some(StockChange::By(delta)),
            _ => None,
        };
        checks.require(change.is_some(), at, "must have one of on_hand and delta");
        Some((which?, self.location_id.unwrap_or(DEFAULT_LOCATION), change?))
    }
}

impl From<Restocked> for RestockedOut {
    fn from(line: Restocked) -> Self {
        Self { variant_id: line.variant_id, location_id: line.location_id, before: line.before, after: line.after }
    }
}
