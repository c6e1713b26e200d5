//! Refunds: what they credit, what becomes of those that a provider declines, and of those whose plugin is gone.

use reqwest::Method;
use serde_json::{Value, json};

use super::fulfilment::Packer;
use super::money::Desk;
use crate::support::App;
use crate::support::app::Answer;
use crate::support::audit::audit;
use crate::support::emulator::{payment_key, secret, webhook};

fn of(amount: i64) -> Value {
    json!({ "amount": amount, "reason": "late" })
}

async fn retry(desk: &Desk<'_>, refund: &Value) -> Answer {
    desk.post(&format!("/refunds/{}/retry", refund["id"].as_str().unwrap()), json!({})).await
}

/// The refunds of an order, the oldest first: amount and status.
async fn refunds(desk: &Desk<'_>) -> Vec<(i64, String)> {
    let list = desk.get("/refunds").await;
    let told = |refund: &Value| (refund["amount"].as_i64().unwrap(), refund["status"].as_str().unwrap().to_owned());
    list.as_array().unwrap().iter().map(told).collect()
}

/// Under this name the kernel looks for the plugin of every payment.
async fn name_plugin(app: &App, name: &str) {
    let mut tx = app.shop.db().write().await.unwrap();
    kassa::db::sql::execute!(tx, "update payments set plugin = $1", name).unwrap();
    tx.commit().await.unwrap();
}

api_test! {
    /// A refund of goods is for the goods: what the shop owed before it owes afterwards, as far as it still has it.
    async fn what_goes_back_for_goods_leaves_what_was_owed_before(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-approve").await;
        let total = desk.total();
        desk.post("/corrections", json!({ "amount": -250, "reason": "a scratch" })).await.expect(201);
        desk.post("/refunds", json!({ "delivery": 490, "reason": "late" })).await.expect(201);
        assert_eq!(desk.amounts().await, [total, 0, total, 490, -250]);
        desk.post("/refunds", of(250)).await.expect(201);
        assert_eq!(desk.amounts().await, [total, 0, total, 740, 0]);

        // With the last piece all of it is back: nothing is left of which something could be owed.
        let desk = Desk { order: desk.again("tok-approve").await, ..desk };
        desk.post("/corrections", json!({ "amount": -250, "reason": "a scratch" })).await.expect(201);
        let all = json!({ "lines": [{ "line": 0, "quantity": 1 }], "delivery": 490, "reason": "x" });
        desk.post("/refunds", all).await.expect(201);
        assert_eq!(desk.amounts().await, [total, 0, total, total, 0]);
        audit(&app).await;
    }
}

api_test! {
    /// What is on its way has been credited: the next refund is owed beside it.
    async fn two_refunds_at_once_are_owed_both(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-refund-pending").await;
        assert_eq!(desk.post("/refunds", of(100)).await.expect(201)["status"], "pending");
        assert_eq!(desk.post("/refunds", of(200)).await.expect(201)["status"], "refunded");
        let ended = || async { (desk.get("/refunds").await[0]["status"] == "refunded").then_some(()) };
        app.eventually("the first refund", ended).await;
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 300, 0]);
        audit(&app).await;
    }
}

api_test! {
    async fn what_was_declined_and_is_given_another_way_is_given_once(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-refund-decline").await;
        let declined = desk.post("/refunds", of(100)).await.expect(201);
        assert_eq!(declined["status"], "declined");
        assert_eq!(desk.post("/refunds", of(60)).await.expect(201)["status"], "refunded");
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 60, -40]);
        assert_eq!(retry(&desk, &declined).await.problem("amount-exceeded")["available"], 40);
        desk.post("/refunds", of(40)).await.expect(201);
        assert_eq!(retry(&desk, &declined).await.problem("amount-exceeded")["available"], 0);
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 100, 0]);
        audit(&app).await;
    }
}

api_test! {
    /// Two payments, each of which declines its first refund: calling off again gives back all that is still here.
    async fn an_order_that_is_called_off_again_keeps_nothing(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-refund-decline").await;
        let total = desk.total();
        assert_eq!(desk.post("/refunds", of(100)).await.expect(201)["status"], "declined");
        desk.post("/corrections", json!({ "amount": 500, "reason": "it was heavier" })).await.expect(201);
        let body = json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-refund-decline", "expected_amount": 400 });
        app.post(&format!("/v1/orders/{}/payments", desk.order["id"].as_str().unwrap()), body).await.expect(201);
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [0, 0, total + 400, total, -400]);
        let declined = |amount: i64| (amount, "declined".to_owned());
        assert_eq!(refunds(&desk).await, [declined(100), declined(total + 400)]);
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [0, 0, total + 400, total + 400, 0]);
        desk.post("/cancel", json!({})).await.problem("order-state");
        audit(&app).await;
    }
}

api_test! {
    /// What was committed is not taken back: it is pending, repeating it answers the same, and the worker does it once the plugin is there.
    async fn a_refund_whose_plugin_is_gone_waits_for_it(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-approve").await;
        name_plugin(&app, "gone").await;
        let refund = || {
            let request = app.client.post(format!("{}{}", app.url, desk.path("/refunds"))).bearer_auth(&desk.token);
            Answer::of(request.header("idempotency-key", "0123456789abcdef").json(&of(100)))
        };
        let (first, again) = (refund().await.expect(201), refund().await.expect(201));
        assert_eq!((&first["status"], &first["id"]), (&json!("pending"), &again["id"]));
        name_plugin(&app, "payment-emulator").await;
        let done = || async { (refunds(&desk).await == [(100, "refunded".to_owned())]).then_some(()) };
        app.eventually("the refund", done).await;
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total(), 100, 0]);
        audit(&app).await;
    }
}

