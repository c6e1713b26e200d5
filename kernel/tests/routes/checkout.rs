//! Checkout: from a cart to a paid order, and every way it can fail.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::shopper::Shopper;

async fn available(app: &App, slug: &str) -> i64 {
    let token = app.merchant().await;
    let product = app.get(&format!("/v1/products/{slug}")).await.expect(200);
    let id = product["id"].as_str().unwrap();
    let product = app.send(Method::GET, &format!("/v1/admin/products/{id}"), Some(&token), None).await.expect(200);
    product["variants"][0]["on_hand"].as_i64().unwrap() - product["variants"][0]["reserved"].as_i64().unwrap()
}

async fn orders(app: &App) -> Vec<Value> {
    let token = app.merchant().await;
    let page = app.send(Method::GET, "/v1/admin/orders", Some(&token), None).await.expect(200);
    page["items"].as_array().unwrap().clone()
}

api_test! {
    async fn a_paid_order_sells_the_stock_and_closes_the_cart(app: App) {
        let shopper = Shopper::ready(&app, "POT-GLASS-1L", 2).await;
        let shown = shopper.show().await["total"].clone();
        let order = shopper.check_out("tok-approve").await.expect(201);
        assert_eq!(order["status"], "paid");
        assert_eq!(order["total"], shown);
        assert_eq!(order["payment"]["status"], "captured");
        assert_eq!(order["payment"]["amount"], shown);
        assert_eq!(order["number"], 1001);
        assert_eq!(order["priced_by"][0]["plugin"], "pricing-standard");
        let statuses: Vec<_> = order["history"].as_array().unwrap().iter().map(|event| &event["status"]).collect();
        assert_eq!(statuses, ["new", "paid"]);
        assert_eq!(available(&app, "glass-teapot").await, 10);
        assert_eq!(shopper.show().await["status"], "ordered");
        let closed = shopper.check_out("tok-approve").await.problem("cart-closed");
        assert_eq!(closed["order_id"], order["id"]);
        shopper.add("POT-GLASS-1L", 1).await.problem("cart-closed");
        let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
        assert_eq!(app.get(&path).await.expect(200)["number"], 1001);
    }
}

api_test! {
    async fn what_a_cart_lacks_is_named(app: App) {
        let shopper = Shopper::guest(&app).await;
        let problem = shopper.check_out("tok-approve").await.problem("cart-incomplete");
        assert_eq!(problem["missing"], json!(["lines", "email", "address", "delivery_option"]));
        assert_eq!(orders(&app).await.len(), 0);
    }
}

api_test! {
    /// Nothing is charged that was not shown.
    async fn another_total_than_the_one_shown_is_refused_with_the_new_cart(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let shown = shopper.show().await["total"].as_i64().unwrap();
        let problem = shopper.check_out_at("tok-approve", json!(shown - 1)).await.problem("stale-quote");
        assert_eq!(problem["cart"]["total"], shown);
        assert_eq!(orders(&app).await.len(), 0);
        assert_eq!(available(&app, "sencha").await, 50);
        shopper.check_out_at("tok-approve", json!(shown)).await.expect(201);
    }
}

api_test! {
    async fn what_cannot_be_had_is_told_before_what_it_would_cost(app: App) {
        let shopper = Shopper::ready(&app, "POT-GLASS-1L", 12).await;
        Shopper::ready(&app, "POT-GLASS-1L", 1).await.check_out("tok-approve").await.expect(201);
        let problem = shopper.check_out_at("tok-approve", json!(1)).await.problem("insufficient-stock");
        assert_eq!(problem["lines"], json!([{ "sku": "POT-GLASS-1L", "wanted": 12, "available": 11 }]));
    }
}

api_test! {
    async fn a_declined_payment_leaves_the_cart_open_and_the_stock_free(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let problem = shopper.check_out("tok-decline-insufficient-funds").await.problem("payment-declined");
        assert_eq!(problem["code"], "insufficient-funds");
        assert_eq!(available(&app, "sencha").await, 50);
        assert_eq!(orders(&app).await[0]["status"], "cancelled");
        let order = shopper.check_out("tok-approve").await.expect(201);
        assert_eq!(order["status"], "paid");
        assert_eq!(available(&app, "sencha").await, 49);
    }
}

api_test! {
    async fn a_provider_that_fails_charges_nothing(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        shopper.check_out("tok-error").await.problem("payment-unavailable");
        assert_eq!(shopper.show().await["status"], "open");
        assert_eq!(available(&app, "sencha").await, 50);
    }
}

api_test! {
    async fn unknown_methods_and_missing_tokens_are_refused(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let total = shopper.show().await["total"].clone();
        for method in ["payment-emulator:cash", "no-plugin:card"] {
            let body = json!({ "payment_method": method, "payment_token": "tok-approve", "expected_total": total });
            let answer = shopper.send(Method::POST, "/checkout", Some(body)).await;
            answer.problem("payment-method-unavailable");
        }
        let body = json!({ "payment_method": "payment-emulator:card", "expected_total": total });
        shopper.send(Method::POST, "/checkout", Some(body)).await.problem("invalid-request");
        assert_eq!(orders(&app).await.len(), 0);
    }
}

api_test! {
    /// The last piece, wanted by many at once: one has it, stock never passes below nothing.
    async fn the_last_piece_is_sold_once(app: App) {
        let mut shoppers = Vec::new();
        for _ in 0..8 {
            shoppers.push(Shopper::ready(&app, "GRINDER-HAND", 8).await);
        }
        let answers = futures_util::future::join_all(shoppers.iter().map(|shopper| shopper.check_out("tok-approve"))).await;
        let placed = answers.iter().filter(|answer| answer.status == 201).count();
        assert_eq!(placed, 1, "{answers:?}");
        for answer in answers.into_iter().filter(|answer| answer.status != 201) {
            answer.problem("insufficient-stock");
        }
        assert_eq!(available(&app, "hand-grinder").await, 0);
    }
}

api_test! {
    async fn one_cart_becomes_one_order_however_often_it_is_sent(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let total = shopper.show().await["total"].clone();
        let sends = (0..32).map(|_| shopper.check_out_at("tok-approve", total.clone()));
        let answers = futures_util::future::join_all(sends).await;
        assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1, "{answers:?}");
        assert_eq!(orders(&app).await.len(), 1);
        assert_eq!(available(&app, "sencha").await, 49);
    }
}
