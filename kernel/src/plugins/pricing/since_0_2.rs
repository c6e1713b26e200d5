//! `kassa:pricing` 0.2.0, the latest: taxes are lines of their own.
//!
//! A request is lowered from where it lies: what is borrowed here is not copied, however many lines a cart has. Only what plugins
//! before have added is put together anew, by reference.

use serde::Serialize;
use wasmtime::component::{ComponentType, Lower};

pub(super) use crate::plugins::bindings::pricing_world::exports::kassa::pricing::pricing::{Quote, TaxLine};

use super::{CouponOutcome, Customer, Delivery, Line, Target};
use crate::plugins::bindings::pricing_world::exports::kassa::pricing::pricing::{Adjustment, Kind};
use crate::plugins::types::Destination;

pub(super) const INTERFACE: &str = "kassa:pricing/pricing@0.2.0";

/// `request`.
#[derive(ComponentType, Lower, Serialize)]
#[component(record)]
pub(super) struct Request<'a> {
    currency: &'a str,
    exponent: u8,
    now: u64,
    locale: &'a str,
    customer: Option<&'a Customer>,
    destination: Option<&'a Destination>,
    delivery: Option<&'a Delivery>,
    coupons: &'a [String],
    lines: &'a [Line],
    #[component(name = "so-far")]
    so_far: Vec<Added<'a>>,
    #[component(name = "taxes-so-far")]
    taxes_so_far: Vec<Taxed<'a>>,
    attributes: &'a [(String, String)],
}

/// `adjustment`.
#[derive(ComponentType, Lower, Serialize)]
#[component(record)]
pub(super) struct Added<'a> {
    target: Target,
    kind: Kind,
    code: &'a str,
    label: &'a str,
    amount: i64,
}

/// `tax-line`.
#[derive(ComponentType, Lower, Serialize)]
#[component(record)]
pub(super) struct Taxed<'a> {
    target: Target,
    code: &'a str,
    label: &'a str,
    #[component(name = "rate-ppm")]
    rate_ppm: Option<u32>,
    base: Option<i64>,
    amount: i64,
    included: bool,
}

/// `quote`, to be written down.
#[derive(Serialize)]
pub(super) struct Quoted<'a> {
    currency: &'a str,
    adjustments: Vec<Added<'a>>,
    taxes: Vec<Taxed<'a>>,
    coupons: &'a [CouponOutcome],
    messages: &'a [String],
}

impl<'a> From<&'a super::Request> for Request<'a> {
    fn from(request: &'a super::Request) -> Self {
        let (so_far, taxes_so_far) = apart(&request.so_far);
        Self {
            currency: &request.currency,
            exponent: request.exponent,
            now: request.now,
            locale: &request.locale,
            customer: request.customer.as_ref(),
            destination: request.destination.as_ref(),
            delivery: request.delivery.as_ref(),
            coupons: &request.coupons,
            lines: &request.lines,
            so_far,
            taxes_so_far,
            attributes: &request.attributes,
        }
    }
}

impl<'a> From<&'a super::Quote> for Quoted<'a> {
    fn from(quote: &'a super::Quote) -> Self {
        let (adjustments, taxes) = apart(&quote.adjustments);
        Self { currency: &quote.currency, adjustments, taxes, coupons: &quote.coupons, messages: &quote.messages }
    }
}

/// Adjustments and taxes, each in its order.
fn apart(all: &[super::Adjustment]) -> (Vec<Added<'_>>, Vec<Taxed<'_>>) {
    let (mut adjustments, mut taxes) = (Vec::new(), Vec::new());
    for super::Adjustment { target, kind, code, label, amount, rate_ppm, base } in all {
        let (target, amount) = (*target, *amount);
        let mut tax = |included| {
            taxes.push(Taxed { target, code, label, rate_ppm: *rate_ppm, base: *base, amount, included });
        };
        match kind {
            super::Kind::Tax => tax(false),
            super::Kind::TaxIncluded => tax(true),
            super::Kind::Discount => adjustments.push(Added { target, kind: Kind::Discount, code, label, amount }),
            super::Kind::Fee => adjustments.push(Added { target, kind: Kind::Fee, code, label, amount }),
        }
    }
    (adjustments, taxes)
}

impl From<Quote> for super::Quote {
    fn from(quote: Quote) -> Self {
        let Quote { currency, adjustments, taxes, coupons, messages } = quote;
        let adjustments = adjustments.into_iter().map(Into::into).chain(taxes.into_iter().map(Into::into)).collect();
        Self { currency, adjustments, coupons, messages }
    }
}

impl From<Adjustment> for super::Adjustment {
    fn from(Adjustment { target, kind, code, label, amount }: Adjustment) -> Self {
        let kind = match kind {
            Kind::Discount => super::Kind::Discount,
            Kind::Fee => super::Kind::Fee,
        };
        Self { target, kind, code, label, amount, rate_ppm: None, base: None }
    }
}

impl From<TaxLine> for super::Adjustment {
    fn from(TaxLine { target, code, label, rate_ppm, base, amount, included }: TaxLine) -> Self {
        let kind = if included { super::Kind::TaxIncluded } else { super::Kind::Tax };
        Self { target, kind, code, label, amount, rate_ppm, base }
    }
}
