//! Delivery: the typed calls and the checks of their answers. Booking and cancelling run to their end even where the
//! caller is dropped.

use std::sync::Arc;

use super::answer::{self, Broken};
pub use super::bindings::delivery::*;
use super::call::Abandoned;
use super::desk::{Asked, Question};
use super::fault::Stopped;
use super::routing::Linked;
use super::telemetry::Function;
use super::{Bound, CallError, Called, Host};

const OPTIONS: usize = 50;
const LABEL_CHARACTERS: usize = 100;
const CODE_CHARACTERS: usize = 64;
const REFERENCE_CHARACTERS: usize = 200;
const NUMBER_CHARACTERS: usize = 100;
const URL_CHARACTERS: usize = 500;
const EVENTS: usize = 500;
const TEXT_CHARACTERS: usize = 500;
/// Clocks of carriers differ from ours.
const A_DAY: u64 = 86_400;

/// Calls one function of the delivery interface: `$function(store, $arguments…)`. `$question` is what it is asked, should it fail.
macro_rules! call {
    ($host:expr, $bound:expr, $abandoned:ident, $name:ident: $function:ident($($argument:expr),*), $question:expr, $answer:ty, $check:expr) => {{
        $host.call::<$answer, _>(
            $bound,
            Some(Asked::new(Function::$name, &$question)),
            Abandoned::$abandoned,
            move |mut store, plugin| {
                Box::pin(async move {
                    let Linked::Delivery(plugin) = plugin.linked() else { return Err(Stopped::WrongDomain.into()) };
                    let plugin = plugin.instantiate_async(&mut store).await?;
                    plugin.kassa_delivery_delivery().$function(&mut store, $($argument),*).await
                })
            },
            $check,
        )
        .await
    }};
}

impl Host {
    /// The options for a shipment.
    pub async fn delivery_quote(
        &self,
        bound: &Arc<Bound>,
        shipment: &Arc<Shipment>,
    ) -> Result<Called<DeliveryQuote>, CallError> {
        let asked = shipment.clone();
        let question = || Question::Quote(shipment.clone());
        let check = |quote: &DeliveryQuote| check_quote(shipment, quote);
        let called = call!(self, bound, Stops, Quote: call_quote(&asked), question, DeliveryQuote, check);
        called.map(|mut called| {
            clean_refusals(&mut called.value.refusals);
            called
        })
    }

    /// Orders the carriage.
    pub async fn book_delivery(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<BookRequest>,
    ) -> Result<Called<Booking>, CallError> {
        let asked = request.clone();
        let question = || Question::Book(request.clone());
        call!(self, bound, Finishes, Book: call_book(&asked), question, Booking, check_booking)
    }

    /// What happened to a booking so far, oldest first.
    pub async fn track_delivery(
        &self,
        bound: &Arc<Bound>,
        reference: &str,
        now: u64,
    ) -> Result<Called<Vec<TrackingEvent>>, CallError> {
        let asked = reference.to_owned();
        let question = || Question::Track { reference: reference.to_owned(), now };
        let check = |events: &Vec<TrackingEvent>| check_track(events, now);
        call!(self, bound, Stops, Track: call_track(&asked, now), question, Vec<TrackingEvent>, check)
    }

    /// Calls a booking off; false where it is too late.
    pub async fn cancel_delivery(
        &self,
        bound: &Arc<Bound>,
        reference: &str,
        now: u64,
    ) -> Result<Called<bool>, CallError> {
        let asked = reference.to_owned();
        let question = || Question::CancelDelivery { reference: reference.to_owned(), now };
        call!(self, bound, Finishes, Cancel: call_cancel(&asked, now), question, bool, |_: &bool| Ok(()))
    }
}

fn check_quote(shipment: &Shipment, quote: &DeliveryQuote) -> Result<(), Broken> {
    answer::at_most("options", quote.options.len(), OPTIONS)?;
    for option in &quote.options {
        answer::code("an option's code", &option.code)?;
        answer::at_most_characters("an option's label", &option.label, LABEL_CHARACTERS)?;
        answer::same_currency(&option.currency, &shipment.currency)?;
        answer::not_negative("the price of an option", option.amount)?;
        answer::attributes("an option", &option.attributes)?;
        if option.days.is_some_and(|(fewest, most)| fewest > most) {
            return Err(format!("option {:?} takes more days at least than at most", option.code));
        }
    }
    answer::unique("options", quote.options.iter().map(|option| option.code.as_str()))
}

/// Staff reads them: they are no reason to have no options.
fn clean_refusals(refusals: &mut Vec<Refusal>) {
    refusals.truncate(OPTIONS);
    for refusal in refusals {
        answer::clean(&mut refusal.code, CODE_CHARACTERS);
        answer::clean(&mut refusal.reason, answer::REFUSAL_CHARACTERS);
    }
}

