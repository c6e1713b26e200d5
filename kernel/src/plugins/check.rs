//! What activation asks a plugin: the empty request of its domain, which makes it read its settings.

use std::sync::Arc;

use super::call::tell;
use super::{Bound, CallError, Called, Domain, Host, delivery, notification, payment, pricing, types};

/// The shop as a probe tells it: what every call has, whatever its domain.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// ISO 4217.
    pub currency: String,
    pub exponent: u8,
    /// BCP 47.
    pub locale: String,
    /// Seconds since 1970.
    pub now: u64,
    pub shop: notification::Shop,
}

impl Default for Probe {
    fn default() -> Self {
        let shop = notification::Shop {
            name: "Shop".into(),
            url: "https://shop.example".into(),
            email: "shop@shop.example".into(),
        };
        Self { currency: "EUR".into(), exponent: 2, locale: "en".into(), now: 0, shop }
    }
}

impl Host {
    /// Asks a plugin what the contract lets activation ask: it has no side effects, and an answer means that the
    /// component runs with these settings. `Fault::Plugin(invalid-settings)` carries the text for the merchant.
    pub async fn check(&self, bound: &Arc<Bound>, probe: &Probe) -> Result<Called<()>, CallError> {
        let checked = match bound.domain() {
            Domain::Pricing => self.price(bound, &Arc::new(cart(probe))).await.map(|called| called.report),
            Domain::Payment => self.payment_methods(bound, &Arc::new(context(probe))).await.map(|called| called.report),
            Domain::Delivery => {
                self.delivery_quote(bound, &Arc::new(shipment(probe))).await.map(|called| called.report)
            }
            Domain::Notification => self.compose(bound, &Arc::new(event(probe))).await.map(|called| called.report),
        };
        // A plugin that panics at its check says why in its log only. Of one that is in force, the call has told it.
        if bound.counted().is_none() {
            tell(bound, checked.as_ref().unwrap_or_else(|error| &error.report));
        }
        checked.map(|report| Called { value: (), report })
    }
}

pub(super) fn cart(probe: &Probe) -> pricing::Request {
    pricing::Request {
        currency: probe.currency.clone(),
        exponent: probe.exponent,
        now: probe.now,
        locale: probe.locale.clone(),
        customer: None,
        destination: None,
        delivery: None,
        coupons: Vec::new(),
        lines: Vec::new(),
        so_far: Vec::new(),
        attributes: Vec::new(),
    }
}

pub(super) fn context(probe: &Probe) -> payment::Context {
    payment::Context {
        currency: probe.currency.clone(),
        amount: 0,
        country: None,
        locale: probe.locale.clone(),
        now: probe.now,
    }
}

pub(super) fn shipment(probe: &Probe) -> delivery::Shipment {
    delivery::Shipment {
        currency: probe.currency.clone(),
        now: probe.now,
        locale: probe.locale.clone(),
        destination: types::Destination { country: "DE".into(), region: String::new(), postcode: String::new() },
        items: Vec::new(),
        goods_total: 0,
        attributes: Vec::new(),
    }
}

pub(super) fn event(probe: &Probe) -> notification::Compose {
    notification::Compose {
        event: notification::Event { id: "probe".into(), kind: "probe".into(), at: probe.now, data: "{}".into() },
        recipient: notification::Recipient {
            name: String::new(),
            email: "probe@shop.example".into(),
            attributes: Vec::new(),
        },
        locale: probe.locale.clone(),
        shop: probe.shop.clone(),
    }
}
