//! `kassa:pricing` 0.1.0, for the plugins that were built for it: a tax is an adjustment, and says nothing of its rate or its base.
//!
//! Records that 0.2.0 left as they were are its own, because wasmtime compares them by their fields; the others are here. What a plugin of
//! 0.1.0 answers keeps its order, which is part of what orders recorded. Of the taxes that plugins of 0.2.0 added before it hears no
//! more than it can: no rate and no base.

use serde::Serialize;
use wasmtime::component::{ComponentType, Lift, Lower};

use super::{CouponOutcome, Customer, Delivery, Line, Target};
use crate::plugins::types::Destination;

pub(super) const INTERFACE: &str = "kassa:pricing/pricing@0.1.0";

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
    attributes: &'a [(String, String)],
}

/// `adjustment`, said to a plugin or written down.
#[derive(ComponentType, Lower, Serialize)]
#[component(record)]
pub(super) struct Added<'a> {
    target: Target,
    kind: Kind,
    code: &'a str,
    label: &'a str,
    amount: i64,
}

/// `adjustment`, as a plugin answers it.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Adjustment {
    target: Target,
    kind: Kind,
    code: String,
    label: String,
    amount: i64,
}

#[derive(Clone, Copy, ComponentType, Lift, Lower, Serialize)]
#[component(enum)]
#[repr(u8)]
pub(super) enum Kind {
    #[component(name = "discount")]
    Discount,
    #[component(name = "tax")]
    Tax,
    #[component(name = "tax-included")]
    TaxIncluded,
    #[component(name = "fee")]
    Fee,
}

/// `quote`, as a plugin answers it.
#[derive(ComponentType, Lift)]
#[component(record)]
pub(super) struct Quote {
    currency: String,
    adjustments: Vec<Adjustment>,
    coupons: Vec<CouponOutcome>,
    messages: Vec<String>,
}

/// `quote`, to be written down.
#[derive(Serialize)]
pub(super) struct Quoted<'a> {
    currency: &'a str,
    adjustments: Vec<Added<'a>>,
    coupons: &'a [CouponOutcome],
    messages: &'a [String],
}

impl<'a> From<&'a super::Request> for Request<'a> {
    fn from(request: &'a super::Request) -> Self {
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
            so_far: request.so_far.iter().map(Added::from).collect(),
            attributes: &request.attributes,
        }
    }
}

impl<'a> From<&'a super::Quote> for Quoted<'a> {
    fn from(quote: &'a super::Quote) -> Self {
        Self {
            currency: &quote.currency,
            adjustments: quote.adjustments.iter().map(Added::from).collect(),
            coupons: &quote.coupons,
            messages: &quote.messages,
        }
    }
}

impl<'a> From<&'a super::Adjustment> for Added<'a> {
    fn from(super::Adjustment { target, kind, code, label, amount, .. }: &'a super::Adjustment) -> Self {
        let kind = match kind {
            super::Kind::Discount => Kind::Discount,
            super::Kind::Tax => Kind::Tax,
            super::Kind::TaxIncluded => Kind::TaxIncluded,
            super::Kind::Fee => Kind::Fee,
        };
        Self { target: *target, kind, code, label, amount: *amount }
    }
}

impl From<Quote> for super::Quote {
    fn from(quote: Quote) -> Self {
        let Quote { currency, adjustments, coupons, messages } = quote;
        Self { currency, adjustments: adjustments.into_iter().map(Into::into).collect(), coupons, messages }
    }
}

impl From<Adjustment> for super::Adjustment {
    fn from(Adjustment { target, kind, code, label, amount }: Adjustment) -> Self {
        let kind = match kind {
            Kind::Discount => super::Kind::Discount,
            Kind::Tax => super::Kind::Tax,
            Kind::TaxIncluded => super::Kind::TaxIncluded,
            Kind::Fee => super::Kind::Fee,
        };
        Self { target, kind, code, label, amount, rate_ppm: None, base: None }
    }
}
