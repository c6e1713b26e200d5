//! What orders would have cost with other plugins.

use std::time::Duration;

use kassa::db::sql;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::{HOSTILE, PERCENT_V1};
use crate::support::merchant::Merchant;
use crate::support::schema::alter;
use crate::support::shopper::Shopper;

async fn upload(merchant: &Merchant<'_>, wasm: &[u8]) {
    let request =
        merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url)).bearer_auth(&merchant.token);
    Answer::of(request.header("content-type", "application/wasm").body(wasm.to_vec())).await.expect(201);
}

/// Begins a replay and waits for its end.
async fn replay(merchant: &Merchant<'_>, domain: &str, plugins: Value) -> Value {
    let path = format!("/v1/admin/bindings/{domain}/replays");
    let begun = merchant.post(&path, json!({ "plugins": plugins })).await.expect(202);
    let path = format!("/v1/admin/replays/{}", begun["id"].as_str().unwrap());
    let ended = || async {
        let replay = merchant.get(&path).await.expect(200);
        (replay["state"] != "running").then_some(replay)
    };
    merchant.app.eventually("the end of a replay", ended).await
}

/// The settings of the only plugin of a domain.
async fn settings(merchant: &Merchant<'_>, domain: &str) -> Value {
    merchant.get(&format!("/v1/admin/bindings/{domain}")).await.expect(200)["plugins"][0]["settings"].clone()
}

async fn buy(app: &App, quantity: u32, coupon: Option<&str>) -> Value {
    let shopper = Shopper::ready(app, "TEA-SENCHA-100", quantity).await;
    if let Some(coupon) = coupon {
        shopper.put("coupons", json!({ "coupons": [coupon] })).await.expect(200);
    }
    shopper.check_out("tok-approve").await.expect(201)
}

fn sums(groups: &Value, name: &str) -> i64 {
    groups.as_array().unwrap().iter().map(|group| group[name].as_i64().unwrap()).sum()
}

fn group<'a>(groups: &'a Value, key: &str) -> &'a Value {
    groups.as_array().unwrap().iter().find(|group| group["key"] == key).unwrap_or(&Value::Null)
}

api_test! {
    /// Ten per cent off above 100: exactly the orders above, by exactly that.
    async fn a_replay_tells_what_orders_would_have_cost(app: App) {
        let merchant = Merchant::of(&app).await;
        let (small, coupon) = (buy(&app, 1, None).await, buy(&app, 2, Some("WELCOME10")).await);
        let (large, larger) = (buy(&app, 8, None).await, buy(&app, 9, None).await);
        let total = |order: &Value| order["total"].as_i64().unwrap();
        let before: i64 = [&small, &coupon, &large, &larger].into_iter().map(total).sum();
        let mut settings = settings(&merchant, "pricing").await;
        settings["discounts"] =
            json!([{ "code": "above-100", "label": "10 % off", "percent_bp": 1000, "minimum": 10_000 }]);
        let candidate = json!([{ "name": "pricing-standard", "settings": settings }]);
        let replay = replay(&merchant, "pricing", candidate.clone()).await;
        assert_eq!((&replay["state"], &replay["orders_done"]), (&json!("done"), &json!(4)), "{replay}");
        let report = &replay["report"];
        let counts = ["orders", "unchanged", "changed", "failed", "skipped"].map(|name| report[name].as_u64().unwrap());
        assert_eq!(counts, [4, 2, 2, 0, 0], "{report}");
        let off = 10_00 + 11_25;
        assert_eq!(report["totals"], json!([{
            "currency": "EUR", "orders": 4, "changed": 2, "before": before, "after": before - off, "difference": -off,
            "up": { "orders": 0, "amount": 0 }, "down": { "orders": 2, "amount": -off },
        }]));
        let named: Vec<_> = report["largest"].as_array().unwrap().iter().map(|change| (&change["number"], &change["difference"])).collect();
        assert_eq!(named, [(&larger["number"], &json!(-11_25)), (&large["number"], &json!(-10_00))]);
        let changes = format!("/v1/admin/replays/{}/changes?limit=1", replay["id"].as_str().unwrap());
        let first = merchant.get(&changes).await.expect(200);
        let cursor = first["next_cursor"].as_str().unwrap();
        let second = merchant.get(&format!("{changes}&cursor={cursor}")).await.expect(200);
        assert_eq!((&first["items"][0], &second["items"][0]), (&report["largest"][0], &report["largest"][1]));
        assert_eq!(second["next_cursor"], json!(null));
        assert_eq!(group(&report["countries"], "DE")["difference"], -off);
        assert_eq!(group(&report["coupons"], "(none)")["changed"], 2);
        assert_eq!(group(&report["coupons"], "WELCOME10")["difference"], 0);
        assert_eq!(sums(&report["categories"], "before"), before, "the parts come to the whole");
        assert_eq!(sums(&report["categories"], "difference"), -off);
        assert_eq!(group(&report["categories"], "(delivery)")["difference"], 0);
        assert_eq!((&report["cost"]["candidate"]["calls"], &report["cost"]["recorded"]["calls"]), (&json!(4), &json!(4)));
        assert!(report["cost"]["candidate"]["fuel_mean"].as_u64().unwrap() > 0);
        // Nothing of it is in force, nothing became of the orders, and of the last two only those are looked at.
        assert_eq!(total(&buy(&app, 8, None).await), total(&large));
        let path = "/v1/admin/bindings/pricing/replays";
        let two = merchant.post(path, json!({ "plugins": candidate, "last": 2 })).await.expect(202);
        assert_eq!(two["orders_total"], 2);
        let page = merchant.get("/v1/admin/replays?limit=1").await.expect(200);
        assert_eq!((&page["items"][0]["id"], page["next_cursor"].is_string()), (&two["id"], true));
        let cursor = page["next_cursor"].as_str().unwrap();
        let listed = merchant.get(&format!("/v1/admin/replays?cursor={cursor}")).await.expect(200)["items"][0].clone();
        assert_eq!((&listed["summary"]["changed"], &listed["summary"]["totals"]), (&json!(2), &report["totals"]), "{listed}");
        assert_eq!((&listed["report"], &listed["candidate"][0]["settings"]), (&json!(null), &json!(null)), "{listed}");
        assert_eq!(listed["candidate"][0]["name"], "pricing-standard");
        let events = merchant.get("/v1/admin/events?type=plugin.replayed").await.expect(200);
        assert_eq!(events["items"][0]["data"]["plugins"], listed["candidate"], "{events}");
    }
}

