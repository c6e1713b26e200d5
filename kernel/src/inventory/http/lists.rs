//! Lists of the stock for the merchant.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::stock::StockOut;
use crate::Shop;
use crate::clock::Moment;
use crate::http::auth::{Staff, may};
use crate::http::extract::{Checks, Query};
use crate::http::paging::{Page, PageParams};
use crate::inventory::{self, ListedMovement, ListedReservation, ListedStock, MovementFilter, StockFilter};
use crate::problem::Problem;

/// Which variants. `variant` and `sku` each stand alone; `location` and `below` go together.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StockParams {
    variant: Option<Uuid>,
    #[param(min_length = 1, max_length = 100, example = "TEA-EARL-GREY-100")]
    sku: Option<String>,
    /// Those that are kept at this location.
    location: Option<Uuid>,
    /// Those of which fewer can be ordered, what there is least of first; with `location`, of which fewer are free there.
    #[param(minimum = 0, maximum = 1_000_000_000, example = 10)]
    below: Option<i64>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Which movements.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MovementParams {
    variant: Option<Uuid>,
    location: Option<Uuid>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// Which reservations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ReservationParams {
    variant: Option<Uuid>,
    /// True: only those that have no goods yet.
    waiting: Option<bool>,
    /// `next_cursor` of the page before; none for the first page.
    cursor: Option<String>,
    /// How many at most.
    #[param(minimum = 1, maximum = 100, default = 20)]
    limit: Option<u32>,
}

/// The stock of a variant, in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ListedStockOut {
    product_id: Uuid,
    #[schema(example = "TEA-EARL-GREY-100")]
    sku: String,
    /// Title of the product, and of the variant where it has one.
    #[schema(example = "Earl Grey, 100 g")]
    title: String,
    #[serde(flatten)]
    stock: StockOut,
}

/// Why a number changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct MovementOut {
    id: Uuid,
    variant_id: Uuid,
    /// Null once the variant is deleted.
    sku: Option<String>,
    /// Null: a reservation that waits for goods.
    location_id: Option<Uuid>,
    /// `opening`, `count`, `adjustment`, `transfer`, `import`, `restock`, `reservation`, `release`, `expiry`, `assignment`,
    /// `shipment`, `removal`, or a new one.
    #[schema(example = "shipment")]
    kind: String,
    on_hand_delta: i64,
    reserved_delta: i64,
    /// At this location, afterwards.
    on_hand: i64,
    reserved: i64,
    /// The transfer or return that it belongs to.
    reference_id: Option<Uuid>,
    /// The order that it belongs to.
    #[schema(example = 1042)]
    order_number: Option<i64>,
    reason: String,
    /// Who did it; empty where the shop did by itself.
    actor: String,
    #[schema(value_type = DateTime<Utc>)]
    at: Moment,
}

/// What an order holds.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReservationOut {
    id: Uuid,
    #[schema(example = 1042)]
    order_number: Option<i64>,
    variant_id: Uuid,
    sku: String,
    /// Null: it waits for goods.
    location_id: Option<Uuid>,
    quantity: i64,
    /// False while the order is not paid.
    paid: bool,
    /// When others may buy it, unless it is paid.
    #[schema(value_type = Option<DateTime<Utc>>)]
    expires_at: Option<Moment>,
}

/// How much there is of everything
#[utoipa::path(get, path = "/v1/admin/stock", tag = "stock", params(StockParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<ListedStockOut>)
))]
pub async fn list_stock(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<StockParams>,
) -> Result<Answer<Page<ListedStockOut>>, Problem> {
    let page = PageParams { cursor: params.cursor.clone(), limit: params.limit };
    let limit = page.limit()?;
    let filter = params.filter()?;
    let stock = inventory::list_stock(&shop, &filter, page.key()?, limit).await?;
    // Where the list is not in the order of what is available, the cursor needs the variant alone.
    let key = |listed: &ListedStock| (listed.item.available, listed.item.variant_id);
    Ok(Answer(Page::new(stock, limit, key, ListedStockOut::from)))
}

