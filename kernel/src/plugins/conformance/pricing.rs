//! Carts at the edges of the contract, and by chance.

use super::inputs::{
    COST_LINES, COUNTRIES, CURRENCIES, Chance, END_OF_9999, Input, LARGEST_QUANTITY, LOCALES, NOW, TEXTS, filled,
    shop_currency,
};
use crate::plugins::pricing::{AMOUNT_LIMIT, Adjustment, Customer, Delivery, Kind, Line, Request, Target};
use crate::plugins::types::Destination;
use crate::plugins::{Probe, check};

/// Leaves room for taxes and fees on top, and is large enough that a rate times it does not fit 64 bits.
const LARGE: i64 = AMOUNT_LIMIT / 4;
const SKU_CHARACTERS: usize = 100;
const REGION_CHARACTERS: usize = 100;
const POSTCODE_CHARACTERS: usize = 20;
const COUPON_CHARACTERS: usize = 64;
const COUPONS: usize = 10;
const ATTRIBUTES: usize = 20;
const ATTRIBUTE_CHARACTERS: usize = 500;
/// The name and what stands before it.
const NAME_CHARACTERS: usize = 72;

pub(super) fn edges() -> Vec<Input> {
    let mut inputs = vec![Input::new("no lines", check::cart(&Probe::default()))];
    inputs.extend(amounts());
    inputs.extend(places());
    inputs.extend(texts());
    inputs.extend(customers_and_coupons());
    inputs.extend(after_other_plugins());
    inputs.extend(COST_LINES.map(|lines| Input::cost(lines, of_lines(lines))));
    inputs
}

/// A cart on its way to Germany.
fn cart(lines: Vec<Line>) -> Request {
    let destination = destination("DE", "", "10969");
    Request { now: NOW, destination: Some(destination), lines, ..check::cart(&Probe::default()) }
}

fn line(unit_price: i64, quantity: u32) -> Line {
    Line {
        sku: "TEA-SENCHA-100".into(),
        category: "tea/green".into(),
        quantity,
        unit_price,
        weight_grams: 100,
        attributes: Vec::new(),
    }
}

/// As a long cart is: every line of another product.
fn of_lines(lines: u32) -> Request {
    let numbered = |number: u32| Line {
        sku: format!("TEA-{number:03}"),
        attributes: vec![("shopper-engraving".into(), "For Ada".into())],
        ..line(4_99 + i64::from(number), 1 + number % 3)
    };
    cart((0..lines).map(numbered).collect())
}

fn destination(country: &str, region: &str, postcode: &str) -> Destination {
    Destination { country: country.into(), region: region.into(), postcode: postcode.into() }
}

fn delivered(amount: i64, request: Request) -> Request {
    Request { delivery: Some(Delivery { option: "delivery-rates:standard".into(), amount }), ..request }
}

fn in_currency(code: &str, exponent: u8, request: Request) -> Request {
    Request { currency: code.into(), exponent, attributes: shop_currency(code), ..request }
}

