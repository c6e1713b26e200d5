//! The row of each variant: its sums over all locations, and the lock of everything that the inventory knows of it.

use uuid::Uuid;

use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::inventory::Item;
use crate::inventory::worker::Alert;

#[derive(FromRow)]
struct ItemRow {
    variant_id: Uuid,
    on_hand: i64,
    reserved: i64,
    waiting: i64,
    available: i64,
    tracked: bool,
    backorder_limit: Option<i64>,
    low_stock_threshold: Option<i64>,
    alert: String,
    version: i64,
}

impl From<ItemRow> for Item {
    fn from(row: ItemRow) -> Self {
        Self {
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
        }
    }
}

pub(in crate::inventory) async fn insert_item(tx: &mut Tx, variant_id: Uuid) -> Result<()> {
    sql::execute!(
        tx,
        "insert into stock_items (variant_id, on_hand, reserved, waiting, tracked, backorder_limit, low_stock_threshold,
                                  alert, alert_due, version)
         values ($1, 0, 0, 0, true, 0, null, 'none', false, 1)",
        variant_id
    )?;
    Ok(())
}

pub(in crate::inventory) async fn find_item(conn: &mut Conn, variant_id: Uuid) -> Result<Option<Item>> {
    let row = sql::optional!(
        conn,
        ItemRow,
        "select variant_id, on_hand, reserved, waiting, available, tracked, backorder_limit, low_stock_threshold, alert,
                version
         from stock_items where variant_id = $1",
        variant_id
    )?;
    Ok(row.map(Item::from))
}

/// Locks the variant's stock until the transaction ends (PostgreSQL; SQLite has one writer), and has the worker look at
/// it afterwards. None for a variant that is gone.
pub(in crate::inventory) async fn lock_item(tx: &mut Tx, variant_id: Uuid) -> Result<Option<Item>> {
    let row = sql::optional!(
        tx,
        ItemRow,
        "update stock_items set alert_due = true where variant_id = $1
         returning variant_id, on_hand, reserved, waiting, available, tracked, backorder_limit, low_stock_threshold,
                   alert, version",
        variant_id
    )?;
    Ok(row.map(Item::from))
}

/// Locks it, and counts `quantity` as reserved where that many can be ordered; none where they cannot, or it is gone.
pub(in crate::inventory) async fn take(tx: &mut Tx, variant_id: Uuid, quantity: i64) -> Result<Option<Item>> {
    let row = sql::optional!(
        tx,
        ItemRow,
        "update stock_items set reserved = case when tracked then reserved + $2 else reserved end, alert_due = true
         where variant_id = $1 and available >= $2
         returning variant_id, on_hand, reserved, waiting, available, tracked, backorder_limit, low_stock_threshold,
                   alert, version",
        variant_id,
        quantity
    )?;
    Ok(row.map(Item::from))
}

/// Adds to the sums of a locked item. Their checks stand behind the callers' arithmetic.
pub(in crate::inventory) async fn add_to_item(
    tx: &mut Tx,
    variant_id: Uuid,
    on_hand: i64,
    reserved: i64,
    waiting: i64,
) -> Result<()> {
    sql::execute!(
        tx,
        "update stock_items set on_hand = on_hand + $2, reserved = reserved + $3, waiting = waiting + $4
         where variant_id = $1",
        variant_id,
        on_hand,
        reserved,
        waiting
    )?;
    Ok(())
}

/// Writes how a locked item is to be sold.
pub(in crate::inventory) async fn update_policy(tx: &mut Tx, item: &Item) -> Result<()> {
    sql::execute!(
        tx,
        "update stock_items set tracked = $2, backorder_limit = $3, low_stock_threshold = $4, version = version + 1
         where variant_id = $1",
        item.variant_id,
        item.tracked,
        item.backorder_limit,
        item.low_stock_threshold
    )?;
    Ok(())
}

/// False where orders hold some of it.
pub(in crate::inventory) async fn delete_item(tx: &mut Tx, variant_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from stock_items where variant_id = $1", variant_id)?;
    Ok(())
}

/// For events, which name variants as people do.
pub(in crate::inventory) async fn find_sku(conn: &mut Conn, variant_id: Uuid) -> Result<Option<String>> {
    let row = sql::optional!(conn, (String,), "select sku from variants where id = $1", variant_id)?;
    Ok(row.map(|(sku,)| sku))
}

/// Notes what staff was told of a locked item.
pub(in crate::inventory) async fn set_alert(tx: &mut Tx, variant_id: Uuid, alert: Alert) -> Result<()> {
    sql::execute!(
        tx,
        "update stock_items set alert = $2, alert_due = false where variant_id = $1",
        variant_id,
        alert.name()
    )?;
    Ok(())
}

/// Variants whose numbers changed since the worker looked.
pub(in crate::inventory) async fn items_to_tell(conn: &mut Conn, after: Uuid, limit: i64) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select variant_id from stock_items where alert_due and variant_id > $1 order by variant_id limit $2",
        after,
        limit
    )?;
    Ok(rows.into_iter().map(|(variant_id,)| variant_id).collect())
}

/// Variants that are waited for and lie somewhere unreserved.
pub(in crate::inventory) async fn servable_items(conn: &mut Conn, limit: i64) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select variant_id from stock_items
         where waiting > 0 and on_hand > reserved - waiting order by variant_id limit $1",
        limit
    )?;
    Ok(rows.into_iter().map(|(variant_id,)| variant_id).collect())
}
