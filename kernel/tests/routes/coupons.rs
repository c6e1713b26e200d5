//! Coupons that the shop counts: when they are good, how often, and what many at once get.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::shopper::Shopper;

/// Staff that makes coupons. The demo's pricing gives 10 % for WELCOME10.
struct Marketing<'a> {
    app: &'a App,
    token: String,
}

impl<'a> Marketing<'a> {
    async fn of(app: &'a App) -> Self {
        Self { app, token: app.merchant().await }
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.app.send(method, &format!("/v1/admin/coupons{path}"), Some(&self.token), body).await
    }

    /// The id of WELCOME10 with these terms.
    async fn make(&self, terms: Value) -> String {
        let mut body = json!({ "code": "Welcome10" });
        body.as_object_mut().unwrap().extend(terms.as_object().unwrap().clone());
        self.send(Method::POST, "", Some(body)).await.expect(201)["id"].as_str().unwrap().to_owned()
    }

    async fn redeemed(&self, id: &str) -> i64 {
        let coupon = self.send(Method::GET, &format!("/{id}"), None).await.expect(200);
        coupon["redeemed"].as_i64().unwrap()
    }
}

/// A guest's cart with the coupon, and what it shows: the state of the coupon and the total.
async fn with_coupon<'a>(app: &'a App, email: &str) -> (Shopper<'a>, String, i64) {
    let shopper = Shopper::ready(app, "TEA-SENCHA-100", 1).await;
    shopper.put("email", json!({ "email": email })).await.expect(200);
    let (state, total) = type_in(&shopper).await;
    (shopper, state, total)
}

async fn type_in(shopper: &Shopper<'_>) -> (String, i64) {
    let cart = shopper.put("coupons", json!({ "coupons": ["welcome10"] })).await.expect(200);
    (cart["coupons"][0]["state"].as_str().unwrap().to_owned(), cart["total"].as_i64().unwrap())
}

/// 12.50 of goods and 4.90 of delivery.
const FULL: i64 = 1740;
const REDUCED: i64 = FULL - 125;

api_test! {
    async fn a_coupon_is_counted_and_given_back_with_its_order(app: App) {
        let marketing = Marketing::of(&app).await;
        let id = marketing.make(json!({ "limit_total": 1 })).await;
        let (first, state, total) = with_coupon(&app, "ada@example.org").await;
        assert_eq!((state.as_str(), total), ("applied", REDUCED));
        let (second, state, _) = with_coupon(&app, "eve@example.org").await;
        // A cart only looks.
        assert_eq!((state.as_str(), marketing.redeemed(&id).await), ("applied", 0));

        let order = first.check_out("tok-approve").await.expect(201);
        assert_eq!((&order["total"], marketing.redeemed(&id).await), (&json!(REDUCED), 1));
        audit(&app).await;
        // What was shown is not to be had any more; the answer shows what is.
        let stale = second.check_out_at("tok-approve", json!(REDUCED)).await.problem("stale-quote");
        assert_eq!((&stale["cart"]["coupons"][0]["state"], &stale["cart"]["total"]), (&json!("used-up"), &json!(FULL)));

        app.post(&format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()), json!({})).await.expect(200);
        assert_eq!(marketing.redeemed(&id).await, 0);
        second.check_out_at("tok-approve", json!(REDUCED)).await.expect(201);
        let page = marketing.send(Method::GET, &format!("/{id}/redemptions"), None).await.expect(200);
        let told: Vec<_> = page["items"].as_array().unwrap().iter().collect();
        assert_eq!(told.iter().map(|told| &told["order_number"]).collect::<Vec<_>>(), [&json!(1002), &json!(1001)]);
        assert_eq!(told.iter().map(|told| told["returned_at"].is_null()).collect::<Vec<_>>(), [true, false]);
        audit(&app).await;
    }
}

api_test! {
    async fn a_declined_payment_gives_the_coupon_back(app: App) {
        let marketing = Marketing::of(&app).await;
        let id = marketing.make(json!({ "limit_total": 1, "limit_per_customer": 1 })).await;
        let (shopper, ..) = with_coupon(&app, "ada@example.org").await;
        shopper.check_out("tok-decline-expired-card").await.problem("payment-declined");
        assert_eq!(marketing.redeemed(&id).await, 0);
        audit(&app).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        assert_eq!((&order["total"], marketing.redeemed(&id).await), (&json!(REDUCED), 1));
        audit(&app).await;
    }
}

