//! What a shopper is told that has become of their cart, and prices that are held.

use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::shopper::Shopper;
use crate::support::stock::{MAIN, Merchant};

const SKU: &str = "TEA-SENCHA-100";

/// The time for which prices are held is over.
async fn holds_run_out(app: &App) {
    let mut tx = app.shop.db().write().await.unwrap();
    sql::execute!(tx, "update cart_lines set held_until = created_at from carts where carts.id = cart_lines.cart_id")
        .unwrap();
    tx.commit().await.unwrap();
}

async fn price(merchant: &Merchant<'_>, price: i64) {
    let path = format!("variants/{}", merchant.variant);
    merchant.send(Method::PATCH, &path, json!({ "price": price })).await.expect(200);
}

/// Kind, before and after of each change.
fn changes(cart: &Value) -> Vec<(String, Value, Value)> {
    let change = |change: &Value| {
        (change["kind"].as_str().unwrap().to_owned(), change["before"].clone(), change["after"].clone())
    };
    cart["changes"].as_array().unwrap().iter().map(change).collect()
}

fn change(kind: &str, before: i64, after: i64) -> (String, Value, Value) {
    (kind.to_owned(), json!(before), json!(after))
}

async fn acknowledge(shopper: &Shopper<'_>, total: &Value) -> crate::support::app::Answer {
    shopper.send(Method::POST, "/changes/acknowledge", Some(json!({ "expected_total": total }))).await
}

api_test! {
    async fn a_rise_waits_until_the_price_is_held_no_more_and_is_told(app: App) {
        let merchant = Merchant::of(&app, SKU).await;
        let shopper = Shopper::ready(&app, SKU, 2).await;
        let cart = shopper.show().await;
        let held_until = cart["lines"][0]["price_held_until"].clone();
        assert!(held_until.is_string(), "{cart}");
        price(&merchant, 1_400).await;
        let cart = shopper.show().await;
        assert_eq!((&cart["lines"][0]["unit_price"], &cart["goods_total"]), (&json!(1_250), &json!(2_500)));
        assert_eq!(changes(&cart), []);
        // Neither a look nor a change prolongs a price that is lower than the catalog's; what is new costs the price of now.
        let cart = shopper.add("TEA-ASSAM-100", 1).await.expect(200);
        assert_eq!(cart["lines"][0]["price_held_until"], held_until);
        let fresh = Shopper::guest(&app).await;
        assert_eq!(fresh.add(SKU, 1).await.expect(200)["total"], 1_400);
        holds_run_out(&app).await;
        let told = shopper.show().await;
        assert_eq!(told["lines"][0]["unit_price"], 1_400);
        assert_eq!(changes(&told), [change("price_raised", 1_250, 1_400)]);
        assert_eq!(told["changes"][0]["line_id"], told["lines"][0]["id"]);
        assert_eq!(told["changes"][0]["sku"], SKU);
        // Told at every look and change, until it is acknowledged.
        let cart = shopper.add("TEA-ASSAM-100", 1).await.expect(200);
        assert_eq!(changes(&cart), [change("price_raised", 1_250, 1_400)]);
        let stale = acknowledge(&shopper, &told["total"]).await.problem("stale-quote");
        assert_eq!(changes(&stale["cart"]), [change("price_raised", 1_250, 1_400)]);
        assert_eq!(changes(&shopper.show().await).len(), 1, "nothing was acknowledged");
        let cart = acknowledge(&shopper, &cart["total"]).await.expect(200);
        assert_eq!(changes(&cart), []);
        assert_eq!(changes(&shopper.show().await), []);
        // What was shown is held again.
        price(&merchant, 1_500).await;
        assert_eq!(shopper.show().await["lines"][0]["unit_price"], 1_400);
    }
}

api_test! {
    async fn a_fall_applies_at_once_and_is_held_when_it_was_shown(app: App) {
        let merchant = Merchant::of(&app, SKU).await;
        let shopper = Shopper::ready(&app, SKU, 1).await;
        price(&merchant, 1_000).await;
        let cart = shopper.show().await;
        assert_eq!(cart["lines"][0]["unit_price"], 1_000);
        assert_eq!(changes(&cart), [change("price_lowered", 1_250, 1_000)]);
        price(&merchant, 1_250).await;
        let cart = shopper.show().await;
        assert_eq!(cart["lines"][0]["unit_price"], 1_000, "it was shown");
        assert_eq!(changes(&cart), [change("price_lowered", 1_250, 1_000)]);
        holds_run_out(&app).await;
        let cart = shopper.show().await;
        assert_eq!(cart["lines"][0]["unit_price"], 1_250);
        assert_eq!(changes(&cart), [], "as the shopper knows it");
    }
}

api_test! {
    /// Nothing is charged that was not shown; who looks away too long is told why.
    async fn a_stale_quote_says_what_changed(app: App) {
        let merchant = Merchant::of(&app, SKU).await;
        let shopper = Shopper::ready(&app, SKU, 1).await;
        let shown = shopper.show().await["total"].clone();
        price(&merchant, 1_400).await;
        holds_run_out(&app).await;
        let problem = shopper.check_out_at("tok-approve", shown.clone()).await.problem("stale-quote");
        assert_eq!(changes(&problem["cart"]), [change("price_raised", 1_250, 1_400)]);
        // The answer has shown the new price: it is held.
        price(&merchant, 1_600).await;
        let order = shopper.check_out_at("tok-approve", problem["cart"]["total"].clone()).await.expect(201);
        assert_eq!(order["lines"][0]["unit_price"], 1_400);
        // And what is held is what is charged, whatever the catalog says meanwhile.
        let shopper = Shopper::ready(&app, SKU, 1).await;
        let shown = shopper.show().await["total"].clone();
        price(&merchant, 2_000).await;
        let order = shopper.check_out_at("tok-approve", shown.clone()).await.expect(201);
        assert_eq!((&order["lines"][0]["unit_price"], &order["total"]), (&json!(1_600), &shown));
        crate::support::audit::audit(&app).await;
    }
}

