//! Lists for the merchant. An item and its levels come in one statement, as products and variants do.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, sql};
use crate::inventory::worker::Alert;
use crate::inventory::{Item, ListedMovement, ListedReservation, ListedStock, StockKey, StockLevel};

#[derive(FromRow)]
struct ListedRow {
    variant_id: Uuid,
    product_id: Uuid,
    sku: String,
    product_title: String,
    variant_title: String,
    on_hand: i64,
    reserved: i64,
    waiting: i64,
    available: i64,
    tracked: bool,
    backorder_limit: Option<i64>,
    low_stock_threshold: Option<i64>,
    alert: String,
    version: i64,
    location_id: Option<Uuid>,
    level_on_hand: Option<i64>,
    level_reserved: Option<i64>,
}

impl From<ListedRow> for ListedStock {
    fn from(row: ListedRow) -> Self {
        let title = match row.variant_title.as_str() {
            "" => row.product_title,
            variant => format!("{}, {variant}", row.product_title),
        };
        let item = Item {
            variant_id: row.variant_id,
            on_hand: row.on_hand,
            reserved: row.reserved,
            waiting: row.waiting,
            available: row.available,
            tracked: row.tracked,
            backorder_limit: row.backorder_limit,
            low_stock_threshold: row.low_stock_threshold,
            alert: Alert::parse(&row.alert),
            version: row.version,
        };
        Self { product_id: row.product_id, sku: row.sku, title, item, levels: Vec::new() }
    }
}

/// Rows of one item stand together.
fn group(rows: Vec<ListedRow>) -> Vec<ListedStock> {
    let mut items: Vec<ListedStock> = Vec::new();
    for row in rows {
        let level = match (row.location_id, row.level_on_hand, row.level_reserved) {
            (Some(location_id), Some(on_hand), Some(reserved)) => Some(StockLevel { location_id, on_hand, reserved }),
            _ => None,
        };
        if items.last().is_none_or(|last| last.item.variant_id != row.variant_id) {
            items.push(row.into());
        }
        if let Some(last) = items.last_mut() {
            last.levels.extend(level);
        }
    }
    items
}

pub(in crate::inventory) async fn list_item(conn: &mut Conn, variant_id: Uuid) -> Result<Vec<ListedStock>> {
    let rows = sql::all!(
        conn,
        ListedRow,
        "select i.variant_id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, i.on_hand,
                i.reserved, i.waiting, i.available, i.tracked, i.backorder_limit, i.low_stock_threshold, i.alert, i.version,
                l.location_id, l.on_hand as level_on_hand, l.reserved as level_reserved
         from (select variant_id, on_hand, reserved, waiting, available, tracked, backorder_limit, low_stock_threshold, alert,
                      version from stock_items where variant_id = $1) i
         join variants v on v.id = i.variant_id
         join products p on p.id = v.product_id
         left join stock_levels l on l.variant_id = i.variant_id
         left join stock_locations o on o.id = l.location_id
         order by o.priority, o.id",
        variant_id
    )?;
    Ok(group(rows))
}

pub(in crate::inventory) async fn list_item_by_sku(conn: &mut Conn, sku: &str) -> Result<Vec<ListedStock>> {
    let rows = sql::all!(
        conn,
        ListedRow,
        "select i.variant_id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, i.on_hand,
                i.reserved, i.waiting, i.available, i.tracked, i.backorder_limit, i.low_stock_threshold, i.alert, i.version,
                l.location_id, l.on_hand as level_on_hand, l.reserved as level_reserved
         from (select variant_id, on_hand, reserved, waiting, available, tracked, backorder_limit, low_stock_threshold, alert,
                      version from stock_items where variant_id = (select id from variants where sku = $1)) i
         join variants v on v.id = i.variant_id
         join products p on p.id = v.product_id
         left join stock_levels l on l.variant_id = i.variant_id
         left join stock_locations o on o.id = l.location_id
         order by o.priority, o.id",
        sku
    )?;
    Ok(group(rows))
}

