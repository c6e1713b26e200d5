//! Paying what an order still owes.

use futures_util::future::join_all;
use kassa::payments::CaptureMode;
use reqwest::Method;
use serde_json::{Value, json};

use super::money::Desk;
use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::emulator::{payment_key, secret, webhook};
use crate::support::shopper::Shopper;

/// A paid order that owes `amount` more.
async fn owing(app: &App, token: &str, amount: i64) -> Value {
    let order = Shopper::ready(app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
    let path = format!("/v1/admin/orders/{}/corrections", order["id"].as_str().unwrap());
    let body = json!({ "amount": amount, "reason": "it was heavier" });
    app.send(Method::POST, &path, Some(token), Some(body)).await.expect(201)
}

fn path(order: &Value, rest: &str) -> String {
    format!("/v1/orders/{}{rest}", order["id"].as_str().unwrap())
}

async fn pay(app: &App, order: &Value, token: &str, expected_amount: i64) -> Answer {
    let body = json!({
        "payment_method": "payment-emulator:card",
        "payment_token": token,
        "expected_amount": expected_amount,
    });
    app.post(&path(order, "/payments"), body).await
}

async fn show(app: &App, order: &Value) -> Value {
    app.get(&path(order, "")).await.expect(200)
}

api_test! {
    async fn what_an_order_still_owes_is_paid_once(app: App) {
        let order = owing(&app, &app.merchant().await, 500).await;
        assert_eq!((&order["payable"], &order["amounts"]["outstanding"]), (&json!(500), &json!(500)));
        let methods = app.get(&path(&order, "/payment-methods")).await.expect(200);
        assert_eq!(methods[0]["id"], "payment-emulator:card");
        for wrong in [499, 501] {
            assert_eq!(pay(&app, &order, "tok-approve", wrong).await.problem("stale-amount")["payable"], 500);
        }
        let paid = pay(&app, &order, "tok-authorize", 500).await.expect(201);
        assert_eq!((&paid["status"], &paid["payable"]), (&json!("paid"), &json!(0)));
        assert_eq!(paid["payments"].as_array().unwrap().len(), 2);
        let charged = paid["total"].as_i64().unwrap() + 500;
        assert_eq!((&paid["amounts"]["captured"], &paid["amounts"]["outstanding"]), (&json!(charged), &json!(0)));
        assert_eq!(pay(&app, &order, "tok-approve", 500).await.problem("stale-amount")["payable"], 0);
        assert_eq!(app.get(&path(&order, "/payment-methods")).await.expect(200), json!([]));
        audit(&app).await;
    }
}

api_test! {
    async fn an_attempt_that_fails_leaves_the_order_as_it_was(app: App) {
        let token = app.merchant().await;
        let order = owing(&app, &token, 500).await;
        let problem = pay(&app, &order, "tok-decline-insufficient-funds", 500).await.problem("payment-declined");
        assert_eq!(problem["code"], "insufficient-funds");
        pay(&app, &order, "tok-error", 500).await.problem("payment-unavailable");
        let after = show(&app, &order).await;
        assert_eq!((&after["status"], &after["payable"]), (&json!("paid"), &json!(500)));
        assert_eq!(after["payments"].as_array().unwrap().len(), 3);
        let body = |method: &str| {
            json!({ "payment_method": method, "payment_token": "tok-approve", "expected_amount": 500 })
        };
        app.post(&path(&order, "/payments"), body("payment-emulator:cash")).await.problem("payment-method-unavailable");
        app.post(&path(&order, "/payments"), body("nothing")).await.problem("invalid-request");
        let mut nothing = body("payment-emulator:card");
        nothing["expected_amount"] = json!(0);
        let problem = app.post(&path(&order, "/payments"), nothing).await.problem("invalid-request");
        assert_eq!(problem["errors"][0]["pointer"], "/expected_amount");
        pay(&app, &order, "tok-approve", 500).await.expect(201);
        audit(&app).await;
    }
}

api_test! {
    /// While one attempt may bring the money yet, there is nothing to be paid by another. An answer that was lost is found.
    async fn a_rest_that_is_being_paid_is_not_paid_again(app: App) {
        let token = app.merchant().await;
        let order = owing(&app, &token, 500).await;
        let waiting = pay(&app, &order, "tok-timeout-after-charge", 500).await.expect(201);
        assert_eq!((&waiting["payment"]["status"], &waiting["payable"]), (&json!("unknown"), &json!(0)));
        assert_eq!(pay(&app, &order, "tok-approve", 500).await.problem("stale-amount")["payable"], 0);
        let found = || async { (show(&app, &order).await["amounts"]["outstanding"] == 0).then_some(()) };
        app.eventually("the money", found).await;
        audit(&app).await;
    }
}

api_test! {
    async fn an_order_that_is_called_off_gives_up_its_rest(app: App) {
        let token = app.merchant().await;
        let order = owing(&app, &token, 500).await;
        pay(&app, &order, "tok-requires-action", 500).await.expect(201);
        app.post(&path(&order, "/cancel"), json!({})).await.expect(200);
        let after = show(&app, &order).await;
        assert_eq!((&after["status"], &after["payment"]["status"]), (&json!("cancelled"), &json!("cancelled")));
        assert_eq!((&after["payable"], &after["amounts"]["outstanding"]), (&json!(0), &json!(0)));
        pay(&app, &order, "tok-approve", 500).await.problem("stale-amount");
        audit(&app).await;
    }
}

/// The payments of an order: what each has taken, and its status.
async fn payments(app: &App, order: &Value) -> Vec<(i64, String)> {
    let order = show(app, order).await;
    let told =
        |payment: &Value| (payment["captured"].as_i64().unwrap(), payment["status"].as_str().unwrap().to_owned());
    order["payments"].as_array().unwrap().iter().map(told).collect()
}

api_test! {
    /// The provider takes half of it, and refuses the rest: that ends the attempt, and what is left is paid by another.
    async fn a_rest_whose_capture_is_refused_is_paid_by_another(app: App) {
        let token = app.merchant().await;
        let order = owing(&app, &token, 500).await;
        assert_eq!(pay(&app, &order, "tok-capture-half", 500).await.problem("payment-declined")["code"], "partial-capture");
        let after = show(&app, &order).await;
        assert_eq!((&after["status"], &after["payable"], &after["amounts"]["authorized"]), (&json!("paid"), &json!(250), &json!(0)));
        let released = || async {
            let steps = format!("/v1/admin/orders/{}/payment-steps", order["id"].as_str().unwrap());
            let steps = app.send(Method::GET, &steps, Some(&token), None).await.expect(200);
            let steps = steps.as_array().unwrap().iter();
            let ended = steps.map(|step| format!("{} {}", step["kind"], step["status"]).replace('"', "")).collect::<Vec<_>>();
            (ended == ["authorize done", "authorize done", "capture done", "capture failed", "cancel done"]).then_some(())
        };
        app.eventually("the reservation's end", released).await;
        pay(&app, &order, "tok-authorize", 250).await.expect(201);
        assert_eq!(payments(&app, &order).await[1..], [(250, "captured".to_owned()), (250, "captured".to_owned())]);
        audit(&app).await;
    }
}

api_test! {
    /// A capture that has not ended may bring its money yet: no other reservation is taken for the same.
    async fn two_reservations_bring_no_more_than_is_owed(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-capture-error").await;
        let total = desk.total();
        desk.post("/corrections", json!({ "amount": 500, "reason": "it was heavier" })).await.expect(201);
        pay(&app, &desk.order, "tok-pending", 500).await.expect(201);
        desk.post("/corrections", json!({ "amount": -500, "reason": "it was not" })).await.expect(201);
        let body = json!({ "payment_key": payment_key(&app, &desk.order).await, "event": "authorized" });
        assert_eq!(webhook(&app, &body, &secret(&app).await).await.status, 204);
        let reserved = || (0, "authorized".to_owned());
        assert_eq!(payments(&app, &desk.order).await, [reserved(), reserved()]);
        assert_eq!(desk.amounts().await, [total, total + 500, 0, 0, total]);
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [0; 5]);
        audit(&app).await;

        // By hand, too.
        let app = app.another(|config| config.payments.capture = CaptureMode::ByHand).await;
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-pending").await;
        let first = payment_key(&app, &desk.order).await;
        desk.post("/corrections", json!({ "amount": 500, "reason": "it was heavier" })).await.expect(201);
        pay(&app, &desk.order, "tok-capture-error", 500).await.expect(201);
        desk.post("/captures", json!({})).await.expect(200);
        assert_eq!(webhook(&app, &json!({ "payment_key": first, "event": "authorized" }), &secret(&app).await).await.status, 204);
        desk.post("/corrections", json!({ "amount": -500, "reason": "it was not" })).await.expect(201);
        desk.post("/captures", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [total, 1_000, total - 500, 0, 500]);
        desk.post("/captures", json!({})).await.problem("payment-busy");
        audit(&app).await;
        app.stopper().stop().await;
    }
}

