//! Inventory: how much there is of each variant, where, and why.
//!
//! - **On hand** is what lies at a location, until it is shipped. **Reserved** is the part of it that orders hold.
//!   **Available** is what can be ordered now, over all locations: on hand less reserved, and more where a variant may be
//!   promised before it comes (backorder).
//! - [`reservations`] hold goods for orders: made at the checkout, kept by the payment, given back or shipped once.
//!   One without a location waits for goods.
//! - [`levels`] change what lies where: counts, adjustments, transfers, goods that come back.
//! - Every change of a number goes through [`ledger::post`], which writes a movement beside it.
//!
//! Whoever changes anything of a variant holds the lock of its item ([`store::lock_item`]), and takes the variants of
//! one transaction in the order of their ids: so two orders wait for each other at most in one direction. A transaction
//! that changes stock in several steps locks all of it before the first ([`lock`]). Whoever brings goods to a location holds
//! its lock as well, and takes it before those of variants ([`lock_locations`]).

mod availability;
mod bulk;
mod edits;
pub mod http;
mod ledger;
mod levels;
mod lists;
mod locations;
mod locks;
mod merchant;
mod reservations;
mod store;
mod verify;
mod wanted;
mod worker;

use serde::Deserialize;
use uuid::Uuid;

use crate::clock::Moment;
use crate::{Shop, clock, db};

pub use availability::Availability;
pub use bulk::{Restocked, StockChange, StockChangeLine, change_stock};
pub use edits::rewrite;
pub use ledger::{Cause, CauseKind};
pub use levels::{close_item, create_item, restock, set_on_hand};
pub use lists::{
    ListedMovement, ListedReservation, ListedStock, MovementFilter, StockFilter, StockKey, list_movements,
    list_reservations, list_stock,
};
pub use locations::{
    Location, LocationPatch, MAX_LOCATION_NAME, NewLocation, create_location, create_location_in, delete_location,
    find_location, get_location, hands_out, list_locations, patch_location, patch_location_in, pickup_locations,
};
pub use locks::{lock, lock_locations};
pub use merchant::{PolicyPatch, Remark, Stock, adjust, count, get_stock, patch_policy, transfer};
pub use reservations::{Shortage, keep, release, release_some, reserve, ship};
pub use verify::{Discrepancy, verify};
pub use wanted::{Moved, WantedStock, bring_to};
pub use worker::run;

/// The location that is there from the start. It can be renamed, and never deleted.
pub const DEFAULT_LOCATION: Uuid = Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001);

/// `[inventory]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InventoryConfig {
    /// How long an order that is not paid holds its goods, in minutes: 1 to 43200.
    #[serde(deserialize_with = "reservation_minutes")]
    pub reservation_minutes: u32,
    /// A variant of which no more than this can be sold without backorder is low; each variant may have its own.
    pub low_stock_threshold: i64,
    /// How often the worker looks for what has expired, what waits and what runs low, in milliseconds.
    pub poll_interval_ms: u64,
    /// Locations that a shop may have.
    pub max_locations: u32,
}

impl Default for InventoryConfig {
    fn default() -> Self {
        Self { reservation_minutes: 60, low_stock_threshold: 5, poll_interval_ms: 1_000, max_locations: 100 }
    }
}

/// Zero would sell the same piece twice, again and again; past a month it is no reservation but a loss.
fn reservation_minutes<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    match u32::deserialize(deserializer)? {
        minutes @ 1..=43_200 => Ok(minutes),
        _ => Err(serde::de::Error::custom("must be 1 to 43200")),
    }
}

/// Until when an order that is placed now may hold its goods without being paid.
pub fn held_until(shop: &Shop) -> Moment {
    clock::now() + chrono::TimeDelta::minutes(i64::from(shop.config().inventory.reservation_minutes))
}

/// Most pieces of a variant that can be on hand.
pub const MAX_ON_HAND: i64 = 1_000_000_000;

/// How much of a variant lies at a location, and how much of that orders hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StockLevel {
    pub location_id: Uuid,
    pub on_hand: i64,
    pub reserved: i64,
}

