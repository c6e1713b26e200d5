//! Paying what an order still owes.

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
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
