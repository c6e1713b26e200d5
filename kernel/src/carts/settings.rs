//! The settings of carts.

use serde::{Deserialize, Serialize};

use crate::money::{Amount, Currency};

/// `[carts]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CartsConfig {
    /// Days after its last change that an open cart of a guest is forgotten.
    pub guest_expire_days: u32,
    /// The same of a customer's.
    pub customer_expire_days: u32,
    /// Minutes that a price which was shown is held against a rise; 0: not at all. At most 525,600 (a year).
    pub price_hold_minutes: u32,
    /// Hours after its last change that an open cart counts as abandoned; 0: never.
    pub abandoned_after_hours: u32,
    /// How often abandoned carts are looked for, in milliseconds; at least 1,000.
    pub poll_interval_ms: u64,
    /// The storefront's page of a cart, behind `shop.storefront_url`.
    pub cart_path: String,
    /// Lines in a cart.
    pub max_lines: u32,
    /// Pieces in a line; at most 1,000,000.
    pub max_quantity: u32,
    /// Coupon codes in a cart; at most 10.
    pub max_coupons: u32,
    /// Attributes of a cart, and of a line; at most 20.
    pub max_attributes: u32,
    /// Characters of an attribute's value; at most 500.
    pub max_attribute_chars: u32,
    /// Characters of a note; at most 1,000.
    pub max_note_chars: u32,
    /// Gift cards in a cart; at most 10.
    pub max_gift_cards: u32,
    /// What delivery costs while no delivery plugin answers; none means that no order can be placed then.
    pub fallback_delivery: Vec<FallbackRate>,
}

impl Default for CartsConfig {
    fn default() -> Self {
        Self {
            guest_expire_days: 30,
            customer_expire_days: 90,
            price_hold_minutes: 30,
            abandoned_after_hours: 10,
            poll_interval_ms: 60_000,
            cart_path: "/cart".into(),
            max_lines: 200,
            max_quantity: 100_000,
            max_coupons: 10,
            max_attributes: 20,
            max_attribute_chars: 500,
            max_note_chars: 1_000,
            max_gift_cards: 5,
            fallback_delivery: Vec::new(),
        }
    }
}

/// `[[carts.fallback_delivery]]`: a static rate. As JSON it is part of the receipt of an order that it was chosen for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FallbackRate {
    /// 1 to 64 characters of `a-z 0-9 -`.
    pub code: String,
    /// For the shopper.
    pub label: String,
    /// Minor units, 0 or more.
    pub amount: Amount,
    /// It is for carts in this one; the shop's own where none is given.
    #[serde(default)]
    pub currency: Option<Currency>,
    /// ISO 3166-1 alpha-2 codes; none means everywhere.
    #[serde(default)]
    pub countries: Vec<String>,
}
