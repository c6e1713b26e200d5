//! Candidates that take money: what they may be asked before they are trusted with any, and whose a payment stays.

use reqwest::Method;
use serde_json::{Value, json};

use super::{MOST, begin_of, ended, observed, stage, upload, watchful, with_setting};
use crate::support::components::OUTBOUND;
use crate::support::emulator::{payment_key, secret, webhook};
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

/// The plugin, which may have what it asks for.
async fn outbound(merchant: &Merchant<'_>) {
    upload(merchant, &OUTBOUND).await;
    let asks_for =
        merchant.get("/v1/admin/plugins/outbound-payment").await.expect(200)["versions"][0]["asks_for"].clone();
    merchant.put("/v1/admin/plugins/outbound-payment/grants", asks_for).await.expect(200);
}

async fn methods(shopper: &Shopper<'_>) -> Vec<String> {
    let methods = shopper.send(Method::GET, "/payment-methods", None).await.expect(200);
    methods
        .as_array()
        .unwrap()
        .iter()
        .map(|method| format!("{} {}", method["id"], method["label"]).replace('"', ""))
        .collect()
}

/// Where the shopper is sent to confirm the payment.
async fn sent_to(merchant: &Merchant<'_>, order: &Value) -> String {
    let order = merchant.get(&format!("/v1/admin/orders/{}", order["id"].as_str().unwrap())).await.expect(200);
    order["payments"][0]["action"]["url"].as_str().unwrap_or_else(|| panic!("no action: {order}")).to_owned()
}

api_test! {
    async fn in_shadow_it_is_asked_for_its_methods_and_nothing_else(app: App) {
        let merchant = Merchant::of(&app).await;
        outbound(&merchant).await;
        let plugins = json!([{ "name": "payment-emulator" }, { "name": "outbound-payment" }]);
        let rollout = begin_of("payment", &merchant, json!({ "plugins": plugins })).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        assert_eq!(methods(&shopper).await, ["payment-emulator:card Card (test)"]);
        let seen = observed(&merchant, &rollout, |seen| seen["compared"] == 1).await;
        assert_eq!((&seen["different"], &seen["money"]), (&json!(1), &json!({})), "{seen}");
        assert_eq!(seen["samples"][0]["text"], "payment-emulator:card -> payment-emulator:card, outbound-payment:card");
        // It can be named, but not paid by.
        let total = shopper.show().await["total"].clone();
        shopper.check_out_by("outbound-payment:card", "any", total).await.problem("payment-method-unavailable");
        shopper.check_out("tok-approve").await.expect(201);
        // What it was asked is what was compared: no payment, and no message of a provider.
        let message = app.client.request(Method::POST, format!("{}/v1/payments/outbound-payment/webhook", app.url));
        assert_eq!(message.body("{}").send().await.unwrap().status(), 404);
        let seen = merchant.get(&rollout).await.expect(200)["observed"].clone();
        assert_eq!((&seen["calls"], &seen["served"], &seen["attempts"]), (&json!(1), &json!(0), &json!({ "base": 0, "candidate": 0 })), "{seen}");
    }
}

api_test! {
    /// The question changes nothing, whatever the plugin would like to keep of it.
    async fn what_is_asked_beside_keeps_nothing(app: App) {
        let merchant = Merchant::of(&app).await;
        outbound(&merchant).await;
        let plugins = |secret: &str| json!([{ "name": "outbound-payment", "settings": { "keeps": true, "api_secret": secret } }]);
        merchant.put("/v1/admin/bindings/payment", json!({ "plugins": plugins("old") })).await.expect(200);
        let rollout = begin_of("payment", &merchant, json!({ "plugins": plugins("new") })).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        assert_eq!(methods(&shopper).await, ["outbound-payment:card Card, kept"]);
        let seen = observed(&merchant, &rollout, |seen| seen["compared"] == 1).await;
        assert_eq!(seen["samples"][0]["text"], "outbound-payment:card, said otherwise", "{seen}");
        // As a canary it may.
        stage(&merchant, &rollout, json!({ "stage": "canary", "share": MOST })).await.expect(200);
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        assert_eq!(methods(&shopper).await, ["outbound-payment:card Card, kept"]);
    }
}

