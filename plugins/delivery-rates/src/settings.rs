//! The settings, as the merchant writes them; `settings.schema.json` describes them for a form.

use std::collections::BTreeMap;

use kassa_sdk::Money;
use kassa_sdk::delivery::{Error, Shipment};
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
fn compact(postcode: &str) -> String {
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

    /// What the types cannot hold. Asked before activation only: what passes once is not looked at in every call.
    pub fn check(&self) -> Result<(), Error> {
        check_currency(&self.currency).map_err(Error::InvalidSettings)?;
        for (index, zone) in self.zones.iter().enumerate() {
            zone.check().map_err(|what| Error::InvalidSettings(format!("zones[{index}].{what}")))?;
        }
        self.simulation.as_ref().map_or(Ok(()), Simulation::check)
    }
}

fn check_currency(currency: &Option<String>) -> Result<(), String> {
    let is_code = |code: &String| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
    match currency.as_ref().filter(|code| !is_code(code)) {
        Some(wrong) => Err(format!("currency: {wrong:?} is not a currency such as EUR")),
        None => Ok(()),
    }
}

impl Zone {
    fn check(&self) -> Result<(), String> {
        let is_country = |code: &str| code == "*" || (code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase()));
        check_currency(&self.currency)?;
        if self.countries.is_empty() {
            return Err("countries: needs at least one".to_owned());
        }
        if let Some(wrong) = self.countries.iter().find(|code| !is_country(code)) {
            return Err(format!("countries: {wrong:?} is not a country such as DE, nor *"));
        }
        for pattern in &self.postcodes {
            let (from, to) = pattern.split_once('-').unwrap_or((pattern, pattern));
            let (from, to) = (compact(from), compact(to));
            if from.is_empty() || from.len() != to.len() || from > to {
                return Err(format!("postcodes: {pattern:?} is neither a prefix nor a range such as 20000-29999"));
            }
        }
        for (index, option) in self.options.iter().enumerate() {
            option.check().map_err(|what| format!("options[{index}].{what}"))?;
            if self.options[..index].iter().any(|earlier| earlier.code == option.code) {
                return Err(format!("options[{index}].code: {} is there twice", option.code));
            }
        }
        Ok(())
    }
}

impl OptionRate {
    fn check(&self) -> Result<(), String> {
        let is_code = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=64).contains(&self.code.len()) || !self.code.bytes().all(is_code) {
            return Err("code: must have 1 to 64 of a-z, 0-9 and -".to_owned());
        }
        // The kernel refuses an answer with anything else.
        let is_label = |text: &str| (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if !self.labels.values().chain([&self.label]).all(|label| is_label(label)) {
            return Err("label: must have 1 to 100 characters, no tabs or line breaks".to_owned());
        }
        if self.free_from.is_some_and(|from| from < Money::ZERO) {
            return Err("free_from: must be 0 or more".to_owned());
        }
        let bands =
            self.weight_bands.iter().map(|band| band.price).chain(self.value_bands.iter().map(|band| band.price));
        if bands.chain([self.price]).any(|price| price < Money::ZERO) {
            return Err("price: must be 0 or more".to_owned());
        }
        if !self.weight_bands.is_sorted_by(|a, b| a.up_to_grams < b.up_to_grams) {
            return Err("weight_bands: up_to_grams must rise from band to band".to_owned());
        }
        let begins_at_zero = self.value_bands.first().is_none_or(|band| band.from == Money::ZERO);
        if !begins_at_zero || !self.value_bands.is_sorted_by(|a, b| a.from < b.from) {
            return Err("value_bands: from must begin at 0 and rise from band to band".to_owned());
        }
        if self.days.is_some_and(|(fewest, most)| fewest > most) {
            return Err("days: the fewest come first".to_owned());
        }
        Ok(())
    }
}
