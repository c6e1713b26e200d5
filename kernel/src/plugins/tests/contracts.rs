//! A plugin that was built for contract 0.1.0 of pricing, beside those of the latest.

use super::pricing::{Adjustment, Contract, Kind, Quote, Target};
use super::*;

/// See kernel/tests/frozen/README.md.
const FROZEN: &[u8] = include_bytes!("../../../tests/frozen/pricing-standard-0.0.1.wasm");

/// 10.00 off above 50.00, a coupon, and 19 % tax.
fn rules(included: bool) -> String {
    format!(
        r#"{{
            "discounts": [{{"code": "ten", "label": "10.00 off", "amount": 1000, "minimum": 5000}}],
            "coupons": [{{"code": "HALF", "label": "Half", "percent_bp": 5000, "priority": 1}}],
            "tax": {{"included": {included}, "home": "DE", "countries": [{{"country": "DE", "rate_bp": 1900}}]}}
        }}"#
    )
}

/// The same rules in the words of either contract.
async fn bind(fixture: &Fixture, contract: Contract, settings: &str) -> Arc<Bound> {
    let bound = match contract {
        Contract::Since0_1 => {
            let component = fixture.host.load(FROZEN).await.expect("it loads");
            Arc::new(Bound::new(component, settings))
        }
        Contract::Since0_2 => fixture.bind("pricing-standard", settings).await,
    };
    assert_eq!((Contract::of(&bound), bound.name()), (contract, "pricing-standard"));
    bound
}

/// What a quote adds, without what its taxes were made of.
fn told(adjustments: &[Adjustment]) -> Vec<String> {
    let place = |target: &Target| match target {
        Target::Line(index) => format!("line{index}"),
        Target::Order => "order".to_owned(),
        Target::Delivery => "delivery".to_owned(),
    };
    let told = adjustments.iter().map(|Adjustment { target, kind, code, label, amount, .. }| {
        format!("{} {} {code} {label} {amount}", place(target), kind.name())
    });
    told.collect()
}

fn taxes(quote: &Quote) -> Vec<&Adjustment> {
    let is_tax = |adjustment: &&Adjustment| matches!(adjustment.kind, Kind::Tax | Kind::TaxIncluded);
    quote.adjustments.iter().filter(is_tax).collect()
}

#[tokio::test]
async fn a_plugin_of_the_old_contract_prices_as_its_successor_does() {
    let fixture = Fixture::new(&small());
    for included in [true, false] {
        let old = bind(&fixture, Contract::Since0_1, &rules(included)).await;
        let new = bind(&fixture, Contract::Since0_2, &rules(included)).await;
        for (prices, coupons, delivery) in [
            (&[10_00][..], &[][..], None),
            (&[49_99, 1], &["HALF", "NOPE"], Some(4_90)),
            (&[12_001; 30], &["half"], None),
        ] {
            let delivery = delivery.map(|amount| pricing::Delivery { option: "rates:standard".into(), amount });
            let coupons = coupons.iter().map(|code| (*code).to_owned()).collect();
            let request = Arc::new(pricing::Request { delivery, coupons, ..cart(prices) });
            let before = fixture.host.price(&old, &request).await.expect("a quote").value;
            let after = fixture.host.price(&new, &request).await.expect("a quote").value;
            assert_eq!(told(&before.adjustments), told(&after.adjustments));
            assert_eq!((&before.coupons, &before.messages), (&after.coupons, &after.messages));
            assert!(!taxes(&before).is_empty());
            assert!(taxes(&before).iter().all(|tax| (tax.rate_ppm, tax.base) == (None, None)), "{before:?}");
            assert!(taxes(&after).iter().all(|tax| tax.rate_ppm == Some(190_000) && tax.base.is_some()), "{after:?}");
        }
    }
}

#[tokio::test]
async fn plugins_of_both_contracts_stand_in_one_chain() {
    let fixture = Fixture::new(&small());
    let taxing = r#"{"tax": {"included": false, "home": "DE", "countries": [{"country": "DE", "rate_bp": 1900}]}}"#;
    let lowering = r#"{"discounts": [{"code": "tenth", "label": "10 %", "percent_bp": 1000}]}"#;
    for (settings, told_by_both, base, total) in [
        // A tax that was there before is no part of the price that is lowered.
        ([taxing, lowering], ["order tax tax-1900 VAT 19 % 1900", "order discount tenth 10 % -1000"], 10_000, 10_900),
        ([lowering, taxing], ["order discount tenth 10 % -1000", "order tax tax-1900 VAT 19 % 1710"], 90_00, 10_710),
    ] {
        for first in Contract::ALL {
            for second in Contract::ALL {
                let chain = [bind(&fixture, first, settings[0]).await, bind(&fixture, second, settings[1]).await];
                let priced = fixture.host.price_chain(&chain, cart(&[10_000])).await.expect("a price");
                assert_eq!(told(&priced.adjustments), told_by_both, "{first:?} {second:?}");
                assert_eq!(priced.totals.total, total);
                let taxed_by = if settings[0] == taxing { first } else { second };
                let made_of = match taxed_by {
                    Contract::Since0_1 => (None, None),
                    Contract::Since0_2 => (Some(190_000), Some(base)),
                };
                let tax = priced.adjustments.iter().find(|adjustment| adjustment.kind == Kind::Tax).expect("a tax");
                assert_eq!((tax.rate_ppm, tax.base), made_of);
            }
        }
    }
}

/// Each hears in its own words what the one before it added.
#[tokio::test]
async fn taxes_are_said_on_in_the_words_of_each() {
    let fixture = Fixture::new(&small());
    let taxing = r#"{"tax": {"included": true, "home": "DE", "countries": [{"country": "DE", "rate_bp": 1900}]}}"#;
    for (first, second, heard) in [
        (
            Contract::Since0_1,
            Contract::Since0_2,
            r#""so_far":[],"taxes_so_far":[{"target":"Order","code":"tax-1900","label":"VAT 19 %","rate_ppm":null,"base":null,"amount":1900,"included":true}]"#,
        ),
        (
            Contract::Since0_2,
            Contract::Since0_1,
            r#""so_far":[{"target":"Order","kind":"TaxIncluded","code":"tax-1900","label":"VAT 19 %","amount":1900}],"attributes""#,
        ),
        (
            Contract::Since0_2,
            Contract::Since0_2,
            r#""so_far":[],"taxes_so_far":[{"target":"Order","code":"tax-1900","label":"VAT 19 %","rate_ppm":190000,"base":10000,"amount":1900,"included":true}]"#,
        ),
    ] {
        let chain = [bind(&fixture, first, taxing).await, bind(&fixture, second, "{}").await];
        let priced = fixture.host.price_chain(&chain, cart(&[11_900])).await.expect("a price");
        let recorded = priced.links[1].request.recorded(second);
        assert!(recorded.contains(heard), "{recorded}");
    }
}