api_test! {
    /// The page says the same, and what plugins say cannot reach it as markup.
    async fn a_report_is_a_page_to_read(app: App) {
        let merchant = Merchant::of(&app).await;
        buy(&app, 8, None).await;
        upload(&merchant, &PERCENT_V1).await;
        let replay = replay(&merchant, "pricing", json!([{ "name": "percent-off" }])).await;
        let url = format!("{}/v1/admin/replays/{}/page", app.url, replay["id"].as_str().unwrap());
        let page = app.client.get(url).bearer_auth(&merchant.token).send().await.unwrap();
        assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
        let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        let page = page.text().await.unwrap();
        for text in ["pricing: percent-off 1.0.0", "−10.00 EUR", "By country", "What a call costs"] {
            assert!(page.contains(text), "{text}: {page}");
        }
    }
}

api_test! {
    /// A candidate that fails is told by what it does, and its orders are in no sum.
    async fn what_fails_is_told_with_its_orders(app: App) {
        let merchant = Merchant::of(&app).await;
        let order = buy(&app, 1, None).await;
        upload(&merchant, &HOSTILE).await;
        for (mode, code) in [("trap", "trapped"), ("negative-total", "invalid-answer")] {
            let candidate = json!([{ "name": "hostile-pricing", "settings": { "mode": mode, "spare_probe": true } }]);
            let report = replay(&merchant, "pricing", candidate).await["report"].clone();
            assert_eq!((&report["orders"], &report["failed"], &report["totals"]), (&json!(1), &json!(1), &json!([])), "{report}");
            let failure = &report["errors"][0];
            assert_eq!((&failure["plugin"], &failure["code"]), (&json!("hostile-pricing"), &json!(code)));
            assert_eq!(failure["numbers"], json!([order["number"]]));
        }
        buy(&app, 1, None).await;
    }
}

