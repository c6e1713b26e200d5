//! Delivery by zones: which options a destination has, and what each costs by weight and value.
//!
//! The first zone that fits the destination counts. With the settings `{}` there is one option, to collect the goods
//! free of charge: a shop that has set up nothing can sell, and promises no carriage that it might not afford.
//! Amounts in the settings are minor units of the currency that stands there, or else of the shop's own; zones in other currencies are
//! passed over.

mod rules;
mod settings;
mod simulation;

use kassa_sdk::Money;
use kassa_sdk::delivery::{
    BookRequest, Booking, Delivery, DeliveryOption, DeliveryQuote, Error, Refusal, Shipment, TrackingEvent,
};

pub use settings::DeliveryRates;
use settings::OptionRate;
use simulation::Simulation;

impl Delivery for DeliveryRates {
    fn quote(&self, shipment: &Shipment) -> Result<DeliveryQuote, Error> {
        let mut quote = DeliveryQuote { options: Vec::new(), refusals: Vec::new() };
        if shipment.items.is_empty() {
            return Ok(quote);
        }
        if self.zones.is_empty() {
            quote.options.push(pickup_by_default(shipment));
            return Ok(quote);
        }
        let mut holding = self.zones.iter().filter(|zone| zone.holds(shipment)).peekable();
        let is_held = holding.peek().is_some();
        let Some(zone) = holding.find(|zone| self.is_in_currency(zone, shipment)) else {
            let destination = &shipment.destination;
            let mut reason = format!("no zone holds {} {}", destination.country, destination.postcode);
            if is_held {
                reason = format!("{reason} with prices in {}", shipment.currency);
            }
            quote.refusals.push(Refusal { code: "zone".to_owned(), reason });
            return Ok(quote);
        };
        for rate in &zone.options {
            match rate.price_of(shipment)? {
                Ok(price) => quote.options.push(rate.option(shipment, price)),
                Err(reason) => quote.refusals.push(Refusal { code: rate.code.clone(), reason }),
            }
        }
        Ok(quote)
    }

    fn book(&self, request: &BookRequest) -> Result<Booking, Error> {
        self.carrier("book")?.book(request)
    }

    fn track(&self, reference: &str, now: u64) -> Result<Vec<TrackingEvent>, Error> {
        self.carrier("track")?.track(reference, now)
    }

    fn cancel(&self, reference: &str, now: u64) -> Result<bool, Error> {
        self.carrier("cancel")?.cancel(reference, now)
    }
}

impl DeliveryRates {
    fn carrier(&self, function: &str) -> Result<&Simulation, Error> {
        self.simulation.as_ref().ok_or_else(|| Error::Unsupported(function.to_owned()))
    }
}

kassa_sdk::export!(delivery: DeliveryRates, configurable);

impl OptionRate {
    /// The price, or why it is not offered.
    fn price_of(&self, shipment: &Shipment) -> Result<Result<Money, String>, Error> {
        let (weight, goods) = (shipment.weight_grams(), shipment.goods()?);
        if let Some(most) = self.max_weight_grams.filter(|most| weight > *most) {
            return Ok(Err(heavier_than(most)));
        }
        let by_weight =
            match (self.weight_bands.iter().find(|band| weight <= band.up_to_grams), self.weight_bands.last()) {
                (Some(band), _) => band.price,
                (None, Some(heaviest)) => return Ok(Err(heavier_than(heaviest.up_to_grams))),
                (None, None) => Money::ZERO,
            };
        if self.free_from.is_some_and(|from| goods >= from) {
            return Ok(Ok(Money::ZERO));
        }
        let by_value = self.value_bands.iter().rfind(|band| band.from <= goods).map_or(Money::ZERO, |band| band.price);
        Ok(Ok(Money::sum([self.price, by_weight, by_value])?))
    }

    fn option(&self, shipment: &Shipment, price: Money) -> DeliveryOption {
        let mut attributes = Vec::new();
        if let Some(point) = &self.pickup {
            attributes.push(("pickup-address".to_owned(), point.address.clone()));
            if !point.hours.is_empty() {
                attributes.push(("pickup-hours".to_owned(), point.hours.clone()));
            }
        }
        DeliveryOption {
            days: self.days,
            pickup: self.pickup.is_some(),
            attributes,
            ..DeliveryOption::new(shipment, self.code.as_str(), self.label_in(&shipment.locale), price)
        }
    }
}

fn pickup_by_default(shipment: &Shipment) -> DeliveryOption {
    let label = if kassa_sdk::is_language(&shipment.locale, "ru") { "Самовывоз" } else { "Pickup" };
    DeliveryOption { pickup: true, ..DeliveryOption::new(shipment, "pickup", label, Money::ZERO) }
}

fn heavier_than(grams: u64) -> String {
    match (grams / 1_000, grams % 1_000) {
        (kilograms, 0) => format!("heavier than {kilograms} kg"),
        (kilograms, grams) => format!("heavier than {kilograms}.{grams:03} kg"),
    }
}

#[cfg(test)]
mod tests;
