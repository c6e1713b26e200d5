//! Candidates that take money: what they may be asked before they are trusted with any, and whose a payment stays.

use kassa::plugins::Domain;
use reqwest::Method;
use serde_json::{Value, json};

use super::{MOST, begin_of, ended, observed, stage, upload, watchful, with_setting};
use crate::support::App;
use crate::support::components::OUTBOUND;
use crate::support::emulator::{payment_key, secret, webhook};
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

const BINDING: &str = "/v1/admin/bindings/payment";

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
        // It took payments once, under other settings.
        let emulator = json!({ "name": "payment-emulator" });
        let with = |secret: &str| json!([emulator, { "name": "outbound-payment", "settings": { "api_secret": secret } }]);
        merchant.put(BINDING, json!({ "plugins": with("old") })).await.expect(200);
        merchant.put(BINDING, json!({ "plugins": [emulator] })).await.expect(200);
        let rollout = begin_of("payment", &merchant, json!({ "plugins": with("new") })).await;
        let found = app.shop.plugins().find_bound(Domain::Payment, "outbound-payment").await.unwrap();
        assert!(found.settings().contains("old"), "{}", found.settings());
        // Nor is it asked about those as a canary: it did not begin them.
        stage(&merchant, &rollout, json!({ "stage": "canary", "share": 1 })).await.expect(200);
        let found = app.shop.plugins().find_bound(Domain::Payment, "outbound-payment").await.unwrap();
        assert!(found.settings().contains("old"), "{}", found.settings());
        stage(&merchant, &rollout, json!({ "stage": "shadow" })).await.expect(200);
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
        assert_eq!((&seen["calls"], &seen["served"], &seen["payment_calls"]), (&json!(1), &json!(0), &json!({ "base": 0, "candidate": 0 })), "{seen}");
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
        let seen = observed(&merchant, &rollout, |seen| seen["served"] == 1).await;
        assert_eq!((&seen["failed"], &seen["stood_in"]), (&json!({}), &json!(0)), "{seen}");
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
        let of_payments = async |what: &str| merchant.get(&rollout).await.expect(200)["observed"][what].clone();
        assert_eq!(of_payments("payment_calls").await, json!({ "base": 0, "candidate": 1 }));
        // A refund is a call of its own, and so is an attempt that is declined.
        merchant.post(&format!("{path}/refunds"), json!({ "amount": 100, "reason": "late" })).await.expect(201);
        assert_eq!(of_payments("payment_calls").await, json!({ "base": 0, "candidate": 2 }));
        assert_eq!(of_payments("payment_failures").await, json!({ "base": 0, "candidate": 0 }));
        Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-decline-no").await.problem("payment-declined");
        assert_eq!(of_payments("payment_failures").await, json!({ "base": 0, "candidate": 1 }));
        let open = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-requires-action").await.expect(201);
        merchant.post(&format!("{rollout}/stop"), Value::Null).await.expect(200);
        // What comes new is the base's; what the candidate began its provider is heard about all the same.
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-requires-action").await.expect(201);
        assert!(!sent_to(&merchant, &order).await.contains("new.example"));
        for (order, secret) in [(&open, "new"), (&order, old.as_str())] {
            let told = json!({ "payment_key": payment_key(&app, order).await, "event": "captured" });
            webhook(&app, &told, secret).await.expect(204);
            let path = format!("/v1/admin/orders/{}", order["id"].as_str().unwrap());
            assert_eq!(merchant.get(&path).await.expect(200)["status"], "paid");
        }
    }
}

/// A cart of a plugin that says, where it is asked again, what its settings have it say was taken.
async fn pending<'a>(app: &'a App) -> Shopper<'a> {
    Shopper::ready(app, "TEA-SENCHA-100", 1).await
}

async fn pays_later(shopper: &Shopper<'_>) -> Value {
    let total = shopper.show().await["total"].clone();
    shopper.check_out_by("outbound-payment:card", "claim=pending:0:0", total).await.expect(201)
}

async fn is_paid(merchant: &Merchant<'_>, order: &Value) {
    let path = format!("/v1/admin/orders/{}", order["id"].as_str().unwrap());
    let paid = || async {
        let status = merchant.get(&path).await.expect(200)["status"].clone();
        assert_ne!(status, "cancelled", "the wrong account was asked");
        (status == "paid").then_some(())
    };
    merchant.app.eventually("the payment is settled", paid).await;
}

/// One account knows of the money, the other does not.
fn accounts() -> [Value; 2] {
    [json!({ "captured": 17_40 }), json!({})]
        .map(|settings| json!([{ "name": "outbound-payment", "settings": settings }]))
}

api_test! {
    /// The worst moment: a candidate is taken back while its payments are open. The account in force never heard of them.
    async fn a_candidate_that_was_taken_back_is_asked_about_what_it_began(app: App) {
        let merchant = Merchant::of(&app).await;
        outbound(&merchant).await;
        let [knows, knows_not] = accounts();
        merchant.put(BINDING, json!({ "plugins": knows_not })).await.expect(200);
        let body = json!({ "plugins": knows, "share": MOST });
        let rollout = begin_of("payment", &merchant, body.clone()).await;
        let order = pays_later(&pending(&app).await).await;
        merchant.post(&format!("{rollout}/stop"), Value::Null).await.expect(200);
        is_paid(&merchant, &order).await;
        // So it is with one that had come in force.
        let rollout = begin_of("payment", &merchant, body).await;
        stage(&merchant, &rollout, json!({ "stage": "active" })).await.expect(200);
        let order = pays_later(&pending(&app).await).await;
        merchant.post(&format!("{BINDING}/rollback"), Value::Null).await.expect(200);
        is_paid(&merchant, &order).await;
    }
}