api_test! {
    /// The delivery alone: dearer, and not offered any more.
    async fn other_rates_of_delivery_are_replayed(app: App) {
        let merchant = Merchant::of(&app).await;
        let order = buy(&app, 1, None).await;
        let paid = order["delivery"]["amount"].as_i64().unwrap();
        let (plugin, code) = (order["delivery"]["plugin"].as_str().unwrap(), order["delivery"]["code"].as_str().unwrap());
        let mut dearer = settings(&merchant, "delivery").await;
        let germany = &mut dearer["zones"][0]["options"];
        let option = germany.as_array_mut().unwrap().iter_mut().find(|option| option["code"] == code).unwrap();
        *option = json!({ "code": code, "label": option["label"], "price": paid + 1_00 });
        let report = replay(&merchant, "delivery", json!([{ "name": plugin, "settings": dearer }])).await["report"].clone();
        assert_eq!((&report["totals"][0]["before"], &report["totals"][0]["difference"]), (&json!(paid), &json!(1_00)), "{report}");
        assert_eq!((&report["totals"][0]["up"]["orders"], &report["categories"]), (&json!(1), &json!([])));
        let mut elsewhere = settings(&merchant, "delivery").await;
        elsewhere["zones"][0]["options"].as_array_mut().unwrap().retain(|option| option["code"] != code);
        let report = replay(&merchant, "delivery", json!([{ "name": plugin, "settings": elsewhere }])).await["report"].clone();
        let gone = &report["errors"][0];
        assert_eq!((&gone["code"], &gone["text"]), (&json!("delivery-gone"), &json!(format!("{plugin}:{code}"))), "{report}");
    }
}

api_test! {
    async fn a_replay_without_sense_is_refused(app: App) {
        let merchant = Merchant::of(&app).await;
        let standard = || json!([{ "name": "pricing-standard" }]);
        let path = "/v1/admin/bindings/pricing/replays";
        merchant.is_refused(&[
            ("POST /v1/admin/bindings/pricing/replays", json!({ "plugins": [] }), &["/plugins"]),
            ("POST /v1/admin/bindings/pricing/replays", json!({ "plugins": standard(), "last": 0 }), &["/last"]),
            ("POST /v1/admin/bindings/pricing/replays", json!({ "plugins": standard(), "last": 100_001 }), &["/last"]),
            ("POST /v1/admin/bindings/pricing/replays", json!({ "plugins": [{ "name": "nobody" }] }), &["/plugins"]),
            ("POST /v1/admin/bindings/payment/replays", json!({ "plugins": [{ "name": "payment-emulator" }] }), &["/domain"]),
        ]).await;
        merchant.post("/v1/admin/bindings/nothing/replays", json!({ "plugins": standard() })).await.problem("not-found");
        let wrong = json!({ "plugins": [{ "name": "pricing-standard", "settings": { "discounts": [{}] } }] });
        let refused = merchant.post(path, wrong).await.problem("binding-rejected");
        assert_eq!(refused["reason"], "invalid-settings");
        let nobody = "/v1/admin/replays/00000000-0000-7000-8000-000000000000";
        merchant.get(nobody).await.problem("not-found");
        merchant.get(&format!("{nobody}/page")).await.problem("not-found");
        merchant.get(&format!("{nobody}/changes")).await.problem("not-found");
        merchant.send(Method::POST, &format!("{nobody}/cancel"), json!(null)).await.problem("not-found");
    }
}

async fn run_again(app: &App, id: &Value, seen_s_ago: i64) {
    let (id, seen): (uuid::Uuid, _) = (id.as_str().unwrap().parse().unwrap(), chrono::TimeDelta::seconds(seen_s_ago));
    let mut tx = app.shop.db().write().await.unwrap();
    let seen = kassa::clock::now() - seen;
    sql::execute!(
        tx,
        "update replays set state = 'running', ended_at = null, report = null, seen_at = $2 where id = $1",
        id,
        seen
    )
    .unwrap();
    tx.commit().await.unwrap();
}

api_test! {
    /// One that is cancelled ends, as many run as the settings say, and one whose kernel was killed is told to have failed.
    async fn a_replay_that_runs_is_bounded_and_has_an_end(app: App) {
        let merchant = Merchant::of(&app).await;
        let standard = || json!([{ "name": "pricing-standard" }]);
        let (first, second) = (replay(&merchant, "pricing", standard()).await, replay(&merchant, "pricing", standard()).await);
        let path = |replay: &Value, rest: &str| format!("/v1/admin/replays/{}{rest}", replay["id"].as_str().unwrap());
        let post = |path: String| { let merchant = &merchant; async move { merchant.send(Method::POST, &path, json!(null)).await } };
        post(path(&first, "/cancel")).await.problem("replay-ended");
        run_again(&app, &first["id"], 1).await;
        run_again(&app, &second["id"], 1).await;
        let begin = || merchant.post("/v1/admin/bindings/pricing/replays", json!({ "plugins": standard() }));
        assert_eq!(begin().await.problem("too-many-replays")["detail"], "2 replays run already");
        assert_eq!(post(path(&first, "/cancel")).await.expect(200)["state"], "cancelled");
        begin().await.expect(202);
        run_again(&app, &second["id"], 61).await;
        let left = merchant.get(&path(&second, "")).await.expect(200);
        assert_eq!((&left["state"], &left["report"]), (&json!("failed"), &json!(null)));
        assert!(left["error"].as_str().unwrap().contains("was stopped"), "{left}");
    }
}

