//! Shadow, canary, in force; and back.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use super::{BEGIN, BINDING, MOST, begin, ended, observed, seven_is_a_trap, stage, upload};
use crate::support::App;
use crate::support::components::PERCENT_V1;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

/// What is in force, with ten per cent off above 100.
async fn above_100(merchant: &Merchant<'_>) -> Value {
    let mut settings = merchant.get(BINDING).await.expect(200)["plugins"][0]["settings"].clone();
    settings["discounts"] =
        json!([{ "code": "above-100", "label": "10 % off", "percent_bp": 1000, "minimum": 10_000 }]);
    json!([{ "name": "pricing-standard", "settings": settings }])
}

/// What an order says of who priced it.
async fn priced(merchant: &Merchant<'_>, order: &Value) -> Value {
    let path = format!("/v1/admin/orders/{}/receipt", order["id"].as_str().unwrap());
    let receipt = merchant.get(&path).await.expect(200);
    receipt.as_array().unwrap().iter().find(|call| call["domain"] == "pricing").unwrap().clone()
}

api_test! {
    async fn in_shadow_the_candidate_is_compared_and_nobody_sees_it(app: App) {
        let merchant = Merchant::of(&app).await;
        let rollout = begin(&merchant, json!({ "plugins": above_100(&merchant).await })).await;
        let (large, small) = (Shopper::guest(&app).await, Shopper::guest(&app).await);
        assert_eq!(large.add("TEA-SENCHA-100", 8).await.expect(200)["total"], 10_000);
        assert_eq!(small.add("TEA-SENCHA-100", 1).await.expect(200)["total"], 12_50);
        let seen = observed(&merchant, &rollout, |seen| seen["compared"].as_i64() >= Some(2) && seen["different"].as_i64() >= Some(1)).await;
        assert_eq!((&seen["served"], &seen["not_compared"], &seen["stood_in"]), (&json!(0), &json!(0), &json!(0)), "{seen}");
        assert_eq!(seen["failed"], json!({}));
        // An empty cart has its price, too; each look at the large one counts.
        let (different, money) = (seen["different"].as_i64().unwrap(), &seen["money"]["EUR"]);
        let sum = |side: &str| money["totals"][side].as_i64().unwrap();
        assert_eq!((sum("base") - sum("candidate"), &money["calls"]), (different * 10_00, &seen["compared"]), "{seen}");
        assert_eq!((&money["cheaper"], &money["cheaper_by"]), (&json!(different), &json!(different * 10_00)));
        assert_eq!((&money["dearer"], &money["dearer_by"]), (&json!(0), &json!(0)));
        assert_eq!(seen["samples"][0]["text"], "EUR 10000 -> 9000");
        assert!(seen["fuel"]["candidate"].as_i64() > Some(0));
        // Beside calls are no calls of the shop.
        let counters = merchant.get("/v1/admin/plugins/pricing-standard/counters").await.expect(200);
        let priced = &counters["versions"][0]["functions"][0];
        assert_eq!((&priced["function"], &priced["errors"]), (&json!("price"), &json!({})), "{counters}");
        // What was shown is charged.
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 8).await;
        let shown = shopper.show().await["total"].clone();
        assert_eq!(shopper.check_out("tok-approve").await.expect(201)["total"], shown);
        let events = merchant.get("/v1/admin/events?type=plugin.shadowed").await.expect(200);
        assert_eq!((&events["items"][0]["data"]["stage"], &events["items"][0]["data"]["share"]), (&json!("shadow"), &json!(0)), "{events}");
    }
}

api_test! {
    /// Nobody sees two prices: not while the share grows, and not when the candidate comes in force.
    async fn a_cart_keeps_whom_it_was_quoted_by(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1).await;
        let guards = json!({ "max_drift_bp": 100_000 });
        let rollout = begin(&merchant, json!({ "plugins": [{ "name": "percent-off" }], "share": 5_000, "guards": guards })).await;
        let (mut carts, mut by_total) = (Vec::new(), BTreeMap::new());
        for _ in 0..40 {
            let cart = Shopper::guest(&app).await;
            let total = cart.add("TEA-SENCHA-100", 1).await.expect(200)["total"].as_i64().unwrap();
            *by_total.entry(total).or_insert(0) += 1;
            carts.push((cart, total));
        }
        assert_eq!(by_total.keys().copied().collect::<Vec<_>>(), [11_25, 12_50], "{by_total:?}");
        let unchanged = async || {
            for (cart, total) in &carts {
                assert_eq!(cart.show().await["total"], *total);
            }
        };
        unchanged().await;
        stage(&merchant, &rollout, json!({ "stage": "canary", "share": MOST })).await.expect(200);
        unchanged().await;
        let moved = stage(&merchant, &rollout, json!({ "stage": "active" })).await.expect(200);
        assert_eq!((&moved["generation"], &moved["share"], &moved["ending"]), (&json!(2), &json!(10_000), &json!(null)));
        unchanged().await;
        let new = Shopper::guest(&app).await;
        assert_eq!(new.add("TEA-SENCHA-100", 1).await.expect(200)["total"], 11_25);
        // A kernel that starts draws as the one before did.
        let app = app.restart().await;
        let merchant = Merchant::of(&app).await;
        for (cart, total) in &carts {
            assert_eq!(Shopper::of(&app, &cart.cart).show().await["total"], *total, "after a restart");
        }
        // An order keeps who priced it: the candidate, or the one before.
        let (cart, _) = carts.iter().find(|(_, total)| *total == 12_50).unwrap();
        let shopper = Shopper::of(&app, &cart.cart);
        shopper.put("email", json!({ "email": "ada@example.org" })).await.expect(200);
        shopper.put("address", crate::support::shopper::address()).await.expect(200);
        let options = shopper.send(reqwest::Method::GET, "/delivery-options", None).await.expect(200);
        shopper.put("delivery-option", json!({ "id": options[0]["id"] })).await.expect(200);
        let order = shopper.check_out("tok-approve").await.expect(201);
        let priced = priced(&merchant, &order).await;
        assert_eq!((&priced["plugin"], &priced["generation"]), (&json!("pricing-standard"), &json!(1)), "{priced}");
        // A rollback is for all, at once.
        merchant.post(&format!("{BINDING}/rollback"), Value::Null).await.expect(200);
        assert_eq!(Shopper::of(&app, &new.cart).show().await["total"], 12_50);
        assert_eq!(ended(&merchant, &rollout).await["ending"], "superseded");
    }
}