api_test! {
    /// A cart that was quoted before is paid by what it was quoted by, also once the candidate is in force.
    async fn a_held_cart_is_gone_on_with_by_what_began_it(app: App) {
        let merchant = Merchant::of(&app).await;
        outbound(&merchant).await;
        let [knows, knows_not] = accounts();
        merchant.put(BINDING, json!({ "plugins": knows })).await.expect(200);
        let rollout = begin_of("payment", &merchant, json!({ "plugins": knows_not })).await;
        let held = pending(&app).await;
        stage(&merchant, &rollout, json!({ "stage": "active" })).await.expect(200);
        let order = pays_later(&held).await;
        is_paid(&merchant, &order).await;
        let seen = merchant.get(&rollout).await.expect(200)["observed"].clone();
        assert_eq!(seen["payment_calls"], json!({ "base": 1, "candidate": 0 }), "{seen}");
    }
}

api_test! {
    /// What a shopper was given for one account is worth nothing to another: better no answer than the wrong one's.
    async fn two_accounts_do_not_stand_in_for_each_other(app: App) {
        let merchant = Merchant::of(&app).await;
        outbound(&merchant).await;
        let of = |sulks: bool| json!({ "name": "outbound-payment", "settings": { "sulks": sulks } });
        merchant.put(BINDING, json!({ "plugins": [{ "name": "payment-emulator" }, of(false)] })).await.expect(200);
        let rollout = begin_of("payment", &merchant, json!({ "plugins": [of(true)], "share": MOST })).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let total = shopper.show().await["total"].clone();
        shopper.check_out_by("outbound-payment:card", "kv", total).await.expect(201);
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        shopper.send(Method::GET, "/payment-methods", None).await.problem("payment-unavailable");
        let total = shopper.show().await["total"].clone();
        shopper.check_out_by("outbound-payment:card", "any", total).await.problem("payment-unavailable");
        // Of a plugin that only one side has there is one account.
        shopper.check_out("tok-approve").await.expect(201);
        // In shadow the others answer, and of what the plugin said no word is kept: it named a person.
        stage(&merchant, &rollout, json!({ "stage": "shadow" })).await.expect(200);
        assert_eq!(methods(&Shopper::ready(&app, "TEA-SENCHA-100", 1).await).await, ["payment-emulator:card Card (test)", "outbound-payment:card Card"]);
        let seen = observed(&merchant, &rollout, |seen| seen["failed"]["plugin-internal"] == 1).await;
        assert_eq!((&seen["samples"][0]["code"], &seen["samples"][0]["text"]), (&json!("plugin-internal"), &json!("")), "{seen}");
    }
}

api_test! {
    /// Nothing is begun before a way to pay is found: until then what is in force can stand in.
    async fn what_a_candidate_does_not_offer_is_paid_by_what_is_in_force(app: App) {
        let merchant = Merchant::of(&app).await;
        outbound(&merchant).await;
        let [knows, _] = accounts();
        let rollout = begin_of("payment", &merchant, json!({ "plugins": knows, "share": MOST })).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        assert_eq!(methods(&shopper).await, ["outbound-payment:card Card"]);
        shopper.check_out("tok-approve").await.expect(201);
        let seen = merchant.get(&rollout).await.expect(200)["observed"].clone();
        assert_eq!(seen["payment_calls"], json!({ "base": 1, "candidate": 0 }), "{seen}");
        // A payment that the candidate begins under a name of its own is ended by it, though it never was in force.
        let order = pays_later(&pending(&app).await).await;
        merchant.post(&format!("{rollout}/stop"), Value::Null).await.expect(200);
        is_paid(&merchant, &order).await;
    }
}

api_test! {
    /// Once money may have moved nobody stands in. Both sides are held against each other, and one that fails alone is taken back.
    async fn payments_that_fail_bring_the_plugins_before_back(app: App) {
        let app = app.restart_with(|config| {
            watchful(config);
            config.rollouts.guards.min_payment_calls = 5;
        }).await;
        let merchant = Merchant::of(&app).await;
        outbound(&merchant).await;
        let plugins = json!([{ "name": "payment-emulator" }, { "name": "outbound-payment" }]);
        let rollout = begin_of("payment", &merchant, json!({ "plugins": plugins, "share": 5_000 })).await;
        let mut failed = 0;
        while merchant.get(&rollout).await.expect(200)["ending"].is_null() {
            let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
            if methods(&shopper).await.len() == 1 {
                // The provider of both is down: that is held against nobody.
                let token = if failed < 3 { "tok-error" } else { "tok-approve" };
                shopper.check_out(token).await;
                continue;
            }
            failed += 1;
            assert!(failed < 100, "it is not taken back");
            let total = shopper.show().await["total"].clone();
            shopper.check_out_by("outbound-payment:card", "claim=captured:1:0", total).await;
        }
        let taken_back = ended(&merchant, &rollout).await;
        assert_eq!((&taken_back["ending"], &taken_back["breach"]["guard"]), (&json!("rolled-back"), &json!("payment-failures")), "{taken_back}");
        assert_eq!(taken_back["breach"]["window"]["stood_in"], 0, "{taken_back}");
        assert_eq!(taken_back["breach"]["window"]["payment_calls"]["candidate"], taken_back["breach"]["window"]["payment_failures"]["candidate"]);
        assert_eq!(methods(&Shopper::ready(&app, "TEA-SENCHA-100", 1).await).await, ["payment-emulator:card Card (test)"]);
    }
}
