//! Shipments at the edges of the contract, and by chance.

use super::inputs::{
    COST_LINES, COUNTRIES, CURRENCIES, Chance, END_OF_9999, Input, LARGEST_QUANTITY, LOCALES, NOW, TEXTS, filled,
    shop_currency,
};
use crate::plugins::delivery::{Item, Shipment};
use crate::plugins::pricing::AMOUNT_LIMIT;
use crate::plugins::types::Destination;
use crate::plugins::{Probe, check};

const SKU_CHARACTERS: usize = 100;
const REGION_CHARACTERS: usize = 100;
const POSTCODE_CHARACTERS: usize = 20;

pub(super) fn edges() -> Vec<Input> {
    let worth = |goods_total| Shipment { goods_total, ..shipment(vec![item(100, 1)]) };
    let mut inputs = vec![
        Input::new("no items", check::shipment(&Probe::default())),
        Input::new("goods for free", worth(0)),
        Input::new("goods of one cent", worth(1)),
        Input::new("goods of the largest amount", worth(AMOUNT_LIMIT)),
        Input::new("no weight", shipment(vec![item(0, 1)])),
        Input::new("one gram", shipment(vec![item(1, 1)])),
        Input::new("the largest quantity", shipment(vec![item(1, LARGEST_QUANTITY)])),
        Input::new("the largest weight", shipment(vec![item(u32::MAX, LARGEST_QUANTITY); 500])),
        Input::new("the end of the year 9999", Shipment { now: END_OF_9999, ..worth(25_00) }),
    ];
    inputs.extend(places());
    inputs.extend(texts());
    inputs.extend(CURRENCIES.map(|(code, _)| Input::new(format!("in {code}"), in_currency(code, worth(12_345)))));
    let speaking = |locale: &str| Shipment { locale: locale.into(), ..worth(25_00) };
    inputs.extend(LOCALES.map(|locale| Input::new(format!("in the language {locale}"), speaking(locale))));
    inputs.extend(COST_LINES.map(|lines| Input::cost(lines, of_lines(lines))));
    inputs
}

/// Goods on their way to Germany.
fn shipment(items: Vec<Item>) -> Shipment {
    let destination = destination("DE", "", "10969");
    Shipment { now: NOW, destination, items, goods_total: 25_00, ..check::shipment(&Probe::default()) }
}

fn item(weight_grams: u32, quantity: u32) -> Item {
    Item { sku: "TEA-SENCHA-100".into(), quantity, weight_grams }
}

fn of_lines(lines: u32) -> Shipment {
    let numbered = |number: u32| Item { sku: format!("TEA-{number:03}"), ..item(100, 1 + number % 3) };
    Shipment { goods_total: i64::from(lines) * 9_99, ..shipment((0..lines).map(numbered).collect()) }
}

fn destination(country: &str, region: &str, postcode: &str) -> Destination {
    Destination { country: country.into(), region: region.into(), postcode: postcode.into() }
}

fn in_currency(code: &str, shipment: Shipment) -> Shipment {
    Shipment { currency: code.into(), attributes: shop_currency(code), ..shipment }
}

fn to(destination: Destination) -> Shipment {
    Shipment { destination, ..shipment(vec![item(100, 2), item(2_000, 1)]) }
}

fn places() -> Vec<Input> {
    let longest = destination("US", &filled("County ", REGION_CHARACTERS), &filled("9", POSTCODE_CHARACTERS));
    let mut inputs = vec![
        Input::new("an address without region and postcode", to(destination("DE", "", ""))),
        Input::new("the longest address", to(longest)),
    ];
    inputs.extend(COUNTRIES.map(|country| Input::new(format!("to {country}"), to(destination(country, "", "12345")))));
    inputs
}

fn texts() -> impl Iterator<Item = Input> {
    TEXTS.into_iter().flat_map(|(name, text)| {
        let odd = |characters: usize| {
            let part = |most: usize| filled(text, most.min(characters));
            let item = Item { sku: part(SKU_CHARACTERS), ..item(100, 1) };
            let destination = destination("DE", &part(REGION_CHARACTERS), &part(POSTCODE_CHARACTERS));
            Shipment { destination, ..shipment(vec![item]) }
        };
        let short = Input::new(format!("texts: {name}"), odd(text.chars().count()));
        [short, Input::new(format!("long texts: {name}"), odd(SKU_CHARACTERS))]
    })
}

pub(super) fn by_chance(chance: &mut Chance) -> Shipment {
    let count = if chance.one_in(8) { 1 + chance.below(200) } else { 1 + chance.below(8) };
    let items = (0..count).map(|_| {
        let quantity = if chance.one_in(8) { 1 + chance.below(LARGEST_QUANTITY) } else { 1 + chance.below(10) };
        item(chance.below(100_000), quantity)
    });
    let items = items.collect();
    let (region, postcode) = (chance.text(REGION_CHARACTERS), chance.text(POSTCODE_CHARACTERS));
    let mut shipment = in_currency(chance.one_of(&CURRENCIES).0, shipment(items));
    shipment.destination = destination(chance.one_of(&COUNTRIES), &region, &postcode);
    shipment.locale = (*chance.one_of(&LOCALES)).into();
    shipment.now = NOW + u64::from(chance.below(u32::MAX));
    shipment.goods_total = chance.amount(AMOUNT_LIMIT);
    shipment
}

#[cfg(test)]
mod tests {
    use super::super::inputs::{self, Question};
    use super::*;
    use crate::plugins::Domain;

    fn shipments() -> Vec<Shipment> {
        let shipment = |input: Input| match input.question {
            Question::Quote(shipment) => (*shipment).clone(),
            _ => panic!("{} ships nothing", input.name),
        };
        inputs::of(Domain::Delivery, 200).into_iter().map(shipment).collect()
    }

    #[test]
    fn every_edge_is_there_and_nothing_beyond() {
        let shipments = shipments();
        let has = |what: &dyn Fn(&Shipment) -> bool| shipments.iter().any(what);
        for goods in [0, 1, AMOUNT_LIMIT] {
            assert!(has(&|shipment| shipment.goods_total == goods), "{goods}");
        }
        for items in [0, 1, 500] {
            assert!(has(&|shipment| shipment.items.len() == items), "{items}");
        }
        assert!(has(&|shipment| shipment.items.iter().any(|item| item.quantity == LARGEST_QUANTITY)));
        assert!(has(&|shipment| shipment.destination.postcode.is_empty()));
        for shipment in &shipments {
            assert!((0..=AMOUNT_LIMIT).contains(&shipment.goods_total));
            assert!(shipment.items.iter().all(|item| (1..=LARGEST_QUANTITY).contains(&item.quantity)));
            // What the SDK adds the weights up in.
            let weights = shipment.items.iter().map(|item| u128::from(item.weight_grams) * u128::from(item.quantity));
            assert!(u64::try_from(weights.sum::<u128>()).is_ok());
        }
        assert!(shipments == self::shipments());
    }
}