/// Why the numbers are what they are, the newest first
#[utoipa::path(get, path = "/v1/admin/stock/movements", tag = "stock", params(MovementParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<MovementOut>)
))]
pub async fn list_movements(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<MovementParams>,
) -> Result<Answer<Page<MovementOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let filter = MovementFilter { variant_id: params.variant, location_id: params.location };
    let movements = inventory::list_movements(&shop, filter, page.key()?, limit).await?;
    Ok(Answer(Page::new(movements, limit, |movement| movement.id, MovementOut::from)))
}

/// What orders hold, the oldest first
#[utoipa::path(get, path = "/v1/admin/stock/reservations", tag = "stock", params(ReservationParams), security(("bearer" = [])), responses(
    (status = 200, body = Page<ReservationOut>)
))]
pub async fn list_reservations(
    _: Staff<may::Catalog>,
    State(shop): State<Shop>,
    Query(params): Query<ReservationParams>,
) -> Result<Answer<Page<ReservationOut>>, Problem> {
    let page = PageParams { cursor: params.cursor, limit: params.limit };
    let limit = page.limit()?;
    let only_waiting = params.waiting.unwrap_or_default();
    let held = inventory::list_reservations(&shop, params.variant, only_waiting, page.key()?, limit).await?;
    Ok(Answer(Page::new(held, limit, |held| held.id, ReservationOut::from)))
}

impl StockParams {
    fn filter(self) -> Result<StockFilter, Problem> {
        let mut checks = Checks::default();
        let alone = |given: bool, others: bool| !(given && others);
        let place = self.location.is_some() || self.below.is_some();
        checks.require(alone(self.variant.is_some(), self.sku.is_some() || place), "variant", "stands alone");
        checks.require(alone(self.sku.is_some(), place), "sku", "stands alone");
        if let Some(sku) = &self.sku {
            checks.text(sku, 1, 100, "sku");
        }
        let below = self.below.is_none_or(|below| (0..=1_000_000_000).contains(&below));
        checks.require(below, "below", "must be 0 to 1,000,000,000");
        checks.done()?;
        Ok(match (self.variant, self.sku, self.location, self.below) {
            (Some(variant_id), ..) => StockFilter::Variant(variant_id),
            (_, Some(sku), ..) => StockFilter::Sku(sku),
            (_, _, Some(location_id), below) => StockFilter::At(location_id, below),
            (_, _, _, Some(below)) => StockFilter::Below(below),
            _ => StockFilter::All,
        })
    }
}

impl From<ListedStock> for ListedStockOut {
    fn from(listed: ListedStock) -> Self {
        let stock = StockOut::new(listed.item, listed.levels);
        Self { product_id: listed.product_id, sku: listed.sku, title: listed.title, stock }
    }
}

impl From<ListedMovement> for MovementOut {
    fn from(movement: ListedMovement) -> Self {
        Self {
            id: movement.id,
            variant_id: movement.variant_id,
            sku: movement.sku,
            location_id: movement.location_id,
            kind: movement.kind,
            on_hand_delta: movement.on_hand_delta,
            reserved_delta: movement.reserved_delta,
            on_hand: movement.on_hand,
            reserved: movement.reserved,
            reference_id: movement.reference_id,
            order_number: movement.order_number,
            reason: movement.reason,
            actor: movement.actor,
            at: movement.at,
        }
    }
}

impl From<ListedReservation> for ReservationOut {
    fn from(held: ListedReservation) -> Self {
        Self {
            id: held.id,
            order_number: held.order_number,
            variant_id: held.variant_id,
            sku: held.sku,
            location_id: held.location_id,
            quantity: held.quantity,
            paid: held.kept,
            expires_at: held.expires_at,
        }
    }
}
