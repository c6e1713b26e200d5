//! The catalog over HTTP: for shoppers, and for the merchant.

mod categories;
mod listing;
mod products;
mod shopper;
mod variants;

use super::{Error, MAX_ON_HAND, MAX_SKU, MAX_TITLE, MAX_WEIGHT_GRAMS, is_slug};
use crate::http::extract::{Checks, present};
use crate::http::versions::{expected_version, version_tag};
use crate::money::{Amount, MAX_AMOUNT};
use crate::problem::{Kind, Problem};

pub use categories::*;
pub use listing::*;
pub use products::*;
pub use shopper::*;
pub use variants::*;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound => Problem::not_found(),
            Error::SkuTaken(_) => Problem::new(Kind::SkuTaken).detail(detail),
            Error::SlugTaken(_) => Problem::new(Kind::SlugTaken).detail(detail),
            Error::CategoryCycle => Problem::new(Kind::CategoryCycle),
            Error::CategoryNotEmpty => Problem::new(Kind::CategoryNotEmpty),
            Error::VersionMismatch { .. } => Problem::new(Kind::PreconditionFailed).detail(detail),
            // Each is about one field, which has this name in every request that can cause it.
            Error::CategoryUnknown => Problem::invalid_field("/category_id", detail),
            Error::CategoryTooDeep => Problem::invalid_field("/parent_id", detail),
            Error::TooManyVariants => Problem::invalid_field("/variants", detail),
            Error::BelowReserved { .. } => Problem::invalid_field("/on_hand", detail),
            Error::Inventory(error) => error.into(),
            Error::Database(error) => error.into(),
        }
    }
}

fn check_slug(checks: &mut Checks, slug: &str) {
    checks.require(is_slug(slug), "/slug", "must be lower-case ASCII words joined by hyphens, at most 80 characters");
}

/// One variant's fields, under `at`: empty or `/variants/0`.
fn check_variant(checks: &mut Checks, at: &str, title: Option<&str>, price: Option<Amount>, weight_grams: Option<i64>) {
    if let Some(title) = title {
        checks.text(title, 0, MAX_TITLE, &format!("{at}/title"));
    }
    if let Some(price) = price {
        let detail = format!("must be 0 to {MAX_AMOUNT} minor units");
        checks.require((0..=MAX_AMOUNT).contains(&price), &format!("{at}/price"), &detail);
    }
    if let Some(weight) = weight_grams {
        let detail = format!("must be 0 to {MAX_WEIGHT_GRAMS}");
        checks.require((0..=MAX_WEIGHT_GRAMS).contains(&weight), &format!("{at}/weight_grams"), &detail);
    }
}

fn check_on_hand(checks: &mut Checks, at: &str, on_hand: i64) {
    let detail = format!("must be 0 to {MAX_ON_HAND}");
    checks.require((0..=MAX_ON_HAND).contains(&on_hand), &format!("{at}/on_hand"), &detail);
}

fn check_sku(checks: &mut Checks, at: &str, sku: &str) {
    checks.text(sku, 1, MAX_SKU, &format!("{at}/sku"));
    checks.require(!sku.contains('\n'), &format!("{at}/sku"), "must be one line");
}
