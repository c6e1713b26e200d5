//! What a candidate may not do.

use kassa::db::sql;
use serde_json::{Value, json};

use super::{BINDING, MOST, begin, ended, observed, seven_is_a_trap, stage, upload, watchful};
use crate::support::components::PERCENT_V2;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

api_test! {
    /// The candidate fails, the shoppers see nothing of it, and it is taken back.
    async fn a_candidate_that_fails_is_stood_in_for_and_taken_back(app: App) {
        let app = app.restart_with(watchful).await;
        let merchant = Merchant::of(&app).await;
        let candidate = seven_is_a_trap(&merchant).await;
        let rollout = begin(&merchant, json!({ "plugins": candidate, "share": MOST })).await;
        let well = Shopper::guest(&app).await;
        assert_eq!(well.add("TEA-SENCHA-100", 1).await.expect(200)["total"], 12_50);
        observed(&merchant, &rollout, |seen| seen["served"].as_i64() >= Some(1)).await;
        for _ in 0..12 {
            let cart = Shopper::guest(&app).await;
            assert_eq!(cart.add("TEA-SENCHA-100", 7).await.expect(200)["total"], 87_50);
            assert_eq!(cart.show().await["total"], 87_50);
        }
        let taken_back = ended(&merchant, &rollout).await;
        assert_eq!((&taken_back["ending"], &taken_back["stage"]), (&json!("rolled-back"), &json!("canary")), "{taken_back}");
        let breach = &taken_back["breach"];
        assert_eq!((&breach["guard"], &breach["limit"]), (&json!("failures"), &json!(100)));
        let failed = |counts: &Value| counts["failed"]["trapped"].as_i64().unwrap();
        assert!(failed(&breach["window"]) >= 1 && failed(&taken_back["observed"]) >= failed(&breach["window"]), "{taken_back}");
        assert_eq!(taken_back["observed"]["stood_in"], failed(&taken_back["observed"]));
        assert_eq!(taken_back["observed"]["samples"][0]["code"], "trapped");
        assert_eq!(merchant.get(BINDING).await.expect(200)["generation"], 2, "it never was in force");
        // Nothing is held against the file that is in force, which is the same.
        let counters = merchant.get("/v1/admin/plugins/hostile-pricing/counters").await.expect(200);
        let price = &counters["versions"][0]["functions"][0];
        assert_eq!((&price["faults"], &price["circuit"]), (&json!({}), &json!("closed")), "{counters}");
        is_told(&merchant, &rollout).await;
    }
}

/// In the audit log, by event, in the inbox and by mail.
async fn is_told(merchant: &Merchant<'_>, rollout: &str) {
    let id = rollout.rsplit('/').next().unwrap();
    let log = merchant.get("/v1/admin/audit?operation=roll_back_rollout").await.expect(200);
    assert_eq!(
        (&log["items"][0]["actor"]["kind"], &log["items"][0]["subject"]),
        (&json!("kernel"), &json!(id)),
        "{log}"
    );
    let events = merchant.get("/v1/admin/events?type=plugin.rolled-back").await.expect(200);
    let data = &events["items"][0]["data"];
    assert_eq!((&data["rollout_id"], &data["actor"]), (&json!(id), &json!("kassa")), "{events}");
    assert!(data["reason"].as_str().unwrap().starts_with("guard "), "{events}");
    let mail = || async {
        let letters = merchant.get("/v1/admin/messages?kind=plugin.rolled-back").await.expect(200);
        letters["items"].as_array().unwrap().iter().find(|letter| letter["channel"] == "email").cloned()
    };
    let mail = merchant.app.eventually("a letter", mail).await;
    assert_eq!(
        (&mail["recipient"], &mail["subject"]),
        (&json!("merchant@example.org"), &json!("Plugins for pricing were rolled back")),
        "{mail}"
    );
    let inbox = merchant.get("/v1/me/inbox").await.expect(200);
    assert!(inbox["items"].as_array().unwrap().iter().any(|item| item["kind"] == "plugin.rolled-back"), "{inbox}");
}

