//! Write plugins for Kassa in Rust.
//!
//! A plugin decides one thing of a shop: what a cart costs ([`pricing`]), how an order is paid ([`payment`]), how it is
//! delivered ([`delivery`]), or whom to tell what ([`notification`]). It is a type that implements the trait of that
//! domain; the type's fields are its settings, which the SDK reads from the merchant's JSON. This is a whole plugin,
//! "10 % off above 100", with its test:
//!
//! ```
//! use kassa_sdk::pricing::{Adjustment, Error, Pricing, Quote, Request, Target};
//! use kassa_sdk::{Money, Rate, testing};
//!
//! #[derive(serde::Deserialize)]
//! #[serde(default, deny_unknown_fields)]
//! struct OffAbove {
//!     /// In minor units of the shop's currency.
//!     above: Money,
//!     off_bp: Rate,
//! }
//!
//! impl Default for OffAbove {
//!     fn default() -> Self {
//!         OffAbove { above: Money::from(10_000), off_bp: Rate::percent(10) }
//!     }
//! }
//!
//! impl Pricing for OffAbove {
//!     fn price(&self, request: &Request) -> Result<Quote, Error> {
//!         if self.off_bp > Rate::percent(100) {
//!             return Err(Error::InvalidSettings("off_bp: must be at most 10000".to_owned()));
//!         }
//!         let goods = request.goods_total()?;
//!         let mut quote = Quote::empty(request);
//!         if goods > self.above {
//!             // What plugins before this one took off is not there to be taken off again.
//!             let off = goods.percent(self.off_bp)?.min(request.goods_so_far()?);
//!             let label = format!("{} % off", self.off_bp);
//!             quote.adjustments.push(Adjustment::discount(Target::Order, "off-above", label, off));
//!         }
//!         Ok(quote)
//!     }
//! }
//! kassa_sdk::export!(pricing: OffAbove);
//!
//! let rule: OffAbove = testing::settings("{}").unwrap();
//! for (price, total) in [(10_000, 10_000), (10_001, 90_01), (25_000, 22_500)] {
//!     let request = testing::cart().line("chair", 1, price).request();
//!     assert_eq!(testing::total(&request, &rule.price(&request).unwrap()), Money::from(total));
//! }
//! ```
//!
//! `kassa plugin build` makes the component. docs/plugins.md is the author's guide.
//!
//! # What holds for every plugin
//!
//! - Amounts are whole minor units within ±(2^53 - 1): [`Money`]. Percentages are basis points: [`Rate`].
//! - An instance lives for one call. What must outlive it goes to [`kv`], where the domain is granted it.
//! - There is no clock and no randomness beyond what the request gives, and no network but [`http`], to hosts that the shop granted.
//! - A panic ends the call, and its message is in the plugin's [`log`]; the shop goes on.

#[doc(hidden)]
pub mod bindings;
#[doc(hidden)]
pub mod entry;

#[cfg(any(all(target_family = "wasm", feature = "arena"), test))]
mod arena;
mod configurable;
pub mod delivery;
pub mod http;
pub mod kv;
#[cfg(all(target_family = "wasm", feature = "lean"))]
mod lean;
mod locale;
pub mod log;
mod money;
pub mod notification;
pub mod payment;
pub mod pricing;
mod settings;
pub mod testing;

pub use bindings::host::kassa::types::types::Error;
pub use configurable::{Configurable, Mistake};
pub use locale::is_language;
pub use money::{Money, OutOfRange, Rate};

/// Values that the domains share.
pub mod types {
    pub use crate::bindings::host::kassa::types::types::{Address, Destination, Error};
}

/// Makes the crate a plugin: `kassa_sdk::export!(pricing: MyRule);`, and likewise `payment`, `delivery` and
/// `notification`. `kassa_sdk::export!(pricing: MyRule, configurable);` exports [`Configurable`], too. Once in a crate, at its root. Elsewhere than on WebAssembly it only checks that the trait is
/// implemented, so that a plugin's crate can be linked into a native test.
#[macro_export]
macro_rules! export {
    (pricing: $plugin:ty) => {
        $crate::__export_pricing!($plugin);
    };
    (payment: $plugin:ty) => {
        $crate::__export_payment!($plugin);
    };
    (delivery: $plugin:ty) => {
        $crate::__export_delivery!($plugin);
    };
    (notification: $plugin:ty) => {
        $crate::__export_notification!($plugin);
    };
    ($domain:ident: $plugin:ty, configurable) => {
        $crate::export!($domain: $plugin);
        $crate::__export_configurable!($plugin);
    };
}