fn amounts() -> Vec<Input> {
    let many = 500;
    let heavy = Line { weight_grams: u32::MAX, ..line(1, LARGEST_QUANTITY) };
    let many_pieces = line(LARGE / i64::from(LARGEST_QUANTITY), LARGEST_QUANTITY);
    let mut inputs = vec![
        Input::new("for free", cart(vec![line(0, 1)])),
        Input::new("one cent", cart(vec![line(1, 1)])),
        Input::new("three cents in three lines", cart(vec![line(1, 1); 3])),
        Input::new("a line for free beside others", cart(vec![line(0, 3), line(9_99, 2), line(0, 1)])),
        Input::new("a large amount", cart(vec![line(LARGE, 1)])),
        Input::new("the largest amount", cart(vec![line(AMOUNT_LIMIT, 1)])).full(),
        Input::new("the largest amount in 500 lines", cart(vec![line(AMOUNT_LIMIT / many, 1); many as usize])).full(),
        Input::new("the largest quantity", cart(vec![line(1, LARGEST_QUANTITY)])),
        Input::new("a large amount of many pieces", cart(vec![many_pieces])),
        Input::new("the largest weight", cart(vec![heavy; 20])),
        Input::new("no weight", cart(vec![Line { weight_grams: 0, ..line(9_99, 1) }])),
        Input::new("with delivery", delivered(4_90, cart(vec![line(9_99, 2)]))),
        Input::new("with delivery for free", delivered(0, cart(vec![line(9_99, 2)]))),
        Input::new("with dear delivery of goods for free", delivered(LARGE, cart(vec![line(0, 1)]))),
    ];
    inputs.extend(CURRENCIES.map(|(code, exponent)| {
        let request = in_currency(code, exponent, delivered(4_900, cart(vec![line(12_345, 3), line(1, 1)])));
        Input::new(format!("in {code}"), request)
    }));
    inputs
}

fn places() -> Vec<Input> {
    let goods = || cart(vec![line(12_50, 2), line(3_99, 1)]);
    let to = |destination| Request { destination: Some(destination), ..goods() };
    let longest = destination("US", &filled("County ", REGION_CHARACTERS), &filled("9", POSTCODE_CHARACTERS));
    let mut inputs = vec![
        Input::new("no address", Request { destination: None, ..goods() }),
        Input::new("the end of the year 9999", Request { now: END_OF_9999, ..goods() }),
        Input::new("an address without region and postcode", to(destination("DE", "", ""))),
        Input::new("the longest address", to(longest)),
    ];
    inputs.extend(COUNTRIES.map(|country| Input::new(format!("to {country}"), to(destination(country, "", "12345")))));
    let speaking = |locale: &str| Request { locale: locale.into(), ..goods() };
    inputs.extend(LOCALES.map(|locale| Input::new(format!("in the language {locale}"), speaking(locale))));
    inputs
}

fn texts() -> Vec<Input> {
    let odd = |text: &str, characters: usize| {
        let text = |most: usize| filled(text, most.min(characters));
        let attributes = || vec![("shopper-engraving".to_owned(), text(ATTRIBUTE_CHARACTERS))];
        let category = text(SKU_CHARACTERS);
        let line = Line { sku: text(SKU_CHARACTERS), category, attributes: attributes(), ..line(9_99, 1) };
        Request {
            destination: Some(destination("DE", &text(REGION_CHARACTERS), &text(POSTCODE_CHARACTERS))),
            coupons: vec![text(COUPON_CHARACTERS)],
            attributes: attributes(),
            ..cart(vec![line])
        }
    };
    let mut inputs: Vec<_> = TEXTS
        .into_iter()
        .flat_map(|(name, text)| {
            let short = text.chars().count();
            let long = ATTRIBUTE_CHARACTERS;
            [
                Input::new(format!("texts: {name}"), odd(text, short)),
                Input::new(format!("long texts: {name}"), odd(text, long)),
            ]
        })
        .collect();
    let name = |number: usize| filled(&format!("shopper-{number:02}-"), NAME_CHARACTERS);
    let attributes: Vec<_> =
        (0..ATTRIBUTES).map(|number| (name(number), filled("a\n", ATTRIBUTE_CHARACTERS))).collect();
    let line = Line { attributes: attributes.clone(), ..line(9_99, 1) };
    inputs.push(Input::new("as many attributes as there may be", Request { attributes, ..cart(vec![line; 5]) }));
    let empty = Line { sku: "S".into(), category: String::new(), ..self::line(9_99, 1) };
    inputs.push(Input::new("no category", cart(vec![empty])));
    inputs
}

