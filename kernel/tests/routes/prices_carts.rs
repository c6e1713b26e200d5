//! Prices of lists in carts and orders: what is shown, held, told and charged, in one currency from the cart to its papers.

use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::audit::audit;
use crate::support::prices::{Lists, sells_in_dollars};
use crate::support::shopper::{Shopper, address};

const SKU: &str = "TEA-SENCHA-100";

/// The time for which prices are held is over.
async fn holds_run_out(app: &App) {
    let mut tx = app.shop.db().write().await.unwrap();
    sql::execute!(tx, "update cart_lines set held_until = created_at from carts where carts.id = cart_lines.cart_id")
        .unwrap();
    tx.commit().await.unwrap();
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

/// A guest with an empty cart in dollars.
async fn in_dollars(app: &App) -> Shopper<'_> {
    let cart = app.post("/v1/carts", json!({ "currency": "USD" })).await.expect(201);
    Shopper::of(app, cart["id"].as_str().unwrap())
}

/// Delivery for it.
async fn delivers_for_dollars(lists: &Lists<'_>) {
    let zone = json!({ "name": "Germany", "countries": ["DE"], "currency": "USD",
        "options": [{ "code": "standard", "label": "Standard", "price": 590 }] });
    let rates = json!({ "plugins": [{ "name": "delivery-rates", "settings": { "zones": [zone] } }] });
    lists.send(Method::PUT, "bindings/delivery", rates).await.expect(200);
}

api_test! {
    /// Nothing is charged that was not shown, whatever the lists do meanwhile.
    async fn a_list_that_begins_or_ends_while_a_cart_is_open_is_told(app: App) {
        let lists = Lists::of(&app).await;
        let id = lists.variant("sencha").await;
        let shopper = Shopper::ready(&app, SKU, 2).await;
        let shown = shopper.show().await["total"].clone();
        let list = lists.put("sale", json!({}), &id, 1_000).await;
        let problem = shopper.check_out_at("tok-approve", shown.clone()).await.problem("stale-quote");
        let line = &problem["cart"]["lines"][0];
        assert_eq!((&line["unit_price"], &line["compare_at_price"], &line["price_list"]), (&json!(1_000), &json!(10_000), &json!("sale")));
        assert_eq!(changes(&problem["cart"]), [change("price_lowered", 1_250, 1_000)]);
        // It was shown, and is held when the list ends.
        lists.send(Method::PATCH, &format!("price-lists/{list}"), json!({ "ends_at": "2020-01-01T00:00:00Z" })).await.expect(200);
        let cart = shopper.show().await;
        let line = &cart["lines"][0];
        assert_eq!((&line["unit_price"], &line["price_list"], &line["compare_at_price"]), (&json!(1_000), &json!(null), &json!(null)));
        let acknowledged = json!({ "expected_total": cart["total"] });
        let cart = shopper.send(Method::POST, "/changes/acknowledge", Some(acknowledged)).await.expect(200);
        assert_eq!(changes(&cart), []);
        holds_run_out(&app).await;
        let told = shopper.show().await;
        assert_eq!(changes(&told), [change("price_raised", 1_000, 1_250)]);
        shopper.check_out_at("tok-approve", cart["total"].clone()).await.problem("stale-quote");
        let order = shopper.check_out_at("tok-approve", told["total"].clone()).await.expect(201);
        assert_eq!((&order["lines"][0]["unit_price"], &order["lines"][0]["price_list"]), (&json!(1_250), &json!(null)));
        // Of an order the list's code stays, whatever becomes of the list.
        lists.send(Method::PATCH, &format!("price-lists/{list}"), json!({ "ends_at": null })).await.expect(200);
        let shopper = Shopper::ready(&app, SKU, 1).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        assert_eq!(lists.delete(&format!("price-lists/{list}")).await.status, 204);
        let order = app.get(&format!("/v1/orders/{}", order["id"].as_str().unwrap())).await.expect(200);
        let line = &order["lines"][0];
        assert_eq!((&line["unit_price"], &line["compare_at_price"], &line["price_list"]), (&json!(1_000), &json!(10_000), &json!("sale")));
        audit(&app).await;
    }
}

