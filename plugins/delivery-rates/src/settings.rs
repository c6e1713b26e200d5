//! The settings, as the merchant writes them; `settings.schema.json` describes them for a form.

use std::collections::BTreeMap;

use kassa_sdk::Money;
use kassa_sdk::delivery::Shipment;
use serde::Deserialize;

use crate::simulation::Simulation;

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeliveryRates {
    /// ISO 4217: of the zones that name no other. The shop's own where none is given.
    pub currency: Option<String>,
    /// The first that fits the destination counts, so the special ones come before the general ones.
    pub zones: Vec<Zone>,
    /// Parcels are booked at a carrier that is not there; without it, the merchant ships by hand.
    pub simulation: Option<Simulation>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// For the merchant: `Germany`.
    pub name: String,
    /// ISO 3166-1 alpha-2, upper case; `*` is every country.
    pub countries: Vec<String>,
    /// Of its prices: it is for carts in this one.
    #[serde(default)]
    pub currency: Option<String>,
    /// Prefixes (`10`) and ranges (`20000-29999`); all postcodes where there are none.
    #[serde(default)]
    pub postcodes: Vec<String>,
    pub options: Vec<OptionRate>,
}

/// One way to deliver. Its price is `price`, plus that of the weight band, plus that of the value band.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptionRate {
    pub code: String,
    pub label: String,
    /// The label in other languages: `{"ru": "Курьер"}`.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub price: Money,
    /// The first that the weight is within counts; heavier parcels are refused.
    #[serde(default)]
    pub weight_bands: Vec<WeightBand>,
    /// The one with the highest `from` that the goods reach counts.
    #[serde(default)]
    pub value_bands: Vec<ValueBand>,
    /// Goods of this value or more are delivered free.
    #[serde(default)]
    pub free_from: Option<Money>,
    #[serde(default)]
    pub max_weight_grams: Option<u64>,
    /// Fewest and most days.
    #[serde(default)]
    pub days: Option<(u16, u16)>,
    /// Where the shopper collects the goods.
    #[serde(default)]
    pub pickup: Option<PickupPoint>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightBand {
    pub up_to_grams: u64,
    pub price: Money,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueBand {
    pub from: Money,
    pub price: Money,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PickupPoint {
    pub address: String,
    #[serde(default)]
    pub hours: String,
}

impl Zone {
    pub fn holds(&self, shipment: &Shipment) -> bool {
        let destination = &shipment.destination;
        let postcode = compact(&destination.postcode);
        self.countries.iter().any(|country| country == "*" || *country == destination.country)
            && (self.postcodes.is_empty() || self.postcodes.iter().any(|pattern| is_in_pattern(&postcode, pattern)))
    }
}

/// `sw1a 1aa` and `SW1A-1AA` are the same postcode.
pub fn compact(postcode: &str) -> String {
    postcode.chars().filter(|c| c.is_alphanumeric()).map(|c| c.to_ascii_uppercase()).collect()
}

/// A prefix, or a range of prefixes of one length.
fn is_in_pattern(postcode: &str, pattern: &str) -> bool {
    match pattern.split_once('-') {
        None => postcode.starts_with(&compact(pattern)),
        Some((from, to)) => {
            let (from, to) = (compact(from), compact(to));
            let Some(start) = postcode.get(..from.len()) else { return false };
            from.len() == to.len() && (from.as_str()..=to.as_str()).contains(&start)
        }
    }
}

impl OptionRate {
    /// In the language of the locale, where the merchant gave one: `ru` for `ru-RU`.
    pub fn label_in(&self, locale: &str) -> &str {
        let exact = self.labels.iter().find(|(name, _)| name.eq_ignore_ascii_case(locale));
        let by_language = || self.labels.iter().find(|(name, _)| kassa_sdk::is_language(locale, name));
        exact.or_else(by_language).map_or(&self.label, |(_, label)| label)
    }
}

impl DeliveryRates {
    /// Whether the prices of a zone mean something to this cart.
    pub fn is_in_currency(&self, zone: &Zone, shipment: &Shipment) -> bool {
        match zone.currency.as_ref().or(self.currency.as_ref()) {
            Some(currency) => *currency == shipment.currency,
            // The kernel names the shop's own currency where the cart is in another.
            None => !shipment.attributes.iter().any(|(name, _)| name == "shop-currency"),
        }
    }
}
