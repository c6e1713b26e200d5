//! Why something costs what it costs, and why it cannot be delivered in some way: for staff, down to each plugin.

use kassa::carts::FallbackRate;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::components::{HOSTILE, PERCENT_V1};
use crate::support::merchant::{Merchant, NOBODY};
use crate::support::shopper::{Shopper, address};

async fn upload(merchant: &Merchant<'_>, wasm: &[u8]) {
    let request =
        merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url)).bearer_auth(&merchant.token);
    Answer::of(request.header("content-type", "application/wasm").body(wasm.to_vec())).await.expect(201);
}

/// Puts the standard plugin in force with others behind it.
async fn chain(merchant: &Merchant<'_>, others: &[Value]) {
    let plugins = [&[json!({ "name": "pricing-standard" })], others].concat();
    merchant.put("/v1/admin/bindings/pricing", json!({ "plugins": plugins })).await.expect(200);
}

fn hostile(mode: &str) -> Value {
    json!({ "name": "hostile-pricing", "settings": { "mode": mode, "spare_probe": true } })
}

fn price_of(cart: &str) -> String {
    format!("/v1/admin/carts/{cart}/price")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("no list: {value}"))
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

/// What all that was added comes to, on top of `before`.
fn after(before: i64, step: &Value) -> i64 {
    let counted = list(&step["added"]).iter().filter(|added| added["kind"] != "tax-included");
    before + counted.map(|added| number(&added["amount"])).sum::<i64>()
}

/// Goes through the chain, and answers where it ends; every step says the same on the way.
fn add_up(price: &Value) -> i64 {
    let mut total = number(&price["goods_total"]) + number(&price["delivery_total"]);
    for step in list(&price["pricing"]) {
        total = after(total, step);
        assert_eq!(step["total_after"], total, "{price}");
    }
    total
}

/// A price without what differs between two calls of the same.
fn without_times(price: &Value) -> Value {
    let mut price = price.clone();
    for steps in ["/pricing", "/delivery/asked"] {
        for step in price.pointer_mut(steps).unwrap().as_array_mut().unwrap() {
            assert!(step["microseconds"].is_u64() && number(&step["fuel"]) > 0, "{step}");
            step.as_object_mut().unwrap().remove("microseconds");
        }
    }
    price
}

api_test! {
    /// Two plugins, a coupon, a tax and a delivery: the parts come to the whole, of the cart and of the order that it becomes.
    async fn a_price_is_explained_to_the_cent(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1).await;
        chain(&merchant, &[json!({ "name": "percent-off" })]).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 3).await;
        // So many that the standard plugin takes something off the line.
        shopper.add("FILTER-PAPER-100", 12).await.expect(200);
        shopper.put("delivery-option", json!({ "id": "delivery-rates:express" })).await.expect(200);
        shopper.put("coupons", json!({ "coupons": ["WELCOME10", "NOBODY"] })).await.expect(200);
        let cart = shopper.show().await;
        let price = merchant.get(&price_of(&shopper.cart)).await.expect(200);
        assert_eq!((&price["currency"], &price["goods_total"]), (&cart["currency"], &cart["goods_total"]), "{price}");
        assert_eq!((&price["delivery_total"], &price["total"]), (&cart["delivery_total"], &cart["total"]));
        assert_eq!((add_up(&price), &price["fault"]), (number(&cart["total"]), &json!(null)));
        assert_eq!((&price["coupons"], &price["chosen_delivery"]), (&cart["coupons"], &cart["delivery"]["id"]));
        let steps = list(&price["pricing"]);
        let who: Vec<_> = steps.iter().map(|step| (&step["plugin"], &step["generation"], &step["fault"])).collect();
        let (first, second) = (json!("pricing-standard"), json!("percent-off"));
        assert_eq!(who, [(&first, &json!(2), &json!(null)), (&second, &json!(2), &json!(null))]);
        let digest = merchant.get("/v1/admin/plugins/percent-off").await.expect(200)["versions"][0]["digest"].clone();
        assert_eq!((&steps[1]["version"], &steps[1]["digest"]), (&json!("1.0.0"), &digest));
        assert!(number(&steps[1]["memory_bytes"]) >= 65_536, "{price}");
        // A tenth of the goods, in one amount for all of them; the lines of the other name their goods.
        let off = number(&price["goods_total"]) / 10;
        let added = json!([{
            "kind": "discount", "code": "percent-off-v1", "label": "10 % off", "amount": -off, "rate_ppm": null, "base": null,
            "target": "order", "line": null, "sku": null,
        }]);
        assert_eq!(steps[1]["added"], added);
        let tax = list(&steps[0]["added"]).iter().find(|added| added["kind"] == "tax-included").unwrap();
        assert_eq!((&tax["rate_ppm"], tax["base"].is_i64()), (&json!(190_000), true), "{tax}");
        let skus: Vec<_> = list(&cart["lines"]).iter().map(|line| &line["sku"]).collect();
        let of_lines = list(&steps[0]["added"]).iter().filter(|added| added["target"] == "line");
        assert!(of_lines.clone().count() > 0, "{price}");
        assert!(of_lines.clone().all(|added| *skus[number(&added["line"]) as usize] == added["sku"]), "{price}");
        let decided: Vec<_> = list(&steps[0]["coupons"]).iter().map(|coupon| (&coupon["code"], &coupon["state"])).collect();
        assert!(decided.contains(&(&json!("WELCOME10"), &json!("applied"))), "{price}");

        let order = shopper.check_out("tok-approve").await.expect(201);
        let of_order = merchant.get(&format!("/v1/admin/orders/{}/price", order["id"].as_str().unwrap())).await.expect(200);
        assert_eq!((add_up(&of_order), &of_order["total"]), (number(&order["total"]), &order["total"]));
        assert_eq!(without_times(&of_order), without_times(&price), "the order is explained as its cart was");
    }
}