impl StockLevel {
    /// What no order holds.
    pub fn free(self) -> i64 {
        self.on_hand - self.reserved
    }
}

/// The stock of a variant over all locations, and how it is to be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub variant_id: Uuid,
    pub on_hand: i64,
    /// All that orders hold, what waits for goods included.
    pub reserved: i64,
    pub waiting: i64,
    /// What can be ordered now; 1,000,000 stands for no limit.
    pub available: i64,
    /// False: it never runs out, and nothing of it is reserved.
    pub tracked: bool,
    /// How many may be promised beyond what is on hand; none: as many as are wanted.
    pub backorder_limit: Option<i64>,
    /// None: the shop's own.
    pub low_stock_threshold: Option<i64>,
    alert: worker::Alert,
    pub version: i64,
}

/// A quantity of a variant.
#[derive(Debug, Clone)]
pub struct Quantity {
    pub variant_id: Uuid,
    pub sku: String,
    pub quantity: u32,
}

/// What an order holds of a variant.
#[derive(Debug, Clone)]
struct Reservation {
    id: Uuid,
    order_id: Uuid,
    variant_id: Uuid,
    sku: String,
    /// None while it waits for goods.
    location_id: Option<Uuid>,
    quantity: i64,
    state: ReservationState,
    expires_at: Option<Moment>,
}

/// How far a reservation has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReservationState {
    /// By an order that is not paid, until it expires.
    Held,
    /// By a paid order.
    Kept,
    /// Given back because it was not paid in time; taken again if the order is paid after all.
    Expired,
    Released,
    Shipped,
}

impl ReservationState {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Held, "held"),
        (Self::Kept, "kept"),
        (Self::Expired, "expired"),
        (Self::Released, "released"),
        (Self::Shipped, "shipped"),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(state, _)| *state == self).map_or("", |(_, name)| name)
    }

    /// The column's own check allows nothing else; a released one is the reading that does least.
    fn parse(name: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == name).map_or(Self::Released, |(state, _)| *state)
    }

    /// Something is counted as reserved for it.
    fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::Kept)
    }

    fn can_be_kept(self) -> bool {
        matches!(self, Self::Held | Self::Expired)
    }

    fn can_be_released(self) -> bool {
        matches!(self, Self::Held | Self::Kept | Self::Expired)
    }
}

/// An entry of the ledger: what changed of a variant at a place, and the numbers of that place afterwards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    pub variant_id: Uuid,
    /// None: a reservation that waits for goods.
    pub location_id: Option<Uuid>,
    pub on_hand_delta: i64,
    pub reserved_delta: i64,
    pub on_hand: i64,
    pub reserved: i64,
}

/// Why stock cannot be changed. The caller's transaction must be dropped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such variant or location")]
    NotFound,
    /// Less can be sold than is wanted.
    #[error("{available} of {sku} can be sold, {wanted} are wanted")]
    Insufficient { sku: String, wanted: i64, available: i64 },
    /// The order does not hold what is to be shipped.
    #[error("the order holds {held} of {sku}, {wanted} are to be shipped")]
    NotReserved { sku: String, wanted: i64, held: i64 },
    #[error("there is no such location, or it is closed")]
    LocationUnknown,
    /// Fewer than orders hold there.
    #[error("orders hold more than that")]
    BelowReserved,
    /// Orders hold some of it, or goods lie there.
    #[error("it is still in use")]
    InUse,
    #[error("{on_hand} are on hand")]
    CountedOther { on_hand: i64 },
    #[error("it has changed: it is version {current} now")]
    VersionMismatch { current: i64 },
    #[error("there would be more than {MAX_ON_HAND} on hand")]
    TooMuch,
    /// Of a list that is changed whole or not at all: what is wrong, by JSON pointer.
    #[error("some lines cannot be done")]
    Lines(Vec<(String, String)>),
    #[error("there are as many locations as `inventory.max_locations` allows")]
    TooManyLocations,
    #[error(transparent)]
    Database(#[from] db::Error),
}
