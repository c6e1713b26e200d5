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
    async fn the_merchant_finds_orders(app: App) {
        let clerk = app.staff(&["orders"]).await;
        let ada = app.customer("ada@example.org").await;
        let place = async |shopper: Shopper, email: &str, token: &str| {
            shopper.prepare("TEA-SENCHA-100", 1).await;
            shopper.send(Method::PUT, "/email", Some(json!({ "email": email }))).await.expect(200);
            shopper.check_out(token).await.expect(201)
        };
        let first = place(Shopper::signed_in(&app, &ada).await, "ada@example.org", "tok-approve").await;
        let second = place(Shopper::guest(&app).await, "Adam@Example.org", "tok-requires-action").await;
        let third = place(Shopper::guest(&app).await, "zoe@example.org", "tok-approve").await;
        app.send(Method::POST, &admin(&third, "/ship"), Some(&clerk), None).await.expect(200);
        let numbers = [&first, &second, &third].map(|order| order["number"].as_i64().unwrap());

        let list = async |query: &str| {
            let page = app.send(Method::GET, &format!("/v1/admin/orders?{query}"), Some(&clerk), None).await.expect(200);
            page["items"].as_array().unwrap().clone()
        };
        let moment = |order: &Value| order["placed_at"].as_str().unwrap().to_owned();
        let id = app.send(Method::GET, "/v1/me", Some(&ada), None).await.expect(200)["id"].as_str().unwrap().to_owned();
        for (query, expected) in [
            (String::new(), vec![2, 1, 0]),
            ("q=ADA".into(), vec![1, 0]),
            ("q=ada@".into(), vec![0]),
            ("q=adam@example.org".into(), vec![1]),
            ("q=example.org".into(), vec![]),
            (format!("q={}", numbers[1]), vec![1]),
            (format!("q=%23{}", numbers[2]), vec![2]),
            ("q=99999999999999999999".into(), vec![]),
            ("status=new".into(), vec![1]),
            ("status=paid".into(), vec![0]),
            ("status=shipped&q=zoe".into(), vec![2]),
            ("status=shipped&q=ada".into(), vec![]),
            (format!("customer={id}"), vec![0]),
            (format!("since={}", moment(&second)), vec![2, 1]),
            (format!("until={}", moment(&second)), vec![0]),
            ("since=9999-12-31T23:59:59Z".into(), vec![]),
            ("until=1970-01-01T00:00:00Z".into(), vec![]),
        ] {
            let found: Vec<_> = list(&query).await.iter().map(|order| order["number"].as_i64().unwrap()).collect();
            assert_eq!(found, expected.iter().map(|index: &usize| numbers[*index]).collect::<Vec<_>>(), "{query}");
        }
        let shown = &list("q=ada@").await[0];
        assert_eq!((&shown["email"], &shown["customer_id"]), (&json!("ada@example.org"), &json!(id)));
        assert_eq!(shown["name"], first["address"]["name"]);

        for query in ["status=lost", "q=", "limit=101", "cursor=x"] {
            app.send(Method::GET, &format!("/v1/admin/orders?{query}"), Some(&clerk), None).await.problem("invalid-request");
        }
        // A customer's own list knows no such filters.
        app.send(Method::GET, "/v1/orders?q=zoe", Some(&ada), None).await.problem("malformed-request");
    }
}
