//! Returns: goods that a shopper has, and sends back.
//!
//! A return is asked for, approved or rejected, received piece by piece, and refunded once, by the lines that came
//! ([`flow`]). The order's row is its lock: never comes more back than is out ([`fulfilment::Pieces::out`]), and money for
//! it goes back as every refund does ([`orders::refunds`]).

mod flow;
pub mod http;
mod privacy;
mod store;

use serde::Deserialize;
use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{self, Conn};
use crate::{Shop, inventory, orders};

pub use flow::{approve, cancel, close, receive, refund, reject, request};
pub use privacy::{export, forget};

/// `[returns]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReturnsConfig {
    /// How long after the last goods of an order left or arrived its shopper may send something back, in days. Staff may
    /// at any time.
    pub days: u32,
    /// Returns that an order may have, rejected ones included.
    pub max_per_order: u32,
}

impl Default for ReturnsConfig {
    fn default() -> Self {
        Self { days: 30, max_per_order: 20 }
    }
}

/// How far a return has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Requested,
    /// The goods may come.
    Approved,
    Rejected,
    /// Goods came; more may.
    Received,
    /// The money for what came is on its way back, or there.
    Refunded,
    Closed,
    /// By the shopper.
    Cancelled,
}

impl Status {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Requested, "requested"),
        (Self::Approved, "approved"),
        (Self::Rejected, "rejected"),
        (Self::Received, "received"),
        (Self::Refunded, "refunded"),
        (Self::Closed, "closed"),
        (Self::Cancelled, "cancelled"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(status, _)| *status)
    }

    /// May a return go from one state to the other?
    fn may_become(self, to: Self) -> bool {
        use Status::{Approved, Cancelled, Closed, Received, Refunded, Rejected, Requested};
        matches!(
            (self, to),
            (Requested, Approved | Rejected | Cancelled)
                | (Approved, Received | Cancelled | Closed)
                | (Received, Received | Refunded | Closed)
                | (Refunded, Closed)
        )
    }

    /// Pieces of it may still come.
    fn is_awaited(self) -> bool {
        matches!(self, Self::Requested | Self::Approved | Self::Received)
    }
}

/// Why something is sent back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    Damaged,
    WrongItem,
    NotAsDescribed,
    Unwanted,
    Other,
}

impl Reason {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Damaged, "damaged"),
        (Self::WrongItem, "wrong-item"),
        (Self::NotAsDescribed, "not-as-described"),
        (Self::Unwanted, "unwanted"),
        (Self::Other, "other"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(reason, _)| *reason == self).map_or("", |(_, name)| name)
    }

    /// The column's own check allows nothing else.
    fn parse(name: &str) -> Self {
        Self::ALL.iter().find(|(_, known)| *known == name).map_or(Self::Other, |(reason, _)| *reason)
    }
}

/// Goods of an order that come back, or are to.
#[derive(Debug, Clone)]
pub struct Return {
    pub id: Uuid,
    pub order_id: Uuid,
    /// 1 and up within the order.
    pub number: i64,
    pub status: Status,
    pub refund_id: Option<Uuid>,
    pub lines: Vec<ReturnLine>,
    /// The oldest first.
    pub history: Vec<Event>,
    version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// Pieces of a line.
#[derive(Debug, Clone)]
pub struct ReturnLine {
    /// Its position in the order.
    pub line: u32,
    pub quantity: u32,
    pub reason: Reason,
    pub note: String,
    /// Pieces that came, and those of them that lie on the shelf again.
    pub received: u32,
    pub restocked: u32,
}

/// A change of a return.
#[derive(Debug, Clone)]
pub struct Event {
    pub at: Moment,
    pub status: String,
    pub cause: String,
    /// Who did it; empty where the shopper did.
    pub actor: String,
}

/// Pieces that came.
#[derive(Debug, Clone)]
pub struct Arrived {
    pub line: u32,
    pub quantity: u32,
    /// They can be sold again.
    pub restock: bool,
    pub location_id: Option<Uuid>,
}

/// Who asks for a return.
#[derive(Debug, Clone, Copy)]
pub enum By<'a> {
    Shopper,
    /// It is approved by that.
    Staff(&'a str),
}

/// Why a return cannot be made or moved.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such order or return for this caller")]
    NotFound,
    #[error("nothing of the order has left")]
    NothingOut,
    #[error("goods can be sent back for {days} days")]
    TooLate { days: u32 },
    #[error("the return is {}", .0.name())]
    State(Status),
    #[error("nothing of it came")]
    NothingCame,
    #[error("the order or the return has no line {0}")]
    UnknownLine(u32),
    #[error("of line {line}, {available} pieces can come back")]
    PiecesGone { line: u32, available: u32 },
    #[error("the order has as many returns as `returns.max_per_order` allows")]
    TooMany,
    #[error("the return was changed at the same time")]
    Contended,
    #[error(transparent)]
    Stock(#[from] inventory::Error),
    #[error(transparent)]
    Orders(Box<orders::Error>),
    #[error(transparent)]
    Payments(#[from] crate::payments::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<orders::Error> for Error {
    fn from(error: orders::Error) -> Self {
        match error {
            orders::Error::NotFound => Self::NotFound,
            error => Self::Orders(Box::new(error)),
        }
    }
}

/// The returns of an order, in their order.
pub async fn of_order(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Return>, db::Error> {
    store::returns_of(conn, order_id).await
}

/// Pieces that came back, by line of the order.
pub async fn received(conn: &mut Conn, order_id: Uuid) -> Result<Vec<(u32, u32)>, db::Error> {
    store::received(conn, order_id).await
}

/// One return.
pub async fn get(shop: &Shop, id: Uuid) -> Result<Return, Error> {
    store::find_return(&mut shop.db().read().await?, id).await?.ok_or(Error::NotFound)
}

/// Returns of all orders, the newest first, without lines and history. One more than `limit`, to know whether there are
/// more.
pub async fn list(shop: &Shop, status: Option<Status>, before: Option<Uuid>, limit: u32) -> Result<Vec<Return>, Error> {
    let mut conn = shop.db().read().await?;
    Ok(store::list(&mut conn, status, before.unwrap_or(Uuid::max()), i64::from(limit) + 1).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_goes_forward_and_is_refunded_once() {
        let all = Status::ALL.map(|(status, _)| status);
        let moves = all.iter().flat_map(|from| all.iter().map(move |to| (*from, *to)));
        let moves: Vec<_> =
            moves.filter(|(from, to)| from.may_become(*to)).map(|(from, to)| (from.name(), to.name())).collect();
        let expected = [
            ("requested", "approved"),
            ("requested", "rejected"),
            ("requested", "cancelled"),
            ("approved", "received"),
            ("approved", "closed"),
            ("approved", "cancelled"),
            ("received", "received"),
            ("received", "refunded"),
            ("received", "closed"),
            ("refunded", "closed"),
        ];
        assert_eq!(moves, expected);
    }
}
