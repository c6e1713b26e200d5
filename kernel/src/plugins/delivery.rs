//! Delivery: the typed calls and the checks of their answers.

use std::sync::Arc;

pub use super::bindings::delivery::*;
use super::{Bound, CallError, Called, Host};

impl Host {
    pub async fn delivery_quote(
        &self,
        bound: &Arc<Bound>,
        shipment: &Arc<Shipment>,
    ) -> Result<Called<DeliveryQuote>, CallError> {
        let _ = (bound, shipment);
        todo!()
    }

    pub async fn book_delivery(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<BookRequest>,
    ) -> Result<Called<Booking>, CallError> {
        let _ = (bound, request);
        todo!()
    }

    pub async fn track_delivery(
        &self,
        bound: &Arc<Bound>,
        reference: &str,
        now: u64,
    ) -> Result<Called<Vec<TrackingEvent>>, CallError> {
        let _ = (bound, reference, now);
        todo!()
    }

    /// False where it is too late.
    pub async fn cancel_delivery(
        &self,
        bound: &Arc<Bound>,
        reference: &str,
        now: u64,
    ) -> Result<Called<bool>, CallError> {
        let _ = (bound, reference, now);
        todo!()
    }
}
