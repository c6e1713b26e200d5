//! A carrier that is not there: it books whatever it is asked to, and its parcels arrive by the clock. To try a shop out, and for tests.
//!
//! It keeps nothing: what there is to know about a booking stands in its reference.

use kassa_sdk::delivery::{BookRequest, Booking, Error, TrackingEvent, TrackingStatus};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Simulation {
    /// After the booking.
    pub in_transit_after_seconds: u64,
    pub delivered_after_seconds: u64,
    /// `{number}` stands for the tracking number; empty: there is no page.
    pub tracking_url: String,
    /// The carrier cannot be reached.
    pub down: bool,
}

impl Default for Simulation {
    fn default() -> Self {
        Self {
            in_transit_after_seconds: 3_600,
            delivered_after_seconds: 86_400,
            tracking_url: String::new(),
            down: false,
        }
    }
}

impl Simulation {
    /// The same key, the same booking.
    pub fn book(&self, request: &BookRequest) -> Result<Booking, Error> {
        self.require_up()?;
        let hash = fnv1a(&request.idempotency_key);
        let tracking_number = format!("SIM{:012}", hash % 1_000_000_000_000);
        Ok(Booking {
            reference: format!("sim-{}-{hash:016x}", request.shipment.now),
            tracking_url: self.tracking_url.replace("{number}", &tracking_number),
            tracking_number,
            attributes: Vec::new(),
        })
    }

    pub fn track(&self, reference: &str, now: u64) -> Result<Vec<TrackingEvent>, Error> {
        self.require_up()?;
        let booked = booked_at(reference)?;
        let event = |after: u64, status, text: &str| TrackingEvent {
            at: booked.saturating_add(after),
            status,
            text: text.to_owned(),
        };
        let mut events = vec![
            event(0, TrackingStatus::Booked, ""),
            event(self.in_transit_after_seconds, TrackingStatus::InTransit, "handed over"),
            event(self.delivered_after_seconds, TrackingStatus::Delivered, "delivered"),
        ];
        events.retain(|event| event.at <= now);
        Ok(events)
    }

    /// Until it is in transit.
    pub fn cancel(&self, reference: &str, now: u64) -> Result<bool, Error> {
        self.require_up()?;
        Ok(now < booked_at(reference)?.saturating_add(self.in_transit_after_seconds))
    }

    fn require_up(&self) -> Result<(), Error> {
        if self.down { Err(Error::Unavailable("the simulated carrier is down".to_owned())) } else { Ok(()) }
    }
}

fn booked_at(reference: &str) -> Result<u64, Error> {
    let seconds = reference.split('-').nth(1).and_then(|seconds| seconds.parse().ok());
    seconds.ok_or_else(|| Error::Internal(format!("{reference:?} is no booking of this plugin")))
}

/// Names have to differ, and nobody is kept from making equal ones: no need for more.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
