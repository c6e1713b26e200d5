//! All the SQL of stock levels.

use uuid::Uuid;

use super::StockLevel;
use crate::db::{Conn, Result, sql};

pub(super) async fn reserve(conn: &mut Conn, variant_id: Uuid, quantity: i64) -> Result<bool> {
    let changed = sql::execute!(
        conn,
        "update stock_levels set reserved = reserved + $2 where variant_id = $1 and on_hand - reserved >= $2",
        variant_id,
        quantity
    )?;
    Ok(changed == 1)
}

/// A variant that a merchant has deleted meanwhile has no level any more, and nothing to give back to: no error.
pub(super) async fn release(conn: &mut Conn, variant_id: Uuid, quantity: i64) -> Result<()> {
    sql::execute!(
        conn,
        "update stock_levels set reserved = reserved - $2 where variant_id = $1 and reserved >= $2",
        variant_id,
        quantity
    )?;
    Ok(())
}

pub(super) async fn sell(conn: &mut Conn, variant_id: Uuid, quantity: i64) -> Result<()> {
    sql::execute!(
        conn,
        "update stock_levels set on_hand = on_hand - $2, reserved = reserved - $2
         where variant_id = $1 and reserved >= $2",
        variant_id,
        quantity
    )?;
    Ok(())
}

pub(super) async fn restock(conn: &mut Conn, variant_id: Uuid, quantity: i64) -> Result<()> {
    sql::execute!(conn, "update stock_levels set on_hand = on_hand + $2 where variant_id = $1", variant_id, quantity)?;
    Ok(())
}

pub(super) async fn insert_level(conn: &mut Conn, variant_id: Uuid, on_hand: i64) -> Result<()> {
    sql::execute!(
        conn,
        "insert into stock_levels (variant_id, on_hand, reserved) values ($1, $2, 0)",
        variant_id,
        on_hand
    )?;
    Ok(())
}

pub(super) async fn set_on_hand(conn: &mut Conn, variant_id: Uuid, on_hand: i64) -> Result<bool> {
    let changed = sql::execute!(
        conn,
        "update stock_levels set on_hand = $2 where variant_id = $1 and reserved <= $2",
        variant_id,
        on_hand
    )?;
    Ok(changed == 1)
}

pub(super) async fn find_level(conn: &mut Conn, variant_id: Uuid) -> Result<Option<StockLevel>> {
    let row = sql::optional!(
        conn,
        (i64, i64),
        "select on_hand, reserved from stock_levels where variant_id = $1",
        variant_id
    )?;
    Ok(row.map(|(on_hand, reserved)| StockLevel { on_hand, reserved }))
}
