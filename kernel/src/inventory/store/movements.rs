//! The ledger of movements.

use crate::clock::Moment;
use crate::db::{Result, Tx, sql};
use crate::inventory::{Cause, Movement};

pub(in crate::inventory) async fn insert_movement(
    tx: &mut Tx,
    movement: &Movement,
    cause: &Cause<'_>,
    at: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into stock_movements (id, variant_id, location_id, kind, on_hand_delta, reserved_delta, on_hand, reserved,
                                      reference_id, reason, actor, at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        crate::id::sequential(),
        movement.variant_id,
        movement.location_id,
        cause.kind.name(),
        movement.on_hand_delta,
        movement.reserved_delta,
        movement.on_hand,
        movement.reserved,
        cause.reference_id,
        cause.reason,
        cause.actor,
        at
    )?;
    Ok(())
}