api_test! {
    async fn without_holding_a_rise_applies_at_once(app: App) {
        let app = app.another(|config| config.carts.price_hold_minutes = 0).await;
        let merchant = Merchant::of(&app, SKU).await;
        let shopper = Shopper::ready(&app, SKU, 1).await;
        assert_eq!(shopper.show().await["lines"][0]["price_held_until"], Value::Null);
        price(&merchant, 1_400).await;
        let cart = shopper.show().await;
        assert_eq!(cart["lines"][0]["unit_price"], 1_400);
        assert_eq!(changes(&cart), [change("price_raised", 1_250, 1_400)]);
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_can_be_had_no_more_is_told_and_taken_out_by_acknowledging(app: App) {
        let pots = Merchant::of(&app, "POT-GLASS-1L").await;
        let shopper = Shopper::guest(&app).await;
        for (sku, quantity) in [("POT-GLASS-1L", 5), (SKU, 1), ("FILTER-PAPER-100", 1), ("TEA-ASSAM-100", 1)] {
            shopper.add(sku, quantity).await.expect(200);
        }
        let engraved = json!({ "sku": "POT-GLASS-1L", "quantity": 2, "attributes": { "engraving": "Ada" } });
        shopper.send(Method::POST, "/lines", Some(engraved)).await.expect(200);
        pots.count(MAIN, json!({ "on_hand": 6 })).await.expect(200);
        let product = app.get("/v1/products/sencha").await.expect(200);
        let archived = pots.send(Method::DELETE, &format!("products/{}", product["id"].as_str().unwrap()), json!(null)).await;
        archived.expect(204);
        let filters = Merchant::of(&app, "FILTER-PAPER-100").await;
        filters.send(Method::DELETE, &format!("variants/{}", filters.variant), json!(null)).await.expect(204);
        let cart = shopper.show().await;
        let expected = [change("unavailable", 1, 0), change("quantity_short", 2, 1), change("unavailable", 1, 0)];
        assert_eq!(changes(&cart), expected, "{cart}");
        let skus: Vec<_> = cart["changes"].as_array().unwrap().iter().map(|change| change["sku"].as_str().unwrap()).collect();
        assert_eq!(skus, [SKU, "POT-GLASS-1L", "FILTER-PAPER-100"]);
        assert_eq!(cart["lines"].as_array().unwrap().len(), 4, "what was deleted costs nothing: {cart}");
        let cart = acknowledge(&shopper, &cart["total"]).await.expect(200);
        assert_eq!(changes(&cart), []);
        let left: Vec<_> = cart["lines"].as_array().unwrap().iter().map(|line| line["quantity"].as_u64().unwrap()).collect();
        assert_eq!(left, [5, 1, 1], "{cart}");
        assert_eq!(changes(&shopper.show().await), []);
        // A line that is gone can be removed like any other.
        let other = Shopper::guest(&app).await;
        let assam = Merchant::of(&app, "TEA-ASSAM-100").await;
        other.add("TEA-ASSAM-100", 2).await.expect(200);
        assam.send(Method::DELETE, &format!("variants/{}", assam.variant), json!(null)).await.expect(204);
        let gone = other.show().await["changes"][0]["line_id"].as_str().unwrap().to_owned();
        let cart = other.send(Method::DELETE, &format!("/lines/{gone}"), None).await.expect(200);
        assert_eq!(changes(&cart), []);
    }
}

api_test! {
    async fn a_coupon_that_is_lost_is_told(app: App) {
        let shopper = Shopper::guest(&app).await;
        shopper.add("FILTER-PAPER-100", 10).await.expect(200);
        let cart = shopper.put("coupons", json!({ "coupons": ["NOPE", "WELCOME10"] })).await.expect(200);
        assert_eq!(changes(&cart), [], "one that never applied is no news");
        let settings = app.send(Method::GET, "/v1/admin/bindings/pricing", Some(&app.merchant().await), None).await.expect(200);
        let mut plugins = settings["plugins"].clone();
        plugins[0]["settings"]["coupons"] = json!([]);
        let without = json!({ "plugins": [{ "name": plugins[0]["name"], "settings": plugins[0]["settings"] }] });
        let put = app.send(Method::PUT, "/v1/admin/bindings/pricing", Some(&app.merchant().await), Some(without)).await;
        assert_eq!(put.status, 200, "{}", put.body);
        let told = |cart: &Value| (cart["changes"][0]["kind"].clone(), cart["changes"][0]["code"].clone());
        let cart = shopper.show().await;
        assert_eq!(told(&cart), (json!("coupon_lost"), json!("WELCOME10")), "{cart}");
        let cart = shopper.add("FILTER-PAPER-100", 1).await.expect(200);
        assert_eq!(told(&cart), (json!("coupon_lost"), json!("WELCOME10")));
        let cart = acknowledge(&shopper, &cart["total"]).await.expect(200);
        assert_eq!(changes(&cart), []);
        assert_eq!(cart["coupons"][1]["state"], "unknown", "the code stays");
    }
}
