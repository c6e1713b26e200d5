//! What plugins may reach: asked for by a file, granted by a merchant, and reached by no other way.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use kassa::plugins::pack;
use reqwest::Method;
use serde_json::{Value, json};

use crate::privacy::dump;
use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::{OUTBOUND, PERCENT_V1};
use crate::support::merchant::{Merchant, pointers};
use crate::support::receiver::Receiver;
use crate::support::shopper::Shopper;

const PAYMENT: &str = "/v1/admin/bindings/payment";
const GRANTS: &str = "/v1/admin/plugins/outbound-payment/grants";
const SECRET: &str = "/v1/admin/plugins/outbound-payment/secrets/api-key";
const VALUE: &str = "sk_live_4eC39HqLyjWD";

async fn upload(merchant: &Merchant<'_>, wasm: &[u8]) -> Answer {
    let request = merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url));
    let request = request.bearer_auth(&merchant.token).header("content-type", "application/wasm");
    Answer::of(request.body(wasm.to_vec())).await
}

/// The plugin in another version, asking for other things.
pub fn asking(plugin: &[u8], version: &str, asks: &Value) -> Vec<u8> {
    let mut description = asks.as_object().expect("an object").clone();
    description.insert("version".to_owned(), version.into());
    pack(plugin, description, Path::new("")).expect("packed")
}

fn secret(host: &str, header: &str) -> Value {
    json!({ "name": "api-key", "host": host, "header": header, "prefix": "Bearer " })
}

/// What the test plugin asks for as it is built.
fn asked() -> Value {
    let host = "api.example.com:8443";
    json!({ "hosts": [host, "other.example.com"], "secrets": [secret(host, "authorization")], "kv": true })
}

fn bind(version: Option<&str>) -> Value {
    json!({ "plugins": [{ "name": "outbound-payment", "version": version }] })
}

fn nothing() -> Value {
    json!({ "hosts": [], "secrets": [], "kv": false })
}

api_test! {
    async fn a_version_that_asks_for_more_waits_until_it_is_granted(app: App) {
        let merchant = Merchant::of(&app).await;
        let card = upload(&merchant, &OUTBOUND).await.expect(201);
        assert_eq!(card["asks_for"], asked());
        let before = merchant.get(PAYMENT).await.expect(200);
        let problem = merchant.put(PAYMENT, bind(None)).await.problem("binding-rejected");
        assert_eq!((&problem["plugin"], &problem["reason"]), (&json!("outbound-payment"), &json!("not-granted")));
        assert_eq!(problem["missing"], asked());
        assert_eq!(merchant.get(PAYMENT).await.expect(200), before);

        let screen = merchant.get(GRANTS).await.expect(200);
        assert_eq!((&screen["version"], &screen["hosts"], &screen["kv"]), (&json!(0), &json!([]), &json!(false)));
        assert_eq!((&screen["versions"][0]["asks_for"], &screen["versions"][0]["missing"]), (&asked(), &asked()));
        let granted = merchant.send_if(Method::PUT, GRANTS, "\"0\"", asked()).await.expect(200);
        assert_eq!((&granted["version"], &granted["hosts"]), (&json!(1), &asked()["hosts"]));
        assert_eq!(granted["secrets"][0]["value_set_at"], Value::Null);
        assert_eq!(granted["versions"][0]["missing"], nothing());
        merchant.put(PAYMENT, bind(None)).await.expect(200);

        // One that asks for less or the same needs nobody's word.
        let fewer = json!({ "hosts": ["other.example.com"] });
        upload(&merchant, &asking(&OUTBOUND, "1.1.0", &fewer)).await.expect(201);
        merchant.put(PAYMENT, bind(Some("1.1.0"))).await.expect(200);
        // One more host, or the same secret in another header: not without it.
        let host = "api.example.com:8443";
        for (version, asks) in [
            ("1.2.0", json!({ "hosts": ["new.example.com"] })),
            ("1.3.0", json!({ "hosts": [host], "secrets": [secret(host, "x-key")] })),
        ] {
            upload(&merchant, &asking(&OUTBOUND, version, &asks)).await.expect(201);
            let problem = merchant.put(PAYMENT, bind(Some(version))).await.problem("binding-rejected");
            assert_eq!(problem["reason"], "not-granted", "{version}");
        }
        // Taken back while it is bound, the binding stays, can be changed and gone back from; the next one needs it again.
        merchant.put(GRANTS, nothing()).await.expect(200);
        merchant.put("/v1/admin/plugins/outbound-payment/settings", json!({})).await.expect(200);
        merchant.post("/v1/admin/bindings/payment/rollback", Value::Null).await.expect(200);
        merchant.put(PAYMENT, bind(Some("1.1.0"))).await.problem("binding-rejected");
    }
}