api_test! {
    async fn a_rollout_that_is_stopped_serves_nobody(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1).await;
        let rollout = begin(&merchant, json!({ "plugins": [{ "name": "percent-off" }], "share": MOST })).await;
        let cart = Shopper::guest(&app).await;
        assert_eq!(cart.add("TEA-SENCHA-100", 1).await.expect(200)["total"], 11_25);
        // A draft of staff's is priced by what is in force; of a candidate's order the receipt says that it was none.
        let order = Shopper::ready(&app, "TEA-SENCHA-100", 1).await.check_out("tok-approve").await.expect(201);
        let priced = priced(&merchant, &order).await;
        assert_eq!((&priced["plugin"], &priced["generation"]), (&json!("percent-off"), &json!(0)), "{priced}");
        let back = stage(&merchant, &rollout, json!({ "stage": "shadow" })).await.expect(200);
        assert_eq!((&back["stage"], &back["share"], &back["observed"]["calls"]), (&json!("shadow"), &json!(0), &json!(0)));
        assert_eq!(cart.show().await["total"], 12_50);
        stage(&merchant, &rollout, json!({ "stage": "canary", "share": MOST })).await.expect(200);
        assert_eq!(cart.show().await["total"], 12_50, "it was quoted in shadow");
        let stopped = merchant.post(&format!("{rollout}/stop"), Value::Null).await.expect(200);
        assert_eq!((&stopped["ending"], &stopped["stage"]), (&json!("stopped"), &json!("canary")));
        assert_eq!(cart.show().await["total"], 12_50);
        merchant.post(&format!("{rollout}/stop"), Value::Null).await.problem("rollout-stage");
        // What it began can be ended, though it never was in force.
        let found = app.shop.plugins().find_bound(kassa::plugins::Domain::Pricing, "percent-off").await.unwrap();
        assert_eq!((found.name(), found.version()), ("percent-off", "1.0.0"));
        let events = merchant.get("/v1/admin/events?type=plugin.rollout-ended").await.expect(200);
        assert_eq!(events["items"][0]["data"]["ending"], "stopped", "{events}");
        let listed = merchant.get("/v1/admin/rollouts").await.expect(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    }
}

api_test! {
    async fn what_has_no_sense_is_refused_and_changes_nothing(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1).await;
        let plugins = json!([{ "name": "percent-off" }]);
        let before = merchant.get(BINDING).await.expect(200);
        merchant.is_refused(&[
            (&format!("POST {BEGIN}"), json!({ "plugins": [] }), &["/plugins"]),
            (&format!("POST {BEGIN}"), json!({ "plugins": plugins, "share": 0 }), &["/share"]),
            (&format!("POST {BEGIN}"), json!({ "plugins": plugins, "share": 10_000 }), &["/share"]),
            (&format!("POST {BEGIN}"), json!({ "plugins": plugins, "guards": { "window_s": 1, "min_calls": 0 } }), &["/guards/window_s", "/guards/min_calls"]),
            (&format!("POST {BEGIN}"), json!({ "plugins": [{ "name": "nobody" }] }), &["/plugins"]),
            // What is in force is no candidate for it.
            (&format!("POST {BEGIN}"), json!({ "plugins": [{ "name": "pricing-standard" }] }), &["/plugins"]),
            ("POST /v1/admin/bindings/payment/rollouts", json!({ "plugins": [{ "name": "payment-emulator" }] }), &["/plugins"]),
        ]).await;
        merchant.post("/v1/admin/bindings/none/rollouts", json!({ "plugins": plugins })).await.problem("not-found");
        let bad = json!({ "plugins": [{ "name": "percent-off", "settings": { "percent_bp": 20_000 } }] });
        merchant.post(BEGIN, bad).await.problem("binding-rejected");
        let rollout = begin(&merchant, json!({ "plugins": plugins, "share": 100 })).await;
        merchant.post(BEGIN, json!({ "plugins": plugins })).await.problem("rollout-running");
        let running = [
            merchant.put(BINDING, json!({ "plugins": plugins })).await,
            merchant.post(&format!("{BINDING}/rollback"), Value::Null).await,
            merchant.put("/v1/admin/plugins/pricing-standard/settings", json!({})).await,
        ];
        running.into_iter().for_each(|answer| drop(answer.problem("rollout-running")));
        let path = format!("PUT {rollout}/stage");
        merchant.is_refused(&[
            (&path, json!({ "stage": "done" }), &["/stage"]),
            (&path, json!({ "stage": "canary" }), &["/share"]),
            (&path, json!({ "stage": "active", "share": 100 }), &["/share"]),
        ]).await;
        assert_eq!(merchant.get(BINDING).await.expect(200), before);
        stage(&merchant, &rollout, json!({ "stage": "active" })).await.expect(200);
        stage(&merchant, &rollout, json!({ "stage": "shadow" })).await.problem("rollout-stage");
        merchant.get(&format!("/v1/admin/rollouts/{}", crate::support::merchant::NOBODY)).await.problem("not-found");
    }
}

