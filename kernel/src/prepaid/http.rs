//! Gift cards and store credit over HTTP.

mod credit;
mod gift_cards;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Entry, Error};
use crate::clock::Moment;
use crate::http::extract::Checks;
use crate::money::{Amount, MAX_AMOUNT};
use crate::problem::{Kind, Problem};

pub use credit::*;
pub use gift_cards::*;

const REASON_CHARACTERS: usize = 500;

/// A change of a balance.
#[derive(Debug, Serialize, ToSchema)]
pub struct PrepaidEntryOut {
    id: Uuid,
    /// `issued`, `adjusted` (by staff), `redeemed` (paid an order), `returned` (what it paid came back), or `refunded` (what an
    /// order was paid with otherwise came back as store credit).
    #[schema(example = "redeemed")]
    cause: String,
    /// Above 0, there is so much more.
    #[schema(example = -1740)]
    amount: Amount,
    #[schema(example = 1042)]
    order_number: Option<i64>,
    reason: String,
    /// Who did it; empty where the shop did by itself.
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    posted_at: Moment,
}

impl From<Entry> for PrepaidEntryOut {
    fn from(entry: Entry) -> Self {
        let Entry { id, cause, amount, order_number, reason, actor, posted_at } = entry;
        Self { id, cause, amount, order_number, reason, actor, posted_at }
    }
}

/// What staff changes a balance by.
fn check_change(amount: Amount, reason: &str) -> Result<(), Problem> {
    let mut checks = Checks::default();
    let in_range = (-MAX_AMOUNT..=MAX_AMOUNT).contains(&amount) && amount != 0;
    checks.require(in_range, "/amount", "must be -(2^53 - 1) to 2^53 - 1, and not 0");
    checks.text(reason, 1, REASON_CHARACTERS, "/reason");
    checks.done()
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::CodeTaken => Problem::new(Kind::GiftCardCodeTaken),
            Error::Exceeded { available } => Problem::new(Kind::AmountExceeded).with("available", available),
            Error::TooMuch => Problem::invalid_field("/amount", detail),
            Error::VersionMismatch { .. } => Problem::new(Kind::PreconditionFailed).detail(detail),
            Error::OutOfRange(_) => Problem::internal(error),
            Error::Ledger(error) => error.into(),
            Error::Account(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}
