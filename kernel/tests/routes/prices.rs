//! Which price applies: currencies, price lists, customer groups.

use kassa::catalog::{PriceContext, find_variant};
use kassa::money::Currency;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::shopper::Shopper;

async fn sells_in_dollars(app: &App) -> App {
    app.another(|config| config.shop.currencies = vec!["USD".to_owned().try_into().unwrap()]).await
}

api_test! {
    async fn what_has_no_price_in_a_currency_is_not_sold_in_it(app: App) {
        app.post("/v1/carts", json!({ "currency": "USD" })).await.problem("invalid-request");
        app.get("/v1/products?currency=USD").await.problem("invalid-request");
        app.get("/v1/products/sencha?currency=eur").await.problem("invalid-request");
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let shown = app.get("/v1/products/sencha?currency=USD").await.expect(200);
        assert_eq!((&shown["currency"], &shown["variants"][0]["price"]), (&json!("USD"), &json!(null)));
        let list = app.get("/v1/products?currency=USD&category=tea").await.expect(200);
        assert_eq!(list["items"][0]["price_from"], json!(null));
        let cart = app.post("/v1/carts", json!({ "currency": "USD" })).await.expect(201);
        assert_eq!(cart["currency"], "USD");
        let lines = format!("/v1/carts/{}/lines", cart["id"].as_str().unwrap());
        let line = json!({ "sku": "TEA-SENCHA-100", "quantity": 1 });
        let refused = app.post(&lines, line.clone()).await.problem("price-missing");
        assert_eq!(refused["skus"], json!(["TEA-SENCHA-100"]));
        let own = app.post("/v1/carts", json!({})).await.expect(201);
        let lines = format!("/v1/carts/{}/lines", own["id"].as_str().unwrap());
        assert_eq!(app.post(&lines, line).await.expect(200)["lines"][0]["price_list"], json!(null));
        stop.stop().await;
    }
}

async fn admin(app: &App, token: &str, method: Method, path: &str, body: Value) -> Answer {
    app.send(method, &format!("/v1/admin/{path}"), Some(token), Some(body)).await
}

async fn variant(app: &App, slug: &str) -> String {
    let product = app.get(&format!("/v1/products/{slug}")).await.expect(200);
    product["variants"][0]["id"].as_str().unwrap().to_owned()
}

/// A list with one price; its id.
async fn price_list(app: &App, token: &str, list: Value, variant_id: &str, amount: i64) -> String {
    let made = admin(app, token, Method::POST, "price-lists", list).await.expect(201);
    let id = made["id"].as_str().unwrap().to_owned();
    let price = json!({ "amount": amount, "compare_at": 1000 });
    let path = format!("price-lists/{id}/prices/{variant_id}");
    admin(app, token, Method::PUT, &path, price).await.expect(200);
    id
}