/// By variant.
pub(in crate::inventory) async fn list_items(conn: &mut Conn, after: Uuid, limit: i64) -> Result<Vec<ListedStock>> {
    let rows = sql::all!(
        conn,
        ListedRow,
        "select i.variant_id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, i.on_hand,
                i.reserved, i.waiting, i.available, i.tracked, i.backorder_limit, i.low_stock_threshold, i.alert, i.version,
                l.location_id, l.on_hand as level_on_hand, l.reserved as level_reserved
         from (select variant_id, on_hand, reserved, waiting, available, tracked, backorder_limit, low_stock_threshold, alert,
                      version from stock_items where variant_id > $1 order by variant_id limit $2) i
         join variants v on v.id = i.variant_id
         join products p on p.id = v.product_id
         left join stock_levels l on l.variant_id = i.variant_id
         left join stock_locations o on o.id = l.location_id
         order by i.variant_id, o.priority, o.id",
        after,
        limit
    )?;
    Ok(group(rows))
}

/// By variant; walks stock_levels_by_location.
pub(in crate::inventory) async fn list_items_at(
    conn: &mut Conn,
    location_id: Uuid,
    below: i64,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ListedStock>> {
    let rows = sql::all!(
        conn,
        ListedRow,
        "select i.variant_id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, i.on_hand,
                i.reserved, i.waiting, i.available, i.tracked, i.backorder_limit, i.low_stock_threshold, i.alert, i.version,
                l.location_id, l.on_hand as level_on_hand, l.reserved as level_reserved
         from (select s.variant_id, s.on_hand, s.reserved, s.waiting, s.available, s.tracked, s.backorder_limit,
                      s.low_stock_threshold, s.alert, s.version
               from stock_levels at join stock_items s on s.variant_id = at.variant_id
               where at.location_id = $1 and at.variant_id > $2 and at.on_hand - at.reserved < $3
               order by at.variant_id limit $4) i
         join variants v on v.id = i.variant_id
         join products p on p.id = v.product_id
         left join stock_levels l on l.variant_id = i.variant_id
         left join stock_locations o on o.id = l.location_id
         order by i.variant_id, o.priority, o.id",
        location_id,
        after,
        below,
        limit
    )?;
    Ok(group(rows))
}

/// What there is least of first; walks stock_items_by_available.
pub(in crate::inventory) async fn list_items_below(
    conn: &mut Conn,
    below: i64,
    (available, variant_id): StockKey,
    limit: i64,
) -> Result<Vec<ListedStock>> {
    let rows = sql::all!(
        conn,
        ListedRow,
        "select i.variant_id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, i.on_hand,
                i.reserved, i.waiting, i.available, i.tracked, i.backorder_limit, i.low_stock_threshold, i.alert, i.version,
                l.location_id, l.on_hand as level_on_hand, l.reserved as level_reserved
         from (select variant_id, on_hand, reserved, waiting, available, tracked, backorder_limit, low_stock_threshold, alert,
                      version from stock_items where available < $1 and (available, variant_id) > ($2, $3)
               order by available, variant_id limit $4) i
         join variants v on v.id = i.variant_id
         join products p on p.id = v.product_id
         left join stock_levels l on l.variant_id = i.variant_id
         left join stock_locations o on o.id = l.location_id
         order by i.available, i.variant_id, o.priority, o.id",
        below,
        available,
        variant_id,
        limit
    )?;
    Ok(group(rows))
}

#[derive(FromRow)]
struct MovementRow {
    id: Uuid,
    variant_id: Uuid,
    sku: Option<String>,
    location_id: Option<Uuid>,
    kind: String,
    on_hand_delta: i64,
    reserved_delta: i64,
    on_hand: i64,
    reserved: i64,
    reference_id: Option<Uuid>,
    order_number: Option<i64>,
    reason: String,
    actor: String,
    at: Moment,
}

impl From<MovementRow> for ListedMovement {
    fn from(row: MovementRow) -> Self {
        Self {
            id: row.id,
            variant_id: row.variant_id,
            sku: row.sku,
            location_id: row.location_id,
            kind: row.kind,
            on_hand_delta: row.on_hand_delta,
            reserved_delta: row.reserved_delta,
            on_hand: row.on_hand,
            reserved: row.reserved,
            reference_id: row.reference_id,
            order_number: row.order_number,
            reason: row.reason,
            actor: row.actor,
            at: row.at,
        }
    }
}

pub(in crate::inventory) async fn all_movements(
    conn: &mut Conn,
    before: Uuid,
    limit: i64,
) -> Result<Vec<ListedMovement>> {
    let rows = sql::all!(
        conn,
        MovementRow,
        "select m.id, m.variant_id, v.sku, m.location_id, m.kind, m.on_hand_delta, m.reserved_delta, m.on_hand, m.reserved,
                m.reference_id, o.number as order_number, m.reason, m.actor, m.at
         from stock_movements m
         left join variants v on v.id = m.variant_id
         left join orders o on o.id = m.reference_id
         where m.id < $1 order by m.id desc limit $2",
        before,
        limit
    )?;
    Ok(rows.into_iter().map(ListedMovement::from).collect())
}

pub(in crate::inventory) async fn movements_of(
    conn: &mut Conn,
    variant_id: Uuid,
    location_id: Option<Uuid>,
    before: Uuid,
    limit: i64,
) -> Result<Vec<ListedMovement>> {
    let rows = sql::all!(
        conn,
        MovementRow,
        "select m.id, m.variant_id, v.sku, m.location_id, m.kind, m.on_hand_delta, m.reserved_delta, m.on_hand, m.reserved,
                m.reference_id, o.number as order_number, m.reason, m.actor, m.at
         from stock_movements m
         left join variants v on v.id = m.variant_id
         left join orders o on o.id = m.reference_id
         where m.variant_id = $1 and (cast($2 as uuid) is null or m.location_id = $2) and m.id < $3 order by m.id desc limit $4",
        variant_id,
        location_id,
        before,
        limit
    )?;
    Ok(rows.into_iter().map(ListedMovement::from).collect())
}

pub(in crate::inventory) async fn movements_at(
    conn: &mut Conn,
    location_id: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<ListedMovement>> {
    let rows = sql::all!(
        conn,
        MovementRow,
        "select m.id, m.variant_id, v.sku, m.location_id, m.kind, m.on_hand_delta, m.reserved_delta, m.on_hand, m.reserved,
                m.reference_id, o.number as order_number, m.reason, m.actor, m.at
         from stock_movements m
         left join variants v on v.id = m.variant_id
         left join orders o on o.id = m.reference_id
         where m.location_id = $1 and m.id < $2 order by m.id desc limit $3",
        location_id,
        before,
        limit
    )?;
    Ok(rows.into_iter().map(ListedMovement::from).collect())
}

#[derive(FromRow)]
struct HeldRow {
    id: Uuid,
    order_number: Option<i64>,
    variant_id: Uuid,
    sku: String,
    location_id: Option<Uuid>,
    quantity: i64,
    state: String,
    expires_at: Option<Moment>,
}

impl From<HeldRow> for ListedReservation {
    fn from(row: HeldRow) -> Self {
        Self {
            id: row.id,
            order_number: row.order_number,
            variant_id: row.variant_id,
            sku: row.sku,
            location_id: row.location_id,
            quantity: row.quantity,
            kept: row.state == "kept",
            expires_at: row.expires_at,
        }
    }
}

pub(in crate::inventory) async fn open_reservations(
    conn: &mut Conn,
    only_waiting: bool,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ListedReservation>> {
    let rows = sql::all!(
        conn,
        HeldRow,
        "select r.id, o.number as order_number, r.variant_id, r.sku, r.location_id, r.quantity, r.state, r.expires_at
         from stock_reservations r left join orders o on o.id = r.order_id
         where r.state in ('held', 'kept') and r.id > $1 and (r.location_id is null or not $2)
         order by r.id limit $3",
        after,
        only_waiting,
        limit
    )?;
    Ok(rows.into_iter().map(ListedReservation::from).collect())
}

pub(in crate::inventory) async fn open_reservations_of(
    conn: &mut Conn,
    variant_id: Uuid,
    only_waiting: bool,
    after: Uuid,
    limit: i64,
) -> Result<Vec<ListedReservation>> {
    let rows = sql::all!(
        conn,
        HeldRow,
        "select r.id, o.number as order_number, r.variant_id, r.sku, r.location_id, r.quantity, r.state, r.expires_at
         from stock_reservations r left join orders o on o.id = r.order_id
         where r.state in ('held', 'kept') and r.variant_id = $1 and r.id > $2 and (r.location_id is null or not $3)
         order by r.id limit $4",
        variant_id,
        after,
        only_waiting,
        limit
    )?;
    Ok(rows.into_iter().map(ListedReservation::from).collect())
}
