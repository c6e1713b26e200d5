//! Pricing: the typed call, the checks of the answer, and the only arithmetic of totals.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use super::bindings::pricing::*;
use super::{Bound, CallError, Called, Host};

/// What a cart comes to, in minor units. Computed by the kernel from the request and the adjustments, never taken
/// from a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Price times quantity over all lines, before any adjustment.
    pub goods: i64,
    /// Discounts of all kinds, delivery's too; 0 or less.
    pub discounts: i64,
    /// Taxes on top; 0 or more.
    pub taxes_added: i64,
    /// Taxes that the prices contain; 0 or more; not part of the sum.
    pub taxes_included: i64,
    /// 0 or more.
    pub fees: i64,
    /// Price of the chosen delivery before any adjustment; 0 where none is chosen.
    pub delivery: i64,
    /// goods + discounts + taxes_added + fees + delivery; 0 or more.
    pub total: i64,
}

impl Totals {
    /// Adds up a request and all the adjustments to it (`so_far` of the request is not looked at). The text of the error
    /// names the rule that is broken.
    pub fn of(request: &Request, adjustments: &[Adjustment]) -> Result<Self, String> {
        let _ = (request, adjustments);
        todo!()
    }
}

impl Host {
    /// Prices a cart with one plugin of the chain. The answer passed every rule of the contract, on top of `so_far`.
    pub async fn price(&self, bound: &Arc<Bound>, request: &Arc<Request>) -> Result<Called<Quote>, CallError> {
        let _ = (bound, request);
        todo!()
    }
}