api_test! {
    async fn a_cart_in_another_currency_becomes_an_order_in_it(app: App) {
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let lists = Lists::of(&app).await;
        lists.put("usd", json!({ "currency": "USD" }), &lists.variant("sencha").await, 1_200).await;
        let shopper = in_dollars(&app).await;
        shopper.add(SKU, 2).await.expect(200);
        shopper.put("email", json!({ "email": "ada@example.org" })).await.expect(200);
        shopper.put("address", address()).await.expect(200);
        let options = shopper.send(Method::GET, "/delivery-options", None).await.expect(200);
        assert_eq!(options, json!([]), "the demo's rates are in euros");
        delivers_for_dollars(&lists).await;
        let options = shopper.send(Method::GET, "/delivery-options", None).await.expect(200);
        assert_eq!((&options[0]["amount"], &options[0]["currency"]), (&json!(590), &json!("USD")));
        shopper.put("delivery-option", json!({ "id": options[0]["id"] })).await.expect(200);
        let order = shopper.check_out("tok-approve").await.expect(201);
        assert_eq!((&order["currency"], &order["status"], &order["total"]), (&json!("USD"), &json!("paid"), &json!(2_990)));
        assert_eq!(order["lines"][0]["price_list"], "usd");
        let stored = kassa::orders::get_by_number(&app.shop, 1001).await.unwrap();
        kassa::orders::receipts::verify(&app.shop, &stored).await.unwrap();

        // Edited, it stays in dollars: what is added costs the list's price now, and needs one.
        let path = format!("orders/{}/edits/preview", order["id"].as_str().unwrap());
        let add = |sku: &str| json!({ "lines": [{ "sku": sku, "quantity": 1 }] });
        let refused = lists.send(Method::POST, &path, add("TEA-ASSAM-100")).await.problem("price-missing");
        assert_eq!(refused["skus"], json!(["TEA-ASSAM-100"]));
        let preview = lists.send(Method::POST, &path, add(SKU)).await.expect(200);
        assert_eq!((&preview["order"]["currency"], &preview["order"]["total"]), (&json!("USD"), &json!(2_990 + 1_200)));
        assert_eq!(preview["order"]["lines"][0]["price_list"], "usd");
        audit(&app).await;
        stop.stop().await;
    }
}

api_test! {
    async fn what_loses_its_price_is_told_and_cannot_be_ordered(app: App) {
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let lists = Lists::of(&app).await;
        delivers_for_dollars(&lists).await;
        let list = lists.put("usd", json!({ "currency": "USD" }), &lists.variant("sencha").await, 1_200).await;
        let other = lists.variant("earl-grey").await;
        let path = format!("price-lists/{list}/prices/{other}");
        lists.send(Method::PUT, &path, json!({ "amount": 700 })).await.expect(200);
        let shopper = in_dollars(&app).await;
        shopper.prepare(SKU, 2).await;
        shopper.send(Method::POST, "/lines", Some(json!({ "variant_id": other, "quantity": 1 }))).await.expect(200);
        let shown = shopper.show().await;
        assert_eq!(lists.delete(&path).await.status, 204);
        let cart = shopper.show().await;
        let line = &cart["lines"][1];
        assert_eq!((&line["unit_price"], &line["available"]), (&json!(700), &json!(0)), "as it was shown last");
        assert_eq!(changes(&cart), [change("unavailable", 1, 0)]);
        let refused = shopper.check_out_at("tok-approve", shown["total"].clone()).await.problem("price-missing");
        assert_eq!(refused["skus"], json!([line["sku"]]));
        let more = format!("/lines/{}", line["id"].as_str().unwrap());
        shopper.send(Method::PATCH, &more, Some(json!({ "quantity": 2 }))).await.problem("price-missing");
        let acknowledged = json!({ "expected_total": cart["total"] });
        let cart = shopper.send(Method::POST, "/changes/acknowledge", Some(acknowledged)).await.expect(200);
        assert_eq!(cart["lines"].as_array().unwrap().len(), 1);
        shopper.check_out_at("tok-approve", cart["total"].clone()).await.expect(201);
        stop.stop().await;
    }
}

