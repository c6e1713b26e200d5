//! What the merchant looks at: how much there is of everything, who holds it, and what happened.

use uuid::Uuid;

use super::{CauseKind, Error, Item, StockLevel, store};
use crate::Shop;
use crate::clock::Moment;

/// A variant in the list of the stock.
#[derive(Debug, Clone)]
pub struct ListedStock {
    pub product_id: Uuid,
    pub sku: String,
    /// Title of the product, and of the variant where it has one.
    pub title: String,
    pub item: Item,
    /// By the priority of the location.
    pub levels: Vec<StockLevel>,
}

/// Which variants.
#[derive(Debug, Clone, Default)]
pub enum StockFilter {
    #[default]
    All,
    Variant(Uuid),
    Sku(String),
    /// Those that have a level there, and of which fewer than that many are free there, where it is some.
    At(Uuid, Option<i64>),
    /// Those of which fewer can be ordered.
    Below(i64),
}

/// Where in the list: what is available, where the list is in that order, and the variant.
pub type StockKey = (i64, Uuid);

/// A movement, with what it belongs to.
#[derive(Debug, Clone)]
pub struct ListedMovement {
    pub id: Uuid,
    pub variant_id: Uuid,
    /// None once the variant is deleted.
    pub sku: Option<String>,
    pub location_id: Option<Uuid>,
    pub kind: String,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
    pub on_hand: i64,
    pub reserved: i64,
    /// The return or transfer. Not the id of an order, which for a guest is the right to see it.
    pub reference_id: Option<Uuid>,
    pub order_number: Option<i64>,
    pub reason: String,
    pub actor: String,
    pub at: Moment,
}

/// Which movements; a transfer or return by its id.
#[derive(Debug, Clone, Copy, Default)]
pub struct MovementFilter {
    pub variant_id: Option<Uuid>,
    pub location_id: Option<Uuid>,
}

/// What an order holds.
#[derive(Debug, Clone)]
pub struct ListedReservation {
    pub id: Uuid,
    pub order_number: Option<i64>,
    pub variant_id: Uuid,
    pub sku: String,
    /// None: it waits for goods.
    pub location_id: Option<Uuid>,
    pub quantity: i64,
    /// False while the order is not paid.
    pub kept: bool,
    pub expires_at: Option<Moment>,
}

/// Variants with their stock; one more than `limit`, to know whether there are more.
pub async fn list_stock(
    shop: &Shop,
    filter: &StockFilter,
    after: Option<StockKey>,
    limit: u32,
) -> Result<Vec<ListedStock>, Error> {
    let mut conn = shop.db().read().await?;
    let after = after.unwrap_or((-1, Uuid::nil()));
    let limit = i64::from(limit) + 1;
    Ok(match filter {
        StockFilter::All => store::list_items(&mut conn, after.1, limit).await?,
        StockFilter::Variant(id) => store::list_item(&mut conn, *id).await?,
        StockFilter::Sku(sku) => store::list_item_by_sku(&mut conn, sku).await?,
        StockFilter::At(location_id, below) => {
            let below = below.unwrap_or(i64::MAX);
            store::list_items_at(&mut conn, *location_id, below, after.1, limit).await?
        }
        StockFilter::Below(below) => store::list_items_below(&mut conn, *below, after, limit).await?,
    })
}

/// The newest first; one more than `limit`.
pub async fn list_movements(
    shop: &Shop,
    filter: MovementFilter,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<ListedMovement>, Error> {
    let mut conn = shop.db().read().await?;
    let before = before.unwrap_or(Uuid::max());
    let limit = i64::from(limit) + 1;
    let mut movements = match (filter.variant_id, filter.location_id) {
        (Some(variant_id), location_id) => {
            store::movements_of(&mut conn, variant_id, location_id, before, limit).await?
        }
        (None, Some(location_id)) => store::movements_at(&mut conn, location_id, before, limit).await?,
        (None, None) => store::all_movements(&mut conn, before, limit).await?,
    };
    for movement in &mut movements {
        if CauseKind::is_of_an_order(&movement.kind) {
            movement.reference_id = None;
        }
    }
    Ok(movements)
}

/// What orders hold of a variant, or of all; only what waits for goods, where that is asked. The oldest first; one more than
/// `limit`.
pub async fn list_reservations(
    shop: &Shop,
    variant_id: Option<Uuid>,
    only_waiting: bool,
    after: Option<Uuid>,
    limit: u32,
) -> Result<Vec<ListedReservation>, Error> {
    let mut conn = shop.db().read().await?;
    let after = after.unwrap_or(Uuid::nil());
    let limit = i64::from(limit) + 1;
    Ok(match variant_id {
        Some(variant_id) => store::open_reservations_of(&mut conn, variant_id, only_waiting, after, limit).await?,
        None => store::open_reservations(&mut conn, only_waiting, after, limit).await?,
    })
}
