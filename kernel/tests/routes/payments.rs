//! Payments whose end comes later: by query, by webhook, or never.

use kassa::db::sql;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::audit::audit;
use crate::support::emulator::{payment_key, secret, webhook};
use crate::support::shopper::Shopper;

async fn order(app: &App, id: &Value) -> Value {
    app.get(&format!("/v1/orders/{}", id.as_str().unwrap())).await.expect(200)
}

async fn settled(app: &App, id: &Value, status: &str) -> Value {
    let wanted = || async {
        let order = order(app, id).await;
        (order["status"] == status).then_some(order)
    };
    app.eventually("the order's status", wanted).await
}

api_test! {
    /// The provider took the money, but its answer was lost: the order is placed with an unknown payment, and the worker
    /// finds out by asking again under the same key.
    async fn a_charge_whose_answer_was_lost_is_found_by_asking_again(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let placed = shopper.check_out("tok-timeout-after-charge").await.expect(201);
        assert_eq!(placed["status"], "new");
        assert_eq!(placed["payment"]["status"], "unknown");
        let paid = settled(&app, &placed["id"], "paid").await;
        assert_eq!(paid["payment"]["status"], "captured");
        assert_eq!(paid["history"][1]["cause"], "query");
    }
}

api_test! {
    async fn a_charge_that_never_arrived_gives_the_cart_back(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let placed = shopper.check_out("tok-timeout-before-charge").await.expect(201);
        assert_eq!(placed["payment"]["status"], "unknown");
        settled(&app, &placed["id"], "cancelled").await;
        assert_eq!(shopper.show().await["status"], "open");
        shopper.check_out("tok-approve").await.expect(201);
    }
}

api_test! {
    async fn authorized_money_is_captured(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-authorize").await.expect(201);
        assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("paid"), &json!("captured")));
    }
}

api_test! {
    async fn a_shopper_who_cancels_has_the_cart_back(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let problem = shopper.check_out("tok-cancel").await.problem("payment-declined");
        assert_eq!(problem["code"], "cancelled");
        assert_eq!(shopper.show().await["status"], "open");
    }
}

api_test! {
    async fn an_action_is_shown_and_a_signed_webhook_ends_it(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let placed = shopper.check_out("tok-requires-action").await.expect(201);
        assert_eq!(placed["payment"]["status"], "requires_action");
        assert_eq!(placed["payment"]["action"]["kind"], "redirect");
        let key = payment_key(&app, &placed).await;
        let body = json!({ "payment_key": key, "event": "captured" });
        webhook(&app, &body, "a guess").await.problem("webhook-unauthentic");
        assert_eq!(order(&app, &placed["id"]).await["status"], "new", "a forged message changes nothing");
        let secret = secret(&app).await;
        assert_eq!(webhook(&app, &body, &secret).await.status, 204);
        let paid = order(&app, &placed["id"]).await;
        assert_eq!(paid["status"], "paid");
        assert_eq!(paid["payment"]["action"], json!(null));
        assert_eq!(webhook(&app, &body, &secret).await.status, 204, "told twice");
        assert_eq!(order(&app, &placed["id"]).await["history"], paid["history"], "nothing happens the second time");
    }
}

api_test! {
    async fn webhooks_of_unknown_plugins_are_not_found(app: App) {
        app.post("/v1/payments/no-plugin/webhook", json!({})).await.problem("not-found");
    }
}

api_test! {
    /// A provider repeats its messages as it likes: news that are old must not take the refund off the worker's list.
    async fn a_refund_that_failed_is_repeated_whatever_the_provider_says_meanwhile(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-refund-error").await.expect(201);
        assert_eq!(order["status"], "paid");
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        let cancelled = app.post(&path, json!({})).await.expect(200);
        assert_eq!((&cancelled["status"], &cancelled["payment"]["status"]), (&json!("cancelled"), &json!("captured")));
        let body = json!({ "payment_key": payment_key(&app, &order).await, "event": "captured" });
        assert_eq!(webhook(&app, &body, &secret(&app).await).await.status, 204);
        let refunded = || async {
            let order = self::order(&app, &order["id"]).await;
            (order["payment"]["status"] == "refunded").then_some(())
        };
        app.eventually("the refund", refunded).await;
    }
}

api_test! {
    /// Money that is only reserved is given back by a cancel, never taken by it.
    async fn an_order_whose_capture_fails_can_be_cancelled(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-capture-error").await.expect(201);
        assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("new"), &json!("authorized")));
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        let cancelled = app.post(&path, json!({})).await.expect(200);
        assert_eq!((&cancelled["status"], &cancelled["payment"]["status"]), (&json!("cancelled"), &json!("cancelled")));
        assert_eq!(shopper.show().await["status"], "open");
    }
}

api_test! {
    /// A provider that cannot capture what it reserved is not asked again: the payment has ended.
    async fn a_capture_that_a_provider_cannot_do_ends_the_payment(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let order = shopper.check_out("tok-capture-error").await.expect(201);
        assert_eq!((&order["status"], &order["payment"]["status"]), (&json!("new"), &json!("authorized")));
        // It knows of no such payment any more.
        let mut tx = app.shop.db().write().await.unwrap();
        let key = format!("payment/{}", payment_key(&app, &order).await);
        let gone = sql::execute!(tx, "delete from plugin_kv where key = $1", key.as_str()).unwrap();
        tx.commit().await.unwrap();
        assert_eq!(gone, 1);
        let cancelled = settled(&app, &order["id"], "cancelled").await;
        assert_eq!(cancelled["payment"]["status"], "declined");
        assert_eq!(shopper.show().await["status"], "open");
        audit(&app).await;
    }
}

api_test! {
    /// A provider that cannot give a payment up is asked how it ended, whether the shopper or the shop wanted that.
    async fn what_a_provider_cannot_cancel_is_asked_for(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let placed = shopper.check_out("tok-no-cancel").await.expect(201);
        assert_eq!(placed["payment"]["status"], "requires_action");
        let path = format!("/v1/orders/{}/cancel", placed["id"].as_str().unwrap());
        app.post(&path, json!({})).await.problem("order-state");
        let paid = settled(&app, &placed["id"], "paid").await;
        assert_eq!((&paid["payment"]["status"], &paid["history"][1]["cause"]), (&json!("captured"), &json!("query")));

        // Here nobody asks: the action is overdue at once.
        let hasty = app.another(|config| config.orders.payment_action_minutes = 0).await;
        let shopper = Shopper::ready(&hasty, "TEA-SENCHA-100", 1).await;
        let placed = shopper.check_out("tok-no-cancel").await.expect(201);
        settled(&hasty, &placed["id"], "paid").await;
        hasty.stopper().stop().await;
    }
}

api_test! {
    /// A provider's texts are its own affair: too long, they are cut, and the payment ends as it ended.
    async fn a_decline_with_a_long_code_is_a_decline(app: App) {
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let token = format!("tok-decline-{}", "x".repeat(300));
        let problem = shopper.check_out(&token).await.problem("payment-declined");
        assert_eq!(problem["code"], "x".repeat(64));
        assert_eq!(shopper.show().await["status"], "open");
    }
}