api_test! {
    /// One that reaches over two rows of the database is whole, and what no page needs is not read.
    async fn a_page_of_changes_costs_a_page(app: App) {
        let merchant = Merchant::of(&app).await;
        let replay = replay(&merchant, "pricing", json!([{ "name": "pricing-standard" }])).await;
        let id: uuid::Uuid = replay["id"].as_str().unwrap().parse().unwrap();
        let row = |numbers: &[i64]| {
            let change = |number| json!({ "number": number, "currency": "EUR", "before": 2, "after": 1, "difference": -1 });
            json!(numbers.iter().map(change).collect::<Vec<_>>()).to_string()
        };
        let mut tx = app.shop.db().write().await.unwrap();
        for (oldest, changes) in [(17_i64, row(&[20, 19, 17])), (11, row(&[15, 12, 11])), (1, "no JSON".to_owned())] {
            sql::execute!(tx, "insert into replay_changes (replay_id, oldest, changes) values ($1, $2, $3)", id, oldest, changes).unwrap();
        }
        tx.commit().await.unwrap();
        let page = async |query: String| {
            let page = merchant.get(&format!("/v1/admin/replays/{id}/changes?limit=2{query}")).await.expect(200);
            let numbers: Vec<_> = page["items"].as_array().unwrap().iter().map(|change| change["number"].as_i64().unwrap()).collect();
            (numbers, page["next_cursor"].as_str().map(|cursor| format!("&cursor={cursor}")))
        };
        let (first, cursor) = page(String::new()).await;
        let (second, cursor) = page(cursor.unwrap()).await;
        let (third, cursor) = page(cursor.unwrap()).await;
        assert_eq!((first, second, third), (vec![20, 19], vec![17, 15], vec![12, 11]));
        assert_eq!(cursor, None, "what cannot be read is none");
    }
}

/// A replay takes half a second for each order of [`slow`] plugins, one after the other.
fn take_time(config: &mut kassa::Config) {
    config.replay.parallel = 1;
    let limits = &mut config.plugins.limits.pricing;
    (limits.cpu_ms, limits.wall_ms, limits.fuel) = (500, 60_000, 1 << 40);
}

/// Settings under which hostile-pricing runs until it is stopped.
fn slow() -> Value {
    json!({ "mode": "loop", "spare_probe": true })
}

api_test! {
    /// What was found is not given up where the row cannot be written for a while, neither on the way nor at the end.
    async fn a_replay_outlives_a_database_that_fails(app: App) {
        let shop = app.another(take_time).await;
        let merchant = Merchant::of(&shop).await;
        for _ in 0..3 {
            buy(&shop, 1, None).await;
        }
        upload(&merchant, &HOSTILE).await;
        let candidate = json!({ "plugins": [{ "name": "hostile-pricing", "settings": slow() }] });
        let begun = merchant.post("/v1/admin/bindings/pricing/replays", candidate).await.expect(202);
        alter(&shop, "alter table replays rename column ended_at to ended_once").await;
        // Over the end of the work, on a slow machine too: signs of life and the first words of its end meet no such column.
        tokio::time::sleep(Duration::from_secs(6)).await;
        alter(&shop, "alter table replays rename column ended_once to ended_at").await;
        let path = format!("/v1/admin/replays/{}", begun["id"].as_str().unwrap());
        let ended = || async { Some(merchant.get(&path).await.expect(200)).filter(|replay| replay["state"] != "running") };
        let replay = shop.eventually("the end of a replay", ended).await;
        assert_eq!((&replay["state"], &replay["report"]["failed"]), (&json!("done"), &json!(3)), "{replay}");
        shop.stopper().stop().await;
    }
}

