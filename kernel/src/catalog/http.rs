//! The catalog over HTTP: for shoppers, and for the merchant.

mod categories;
mod list_prices;
mod price_lists;
mod products;
mod shopper;
mod variants;

use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Deserializer};

use super::{Error, MAX_ON_HAND, MAX_SKU, MAX_TITLE, MAX_WEIGHT_GRAMS, is_slug};
use crate::http::extract::Checks;
use crate::money::{Amount, MAX_AMOUNT};
use crate::problem::{FieldError, Kind, Problem};

pub use categories::*;
pub use list_prices::*;
pub use price_lists::*;
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
            Error::CodeTaken(_) => Problem::new(Kind::CodeTaken).detail(detail),
            Error::CategoryCycle => Problem::new(Kind::CategoryCycle),
            Error::CategoryNotEmpty => Problem::new(Kind::CategoryNotEmpty),
            Error::VersionMismatch { .. } => Problem::new(Kind::PreconditionFailed).detail(detail),
            // Each is about one field, which has this name in every request that can cause it.
            Error::CategoryUnknown => Problem::invalid_field("/category_id", detail),
            Error::CategoryTooDeep => Problem::invalid_field("/parent_id", detail),
            Error::TooManyVariants => Problem::invalid_field("/variants", detail),
            Error::BelowReserved { .. } => Problem::invalid_field("/on_hand", detail),
            Error::GroupUnknown => Problem::invalid_field("/group", detail),
            Error::PeriodEmpty => Problem::invalid_field("/ends_at", detail),
            Error::TooManyPriceLists => Problem::invalid_field("", detail),
            Error::VariantsUnknown(positions) => {
                let error =
                    |position| FieldError::new(format!("/prices/{position}/variant_id"), "there is no such variant");
                Problem::invalid(positions.into_iter().map(error).collect())
            }
            Error::Inventory(error) => Problem::internal(error),
            Error::Database(error) => error.into(),
        }
    }
}

/// Tells a field that is null from one that is missing: `Some(None)` and `None`.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// The tag of a version, for `ETag`.
fn version_tag(version: i64) -> HeaderValue {
    HeaderValue::from_str(&format!("\"{version}\"")).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The version that `If-Match` names; none where the header is missing or `*`, which every version matches.
fn expected_version(headers: &HeaderMap) -> Result<Option<i64>, Problem> {
    let Some(value) = headers.get(header::IF_MATCH) else { return Ok(None) };
    let text = value.to_str().unwrap_or_default().trim();
    if text == "*" {
        return Ok(None);
    }
    let version = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
    // A tag that we never gave cannot be the current one.
    let unknown = || Problem::new(Kind::PreconditionFailed).detail("If-Match is not an ETag of this resource");
    version.map(Some).ok_or_else(unknown)
}

fn check_slug(checks: &mut Checks, slug: &str) {
    checks.require(is_slug(slug), "/slug", "must be lower-case ASCII words joined by hyphens, at most 80 characters");
}

/// One variant's fields, under `at`: empty or `/variants/0`.
fn check_variant(checks: &mut Checks, at: &str, title: Option<&str>, price: Option<Amount>, weight_grams: Option<i64>) {
    if let Some(title) = title {
        checks.text(title, 0, MAX_TITLE, &format!("{at}/title"));
    }
    check_amount(checks, &format!("{at}/price"), price);
    if let Some(weight) = weight_grams {
        let detail = format!("must be 0 to {MAX_WEIGHT_GRAMS}");
        checks.require((0..=MAX_WEIGHT_GRAMS).contains(&weight), &format!("{at}/weight_grams"), &detail);
    }
}

fn check_amount(checks: &mut Checks, pointer: &str, amount: Option<Amount>) {
    let detail = format!("must be 0 to {MAX_AMOUNT} minor units");
    checks.require(amount.is_none_or(|amount| (0..=MAX_AMOUNT).contains(&amount)), pointer, &detail);
}

fn check_on_hand(checks: &mut Checks, at: &str, on_hand: i64) {
    let detail = format!("must be 0 to {MAX_ON_HAND}");
    checks.require((0..=MAX_ON_HAND).contains(&on_hand), &format!("{at}/on_hand"), &detail);
}

fn check_sku(checks: &mut Checks, at: &str, sku: &str) {
    checks.text(sku, 1, MAX_SKU, &format!("{at}/sku"));
    checks.require(!sku.contains('\n'), &format!("{at}/sku"), "must be one line");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match_names_one_version_or_any() {
        for (value, expected) in [
            (None, Ok(None)),
            (Some("*"), Ok(None)),
            (Some("\"7\""), Ok(Some(7))),
            (Some("7"), Err(Kind::PreconditionFailed)),
            (Some("W/\"7\""), Err(Kind::PreconditionFailed)),
            (Some("\"x\""), Err(Kind::PreconditionFailed)),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(header::IF_MATCH, HeaderValue::from_static(value));
            }
            assert_eq!(expected_version(&headers).map_err(|problem| problem.kind), expected, "{value:?}");
        }
        assert_eq!(version_tag(7), "\"7\"");
    }
}
