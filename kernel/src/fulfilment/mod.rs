//! Fulfilment: how the goods of an order come to the shopper.
//!
//! An order is sent in one shipment or several, each with some of its pieces: brought by a carrier, or collected. What a
//! shipment holds is planned; it has been shipped once the goods left ([`shipping`]), which is when the stock falls. A
//! carrier is booked through the delivery plugin under a key that is written down first ([`booking`]), and asked what
//! became of it ([`tracking`]).
//!
//! The order's row is the lock of its shipments: who plans, sends or cancels any takes [`orders::lock`] first, and so does
//! who calls the order off or gives money back for pieces of it. Never is more planned than the order still wants
//! ([`Pieces`]).

mod announce;
mod booking;
pub mod http;
mod pieces;
mod privacy;
mod shipping;
mod store;
mod tracking;
mod unplanning;
mod worker;

use serde::Deserialize;
use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{self, Conn, Tx};
use crate::{Shop, inventory, orders};

pub use booking::book;
pub use pieces::{Pieces, Progress, pieces};
pub use privacy::{export, forget};
pub use shipping::{cancel, create, deliver, deliver_all, dispatch, follow, patch, ready, ship_all};
pub use tracking::add_event;
pub use unplanning::{call_off, has_begun, stoppable, unplan};
pub use worker::run;

/// `[fulfilment]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FulfilmentConfig {
    /// How often the worker looks for carriers to be asked, in milliseconds.
    pub poll_interval_ms: u64,
    /// How long after a booking whose end nobody saw the carrier is asked again, in milliseconds. It must be longer than a
    /// call of a delivery plugin may take (`plugins.limits.delivery.wall_ms`). Doubles with each time, up to an hour.
    pub retry_after_ms: u64,
    /// How often a booking is tried before it is given up and left to staff.
    pub booking_attempts: u32,
    /// How often the carrier is asked where a booked shipment is, in milliseconds.
    pub tracking_interval_ms: u64,
    /// Days after which a shipment that never arrived is asked about no more.
    pub tracking_days: u32,
    /// Shipments that an order may have, cancelled ones included.
    pub max_shipments: u32,
    /// Entries that the history of a shipment may have.
    pub max_tracking_events: u32,
}

impl Default for FulfilmentConfig {
    fn default() -> Self {
        Self {
            poll_interval_ms: 1_000,
            retry_after_ms: 30_000,
            booking_attempts: 10,
            tracking_interval_ms: 3_600_000,
            tracking_days: 60,
            max_shipments: 100,
            max_tracking_events: 200,
        }
    }
}

/// How goods come to the shopper.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Carriage,
    /// The shopper collects them.
    Pickup,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Carriage => "carriage",
            Self::Pickup => "pickup",
        }
    }

    /// The column's own check allows nothing else.
    fn parse(name: &str) -> Self {
        if name == "pickup" { Self::Pickup } else { Self::Carriage }
    }
}

/// How far a shipment has come, in that order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Planned; the goods are here.
    Pending,
    /// A carrier was ordered; the goods are here.
    Booked,
    /// Set aside to be collected.
    ReadyForPickup,
    /// The goods have left.
    InTransit,
    Delivered,
    /// The carrier brought it back.
    Returned,
    Cancelled,
}

impl Status {
    pub const ALL: [(Self, &'static str); 7] = [
        (Self::Pending, "pending"),
        (Self::Booked, "booked"),
        (Self::ReadyForPickup, "ready_for_pickup"),
        (Self::InTransit, "in_transit"),
        (Self::Delivered, "delivered"),
        (Self::Returned, "returned"),
        (Self::Cancelled, "cancelled"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(status, _)| *status)
    }

    /// The goods have not left, and nobody was told to fetch them.
    fn can_be_called_off(self) -> bool {
        matches!(self, Self::Pending | Self::ReadyForPickup | Self::Cancelled)
    }

    /// There is nothing more to come.
    fn is_ended(self) -> bool {
        matches!(self, Self::Delivered | Self::Returned | Self::Cancelled)
    }
}

/// Pieces of an order that go together.
#[derive(Debug, Clone)]
pub struct Shipment {
    pub id: Uuid,
    pub order_id: Uuid,
    /// 1 and up within the order.
    pub number: i64,
    pub kind: Kind,
    pub status: Status,
    /// Where the goods leave from; none: from where they are set aside.
    pub location_id: Option<Uuid>,
    pub plugin: String,
    pub option_code: String,
    /// The carrier's name of it.
    pub reference: String,
    pub tracking: Tracking,
    pub lines: Vec<ShippedLine>,
    /// The oldest first.
    pub events: Vec<TrackingEvent>,
    /// What the carrier was asked last.
    pub step: Option<Step>,
    version: i64,
    /// How often the carrier was asked about what is open.
    checks: i64,
    next_check_at: Option<Moment>,
    pub created_at: Moment,
    /// When the goods left.
    pub dispatched_at: Option<Moment>,
    pub delivered_at: Option<Moment>,
    pub updated_at: Moment,
}

impl Shipment {
    /// The carrier was asked something, and nobody knows its answer.
    fn is_waiting(&self) -> bool {
        self.step.as_ref().is_some_and(|step| step.state == StepState::Begun)
    }

