//! For the unit tests of a plugin, which run natively with `cargo test`: requests with sensible values, to be changed
//! where a test cares, and a check of what the kernel would say to an answer.
//!
//! Every builder starts in EUR, English, at [`NOW`], with no customer and no address. What tests do not think of, `kassa plugin check` asks the
//! built component.

use serde::de::DeserializeOwned;

use crate::delivery::{Item, Shipment};
#[cfg(not(target_family = "wasm"))]
use crate::http::{Failure, Request as HttpRequest, Response};
use crate::notification::{Event, Recipient, Shop};
use crate::payment::{AuthorizeRequest, Context, FollowUp};
use crate::pricing::{Adjustment, Customer, Delivery, Kind, Line, Quote, Request, Target, TaxLine, WHOLE_PPM};
use crate::types::Destination;
use crate::{Configurable, Error, Mistake, Money, settings as json_settings};

/// 2026-01-01T12:00:00Z.
pub const NOW: u64 = 1_767_268_800;

/// The plugin with settings from JSON, read as in production.
pub fn settings<P: DeserializeOwned>(json: &str) -> Result<P, Error> {
    json_settings::parse(json)
}

/// What the plugin says of settings, before they are put in force.
pub fn mistakes<P: Configurable>(json: &str) -> Vec<Mistake> {
    json_settings::validate::<P>(json).err().unwrap_or_default()
}

/// An empty cart.
pub fn cart() -> Cart {
    Cart(Request {
        currency: "EUR".to_owned(),
        exponent: 2,
        now: NOW,
        locale: "en".to_owned(),
        customer: None,
        destination: None,
        delivery: None,
        coupons: Vec::new(),
        lines: Vec::new(),
        so_far: Vec::new(),
        taxes_so_far: Vec::new(),
        attributes: Vec::new(),
    })
}

/// Builds a pricing request.
#[derive(Clone, Debug)]
pub struct Cart(Request);

impl Cart {
    /// Adds a line; `unit_price` in minor units.
    pub fn line(mut self, sku: &str, quantity: u32, unit_price: i64) -> Self {
        let (sku, category) = (sku.to_owned(), String::new());
        self.0.lines.push(Line { sku, category, quantity, unit_price, weight_grams: 100, attributes: Vec::new() });
        self
    }

    /// Adds a line of a category.
    pub fn line_in(self, category: &str, sku: &str, quantity: u32, unit_price: i64) -> Self {
        let mut cart = self.line(sku, quantity, unit_price);
        if let Some(line) = cart.0.lines.last_mut() {
            line.category = category.to_owned();
        }
        cart
    }

    pub fn currency(mut self, currency: &str, exponent: u8) -> Self {
        (self.0.currency, self.0.exponent) = (currency.to_owned(), exponent);
        self
    }

    pub fn locale(mut self, locale: &str) -> Self {
        self.0.locale = locale.to_owned();
        self
    }

    /// Seconds since 1970.
    pub fn at(mut self, now: u64) -> Self {
        self.0.now = now;
        self
    }

    pub fn customer(mut self, id: &str, orders_paid: u32) -> Self {
        self.0.customer = Some(Customer { id: id.to_owned(), orders_paid, attributes: Vec::new() });
        self
    }

    /// The group of the customer, who must be there.
    pub fn group(mut self, group: &str) -> Self {
        if let Some(customer) = &mut self.0.customer {
            customer.attributes.push(("group".to_owned(), group.to_owned()));
        }
        self
    }