fn customers_and_coupons() -> Vec<Input> {
    let goods = || cart(vec![line(12_50, 2), line(3_99, 1)]);
    let customer = |id: &str, orders_paid, group: &[&str]| {
        let attributes = group.iter().map(|group| ("group".to_owned(), (*group).to_owned())).collect();
        Request { customer: Some(Customer { id: id.into(), orders_paid, attributes }), ..goods() }
    };
    let id = "019a0000-0000-7000-8000-000000000000";
    let coupons = |codes: Vec<String>| Request { coupons: codes, ..goods() };
    let ten = (0..COUPONS).map(|number| format!("SPRING-{number}")).collect();
    vec![
        Input::new("a new customer", customer(id, 0, &[])),
        Input::new("a customer with more orders than there are", customer(id, u32::MAX, &["wholesale"])),
        Input::new("an unknown coupon", coupons(vec!["NO-SUCH-COUPON".into()])),
        Input::new("ten coupons", coupons(ten)),
        Input::new("a coupon in another case twice", coupons(vec!["spring".into(), "SPRING".into()])),
        Input::new("a coupon on an empty cart", Request { coupons: vec!["SPRING".into()], ..cart(Vec::new()) }),
    ]
}

fn after_other_plugins() -> Vec<Input> {
    let adjusted = |so_far| Request { so_far, ..delivered(4_90, cart(vec![line(12_50, 2), line(3_99, 1)])) };
    // Each takes all that is left.
    let free = vec![
        adjustment(Target::Line(0), Kind::Discount, -25_00),
        adjustment(Target::Order, Kind::Discount, -3_99),
        adjustment(Target::Delivery, Kind::Discount, -4_90),
    ];
    let some = vec![
        adjustment(Target::Line(1), Kind::Discount, -1_00),
        adjustment(Target::Order, Kind::Discount, -2_01),
        adjustment(Target::Delivery, Kind::Discount, -90),
    ];
    let dearer = vec![
        adjustment(Target::Line(0), Kind::Fee, 50),
        adjustment(Target::Order, Kind::Fee, 1_00),
        adjustment(Target::Delivery, Kind::Fee, 1_00),
        adjustment(Target::Line(0), Kind::Tax, 4_85),
        adjustment(Target::Order, Kind::TaxIncluded, 5_00),
        adjustment(Target::Delivery, Kind::Tax, 1_12),
    ];
    vec![
        Input::new("discounts so far", adjusted(some)),
        Input::new("everything is free so far", adjusted(free)),
        Input::new("fees and taxes so far", adjusted(dearer)),
    ]
}

fn adjustment(target: Target, kind: Kind, amount: i64) -> Adjustment {
    Adjustment {
        target,
        kind,
        code: "earlier".into(),
        label: "By a plugin before this one".into(),
        amount,
        rate_ppm: None,
        base: None,
    }
}

/// Any cart, within the bounds of the contract and with room for what is put on top.
pub(super) fn by_chance(chance: &mut Chance) -> Request {
    let count = if chance.one_in(8) { 1 + chance.below(200) } else { 1 + chance.below(8) };
    let most = LARGE / i64::from(count);
    let lines: Vec<_> = (0..count).map(|_| line_by_chance(chance, most)).collect();
    let (code, exponent) = chance.one_of(&CURRENCIES);
    let mut request = in_currency(code, exponent, cart(lines));
    request.locale = chance.one_of(&LOCALES).into();
    request.now = NOW + u64::from(chance.below(u32::MAX));
    request.destination = (!chance.one_in(4)).then(|| {
        let (region, postcode) = (chance.text(REGION_CHARACTERS), chance.text(POSTCODE_CHARACTERS));
        destination(chance.one_of(&COUNTRIES), &region, &postcode)
    });
    request.coupons = (0..chance.below(4)).map(|number| format!("COUPON-{number}")).collect();
    if chance.one_in(3) {
        request = delivered(chance.amount(100_000), request);
    }
    if chance.one_in(3) {
        request.so_far = so_far_by_chance(chance, &request);
    }
    request
}

