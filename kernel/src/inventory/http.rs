//! Stock over HTTP.

use super::Error;
use crate::carts::{self, Shortage};
use crate::problem::{Kind, Problem};

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::Insufficient { sku, wanted, available } => insufficient(sku, wanted, available),
            Error::NotReserved { sku, wanted, held } => insufficient(sku, wanted, held).detail(detail),
            Error::LocationUnknown => Problem::invalid_field("/location_id", detail),
            Error::BelowReserved => Problem::invalid_field("/on_hand", detail),
            Error::InUse => Problem::new(Kind::StockInUse),
            Error::Database(error) => error.into(),
        }
    }
}

fn insufficient(sku: String, wanted: i64, available: i64) -> Problem {
    let count = |count: i64| u32::try_from(count.max(0)).unwrap_or(u32::MAX);
    carts::http::insufficient(&[Shortage { sku, wanted: count(wanted), available: count(available) }])
}