api_test! {
    /// The same file under another account: its provider signs with another secret, and sends shoppers to another page.
    async fn what_a_candidate_began_it_goes_on_with_while_it_is_tried(app: App) {
        let merchant = Merchant::of(&app).await;
        let old = secret(&app).await;
        let mut plugins = with_setting(&merchant, "payment", "action_url", json!("https://new.example/pay")).await;
        plugins[0]["settings"]["webhook_secret"] = json!("new");
        let rollout = begin_of("payment", &merchant, json!({ "plugins": plugins, "share": MOST })).await;
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-requires-action").await.expect(201);
        assert!(sent_to(&merchant, &order).await.starts_with("https://new.example/pay?payment="));
        let told = json!({ "payment_key": payment_key(&app, &order).await, "event": "captured" });
        webhook(&app, &json!({}), "new").await.problem("malformed-request");
        webhook(&app, &told, "neither").await.problem("webhook-unauthentic");
        webhook(&app, &told, "new").await.expect(204);
        let path = format!("/v1/admin/orders/{}", order["id"].as_str().unwrap());
        assert_eq!(merchant.get(&path).await.expect(200)["status"], "paid");
        let seen = merchant.get(&rollout).await.expect(200)["observed"].clone();
        assert_eq!((&seen["attempts"], &seen["declined"]), (&json!({ "base": 0, "candidate": 1 }), &json!({ "base": 0, "candidate": 0 })), "{seen}");
        // A refund is a call of its own, which counts.
        merchant.post(&format!("{path}/refunds"), json!({ "amount": 100, "reason": "late" })).await.expect(201);
        assert_eq!(merchant.get(&rollout).await.expect(200)["observed"]["calls"].as_i64(), seen["calls"].as_i64().map(|calls| calls + 1));
        // The version in force goes on with what it began.
        let decline = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-decline-no").await;
        decline.problem("payment-declined");
        let seen = merchant.get(&rollout).await.expect(200)["observed"].clone();
        assert_eq!(seen["declined"], json!({ "base": 0, "candidate": 1 }), "{seen}");
        merchant.post(&format!("{rollout}/stop"), Value::Null).await.expect(200);
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-requires-action").await.expect(201);
        assert!(!sent_to(&merchant, &order).await.contains("new.example"));
        let told = json!({ "payment_key": payment_key(&app, &order).await, "event": "captured" });
        webhook(&app, &told, "new").await.problem("webhook-unauthentic");
        webhook(&app, &told, &old).await.expect(204);
    }
}

api_test! {
    /// Nothing is begun before a way to pay is found: until then what is in force can stand in.
    async fn what_a_candidate_does_not_offer_is_paid_by_what_is_in_force(app: App) {
        let merchant = Merchant::of(&app).await;
        outbound(&merchant).await;
        let plugins = json!([{ "name": "outbound-payment", "settings": { "captured": 17_40 } }]);
        let rollout = begin_of("payment", &merchant, json!({ "plugins": plugins, "share": MOST })).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        assert_eq!(methods(&shopper).await, ["outbound-payment:card Card"]);
        shopper.check_out("tok-approve").await.expect(201);
        let seen = merchant.get(&rollout).await.expect(200)["observed"].clone();
        assert_eq!(seen["attempts"], json!({ "base": 1, "candidate": 0 }), "{seen}");
        // A payment that the candidate begins under a name of its own is ended by it, though it never was in force.
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let total = shopper.show().await["total"].clone();
        let order = shopper.check_out_by("outbound-payment:card", "claim=pending:0:0", total).await.expect(201);
        merchant.post(&format!("{rollout}/stop"), Value::Null).await.expect(200);
        // The worker asks it, under its own settings, and it says that the money is there.
        let order = format!("/v1/admin/orders/{}", order["id"].as_str().unwrap());
        let paid = || async { (merchant.get(&order).await.expect(200)["status"] == "paid").then_some(()) };
        app.eventually("the payment is settled", paid).await;
    }
}

api_test! {
    /// Once money may have moved nobody stands in: the failure is the candidate's, and enough of them take it back.
    async fn payments_that_fail_bring_the_plugins_before_back(app: App) {
        let app = app.restart_with(watchful).await;
        let merchant = Merchant::of(&app).await;
        let plugins = with_setting(&merchant, "payment", "action_url", json!("https://new.example/pay")).await;
        let rollout = begin_of("payment", &merchant, json!({ "plugins": plugins, "share": MOST })).await;
        for _ in 0..10 {
            Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-error").await;
        }
        let taken_back = ended(&merchant, &rollout).await;
        assert_eq!((&taken_back["ending"], &taken_back["breach"]["guard"]), (&json!("rolled-back"), &json!("failures")), "{taken_back}");
        assert_eq!(taken_back["breach"]["window"]["stood_in"], 0, "{taken_back}");
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-requires-action").await.expect(201);
        assert!(!sent_to(&merchant, &order).await.contains("new.example"));
    }
}
