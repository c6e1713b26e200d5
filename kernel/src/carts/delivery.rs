//! The ways to deliver a cart: every delivery plugin is asked, and the static rates of the settings stand in for one that fails.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::quote::{Asked, Call, shops_words, warn, weight_of};
use super::{Contents, FallbackRate};
use crate::Shop;
use crate::money::Amount;
use crate::plugins::trial::Served;
use crate::plugins::{CallError, Called, DeliveryFallback, OptionId, Report, delivery, registry};

/// A way to deliver, as a plugin or the settings offer it.
#[derive(Debug, Clone)]
pub struct DeliveryOption {
    pub id: OptionId,
    pub label: String,
    pub amount: Amount,
    pub days: Option<(u16, u16)>,
    pub pickup: bool,
    /// What else the plugin says of it: where to collect the goods, say.
    pub attributes: BTreeMap<String, String>,
}

impl DeliveryOption {
    /// As `plugin` offers it.
    pub fn of(plugin: &str, offered: delivery::DeliveryOption) -> Self {
        Self {
            id: OptionId { plugin: plugin.to_owned(), code: offered.code },
            label: offered.label,
            amount: offered.amount,
            days: offered.days,
            pickup: offered.pickup,
            attributes: offered.attributes.into_iter().collect(),
        }
    }
}

/// What can be chosen, and why other ways cannot.
#[derive(Debug, Clone, Default)]
pub struct Offered {
    pub options: Vec<DeliveryOption>,
    pub refusals: Vec<DeliveryRefusal>,
    /// Who was asked what, and answered.
    pub calls: Vec<Call<delivery::Shipment, delivery::DeliveryQuote>>,
    pub failed: Vec<Failed>,
}

/// A delivery plugin that was asked and has no answer.
#[derive(Debug, Clone)]
pub struct Failed {
    pub by: Asked,
    pub error: CallError,
    /// How many had answered before.
    pub after: usize,
}

/// Why a way to deliver is not offered. For staff: it may tell more than a shopper should read.
#[derive(Debug, Clone)]
pub struct DeliveryRefusal {
    /// None: the shop itself says it.
    pub plugin: Option<String>,
    pub code: String,
    pub reason: String,
}

/// The name under which static rates of the settings stand; no plugin can have it.
pub const FALLBACK: &str = registry::RESERVED_NAME;

/// Asks every delivery plugin; nobody where there is no address. `now` is the moment of the price.
pub(super) async fn options(shop: &Shop, served: &Served, contents: &Contents, goods: Amount, now: u64) -> Offered {
    let Some(shipment) = shipment(shop, contents, goods, now) else { return Offered::default() };
    let shipment = Arc::new(shipment);
    let mut offered = Offered::default();
    let (route, quotes) = shop.plugins().host().quotes_served(served, &shipment).await;
    for (bound, quote) in quotes {
        let by = Asked::Plugin { bound: bound.clone(), generation: route.generation };
        match quote {
            Ok(Called { value, report }) => {
                offered.take(Call { by, request: shipment.clone(), answer: value, report });
            }
            Err(error) => {
                warn(&bound, &error);
                let plugin = Some(bound.name().to_owned());
                let (code, reason) = (error.code().to_owned(), "the plugin failed".to_owned());
                offered.refusals.push(DeliveryRefusal { plugin, code, reason });
                offered.failed.push(Failed { by, error, after: offered.calls.len() });
            }
        }
    }
    if !offered.failed.is_empty() && shop.config().plugins.fallback.delivery != DeliveryFallback::FailClosed {
        let rates = &shop.config().carts.fallback_delivery;
        let answer = fallback(rates, &shipment);
        let by = Asked::Fallback { rates: serde_json::to_string(rates).unwrap_or_default() };
        offered.take(Call { by, request: shipment, answer, report: Report::default() });
    }
    offered
}

fn shipment(shop: &Shop, contents: &Contents, goods_total: Amount, now: u64) -> Option<delivery::Shipment> {
    let item = |line: &super::Line| delivery::Item {
        sku: line.variant.sku.clone(),
        quantity: line.quantity,
        weight_grams: weight_of(line),
    };
    Some(delivery::Shipment {
        currency: contents.cart.currency.code().to_owned(),
        now,
        locale: contents.cart.locale.clone(),
        destination: contents.cart.address.as_ref()?.destination(),
        items: contents.lines.iter().map(item).collect(),
        goods_total,
        attributes: shops_words(shop, contents.cart.currency),
    })
}

/// What the static rates offer. Pure, as a plugin is, so that an order's receipt of it can be derived again.
pub fn fallback(rates: &[FallbackRate], shipment: &delivery::Shipment) -> delivery::DeliveryQuote {
    // Amounts without a currency are in the shop's own; a shipment names that where it is in another.
    let own = shipment.attributes.iter().find(|(name, _)| name == SHOP_CURRENCY);
    let own = own.map_or(shipment.currency.as_str(), |(_, currency)| currency.as_str());
    let country = &shipment.destination.country;
    let fits = |rate: &&FallbackRate| {
        rate.currency.map_or(own, |currency| currency.code()) == shipment.currency
            && (rate.countries.is_empty() || rate.countries.iter().any(|code| code == country))
    };
    let option = |rate: &FallbackRate| delivery::DeliveryOption {
        code: rate.code.clone(),
        label: rate.label.clone(),
        currency: shipment.currency.clone(),
        amount: rate.amount,
        days: None,
        pickup: false,
        attributes: Vec::new(),
    };
    delivery::DeliveryQuote { options: rates.iter().filter(fits).map(option).collect(), refusals: Vec::new() }
}

/// The attribute of a shipment, and of a cart, that names the shop's own currency where it is in another.
pub(super) const SHOP_CURRENCY: &str = "shop-currency";

impl Offered {
    fn take(&mut self, call: Call<delivery::Shipment, delivery::DeliveryQuote>) {
        let (plugin, quote) = (call.by.name(), call.answer.clone());
        self.options.extend(quote.options.into_iter().map(|option| DeliveryOption::of(plugin, option)));
        let refusals = quote.refusals.into_iter();
        self.refusals.extend(refusals.map(|refusal| DeliveryRefusal {
            plugin: Some(plugin.to_owned()),
            code: refusal.code,
            reason: refusal.reason,
        }));
        self.calls.push(call);
    }
}
