//! Where goods lie.

use uuid::Uuid;

use crate::address::Address;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::inventory::Location;

#[derive(FromRow)]
struct LocationRow {
    id: Uuid,
    name: String,
    address: Option<Json<Address>>,
    priority: i64,
    active: bool,
    pickup: bool,
    version: i64,
}

impl From<LocationRow> for Location {
    fn from(row: LocationRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            address: row.address.map(|address| address.0),
            priority: row.priority,
            active: row.active,
            pickup: row.pickup,
            version: row.version,
        }
    }
}

pub(in crate::inventory) async fn list_locations(conn: &mut Conn) -> Result<Vec<Location>> {
    let rows = sql::all!(
        conn,
        LocationRow,
        "select id, name, address, priority, active, pickup, version from stock_locations order by priority, id"
    )?;
    Ok(rows.into_iter().map(Location::from).collect())
}

pub(in crate::inventory) async fn find_location(conn: &mut Conn, id: Uuid) -> Result<Option<Location>> {
    let row = sql::optional!(
        conn,
        LocationRow,
        "select id, name, address, priority, active, pickup, version from stock_locations where id = $1",
        id
    )?;
    Ok(row.map(Location::from))
}

/// Counts the version up, which locks the row until the transaction ends (PostgreSQL; SQLite has one writer).
pub(in crate::inventory) async fn lock_location(tx: &mut Tx, id: Uuid) -> Result<Option<Location>> {
    let row = sql::optional!(
        tx,
        LocationRow,
        "update stock_locations set version = version + 1 where id = $1
         returning id, name, address, priority, active, pickup, version",
        id
    )?;
    Ok(row.map(Location::from))
}

/// Locks the row as [`lock_location`] does, and leaves it as it is.
pub(in crate::inventory) async fn hold_location(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "update stock_locations set active = active where id = $1", id)?;
    Ok(())
}

/// False where there are `most` already. Two at the same moment may make one more, which harms nobody.
pub(in crate::inventory) async fn insert_location(tx: &mut Tx, location: &Location, most: i64) -> Result<bool> {
    let (count,) = sql::one!(tx, (i64,), "select count(*) from stock_locations")?;
    if count >= most {
        return Ok(false);
    }
    sql::execute!(
        tx,
        "insert into stock_locations (id, name, address, priority, active, pickup, version)
         values ($1, $2, $3, $4, $5, $6, $7)",
        location.id,
        location.name.as_str(),
        location.address.as_ref().map(Json),
        location.priority,
        location.active,
        location.pickup,
        location.version
    )?;
    Ok(true)
}

/// The version was set by [`lock_location`].
pub(in crate::inventory) async fn update_location(tx: &mut Tx, location: &Location) -> Result<()> {
    sql::execute!(
        tx,
        "update stock_locations set name = $2, address = $3, priority = $4, active = $5, pickup = $6 where id = $1",
        location.id,
        location.name.as_str(),
        location.address.as_ref().map(Json),
        location.priority,
        location.active,
        location.pickup
    )?;
    Ok(())
}

pub(in crate::inventory) async fn holds_goods(tx: &mut Tx, id: Uuid) -> Result<bool> {
    let row = sql::optional!(
        tx,
        (Uuid,),
        "select variant_id from stock_levels where location_id = $1 and on_hand > 0 limit 1",
        id
    )?;
    Ok(row.is_some())
}

/// With its empty levels. False where goods have come at the same moment.
pub(in crate::inventory) async fn delete_location(tx: &mut Tx, id: Uuid) -> Result<bool> {
    sql::execute!(tx, "delete from stock_levels where location_id = $1 and on_hand = 0", id)?;
    let deleted = sql::execute!(
        tx,
        "delete from stock_locations
         where id = $1 and not exists (select 1 from stock_levels l where l.location_id = $1)",
        id
    )?;
    Ok(deleted == 1)
}