    /// What the kernel says besides: `shop-currency`, say.
    pub fn attribute(mut self, name: &str, value: &str) -> Self {
        self.0.attributes.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn to(mut self, country: &str, postcode: &str) -> Self {
        self.0.destination = Some(destination(country, postcode));
        self
    }

    /// The chosen delivery; `amount` in minor units.
    pub fn delivery(mut self, option: &str, amount: i64) -> Self {
        self.0.delivery = Some(Delivery { option: option.to_owned(), amount });
        self
    }

    pub fn coupon(mut self, code: &str) -> Self {
        self.0.coupons.push(code.to_owned());
        self
    }

    /// What a plugin earlier in the chain added.
    pub fn so_far(mut self, adjustment: Adjustment) -> Self {
        self.0.so_far.push(adjustment);
        self
    }

    /// A tax of a plugin earlier in the chain.
    pub fn tax_so_far(mut self, tax: TaxLine) -> Self {
        self.0.taxes_so_far.push(tax);
        self
    }

    pub fn request(self) -> Request {
        self.0
    }
}

/// What the shopper pays for a cart with this answer: goods, delivery, and all adjustments and taxes so far and new.
///
/// # Panics
///
/// Where the kernel would refuse the answer: another currency, an amount with the wrong sign or out of range, a tax that its rate and base
/// do not make, a line or a delivery that is not there, a line, the goods, the delivery or the total below zero, more adjustments, taxes or
/// messages than the contract allows, or a text that is empty, too long or has control characters.
#[track_caller]
pub fn total(request: &Request, quote: &Quote) -> Money {
    assert_eq!(request.currency, quote.currency, "the answer is in another currency");
    check_counts(quote);
    check_texts(quote);
    let mut lines: Vec<Money> = request.lines.iter().map(|line| line.total().expect("a line in range")).collect();
    let mut order = Money::ZERO;
    let mut delivery = request.delivery.as_ref().map(|delivery| Money::new(delivery.amount).expect("in range"));
    for adjustment in request.so_far.iter().chain(&quote.adjustments) {
        let amount = Money::new(adjustment.amount).expect("an adjustment in range");
        let right_sign = if adjustment.kind == Kind::Discount { amount <= Money::ZERO } else { amount >= Money::ZERO };
        assert!(right_sign, "wrong sign: {adjustment:?}");
        let target = match adjustment.target {
            Target::Line(index) => lines.get_mut(index as usize).expect("a line of the request"),
            Target::Order => &mut order,
            Target::Delivery => delivery.as_mut().expect("a delivery in the request"),
        };
        *target = (*target + amount).expect("a sum in range");
    }
    // Beside the sums: a discount may not eat into a tax.
    let taxes = request.taxes_so_far.iter().chain(&quote.taxes).map(|tax| added_tax(request, tax));
    let taxes = Money::sum(taxes).expect("taxes in range");
    assert!(lines.iter().all(|line| *line >= Money::ZERO), "a line is below zero: {lines:?}");
    let goods = Money::sum(lines.into_iter().chain([order])).expect("goods in range");
    assert!(goods >= Money::ZERO, "the goods are below zero: {goods:?}");
    let delivery = delivery.unwrap_or_default();
    assert!(delivery >= Money::ZERO, "the delivery is below zero: {delivery:?}");
    Money::sum([goods, delivery, taxes]).expect("a total in range")
}

/// What a tax adds to the total.
#[track_caller]
fn added_tax(request: &Request, tax: &TaxLine) -> Money {
    let amount = Money::new(tax.amount).expect("a tax in range");
    assert!(amount >= Money::ZERO, "wrong sign: {tax:?}");
    let pieces: i128 = match tax.target {
        Target::Line(index) => request.lines.get(index as usize).expect("a line of the request").quantity.into(),
        Target::Order => request.lines.iter().map(|line| i128::from(line.quantity)).sum(),
        Target::Delivery => request.delivery.as_ref().map(|_| 1).expect("a delivery in the request"),
    };
    assert!(tax.rate_ppm.is_none_or(|rate| rate <= WHOLE_PPM), "a rate above 100 %: {tax:?}");
    assert!(tax.base.is_none_or(|base| base >= 0 && Money::new(base).is_ok()), "a base out of range: {tax:?}");
    if let (Some(rate), Some(base)) = (tax.rate_ppm, tax.base) {
        let whole = i128::from(WHOLE_PPM);
        let off = (i128::from(tax.amount) * whole - i128::from(base) * i128::from(rate)).abs();
        assert!(off <= pieces.max(1) * whole, "its rate and base do not make it: {tax:?}");
    }
    if tax.included { Money::ZERO } else { amount }
}

#[track_caller]
fn check_counts(quote: &Quote) {
    let targets =
        || quote.adjustments.iter().map(|adjustment| adjustment.target).chain(quote.taxes.iter().map(|tax| tax.target));
    let of = |wanted| targets().filter(|target| *target == wanted).count();
    for target in targets() {
        if let Target::Line(_) = target {
            assert!(of(target) <= 20, "more than 20 adjustments and taxes of {target:?}");
        }
    }
    assert!(of(Target::Order) + of(Target::Delivery) <= 100, "more than 100 adjustments and taxes beside lines");
    assert!(quote.messages.len() <= 10, "more than 10 messages");
}

#[track_caller]
fn check_texts(quote: &Quote) {
    for adjustment in &quote.adjustments {
        check_text(&adjustment.code, 1, 64);
        check_text(&adjustment.label, 0, 200);
    }
    for tax in &quote.taxes {
        check_text(&tax.code, 1, 64);
        check_text(&tax.label, 0, 200);
    }
    quote.messages.iter().for_each(|text| check_text(text, 0, 500));
    quote.coupons.iter().for_each(|outcome| check_text(&outcome.text, 0, 500));
}

#[track_caller]
fn check_text(text: &str, least: usize, most: usize) {
    assert!(!text.chars().any(char::is_control), "control characters: {text:?}");
    assert!((least..=most).contains(&text.chars().count()), "not {least} to {most} characters: {text:?}");
}

/// A shipment without items and with no destination country.
pub fn shipment() -> Parcel {
    Parcel(Shipment {
        currency: "EUR".to_owned(),
        now: NOW,
        locale: "en".to_owned(),
        destination: destination("", ""),
        items: Vec::new(),
        goods_total: 0,
        attributes: Vec::new(),
    })
}

/// Builds a shipment.
#[derive(Clone, Debug)]
pub struct Parcel(Shipment);

impl Parcel {
    pub fn to(mut self, country: &str, postcode: &str) -> Self {
        self.0.destination = destination(country, postcode);
        self
    }

