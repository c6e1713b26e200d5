//! Calls of plugins that failed: kept without secrets, bounded, forgotten with the person, and run again on a desk.

use std::path::Path;

use kassa::db::sql;
use kassa::plugins::pack;
use reqwest::Method;
use serde_json::{Value, json};

use crate::packages::kassa;
use crate::privacy::dump;
use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::{HOSTILE, OUTBOUND};
use crate::support::merchant::{Merchant, NOBODY};
use crate::support::receiver::Receiver;
use crate::support::shopper::Shopper;

const OF_PRICING: &str = "/v1/admin/plugins/hostile-pricing/failed-calls";
const OF_PAYMENT: &str = "/v1/admin/plugins/outbound-payment/failed-calls";

async fn upload(merchant: &Merchant<'_>, wasm: &[u8]) {
    let request =
        merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url)).bearer_auth(&merchant.token);
    Answer::of(request.header("content-type", "application/wasm").body(wasm.to_vec())).await.expect(201);
}

/// Puts the hostile plugin in force; it misbehaves with shoppers only.
async fn bind(merchant: &Merchant<'_>, mode: &str) {
    let settings = json!({ "mode": mode, "spare_probe": true });
    let body = json!({ "plugins": [{ "name": "hostile-pricing", "settings": settings }] });
    merchant.put("/v1/admin/bindings/pricing", body).await.expect(200);
}

/// Looks at the cart as often as a mode is named; no look has a price.
async fn fail(merchant: &Merchant<'_>, shopper: &Shopper<'_>, modes: &[&str]) {
    for mode in modes {
        bind(merchant, mode).await;
        shopper.send(Method::GET, "", None).await.problem("pricing-unavailable");
    }
}

fn codes(page: &Value) -> Vec<&str> {
    page["items"].as_array().unwrap().iter().map(|call| call["fault"]["code"].as_str().unwrap()).collect()
}

/// The list of a plugin, once its codes are these.
async fn listed(merchant: &Merchant<'_>, path: &str, expected: &[&str]) -> Value {
    let listed = || async {
        let page = merchant.get(path).await.expect(200);
        (codes(&page) == expected).then_some(page)
    };
    merchant.app.eventually(&format!("{path} has {expected:?}"), listed).await
}

async fn file(merchant: &Merchant<'_>, call: &Value) -> Value {
    merchant.get(&format!("/v1/admin/failed-calls/{}", call["id"].as_str().unwrap())).await.expect(200)
}

fn environment(shop: &App) -> [(&str, &str); 3] {
    let password = "correct horse battery staple";
    [("KASSA_URL", &shop.url), ("KASSA_EMAIL", "merchant@example.org"), ("KASSA_PASSWORD", password)]
}