api_test! {
    /// The rule, list after list. Each list beats those before it, or is passed over.
    async fn the_list_that_counts_gives_the_price(app: App) {
        let token = app.merchant().await;
        let id = variant(&app, "sencha").await;
        admin(&app, &token, Method::POST, "customer-groups", json!({ "code": "trade", "name": "Trade" })).await.expect(201);
        let (past, future) = ("2020-01-01T00:00:00Z", "2120-01-01T00:00:00Z");
        let list = |code: &str, more: Value| {
            let mut list = json!({ "code": code, "name": code, "currency": "EUR", "status": "active" });
            list.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            list
        };
        #[rustfmt::skip]
        let lists = [
            (list("draft", json!({ "status": "draft", "priority": 9 })), 100, None),
            (list("later", json!({ "starts_at": future, "priority": 9 })), 100, None),
            (list("over", json!({ "ends_at": past, "priority": 9 })), 100, None),
            (list("trade", json!({ "group": "trade", "priority": 9 })), 100, None),
            (list("dear", json!({})), 9000, Some("dear")),
            // among equals the lower amount, and of the same amount the older list
            (list("cheap", json!({ "starts_at": past, "ends_at": future })), 500, Some("cheap")),
            (list("twin", json!({})), 500, Some("cheap")),
            (list("weak", json!({ "priority": -1 })), 1, Some("cheap")),
            (list("strong", json!({ "priority": 1 })), 800, Some("strong")),
        ];
        for (body, amount, expected) in lists {
            price_list(&app, &token, body.clone(), &id, amount).await;
            let mut conn = app.shop.db().read().await.unwrap();
            let context = PriceContext::of_guest(&app.shop);
            let found = find_variant(&mut conn, &context, id.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(found.price.unwrap().list.as_deref(), expected, "{body}");
        }
        // Where they agree: list, detail and cart.
        let detail = app.get("/v1/products/sencha").await.expect(200);
        assert_eq!((&detail["variants"][0]["price"], &detail["variants"][0]["compare_at_price"]), (&json!(800), &json!(1000)));
        assert_eq!(detail["on_sale"], true);
        let listed = app.get("/v1/products?q=sencha").await.expect(200);
        assert_eq!((&listed["items"][0]["price_from"], &listed["items"][0]["on_sale"]), (&json!(800), &json!(true)));
        let shopper = Shopper::guest(&app).await;
        let cart = shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        let line = &cart["lines"][0];
        assert_eq!((&line["unit_price"], &line["compare_at_price"], &line["price_list"]), (&json!(800), &json!(1000), &json!("strong")));
    }
}

api_test! {
    /// The first moment is in, the last is out.
    async fn a_period_begins_with_its_first_moment_and_ends_before_its_last(app: App) {
        let token = app.merchant().await;
        let id = variant(&app, "sencha").await;
        let period = json!({ "code": "may", "name": "May", "currency": "EUR", "status": "active",
            "starts_at": "2030-05-01T00:00:00Z", "ends_at": "2030-06-01T00:00:00Z" });
        price_list(&app, &token, period, &id, 500).await;
        let mut conn = app.shop.db().read().await.unwrap();
        for (at, inside) in [
            ("2030-04-30T23:59:59.999999Z", false),
            ("2030-05-01T00:00:00Z", true),
            ("2030-05-31T23:59:59.999999Z", true),
            ("2030-06-01T00:00:00Z", false),
        ] {
            let context = PriceContext::at(&app.shop, Currency::EUR, None, at.parse().unwrap());
            let found = find_variant(&mut conn, &context, id.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(found.price.unwrap().list.is_some(), inside, "{at}");
        }
    }
}

api_test! {
    async fn a_group_has_its_own_prices_and_nobody_else_sees_them(app: App) {
        let token = app.merchant().await;
        let id = variant(&app, "sencha").await;
        let trade = json!({ "code": "trade", "name": "Trade" });
        admin(&app, &token, Method::POST, "customer-groups", trade.clone()).await.expect(201);
        admin(&app, &token, Method::POST, "customer-groups", trade).await.problem("code-taken");
        let list = json!({ "code": "trade", "name": "Trade", "currency": "EUR", "status": "active", "group": "trade" });
        let list = price_list(&app, &token, list, &id, 400).await;
        let customer = app.customer("ada@example.org").await;
        let me = app.send(Method::GET, "/v1/me", Some(&customer), None).await.expect(200);
        let path = format!("customers/{}/group", me["id"].as_str().unwrap());
        let shown = async || {
            let answer = app.send(Method::GET, "/v1/products/sencha", Some(&customer), None).await;
            assert_eq!(answer.headers["cache-control"], "private, no-cache");
            answer.expect(200)["variants"][0]["price"].as_i64().unwrap()
        };
        let own = shown().await;
        admin(&app, &token, Method::PUT, &path, json!({ "group": "friends" })).await.problem("invalid-request");
        admin(&app, &customer, Method::PUT, &path, json!({ "group": "trade" })).await.problem("forbidden");
        admin(&app, &token, Method::PUT, &path, json!({ "group": "trade" })).await.expect(204);
        assert_eq!(shown().await, 400);
        let guest = app.get("/v1/products/sencha").await;
        assert_eq!(guest.headers["cache-control"], "public, no-cache");
        assert_eq!(guest.expect(200)["variants"][0]["price"], own);
        let shopper = Shopper::signed_in(&app, &customer).await;
        let cart = shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        assert_eq!(cart["lines"][0]["unit_price"], 400);

        let delete = async |path: String| app.send(Method::DELETE, &path, Some(&token), None).await;
        delete("/v1/admin/customer-groups/trade".into()).await.problem("customer-group-in-use");
        assert_eq!(delete(format!("/v1/admin/price-lists/{list}")).await.status, 204);
        assert_eq!(shopper.show().await["lines"][0]["unit_price"], own);
        assert_eq!(delete("/v1/admin/customer-groups/trade".into()).await.status, 204);
        delete("/v1/admin/customer-groups/trade".into()).await.problem("not-found");
    }
}

api_test! {
    async fn a_cart_in_another_currency_becomes_an_order_in_it(app: App) {
        let app = sells_in_dollars(&app).await;
        let stop = app.stopper();
        let token = app.merchant().await;
        let id = variant(&app, "sencha").await;
        let list = json!({ "code": "usd", "name": "Dollars", "currency": "USD", "status": "active" });
        price_list(&app, &token, list, &id, 1200).await;
        let cart = app.post("/v1/carts", json!({ "currency": "USD" })).await.expect(201);
        let shopper = Shopper::of(&app, cart["id"].as_str().unwrap());
        shopper.add("TEA-SENCHA-100", 2).await.expect(200);
        shopper.put("email", json!({ "email": "ada@example.org" })).await.expect(200);
        shopper.put("address", crate::support::shopper::address()).await.expect(200);
        let options = shopper.send(Method::GET, "/delivery-options", None).await.expect(200);
        assert_eq!(options, json!([]), "the demo's rates are in euros");
        let zone = json!({ "name": "Germany", "countries": ["DE"], "currency": "USD",
            "options": [{ "code": "standard", "label": "Standard", "price": 590 }] });
        let rates = json!({ "plugins": [{ "name": "delivery-rates", "settings": { "zones": [zone] } }] });
        admin(&app, &token, Method::PUT, "bindings/delivery", rates).await.expect(200);
        let options = shopper.send(Method::GET, "/delivery-options", None).await.expect(200);
        assert_eq!((&options[0]["amount"], &options[0]["currency"]), (&json!(590), &json!("USD")));
        shopper.put("delivery-option", json!({ "id": options[0]["id"] })).await.expect(200);
        let order = shopper.check_out("tok-approve").await.expect(201);
        assert_eq!((&order["currency"], &order["status"], &order["total"]), (&json!("USD"), &json!("paid"), &json!(2990)));
        assert_eq!(order["lines"][0]["price_list"], "usd");
        let stored = kassa::orders::get_by_number(&app.shop, 1001).await.unwrap();
        kassa::orders::receipts::verify(&app.shop, &stored).await.unwrap();
        stop.stop().await;
    }
}

api_test! {
    async fn prices_are_put_all_or_none(app: App) {
        let token = app.merchant().await;
        let list = json!({ "code": "sale", "name": "Sale", "currency": "EUR" });
        for wrong in [json!({ "currency": "USD" }), json!({ "code": "Sale!" }), json!({ "group": "nobody" }),
                      json!({ "starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z" }),
                      json!({ "ends_at": "1999-12-31T23:59:59Z" }), json!({ "priority": 1_000_001 })] {
            let mut body = list.clone();
            body.as_object_mut().unwrap().extend(wrong.as_object().unwrap().clone());
            admin(&app, &token, Method::POST, "price-lists", body).await.problem("invalid-request");
        }
        let made = admin(&app, &token, Method::POST, "price-lists", list.clone()).await.expect(201);
        admin(&app, &token, Method::POST, "price-lists", list).await.problem("code-taken");
        let path = format!("price-lists/{}", made["id"].as_str().unwrap());
        let (sencha, earl) = (variant(&app, "sencha").await, variant(&app, "earl-grey").await);
        let prices = |second: &str| json!({ "prices": [
            { "variant_id": sencha, "amount": 1 }, { "variant_id": second, "amount": 2, "compare_at": 3 } ] });
        let prices_path = format!("{path}/prices");
        let unknown = "00000000-0000-4000-8000-000000000000";
        let refused = admin(&app, &token, Method::POST, &prices_path, prices(unknown)).await.problem("invalid-request");
        assert_eq!(refused["errors"][0]["pointer"], "/prices/1/variant_id");
        admin(&app, &token, Method::POST, &prices_path, prices(&sencha)).await.problem("invalid-request");
        let shown = app.send(Method::GET, &format!("/v1/admin/{prices_path}"), Some(&token), None).await.expect(200);
        assert_eq!(shown["items"], json!([]), "none of them");
        admin(&app, &token, Method::POST, &prices_path, prices(&earl)).await.expect(200);
        let first = app.send(Method::GET, &format!("/v1/admin/{prices_path}?limit=1"), Some(&token), None).await.expect(200);
        let next = format!("/v1/admin/{prices_path}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap());
        let second = app.send(Method::GET, &next, Some(&token), None).await.expect(200);
        assert_ne!(first["items"][0]["variant_id"], second["items"][0]["variant_id"]);
        assert_eq!(second["next_cursor"], json!(null));
        let removed = app.send(Method::DELETE, &format!("/v1/admin/{prices_path}/{earl}"), Some(&token), None).await;
        assert_eq!(removed.status, 204);
        let request = app.client.patch(format!("{}/v1/admin/{path}", app.url)).bearer_auth(&token);
        let stale = Answer::of(request.header("if-match", "\"1\"").json(&json!({ "priority": 2 }))).await;
        stale.problem("precondition-failed");
        let patched = admin(&app, &token, Method::PATCH, &path, json!({ "status": "active", "ends_at": null })).await.expect(200);
        assert_eq!(patched["status"], "active");
        assert_eq!(app.get("/v1/products/sencha").await.expect(200)["variants"][0]["price"], 1);
        let customer = app.customer("ada@example.org").await;
        admin(&app, &customer, Method::PATCH, &path, json!({ "priority": 3 })).await.problem("forbidden");
    }
}