    /// It keeps the order from being called off.
    fn has_begun(&self) -> bool {
        !self.status.can_be_called_off() || self.is_waiting()
    }
}

/// What a shopper follows a shipment by; both may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tracking {
    pub number: String,
    pub url: String,
}

/// Pieces of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippedLine {
    /// Its position in the order.
    pub line: u32,
    pub quantity: u32,
}

/// Something that happened to a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackingEvent {
    pub at: Moment,
    /// None: a note.
    pub status: Option<Status>,
    pub text: String,
    pub source: Source,
}

/// Who tells of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Carrier,
    Staff,
}

impl Source {
    pub fn name(self) -> &'static str {
        match self {
            Self::Carrier => "carrier",
            Self::Staff => "staff",
        }
    }
}

/// What a carrier is asked to do.
#[derive(Debug, Clone)]
pub struct Step {
    id: Uuid,
    shipment_id: Uuid,
    pub kind: StepKind,
    idempotency_key: String,
    pub state: StepState,
    /// Why it failed.
    pub note: String,
    begun_at: Moment,
}

/// Kinds of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    Book,
    Cancel,
}

impl StepKind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Book => "book",
            Self::Cancel => "cancel",
        }
    }
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepState {
    /// Its end is not known.
    Begun,
    Done,
    Failed,
}

impl StepState {
    pub fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// A shipment to be made.
#[derive(Debug, Clone, Default)]
pub struct NewShipment {
    /// None: everything that is left.
    pub lines: Option<Vec<ShippedLine>>,
    pub location_id: Option<Uuid>,
    pub tracking: Tracking,
    /// Order the carrier at once.
    pub book: bool,
}

/// What is to change of a shipment.
#[derive(Debug, Clone, Default)]
pub struct ShipmentPatch {
    pub tracking_number: Option<String>,
    pub tracking_url: Option<String>,
    /// `Some(None)`: from where the goods are set aside.
    pub location_id: Option<Option<Uuid>>,
}

/// Why a shipment cannot be made or moved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such order or shipment")]
    NotFound,
    /// Only what is paid is sent.
    #[error("the order is {}", .0.name())]
    Order(orders::Status),
    #[error("the shipment is {}", .0.name())]
    State(Status),
    #[error("the carrier was asked to {} and has not answered yet", .0.name())]
    Waiting(StepKind),
    /// The carrier refused to call the booking off.
    #[error("the carrier does not call the booking off: {0}")]
    NotCancelled(String),
    #[error("a pickup is made ready and delivered; a carrier has nothing to do with it")]
    Pickup,
    #[error("shoppers do not collect at this location")]
    NoPickup,
    #[error("the order is brought by a carrier, and not collected")]
    Carriage,
    #[error("the order has no line {0}")]
    UnknownLine(u32),
    #[error("of line {line}, {available} pieces are left")]
    PiecesGone { line: u32, available: u32 },
    #[error("nothing of the order is left to be sent")]
    NothingLeft,
    #[error("the order has as many shipments as `fulfilment.max_shipments` allows")]
    TooMany,
    #[error("the history is as long as `fulfilment.max_tracking_events` allows")]
    TooManyEvents,
    #[error("the shipment was changed at the same time")]
    Contended,
    #[error(transparent)]
    Stock(#[from] inventory::Error),
    #[error(transparent)]
    Orders(#[from] orders::StateError),
    #[error("the work was cut off: {0}")]
    CutOff(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Has the order shipments that are not cancelled? In a transaction that holds its lock.
pub async fn has_shipments(tx: &mut Tx, order_id: Uuid) -> Result<bool, db::Error> {
    Ok(of_order(tx, order_id).await?.iter().any(|shipment| shipment.status != Status::Cancelled))
}

/// The shipments of an order, in their order.
pub async fn of_order(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Shipment>, db::Error> {
    store::shipments_of(conn, order_id).await
}

/// One shipment.
pub async fn get(shop: &Shop, id: Uuid) -> Result<Shipment, Error> {
    find(&mut shop.db().read().await?, id).await
}

async fn find(conn: &mut Conn, id: Uuid) -> Result<Shipment, Error> {
    store::find_shipment(conn, id).await?.ok_or(Error::NotFound)
}

/// Shipments of all orders, the newest first, without lines and history. One more than `limit`, to know whether there are
/// more.
pub async fn list(
    shop: &Shop,
    status: Option<Status>,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Shipment>, Error> {
    let mut conn = shop.db().read().await?;
    let before = before.unwrap_or(Uuid::max());
    Ok(store::list(&mut conn, status, before, i64::from(limit) + 1).await?)
}