api_test! {
    /// From the crash of a payment to its author's desk. What is secret is planted where it could get through: in a setting, a secret, the
    /// shopper's token, and in the log, where the plugin writes all it knows.
    async fn a_payment_that_crashed_is_run_again_without_its_secrets(app: App) {
        const SECRET: &str = "sk_live_4eC39HqLyjWD";
        const SETTING: &str = "whsec_MfKQ9r8GKYqr";
        const TOKEN: &str = "tok_1N3T00LkdIwHu7ix";
        let peer = Receiver::start(&[]).await;
        let port = peer.url.rsplit(':').next().unwrap().split('/').next().unwrap();
        let host = format!("api.example.com:{port}");
        let shop = app.another(|config| {
            config.plugins.outbound.allow_http = true;
            config.plugins.outbound.private_hosts = [("api.example.com".into(), "127.0.0.1".parse().unwrap())].into();
        }).await;
        let merchant = Merchant::of(&shop).await;
        let secret = json!({ "name": "api-key", "host": host, "header": "authorization", "prefix": "Bearer " });
        let asks = json!({ "version": "2.0.0", "hosts": [host], "secrets": [secret] });
        let wasm = pack(&OUTBOUND, asks.as_object().unwrap().clone(), Path::new("")).expect("packed");
        upload(&merchant, &wasm).await;
        let grants = json!({ "hosts": [host], "secrets": [secret], "kv": true });
        merchant.put("/v1/admin/plugins/outbound-payment/grants", grants).await.expect(200);
        merchant.put("/v1/admin/plugins/outbound-payment/secrets/api-key", json!({ "value": SECRET })).await.expect(204);
        let ask = format!("kv POST=http://{host}/charges?key=1 panic");
        let plugin = json!({ "name": "outbound-payment", "settings": { "ask": ask, "api_secret": SETTING } });
        merchant.put("/v1/admin/bindings/payment", json!({ "plugins": [plugin] })).await.expect(200);
        let shopper = Shopper::ready(&shop, "TEA-SENCHA-100", 1).await;
        let total = shopper.show().await["total"].clone();
        shopper.check_out_by("outbound-payment:card", TOKEN, total).await;
        let page = listed(&merchant, OF_PAYMENT, &["trapped"]).await;
        let call = &page["items"][0];
        assert_eq!((&call["version"], &call["function"], &call["domain"]), (&json!("2.0.0"), &json!("authorize"), &json!("payment")));
        let file = file(&merchant, call).await;
        assert_eq!((&file["format"], &file["fault"]), (&json!("kassa-call/1"), &call["fault"]));
        assert_eq!((&file["plugin"]["digest"], &file["plugin"]["generation"]), (&call["digest"], &json!(2)));
        assert_eq!((&file["input"]["token"], &file["input"]["email"]), (&json!("[struck out]"), &json!("ada@example.org")));
        assert_eq!(file["settings"], json!({ "ask": ask, "api_secret": "[struck out]" }));
        let answers = file["host_calls"].as_array().unwrap();
        assert_eq!(answers[0], json!({ "call": "kv", "operation": "set", "key": "a", "answer": "done" }));
        let (method, place) = (&answers[1]["method"], &answers[1]["place"]);
        assert_eq!((method, place), (&json!("POST"), &json!(format!("{host}/charges"))), "without the query");
        assert_eq!((answers.len(), &answers[1]["answer"]["response"]["status"]), (2, &json!(200)));
        let log = file["report"]["log"].as_array().unwrap();
        let panicked = "told to panic by [struck out], [struck out]";
        assert!(log.iter().any(|line| line["text"].as_str().unwrap().contains(panicked)), "{file}");

        // On the desk: the host is not asked, the secrets are not there, and it crashes all the same.
        let desk = tempfile::tempdir().unwrap();
        std::fs::write(desk.path().join("pay.wasm"), &wasm).unwrap();
        let environment = environment(&shop);
        let run = async |arguments: &[&str], status: i32| {
            let output = kassa(desk.path(), &environment, arguments).await;
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(status), "{arguments:?}: {text}");
            text
        };
        let id = call["id"].as_str().unwrap();
        let told = run(&["failed-calls", "outbound-payment"], 0).await;
        assert!(told.starts_with(id) && told.contains(" 2.0.0 authorize: trapped ("), "{told}");
        run(&["fetch-call", id, "-o", "call.json"], 0).await;
        let asked = peer.received().len();
        let told = run(&["replay-call", "call.json", "--plugin", "pay.wasm"], 0).await;
        for line in ["it ends      the same way\n", "then         trapped: ", "now          trapped: ", panicked] {
            assert!(told.contains(line), "{line}: {told}");
        }
        assert!(!told.contains("departed") && !told.contains("another than"), "{told}");
        let told = run(&["replay-call", "call.json"], 1).await;
        assert!(told.contains(call["digest"].as_str().unwrap()), "{told}");
        // Its author has another one that does not crash, or asks for something else.
        let mended = |ask: &str| {
            let mut mended = file.clone();
            mended["settings"]["ask"] = ask.into();
            std::fs::write(desk.path().join("mended.json"), mended.to_string()).unwrap();
        };
        mended("kv");
        let told = run(&["replay-call", "mended.json", "--plugin", "pay.wasm"], 3).await;
        assert!(told.contains("now          it answered, and the answer holds\nit ends      otherwise\n"), "{told}");
        mended(&format!("http://{host}/other kv kv panic"));
        let told = run(&["replay-call", "mended.json", "--plugin", "pay.wasm"], 0).await;
        assert!(told.contains(&format!("it asks for GET {host}/other, where it had asked for POST {host}/charges")), "{told}");
        assert!(told.contains("where it had asked for nothing more"), "{told}");
        assert_eq!(peer.received().len(), asked, "nothing goes out");
        let written = std::fs::read_to_string(desk.path().join("call.json")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), file);

        let kept = dump(&shop).await.into_iter().filter(|(column, _)| column.starts_with("failed_call"));
        let kept: Vec<_> = kept.map(|(_, text)| text).collect();
        assert!(kept.iter().any(|text| text.contains("kassa-call/1")));
        for secret in [SECRET, SETTING, TOKEN] {
            assert!(kept.iter().all(|text| !text.contains(secret)), "{secret} is in the database");
            for shown in [page.to_string(), file.to_string(), written.clone(), told.clone()] {
                assert!(!shown.contains(secret), "{secret} is in {shown}");
            }
        }
        shop.stopper().stop().await;
    }
}

