//! What plugins did and wrote lately: counters, logs, and following them live.

use std::io::BufRead as _;
use std::time::Duration;

use futures_util::StreamExt;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::components::HOSTILE;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

const LOGS: &str = "/v1/admin/plugins/hostile-pricing/logs";
const COUNTERS: &str = "/v1/admin/plugins/hostile-pricing/counters";

async fn upload_hostile(merchant: &Merchant<'_>) {
    let request = merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url));
    let request = request.bearer_auth(&merchant.token).header("content-type", "application/wasm");
    Answer::of(request.body(HOSTILE.clone())).await.expect(201);
}

/// Puts the hostile plugin in force; it misbehaves with shoppers only.
async fn bind(merchant: &Merchant<'_>, mode: &str) {
    let settings = json!({ "mode": mode, "spare_probe": true });
    let body = json!({ "plugins": [{ "name": "hostile-pricing", "settings": settings }] });
    merchant.put("/v1/admin/bindings/pricing", body).await.expect(200);
}

async fn follow(merchant: &Merchant<'_>, query: &str, last_event: Option<u64>) -> Response {
    let request =
        merchant.app.client.get(format!("{}{LOGS}/live{query}", merchant.app.url)).bearer_auth(&merchant.token);
    let request = request.header("accept-encoding", "gzip");
    let request = match last_event {
        Some(sequence) => request.header("last-event-id", sequence),
        None => request,
    };
    request.send().await.unwrap()
}

/// Reads a stream until `enough` of its lines begin with `data: `; answers their JSON.
async fn data(response: Response, enough: usize) -> Vec<Value> {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    assert!(!response.headers().contains_key("content-encoding"), "what is compressed is held back");
    let (mut body, mut text) = (response.bytes_stream(), String::new());
    loop {
        let lines = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let found: Vec<_> = lines.filter_map(|data| serde_json::from_str(data).ok()).collect();
        if found.len() >= enough {
            return found;
        }
        let bytes = tokio::time::timeout(Duration::from_secs(30), body.next()).await.expect("an event in time");
        text += std::str::from_utf8(&bytes.expect("the stream goes on").unwrap()).unwrap();
    }
}

api_test! {
    async fn calls_are_counted_by_version_function_and_what_went_wrong(app: App) {
        let merchant = Merchant::of(&app).await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        upload_hostile(&merchant).await;
        assert_eq!(merchant.get(COUNTERS).await.expect(200)["versions"], json!([]), "it is not in force");
        bind(&merchant, "ok").await;
        assert_eq!(merchant.get(COUNTERS).await.expect(200)["versions"][0]["functions"], json!([]), "checks are not counted");
        shopper.show().await;
        for (mode, times) in [("trap", 2), ("error", 1), ("wrong-currency", 1)] {
            bind(&merchant, mode).await;
            for _ in 0..times {
                shopper.send(reqwest::Method::GET, "", None).await.problem("pricing-unavailable");
            }
        }
        let counted = merchant.get(COUNTERS).await.expect(200);
        let versions = counted["versions"].as_array().unwrap();
        assert_eq!(versions.len(), 1, "other settings are no other version: {counted}");
        let price = &versions[0]["functions"][0];
        assert_eq!((&versions[0]["version"], &price["function"]), (&json!("1.0.0"), &json!("price")));
        // With a chosen delivery a cart is priced twice.
        let answered = price["answered"].as_u64().unwrap();
        assert!((1..=2).contains(&answered), "{counted}");
        assert_eq!(price["calls"], answered + 4);
        assert_eq!(price["errors"], json!({ "plugin-internal": 1 }));
        assert_eq!(price["faults"], json!({ "trapped": 2, "invalid-answer": 1 }));
        for sum in ["fuel", "microseconds"] {
            let (total, highest) = (price[sum]["total"].as_u64().unwrap(), price[sum]["highest"].as_u64().unwrap());
            assert!(0 < highest && highest < total, "{counted}");
        }
        let standard = merchant.get("/v1/admin/plugins/pricing-standard/counters").await.expect(200);
        assert!(standard["versions"][0]["functions"][0]["calls"].as_u64().unwrap() > 0, "{standard}");
        for path in [COUNTERS, LOGS, &format!("{LOGS}/live")] {
            let nowhere = path.replace("hostile-pricing", "no-such-plugin");
            merchant.get(&nowhere).await.problem("not-found");
            merchant.get(&path.replace("hostile-pricing", "a%00b")).await.problem("not-found");
        }
    }
}

