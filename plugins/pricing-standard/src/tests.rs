use kassa_sdk::Money;
use kassa_sdk::pricing::{Adjustment, CouponState, Error, Pricing, Quote, Request, Target, TaxLine};
use kassa_sdk::testing::{self, Cart, cart};

use super::StandardPricing;

fn price(settings: &str, cart: Cart) -> (Request, Quote) {
    let plugin: StandardPricing = testing::settings(settings).unwrap();
    plugin.check().unwrap();
    let request = cart.request();
    let quote = plugin.price(&request).unwrap();
    (request, quote)
}

/// `line0 coupon-x -100` for each adjustment, `order tax-1900 160 included` for each tax.
fn told(quote: &Quote) -> Vec<String> {
    let place = |target| match target {
        Target::Line(index) => format!("line{index}"),
        Target::Order => "order".to_owned(),
        Target::Delivery => "delivery".to_owned(),
    };
    let adjustments = quote
        .adjustments
        .iter()
        .map(|adjustment| format!("{} {} {}", place(adjustment.target), adjustment.code, adjustment.amount));
    let taxes = quote.taxes.iter().map(|tax| {
        let included = if tax.included { " included" } else { "" };
        format!("{} {} {}{included}", place(tax.target), tax.code, tax.amount)
    });
    adjustments.chain(taxes).collect()
}

#[track_caller]
fn check(settings: &str, cart: Cart, adjustments: &[&str], total: i32) {
    let (request, quote) = price(settings, cart);
    assert_eq!(told(&quote), adjustments);
    assert_eq!(testing::total(&request, &quote), Money::from(total));
}

/// Two mugs of 5.00, a book of 20.00, delivery of 4.90.
fn mugs_and_book() -> Cart {
    cart().line_in("home/kitchen", "mug", 2, 5_00).line_in("books", "atlas", 1, 20_00).delivery("standard", 4_90)
}

#[test]
fn without_settings_nothing_is_added() {
    check("{}", mugs_and_book(), &[], 34_90);
}