api_test! {
    async fn a_replay_outlives_the_access_token_of_its_command(app: App) {
        let change = |config: &mut kassa::Config| {
            take_time(config);
            (config.accounts.access_token_seconds, config.accounts.clock_leeway_seconds) = (1, 0);
        };
        let shop = app.another(change).await;
        shop.merchant().await;
        let merchant = Merchant { app: &shop, token: shop.api_key(&["plugins"]).await };
        for _ in 0..5 {
            buy(&shop, 1, None).await;
        }
        upload(&merchant, &HOSTILE).await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("slow.json"), slow().to_string()).unwrap();
        let environment =
            [("KASSA_URL", shop.url.as_str()), ("KASSA_EMAIL", "merchant@example.org"), ("KASSA_PASSWORD", "correct horse battery staple")];
        let arguments = ["replay", "hostile-pricing", "--settings", "slow.json", "--json"];
        let told = crate::packages::kassa(folder.path(), &environment, &arguments).await;
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let report: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(report["failed"], 5, "{report}");
        shop.stopper().stop().await;
    }
}

api_test! {
    /// Settings and logs of old calls, which can be long, are nothing to a replay: without their columns it is the same.
    async fn a_replay_reads_what_it_asks_again(app: App) {
        let merchant = Merchant::of(&app).await;
        buy(&app, 1, None).await;
        buy(&app, 8, None).await;
        const REST: [&str; 7] = ["version", "digest", "generation", "settings", "input_sha256", "log", "dropped_log_lines"];
        for column in REST {
            alter(&app, format!("alter table order_receipts rename column {column} to {column}_once")).await;
        }
        for (domain, plugin) in [("pricing", "pricing-standard"), ("delivery", "delivery-rates")] {
            let replay = replay(&merchant, domain, json!([{ "name": plugin }])).await;
            let report = &replay["report"];
            assert_eq!((&report["unchanged"], &report["skipped"]), (&json!(2), &json!(0)), "{replay}");
            assert_eq!(report["cost"]["recorded"]["calls"], 2, "{replay}");
        }
        for column in REST {
            alter(&app, format!("alter table order_receipts rename column {column}_once to {column}")).await;
        }
    }
}

api_test! {
    async fn what_bounds_a_replay_is_a_setting(app: App) {
        let shop = app.another(|config| (config.replay.silence_s, config.replay.groups) = (120, 1)).await;
        let merchant = Merchant::of(&shop).await;
        buy(&shop, 1, None).await;
        let replay = replay(&merchant, "pricing", json!([{ "name": "pricing-standard" }])).await;
        let categories = replay["report"]["categories"].as_array().unwrap();
        assert_eq!((categories.len(), &categories[1]["key"]), (2, &json!("(others)")), "{replay}");
        let path = format!("/v1/admin/replays/{}", replay["id"].as_str().unwrap());
        for (seen_s_ago, state) in [(100, "running"), (121, "failed")] {
            run_again(&shop, &replay["id"], seen_s_ago).await;
            assert_eq!(merchant.get(&path).await.expect(200)["state"], state);
        }
        shop.stopper().stop().await;
    }
}

api_test! {
    /// One that would run for hours ends where it is: its plugin has its only place again, and nobody is told of a report.
    async fn a_replay_that_really_runs_is_cancelled(app: App) {
        let shop = app.another(|config| {
            let limits = &mut config.plugins.limits.pricing;
            (limits.cpu_ms, limits.wall_ms, limits.fuel) = (3_600_000, 3_600_000, 1 << 50);
            (limits.concurrent_calls, limits.wait_ms) = (1, 1);
            config.replay.max_running = 1;
        });
        let shop = shop.await;
        let merchant = Merchant::of(&shop).await;
        buy(&shop, 1, None).await;
        upload(&merchant, &HOSTILE).await;
        let path = "/v1/admin/bindings/pricing/replays";
        let begin = || merchant.post(path, json!({ "plugins": [{ "name": "hostile-pricing", "settings": slow() }] }));
        let begun = begin().await.expect(202);
        let own = format!("/v1/admin/replays/{}", begun["id"].as_str().unwrap());
        // A candidate is checked before it is one too many.
        let busy = || async { Some(begin().await).filter(|answer| answer.body["reason"] == "busy") };
        shop.eventually("a call that has the only place", busy).await.problem("binding-rejected");
        assert_eq!(merchant.get(&own).await.expect(200)["state"], "running");
        let cancelled = merchant.send(Method::POST, &format!("{own}/cancel"), json!(null)).await.expect(200);
        assert_eq!((&cancelled["state"], &cancelled["orders_done"]), (&json!("cancelled"), &json!(0)));
        let free = || async { Some(begin().await).filter(|answer| answer.status == 202) };
        shop.eventually("a place for another", free).await;
        let cancelled = merchant.get(&own).await.expect(200);
        assert_eq!((&cancelled["state"], &cancelled["report"]), (&json!("cancelled"), &json!(null)));
        shop.stopper().stop().await;
    }
}