api_test! {
    /// A million lines, from a plugin that may write 64 a call and of which 100 are kept.
    async fn a_flood_of_lines_is_capped_and_counted(app: App) {
        let shop = app.another(|config| {
            config.plugins.logs.lines = 100;
            // The flood ends by itself, so that there is an answer.
            config.plugins.limits.pricing.fuel = 1 << 40;
            (config.plugins.limits.pricing.cpu_ms, config.plugins.limits.pricing.wall_ms) = (60_000, 60_000);
        });
        let shop = shop.await;
        let merchant = Merchant::of(&shop).await;
        let shopper = Shopper::guest(&shop).await;
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        upload_hostile(&merchant).await;
        bind(&merchant, "log-flood").await;
        shopper.show().await;
        shopper.show().await;
        let log = merchant.get(LOGS).await.expect(200);
        let items = log["items"].as_array().unwrap();
        assert_eq!(items.len(), 100);
        assert_eq!((&items[99]["text"], &items[99]["level"], &items[99]["function"]), (&json!("line 63"), &json!("info"), &json!("price")));
        assert_eq!(log["until"], items[99]["sequence"]);
        let counted = merchant.get(COUNTERS).await.expect(200)["versions"][0]["functions"][0].clone();
        assert_eq!(counted["log_lines"], json!({ "written": 128, "dropped": 2 * (1_000_000 - 64) }));
        // What is not kept any more is told.
        let first = items[0]["sequence"].as_u64().unwrap();
        let all = merchant.get(&format!("{LOGS}?after=0&limit=10")).await.expect(200);
        assert_eq!((&all["missed"], &all["items"][0]["sequence"]), (&json!(28), &json!(first)));
        let rest = merchant.get(&format!("{LOGS}?after={}&limit=1000", all["until"])).await.expect(200);
        assert_eq!((&rest["missed"], rest["items"].as_array().unwrap().len()), (&json!(0), 90));
        let missed = data(follow(&merchant, "?after=0", None).await, 101).await;
        assert_eq!((&missed[0], &missed[1]["sequence"]), (&json!({ "lines": 28 }), &json!(first)));
    }
}