api_test! {
    async fn only_what_is_asked_for_is_granted_and_nothing_by_halves(app: App) {
        let merchant = Merchant::of(&app).await;
        merchant.get(GRANTS).await.problem("not-found");
        merchant.put(GRANTS, nothing()).await.problem("not-found");
        upload(&merchant, &OUTBOUND).await.expect(201);
        merchant.put(SECRET, json!({ "value": VALUE })).await.problem("not-found");
        let host = "api.example.com:8443";
        for (grants, expected) in [
            (json!({ "hosts": ["api.example.com"], "secrets": [], "kv": false }), vec!["/hosts"]),
            (json!({ "hosts": ["127.0.0.1", "*.example.com"], "secrets": [], "kv": false }), vec!["/hosts/0", "/hosts/1"]),
            (json!({ "hosts": [host], "secrets": [secret("other", "x")], "kv": false }), vec!["/secrets/0/host"]),
            (json!({ "hosts": [host], "secrets": [secret(host, "x-key")], "kv": false }), vec!["/secrets"]),
            (json!({ "hosts": [], "secrets": [secret(host, "authorization")], "kv": false }), vec![""]),
            (json!({ "hosts": [host], "secrets": [] }), vec![""]),
            (json!({ "hosts": [host], "secrets": [], "kv": false, "files": true }), vec!["/files"]),
        ] {
            let problem = merchant.put(GRANTS, grants.clone()).await.problem("invalid-request");
            assert_eq!(pointers(&problem), expected, "{grants}: {problem}");
        }
        assert_eq!(merchant.get(GRANTS).await.expect(200)["version"], 0);
        merchant.put(GRANTS, asked()).await.expect(200);
        merchant.send_if(Method::PUT, GRANTS, "\"0\"", nothing()).await.problem("precondition-failed");
        for value in ["short", " leading space", "two\r\nlines", "not ASCII \u{e4}"] {
            let problem = merchant.put(SECRET, json!({ "value": value })).await.problem("invalid-request");
            assert_eq!(pointers(&problem), ["/value"], "{value:?}");
        }
        merchant.put("/v1/admin/plugins/outbound-payment/secrets/other", json!({ "value": VALUE })).await.problem("not-found");
        assert_eq!(merchant.get(GRANTS).await.expect(200)["secrets"][0]["value_set_at"], Value::Null);
        // A plugin that prices is asked again about what it answered: it reaches nobody.
        let file = asking(&PERCENT_V1, "3.0.0", &json!({ "hosts": ["api.example.com"] }));
        let problem = upload(&merchant, &file).await.problem("plugin-rejected");
        assert!(problem["reason"].as_str().unwrap().contains("sends no requests"), "{problem}");
    }
}

api_test! {
    async fn nobody_sees_a_secret_again(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &OUTBOUND).await.expect(201);
        merchant.put(GRANTS, asked()).await.expect(200);
        merchant.put(SECRET, json!({ "value": VALUE })).await.expect(204);
        let screen = merchant.get(GRANTS).await.expect(200);
        assert!(screen["secrets"][0]["value_set_at"].is_string(), "{screen}");
        let log = merchant.get("/v1/admin/audit").await.expect(200);
        let entry = |operation: &str| log["items"].as_array().unwrap().iter().find(|e| e["operation"] == operation).unwrap().clone();
        // Where secrets go is told, their values are not.
        assert_eq!(entry("put_plugin_grants")["body"], asked());
        assert_eq!(entry("put_plugin_secret")["body"], "[struck out]");
        // Neither is one that somebody puts in the wrong place.
        let misplaced = json!({ "hosts": [], "secrets": [{ "name": "api-key", "value": VALUE }], "kv": false });
        merchant.put(GRANTS, misplaced).await.problem("invalid-request");
        let log = merchant.get("/v1/admin/audit").await.expect(200);
        assert!(!screen.to_string().contains(VALUE) && !log.to_string().contains(VALUE));
        assert!(dump(&app).await.iter().all(|(_, text)| !text.contains(VALUE)));
        // Another place for it is another secret.
        merchant.put(GRANTS, json!({ "hosts": asked()["hosts"], "secrets": [], "kv": true })).await.expect(200);
        merchant.put(GRANTS, asked()).await.expect(200);
        assert_eq!(merchant.get(GRANTS).await.expect(200)["secrets"][0]["value_set_at"], Value::Null);
        merchant.put(SECRET, json!({ "value": VALUE })).await.expect(204);
        merchant.delete(SECRET).await.expect(204);
        merchant.delete(SECRET).await.expect(204);
        assert_eq!(merchant.get(GRANTS).await.expect(200)["secrets"][0]["value_set_at"], Value::Null);
    }
}

async fn check_out(shop: &App, token: &str) {
    let shopper = Shopper::ready(shop, "TEA-SENCHA-100", 1).await;
    let total = shopper.show().await["total"].clone();
    let order = shopper.check_out_by("outbound-payment:card", token, total).await.expect(201);
    assert_eq!(order["status"], "paid", "{order}");
}

