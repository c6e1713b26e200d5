//! Money that no payment plugin saw: cash, bank transfers.

use kassa::payments::CaptureMode;
use reqwest::Method;
use serde_json::{Value, json};

use super::drafts;
use super::money::Desk;
use crate::support::App;
use crate::support::audit::audit;
use crate::support::emulator::{payment_key, secret, webhook};
use crate::support::shopper::Shopper;

api_test! {
    /// A refund that the provider declined was sent by bank: neither the retry nor the call-off gives it a second time.
    async fn what_was_given_by_hand_does_not_go_back_again(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-refund-decline").await;
        let total = desk.total();
        let declined = desk.post("/refunds", json!({ "amount": 500, "reason": "late" })).await.expect(201);
        assert_eq!(declined["status"], "declined");
        desk.by_hand(-500).await.expect(201);
        assert_eq!(desk.amounts().await, [total, 0, total, 0, 0]);
        let retry = format!("/refunds/{}/retry", declined["id"].as_str().unwrap());
        assert_eq!(desk.post(&retry, json!({})).await.problem("amount-exceeded")["available"], 0);
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [0, 0, total, total - 500, 0]);
        assert_eq!(desk.by_hand(-1).await.problem("amount-exceeded")["available"], 0);
        audit(&app).await;

        // Here it is the refund of everything that is declined: the next call-off gives back what is left of it.
        let desk = Desk { order: desk.again("tok-refund-decline").await, ..desk };
        desk.post("/cancel", json!({})).await.expect(200);
        desk.by_hand(-500).await.expect(201);
        assert_eq!(desk.amounts().await, [0, 0, total, 0, 500 - total]);
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [0, 0, total, total - 500, 0]);
        desk.post("/cancel", json!({})).await.problem("order-state");
        audit(&app).await;
    }
}

api_test! {
    /// The provider takes its time, and the shopper pays at the counter.
    async fn cash_pays_an_order(app: App) {
        let (desk, cash) = half_paid(&app, |_| 740).await;
        assert_eq!((&desk.get("").await["status"], desk.amounts().await[4]), (&json!("new"), desk.total() - cash));
        let paid = desk.by_hand(desk.total() - cash).await.expect(201);
        assert_eq!((&paid["status"], &paid["amounts"]["by_hand"]), (&json!("paid"), &json!(desk.total())));
        let posted = desk.get("/ledger").await;
        assert_eq!((&posted[1]["kind"], &posted[1]["entries"][0]), (&json!("by-hand"), &json!({ "account": "by-hand", "amount": cash })));
        assert!(posted[1]["cause"].as_str().unwrap().starts_with("cash 4711 ("), "{posted}");
        // The kernel has no drawer: it goes back by hand. No more than is there, nor beyond what an amount can say.
        assert_eq!(desk.post("/refunds", json!({ "reason": "x" })).await.problem("amount-exceeded")["available"], 0);
        assert_eq!(desk.by_hand(-desk.total() - 1).await.problem("amount-exceeded")["available"], desk.total());
        let most = 9_007_199_254_740_991_i64;
        for (body, pointer) in [
            (json!({ "amount": 0, "method": "cash" }), "/amount"),
            (json!({ "amount": most, "method": "cash" }), "/amount"),
            (json!({ "amount": 1, "method": " " }), "/method"),
            (json!({ "amount": 1, "method": "cash", "reference": "x".repeat(201) }), "/reference"),
        ] {
            let problem = desk.post("/payments-by-hand", body.clone()).await.problem("invalid-request");
            assert_eq!(problem["errors"][0]["pointer"], pointer, "{body}");
        }
        assert_eq!(desk.amounts().await, [desk.total(), 0, 0, 0, 0]);
        audit(&app).await;
    }
}

api_test! {
    /// The shopper was at the provider's page when they paid at the counter, or had it for nothing: that page takes nothing any more.
    async fn an_order_that_is_paid_is_not_paid_again_by_what_was_under_way(app: App) {
        let desk = Desk::of(&app, "TEA-SENCHA-100", 1, "tok-requires-action").await;
        let total = desk.total();
        let given_up = |order: &Value| assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("paid"), &json!("cancelled")));
        given_up(&desk.by_hand(total).await.expect(201));
        let body = json!({ "payment_key": payment_key(&app, &desk.order).await, "event": "captured" });
        assert_eq!(webhook(&app, &body, &secret(&app).await).await.status, 204);
        assert_eq!(desk.amounts().await, [total, 0, 0, 0, 0]);

        let desk = Desk { order: desk.again("tok-requires-action").await, ..desk };
        given_up(&desk.post("/corrections", json!({ "amount": -total, "reason": "a gift" })).await.expect(201));
        assert_eq!(desk.amounts().await, [total, 0, 0, 0, 0]);

        // A capture that has not reached the provider.
        let desk = Desk { order: desk.again("tok-capture-error").await, ..desk };
        given_up(&desk.by_hand(total).await.expect(201));
        assert_eq!(desk.amounts().await, [total, 0, 0, 0, 0]);
        audit(&app).await;
    }
}

