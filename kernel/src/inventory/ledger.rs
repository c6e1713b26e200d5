//! The ledger: each change of a number is a movement that says why.

use uuid::Uuid;

use super::{Movement, store};
use crate::clock;
use crate::db::{self, Tx};

/// Why numbers change.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    pub kind: CauseKind,
    /// The order, return or transfer that it belongs to.
    pub reference_id: Option<Uuid>,
    pub reason: &'a str,
    /// Who did it; empty where the kernel did.
    pub actor: &'a str,
}

/// Kinds of movements. The names are in the API and in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CauseKind {
    /// What a new variant began with.
    Opening,
    Count,
    Adjustment,
    Transfer,
    Import,
    /// Goods came back.
    Restock,
    Reservation,
    /// The order does not want them any more.
    Release,
    /// The order was not paid in time.
    Expiry,
    /// Goods came for a reservation that waited.
    Assignment,
    Shipment,
    /// The variant was deleted.
    Removal,
}

impl CauseKind {
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Opening, "opening"),
        (Self::Count, "count"),
        (Self::Adjustment, "adjustment"),
        (Self::Transfer, "transfer"),
        (Self::Import, "import"),
        (Self::Restock, "restock"),
        (Self::Reservation, "reservation"),
        (Self::Release, "release"),
        (Self::Expiry, "expiry"),
        (Self::Assignment, "assignment"),
        (Self::Shipment, "shipment"),
        (Self::Removal, "removal"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// Whether the movement's reference is an order.
    pub(super) fn is_of_an_order(name: &str) -> bool {
        [Self::Reservation, Self::Release, Self::Expiry, Self::Assignment, Self::Shipment]
            .iter()
            .any(|kind| kind.name() == name)
    }
}

impl Cause<'static> {
    /// What an order does, through the kernel.
    pub fn order(kind: CauseKind, order_id: Uuid) -> Self {
        Self { kind, reference_id: Some(order_id), reason: "", actor: "" }
    }
}

/// Changes what is on hand and reserved of a variant at a location, in its sums, and in the ledger. The caller holds the
/// lock of the item. False where less than nothing would lie there, or less than is reserved; nothing was changed then.
pub(super) async fn post(
    tx: &mut Tx,
    variant_id: Uuid,
    location_id: Uuid,
    on_hand: i64,
    reserved: i64,
    cause: &Cause<'_>,
) -> db::Result<bool> {
    let Some(level) = store::add_to_level(tx, variant_id, location_id, on_hand, reserved).await? else {
        return Ok(false);
    };
    store::add_to_item(tx, variant_id, on_hand, reserved, 0).await?;
    let movement = Movement {
        variant_id,
        location_id: Some(location_id),
        on_hand_delta: on_hand,
        reserved_delta: reserved,
        on_hand: level.on_hand,
        reserved: level.reserved,
    };
    record(tx, &movement, cause).await?;
    Ok(true)
}

/// As [`post`], of reservations that wait for goods; `waiting` is how many did before.
pub(super) async fn post_waiting(
    tx: &mut Tx,
    variant_id: Uuid,
    waiting: i64,
    reserved: i64,
    cause: &Cause<'_>,
) -> db::Result<()> {
    store::add_to_item(tx, variant_id, 0, reserved, reserved).await?;
    record_waiting(tx, variant_id, waiting + reserved, reserved, cause).await
}

/// The movement alone, where the sums were changed already.
pub(super) async fn record_waiting(
    tx: &mut Tx,
    variant_id: Uuid,
    waiting: i64,
    reserved_delta: i64,
    cause: &Cause<'_>,
) -> db::Result<()> {
    let movement =
        Movement { variant_id, location_id: None, on_hand_delta: 0, reserved_delta, on_hand: 0, reserved: waiting };
    record(tx, &movement, cause).await
}

pub(super) async fn record(tx: &mut Tx, movement: &Movement, cause: &Cause<'_>) -> db::Result<()> {
    store::insert_movement(tx, movement, cause, clock::now()).await
}