api_test! {
    async fn any_earlier_binding_can_be_gone_back_to(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1).await;
        for percent in [1_000, 2_000, 3_000] {
            let settings = json!({ "percent_bp": percent });
            merchant.put(BINDING, json!({ "plugins": [{ "name": "percent-off", "settings": settings }] })).await.expect(200);
        }
        let rollback = format!("{BINDING}/rollback");
        let to = |generation: i64| format!("{rollback}?generation={generation}");
        for (generation, problem) in [(4, "invalid-request"), (5, "invalid-request"), (0, "nothing-to-roll-back")] {
            merchant.post(&to(generation), Value::Null).await.problem(problem);
        }
        merchant.send_if(reqwest::Method::POST, &to(2), "\"3\"", Value::Null).await.problem("precondition-failed");
        let back = merchant.send_if(reqwest::Method::POST, &to(2), "\"4\"", Value::Null).await.expect(200);
        assert_eq!((&back["generation"], &back["rolled_back_to"]), (&json!(5), &json!(2)));
        let cart = Shopper::guest(&app).await;
        assert_eq!(cart.add("TEA-SENCHA-100", 1).await.expect(200)["total"], 11_25);
        // Further back than what it stands for.
        let back = merchant.post(&rollback, Value::Null).await.expect(200);
        assert_eq!(back["rolled_back_to"], 1);
        let history = merchant.get(&format!("{BINDING}/history?limit=4")).await.expect(200);
        let generations = |page: &Value| page["items"].as_array().unwrap().iter().map(|b| b["generation"].as_i64().unwrap()).collect::<Vec<_>>();
        assert_eq!(generations(&history), [6, 5, 4, 3]);
        let next = format!("{BINDING}/history?cursor={}", history["next_cursor"].as_str().unwrap());
        assert_eq!(generations(&merchant.get(&next).await.expect(200)), [2, 1]);
    }
}

/// `kassa plugin rollout …` as the merchant.
async fn kassa(app: &App, folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kassa"));
    command.current_dir(folder).args(["plugin", "rollout"]).args(arguments).env("KASSA_URL", &app.url);
    command.env("KASSA_EMAIL", "merchant@example.org").env("KASSA_PASSWORD", "correct horse battery staple");
    tokio::task::spawn_blocking(move || command.output()).await.expect("no panic").expect("it runs")
}

api_test! {
    async fn the_command_line_leads_from_stage_to_stage(app: App) {
        let merchant = Merchant::of(&app).await;
        let candidate = seven_is_a_trap(&merchant).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("seven.json"), candidate[0]["settings"].to_string()).unwrap();
        let run = async |arguments: &[&str], expected: &str| {
            let output = kassa(&app, folder.path(), arguments).await;
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert!(text.contains(expected), "{arguments:?} does not say {expected:?}: {text}");
            output.status.success()
        };
        assert!(!run(&["show", "pricing"], "there never was a rollout of pricing plugins").await);
        assert!(run(&["begin", "hostile-pricing", "--settings", "seven.json"], "pricing shadow 0% under way").await);
        assert!(run(&["canary", "pricing", "10"], "pricing canary 10% under way").await);
        assert!(!run(&["canary", "pricing", "100"], "100").await);
        assert!(run(&["shadow", "pricing"], "pricing shadow 0% under way").await);
        assert!(run(&["activate", "pricing"], "pricing active 100% under way").await);
        assert!(run(&["show", "pricing", "--json"], "\"stage\": \"active\"").await);
        assert!(run(&["stop", "pricing"], "pricing active 100% stopped").await);
        assert!(!run(&["activate", "pricing"], "a rollout that is stopped cannot be active next").await);
    }
}