api_test! {
    /// From the upload to the order: the host gets the secret, the shopper the goods, and a start later it is as before.
    async fn an_order_is_paid_at_a_host_that_was_granted(app: App) {
        let peer = Receiver::start(&[]).await;
        let port = peer.url.rsplit(':').next().unwrap().split('/').next().unwrap();
        let host = format!("api.example.com:{port}");
        let shop = app.another(|config| {
            config.plugins.outbound.allow_http = true;
            config.plugins.outbound.private_hosts = [("api.example.com".into(), "127.0.0.1".parse().unwrap())].into();
        }).await;
        let merchant = Merchant::of(&shop).await;
        let asks = json!({ "hosts": [host], "secrets": [secret(&host, "authorization")] });
        upload(&merchant, &asking(&OUTBOUND, "2.0.0", &asks)).await.expect(201);
        merchant.put(GRANTS, json!({ "hosts": [host], "secrets": asks["secrets"], "kv": true })).await.expect(200);
        merchant.put(SECRET, json!({ "value": VALUE })).await.expect(204);
        merchant.put(PAYMENT, bind(None)).await.expect(200);
        let pay = format!("POST=http://{host}/charges?key=1 http://evil.example/");
        check_out(&shop, &pay).await;
        let shop = shop.restart().await;
        check_out(&shop, &pay).await;
        let received = peer.received();
        assert_eq!(received.len(), 2);
        assert!(received.iter().all(|request| request.headers["authorization"] == format!("Bearer {VALUE}")));
        assert!(received.iter().all(|request| request.body == "12 EUR"));
        let lines = Merchant::of(&shop).await.get("/v1/admin/plugins/outbound-payment/logs").await.expect(200);
        let lines: Vec<_> = lines["items"].as_array().unwrap().iter().map(|line| (line["by"].as_str().unwrap(), line["text"].as_str().unwrap())).collect();
        let expected = [format!("POST {host}/charges: 200, 2000 bytes in "), "GET evil.example/: no answer after ".to_owned()];
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert!(lines.iter().zip(&expected).all(|((by, text), expected)| *by == "kernel" && text.starts_with(expected)), "{lines:?}");
    }
}

/// `kassa plugin …` with a line on its standard input.
async fn kassa(shop: &App, folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kassa"));
    command.current_dir(folder).arg("plugin").args(arguments).env("KASSA_URL", &shop.url);
    command.env("KASSA_EMAIL", "merchant@example.org").env("KASSA_PASSWORD", "correct horse battery staple");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let input = input.to_owned();
    let run = move || {
        let mut child = command.spawn().expect("kassa starts");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("written");
        child.wait_with_output().expect("it ends")
    };
    tokio::task::spawn_blocking(run).await.expect("no panic")
}

api_test! {
    async fn the_command_line_grants_what_a_version_asks_for(app: App) {
        app.merchant().await;
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("pay.wasm"), &*OUTBOUND).unwrap();
        let place = "api-key in the header `authorization: Bearer \u{2026}` to api.example.com:8443";
        let run = async |arguments: &[&str], input: &str, expected: &[&str]| {
            let output = kassa(&app, folder.path(), arguments, input).await;
            let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
            for line in expected {
                assert!(text.contains(line), "{arguments:?} does not say {line:?}: {text}");
            }
            output.status.success()
        };
        assert!(run(&["push", "pay.wasm"], "", &["hosts        api.example.com:8443", &format!("secrets      {place}")]).await);
        assert!(!run(&["activate", "outbound-payment"], "", &["asks for more than it was granted"]).await);
        assert!(run(&["grants", "outbound-payment"], "", &["granted      nothing yet", "version      1.0.0 asks for more:"]).await);
        assert!(!run(&["secret", "outbound-payment", "api-key"], VALUE, &["404"]).await);
        assert!(!run(&["grant", "outbound-payment@9.9.9"], "", &["there is no plugin outbound-payment@9.9.9"]).await);
        assert!(run(&["grant", "outbound-payment@1.0.0"], "", &[&format!("{place} (NO VALUE YET)")]).await);
        let wrong = format!("{VALUE}\u{7f}\n");
        assert!(!run(&["secret", "outbound-payment", "api-key"], &wrong, &["/value must have 8 to 4096"]).await);
        let line = format!("{VALUE}\r\n");
        assert!(run(&["secret", "outbound-payment", "api-key"], &line, &["has its value"]).await);
        let granted = [format!("{place} (has a value)"), "asks for no more".to_owned()];
        assert!(run(&["grants", "outbound-payment"], "", &granted.each_ref().map(String::as_str)).await);
        assert!(run(&["secret", "outbound-payment", "api-key", "--unset"], "", &["has no value any more"]).await);
        assert!(run(&["activate", "outbound-payment"], "", &["outbound-payment@1.0.0"]).await);
    }
}
