//! Payment: the typed calls and the checks of their answers.

use std::sync::Arc;

pub use super::bindings::payment::*;
use super::{Bound, CallError, Called, Host};

/// What a provider's message turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Webhook {
    /// It is genuine; news about these payments.
    Events(Vec<Event>),
    /// The signature is missing or wrong: answer 401.
    Unauthentic,
    /// It cannot be understood: answer 400.
    Malformed(String),
}

/// Calls that move money (authorize, capture, cancel, refund, webhook) run to their end even where the caller
/// is dropped: what they did is found by [`Host::query_payment`].
impl Host {
    pub async fn payment_methods(
        &self,
        bound: &Arc<Bound>,
        context: &Arc<Context>,
    ) -> Result<Called<Vec<Method>>, CallError> {
        let _ = (bound, context);
        todo!()
    }

    pub async fn authorize(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<AuthorizeRequest>,
    ) -> Result<Called<Outcome>, CallError> {
        let _ = (bound, request);
        todo!()
    }

    pub async fn capture(&self, bound: &Arc<Bound>, request: &Arc<FollowUp>) -> Result<Called<Outcome>, CallError> {
        let _ = (bound, request);
        todo!()
    }

    pub async fn cancel_payment(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<FollowUp>,
    ) -> Result<Called<Outcome>, CallError> {
        let _ = (bound, request);
        todo!()
    }

    pub async fn refund(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<FollowUp>,
    ) -> Result<Called<RefundOutcome>, CallError> {
        let _ = (bound, request);
        todo!()
    }

    /// Where the payment with this key stands. `asked` is the amount of its authorize.
    pub async fn query_payment(
        &self,
        bound: &Arc<Bound>,
        payment_key: &str,
        asked: i64,
        now: u64,
    ) -> Result<Called<Option<Outcome>>, CallError> {
        let _ = (bound, payment_key, asked, now);
        todo!()
    }

    pub async fn payment_webhook(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<WebhookRequest>,
    ) -> Result<Called<Webhook>, CallError> {
        let _ = (bound, request);
        todo!()
    }
}
