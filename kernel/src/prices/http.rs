//! Prices over HTTP, for the merchant. What shoppers see of them stands in the catalog and in carts.

mod entries;
mod lists;
mod variants;

use super::Error;
use crate::problem::{FieldError, Kind, Problem};

pub use entries::*;
pub use lists::*;
pub use variants::*;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::CodeTaken(_) => Problem::new(Kind::CodeTaken).detail(detail),
            Error::VersionMismatch { .. } => Problem::new(Kind::PreconditionFailed).detail(detail),
            Error::GroupUnknown => Problem::invalid_field("/group", detail),
            Error::PeriodEmpty => Problem::invalid_field("/ends_at", detail),
            Error::TooManyLists(_) => Problem::invalid_field("", detail),
            Error::VariantsUnknown(positions) => {
                let error =
                    |position| FieldError::new(format!("/prices/{position}/variant_id"), "there is no such variant");
                Problem::invalid(positions.into_iter().map(error).collect())
            }
            Error::Database(error) => error.into(),
        }
    }
}
