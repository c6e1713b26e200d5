//! Which price applies: one of a price list, or the variant's own.
//!
//! Of the lists that are in force for the shopper and hold the variant, the one with the highest priority counts; among equals,
//! one for the shopper's group before one for everyone; then the one with the lowest amount; then the older. Where there is none,
//! the variant's own price counts, which is in the shop's own currency: in any other currency the variant then has no price.
//! Nothing is converted: a rate would make prices that the merchant has not seen.
//!
//! `store/prices.rs` has the clause that finds it, joined by every statement that shows or charges a price.

use crate::Shop;
use crate::clock::{self, Moment};
use crate::money::{Amount, Currency};

/// In which currency, for whom and when a price is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceContext {
    pub currency: Currency,
    /// The code of the shopper's customer group.
    pub group: Option<String>,
    pub at: Moment,
    /// Whether `currency` is the shop's own, in which variants have prices of their own.
    pub(super) is_own: bool,
}

/// The price that applies to a variant. Minor units of the currency of its context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    pub amount: Amount,
    /// What it cost before; more than `amount`.
    pub compare_at: Option<Amount>,
    /// The code of the price list that it is from; none for the variant's own.
    pub list: Option<String>,
}

impl PriceContext {
    /// As it is now.
    pub fn now(shop: &Shop, currency: Currency, group: Option<String>) -> Self {
        Self::at(shop, currency, group, clock::now())
    }

    pub fn at(shop: &Shop, currency: Currency, group: Option<String>, at: Moment) -> Self {
        Self { currency, group, at, is_own: currency == shop.config().shop.currency }
    }

    /// The shop's own currency and no group: what a guest sees who asked for nothing else.
    pub fn of_guest(shop: &Shop) -> Self {
        Self::now(shop, shop.config().shop.currency, None)
    }
}

impl Price {
    /// A price that was stated as higher before is shown; what is not higher would be no reduction.
    pub(super) fn new(amount: Amount, compare_at: Option<Amount>, list: Option<String>) -> Self {
        Self { amount, compare_at: compare_at.filter(|before| *before > amount), list }
    }
}
