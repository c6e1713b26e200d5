//! Requests and quotes as JSON.
//!
//! Receipts keep what a plugin was asked and answered in the words of its own version of the contract: so a receipt stays what it was when the
//! kernel learns another version, and is derived again to the byte. What was written once is read for ever, whichever version it is in.

use serde::{Deserialize, Serialize, Serializer};

use super::{
    Adjustment, Contract, CouponOutcome, Customer, Delivery, Kind, Line, Quote, Request, Target, since_0_1, since_0_2,
};
use crate::plugins::types::Destination;

impl Request {
    /// Canonical JSON in the words of `contract`: fields in its order, no spaces.
    pub fn recorded(&self, contract: Contract) -> String {
        match contract {
            Contract::Since0_1 => json(&since_0_1::Request::from(self)),
            Contract::Since0_2 => json(&since_0_2::Request::from(self)),
        }
    }

    /// What was recorded, and in the words of which version.
    pub fn read(text: &str) -> serde_json::Result<(Self, Contract)> {
        let any: AnyRequest = serde_json::from_str(text)?;
        let contract = if any.taxes_so_far.is_some() { Contract::Since0_2 } else { Contract::Since0_1 };
        Ok((any.into(), contract))
    }
}

impl Quote {
    /// As [`Request::recorded`].
    pub fn recorded(&self, contract: Contract) -> String {
        match contract {
            Contract::Since0_1 => json(&since_0_1::Quoted::from(self)),
            Contract::Since0_2 => json(&since_0_2::Quoted::from(self)),
        }
    }
}

/// Records of numbers, texts and lists always have a JSON form.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// In the words of the latest version.
impl Serialize for Request {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        since_0_2::Request::from(self).serialize(serializer)
    }
}

/// In the words of the latest version.
impl Serialize for Quote {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        since_0_2::Quoted::from(self).serialize(serializer)
    }
}

/// A request of any version. Of one that plugins added something to, 0.2.0 does not say in which order taxes and the rest came.
#[derive(Deserialize)]
pub(super) struct AnyRequest {
    currency: String,
    exponent: u8,
    now: u64,
    locale: String,
    customer: Option<Customer>,
    destination: Option<Destination>,
    delivery: Option<Delivery>,
    coupons: Vec<String>,
    lines: Vec<Line>,
    so_far: Vec<AnyAdjustment>,
    /// Since 0.2.0.
    taxes_so_far: Option<Vec<since_0_2::TaxLine>>,
    attributes: Vec<(String, String)>,
}

/// A quote of any version.
#[derive(Deserialize)]
pub(super) struct AnyQuote {
    currency: String,
    adjustments: Vec<AnyAdjustment>,
    /// Since 0.2.0.
    #[serde(default)]
    taxes: Vec<since_0_2::TaxLine>,
    coupons: Vec<CouponOutcome>,
    messages: Vec<String>,
}

/// An adjustment of any version: in 0.1.0 taxes were among them.
#[derive(Deserialize)]
struct AnyAdjustment {
    target: Target,
    kind: Kind,
    code: String,
    label: String,
    amount: i64,
}

impl From<AnyRequest> for Request {
    fn from(any: AnyRequest) -> Self {
        Self {
            currency: any.currency,
            exponent: any.exponent,
            now: any.now,
            locale: any.locale,
            customer: any.customer,
            destination: any.destination,
            delivery: any.delivery,
            coupons: any.coupons,
            lines: any.lines,
            so_far: together(any.so_far, any.taxes_so_far.unwrap_or_default()),
            attributes: any.attributes,
        }
    }
}

impl From<AnyQuote> for Quote {
    fn from(any: AnyQuote) -> Self {
        Self {
            currency: any.currency,
            adjustments: together(any.adjustments, any.taxes),
            coupons: any.coupons,
            messages: any.messages,
        }
    }
}

fn together(adjustments: Vec<AnyAdjustment>, taxes: Vec<since_0_2::TaxLine>) -> Vec<Adjustment> {
    adjustments.into_iter().map(Into::into).chain(taxes.into_iter().map(Into::into)).collect()
}

impl From<AnyAdjustment> for Adjustment {
    fn from(AnyAdjustment { target, kind, code, label, amount }: AnyAdjustment) -> Self {
        Self { target, kind, code, label, amount, rate_ppm: None, base: None }
    }
}

#[cfg(test)]
mod tests {
    use super::super::CouponState;
    use super::*;
    use crate::plugins::bindings::pricing_world::exports::kassa::pricing::pricing as generated;

    fn addition(target: Target, kind: Kind, amount: i64, made_of: Option<(u32, i64)>) -> Adjustment {
        let (rate_ppm, base) = made_of.unzip();
        Adjustment { target, kind, code: "c".into(), label: "L".into(), amount, rate_ppm, base }
    }