api_test! {
    /// The newest few of each, and nothing that is large, frequent or business.
    async fn what_is_kept_is_bounded_and_the_rest_is_counted(app: App) {
        let shop = app.another(|config| {
            let kept = &mut config.plugins.failed_calls;
            (kept.keep, kept.max_bytes) = (2, 1_024);
            config.plugins.breaker.failures = 0;
        }).await;
        let merchant = Merchant::of(&shop).await;
        upload(&merchant, &HOSTILE).await;
        let shopper = Shopper::guest(&shop).await;
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        fail(&merchant, &shopper, &["trap", "trap", "error", "trap", "negative-total"]).await;
        let page = listed(&merchant, OF_PRICING, &["invalid-answer", "trapped"]).await;
        assert_eq!((&page["next_cursor"], &page["not_kept"]), (&json!(null), &json!(0)));
        let first = merchant.get(&format!("{OF_PRICING}?limit=1")).await.expect(200);
        let second = merchant.get(&format!("{OF_PRICING}?limit=1&cursor={}", first["next_cursor"].as_str().unwrap())).await;
        let (both, found) = (&page["items"], [&first["items"][0], &second.expect(200)["items"][0].clone()]);
        assert_eq!([&both[0], &both[1]], found);
        let newest = file(&merchant, &both[0]).await;
        assert_eq!((&newest["input"]["lines"][0]["sku"], &newest["host_calls"]), (&json!("TEA-SENCHA-100"), &json!([])));

        // Each ends the same way on the desk: the crash, and the answer that takes a total below zero.
        let desk = tempfile::tempdir().unwrap();
        std::fs::write(desk.path().join("hostile.wasm"), &*HOSTILE).unwrap();
        for call in both.as_array().unwrap() {
            std::fs::write(desk.path().join("call.json"), file(&merchant, call).await.to_string()).unwrap();
            let output = kassa(desk.path(), &[], &["replay-call", "call.json", "--plugin", "hostile.wasm"]).await;
            let told = String::from_utf8_lossy(&output.stdout);
            assert_eq!(output.status.code(), Some(0), "{told}{}", String::from_utf8_lossy(&output.stderr));
            // The same instructions, wherever it runs.
            let fuel = told.lines().find(|line| line.starts_with("fuel")).unwrap().split_whitespace().collect::<Vec<_>>();
            assert_eq!((fuel[2], fuel[1]), ("then,", fuel[3]), "{told}");
        }
        let large = json!({ "sku": "FILTER-PAPER-100", "quantity": 1, "attributes": { "engraving": "x".repeat(500), "other": "x".repeat(500) } });
        shopper.send(Method::POST, "/lines", Some(large)).await.problem("pricing-unavailable");
        let page = listed(&merchant, OF_PRICING, &["invalid-answer", "invalid-answer"]).await;
        let without = file(&merchant, &page["items"][0]).await;
        assert_eq!(without["input"], json!(null));
        assert!(without["input_bytes"].as_u64().unwrap() > 1_024, "{without}");
        merchant.get(&format!("/v1/admin/failed-calls/{NOBODY}")).await.problem("not-found");
        merchant.get(&OF_PRICING.replace("hostile-pricing", "nobody")).await.problem("not-found");

        // One a minute, and then none at all; the restart begins to count anew.
        let shop = shop.restart_with(|config| config.plugins.failed_calls.per_minute = 1).await;
        let merchant = Merchant::of(&shop).await;
        let shopper = Shopper::of(&shop, &shopper.cart);
        fail(&merchant, &shopper, &["trap", "trap", "trap"]).await;
        let counted = || async {
            let page = merchant.get(OF_PRICING).await.expect(200);
            (page["not_kept"] == 2).then_some(page)
        };
        let page = shop.eventually("two that are only counted", counted).await;
        assert_eq!(codes(&page), ["trapped", "invalid-answer"]);
        let shop = shop.restart_with(|config| config.plugins.failed_calls.keep = 0).await;
        let merchant = Merchant::of(&shop).await;
        fail(&merchant, &Shopper::of(&shop, &shopper.cart), &["negative-total"]).await;
        let after = merchant.get(OF_PRICING).await.expect(200);
        assert_eq!((&after["items"], &after["not_kept"]), (&page["items"], &json!(0)));
        shop.stopper().stop().await;
    }
}

