//! What the types cannot hold, told with its place. Asked before settings are put in force only: what passes once is not looked at
//! in every call.

use kassa_sdk::{Configurable, Mistake, Money};

use crate::DeliveryRates;
use crate::settings::{OptionRate, Zone, compact};
use crate::simulation::Simulation;

impl Configurable for DeliveryRates {
    fn mistakes(&self) -> Vec<Mistake> {
        let mut found = Found(Vec::new());
        found.unless(is_currency(&self.currency), "/currency", "must be a currency such as EUR");
        for (index, zone) in self.zones.iter().enumerate() {
            let place = format!("/zones/{index}");
            zone.check(&place, &mut found);
            if let Some(earlier) = self.zones[..index].iter().find(|earlier| self.hides(earlier, zone)) {
                let hidden = format!("is never reached: {:?} comes before it and holds all of it", earlier.name);
                found.unless(false, place, hidden);
            }
        }
        if let Some(simulation) = &self.simulation {
            simulation.check(&mut found);
        }
        found.0
    }
}

/// Mistakes, in the order in which they are found.
struct Found(Vec<Mistake>);

impl Found {
    fn unless(&mut self, fits: bool, place: impl Into<String>, detail: impl Into<String>) {
        if !fits {
            self.0.push(Mistake::at(place, detail));
        }
    }
}

impl DeliveryRates {
    /// Whether `earlier`, which is asked first, takes all that is for `zone`. Postcodes are compared for what is plainly so only: the
    /// same texts, or none.
    fn hides(&self, earlier: &Zone, zone: &Zone) -> bool {
        let currency = |zone: &Zone| zone.currency.clone().or_else(|| self.currency.clone());
        let holds = |country| earlier.countries.iter().any(|held| held == "*" || held == country);
        currency(earlier) == currency(zone)
            && !zone.countries.is_empty()
            && zone.countries.iter().all(holds)
            && (earlier.postcodes.is_empty()
                || !zone.postcodes.is_empty() && zone.postcodes.iter().all(|code| earlier.postcodes.contains(code)))
    }
}

fn is_currency(code: &Option<String>) -> bool {
    code.as_ref().is_none_or(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn is_country(code: &str) -> bool {
    code == "*" || (code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()))
}

fn is_postcode_pattern(pattern: &str) -> bool {
    let (from, to) = pattern.split_once('-').unwrap_or((pattern, pattern));
    let (from, to) = (compact(from), compact(to));
    !from.is_empty() && from.len() == to.len() && from <= to
}

impl Zone {
    fn check(&self, place: &str, found: &mut Found) {
        found.unless(is_currency(&self.currency), format!("{place}/currency"), "must be a currency such as EUR");
        found.unless(!self.countries.is_empty(), format!("{place}/countries"), "needs at least one");
        for (index, country) in self.countries.iter().enumerate() {
            found.unless(
                is_country(country),
                format!("{place}/countries/{index}"),
                "must be a country such as DE, or *",
            );
        }
        for (index, pattern) in self.postcodes.iter().enumerate() {
            let wrong = "must be a prefix, or a range such as 20000-29999";
            found.unless(is_postcode_pattern(pattern), format!("{place}/postcodes/{index}"), wrong);
        }
        for (index, option) in self.options.iter().enumerate() {
            let place = format!("{place}/options/{index}");
            option.check(&place, found);
            let is_new = self.options[..index].iter().all(|earlier| earlier.code != option.code);
            found.unless(is_new, format!("{place}/code"), "is there twice");
        }
    }
}

impl OptionRate {
    fn check(&self, place: &str, found: &mut Found) {
        let is_code = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let fits = (1..=64).contains(&self.code.len()) && self.code.bytes().all(is_code);
        found.unless(fits, format!("{place}/code"), "must have 1 to 64 of a-z, 0-9 and -");
        self.check_labels(place, found);
        found.unless(self.free_from.is_none_or(|from| from >= Money::ZERO), format!("{place}/free_from"), BELOW_ZERO);
        found.unless(self.price >= Money::ZERO, format!("{place}/price"), BELOW_ZERO);
        self.check_bands(place, found);
        let fits = self.days.is_none_or(|(fewest, most)| fewest <= most);
        found.unless(fits, format!("{place}/days"), "the fewest come first");
    }

    /// The kernel refuses an answer with anything else.
    fn check_labels(&self, place: &str, found: &mut Found) {
        let wrong = "must have 1 to 100 characters, no tabs or line breaks";
        let fits = |text: &str| (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        found.unless(fits(&self.label), format!("{place}/label"), wrong);
        for (language, label) in &self.labels {
            let language = language.replace('~', "~0").replace('/', "~1");
            found.unless(fits(label), format!("{place}/labels/{language}"), wrong);
        }
    }

    fn check_bands(&self, place: &str, found: &mut Found) {
        for (index, band) in self.weight_bands.iter().enumerate() {
            let place = format!("{place}/weight_bands/{index}");
            found.unless(band.price >= Money::ZERO, format!("{place}/price"), BELOW_ZERO);
            let rises = index == 0 || self.weight_bands[index - 1].up_to_grams < band.up_to_grams;
            found.unless(rises, format!("{place}/up_to_grams"), "must be more than that of the band before");
        }
        for (index, band) in self.value_bands.iter().enumerate() {
            let place = format!("{place}/value_bands/{index}");
            found.unless(band.price >= Money::ZERO, format!("{place}/price"), BELOW_ZERO);
            let (fits, wrong) = match index.checked_sub(1) {
                None => (band.from == Money::ZERO, "the first band must begin at 0"),
                Some(before) => {
                    (self.value_bands[before].from < band.from, "must be more than that of the band before")
                }
            };
            found.unless(fits, format!("{place}/from"), wrong);
        }
    }
}

const BELOW_ZERO: &str = "must be 0 or more";

impl Simulation {
    fn check(&self, found: &mut Found) {
        let url = &self.tracking_url;
        let known = url.is_empty() || url.starts_with("https://") || url.starts_with("http://");
        let fits = known && url.chars().count() <= 400 && !url.chars().any(char::is_control);
        let wrong = "must begin with https:// or http://, and have at most 400 characters";
        found.unless(fits, "/simulation/tracking_url", wrong);
        let in_order = self.in_transit_after_seconds <= self.delivered_after_seconds;
        let wrong = "must not be before in_transit_after_seconds";
        found.unless(in_order, "/simulation/delivered_after_seconds", wrong);
    }
}