api_test! {
    /// The same for whatever else begins one, and for the wish to call off an order whose payment is under way.
    async fn orders_are_edited_returned_and_called_off_without_their_plugin(app: App) {
        let edited = Desk::of(&app, "TEA-SENCHA-100", 2, "tok-approve").await;
        let another = async |payment_token: &str| {
            Desk { order: edited.again(payment_token).await, token: edited.token.clone(), app: &app }
        };
        let (cancelled, waiting) = (another("tok-approve").await, another("tok-pending").await);
        let tried = another("tok-refund-decline").await;
        let declined = tried.post("/refunds", of(100)).await.expect(201);
        let packer = Packer { order: edited.again("tok-approve").await, token: edited.token.clone(), app: &app };
        packer.on_order("ship", json!(null)).await.expect(200);
        let piece = json!({ "lines": [{ "line": 0, "quantity": 1, "reason": "damaged" }] });
        let wanted = packer.on_order("returns", piece).await.expect(201);
        let came = json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true }] });
        let on_return = |rest: &str| format!("returns/{}/{rest}", wanted["id"].as_str().unwrap());
        packer.send(Method::POST, &on_return("receive"), came).await.expect(200);

        name_plugin(&app, "gone").await;
        let fewer = json!({ "lines": [{ "line": 0, "quantity": 1 }] });
        let shown = edited.post("/edits/preview", fewer.clone()).await.expect(200);
        let mut edit = fewer;
        edit["expected_total"] = shown["order"]["total"].clone();
        edit["reason"] = json!("they called");
        edited.post("/edits", edit).await.expect(200);
        cancelled.post("/cancel", json!({})).await.expect(200);
        assert_eq!(waiting.post("/cancel", json!({})).await.problem("order-state")["order_status"], "new");
        assert_eq!(retry(&tried, &declined).await.expect(200)["status"], "pending");
        packer.send(Method::POST, &on_return("refund"), json!({})).await.expect(200);

        name_plugin(&app, "payment-emulator").await;
        let done = || async {
            for order in [&edited.order, &cancelled.order, &waiting.order, &tried.order, &packer.order] {
                let desk = Desk { order: order.clone(), token: edited.token.clone(), app: &app };
                let all_back = refunds(&desk).await.iter().all(|(_, status)| status == "refunded");
                if desk.amounts().await[4] != 0 || !all_back {
                    return None;
                }
            }
            Some(())
        };
        app.eventually("all refunds", done).await;
        assert_eq!(waiting.get("").await["status"], "cancelled");
        audit(&app).await;
    }
}

api_test! {
    /// The shopper had some of it back before: pieces that come back, or are not sent, are settled with what is left.
    async fn pieces_go_back_for_what_is_left_of_their_price(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-approve").await;
        let total = desk.total();
        desk.post("/refunds", of(700)).await.expect(201);
        let all = json!({ "lines": [{ "line": 0, "quantity": 1 }], "delivery": 490, "reason": "x" });
        let refund = desk.post("/refunds", all).await.expect(201);
        assert_eq!((&refund["amount"], &refund["delivery"]), (&json!(total - 700), &json!(490)));
        assert_eq!(refund["lines"][0]["amount"], total - 700 - 490);
        assert_eq!(desk.amounts().await, [total, 0, total, total, 0]);

        // A price that was lowered before it was paid.
        let desk = Desk { order: desk.again("tok-pending").await, ..desk };
        desk.post("/corrections", json!({ "amount": -700, "reason": "a scratch" })).await.expect(201);
        desk.post("/corrections", json!({ "amount": 1, "reason": "a bag" })).await.expect(201);
        let body = json!({ "payment_key": payment_key(&app, &desk.order).await, "event": "authorized" });
        assert_eq!(webhook(&app, &body, &secret(&app).await).await.status, 204);
        let left = total - 699;
        assert_eq!(desk.amounts().await, [total, 0, left, 0, 0]);
        desk.post("/ship", json!({})).await.expect(200);
        let packer = Packer { app: &app, token: desk.token.clone(), order: desk.order.clone() };
        let piece = json!({ "lines": [{ "line": 0, "quantity": 1, "reason": "damaged" }] });
        let wanted = packer.on_order("returns", piece).await.expect(201);
        let on_return = |rest: &str| format!("returns/{}/{rest}", wanted["id"].as_str().unwrap());
        let came = json!({ "lines": [{ "line": 0, "quantity": 1, "restock": true }] });
        packer.send(Method::POST, &on_return("receive"), came).await.expect(200);
        // For what the shopper has not sent back, it would have to be said.
        let kept = json!({ "lines": [{ "line": 0, "quantity": 1 }], "reason": "x" });
        assert_eq!(desk.post("/refunds", kept).await.problem("amount-exceeded")["available"], left);
        packer.send(Method::POST, &on_return("refund"), json!({})).await.expect(200);
        assert_eq!(refunds(&desk).await, [(left, "refunded".to_owned())]);
        assert_eq!(desk.amounts().await, [total, 0, left, left, 0]);
        audit(&app).await;
    }
}