api_test! {
    /// Whoever signs in takes their cart along, to the prices of their group; carts in two currencies are not one.
    async fn a_claimed_cart_costs_what_the_customers_group_is_asked(app: App) {
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let lists = Lists::of(&app).await;
        let id = lists.variant("sencha").await;
        lists.group("trade").await;
        lists.put("trade", json!({ "group": "trade" }), &id, 400).await;
        lists.put("usd", json!({ "currency": "USD" }), &id, 1_200).await;
        let customer = app.customer("ada@example.org").await;
        lists.join(&customer, "trade").await;
        let claim = async |cart: &str| app.send(Method::POST, &format!("/v1/carts/{cart}/claim"), Some(&customer), None).await.expect(200);
        let guest = Shopper::guest(&app).await;
        assert_eq!(guest.add(SKU, 1).await.expect(200)["lines"][0]["unit_price"], 1_250);
        // Looked at by somebody who is signed in, it is still a guest's.
        let looked = app.send(Method::GET, &format!("/v1/carts/{}", guest.cart), Some(&customer), None).await.expect(200);
        assert_eq!(looked["lines"][0]["unit_price"], 1_250);
        let own = claim(&guest.cart).await;
        assert_eq!((&own["id"], &own["lines"][0]["unit_price"], &own["lines"][0]["price_list"]), (&json!(guest.cart), &json!(400), &json!("trade")));
        let dollars = in_dollars(&app).await;
        dollars.add(SKU, 3).await.expect(200);
        let claimed = claim(&dollars.cart).await;
        assert_eq!((&claimed["id"], &claimed["currency"], &claimed["lines"][0]["unit_price"]), (&json!(dollars.cart), &json!("USD"), &json!(1_200)));
        let more = Shopper::guest(&app).await;
        more.add(SKU, 1).await.expect(200);
        let joined = claim(&more.cart).await;
        assert_eq!((&joined["id"], &joined["lines"][0]["quantity"]), (&json!(guest.cart), &json!(2)));
        assert_eq!(joined["lines"][0]["unit_price"], 400);
        stop.stop().await;
    }
}

api_test! {
    /// A gift card and store credit are in one currency each, and pay nothing in another.
    async fn what_is_prepaid_pays_in_its_own_currency_alone(app: App) {
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let lists = Lists::of(&app).await;
        delivers_for_dollars(&lists).await;
        lists.put("usd", json!({ "currency": "USD" }), &lists.variant("sencha").await, 1_200).await;
        lists.send(Method::POST, "gift-cards", json!({ "amount": 500, "currency": "GBP" })).await.problem("invalid-request");
        let card = async |currency: &str| {
            let made = lists.send(Method::POST, "gift-cards", json!({ "amount": 500, "currency": currency })).await.expect(201);
            made["code"].as_str().unwrap().to_owned()
        };
        let (euros, dollars) = (card("EUR").await, card("USD").await);
        let shopper = in_dollars(&app).await;
        shopper.prepare(SKU, 1).await;
        let refused = shopper.put("gift-cards", json!({ "codes": [euros] })).await.problem("invalid-request");
        assert_eq!(refused["errors"][0]["pointer"], "/codes/0");
        let cart = shopper.put("gift-cards", json!({ "codes": [dollars] })).await.expect(200);
        assert_eq!((&cart["gift_cards"][0]["pays"], &cart["due"]), (&json!(500), &json!(1_200 + 590 - 500)));

        let customer = app.customer("ada@example.org").await;
        let me = app.send(Method::GET, "/v1/me", Some(&customer), None).await.expect(200);
        let credit = format!("customers/{}/credit", me["id"].as_str().unwrap());
        lists.send(Method::POST, &credit, json!({ "amount": 300, "reason": "late" })).await.expect(201);
        let given = lists.send(Method::POST, &credit, json!({ "amount": 100, "currency": "USD", "reason": "late" })).await.expect(201);
        assert_eq!(given, json!({ "currency": "USD", "balance": 100 }));
        lists.send(Method::POST, &credit, json!({ "amount": 100, "currency": "GBP", "reason": "late" })).await.problem("invalid-request");
        lists.send(Method::POST, &credit, json!({ "amount": -200, "currency": "USD", "reason": "late" })).await.problem("amount-exceeded");
        let mine = async |query: &str| app.send(Method::GET, &format!("/v1/me/credit{query}"), Some(&customer), None).await.expect(200);
        assert_eq!((&mine("").await["balance"], &mine("?currency=USD").await["balance"]), (&json!(300), &json!(100)));
        assert_eq!(lists.get(&format!("{credit}?currency=USD")).await.expect(200)["items"].as_array().unwrap().len(), 1);
        let claimed = app.send(Method::POST, &format!("/v1/carts/{}/claim", shopper.cart), Some(&customer), None).await.expect(200);
        assert_eq!(claimed["currency"], "USD");
        let path = format!("/v1/carts/{}/store-credit", shopper.cart);
        let cart = app.send(Method::PUT, &path, Some(&customer), Some(json!({ "use": true }))).await.expect(200);
        assert_eq!((&cart["store_credit"]["balance"], &cart["store_credit"]["pays"]), (&json!(100), &json!(100)));
        stop.stop().await;
    }
}