    fn request() -> Request {
        Request {
            currency: "EUR".into(),
            exponent: 2,
            now: 1_800_000_000,
            locale: "en".into(),
            customer: Some(Customer {
                id: "ada".into(),
                orders_paid: 3,
                attributes: vec![("group".into(), "a".into())],
            }),
            destination: Some(Destination { country: "DE".into(), region: String::new(), postcode: "10117".into() }),
            delivery: Some(Delivery { option: "rates:standard".into(), amount: 4_90 }),
            coupons: vec!["TEN".into()],
            lines: vec![Line {
                sku: "mug".into(),
                category: "home".into(),
                quantity: 2,
                unit_price: 5_00,
                weight_grams: 300,
                attributes: vec![("shopper-engraving".into(), "\"A\"".into())],
            }],
            so_far: vec![
                addition(Target::Line(0), Kind::Discount, -1_00, None),
                addition(Target::Order, Kind::Fee, 50, None),
                addition(Target::Delivery, Kind::Tax, 93, Some((190_000, 4_90))),
                addition(Target::Order, Kind::TaxIncluded, 25, None),
            ],
            attributes: Vec::new(),
        }
    }

    fn quote() -> Quote {
        let outcome = CouponOutcome { code: "TEN".into(), state: CouponState::Applied, text: String::new() };
        let adjustments = request().so_far;
        Quote { currency: "EUR".into(), adjustments, coupons: vec![outcome], messages: vec!["Hello".into()] }
    }

    /// What 0.1.0 has no words for.
    fn without_what_taxes_are_made_of(adjustments: &mut [Adjustment]) {
        adjustments.iter_mut().for_each(|adjustment| (adjustment.rate_ppm, adjustment.base) = (None, None));
    }

    #[test]
    fn what_was_recorded_is_read_again_in_either_version() {
        let read = Request::read(&request().recorded(Contract::Since0_2)).unwrap();
        assert_eq!(read, (request(), Contract::Since0_2));
        let mut plain = request();
        without_what_taxes_are_made_of(&mut plain.so_far);
        assert_eq!(Request::read(&request().recorded(Contract::Since0_1)).unwrap(), (plain, Contract::Since0_1));

        let read: Quote = serde_json::from_str(&quote().recorded(Contract::Since0_2)).unwrap();
        assert_eq!(read, quote());
        let mut plain = quote();
        without_what_taxes_are_made_of(&mut plain.adjustments);
        assert_eq!(serde_json::from_str::<Quote>(&quote().recorded(Contract::Since0_1)).unwrap(), plain);
    }

    /// The order that a plugin of 0.1.0 gave is part of what it answered.
    #[test]
    fn taxes_between_discounts_stay_there_in_the_words_of_0_1() {
        let mut quote = quote();
        quote.adjustments.swap(0, 3);
        without_what_taxes_are_made_of(&mut quote.adjustments);
        let text = quote.recorded(Contract::Since0_1);
        assert_eq!(serde_json::from_str::<Quote>(&text).unwrap(), quote);
    }

    /// What is written by hand here has the fields of the WIT, in their order.
    #[test]
    fn the_words_of_the_latest_are_those_of_the_wit() {
        let text = request().recorded(Contract::LATEST);
        let generated: generated::Request = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&generated).unwrap(), text);
        let text = quote().recorded(Contract::LATEST);
        let generated: generated::Quote = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&generated).unwrap(), text);
        assert_eq!(serde_json::to_string(&quote()).unwrap(), text);
    }

    /// To the letter as kernels of contract 0.1.0 wrote it.
    #[test]
    fn the_words_of_0_1_stay_as_they_were() {
        let so_far = concat!(
            r#"[{"target":{"Line":0},"kind":"Discount","code":"c","label":"L","amount":-100},"#,
            r#"{"target":"Order","kind":"Fee","code":"c","label":"L","amount":50},"#,
            r#"{"target":"Delivery","kind":"Tax","code":"c","label":"L","amount":93},"#,
            r#"{"target":"Order","kind":"TaxIncluded","code":"c","label":"L","amount":25}]"#
        );
        let customer = r#"{"id":"ada","orders_paid":3,"attributes":[["group","a"]]}"#;
        let line = concat!(
            r#"{"sku":"mug","category":"home","quantity":2,"unit_price":500,"weight_grams":300,"#,
            r#""attributes":[["shopper-engraving","\"A\""]]}"#
        );
        let expected = format!(
            r#"{{"currency":"EUR","exponent":2,"now":1800000000,"locale":"en","customer":{customer},"destination":{{"country":"DE","region":"","postcode":"10117"}},"delivery":{{"option":"rates:standard","amount":490}},"coupons":["TEN"],"lines":[{line}],"so_far":{so_far},"attributes":[]}}"#
        );
        assert_eq!(request().recorded(Contract::Since0_1), expected);
        let coupons = r#"[{"code":"TEN","state":"Applied","text":""}]"#;
        let expected =
            format!(r#"{{"currency":"EUR","adjustments":{so_far},"coupons":{coupons},"messages":["Hello"]}}"#);
        assert_eq!(quote().recorded(Contract::Since0_1), expected);
    }
}