api_test! {
    /// What a shopper gets as `pricing-unavailable` is told to staff with what came before it.
    async fn a_plugin_that_fails_is_explained(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &HOSTILE).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let total = number(&shopper.show().await["total"]);
        for (mode, code, text) in [
            ("trap", "trapped", "unreachable"),
            ("error", "plugin-internal", "hostile-pricing was told to fail"),
            ("negative-total", "invalid-answer", "below zero"),
        ] {
            chain(&merchant, &[hostile(mode)]).await;
            shopper.send(Method::GET, "", None).await.problem("pricing-unavailable");
            let price = merchant.get(&price_of(&shopper.cart)).await.expect(200);
            let steps = list(&price["pricing"]);
            assert_eq!((steps.len(), &price["total"], &price["fault"]), (2, &json!(null), &json!(null)), "{price}");
            assert_eq!((&steps[0]["fault"], &steps[1]["plugin"]), (&json!(null), &json!("hostile-pricing")));
            assert_eq!((&steps[1]["fault"]["code"], &steps[1]["total_after"]), (&json!(code), &json!(null)));
            assert!(steps[1]["fault"]["text"].as_str().unwrap().contains(text), "{price}");
            assert!(number(&steps[1]["fuel"]) > 0 && steps[1]["added"] == json!([]), "{price}");
            // Nobody is asked to deliver what has no price: it came to the goods alone.
            assert_eq!((&price["delivery"]["asked"], &price["delivery_total"]), (&json!([]), &json!(0)));
            assert_eq!(steps[0]["total_after"], price["goods_total"]);
            assert_eq!(price["chosen_delivery"], "delivery-rates:standard");
        }
        chain(&merchant, &[hostile("log-odd")]).await;
        let price = merchant.get(&price_of(&shopper.cart)).await.expect(200);
        let lines = json!([
            { "level": "info", "text": "quiet" },
            { "level": "warn", "text": "forged\\r\\nline \\u{1b}[31m" },
        ]);
        assert_eq!((&price["pricing"][1]["log"], &price["total"]), (&lines, &json!(total)));
    }
}

