//! Notification: the typed call and the checks of its answer.

use std::sync::Arc;

pub use super::bindings::notification::*;
use super::{Bound, CallError, Called, Host};

/// One question to a notification plugin.
#[derive(Clone, Debug, PartialEq)]
pub struct Compose {
    pub event: Event,
    pub recipient: Recipient,
    /// BCP 47.
    pub locale: String,
    pub shop: Shop,
}

impl Host {
    pub async fn compose(&self, bound: &Arc<Bound>, request: &Arc<Compose>) -> Result<Called<Vec<Message>>, CallError> {
        let _ = (bound, request);
        todo!()
    }
}