fn line_by_chance(chance: &mut Chance, most: i64) -> Line {
    let quantity = if chance.one_in(8) { 1 + chance.below(LARGEST_QUANTITY) } else { 1 + chance.below(10) };
    let text = chance.text(SKU_CHARACTERS);
    Line {
        sku: if text.is_empty() { "SKU".into() } else { text },
        category: chance.text(SKU_CHARACTERS),
        weight_grams: chance.below(100_000),
        attributes: vec![("shopper-note".into(), chance.text(ATTRIBUTE_CHARACTERS))],
        ..line(chance.amount(most / i64::from(quantity)), quantity)
    }
}

/// No line and no delivery is taken below zero: a discount is one of them alone, and never more than it costs.
fn so_far_by_chance(chance: &mut Chance, request: &Request) -> Vec<Adjustment> {
    let mut so_far = Vec::new();
    for (index, line) in (0_u32..).zip(&request.lines).take(3) {
        let price = line.unit_price * i64::from(line.quantity);
        so_far.push(adjustment(Target::Line(index), Kind::Discount, -chance.amount(price)));
    }
    so_far.push(adjustment(Target::Order, Kind::Tax, chance.amount(100_000)));
    if let Some(delivery) = &request.delivery {
        so_far.push(adjustment(Target::Delivery, Kind::Discount, -chance.amount(delivery.amount)));
    }
    so_far
}

#[cfg(test)]
mod tests {
    use super::super::inputs::{self, Question};
    use super::*;
    use crate::plugins::Domain;
    use crate::plugins::pricing::Totals;

    fn requests() -> Vec<(String, bool, Request)> {
        let inputs = inputs::of(Domain::Pricing, 200).into_iter();
        inputs
            .map(|input| match input.question {
                Question::Price(request) => (input.name.into_owned(), input.is_full, (*request).clone()),
                _ => panic!("{} prices nothing", input.name),
            })
            .collect()
    }

    /// What no honest plugin could answer is no input: adding nothing must be right, and a tax on top too, but where all is full.
    #[test]
    fn every_cart_can_be_priced() {
        for (name, is_full, request) in requests() {
            assert!(Totals::of(&request, &request.so_far).is_ok(), "{name}");
            let goods = Totals::of(&request, &[]).expect("goods within the range").total;
            let tax = adjustment(Target::Order, Kind::Tax, goods);
            let taxed = Totals::of(&request, &[request.so_far.clone(), vec![tax]].concat());
            assert_eq!(taxed.is_ok(), !is_full, "{name}: {taxed:?}");
        }
    }

    #[test]
    fn every_edge_is_there() {
        let requests = requests();
        let has = |what: &dyn Fn(&Request) -> bool| requests.iter().any(|(.., request)| what(request));
        let price = |price: i64| has(&|request| request.lines.iter().any(|line| line.unit_price == price));
        assert!(price(0) && price(1) && price(AMOUNT_LIMIT));
        for lines in [0, 1, 500] {
            assert!(has(&|request| request.lines.len() == lines), "{lines}");
        }
        assert!(has(&|request| request.lines.iter().any(|line| line.quantity == LARGEST_QUANTITY)));
        for exponent in [0, 2, 3] {
            assert!(has(&|request| request.exponent == exponent), "{exponent}");
        }
        assert!(has(&|request| request.destination.is_none()));
        assert!(has(&|request| request.coupons.len() == COUPONS) && has(&|request| request.coupons.len() == 1));
        assert!(has(&|request| request.so_far.len() == 3));
        assert!(has(&|request| request.lines.iter().any(|line| line.sku.chars().count() == SKU_CHARACTERS)));
        let is_right_to_left = |text: &str| text.contains('ش');
        assert!(has(&|request| request.lines.iter().any(|line| is_right_to_left(&line.sku))));
    }

    #[test]
    fn the_same_carts_are_asked_every_time() {
        assert!(requests() == requests());
    }
}