api_test! {
    async fn nobody_else_sees_or_pays_it(app: App) {
        let (ada, eve) = (app.customer("ada@example.org").await, app.customer("eve@example.org").await);
        let shopper = Shopper::signed_in(&app, &ada).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-approve").await.expect(201);
        let body = json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_amount": 1 });
        app.send(Method::POST, &path(&order, "/payments"), Some(&eve), Some(body.clone())).await.problem("not-found");
        app.send(Method::POST, &path(&order, "/payments"), None, Some(body)).await.problem("not-found");
        app.send(Method::GET, &path(&order, "/payment-methods"), Some(&eve), None).await.problem("not-found");
    }
}

api_test! {
    /// Thirty-two clients pay the same rest: one of them does.
    async fn two_who_pay_the_same_rest_pay_it_once(app: App) {
        let token = app.merchant().await;
        let order = owing(&app, &token, 500).await;
        let answers = join_all((0..32).map(|_| pay(&app, &order, "tok-approve", 500))).await;
        let (paid, late): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 201);
        assert_eq!(paid.len(), 1);
        for answer in late {
            // Some found no place for a call of the plugin, which asks for the methods first.
            if answer.status != 503 {
                answer.problem("stale-amount");
            }
        }
        let after = show(&app, &order).await;
        assert_eq!(after["payments"].as_array().unwrap().len(), 2);
        assert_eq!(after["amounts"]["outstanding"], 0);
        audit(&app).await;
    }
}
