//! What shoppers and the merchant see of a return.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::clock::Moment;
use crate::returns::{Event, Return, ReturnLine};

/// Goods of an order that come back, or are to.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReturnOut {
    id: Uuid,
    /// 1 and up within the order.
    #[schema(example = 1)]
    number: i64,
    /// `requested`, `approved` (the goods may come), `rejected`, `received` (goods came), `refunded` (the money is on its way
    /// back, or there), `closed` or `cancelled` (by the shopper).
    #[schema(example = "approved")]
    status: &'static str,
    lines: Vec<ReturnLineOut>,
    history: Vec<ReturnEventOut>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// Pieces of a line.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReturnLineOut {
    /// Position of the line in `lines` of the order; the first is 0.
    line: u32,
    quantity: u32,
    /// `damaged`, `wrong-item`, `not-as-described`, `unwanted` or `other`.
    #[schema(example = "damaged")]
    reason: &'static str,
    note: String,
    /// Pieces that came.
    received: u32,
}

/// A change of a return.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReturnEventOut {
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    status: String,
    /// Of a rejection: why.
    cause: String,
}

/// A return, for the merchant.
#[derive(Debug, Serialize, ToSchema)]
pub struct AdminReturnOut {
    #[serde(flatten)]
    shown: ReturnOut,
    order_id: Uuid,
    /// What was given back for it: one of the order's refunds.
    refund_id: Option<Uuid>,
    /// Pieces that lie on the shelf again, by the lines of the return.
    restocked: Vec<u32>,
    /// Who made each change of `history`; empty where the shopper did.
    actors: Vec<String>,
}

/// A return in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReturnSummaryOut {
    id: Uuid,
    order_id: Uuid,
    number: i64,
    #[schema(example = "requested")]
    status: &'static str,
    refund_id: Option<Uuid>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

impl From<Return> for ReturnOut {
    fn from(wanted: Return) -> Self {
        Self {
            id: wanted.id,
            number: wanted.number,
            status: wanted.status.name(),
            lines: wanted.lines.into_iter().map(ReturnLineOut::from).collect(),
            history: wanted.history.into_iter().map(ReturnEventOut::from).collect(),
            created_at: wanted.created_at,
            updated_at: wanted.updated_at,
        }
    }
}

impl From<ReturnLine> for ReturnLineOut {
    fn from(line: ReturnLine) -> Self {
        Self {
            line: line.line,
            quantity: line.quantity,
            reason: line.reason.name(),
            note: line.note,
            received: line.received,
        }
    }
}

impl From<Event> for ReturnEventOut {
    fn from(event: Event) -> Self {
        Self { at: event.at, status: event.status, cause: event.cause }
    }
}

impl From<Return> for AdminReturnOut {
    fn from(wanted: Return) -> Self {
        Self {
            order_id: wanted.order_id,
            refund_id: wanted.refund_id,
            restocked: wanted.lines.iter().map(|line| line.restocked).collect(),
            actors: wanted.history.iter().map(|event| event.actor.clone()).collect(),
            shown: wanted.into(),
        }
    }
}

impl From<Return> for ReturnSummaryOut {
    fn from(wanted: Return) -> Self {
        Self {
            id: wanted.id,
            order_id: wanted.order_id,
            number: wanted.number,
            status: wanted.status.name(),
            refund_id: wanted.refund_id,
            created_at: wanted.created_at,
            updated_at: wanted.updated_at,
        }
    }
}
