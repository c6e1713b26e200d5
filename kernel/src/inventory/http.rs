//! Stock over HTTP.

mod bulk;
mod lists;
mod locations;
mod stock;

use serde_json::json;

use super::Error;
use crate::problem::{FieldError, Kind, Problem};

pub use bulk::*;
pub use lists::*;
pub use locations::*;
pub use stock::*;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::Insufficient { sku, wanted, available } => insufficient(sku, wanted, available),
            Error::NotReserved { sku, wanted, held } => insufficient(sku, wanted, held).detail(detail),
            Error::LocationUnknown => Problem::invalid_field("/location_id", detail),
            Error::BelowReserved | Error::TooMuch => Problem::invalid_field("/on_hand", detail),
            Error::InUse => Problem::new(Kind::StockInUse),
            Error::CountedOther { on_hand } => {
                Problem::new(Kind::PreconditionFailed).detail(detail).with("on_hand", on_hand)
            }
            Error::VersionMismatch { .. } => Problem::new(Kind::PreconditionFailed).detail(detail),
            Error::Lines(wrong) => {
                Problem::invalid(wrong.into_iter().map(|(at, detail)| FieldError::new(at, detail)).collect())
            }
            Error::TooManyLocations => Problem::invalid_field("", detail),
            Error::Database(error) => error.into(),
        }
    }
}

/// As carts tell it, which stand above.
fn insufficient(sku: String, wanted: i64, available: i64) -> Problem {
    let line = json!({ "sku": sku, "wanted": wanted, "available": available.max(0) });
    Problem::new(Kind::InsufficientStock).with("lines", [line])
}
