//! How many pieces of each line are where: what an order still wants, and what of it is out.

use uuid::Uuid;

use super::store;
use crate::db::{self, Conn};
use crate::{orders, returns};

/// The pieces of a line of an order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pieces {
    /// Its position in the order.
    pub line: u32,
    pub ordered: u32,
    /// In shipments that are not cancelled.
    pub planned: u32,
    /// The part of them that has left.
    pub shipped: u32,
    /// Refunded before they left: nobody wants them any more.
    pub dropped: u32,
    /// Came back after they had left.
    pub back: u32,
}

impl Pieces {
    /// What is in no shipment yet, and is to be.
    pub fn left(&self) -> u32 {
        self.ordered.saturating_sub(self.planned).saturating_sub(self.dropped)
    }

    /// What is in shipments, and should not be.
    pub(super) fn unwanted(&self) -> u32 {
        self.planned.saturating_add(self.dropped).saturating_sub(self.ordered)
    }

    /// What the shopper has, or the carrier.
    pub fn out(&self) -> u32 {
        self.shipped.saturating_sub(self.back)
    }

    /// What has not left, and is to.
    fn here(&self) -> u32 {
        self.ordered.saturating_sub(self.shipped).saturating_sub(self.dropped)
    }
}

/// How much of an order has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    Unfulfilled,
    Partial,
    Fulfilled,
}

impl Progress {
    pub fn of(pieces: &[Pieces]) -> Self {
        match (pieces.iter().any(|line| line.shipped > 0), pieces.iter().any(|line| line.here() > 0)) {
            (false, _) => Self::Unfulfilled,
            (true, true) => Self::Partial,
            (true, false) => Self::Fulfilled,
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Self::Unfulfilled => "unfulfilled",
            Self::Partial => "partial",
            Self::Fulfilled => "fulfilled",
        }
    }
}

/// The pieces of every line of an order, by position.
pub async fn pieces(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Pieces>, db::Error> {
    let lines = orders::lines(conn, order_id).await?;
    let mut pieces: Vec<_> =
        (0..).zip(&lines).map(|(line, of)| Pieces { line, ordered: of.quantity, ..Pieces::default() }).collect();
    for (line, planned, shipped) in store::planned(conn, order_id).await? {
        if let Some(of) = pieces.get_mut(line as usize) {
            (of.planned, of.shipped) = (planned, shipped);
        }
    }
    for refunded in orders::refunded_pieces(conn, order_id).await? {
        if let Some(of) = pieces.get_mut(refunded.line as usize) {
            of.dropped += refunded.dropped;
            of.back += refunded.restocked;
        }
    }
    for (line, received) in returns::received(conn, order_id).await? {
        if let Some(of) = pieces.get_mut(line as usize) {
            of.back += received;
        }
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_fulfilled_when_all_that_is_wanted_has_left() {
        let line =
            |ordered, shipped, dropped| Pieces { ordered, shipped, dropped, planned: shipped, ..Pieces::default() };
        for (lines, left, expected) in [
            (vec![line(2, 0, 0), line(1, 0, 0)], 3, Progress::Unfulfilled),
            (vec![line(2, 1, 0), line(1, 0, 0)], 2, Progress::Partial),
            (vec![line(2, 2, 0), line(1, 0, 0)], 1, Progress::Partial),
            (vec![line(2, 2, 0), line(1, 1, 0)], 0, Progress::Fulfilled),
            // What was refunded before it left is not waited for.
            (vec![line(2, 1, 1), line(1, 0, 1)], 0, Progress::Fulfilled),
            (vec![line(2, 0, 2)], 0, Progress::Unfulfilled),
        ] {
            assert_eq!(lines.iter().map(Pieces::left).sum::<u32>(), left, "{lines:?}");
            assert_eq!(Progress::of(&lines), expected, "{lines:?}");
        }
    }
}
