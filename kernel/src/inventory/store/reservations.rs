//! What orders hold. Every change here is made under the lock of the variant's item.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::inventory::{Reservation, ReservationState};

#[derive(FromRow)]
struct ReservationRow {
    id: Uuid,
    order_id: Uuid,
    variant_id: Uuid,
    sku: String,
    location_id: Option<Uuid>,
    quantity: i64,
    state: String,
    expires_at: Option<Moment>,
}

impl From<ReservationRow> for Reservation {
    fn from(row: ReservationRow) -> Self {
        Self {
            id: row.id,
            order_id: row.order_id,
            variant_id: row.variant_id,
            sku: row.sku,
            location_id: row.location_id,
            quantity: row.quantity,
            state: ReservationState::parse(&row.state),
            expires_at: row.expires_at,
        }
    }
}

pub(in crate::inventory) async fn insert_reservation(tx: &mut Tx, reservation: &Reservation) -> Result<()> {
    sql::execute!(
        tx,
        "insert into stock_reservations (id, order_id, variant_id, sku, location_id, quantity, state, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        reservation.id,
        reservation.order_id,
        reservation.variant_id,
        reservation.sku.as_str(),
        reservation.location_id,
        reservation.quantity,
        reservation.state.name(),
        reservation.expires_at
    )?;
    Ok(())
}

/// Every reservation of an order, whatever its state, in the order of locking.
pub(in crate::inventory) async fn reservations_of(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Reservation>> {
    let rows = sql::all!(
        conn,
        ReservationRow,
        "select id, order_id, variant_id, sku, location_id, quantity, state, expires_at
         from stock_reservations where order_id = $1 order by variant_id, id",
        order_id
    )?;
    Ok(rows.into_iter().map(Reservation::from).collect())
}

/// Those of one variant.
pub(in crate::inventory) async fn reservations_of_variant(
    conn: &mut Conn,
    order_id: Uuid,
    variant_id: Uuid,
) -> Result<Vec<Reservation>> {
    let rows = sql::all!(
        conn,
        ReservationRow,
        "select id, order_id, variant_id, sku, location_id, quantity, state, expires_at
         from stock_reservations where order_id = $1 and variant_id = $2 order by id",
        order_id,
        variant_id
    )?;
    Ok(rows.into_iter().map(Reservation::from).collect())
}

/// Moves a reservation out of the state that it was read in. False where it is no longer in it: somebody was faster, and
/// the numbers are theirs to change.
pub(in crate::inventory) async fn move_reservation(
    tx: &mut Tx,
    id: Uuid,
    from: ReservationState,
    to: ReservationState,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update stock_reservations set state = $3, expires_at = case when $3 = 'kept' then null else expires_at end
         where id = $1 and state = $2",
        id,
        from.name(),
        to.name()
    )?;
    Ok(changed == 1)
}

/// Takes `quantity` out of a reservation that holds more, or would take more again.
pub(in crate::inventory) async fn reduce_reservation(tx: &mut Tx, id: Uuid, quantity: i64) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update stock_reservations set quantity = quantity - $2
         where id = $1 and quantity > $2 and state in ('held', 'kept', 'expired')",
        id,
        quantity
    )?;
    Ok(changed == 1)
}

/// Those that wait for goods, the oldest first.
pub(in crate::inventory) async fn waiting_reservations(
    conn: &mut Conn,
    variant_id: Uuid,
    limit: i64,
) -> Result<Vec<Reservation>> {
    let rows = sql::all!(
        conn,
        ReservationRow,
        "select id, order_id, variant_id, sku, location_id, quantity, state, expires_at from stock_reservations
         where variant_id = $1 and location_id is null and state in ('held', 'kept') order by id limit $2",
        variant_id,
        limit
    )?;
    Ok(rows.into_iter().map(Reservation::from).collect())
}

/// Orders and variants whose time is over, the longest first.
pub(in crate::inventory) async fn expired_reservations(
    conn: &mut Conn,
    now: Moment,
    limit: i64,
) -> Result<Vec<(Uuid, Uuid)>> {
    sql::all!(
        conn,
        (Uuid, Uuid),
        "select order_id, variant_id from stock_reservations
         where state = 'held' and expires_at <= $1 order by expires_at limit $2",
        now,
        limit
    )
}