api_test! {
    async fn a_draft_is_in_one_currency_and_needs_prices_in_it(app: App) {
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let lists = Lists::of(&app).await;
        delivers_for_dollars(&lists).await;
        lists.send(Method::POST, "drafts", json!({ "currency": "GBP" })).await.problem("invalid-request");
        let line = json!({ "sku": SKU, "quantity": 1 });
        let body = json!({ "currency": "USD", "email": "ada@example.org", "address": address(), "lines": [line],
            "delivery_option": "delivery-rates:standard" });
        let draft = lists.send(Method::POST, "drafts", body).await.expect(201);
        assert_eq!((&draft["currency"], &draft["missing"], &draft["price"]), (&json!("USD"), &json!(["unit_price"]), &json!(null)));
        let path = format!("drafts/{}", draft["id"].as_str().unwrap());
        lists.send(Method::POST, &format!("{path}/complete"), json!({ "expected_total": 0 })).await.problem("price-missing");
        lists.send(Method::PATCH, &path, json!({ "currency": "EUR" })).await.problem("invalid-request");
        let given = json!({ "sku": SKU, "quantity": 1, "unit_price": 900, "price_reason": "agreed" });
        let draft = lists.send(Method::PATCH, &path, json!({ "lines": [given] })).await.expect(200);
        assert_eq!((&draft["missing"], &draft["price"]["total"]), (&json!([]), &json!(1_490)));
        lists.put("usd", json!({ "currency": "USD" }), &lists.variant("sencha").await, 1_200).await;
        let draft = lists.send(Method::PATCH, &path, json!({ "lines": [line] })).await.expect(200);
        assert_eq!((&draft["price"]["currency"], &draft["price"]["total"]), (&json!("USD"), &json!(1_790)));
        stop.stop().await;
    }
}

api_test! {
    /// Of two who ask, one pays what the other does: what stands in the cache is a group's and a currency's.
    async fn pages_in_the_cache_are_of_one_currency_and_one_group(app: App) {
        let app = app.another(|config| {
            config.shop.currencies = vec!["USD".to_owned().try_into().unwrap()];
            config.cache.catalog_ttl_ms = 3_600_000;
        }).await;
        let stop = app.stopper();
        let lists = Lists::of(&app).await;
        let id = lists.variant("sencha").await;
        lists.group("trade").await;
        lists.put("trade", json!({ "group": "trade" }), &id, 400).await;
        lists.put("usd", json!({ "currency": "USD" }), &id, 1_200).await;
        let (trader, other) = (app.customer("ada@example.org").await, app.customer("bob@example.org").await);
        lists.join(&trader, "trade").await;
        for path in ["/v1/products/sencha", "/v1/products?q=sencha"] {
            let mut tags = Vec::new();
            for (query, token, price) in [("", None, 1_250), ("", Some(&trader), 400), ("", Some(&other), 1_250), ("currency=USD", Some(&trader), 1_200)] {
                // Once for the cache, once from it.
                for _ in 0..2 {
                    let path = format!("{path}{}{query}", if path.contains('?') { "&" } else { "?" });
                    let answer = app.send(Method::GET, &path, token.map(String::as_str), None).await;
                    tags.push(answer.headers["etag"].to_str().unwrap().to_owned());
                    let body = answer.expect(200);
                    let product = if body["items"].is_array() { &body["items"][0] } else { &body };
                    assert_eq!(product["variants"][0]["price"], price, "{path} {token:?}");
                }
            }
            tags.sort();
            tags.dedup();
            assert_eq!(tags.len(), 3, "{path}");
        }
        stop.stop().await;
    }
}
