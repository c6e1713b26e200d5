use kassa_sdk::delivery::{BookRequest, Delivery, Error, Shipment};
use kassa_sdk::testing::{self, shipment};
use kassa_sdk::types::Address;

use super::DeliveryRates;

const DEMO: &str = include_str!("../demo-settings.json");

fn plugin(settings: &str) -> DeliveryRates {
    assert_eq!(testing::mistakes::<DeliveryRates>(settings), []);
    testing::settings(settings).unwrap()
}

/// `standard 490` for each option, `express: heavier than 20 kg` for each refusal.
fn told(settings: &str, shipment: &Shipment) -> Vec<String> {
    let quote = plugin(settings).quote(shipment).unwrap();
    let options = quote.options.iter().map(|option| format!("{} {}", option.code, option.amount));
    options.chain(quote.refusals.iter().map(|refusal| format!("{}: {}", refusal.code, refusal.reason))).collect()
}

fn parcel(country: &str, postcode: &str, grams: u32, goods: i64) -> Shipment {
    shipment().to(country, postcode).item("thing", 1, grams).goods_total(goods).shipment()
}

#[test]
fn without_settings_the_shopper_collects() {
    assert_eq!(told("{}", &parcel("DE", "10115", 500, 10_00)), ["pickup 0"]);
    let russian = shipment().to("DE", "").item("thing", 1, 1).locale("ru-RU").shipment();
    let option = &plugin("{}").quote(&russian).unwrap().options[0];
    assert_eq!((option.label.as_str(), option.pickup, option.currency.as_str()), ("Самовывоз", true, "EUR"));
}