api_test! {
    /// What is not good now takes nothing off, and the cart says why.
    async fn a_cart_says_why_a_coupon_is_not_good(app: App) {
        let marketing = Marketing::of(&app).await;
        let id = marketing.make(json!({})).await;
        let (shopper, state, _) = with_coupon(&app, "ada@example.org").await;
        assert_eq!(state, "applied");
        for (terms, state, total) in [
            (json!({ "active": false }), "inactive", FULL),
            (json!({ "active": true, "starts_at": "2100-01-01T00:00:00Z" }), "not-started", FULL),
            (json!({ "starts_at": null, "ends_at": "2001-01-01T00:00:00Z" }), "expired", FULL),
            (json!({ "ends_at": "2100-01-01T00:00:00Z" }), "applied", REDUCED),
        ] {
            marketing.send(Method::PATCH, &format!("/{id}"), Some(terms)).await.expect(200);
            let cart = shopper.show().await;
            assert_eq!((&cart["coupons"][0]["state"], &cart["total"]), (&json!(state), &json!(total)));
        }
        // The shop counts what the pricing does not know: nothing is redeemed.
        let body = json!({ "code": "NOWHERE", "limit_total": 1 });
        let unknown = marketing.send(Method::POST, "", Some(body)).await.expect(201);
        let cart = shopper.put("coupons", json!({ "coupons": ["nowhere", "WELCOME10", "welcome10"] })).await.expect(200);
        let states: Vec<_> = cart["coupons"].as_array().unwrap().iter().map(|coupon| &coupon["state"]).collect();
        assert_eq!(states, ["unknown", "applied", "applied"]);
        shopper.check_out("tok-approve").await.expect(201);
        assert_eq!(marketing.redeemed(unknown["id"].as_str().unwrap()).await, 0);
        // Typed twice, it is one.
        assert_eq!(marketing.redeemed(&id).await, 1);
        audit(&app).await;
    }
}

api_test! {
    async fn a_customer_is_an_account_or_a_guests_address(app: App) {
        let marketing = Marketing::of(&app).await;
        marketing.make(json!({ "limit_per_customer": 1 })).await;
        let (guest, ..) = with_coupon(&app, "ada@example.org").await;
        guest.check_out("tok-approve").await.expect(201);
        let (again, state, total) = with_coupon(&app, "ADA@Example.org").await;
        assert_eq!((state.as_str(), total), ("used-before", FULL));
        again.put("email", json!({ "email": "eve@example.org" })).await.expect(200);
        assert_eq!(again.show().await["coupons"][0]["state"], "applied");

        let token = app.customer("bob@example.org").await;
        for (email, expected) in [("bob@example.org", "applied"), ("robert@example.org", "used-before")] {
            let shopper = Shopper::signed_in(&app, &token).await;
            shopper.prepare("TEA-SENCHA-100", 1).await;
            shopper.put("email", json!({ "email": email })).await.expect(200);
            assert_eq!(type_in(&shopper).await.0, expected, "{email}");
            shopper.check_out("tok-approve").await.expect(201);
        }
        audit(&app).await;
    }
}

/// 32 guests with the coupon in their carts buy at once; how many got what they were shown.
async fn storm(app: &App, email: impl Fn(usize) -> String) -> usize {
    let emails: Vec<_> = (0..32).map(email).collect();
    let shoppers = join_all(emails.iter().map(|email| with_coupon(app, email))).await;
    for (_, state, total) in &shoppers {
        assert_eq!((state.as_str(), *total), ("applied", REDUCED));
    }
    let bought = shoppers.iter().map(|(shopper, ..)| shopper.check_out_at("tok-approve", json!(REDUCED)));
    let answers = join_all(bought).await;
    let placed = answers.iter().filter(|answer| answer.status == 201).count();
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        let stale = answer.problem("stale-quote");
        assert_eq!(stale["cart"]["total"], FULL, "{stale}");
    }
    placed
}