api_test! {
    async fn lines_arrive_escaped_filtered_and_live(app: App) {
        // Answers that take longer than a request may take to be answered are streams all the same.
        let shop = app.another(|config| {
            config.http.request_timeout_ms = 2_000;
            config.plugins.logs.heartbeat_ms = 100;
            config.plugins.logs.followers = 1;
        });
        let shop = shop.await;
        let merchant = Merchant::of(&shop).await;
        let shopper = Shopper::guest(&shop).await;
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        upload_hostile(&merchant).await;
        bind(&merchant, "log-odd").await;
        let following = follow(&merchant, "?level=warn", None).await;
        merchant.get(&format!("{LOGS}/live")).await.problem("unavailable");
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        shopper.show().await;
        let lines = data(following, 1).await;
        assert_eq!((&lines[0]["level"], &lines[0]["version"]), (&json!("warn"), &json!("1.0.0")));
        assert_eq!(lines[0]["text"], r"forged\r\nline \u{1b}[31m");
        let log = merchant.get(&format!("{LOGS}?level=warn&version=1.0.0")).await.expect(200);
        assert_eq!(log["items"], json!([lines[0]]), "what came before it was not as loud");
        assert_eq!(merchant.get(&format!("{LOGS}?version=2.0.0")).await.expect(200)["items"], json!([]));
        // Whoever was cut off goes on where they were.
        let all = merchant.get(LOGS).await.expect(200);
        assert_eq!(all["items"].as_array().unwrap().len(), 2, "{all}");
        let first = all["items"][0]["sequence"].as_u64().unwrap();
        // The place of the former is free once the shop has seen that it hung up.
        let resumed = loop {
            let response = follow(&merchant, "?after=0", Some(first)).await;
            if response.status() != StatusCode::SERVICE_UNAVAILABLE {
                break response;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        };
        assert_eq!(data(resumed, 1).await[0], all["items"][1]);
        merchant.get(&format!("{LOGS}?limit=0")).await.problem("invalid-request");
        merchant.get(&format!("{LOGS}?version=")).await.problem("invalid-request");
    }
}

api_test! {
    /// Who follows is no reason for the shop to wait.
    async fn a_stopping_shop_ends_what_is_followed(app: App) {
        let shop = app.another(|_| {}).await;
        let merchant = Merchant::of(&shop).await;
        upload_hostile(&merchant).await;
        let mut following = follow(&merchant, "", None).await;
        assert!(following.chunk().await.unwrap().unwrap().starts_with(b": heartbeat"));
        let begun = std::time::Instant::now();
        let (rest, ()) = tokio::join!(following.text(), shop.stopper().stop());
        assert_eq!(rest.unwrap(), "", "it ends as it should, and is not cut off");
        assert!(begun.elapsed() < Duration::from_millis(shop.shop.config().http.drain_timeout_ms), "{:?}", begun.elapsed());
    }
}

api_test! {
    async fn counters_and_logs_are_printed(app: App) {
        let merchant = Merchant::of(&app).await;
        let shopper = Shopper::guest(&app).await;
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        upload_hostile(&merchant).await;
        bind(&merchant, "log-odd").await;
        shopper.show().await;
        let folder = tempfile::tempdir().unwrap();
        let environment =
            [("KASSA_URL", app.url.as_str()), ("KASSA_EMAIL", "merchant@example.org"), ("KASSA_PASSWORD", "correct horse battery staple")];
        let logs = crate::packages::kassa(folder.path(), &environment, &["logs", "hostile-pricing", "--level", "warn"]).await;
        let printed = String::from_utf8(logs.stdout).unwrap();
        assert!(printed.ends_with("warn  1.0.0 price: forged\\r\\nline \\u{1b}[31m\n") && printed.lines().count() == 1, "{printed}");
        let mut following = std::process::Command::new(env!("CARGO_BIN_EXE_kassa"));
        following.current_dir(folder.path()).args(["plugin", "logs", "hostile-pricing", "--follow", "--level", "warn"]);
        let following = following.envs(environment).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let following = Killed(following);
        let read = tokio::task::spawn_blocking(move || {
            let mut following = following;
            let lines = std::io::BufReader::new(following.0.stdout.take().unwrap()).lines();
            lines.take(2).collect::<Result<Vec<_>, _>>().unwrap()
        });
        // It is told when it was asked, or when it comes.
        shopper.show().await;
        let lines = read.await.unwrap();
        assert!(lines.iter().all(|line| line.ends_with(r"price: forged\r\nline \u{1b}[31m")), "{lines:?}");
        let counters = crate::packages::kassa(folder.path(), &environment, &["counters", "hostile-pricing"]).await;
        let printed = String::from_utf8(counters.stdout).unwrap();
        let line = printed.lines().last().unwrap().split_whitespace().collect::<Vec<_>>();
        assert_eq!(line[..6], ["1.0.0", "price", "2", "2", "0", "0"], "{printed}");
    }
}

api_test! {
    async fn a_log_is_followed_for_longer_than_an_access_token_lasts(app: App) {
        let shop = app.another(|config| {
            (config.accounts.access_token_seconds, config.accounts.clock_leeway_seconds) = (1, 0);
            config.plugins.logs.heartbeat_ms = 100;
        });
        let shop = shop.await;
        shop.merchant().await;
        let merchant = Merchant { app: &shop, token: shop.api_key(&["plugins"]).await };
        let shopper = Shopper::guest(&shop).await;
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        upload_hostile(&merchant).await;
        bind(&merchant, "log-odd").await;
        let mut following = std::process::Command::new(env!("CARGO_BIN_EXE_kassa"));
        following.args(["plugin", "logs", "hostile-pricing", "--follow", "--level", "warn"]);
        following.envs([("KASSA_URL", shop.url.as_str()), ("KASSA_EMAIL", "merchant@example.org"), ("KASSA_PASSWORD", "correct horse battery staple")]);
        let mut following = Killed(following.stdout(std::process::Stdio::piped()).spawn().unwrap());
        let read = tokio::task::spawn_blocking(move || {
            let lines = std::io::BufReader::new(following.0.stdout.take().unwrap()).lines();
            lines.take(2).collect::<Result<Vec<_>, _>>().unwrap()
        });
        shopper.show().await;
        tokio::time::sleep(Duration::from_millis(3_000)).await;
        shopper.show().await;
        assert_eq!(read.await.unwrap().len(), 2, "the first, and one that came later");
        shop.stopper().stop().await;
    }
}

/// A process that ends with the case, however that goes.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
