//! The catalog over HTTP: for shoppers, and for the merchant.

mod all_products;
mod attribute_filters;
mod bulk;
mod categories;
mod collections;
mod detail;
mod facets;
mod listing;
mod products;
mod related;
mod shelves;
mod shopper;
mod translations;
mod tree;
mod types;
mod values;
mod variants;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, Uri, header};

use super::{Error, MAX_ON_HAND, MAX_SKU, MAX_TITLE, MAX_WEIGHT_GRAMS, is_code, is_slug};
use crate::http::extract::{Checks, present};
use crate::http::versions::{expected_version, version_tag};
use crate::money::{Amount, MAX_AMOUNT};
use crate::problem::{FieldError, Kind, Problem};

pub use all_products::*;
pub use bulk::*;
pub use categories::*;
pub use collections::*;
pub use detail::*;
pub use listing::*;
pub use products::*;
pub use related::*;
pub use shelves::*;
pub use shopper::*;
pub use translations::*;
pub use tree::*;
pub use types::*;
pub use values::*;
pub use variants::*;

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let detail = error.to_string();
        match error {
            Error::NotFound | Error::LocaleUnknown => Problem::not_found(),
            Error::CollectionByRule => Problem::new(Kind::CollectionByRule),
            Error::SkuTaken(_) => Problem::new(Kind::SkuTaken).detail(detail),
            Error::SlugTaken(_) => Problem::new(Kind::SlugTaken).detail(detail),
            Error::CodeTaken(_) => Problem::new(Kind::CodeTaken).detail(detail),
            Error::Invalid(flaws) => {
                Problem::invalid(flaws.into_iter().map(|flaw| FieldError::new(flaw.pointer, flaw.detail)).collect())
            }
            Error::ProductTypeInUse => Problem::new(Kind::ProductTypeInUse),
            Error::AttributeInUse { attribute, choice } => {
                Problem::new(Kind::AttributeInUse).with("attribute", attribute).with("choice", choice)
            }
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

/// What was asked for is at another address now. Clients may keep that as long as any answer of the catalog: not
/// without asking again, since something else may take the old slug.
fn moved(path: &str, asked: &Uri) -> Result<Response, Problem> {
    let location = match asked.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let location = HeaderValue::from_str(&location).map_err(Problem::internal)?;
    let headers = [(header::LOCATION, location), (header::CACHE_CONTROL, HeaderValue::from_static("public, no-cache"))];
    Ok((StatusCode::MOVED_PERMANENTLY, headers).into_response())
}

fn check_slug(checks: &mut Checks, slug: &str) {
    checks.require(is_slug(slug), "/slug", "must be lower-case ASCII words joined by hyphens, at most 80 characters");
}

const CODE_RULE: &str = "must be 1 to 40 lower-case ASCII letters and digits, joined by hyphens or underscores";

fn check_code(checks: &mut Checks, at: &str, code: &str) {
    checks.require(is_code(code), at, CODE_RULE);
}

/// That no two are the same; each index that repeats one before it is named.
fn check_distinct<'a>(checks: &mut Checks, codes: impl Iterator<Item = &'a str>, at: impl Fn(usize) -> String) {
    let mut seen = std::collections::HashSet::new();
    for (index, code) in codes.enumerate() {
        checks.require(seen.insert(code), &at(index), "stands here twice");
    }
}

/// One variant's fields, under `at`: empty or `/variants/0`.
fn check_variant(checks: &mut Checks, at: &str, title: Option<&str>, price: Option<Amount>, weight_grams: Option<i64>) {
    if let Some(title) = title {
        checks.line(title, 0, MAX_TITLE, &format!("{at}/title"));
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
    checks.line(sku, 1, MAX_SKU, &format!("{at}/sku"));
}
