//! Events to be told, at the edges of docs/events.md and by chance.

use serde_json::{Value, json};

use super::inputs::{CURRENCIES, Chance, Input, LOCALES, NOW, TEXTS, filled};
use crate::plugins::notification::{Compose, Event, Recipient};
use crate::plugins::pricing::AMOUNT_LIMIT;
use crate::plugins::{Probe, check};

const NAME_CHARACTERS: usize = 100;
const TITLE_CHARACTERS: usize = 200;
const STREET_CHARACTERS: usize = 200;
const NOTE_CHARACTERS: usize = 1_000;

/// What an order meets, in the order in which it does.
const KINDS: [&str; 5] = ["order.placed", "order.paid", "order.shipped", "order.delivered", "order.cancelled"];
const CHANNELS: [&str; 4] = ["email", "email inbox sms push", "sms", ""];

pub(super) fn edges() -> Vec<Input> {
    let mut inputs = vec![
        Input::new("a probe", check::event(&Probe::default())),
        Input::new("a kind that nobody knows", about("suite.no-such-kind", &json!({}))),
    ];
    inputs.extend(KINDS.map(|kind| Input::new(kind, about(kind, &order(&Goods::default())))));
    let amounts = [("for free", 0), ("one cent", 1), ("the largest amount", AMOUNT_LIMIT)];
    let priced = |unit_price| about(KINDS[0], &order(&Goods { unit_price, ..Goods::default() }));
    inputs.extend(amounts.map(|(name, price)| Input::new(name, priced(price))));
    let long = |lines| about(KINDS[0], &order(&Goods { lines, ..Goods::default() }));
    inputs.extend([0, 10, 100, 500].map(|lines| Input::new(format!("an order of {lines} lines"), long(lines))));
    let within = |currency| about(KINDS[0], &order(&Goods { currency, ..Goods::default() }));
    inputs.extend(CURRENCIES.map(|currency| Input::new(format!("in {}", currency.0), within(currency))));
    let speaking = |locale: &str| Compose { locale: locale.into(), ..long(1) };
    inputs.extend(LOCALES.map(|locale| Input::new(format!("in the language {locale}"), speaking(locale))));
    let by = |channels| Compose { recipient: recipient("Ada Lovelace", channels), ..long(1) };
    inputs.extend(CHANNELS.map(|channels| Input::new(format!("by the channels \"{channels}\""), by(channels))));
    inputs.push(Input::new("a recipient without a name", Compose { recipient: recipient("", "email"), ..long(1) }));
    inputs.extend(texts());
    inputs
}