api_test! {
    /// In force, it takes a fifth off where a tenth is all that the guards let pass.
    async fn money_that_drifts_brings_the_plugins_before_back(app: App) {
        let app = app.restart_with(watchful).await;
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V2).await;
        let rollout = begin(&merchant, json!({ "plugins": [{ "name": "percent-off" }] })).await;
        let cart = Shopper::guest(&app).await;
        cart.add("TEA-SENCHA-100", 1).await.expect(200);
        // In shadow nobody is hurt: it is only told.
        for _ in 0..12 {
            assert_eq!(cart.show().await["total"], 12_50);
        }
        observed(&merchant, &rollout, |seen| seen["compared"].as_i64() >= Some(10)).await;
        assert_eq!(merchant.get(&rollout).await.expect(200)["ending"], json!(null));
        stage(&merchant, &rollout, json!({ "stage": "active" })).await.expect(200);
        let cart = Shopper::guest(&app).await;
        assert_eq!(cart.add("TEA-SENCHA-100", 1).await.expect(200)["total"], 10_00);
        for _ in 0..12 {
            cart.show().await;
        }
        let taken_back = ended(&merchant, &rollout).await;
        let breach = &taken_back["breach"];
        assert_eq!((&breach["guard"], &breach["currency"], &breach["measured"]), (&json!("money-drift"), &json!("EUR"), &json!(2_000)), "{taken_back}");
        let binding = merchant.get(BINDING).await.expect(200);
        assert_eq!((&binding["generation"], &binding["rolled_back_to"], &binding["actor"]), (&json!(3), &json!(1), &json!("kassa")));
        assert_eq!(binding["plugins"][0]["name"], "pricing-standard");
        assert_eq!(cart.show().await["total"], 12_50);
        is_told(&merchant, &rollout).await;
    }
}

api_test! {
    /// The candidate in force is the same file under other settings: what it fails opens no breaker against carts of the plugins before.
    async fn what_a_candidate_fails_is_not_held_against_carts_of_the_plugins_before(app: App) {
        let merchant = Merchant::of(&app).await;
        let candidate = seven_is_a_trap(&merchant).await;
        let guards = json!({ "max_failed_bp": 10_000 });
        let rollout = begin(&merchant, json!({ "plugins": candidate, "guards": guards })).await;
        let held = Shopper::guest(&app).await;
        assert_eq!(held.add("TEA-SENCHA-100", 7).await.expect(200)["total"], 87_50);
        stage(&merchant, &rollout, json!({ "stage": "active" })).await.expect(200);
        for _ in 0..10 {
            let new = Shopper::guest(&app).await;
            assert_eq!(new.add("TEA-SENCHA-100", 7).await.expect(200)["total"], 87_50);
        }
        let counters = merchant.get("/v1/admin/plugins/hostile-pricing/counters").await.expect(200);
        assert_eq!(counters["versions"][0]["functions"][0]["circuit"], "open", "{counters}");
        assert_eq!(held.show().await["total"], 87_50);
    }
}

api_test! {
    async fn a_watch_without_a_fault_ends_well(app: App) {
        let app = app.restart_with(|config| {
            watchful(config);
            config.rollouts.watch_minutes = 0;
            config.carts.price_hold_minutes = 0;
        }).await;
        let merchant = Merchant::of(&app).await;
        let candidate = seven_is_a_trap(&merchant).await;
        let rollout = begin(&merchant, json!({ "plugins": candidate })).await;
        stage(&merchant, &rollout, json!({ "stage": "active" })).await.expect(200);
        assert_eq!(ended(&merchant, &rollout).await["ending"], "completed");
        assert_eq!(merchant.get(BINDING).await.expect(200)["generation"], 3);
        // From here on it is a binding like any other: what it fails, it fails closed.
        let cart = Shopper::guest(&app).await;
        cart.add("TEA-SENCHA-100", 7).await.problem("pricing-unavailable");
    }
}

api_test! {
    /// A kernel that starts without the file of a candidate sells with what is in force.
    async fn a_candidate_that_is_gone_ends_its_rollout(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V2).await;
        let begun = begin(&merchant, json!({ "plugins": [{ "name": "percent-off" }], "share": MOST })).await;
        let digest = merchant.get(&begun).await.expect(200)["candidate"][0]["digest"].as_str().unwrap().to_owned();
        let mut tx = app.shop.db().write().await.unwrap();
        let other = "0".repeat(64);
        sql::execute!(tx, "update rollouts set candidate = replace(candidate, $1, $2)", digest.as_str(), other.as_str()).unwrap();
        tx.commit().await.unwrap();
        let app = app.restart().await;
        let merchant = Merchant::of(&app).await;
        let ended = merchant.get(&begun).await.expect(200);
        assert_eq!(ended["ending"], "failed", "{ended}");
        let cart = Shopper::guest(&app).await;
        assert_eq!(cart.add("TEA-SENCHA-100", 1).await.expect(200)["total"], 12_50);
    }
}
