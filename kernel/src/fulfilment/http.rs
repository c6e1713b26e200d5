//! Shipments over HTTP.

mod shipments;
mod view;

use super::Error;
use crate::problem::{Kind, Problem};

pub use shipments::*;
pub use view::ShipmentOut;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Order(status) => Problem::new(Kind::OrderState).detail(detail).with("order_status", status.name()),
            Error::TooMany => Problem::new(Kind::OrderState).detail(detail),
            Error::State(status) => {
                Problem::new(Kind::ShipmentState).detail(detail).with("shipment_status", status.name())
            }
            Error::Waiting(_) | Error::Pickup | Error::Carriage | Error::TooManyEvents => {
                Problem::new(Kind::ShipmentState).detail(detail)
            }
            Error::NoPickup => Problem::new(Kind::PickupUnavailable),
            Error::NotCancelled(reason) => Problem::new(Kind::ShipmentState).detail(detail).with("reason", reason),
            Error::UnknownLine(_) => Problem::invalid_field("/lines", detail),
            Error::PiecesGone { line, available } => {
                Problem::new(Kind::PiecesExceeded).detail(detail).with("line", line).with("available", available)
            }
            Error::NothingLeft => Problem::new(Kind::PiecesExceeded).detail(detail).with("available", 0),
            Error::Contended => Problem::new(Kind::Unavailable).detail(detail),
            Error::Stock(error) => error.into(),
            Error::Orders(error) => error.into(),
            Error::CutOff(_) => Problem::internal(error),
            Error::Database(error) => error.into(),
        }
    }
}
