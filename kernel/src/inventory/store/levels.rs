//! What lies at each location.

use uuid::Uuid;

use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::inventory::StockLevel;

#[derive(FromRow)]
struct LevelRow {
    location_id: Uuid,
    on_hand: i64,
    reserved: i64,
}

impl From<LevelRow> for StockLevel {
    fn from(row: LevelRow) -> Self {
        Self { location_id: row.location_id, on_hand: row.on_hand, reserved: row.reserved }
    }
}

/// By the priority of the location.
pub(in crate::inventory) async fn levels_of(conn: &mut Conn, variant_id: Uuid) -> Result<Vec<StockLevel>> {
    let rows = sql::all!(
        conn,
        LevelRow,
        "select l.location_id, l.on_hand, l.reserved
         from stock_levels l join stock_locations p on p.id = l.location_id
         where l.variant_id = $1 order by p.priority, p.id",
        variant_id
    )?;
    Ok(rows.into_iter().map(StockLevel::from).collect())
}

pub(in crate::inventory) async fn find_level(
    conn: &mut Conn,
    variant_id: Uuid,
    location_id: Uuid,
) -> Result<Option<StockLevel>> {
    let row = sql::optional!(
        conn,
        LevelRow,
        "select location_id, on_hand, reserved from stock_levels where variant_id = $1 and location_id = $2",
        variant_id,
        location_id
    )?;
    Ok(row.map(StockLevel::from))
}

/// Reserves all of `quantity` at the first location that has it: what nearly every line of an order needs.
pub(in crate::inventory) async fn reserve_at_one(
    tx: &mut Tx,
    variant_id: Uuid,
    quantity: i64,
) -> Result<Option<StockLevel>> {
    let row = sql::optional!(
        tx,
        LevelRow,
        "update stock_levels set reserved = reserved + $2
         where variant_id = $1 and on_hand - reserved >= $2
           and location_id = (select l.location_id from stock_levels l join stock_locations p on p.id = l.location_id
                              where l.variant_id = $1 and l.on_hand - l.reserved >= $2
                              order by p.priority, p.id limit 1)
         returning location_id, on_hand, reserved",
        variant_id,
        quantity
    )?;
    Ok(row.map(StockLevel::from))
}

/// Adds to a level; none where less than nothing would lie there, or less than is reserved.
pub(in crate::inventory) async fn add_to_level(
    tx: &mut Tx,
    variant_id: Uuid,
    location_id: Uuid,
    on_hand: i64,
    reserved: i64,
) -> Result<Option<StockLevel>> {
    let row = sql::optional!(
        tx,
        LevelRow,
        "update stock_levels set on_hand = on_hand + $3, reserved = reserved + $4
         where variant_id = $1 and location_id = $2 and reserved + $4 >= 0 and on_hand + $3 >= reserved + $4
         returning location_id, on_hand, reserved",
        variant_id,
        location_id,
        on_hand,
        reserved
    )?;
    Ok(row.map(StockLevel::from))
}

/// Begins to keep stock at a location whose lock is held. False where there is no such location, or it is closed.
pub(in crate::inventory) async fn open_level(tx: &mut Tx, variant_id: Uuid, location_id: Uuid) -> Result<bool> {
    let (active,) =
        sql::one!(tx, (i64,), "select count(*) from stock_locations where id = $1 and active", location_id)?;
    if active == 0 {
        return Ok(false);
    }
    sql::execute!(
        tx,
        "insert into stock_levels (variant_id, location_id, on_hand, reserved) values ($1, $2, 0, 0)
         on conflict (variant_id, location_id) do nothing",
        variant_id,
        location_id
    )?;
    Ok(true)
}