api_test! {
    /// Too heavy for one, and a plugin that fails for all: each is told with the call that said so.
    async fn a_delivery_that_is_missing_is_explained(app: App) {
        let merchant = Merchant::of(&app).await;
        let shopper = Shopper::guest(&app).await;
        shopper.add("POT-GLASS-1L", 1).await.expect(200);
        let without = merchant.get(&price_of(&shopper.cart)).await.expect(200)["delivery"].clone();
        assert_eq!((&without["asked"], &without["refusals"][0]["code"]), (&json!([]), &json!("address")));
        shopper.put("address", address()).await.expect(200);
        let path = format!("/v1/admin/variants/{}", crate::support::stock::variant(&app, "POT-GLASS-1L").await);
        merchant.patch(&path, json!({ "weight_grams": 30_000 })).await.expect(200);
        let price = merchant.get(&price_of(&shopper.cart)).await.expect(200);
        let options = merchant.get(&price_of(&shopper.cart).replace("/price", "/delivery-options")).await.expect(200);
        assert_eq!(price["delivery"]["refusals"], options["refusals"]);
        assert_eq!((&price["chosen_delivery"], &price["delivery_total"]), (&json!(null), &json!(0)));
        let heavy = json!([{ "plugin": "delivery-rates", "code": "express", "reason": "heavier than 20 kg" }]);
        for asked in [&price["delivery"]["asked"], &options["asked"]] {
            let [asked] = list(asked) else { panic!("{asked}") };
            assert_eq!((&asked["plugin"], &asked["refusals"], &asked["fault"]), (&json!("delivery-rates"), &heavy, &json!(null)));
            assert_eq!((list(&asked["options"]).len(), number(&asked["fuel"]) > 0), (2, true));
        }

        let rate = FallbackRate {
            code: "standard".into(), label: "Whatever happens".into(), amount: 7_77, currency: None, countries: Vec::new(),
        };
        let shop = app.restart_with(move |config| {
            config.plugins.limits.delivery.answer_bytes = 1;
            config.carts.fallback_delivery = vec![rate];
        }).await;
        let merchant = Merchant::of(&shop).await;
        let price = merchant.get(&price_of(&shopper.cart)).await.expect(200);
        let asked: Vec<_> = list(&price["delivery"]["asked"]).iter().map(|asked| (&asked["plugin"], &asked["fault"]["code"])).collect();
        let (rates, fallback) = (json!("delivery-rates"), json!("fallback"));
        assert_eq!(asked, [(&rates, &json!("answer-too-large")), (&fallback, &json!(null))], "{price}");
        assert_eq!(price["delivery"]["options"][0]["id"], "fallback:standard");
        merchant.get(&price_of(NOBODY)).await.problem("not-found");
        merchant.get(&format!("/v1/admin/orders/{NOBODY}/price")).await.problem("not-found");
    }
}

api_test! {
    /// Drafts are explained while something is missing, and as what they cost when nothing is.
    async fn a_draft_is_explained_as_it_stands(app: App) {
        let merchant = Merchant::of(&app).await;
        let lines = json!([{ "sku": "TEA-SENCHA-100", "quantity": 2, "unit_price": 1_000, "price_reason": "a friend" }]);
        let draft = merchant.post("/v1/admin/drafts", json!({ "lines": lines })).await.expect(201);
        let path = format!("/v1/admin/drafts/{}", draft["id"].as_str().unwrap());
        let price = merchant.get(&format!("{path}/price")).await.expect(200);
        assert_eq!((&price["goods_total"], &price["delivery"]["refusals"][0]["code"]), (&json!(2_000), &json!("address")));
        assert_eq!((add_up(&price), &price["chosen_delivery"]), (number(&price["total"]), &json!(null)));
        let rest = json!({ "email": "ada@example.org", "address": address(), "delivery_option": "delivery-rates:standard" });
        let shown = merchant.patch(&path, rest).await.expect(200);
        let price = merchant.get(&format!("{path}/price")).await.expect(200);
        assert_eq!((add_up(&price), &price["total"]), (number(&shown["price"]["total"]), &shown["price"]["total"]), "{price}");
        assert_eq!(price["chosen_delivery"], "delivery-rates:standard");
        merchant.get(&format!("/v1/admin/drafts/{NOBODY}/price")).await.problem("not-found");
    }
}