    /// Adds `quantity` pieces of `weight_grams` each.
    pub fn item(mut self, sku: &str, quantity: u32, weight_grams: u32) -> Self {
        self.0.items.push(Item { sku: sku.to_owned(), quantity, weight_grams });
        self
    }

    /// The value of the goods after discounts, in minor units.
    pub fn goods_total(mut self, amount: i64) -> Self {
        self.0.goods_total = amount;
        self
    }

    pub fn locale(mut self, locale: &str) -> Self {
        self.0.locale = locale.to_owned();
        self
    }

    pub fn shipment(self) -> Shipment {
        self.0
    }
}

/// A request to pay `amount` minor units by the method `card`.
pub fn payment(key: &str, token: &str, amount: i64) -> AuthorizeRequest {
    AuthorizeRequest {
        idempotency_key: key.to_owned(),
        order_number: "1042".to_owned(),
        currency: "EUR".to_owned(),
        amount,
        method: "card".to_owned(),
        token: token.to_owned(),
        email: "ada@example.org".to_owned(),
        billing_address: None,
        locale: "en".to_owned(),
        now: NOW,
        attributes: Vec::new(),
    }
}

/// The question for payment methods.
pub fn payment_context(locale: &str) -> Context {
    Context { currency: "EUR".to_owned(), amount: 0, country: None, locale: locale.to_owned(), now: NOW }
}

/// A step after the payment with `payment_key`: capture, cancel or refund of `amount` minor units.
pub fn follow_up(payment_key: &str, key: &str, amount: i64) -> FollowUp {
    FollowUp {
        idempotency_key: key.to_owned(),
        payment_key: payment_key.to_owned(),
        reference: String::new(),
        currency: "EUR".to_owned(),
        amount,
        now: NOW,
    }
}

/// An event with data as JSON.
pub fn event(kind: &str, data: &str) -> Event {
    Event { id: "event-1".to_owned(), kind: kind.to_owned(), at: NOW, data: data.to_owned() }
}

/// Ada, `ada@example.org`.
pub fn recipient() -> Recipient {
    Recipient { name: "Ada".to_owned(), email: "ada@example.org".to_owned(), attributes: Vec::new() }
}

/// Test Shop at `https://shop.example`.
pub fn shop() -> Shop {
    Shop {
        name: "Test Shop".to_owned(),
        url: "https://shop.example".to_owned(),
        email: "hello@shop.example".to_owned(),
    }
}

fn destination(country: &str, postcode: &str) -> Destination {
    Destination { country: country.to_owned(), region: String::new(), postcode: postcode.to_owned() }
}

/// Empties the stand-in of [`kv`](crate::kv) of this thread. Each test has a thread of its own.
#[cfg(not(target_family = "wasm"))]
pub fn clear_kv() {
    kv::STORE.with_borrow_mut(|store| store.clear());
}

/// Answers the requests of [`http`](crate::http) that this thread sends from now on, in the place of their hosts. Until it is called none is
/// sent.
#[cfg(not(target_family = "wasm"))]
pub fn answer_http(answer: impl FnMut(&HttpRequest) -> Result<Response, Failure> + 'static) {
    http::ANSWER.with_borrow_mut(|answers| *answers = Some(Box::new(answer)));
}

/// The native stand-in of `wasi:http`.
#[cfg(not(target_family = "wasm"))]
pub(crate) mod http {
    use std::cell::RefCell;