fn check_booking(booking: &Booking) -> Result<(), Broken> {
    answer::one_to_characters("the reference", &booking.reference, REFERENCE_CHARACTERS)?;
    answer::at_most_characters("the tracking number", &booking.tracking_number, NUMBER_CHARACTERS)?;
    answer::at_most_characters("the tracking URL", &booking.tracking_url, URL_CHARACTERS)?;
    let url = &booking.tracking_url;
    // It becomes a link in letters and pages.
    if !url.is_empty() && !url.starts_with("https://") && !url.starts_with("http://") {
        return Err("the tracking URL begins with neither https:// nor http://".into());
    }
    answer::attributes("the booking", &booking.attributes)
}

fn check_track(events: &[TrackingEvent], now: u64) -> Result<(), Broken> {
    answer::at_most("events", events.len(), EVENTS)?;
    for event in events {
        answer::at_most_characters("the text of an event", &event.text, TEXT_CHARACTERS)?;
        if event.at > now.saturating_add(A_DAY) {
            return Err("an event is more than a day ahead".into());
        }
    }
    if events.is_sorted_by_key(|event| event.at) { Ok(()) } else { Err("the events are not oldest first".into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn option(code: &str) -> DeliveryOption {
        DeliveryOption {
            code: code.into(),
            label: String::new(),
            currency: "EUR".into(),
            amount: 4_90,
            days: Some((1, 2)),
            pickup: false,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn every_rule_of_a_booking_is_held() {
        let booking = Booking {
            reference: "r".into(),
            tracking_number: String::new(),
            tracking_url: String::new(),
            attributes: Vec::new(),
        };
        let url = |url: &str| Booking { tracking_url: url.into(), ..booking.clone() };
        assert!(check_booking(&booking).is_ok());
        assert!(check_booking(&url("https://track.example/1")).is_ok());
        for (rule, broken) in [
            ("reference", Booking { reference: String::new(), ..booking.clone() }),
            ("length", Booking { reference: "r".repeat(201), ..booking.clone() }),
            ("control", Booking { reference: "r\n".into(), ..booking.clone() }),
            ("number", Booking { tracking_number: "1".repeat(101), ..booking.clone() }),
            ("url", url("javascript:alert(1)")),
            ("long url", url(&format!("https://{}", "x".repeat(500)))),
            ("attribute", Booking { attributes: vec![("A".into(), String::new())], ..booking.clone() }),
        ] {
            assert!(check_booking(&broken).is_err(), "{rule}");
        }
    }

    #[test]
    fn every_rule_of_tracking_is_held() {
        let event = |at, text: &str| TrackingEvent { at, status: TrackingStatus::InTransit, text: text.into() };
        assert!(check_track(&[event(1, ""), event(1, "b"), event(2, "c")], 10).is_ok());
        for (rule, broken) in [
            ("order", vec![event(2, ""), event(1, "")]),
            ("future", vec![event(10 + A_DAY + 1, "")]),
            ("text", vec![event(1, &"x".repeat(501))]),
            ("count", (0..501).map(|at| event(at, "")).collect()),
        ] {
            assert!(check_track(&broken, 10_000).is_err() || check_track(&broken, 10).is_err(), "{rule}");
        }
    }

    #[test]
    fn every_rule_of_a_quote_is_held() {
        let shipment = Shipment {
            currency: "EUR".into(),
            now: 0,
            locale: "en".into(),
            destination: crate::plugins::types::Destination {
                country: "DE".into(),
                region: String::new(),
                postcode: String::new(),
            },
            items: Vec::new(),
            goods_total: 0,
            attributes: Vec::new(),
        };
        let check =
            |options: Vec<DeliveryOption>| check_quote(&shipment, &DeliveryQuote { options, refusals: Vec::new() });
        assert!(check(vec![option("standard"), option("express")]).is_ok());
        assert!(check((0..50).map(|at| option(&format!("o-{at}"))).collect()).is_ok());
        assert!(check((0..51).map(|at| option(&format!("o-{at}"))).collect()).is_err());
        for (rule, broken) in [
            ("same code", vec![option("a"), option("a")]),
            ("charset", vec![option("A")]),
            ("currency", vec![DeliveryOption { currency: "USD".into(), ..option("a") }]),
            ("sign", vec![DeliveryOption { amount: -1, ..option("a") }]),
            ("range", vec![DeliveryOption { amount: i64::MAX, ..option("a") }]),
            ("days", vec![DeliveryOption { days: Some((3, 2)), ..option("a") }]),
            ("label", vec![DeliveryOption { label: "x".repeat(101), ..option("a") }]),
        ] {
            assert!(check(broken).is_err(), "{rule}");
        }
    }
}
