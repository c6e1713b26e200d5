//! What orders held until its time was over, before they are paid.

use reqwest::Method;
use serde_json::{Value, json};

use super::drafts;
use super::money::Desk;
use crate::support::App;
use crate::support::audit::audit;
use crate::support::emulator::{payment_key, secret, webhook};
use crate::support::shopper::Shopper;
use crate::support::stock::{self, Merchant, numbers};

const SENCHA: &str = "TEA-SENCHA-100";

/// A shop where reservations are over as soon as they are made.
async fn hasty(app: &App) -> App {
    app.another(|config| config.inventory.reservation_minutes = 0).await
}

async fn expired(app: &App, sku: &str, on_hand: i64) {
    let free = || async { (numbers(app, sku).await == (on_hand, 0, 0, on_hand)).then_some(()) };
    app.eventually("the reservation expires", free).await;
}

/// Sends all that is wanted of a paid order, and looks at the books.
async fn ship(app: &App, desk: &Desk<'_>) {
    assert_eq!(desk.get("").await["status"], "paid");
    audit(app).await;
    desk.post("/ship", json!({})).await.expect(200);
    audit(app).await;
    stock::audit(app).await;
}

async fn edit(desk: &Desk<'_>, quantity: u32) -> Value {
    let mut edit = json!({ "lines": [{ "line": 0, "quantity": quantity }] });
    let shown = desk.post("/edits/preview", edit.clone()).await.expect(200);
    edit["expected_total"] = shown["order"]["total"].clone();
    edit["reason"] = json!("they called");
    desk.post("/edits", edit).await.expect(200)
}

async fn pay(app: &App, order: &Value) {
    let body = json!({ "payment_method": "payment-emulator:card", "payment_token": "tok-approve", "expected_amount": order["payable"] });
    app.post(&format!("/v1/orders/{}/payments", order["id"].as_str().unwrap()), body).await.expect(201);
}

api_test! {
    /// Fewer pieces are wanted: so many are taken again with the payment.
    async fn an_edit_that_reduces_what_has_expired_keeps_the_rest(app: App) {
        let app = hasty(&app).await;
        let draft = drafts::Desk::of(&app).await;
        let desk = Desk { app: &app, token: draft.token.clone(), order: draft.unpaid().await };
        expired(&app, SENCHA, 50).await;
        let edited = edit(&desk, 1).await;
        audit(&app).await;
        assert_eq!(numbers(&app, SENCHA).await, (50, 0, 0, 50));
        pay(&app, &edited).await;
        assert_eq!(numbers(&app, SENCHA).await, (50, 1, 0, 49));
        ship(&app, &desk).await;
        assert_eq!(numbers(&app, SENCHA).await, (49, 0, 0, 49));

        // More are wanted: all of them are made up anew, and none taken twice.
        let desk = Desk { order: draft.unpaid().await, ..desk };
        expired(&app, SENCHA, 49).await;
        let edited = edit(&desk, 3).await;
        expired(&app, SENCHA, 49).await;
        pay(&app, &edited).await;
        assert_eq!(numbers(&app, SENCHA).await, (49, 3, 0, 46));
        ship(&app, &desk).await;
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_was_refunded_is_not_taken_again(app: App) {
        let app = hasty(&app).await;
        let ada = app.customer("ada@example.org").await;
        let shopper = Shopper::signed_in(&app, &ada).await;
        shopper.prepare(SENCHA, 2).await;
        let order = shopper.check_out("tok-pending").await.expect(201);
        let desk = Desk { app: &app, token: app.merchant().await, order };
        desk.by_hand(100).await.expect(201);
        expired(&app, SENCHA, 50).await;
        let refund = json!({ "lines": [{ "line": 0, "quantity": 1 }], "to": "store_credit", "reason": "they called" });
        // What was not paid is not given up for what was.
        assert_eq!(desk.post("/refunds", refund.clone()).await.problem("amount-exceeded")["available"], 100);
        desk.by_hand(desk.total() - 101).await.expect(201);
        desk.post("/refunds", refund).await.expect(201);
        assert_eq!(desk.by_hand(1).await.expect(201)["status"], "paid");
        assert_eq!(numbers(&app, SENCHA).await, (50, 1, 0, 49));
        ship(&app, &desk).await;
        assert_eq!(numbers(&app, SENCHA).await, (49, 0, 0, 49));
        app.stopper().stop().await;
    }
}

api_test! {
    async fn what_is_not_counted_any_more_is_sent_all_the_same(app: App) {
        let app = hasty(&app).await;
        let merchant = Merchant::of(&app, "GRINDER-HAND").await;
        let order = Shopper::ready(&app, "GRINDER-HAND", 1).await.check_out("tok-pending").await.expect(201);
        expired(&app, "GRINDER-HAND", 8).await;
        merchant.policy(json!({ "tracked": false })).await.expect(200);
        let body = json!({ "payment_key": payment_key(&app, &order).await, "event": "captured" });
        assert_eq!(webhook(&app, &body, &secret(&app).await).await.status, 204);
        let path = format!("orders/{}/ship", order["id"].as_str().unwrap());
        merchant.send(Method::POST, &path, json!(null)).await.expect(200);
        assert_eq!(numbers(&app, "GRINDER-HAND").await, (8, 0, 0, 1_000_000));
        audit(&app).await;
        stock::audit(&app).await;
        app.stopper().stop().await;
    }
}