    use crate::http::{Failure, Request, Response};

    type Answer = Box<dyn FnMut(&Request) -> Result<Response, Failure>>;

    thread_local! {
        pub(crate) static ANSWER: RefCell<Option<Answer>> = const { RefCell::new(None) };
    }

    pub fn send(request: &Request) -> Result<Response, Failure> {
        ANSWER.with_borrow_mut(|answer| match answer {
            Some(answer) => answer(request),
            None => Err(Failure::NotSent("nobody answers: see testing::answer_http".to_owned())),
        })
    }
}

/// The native stand-in of `kassa:host/kv`: the same four functions over a map.
#[cfg(not(target_family = "wasm"))]
pub(crate) mod kv {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    use crate::bindings::host::kassa::host::kv::Error;

    thread_local! {
        pub(crate) static STORE: RefCell<BTreeMap<String, Vec<u8>>> = const { RefCell::new(BTreeMap::new()) };
    }

    pub fn get(key: &str) -> Result<Option<Vec<u8>>, Error> {
        STORE.with_borrow(|store| Ok(store.get(key).cloned()))
    }

    pub fn set(key: &str, value: &[u8]) -> Result<(), Error> {
        check(key, value)?;
        STORE.with_borrow_mut(|store| store.insert(key.to_owned(), value.to_vec()));
        Ok(())
    }

    pub fn set_if_absent(key: &str, value: &[u8]) -> Result<bool, Error> {
        match get(key)? {
            Some(_) => Ok(false),
            None => set(key, value).map(|()| true),
        }
    }

    pub fn delete(key: &str) -> Result<(), Error> {
        STORE.with_borrow_mut(|store| store.remove(key));
        Ok(())
    }

    fn check(key: &str, value: &[u8]) -> Result<(), Error> {
        if key.is_empty() || key.len() > 256 || value.len() > 64 * 1024 {
            return Err(Error::Quota(format!("key of {} bytes, value of {} bytes", key.len(), value.len())));
        }
        Ok(())
    }
}