/// What an order is made of.
struct Goods {
    lines: u32,
    unit_price: i64,
    currency: (&'static str, u8),
    text: String,
    /// Cut it where a field may hold no more, or take it as it is.
    is_long: bool,
}

impl Default for Goods {
    fn default() -> Self {
        Self { lines: 1, unit_price: 9_99, currency: CURRENCIES[0], text: "Sencha".into(), is_long: false }
    }
}

impl Goods {
    fn text(&self, most: usize) -> String {
        if self.is_long { filled(&self.text, most) } else { self.text.clone() }
    }
}

/// As docs/events.md has it, with what any of [`KINDS`] has beside.
fn order(goods: &Goods) -> Value {
    let line = |number: u32| {
        json!({
            "sku": format!("TEA-{number:03}"), "title": goods.text(TITLE_CHARACTERS), "quantity": 1,
            "unit_price": goods.unit_price, "total": goods.unit_price, "note": goods.text(NOTE_CHARACTERS), "attributes": {},
        })
    };
    let sum = goods.unit_price.saturating_mul(goods.lines.into()).min(AMOUNT_LIMIT);
    let (currency, exponent) = goods.currency;
    let address = json!({
        "name": goods.text(NAME_CHARACTERS), "street": goods.text(STREET_CHARACTERS), "city": goods.text(NAME_CHARACTERS),
        "region": "", "postcode": "10969", "country": "DE", "phone": "",
    });
    json!({
        "email": "ada@shop.example", "name": goods.text(NAME_CHARACTERS), "locale": "en",
        "order_id": "019a0000-0000-7000-8000-000000000000", "customer_id": null, "number": "1042", "status": "paid",
        "currency": currency, "exponent": exponent,
        "lines": (0..goods.lines).map(line).collect::<Vec<_>>(),
        "adjustments": [
            {
                "target": "order", "line": null, "kind": "discount", "code": "spring",
                "label": goods.text(TITLE_CHARACTERS), "amount": 0,
            },
        ],
        "delivery": { "label": goods.text(NAME_CHARACTERS), "amount": 0, "pickup": false },
        "goods_total": sum, "tax_included_total": 0, "total": sum, "payable": sum,
        "address": address, "billing_address": null, "note": goods.text(NOTE_CHARACTERS), "attributes": {},
        "shipment": {
            "id": "019a0000-0000-7000-8000-000000000001", "tracking_number": "00340434161094015902",
            "tracking_url": "https://track.example/00340434161094015902",
            "lines": [{ "sku": "TEA-000", "title": goods.text(TITLE_CHARACTERS), "quantity": 1 }],
        },
        "cancellation": { "reason": "customer", "refunded": sum, "returned": 0 },
        "url": "https://shop.example/orders/1042",
    })
}

fn about(kind: &str, data: &Value) -> Compose {
    let event =
        Event { id: "019a0000-0000-7000-8000-000000000002".into(), kind: kind.into(), at: NOW, data: data.to_string() };
    let recipient = recipient("Ada Lovelace", CHANNELS[1]);
    Compose { event, recipient, ..check::event(&Probe::default()) }
}

fn recipient(name: &str, channels: &str) -> Recipient {
    let phone = if channels.contains("sms") { "+4930123456" } else { "" };
    Recipient {
        name: name.into(),
        email: "ada@shop.example".into(),
        attributes: vec![("channels".into(), channels.into()), ("phone".into(), phone.into())],
    }
}

fn texts() -> impl Iterator<Item = Input> {
    TEXTS.into_iter().flat_map(|(name, text)| {
        let told = |is_long| {
            let goods = Goods { lines: 3, text: text.into(), is_long, ..Goods::default() };
            let recipient = recipient(&goods.text(NAME_CHARACTERS), CHANNELS[1]);
            Compose { recipient, ..about(KINDS[0], &order(&goods)) }
        };
        [Input::new(format!("texts: {name}"), told(false)), Input::new(format!("long texts: {name}"), told(true))]
    })
}

pub(super) fn by_chance(chance: &mut Chance) -> Compose {
    let most = if chance.one_in(8) { 200 } else { 5 };
    let goods = Goods {
        lines: 1 + chance.below(most),
        unit_price: chance.amount(AMOUNT_LIMIT / 200),
        currency: chance.one_of(&CURRENCIES),
        text: chance.text(NAME_CHARACTERS),
        is_long: false,
    };
    let recipient = recipient(&goods.text, chance.one_of(&CHANNELS));
    let locale = chance.one_of(&LOCALES).into();
    Compose { recipient, locale, ..about(chance.one_of(&KINDS), &order(&goods)) }
}

#[cfg(test)]
mod tests {
    use super::super::inputs::{self, Question};
    use super::*;
    use crate::events;
    use crate::plugins::Domain;

    #[test]
    fn every_event_is_one_that_is_told_and_has_an_object() {
        for kind in KINDS {
            assert!(events::KINDS.contains(&kind), "{kind}");
        }
        for input in inputs::of(Domain::Notification, 50) {
            let Question::Compose(compose) = input.question else { panic!("{} tells nothing", input.name) };
            let data: Value = serde_json::from_str(&compose.event.data).expect("JSON");
            assert!(data.is_object(), "{}", input.name);
            let total = data["total"].as_i64().unwrap_or_default();
            assert!((0..=AMOUNT_LIMIT).contains(&total), "{}", input.name);
        }
    }
}