api_test! {
    async fn what_was_paid_in_cash_can_become_store_credit(app: App) {
        let ada = app.customer("ada@example.org").await;
        let shopper = Shopper::signed_in(&app, &ada).await;
        shopper.prepare("TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-pending").await.expect(201);
        let desk = Desk { app: &app, token: app.merchant().await, order };
        desk.by_hand(desk.total()).await.expect(201);
        desk.post("/refunds", json!({ "amount": 700, "to": "store_credit", "reason": "x" })).await.expect(201);
        assert_eq!(desk.amounts().await, [desk.total(), 0, 0, 0, 0]);
        let credit = app.send(Method::GET, "/v1/me/credit", Some(&ada), None).await.expect(200);
        assert_eq!(credit["balance"], 700);
        let beyond = json!({ "amount": desk.total(), "to": "store_credit", "reason": "x" });
        assert_eq!(desk.post("/refunds", beyond).await.problem("amount-exceeded")["available"], desk.total() - 700);
        assert_eq!(desk.by_hand(-desk.total()).await.problem("amount-exceeded")["available"], desk.total() - 700);
        audit(&app).await;
    }
}

api_test! {
    async fn cash_for_an_order_that_is_called_off_is_owed_until_it_is_given_back(app: App) {
        let desk = drafts::Desk::of(&app).await;
        let order = desk.paid_in_cash().await;
        let desk = Desk { app: &app, token: desk.token, order };
        let total = desk.total();
        assert_eq!(desk.amounts().await, [total, 0, 0, 0, 0]);
        desk.post("/cancel", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [0, 0, 0, 0, -total]);
        assert_eq!(desk.get("/refunds").await, json!([]));
        desk.by_hand(-total).await.expect(201);
        assert_eq!(desk.amounts().await, [0; 5]);
        audit(&app).await;
    }
}

/// An order whose payment waits for the provider, after `cash` was given for it.
async fn half_paid(app: &App, cash: impl Fn(i64) -> i64) -> (Desk<'_>, i64) {
    let desk = Desk::of(app, "TEA-SENCHA-100", 1, "tok-pending").await;
    let cash = cash(desk.total());
    desk.by_hand(cash).await.expect(201);
    (desk, cash)
}

async fn authorized(desk: &Desk<'_>) -> Value {
    let body = json!({ "payment_key": payment_key(desk.app, &desk.order).await, "event": "authorized" });
    assert_eq!(webhook(desk.app, &body, &secret(desk.app).await).await.status, 204);
    desk.get("").await
}

api_test! {
    /// The provider reserves the whole price after a part of it was given in cash.
    async fn no_more_is_captured_than_is_owed(app: App) {
        let (desk, cash) = half_paid(&app, |_| 740).await;
        let order = authorized(&desk).await;
        assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("paid"), &json!("captured")));
        assert_eq!(desk.amounts().await, [desk.total(), 0, desk.total() - cash, 0, 0]);
        audit(&app).await;

        let (desk, _) = half_paid(&app, |total| total).await;
        let order = authorized(&desk).await;
        assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("paid"), &json!("cancelled")));
        assert_eq!(desk.amounts().await, [desk.total(), 0, 0, 0, 0]);
        audit(&app).await;

        let app = app.another(|config| config.payments.capture = CaptureMode::ByHand).await;
        let (desk, cash) = half_paid(&app, |_| 740).await;
        assert_eq!(authorized(&desk).await["status"], "paid");
        let owed = desk.total() - cash;
        let beyond = desk.post("/captures", json!({ "amount": owed + 1 })).await.problem("amount-exceeded");
        assert_eq!(beyond["available"], owed);
        desk.post("/captures", json!({})).await.expect(200);
        assert_eq!(desk.amounts().await, [desk.total(), cash, owed, 0, 0]);
        audit(&app).await;
        app.stopper().stop().await;
    }
}
