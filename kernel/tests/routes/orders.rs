//! Orders after the checkout.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::shopper::Shopper;

fn path(order: &Value, rest: &str) -> String {
    format!("/v1/orders/{}{rest}", order["id"].as_str().unwrap())
}

fn admin(order: &Value, rest: &str) -> String {
    format!("/v1/admin/orders/{}{rest}", order["id"].as_str().unwrap())
}

async fn stock(app: &App) -> i64 {
    let product = app.get("/v1/products/sencha").await.expect(200);
    product["variants"][0]["available"].as_i64().unwrap()
}

api_test! {
    async fn a_paid_order_is_cancelled_refunded_and_restocked(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 2).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        let cancelled = app.post(&path(&order, "/cancel"), json!({})).await.expect(200);
        assert_eq!(cancelled["status"], "cancelled");
        assert_eq!(cancelled["payment"]["status"], "refunded");
        app.shop.cache().clear();
        assert_eq!(stock(&app).await, 50);
        let again = app.post(&path(&order, "/cancel"), json!({})).await.problem("order-state");
        assert_eq!(again["order_status"], "cancelled");
        let told = || async { app.mails().into_iter().find(|mail| mail.contains("is cancelled")) };
        let told = app.eventually("the mail of the cancellation", told).await;
        assert!(told.contains("You asked us to cancel it.") && told.contains(" back."), "{told}");
    }
}

api_test! {
    async fn an_unpaid_order_is_cancelled_with_its_payment(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 2).await;
        let order = shopper.check_out("tok-requires-action").await.expect(201);
        let cancelled = app.post(&path(&order, "/cancel"), json!({})).await.expect(200);
        assert_eq!(cancelled["status"], "cancelled");
        assert_eq!(cancelled["payment"]["status"], "cancelled");
        assert_eq!(shopper.show().await["status"], "open");
    }
}

api_test! {
    async fn an_order_is_shipped_and_delivered_and_then_not_cancelled(app: App) {
        let token = app.merchant().await;
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
        let post = |rest: &str| {
            let (app, token, path) = (&app, token.clone(), admin(&order, rest));
            async move { app.send(Method::POST, &path, Some(&token), None).await }
        };
        post("/deliver").await.problem("order-state");
        assert_eq!(post("/ship").await.expect(200)["status"], "shipped");
        post("/cancel").await.problem("order-state");
        assert_eq!(post("/deliver").await.expect(200)["status"], "delivered");
        let customer = app.customer("eve@example.org").await;
        app.send(Method::POST, &admin(&order, "/ship"), Some(&customer), None).await.problem("forbidden");
        app.send(Method::POST, &admin(&order, "/ship"), None, None).await.problem("unauthenticated");
    }
}

api_test! {
    async fn a_customer_sees_their_own_orders_page_by_page(app: App) {
        let (ada, bob) = (app.customer("ada@example.org").await, app.customer("bob@example.org").await);
        let mut placed = Vec::new();
        for _ in 0..3 {
            let shopper = Shopper::signed_in(&app, &ada).await;
            shopper.prepare("TEA-SENCHA-100", 1).await;
            placed.push(shopper.check_out("tok-approve").await.expect(201)["number"].as_i64().unwrap());
        }
        let list = |query: String, token: &str| {
            let (app, token) = (&app, token.to_owned());
            async move { app.send(Method::GET, &format!("/v1/orders{query}"), Some(&token), None).await.expect(200) }
        };
        let first = list("?limit=2".into(), &ada).await;
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = list(format!("?limit=2&cursor={cursor}"), &ada).await;
        assert_eq!(second["next_cursor"], json!(null));
        let items = first["items"].as_array().unwrap().iter().chain(second["items"].as_array().unwrap());
        let numbers: Vec<_> = items.map(|order| order["number"].as_i64().unwrap()).collect();
        placed.reverse();
        assert_eq!(numbers, placed, "the newest first, none twice");
        assert_eq!(list(String::new(), &bob).await["items"], json!([]));
        let own = format!("/v1/orders/{}", first["items"][0]["id"].as_str().unwrap());
        app.send(Method::GET, &own, Some(&ada), None).await.expect(200);
        app.send(Method::GET, &own, Some(&bob), None).await.problem("not-found");
        app.get(&own).await.problem("not-found");
        app.send(Method::POST, &format!("{own}/cancel"), Some(&bob), None).await.problem("not-found");
        app.get("/v1/orders").await.problem("unauthenticated");
    }
}

api_test! {
    /// Every order names the digest that priced it, and its recorded input comes to its total again.
    async fn a_receipt_derives_the_price_again_and_notices_a_change(app: App) {
        let token = app.merchant().await;
        let order = Shopper::ready(&app, "FILTER-PAPER-100", 12).await.check_out("tok-approve").await.expect(201);
        let receipt = app.send(Method::GET, &admin(&order, "/receipt"), Some(&token), None).await.expect(200);
        assert_eq!(receipt[0]["digest"], order["priced_by"][0]["digest"]);
        assert_eq!(receipt[0]["input"]["lines"][0]["quantity"], 12);
        assert!(receipt[0]["fuel"].as_i64().unwrap() > 0);
        let mut stored = kassa::orders::get_by_number(&app.shop, 1001).await.unwrap();
        kassa::orders::receipts::verify(&app.shop, &stored).await.unwrap();
        stored.total += 1;
        let error = kassa::orders::receipts::verify(&app.shop, &stored).await.unwrap_err();
        assert!(matches!(error, kassa::orders::receipts::VerifyError::OtherTotal { .. }), "{error}");
    }
}
