//! The data of the events; docs/events.md describes every field.
//!
//! Fields that are missing are empty and fields that are not known are passed over: a kernel of another version may
//! tell less or more.

use kassa_sdk::Money;
use kassa_sdk::notification::{Error, Event};
use serde::Deserialize;
use serde::de::DeserializeOwned;

pub fn read<D: DeserializeOwned>(event: &Event) -> Result<D, Error> {
    serde_json::from_str(&event.data)
        .map_err(|error| Error::Internal(format!("the data of event {} ({}): {error}", event.id, event.kind)))
}

/// Of `order.*`, `shipment.*`, `return.*`; of `cart.abandoned` what a cart has of it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Order {
    pub number: String,
    pub currency: String,
    pub exponent: u8,
    pub lines: Vec<Line>,
    pub adjustments: Vec<Adjustment>,
    pub delivery: Option<Delivery>,
    pub total: Money,
    pub address: Option<Address>,
    pub url: String,
    pub shipment: Option<Shipment>,
    pub cancellation: Option<Cancellation>,
    pub refund: Option<Refund>,
    pub edit: Option<Edit>,
    #[serde(rename = "return")]
    pub returned: Option<Return>,
    /// All lines before adjustments; of a cart that is all there is.
    pub goods_total: Money,
    /// What the shopper is asked to pay.
    pub payable: Money,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Edit {
    /// The order costs so much more than before, or below 0 so much less.
    pub difference: Money,
    /// What is still to be paid; below 0, what is still to be given back.
    pub outstanding: Money,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Line {
    pub sku: String,
    pub title: String,
    pub quantity: u32,
    pub unit_price: Money,
    pub total: Money,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Adjustment {
    pub kind: String,
    pub label: String,
    pub amount: Money,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Delivery {
    pub label: String,
    pub amount: Money,
    /// The shopper collects the goods.
    pub pickup: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Address {
    pub name: String,
    pub street: String,
    pub city: String,
    pub region: String,
    pub postcode: String,
    pub country: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Shipment {
    pub tracking_number: String,
    pub tracking_url: String,
    pub lines: Vec<ShippedLine>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ShippedLine {
    pub sku: String,
    pub title: String,
    pub quantity: u32,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Return {
    /// Of the returns of an order.
    pub number: u32,
    /// Of one that was rejected: why.
    pub cause: String,
    pub lines: Vec<ReturnedLine>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct ReturnedLine {
    /// Position in the order.
    pub line: usize,
    pub quantity: u32,
    pub reason: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Cancellation {
    pub reason: String,
    /// What the shopper gets back; 0 where nothing was paid.
    pub refunded: Money,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Refund {
    pub amount: Money,
    /// It is part of a cancellation, which was told before.
    pub cancellation: bool,
}

/// Of `account.*`.
#[derive(Default, Deserialize)]
#[serde(default)]
pub struct Account {
    /// Empty where the shop has no pages; the letter shows the token then.
    pub url: String,
    pub token: String,
    /// How long they work.
    pub valid_minutes: u32,
    /// Of a change of the address.
    pub new_email: String,
}

impl Order {
    /// The goods of the shipment or the return that it is about, a line each.
    pub fn goods(&self, reason: impl Fn(&str) -> Option<&'static str>) -> Vec<String> {
        let named = |title: &str, sku: &str| if title.is_empty() { sku.to_owned() } else { title.to_owned() };
        let shipped = self.shipment.iter().flat_map(|shipment| &shipment.lines);
        let shipped = shipped.map(|line| format!("{} × {}", line.quantity, named(&line.title, &line.sku)));
        let returned = self.returned.iter().flat_map(|returned| &returned.lines).map(|back| {
            let title = self.lines.get(back.line).map(|line| named(&line.title, &line.sku)).unwrap_or_default();
            let why = reason(&back.reason).map(|why| format!(" ({why})")).unwrap_or_default();
            format!("{} × {title}{why}", back.quantity)
        });
        shipped.chain(returned).collect()
    }

    pub fn is_collected(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| delivery.pickup)
    }
}

impl Address {
    pub fn lines(&self) -> Vec<String> {
        let place = [self.postcode.as_str(), self.city.as_str()];
        let place: Vec<&str> = place.into_iter().filter(|part| !part.is_empty()).collect();
        let lines = [&self.name, &self.street, &place.join(" "), &self.region, &self.country];
        lines.into_iter().filter(|line| !line.is_empty()).flat_map(|line| line.lines()).map(str::to_owned).collect()
    }
}