#[test]
fn discounts() {
    #[rustfmt::skip]
    let cases: &[(&str, &[&str], i32)] = &[
        // percentage of everything; of a category; of a SKU; of a category that only looks alike
        (r#"{"code":"all","percent_bp":1000}"#, &["order all -300"], 31_90),
        (r#"{"code":"home","percent_bp":1000,"applies_to":{"categories":["home"]}}"#, &["line0 home -100"], 33_90),
        (r#"{"code":"atlas","percent_bp":1000,"applies_to":{"skus":["atlas"]}}"#, &["line1 atlas -200"], 32_90),
        (r#"{"code":"ho","percent_bp":1000,"applies_to":{"categories":["ho"]}}"#, &[], 34_90),
        // a fixed amount; shared out over what it applies to; never more than that costs
        (r#"{"code":"five","amount":500}"#, &["order five -500"], 29_90),
        (r#"{"code":"one","amount":100,"applies_to":{"skus":["atlas","mug"]}}"#, &["line0 one -33", "line1 one -67"], 33_90),
        (r#"{"code":"much","amount":99999}"#, &["order much -3000"], 4_90),
        (r#"{"code":"much","amount":99999,"applies_to":{"skus":["mug"]}}"#, &["line0 much -1000"], 24_90),
        (r#"{"code":"gift","percent_bp":10000}"#, &["order gift -3000"], 4_90),
        // the minimum is reached, is missed by a cent
        (r#"{"code":"min","amount":100,"minimum":3000}"#, &["order min -100"], 33_90),
        (r#"{"code":"min","amount":100,"minimum":3001}"#, &[], 34_90),
        // the window: 2026-01-01T12:00:00Z is now
        (r#"{"code":"now","amount":100,"valid_from":"2026-01-01T12:00:00Z"}"#, &["order now -100"], 33_90),
        (r#"{"code":"soon","amount":100,"valid_from":"2026-01-01T12:00:01Z"}"#, &[], 34_90),
        (r#"{"code":"past","amount":100,"valid_until":"2026-01-01T12:00:00Z"}"#, &[], 34_90),
    ];
    for (discount, adjustments, total) in cases {
        let discount = discount.replacen('{', r#"{"label":"Less","#, 1);
        check(&format!(r#"{{"discounts":[{discount}]}}"#), mugs_and_book(), adjustments, *total);
    }
}

#[test]
fn stacking() {
    #[rustfmt::skip]
    let cases: &[(&str, &[&str], i32)] = &[
        // each takes its part of what the one before left: 30.00, 27.00, 21.60
        (r#"{"code":"a","percent_bp":1000},{"code":"b","percent_bp":2000}"#, &["order a -300", "order b -540"], 26_50),
        // the priority decides which is before
        (r#"{"code":"a","amount":1000,"priority":2},{"code":"b","percent_bp":1000,"priority":1}"#, &["order b -300", "order a -1000"], 21_90),
        // an exclusive one stands alone, where it is better
        (r#"{"code":"a","percent_bp":1000},{"code":"b","percent_bp":2000},{"code":"c","percent_bp":3000,"exclusive":true}"#, &["order c -900"], 25_90),
        (r#"{"code":"a","percent_bp":1000},{"code":"b","percent_bp":2000},{"code":"c","percent_bp":2500,"exclusive":true}"#, &["order a -300", "order b -540"], 26_50),
        // the better of two exclusive ones; the first where they are equal
        (r#"{"code":"a","amount":100,"exclusive":true},{"code":"b","amount":200,"exclusive":true}"#, &["order b -200"], 32_90),
        (r#"{"code":"a","amount":200,"exclusive":true},{"code":"b","amount":200,"exclusive":true}"#, &["order a -200"], 32_90),
        // nothing left: the second takes nothing
        (r#"{"code":"a","percent_bp":10000},{"code":"b","amount":100}"#, &["order a -3000"], 4_90),
    ];
    for (discounts, adjustments, total) in cases {
        let discounts = discounts.replace(r#"{"code""#, r#"{"label":"Less","code""#);
        check(&format!(r#"{{"discounts":[{discounts}]}}"#), mugs_and_book(), adjustments, *total);
    }
}

#[test]
fn coupons() {
    let settings = r#"{"coupons": [
        {"code": "WELCOME10", "label": "Welcome", "percent_bp": 1000},
        {"code": "OLD", "label": "Old", "amount": 100, "valid_until": "2025-12-31T00:00:00Z"},
        {"code": "BIG", "label": "Big", "amount": 500, "minimum": 10000},
        {"code": "TOYS", "label": "Toys", "amount": 500, "applies_to": {"categories": ["toys"]}},
        {"code": "СКИДКА5", "label": "Скидка", "percent_bp": 500},
        {"code": "HALF", "label": "Half", "percent_bp": 5000, "exclusive": true}
    ]}"#;
    // Coupons typed, adjustments, and what became of each coupon.
    type Case<'a> = (&'a [&'a str], &'a [&'a str], &'a [(CouponState, &'a str)]);
    use CouponState::{Applied, Expired, NotApplicable, Unknown};
    #[rustfmt::skip]
    let cases: &[Case] = &[
        (&["welcome10"], &["order coupon-welcome10 -300"], &[(Applied, "")]),
        // twice counts once, and both are told so
        (&["WELCOME10", "Welcome10"], &["order coupon-welcome10 -300"], &[(Applied, ""), (Applied, "")]),
        (&["скидка5"], &["order coupon-скидка5 -150"], &[(Applied, "")]),
        (&["NOPE"], &[], &[(Unknown, "")]),
        (&["OLD"], &[], &[(Expired, "")]),
        (&["BIG"], &[], &[(NotApplicable, "For goods of 100.00 EUR or more")]),
        (&["TOYS"], &[], &[(NotApplicable, "Not for these goods")]),
        (&["WELCOME10", "HALF"], &["order coupon-half -1500"], &[(NotApplicable, "You have a better discount"), (Applied, "")]),
    ];
    for (coupons, adjustments, outcomes) in cases {
        let cart = coupons.iter().fold(mugs_and_book(), |cart, code| cart.coupon(code));
        let (_, quote) = price(settings, cart);
        assert_eq!(told(&quote), *adjustments, "{coupons:?}");
        let told: Vec<_> = quote.coupons.iter().map(|outcome| (outcome.state, outcome.text.as_str())).collect();
        assert_eq!(told, *outcomes, "{coupons:?}");
    }
    let (_, quote) = price(settings, cart().line("pin", 1, 4).coupon("WELCOME10"));
    assert_eq!(quote.coupons[0].text, "There is nothing to take it off", "10 % of 0.04 is nothing");
    let (_, quote) = price(settings, mugs_and_book().coupon("BIG").locale("RU-ru"));
    assert_eq!(quote.coupons[0].text, "Действует при покупке от 100.00 EUR");
}

#[test]
fn more_offers_than_an_answer_holds_are_left_out() {
    let rule = |index: usize, scope: &str| format!(r#"{{"code":"c{index}","label":"C","amount":1{scope}}}"#);
    for (scope, count) in [(r#","applies_to":{"skus":["atlas"]}"#, 16), ("", 80)] {
        let rules: Vec<String> = (0..200).map(|index| rule(index, scope)).collect();
        let settings = format!(r#"{{"discounts":[{}]}}"#, rules.join(","));
        let (request, quote) = price(&settings, mugs_and_book());
        assert_eq!(quote.adjustments.len(), count);
        assert_eq!(testing::total(&request, &quote), Money::from(34_90 - count as i32));
    }
}

#[test]
fn volume_tiers() {
    let steps = r#""label": "Volume", "steps": [{"from": 2, "percent_bp": 1000}, {"from": 10, "percent_bp": 2000}]"#;
    let by_line = format!(r#"{{"tiers": [{{"code": "volume", "by": "line-quantity", {steps}}}]}}"#);
    for (quantity, adjustments, total) in [
        (1, &[][..], 5_00),
        (2, &["line0 volume -100"][..], 9_00),
        (9, &["line0 volume -450"][..], 40_50),
        (10, &["line0 volume -1000"][..], 40_00),
    ] {
        check(&by_line, cart().line("mug", quantity, 5_00), adjustments, total);
    }
    let by_value = r#"{"tiers": [{"code": "much", "label": "Much", "by": "order-value",
        "steps": [{"from": 5000, "percent_bp": 500}, {"from": 10000, "percent_bp": 1000}]}]}"#;
    for (price, adjustments, total) in
        [(4_999, &[][..], 4_999), (5_000, &["order much -250"][..], 4_750), (10_000, &["order much -1000"][..], 9_000)]
    {
        check(by_value, cart().line("chair", 1, price), adjustments, total);
    }
}

#[test]
fn taxes() {
    let tax = |included: bool, more: &str| {
        format!(
            r#"{{"tax": {{"included": {included}, "home": "DE" {more}, "countries": [
                {{"country": "DE", "rate_bp": 1900, "categories": [
                    {{"category": "books", "rate_bp": 700}}, {{"category": "books/calendars", "rate_bp": 1900}}]}},
                {{"country": "FR", "rate_bp": 2000}}]}}}}"#
        )
    };
    // No address yet: the rates at home. 10.00 at 19 %, 20.00 at 7 %, 4.90 at 19 %.
    let included = ["order tax-1900 160 included", "order tax-700 131 included", "delivery tax-1900 78 included"];
    check(&tax(true, ""), mugs_and_book(), &included, 34_90);
    check(&tax(true, ""), mugs_and_book().to("DE", "10115"), &included, 34_90);
    let added = ["order tax-1900 190", "order tax-700 140", "delivery tax-1900 93"];
    check(&tax(false, ""), mugs_and_book(), &added, 39_13);
    check(&tax(false, r#", "on_delivery": false"#), mugs_and_book(), &added[..2], 38_20);
    // One rate: one rounding.
    check(&tax(false, ""), mugs_and_book().to("FR", "75001"), &["order tax-2000 600", "delivery tax-2000 98"], 41_88);
    // Exports are tax-free, unless there is a rate for elsewhere.
    check(&tax(false, ""), mugs_and_book().to("US", "10001"), &[], 34_90);
    let elsewhere = ["order tax-500 150", "delivery tax-500 25"];
    check(&tax(false, r#", "elsewhere_bp": 500"#), mugs_and_book().to("US", "10001"), &elsewhere, 36_65);
    // The longest category counts.
    let calendar = cart().line_in("books/calendars/2026", "cats", 1, 10_000);
    check(&tax(false, ""), calendar, &["order tax-1900 1900"], 11_900);
}

#[test]
fn tax_is_on_what_discounts_and_earlier_plugins_leave() {
    let settings = r#"{"discounts": [{"code": "half", "label": "Half", "percent_bp": 5000}],
        "tax": {"included": false, "home": "DE", "countries": [{"country": "DE", "rate_bp": 1000}]}}"#;
    let earlier = |target, minor: i32| Adjustment::discount(target, "earlier", "Earlier", Money::from(minor));
    let cart = mugs_and_book().so_far(earlier(Target::Line(0), 4_00)).so_far(earlier(Target::Order, 6_00));
    // 30.00 less 4.00 less 6.00 is 20.00, half of it 10.00.
    let cart = cart.so_far(earlier(Target::Delivery, 90));
    check(settings, cart.clone(), &["order half -1000", "order tax-1000 100", "delivery tax-1000 40"], 15_40);
    // A tax that was there before is not taxed, and stays.
    let cart = cart.tax_so_far(TaxLine::of(Target::Line(0), "sugar", "Sugar", Money::from(50), false));
    check(settings, cart, &["order half -1000", "order tax-1000 100", "delivery tax-1000 40"], 15_90);
}

#[test]
fn a_tax_says_its_rate_and_what_it_is_on() {
    let tax = |included: bool| {
        let (_, quote) = price(
            &format!(
                r#"{{"tax": {{"included": {included}, "home": "DE", "countries": [{{"country": "DE", "rate_bp": 1900}}]}}}}"#
            ),
            cart().line("lamp", 1, 11_900).delivery("standard", 4_90),
        );
        quote.taxes.iter().map(|tax| (tax.rate_ppm, tax.base, tax.amount)).collect::<Vec<_>>()
    };
    assert_eq!(tax(true), [(Some(190_000), Some(10_000), 19_00), (Some(190_000), Some(4_12), 78)]);
    assert_eq!(tax(false), [(Some(190_000), Some(11_900), 22_61), (Some(190_000), Some(4_90), 93)]);
}

#[test]
fn a_shared_discount_lowers_the_tax_of_every_rate() {
    let settings = r#"{"discounts": [{"code": "three", "label": "Less", "amount": 300}],
        "tax": {"included": false, "home": "DE", "on_delivery": false, "countries": [
            {"country": "DE", "rate_bp": 2000, "categories": [{"category": "books", "rate_bp": 1000}]}]}}"#;
    // 10.00 and 20.00 become 9.00 and 18.00.
    check(settings, mugs_and_book(), &["order three -300", "order tax-2000 180", "order tax-1000 180"], 35_50);
}

#[test]
fn whatever_the_rules_no_line_goes_below_zero() {
    let settings = r#"{"tiers": [{"code": "t", "label": "T", "by": "line-quantity", "steps": [{"from": 1, "percent_bp": 9000}]}],
        "discounts": [
            {"code": "a", "label": "A", "percent_bp": 9000}, {"code": "b", "label": "B", "amount": 700, "applies_to": {"skus": ["s1"]}},
            {"code": "c", "label": "C", "amount": 300}],
        "tax": {"included": true, "home": "DE", "countries": [{"country": "DE", "rate_bp": 1900}]}}"#;
    for price in [0, 1, 2, 3, 99, 101, 12_345, 1_000_000_007] {
        for quantity in [1, 3, 7] {
            let cart = cart().line("s1", quantity, price).line("s2", 1, price / 3).line("s3", 2, 0);
            let (request, quote) = self::price(settings, cart);
            testing::total(&request, &quote); // asserts it
        }
    }
}

#[test]
fn amounts_beyond_the_range_are_errors() {
    let plugin: StandardPricing = testing::settings("{}").unwrap();
    let request = cart().line("gold", 1_000_000, Money::MAX.minor()).request();
    assert!(matches!(plugin.price(&request), Err(Error::Internal(_))));
}

#[test]
fn settings_are_checked_before_activation() {
    #[rustfmt::skip]
    let cases = [
        (r#"{"discounts":[{"code":"a","label":"A"}]}"#, "discounts[0].percent_bp: needs either"),
        (r#"{"discounts":[{"code":"a","label":"A","percent_bp":1,"amount":1}]}"#, "discounts[0].percent_bp: needs either"),
        (r#"{"discounts":[{"code":"a","label":"A","percent_bp":10001}]}"#, "discounts[0].percent_bp: must be 1 to 10000"),
        (r#"{"discounts":[{"code":"a","label":"A","amount":-1}]}"#, "discounts[0].amount: must be more than 0"),
        (r#"{"discounts":[{"code":"","label":"A","amount":1}]}"#, "discounts[0].code: must have 1 to 50"),
        (r#"{"coupons":[{"code":"a","label":"A","amount":1},{"code":"A","label":"A","amount":1}]}"#, "coupons[1].code: A is there twice"),
        (r#"{"coupons":[{"code":"Ж","label":"A","amount":1},{"code":"ж","label":"A","amount":1}]}"#, "coupons[1].code: ж is there twice"),
        (r#"{"discounts":[{"code":"a","label":"A\t10 %","amount":1}]}"#, "discounts[0].label: has control characters"),
        (r#"{"discounts":[{"code":"a\n","label":"A","amount":1}]}"#, "discounts[0].code: has control characters"),
        (r#"{"discounts":[{"code":"a","label":"A","amount":1,"applies_to":{"categories":["home/"]}}]}"#, "discounts[0].applies_to.categories: \"home/\""),
        (r#"{"tiers":[{"code":"a","label":"A","by":"line-quantity","steps":[{"from":1,"percent_bp":1}],"applies_to":{"categories":["Home"]}}]}"#, "tiers[0].applies_to.categories"),
        (r#"{"tax":{"included":true,"home":"DE","countries":[{"country":"DE","rate_bp":1,"categories":[{"category":"/books","rate_bp":1}]}]}}"#, "tax.countries[0].categories: \"/books\""),
        (r#"{"tax":{"included":true,"label":"V\tAT","home":"DE","countries":[{"country":"DE","rate_bp":1}]}}"#, "tax.label: has control characters"),
        (r#"{"coupons":[{"code":"a","label":"A","amount":1,"valid_from":"2026-01-02T00:00:00Z","valid_until":"2026-01-01T00:00:00Z"}]}"#, "coupons[0].valid_until"),
        (r#"{"coupons":[{"code":"a","label":"A","amount":1,"valid_from":"tomorrow"}]}"#, "coupons[0].valid_from: not a time"),
        (r#"{"coupons":[{"code":"a","label":"A","amount":1.5}]}"#, "coupons[0].amount"),
        (r#"{"tiers":[{"code":"a","label":"A","by":"line-quantity","steps":[]}]}"#, "tiers[0].steps: needs at least one"),
        (r#"{"tiers":[{"code":"a","label":"A","by":"moon","steps":[]}]}"#, "tiers[0].by: unknown variant"),
        (r#"{"tax":{"included":true,"home":"DE","countries":[]}}"#, "tax.home: \"DE\" is not in countries"),
        (r#"{"tax":{"included":true,"home":"de","countries":[{"country":"de","rate_bp":1}]}}"#, "tax.countries[0].country"),
        (r#"{"typo":1}"#, "typo: unknown field"),
    ];
    for (settings, expected) in cases {
        let answer = testing::settings(settings).and_then(|plugin: StandardPricing| plugin.price(&cart().request()));
        match answer {
            Err(Error::InvalidSettings(text)) => assert!(text.starts_with(expected), "{settings}: {text}"),
            other => panic!("{settings}: {other:?}"),
        }
    }
}

#[test]
fn the_demo_settings_are_good() {
    let settings = include_str!("../demo-settings.json");
    check(settings, mugs_and_book().coupon("welcome10").to("US", "10001"), &["order coupon-welcome10 -300"], 31_90);
}

/// A cart in dollars, in a shop whose own currency is the euro.
fn in_dollars() -> Cart {
    mugs_and_book().currency("USD", 2).attribute("shop-currency", "EUR")
}

#[test]
fn an_amount_is_never_taken_for_one_in_another_currency() {
    #[rustfmt::skip]
    let cases: &[(&str, &str, &[&str])] = &[
        // without a currency, amounts are in the shop's own; percentages are in none
        ("", r#"{"code":"five","amount":500}"#, &[]),
        ("", r#"{"code":"min","percent_bp":1000,"minimum":1}"#, &[]),
        ("", r#"{"code":"ten","percent_bp":1000}"#, &["order ten -300"]),
        ("", r#"{"code":"five","amount":500,"currency":"USD"}"#, &["order five -500"]),
        ("", r#"{"code":"ten","percent_bp":1000,"currency":"EUR"}"#, &[]),
        (r#""currency":"USD","#, r#"{"code":"five","amount":500}"#, &["order five -500"]),
        (r#""currency":"EUR","#, r#"{"code":"five","amount":500}"#, &[]),
        (r#""currency":"USD","#, r#"{"code":"five","amount":500,"currency":"EUR"}"#, &[]),
    ];
    for (currency, discount, adjustments) in cases {
        let discount = discount.replacen('{', r#"{"label":"Less","#, 1);
        let (_, quote) = price(&format!(r#"{{{currency}"discounts":[{discount}]}}"#), in_dollars());
        assert_eq!(told(&quote), *adjustments, "{currency}{discount}");
    }
    let tier = r#"{"tiers":[{"code":"value","label":"V","by":"order-value","steps":[{"from":1,"percent_bp":1000}]}]}"#;
    assert_eq!(told(&price(tier, in_dollars()).1), [""; 0]);
    assert_eq!(told(&price(tier, mugs_and_book()).1), ["order value -300"]);
}

#[test]
fn a_coupon_may_have_an_entry_for_each_currency() {
    let settings = r#"{"coupons":[{"code":"five","label":"Five","amount":500},
        {"code":"FIVE","label":"Six","amount":600,"currency":"USD"}]}"#;
    assert_eq!(told(&price(settings, mugs_and_book().coupon("five")).1), ["order coupon-five -500"]);
    assert_eq!(told(&price(settings, in_dollars().coupon("five")).1), ["order coupon-five -600"]);
    let pounds = mugs_and_book().currency("GBP", 2).attribute("shop-currency", "EUR").coupon("five");
    let (_, quote) = price(settings, pounds);
    let outcome = &quote.coupons[0];
    assert_eq!((outcome.state, outcome.text.as_str()), (CouponState::NotApplicable, "Not for a cart in GBP"));
}

#[test]
fn rules_for_groups_leave_others_alone() {
    let settings = r#"{"discounts":[{"code":"trade","label":"Trade","percent_bp":1000,"groups":["trade","staff"]}],
        "tiers":[{"code":"many","label":"Many","by":"line-quantity","groups":["trade"],"steps":[{"from":2,"percent_bp":1000}]}],
        "coupons":[{"code":"c","label":"C","amount":100,"groups":["staff"]}]}"#;
    let of = |group| mugs_and_book().customer("1", 0).group(group);
    assert_eq!(told(&price(settings, mugs_and_book()).1), [""; 0]);
    assert_eq!(told(&price(settings, of("friends")).1), [""; 0]);
    assert_eq!(told(&price(settings, of("staff")).1), ["order trade -300"]);
    assert_eq!(told(&price(settings, of("trade")).1), ["line0 many -100", "order trade -290"]);
    let (_, quote) = price(settings, of("trade").coupon("c"));
    assert_eq!(quote.coupons[0].text, "Not for you");
    assert_eq!(price(settings, of("staff").coupon("c")).1.coupons[0].state, CouponState::Applied);
}