#[test]
fn the_first_zone_that_fits_counts() {
    let zone = |name: &str, countries: &str, postcodes: &str| {
        format!(
            r#"{{"name": "", "countries": [{countries}], "postcodes": [{postcodes}],
                "options": [{{"code": "{name}", "label": "L"}}]}}"#
        )
    };
    let settings = format!(
        r#"{{"zones": [{}, {}, {}, {}, {}]}}"#,
        zone("islands", r#""DE""#, r#""25846-25849", "2599""#),
        zone("london", r#""GB""#, r#""SW1A", "e1-e9""#),
        zone("germany", r#""DE""#, ""),
        zone("neighbours", r#""AT", "FR""#, ""),
        zone("numbered", r#""*""#, r#""9""#),
    );
    for (country, postcode, expected) in [
        ("DE", "25846", "islands 0"),
        ("DE", "25849", "islands 0"),
        ("DE", "25850", "germany 0"),
        ("DE", "25845", "germany 0"),
        ("DE", "25992", "islands 0"),
        ("DE", "2584", "germany 0"),
        ("DE", "", "germany 0"),
        ("GB", "sw1a 1aa", "london 0"),
        ("GB", "E5 8QQ", "london 0"),
        ("GB", "N1", "zone: no zone holds GB N1"),
        ("FR", "75001", "neighbours 0"),
        ("US", "90210", "numbered 0"),
        ("US", "é0210", "zone: no zone holds US é0210"),
        ("", "", "zone: no zone holds  "),
    ] {
        assert_eq!(told(&settings, &parcel(country, postcode, 1, 1)), [expected], "{country} {postcode}");
    }
}

#[test]
fn prices() {
    #[rustfmt::skip]
    let cases: &[(&str, u32, i64, &str)] = &[
        (r#""price": 490"#, 1, 10_00, "o 490"),
        // weight bands include their upper end
        (r#""weight_bands": [{"up_to_grams": 1000, "price": 390}, {"up_to_grams": 5000, "price": 690}]"#, 1_000, 0, "o 390"),
        (r#""weight_bands": [{"up_to_grams": 1000, "price": 390}, {"up_to_grams": 5000, "price": 690}]"#, 1_001, 0, "o 690"),
        (r#""weight_bands": [{"up_to_grams": 1000, "price": 390}, {"up_to_grams": 5000, "price": 690}]"#, 5_001, 0, "o: heavier than 5 kg"),
        (r#""max_weight_grams": 1500"#, 1_500, 0, "o 0"),
        (r#""max_weight_grams": 1500"#, 1_501, 0, "o: heavier than 1.500 kg"),
        // value bands begin at their lower end
        (r#""value_bands": [{"from": 0, "price": 500}, {"from": 5000, "price": 300}]"#, 1, 49_99, "o 500"),
        (r#""value_bands": [{"from": 0, "price": 500}, {"from": 5000, "price": 300}]"#, 1, 50_00, "o 300"),
        (r#""price": 100, "weight_bands": [{"up_to_grams": 9, "price": 20}], "value_bands": [{"from": 0, "price": 3}]"#, 9, 1, "o 123"),
        // free above, but never what is too heavy
        (r#""price": 490, "free_from": 5000"#, 1, 49_99, "o 490"),
        (r#""price": 490, "free_from": 5000"#, 1, 50_00, "o 0"),
        (r#""price": 490, "free_from": 5000, "max_weight_grams": 5"#, 6, 50_00, "o: heavier than 0.005 kg"),
    ];
    for (rate, grams, goods, expected) in cases {
        let option = format!(r#"{{"code": "o", "label": "O", {rate}}}"#);
        let settings = format!(r#"{{"zones": [{{"name": "", "countries": ["*"], "options": [{option}]}}]}}"#);
        assert_eq!(told(&settings, &parcel("DE", "", *grams, *goods)), [*expected], "{rate} {grams} g {goods}");
    }
}

#[test]
fn the_demo_shop() {
    for (country, grams, goods, expected) in [
        ("DE", 800, 20_00, &["standard 490", "express 1290", "pickup 0"][..]),
        ("DE", 800, 50_00, &["standard 0", "express 1290", "pickup 0"][..]),
        ("DE", 25_000, 20_00, &["standard 990", "pickup 0", "express: heavier than 20 kg"][..]),
        ("FR", 800, 20_00, &["standard 990"][..]),
        ("US", 800, 20_00, &["standard 2490"][..]),
    ] {
        assert_eq!(told(DEMO, &parcel(country, "12345", grams, goods)), expected, "{country} {grams} g {goods}");
    }
    let shipment = shipment().to("DE", "10115").item("thing", 1, 1).locale("ru-RU").shipment();
    let quote = plugin(DEMO).quote(&shipment).unwrap();
    assert_eq!(quote.options[0].label, "Обычная доставка");
    assert_eq!(quote.options[0].days, Some((2, 3)));
    assert_eq!(quote.options[2].attributes[0].0, "pickup-address");
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let option = |rate: &str| {
        format!(r#"{{"name": "", "countries": ["*"], "options": [{{"code": "o", "label": "O", {rate}}}]}}"#)
    };
    let zone = |rest: &str| format!(r#"{{"name": "Z", {rest}, "options": []}}"#);
    #[rustfmt::skip]
    let cases: &[(String, &[&str])] = &[
        (zone(r#""countries": []"#), &["/zones/0/countries needs at least one"]),
        (zone(r#""countries": ["DE", "Germany"]"#), &["/zones/0/countries/1 must be a country"]),
        (zone(r#""countries": ["DE"], "currency": "euro""#), &["/zones/0/currency must be a currency"]),
        (zone(r#""countries": ["DE"], "postcodes": ["1", "9-10", "", "30-20"]"#), &[
            "/zones/0/postcodes/1 must be a prefix", "/zones/0/postcodes/2 must be", "/zones/0/postcodes/3 must be",
        ]),
        (option(r#""price": -1"#), &["/zones/0/options/0/price must be 0 or more"]),
        (option(r#""price": 1.5"#), &["/zones/0/options/0/price "]),
        (option(r#""labels": {"ru": "О\t", "a/b": ""}"#), &[
            "/zones/0/options/0/labels/a~1b must have", "/zones/0/options/0/labels/ru must have 1 to 100 characters",
        ]),
        (option(r#""free_from": -1, "days": [3, 2]"#), &["/zones/0/options/0/free_from ", "/zones/0/options/0/days "]),
        (option(r#""weight_bands": [{"up_to_grams": 9, "price": 1}, {"up_to_grams": 9, "price": -1}]"#), &[
            "/zones/0/options/0/weight_bands/1/price ", "/zones/0/options/0/weight_bands/1/up_to_grams must be more",
        ]),
        (option(r#""value_bands": [{"from": 1, "price": 1}, {"from": 1, "price": 1}]"#), &[
            "/zones/0/options/0/value_bands/0/from the first band", "/zones/0/options/0/value_bands/1/from must be more",
        ]),
        (r#"{"name": "", "countries": ["*"], "options": [{"code": "A b", "label": ""}]}"#.to_owned(), &[
            "/zones/0/options/0/code must have", "/zones/0/options/0/label must have",
        ]),
        (r#"{"name": "", "countries": ["*"], "options": [{"code": "o", "label": "O"}, {"code": "o", "label": "O"}]}"#.to_owned(), &[
            "/zones/0/options/1/code is there twice",
        ]),
    ];
    for (zone, expected) in cases {
        told_wrong(&format!(r#"{{"zones": [{zone}]}}"#), expected);
    }
    told_wrong(
        r#"{"currency": "eur", "simulation": {"tracking_url": "ftp://x", "in_transit_after_seconds": 9, "delivered_after_seconds": 8}}"#,
        &["/currency ", "/simulation/tracking_url ", "/simulation/delivered_after_seconds "],
    );
}

/// Each mistake begins with what is expected, in that order, and there are no others.
fn told_wrong(settings: &str, expected: &[&str]) {
    let mistakes = testing::mistakes::<DeliveryRates>(settings);
    let told: Vec<_> = mistakes.iter().map(|mistake| format!("{} {}", mistake.pointer, mistake.detail)).collect();
    let as_expected = told.iter().zip(expected).all(|(told, expected)| told.starts_with(expected));
    assert!(told.len() == expected.len() && as_expected, "{settings}: {told:?}");
}

#[test]
fn a_zone_that_nothing_reaches_is_a_mistake() {
    let zone = |rest: &str| format!(r#"{{"name": "Z", {rest}, "options": []}}"#);
    let hidden: &[&str] = &["/zones/1 is never reached: \"Z\" comes before it"];
    for (first, second, expected) in [
        (r#""countries": ["*"]"#, r#""countries": ["DE"]"#, hidden),
        (r#""countries": ["AT", "DE"]"#, r#""countries": ["DE"], "postcodes": ["1"]"#, hidden),
        (r#""countries": ["DE"], "postcodes": ["1", "2"]"#, r#""countries": ["DE"], "postcodes": ["2"]"#, hidden),
        (r#""countries": ["DE"]"#, r#""countries": ["*"]"#, &[]),
        (r#""countries": ["DE"]"#, r#""countries": ["DE", "AT"]"#, &[]),
        (r#""countries": ["DE"], "postcodes": ["1"]"#, r#""countries": ["DE"]"#, &[]),
        (r#""countries": ["DE"], "postcodes": ["1"]"#, r#""countries": ["DE"], "postcodes": ["1", "2"]"#, &[]),
        (r#""countries": ["*"], "currency": "USD""#, r#""countries": ["DE"]"#, &[]),
    ] {
        told_wrong(&format!(r#"{{"zones": [{}, {}]}}"#, zone(first), zone(second)), expected);
    }
}

#[test]
fn the_merchant_ships_by_hand_or_simulates_a_carrier() {
    let address = Address {
        name: String::new(),
        street: String::new(),
        city: String::new(),
        region: String::new(),
        postcode: String::new(),
        country: "DE".to_owned(),
        phone: String::new(),
    };
    let request = BookRequest {
        idempotency_key: "k".to_owned(),
        order_number: "1".to_owned(),
        option: "standard".to_owned(),
        address,
        shipment: parcel("DE", "", 1, 1),
    };
    assert!(matches!(plugin("{}").book(&request), Err(Error::Unsupported(_))));

    // But for a simulated carrier, which answers the same to the same key, and tells what the clock says.
    let simulated = r#"{"simulation": {"in_transit_after_seconds": 10, "delivered_after_seconds": 20,
                        "tracking_url": "https://track.example/{number}"}}"#;
    let (simulated, booked) = (plugin(simulated), request.shipment.now);
    let booking = simulated.book(&request).unwrap();
    assert_eq!(simulated.book(&request).unwrap().reference, booking.reference);
    let other = BookRequest { idempotency_key: "other".to_owned(), ..request.clone() };
    assert_ne!(simulated.book(&other).unwrap().reference, booking.reference);
    assert_eq!(booking.tracking_url, format!("https://track.example/{}", booking.tracking_number));
    for (after, events, cancelled) in [(0, 1, true), (9, 1, true), (10, 2, false), (19, 2, false), (20, 3, false)] {
        assert_eq!(simulated.track(&booking.reference, booked + after).unwrap().len(), events, "{after}");
        assert_eq!(simulated.cancel(&booking.reference, booked + after).unwrap(), cancelled, "{after}");
    }
    assert!(matches!(simulated.track("JD01", booked), Err(Error::Internal(_))));
    let down = plugin(r#"{"simulation": {"down": true}}"#);
    assert!(matches!(down.book(&request), Err(Error::Unavailable(_))));
}

#[test]
fn a_price_is_never_taken_for_one_in_another_currency() {
    let zone = |currency: &str, price: i64| {
        format!(
            r#"{{"name":"","countries":["DE"],{currency}"options":[{{"code":"standard","label":"L","price":{price}}}]}}"#
        )
    };
    let (usd, eur) = (r#""currency":"USD","#, r#""currency":"EUR","#);
    let mut parcel = parcel("DE", "10115", 500, 10_00);
    parcel.currency = "USD".to_owned();
    parcel.attributes = vec![("shop-currency".to_owned(), "EUR".to_owned())];
    let none = "zone: no zone holds DE 10115 with prices in USD";
    for (all, zones, expected) in [
        ("", vec![zone("", 490)], none),
        ("", vec![zone(eur, 490)], none),
        ("", vec![zone("", 490), zone(usd, 590)], "standard 590"),
        (usd, vec![zone("", 690)], "standard 690"),
        (usd, vec![zone(eur, 690)], none),
    ] {
        let settings = format!(r#"{{{all}"zones":[{}]}}"#, zones.join(","));
        assert_eq!(told(&settings, &parcel), [expected], "{settings}");
    }
    assert_eq!(told("{}", &parcel), ["pickup 0"], "what is free is free in every currency");
}