api_test! {
    /// With the person, and with time.
    async fn what_is_kept_is_forgotten(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &HOSTILE).await;
        let customer = app.customer("zuleika@example.org").await;
        let id = app.send(Method::GET, "/v1/me", Some(&customer), None).await.expect(200)["id"].as_str().unwrap().to_owned();
        let (theirs, guest) = (Shopper::signed_in(&app, &customer).await, Shopper::guest(&app).await);
        for shopper in [&theirs, &guest] {
            shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        }
        fail(&merchant, &theirs, &["trap"]).await;
        fail(&merchant, &guest, &["negative-total"]).await;
        let page = listed(&merchant, OF_PRICING, &["invalid-answer", "trapped"]).await;
        assert_eq!(file(&merchant, &page["items"][1]).await["input"]["customer"]["id"], json!(id));
        assert_eq!(app.send(Method::POST, &format!("/v1/admin/customers/{id}/erase"), Some(&merchant.token), None).await.status, 204);
        assert_eq!(codes(&merchant.get(OF_PRICING).await.expect(200)), ["invalid-answer"]);
        assert!(dump(&app).await.iter().all(|(column, text)| !column.starts_with("failed_call") || !text.contains(&id)));

        let mut tx = app.shop.db().write().await.unwrap();
        let long_ago = kassa::clock::now() - chrono::TimeDelta::days(15);
        sql::execute!(tx, "update failed_calls set failed_at = $1", long_ago).unwrap();
        tx.commit().await.unwrap();
        let app = app.restart().await;
        let merchant = Merchant::of(&app).await;
        listed(&merchant, OF_PRICING, &[]).await;
        assert!(dump(&app).await.iter().all(|(column, _)| !column.starts_with("failed_call")));
    }
}

plain_test! {
    /// What is no file of a call is told from one, before anything is run.
    fn a_file_that_is_none_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        for (text, expected) in [
            ("", "no JSON"),
            ("{}", "does not say its format"),
            (r#"{"format": "kassa-call/2"}"#, "this program reads kassa-call/1"),
            (r#"{"format": "kassa-call/1"}"#, "cannot be read"),
        ] {
            std::fs::write(folder.path().join("call.json"), text).unwrap();
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kassa"));
            command.current_dir(folder.path()).args(["plugin", "replay-call", "call.json", "--plugin", "none.wasm"]);
            let output = command.output().expect("kassa starts");
            let words = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(1) && words.contains(expected), "{text}: {words}");
        }
    }
}
