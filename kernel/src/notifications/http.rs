//! The HTTP side of notifications.

mod devices;
mod inbox;
mod messages;
mod preview;

pub use devices::*;
pub use inbox::*;
pub use messages::*;
pub use preview::*;

use std::collections::BTreeMap;

use super::live::Full;
use super::log::ResendError;
use crate::problem::{Kind, Problem};

impl From<ResendError> for Problem {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::NotFound => Problem::not_found(),
            ResendError::NotResendable => Problem::new(Kind::MessageNotResendable),
            ResendError::Database(error) => error.into(),
        }
    }
}

impl From<Full> for Problem {
    fn from(full: Full) -> Self {
        let kind = match full {
            Full::Person | Full::Address => Kind::TooManyRequests,
            Full::Shop => Kind::Unavailable,
        };
        Problem::new(kind).detail(full.to_string()).retry_after(10)
    }
}

/// What a plugin gave beside the text. Of a name that stands twice, the last counts.
fn attributes(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    pairs.into_iter().collect()
}