api_test! {
    /// However many want it at once, it is redeemed as often as it may be, and nobody pays what they were not shown.
    async fn a_limited_coupon_is_redeemed_by_as_many_as_it_is_for(app: App) {
        let marketing = Marketing::of(&app).await;
        let id = marketing.make(json!({ "limit_total": 5 })).await;
        assert_eq!(storm(&app, |number| format!("ada{number}@example.org")).await, 5);
        assert_eq!(marketing.redeemed(&id).await, 5);
        audit(&app).await;
    }
}

api_test! {
    async fn one_address_redeems_a_coupon_as_often_as_one_may(app: App) {
        let marketing = Marketing::of(&app).await;
        let id = marketing.make(json!({ "limit_per_customer": 2 })).await;
        assert_eq!(storm(&app, |_| "ada@example.org".to_owned()).await, 2);
        assert_eq!(marketing.redeemed(&id).await, 2);
        audit(&app).await;
    }
}

api_test! {
    async fn staff_keeps_coupons(app: App) {
        let marketing = Marketing::of(&app).await;
        let id = marketing.make(json!({ "description": " autumn ", "limit_total": 7 })).await;
        let taken = marketing.send(Method::POST, "", Some(json!({ "code": "WELCOME10" }))).await;
        taken.problem("coupon-code-taken");
        for (body, pointer) in [
            (json!({ "code": " " }), "/code"),
            (json!({ "code": "x".repeat(65) }), "/code"),
            (json!({ "code": "a\nb" }), "/code"),
            (json!({ "code": "X", "limit_total": 0 }), "/limit_total"),
            (json!({ "code": "X", "limit_per_customer": -1 }), "/limit_per_customer"),
            (json!({ "code": "X", "worth": 10 }), "/worth"),
            (json!({ "code": "X", "starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-02T00:00:00Z" }), "/ends_at"),
        ] {
            let problem = marketing.send(Method::POST, "", Some(body.clone())).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        let found = marketing.send(Method::GET, "?code=wElcome10", None).await.expect(200);
        assert_eq!((&found["items"][0]["code"], &found["items"][0]["description"]), (&json!("Welcome10"), &json!("autumn")));

        let path = format!("/{id}");
        let body = json!({ "limit_total": null, "starts_at": "2030-01-02T00:00:00Z" });
        let changed = marketing.send(Method::PATCH, &path, Some(body)).await.expect(200);
        assert_eq!((&changed["limit_total"], &changed["version"]), (&json!(null), &json!(2)));
        let body = json!({ "ends_at": "2029-01-02T00:00:00Z" });
        marketing.send(Method::PATCH, &path, Some(body)).await.problem("invalid-request");
        let url = format!("{}/v1/admin/coupons/{id}", app.url);
        let old = app.client.patch(&url).bearer_auth(&marketing.token).header("if-match", "\"1\"");
        Answer::of(old.json(&json!({ "active": false }))).await.problem("precondition-failed");
        let coupon = marketing.send(Method::GET, &path, None).await.expect(200);
        assert_eq!((&coupon["version"], &coupon["active"], &coupon["ends_at"]), (&json!(2), &json!(true), &json!(null)));

        for code in ["A", "B"] {
            marketing.send(Method::POST, "", Some(json!({ "code": code }))).await.expect(201);
        }
        let page = marketing.send(Method::GET, "?limit=2", None).await.expect(200);
        let next = format!("?limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
        let rest = marketing.send(Method::GET, &next, None).await.expect(200);
        let codes = page["items"].as_array().unwrap().iter().chain(rest["items"].as_array().unwrap());
        assert_eq!(codes.map(|coupon| coupon["code"].as_str().unwrap()).collect::<Vec<_>>(), ["B", "A", "Welcome10"]);
        assert_eq!(rest["next_cursor"], json!(null));
        marketing.send(Method::DELETE, &path, None).await.expect(204);
        marketing.send(Method::GET, &path, None).await.problem("not-found");
        marketing.send(Method::GET, &format!("{path}/redemptions"), None).await.problem("not-found");
    }
}
