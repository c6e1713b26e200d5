//! Plugins in a running shop: kept, put in force, swapped under shoppers.

use kassa::plugins::build::{MANIFEST_SECTION, name_section};
use kassa::plugins::registry::Wanted;
use kassa::plugins::{Digest, Domain, KvError, KvQuota, KvStore, Limits, MemoryKv};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::{HOSTILE, PERCENT_V1, PERCENT_V2};
use crate::support::shopper::Shopper;

async fn upload(app: &App, token: &str, wasm: &[u8]) -> Answer {
    let request = app.client.post(format!("{}/v1/admin/plugins", app.url)).bearer_auth(token);
    Answer::of(request.header("content-type", "application/wasm").body(wasm.to_vec())).await
}

async fn bind(app: &App, token: &str, name: &str, version: &str, settings: Value) -> Answer {
    let body = json!({ "plugins": [{ "name": name, "version": version, "settings": settings }] });
    app.send(Method::PUT, "/v1/admin/bindings/pricing", Some(token), Some(body)).await
}

async fn orders(app: &App, token: &str) -> usize {
    let page = app.send(Method::GET, "/v1/admin/orders?limit=100", Some(token), None).await.expect(200);
    page["items"].as_array().unwrap().len()
}

api_test! {
    async fn a_plugin_is_uploaded_bound_listed_and_rolled_back(app: App) {
        let token = app.merchant().await;
        let uploaded = upload(&app, &token, &PERCENT_V1).await.expect(201);
        assert_eq!((&uploaded["name"], &uploaded["version"]), (&json!("percent-off"), &json!("1.0.0")));
        assert_eq!((&uploaded["domain"], &uploaded["contract"]), (&json!("pricing"), &json!("0.2.0")));
        let again = upload(&app, &token, &PERCENT_V1).await.expect(201);
        assert_eq!(again["digest"], uploaded["digest"], "the same file is the same version");
        let shopper = Shopper::guest(&app).await;
        let cart = shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        assert_eq!(cart["total"], 1250, "an upload is not in force");
        let bound = bind(&app, &token, "percent-off", "1.0.0", json!({})).await.expect(200);
        assert_eq!(bound["generation"], 2);
        assert_eq!(shopper.show().await["total"], 1125);
        let listed = app.send(Method::GET, "/v1/admin/plugins/percent-off", Some(&token), None).await.expect(200);
        assert_eq!(listed["active_version"], "1.0.0");
        let rollback = "/v1/admin/bindings/pricing/rollback";
        let back = app.send(Method::POST, rollback, Some(&token), None).await.expect(200);
        assert_eq!((&back["generation"], &back["rolled_back_to"]), (&json!(3), &json!(1)));
        assert_eq!(shopper.show().await["total"], 1250);
        app.send(Method::POST, rollback, Some(&token), None).await.problem("nothing-to-roll-back");
    }
}

api_test! {
    /// Going back to a plugin by name must not sell without its taxes.
    async fn a_plugin_that_comes_back_has_its_last_settings(app: App) {
        let token = app.merchant().await;
        let path = "/v1/admin/bindings/pricing";
        let before = app.send(Method::GET, path, Some(&token), None).await.expect(200);
        assert!(before["plugins"][0]["settings"]["tax"].is_object());
        upload(&app, &token, &PERCENT_V1).await.expect(201);
        bind(&app, &token, "percent-off", "1.0.0", json!({})).await.expect(200);
        let body = json!({ "plugins": [{ "name": "pricing-standard" }] });
        let back = app.send(Method::PUT, path, Some(&token), Some(body)).await.expect(200);
        assert_eq!(back["plugins"], before["plugins"]);
    }
}

api_test! {
    /// PostgreSQL keeps U+0000 in no text: it is refused before it gets there.
    async fn a_binding_without_sense_is_refused(app: App) {
        let token = app.merchant().await;
        let standard = || json!({ "name": "pricing-standard" });
        for (plugins, pointer) in [
            (json!([{ "name": "a\0" }]), "/plugins/0/name"),
            (json!([{ "name": "" }]), "/plugins/0/name"),
            (json!([{ "name": "pricing-standard", "version": "1\0" }]), "/plugins/0/version"),
            (json!([standard(), { "name": "pricing-standard", "version": "" }]), "/plugins/1/version"),
            (json!([{ "name": "pricing-standard", "settings": { "discounts": [{ "label": "a\0" }] } }]), "/plugins/0/settings"),
            (json!([{ "name": "pricing-standard", "settings": [] }]), "/plugins/0/settings"),
            (json!([standard(), standard()]), "/plugins"),
        ] {
            let body = json!({ "plugins": plugins });
            let answer = app.send(Method::PUT, "/v1/admin/bindings/pricing", Some(&token), Some(body)).await;
            assert_eq!(answer.problem("invalid-request")["errors"][0]["pointer"], pointer, "{plugins}");
        }
        let binding = app.send(Method::GET, "/v1/admin/bindings/pricing", Some(&token), None).await.expect(200);
        assert_eq!(binding["generation"], 1);
    }
}

api_test! {
    async fn only_a_merchant_changes_plugins(app: App) {
        let customer = app.customer("ada@example.org").await;
        upload(&app, &customer, &PERCENT_V1).await.problem("forbidden");
        bind(&app, &customer, "pricing-standard", "0.1.0", json!({})).await.problem("forbidden");
        app.get("/v1/admin/plugins").await.problem("unauthenticated");
        app.post("/v1/admin/bindings/pricing/rollback", json!({})).await.problem("unauthenticated");
    }
}

api_test! {
    async fn files_and_bindings_that_cannot_be_are_refused(app: App) {
        let token = app.merchant().await;
        let core_module: &[u8] = b"\0asm\x01\0\0\0";
        for file in [b"".as_slice(), b"(component)", b"\x7fELF", core_module, &PERCENT_V1[..1000]] {
            upload(&app, &token, file).await.problem("plugin-rejected");
        }
        let mut two_manifests = PERCENT_V1.clone();
        kassa::plugins::build::append_custom_section(&mut two_manifests, MANIFEST_SECTION, b"{}");
        let refused = upload(&app, &token, &two_manifests).await.problem("plugin-rejected");
        assert!(refused["reason"].as_str().unwrap().contains("two"), "{refused}");
        upload(&app, &token, &PERCENT_V1).await.expect(201);
        let mut another = PERCENT_V1.clone();
        kassa::plugins::build::append_custom_section(&mut another, "another", b"file");
        upload(&app, &token, &another).await.problem("plugin-version-taken");
        let mut kernels = PERCENT_V1.clone();
        kassa::plugins::build::append_custom_section(&mut kernels, "component-name", &name_section("fallback"));
        let refused = upload(&app, &token, &kernels).await.problem("plugin-rejected");
        assert!(refused["reason"].as_str().unwrap().contains("the kernel's own"), "{refused}");
        // Names of interfaces are as long as before, so that everything else fits.
        let (granted, other) = (b"kassa:host/log".as_slice(), b"kassa:host/lag".as_slice());
        let mut foreign = PERCENT_V1.clone();
        for at in 0..foreign.len() - granted.len() {
            if foreign[at..].starts_with(granted) {
                foreign[at..at + other.len()].copy_from_slice(other);
            }
        }
        let refused = upload(&app, &token, &foreign).await.problem("plugin-rejected");
        assert!(refused["reason"].as_str().unwrap().contains("may not import kassa:host/lag"), "{refused}");
        let page = app.client.post(format!("{}/v1/admin/plugins", app.url)).bearer_auth(&token);
        let page = page.header("content-type", "text/html").body(PERCENT_V1.to_vec());
        Answer::of(page).await.problem("unsupported-media-type");
        upload(&app, &token, &vec![0; 5 * 1024 * 1024]).await.problem("payload-too-large");
        bind(&app, &token, "no-such-plugin", "1.0.0", json!({})).await.problem("invalid-request");
        bind(&app, &token, "delivery-rates", "0.1.0", json!({})).await.problem("invalid-request");
        upload(&app, &token, &PERCENT_V1).await.expect(201);
        let wrong = bind(&app, &token, "percent-off", "1.0.0", json!({ "percent_bp": 10_001 })).await;
        assert_eq!(wrong.problem("binding-rejected")["reason"], "invalid-settings");
        let unknown = bind(&app, &token, "percent-off", "1.0.0", json!({ "percent": 10 })).await;
        assert_eq!(unknown.problem("binding-rejected")["reason"], "invalid-settings");
        let path = "/v1/admin/bindings/pricing";
        let stale = app.client.put(format!("{}{path}", app.url)).bearer_auth(&token).header("if-match", "\"7\"");
        let body = json!({ "plugins": [{ "name": "percent-off" }] });
        Answer::of(stale.json(&body)).await.problem("precondition-failed");
        assert_eq!(app.send(Method::GET, path, Some(&token), None).await.expect(200)["generation"], 1);
    }
}

api_test! {
    /// The name of a file is only a name: other code under it does not serve.
    async fn a_file_that_was_exchanged_is_not_put_in_force(app: App) {
        let token = app.merchant().await;
        let digest = upload(&app, &token, &PERCENT_V1).await.expect(201)["digest"].as_str().unwrap().to_owned();
        std::fs::write(app.data().join("plugins").join(digest), PERCENT_V2.as_slice()).unwrap();
        bind(&app, &token, "percent-off", "1.0.0", json!({ "percent_bp": 1_000 })).await.problem("internal-error");
        let binding = app.send(Method::GET, "/v1/admin/bindings/pricing", Some(&token), None).await.expect(200);
        assert_eq!(binding["generation"], 1);
    }
}

api_test! {
    /// What the emulator of a provider writes down before it answers does not fit: it takes no money.
    async fn a_plugin_keeps_no_more_than_it_may(app: App) {
        let limits: [fn(&mut Limits); 4] = [
            |limits| limits.kv_keys = 0,
            |limits| limits.kv_key_bytes = 1,
            |limits| limits.kv_value_bytes = 1,
            |limits| limits.kv_total_bytes = 1,
        ];
        for (index, lower) in limits.into_iter().enumerate() {
            let app = app.another(|config| lower(&mut config.plugins.limits.payment)).await;
            let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
            let answer = shopper.check_out("tok-approve").await;
            assert_ne!(answer.status, 201, "limit {index}: {}", answer.body);
            app.stopper().stop().await;
        }
    }
}

api_test! {
    /// As the database's, but for nothing that outlives the process.
    async fn the_memory_of_benches_has_the_same_bounds(_app: App) {
        let (memory, quota) = (MemoryKv::default(), KvQuota { keys: 1, total_bytes: 5 });
        memory.set("one", "key", vec![0], quota).await.unwrap();
        assert!(matches!(memory.set("one", "key", vec![0, 0, 0], quota).await, Err(KvError::Quota(_))));
        assert!(matches!(memory.set("one", "k", vec![], quota).await, Err(KvError::Quota(_))));
        memory.set("two", "k", vec![], quota).await.unwrap();
        assert_eq!(memory.get("one", "key").await.unwrap(), Some(vec![0]));
    }
}

plain_test! {
    fn a_digest_has_64_digits() {
        let digest = Digest::of(b"").to_string();
        assert_eq!(digest.parse(), Ok(Digest::of(b"")));
        for text in [&digest[..62], &format!("{digest}00"), &digest.to_uppercase(), ""] {
            assert!(text.parse::<Digest>().is_err(), "{text}");
        }
    }
}

api_test! {
    /// With pricing out of order the other domains go on, and no order is half made. What each plugin meets: `hostile`.
    async fn a_plugin_that_fails_stops_carts_and_nothing_else(app: App) {
        let token = app.merchant().await;
        let shopper = Shopper::ready(&app, "TEA-SENCHA-100", 1).await;
        let shown = shopper.show().await["total"].clone();
        upload(&app, &token, &HOSTILE).await.expect(201);
        bind(&app, &token, "hostile-pricing", "1.0.0", json!({ "mode": "trap", "spare_probe": true })).await.expect(200);
        shopper.check_out_at("tok-approve", shown).await.problem("pricing-unavailable");
        let currency = kassa::money::Currency::EUR;
        let question = kassa::payments::Question { asker: None, currency, amount: 100, country: None, locale: "en" };
        let methods = kassa::payments::methods(&app.shop, &question).await.unwrap();
        assert_eq!((methods.len(), orders(&app, &token).await), (1, 0));
        let pricing = "/v1/admin/bindings/pricing";
        let body = json!({ "plugins": [{ "name": "pricing-standard" }] });
        let default = app.shop.plugins().list().await.unwrap().remove("pricing-standard").unwrap().remove(0);
        let demo = json!({ "plugins": [{ "name": default.package.name(), "version": default.package.version(), "settings": {} }] });
        app.send(Method::PUT, pricing, Some(&token), Some(body)).await.expect(200);
        app.send(Method::PUT, pricing, Some(&token), Some(demo)).await.expect(200);
        assert_eq!(shopper.check_out("tok-approve").await.expect(201)["status"], "paid");
    }
}

api_test! {
    /// Markup in a label is a valid answer, and passed on as the text that it is.
    async fn markup_is_only_text(app: App) {
        let token = app.merchant().await;
        upload(&app, &token, &HOSTILE).await.expect(201);
        let shopper = Shopper::guest(&app).await;
        bind(&app, &token, "hostile-pricing", "1.0.0", json!({ "mode": "ok" })).await.expect(200);
        shopper.add("TEA-SENCHA-100", 1).await.expect(200);
        bind(&app, &token, "hostile-pricing", "1.0.0", json!({ "mode": "markup" })).await.expect(200);
        let label = shopper.show().await["adjustments"][0]["label"].as_str().unwrap().to_owned();
        assert!(label.contains("<script>"), "JSON needs no escaping of it: {label}");
    }
}

api_test! {
    /// Many swaps under shoppers: none fails, each order names the digest that priced it, and its receipt derives its
    /// total with that digest.
    async fn a_swap_under_load_drops_nothing(app: App) {
        let token = app.merchant().await;
        for wasm in [&PERCENT_V1, &PERCENT_V2] {
            upload(&app, &token, wasm).await.expect(201);
        }
        bind(&app, &token, "percent-off", "1.0.0", json!({})).await.expect(200);
        let swaps = async {
            for swap in 0..20 {
                let wanted = Wanted {
                    name: "percent-off".into(),
                    version: Some(if swap % 2 == 0 { "2.0.0" } else { "1.0.0" }.into()),
                    settings: Some(json!({})),
                };
                app.shop.plugins().bind(Domain::Pricing, &[wanted], None, "test").await.unwrap();
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        };
        let shoppers = (0..4).map(|_| async {
            for _ in 0..4 {
                buy_as_shown(&app).await;
            }
        });
        tokio::join!(swaps, futures_util::future::join_all(shoppers));
        assert_eq!(orders(&app, &token).await, 16);
        for number in 1001..=1016 {
            let order = kassa::orders::get_by_number(&app.shop, number).await.unwrap();
            kassa::orders::receipts::verify(&app.shop, &order).await.unwrap_or_else(|error| panic!("{number}: {error}"));
        }
    }
}

/// Buys one piece; where the price changed between showing and buying, the shopper looks at the new one and buys.
async fn buy_as_shown(app: &App) {
    let shopper = Shopper::ready(app, "FILTER-PAPER-100", 1).await;
    let mut total = shopper.show().await["total"].clone();
    for _ in 0..50 {
        let answer = shopper.check_out_at("tok-approve", total).await;
        if answer.status == 201 {
            let order = answer.expect(201);
            let digest = order["priced_by"][0]["digest"].as_str().unwrap();
            let code = order["adjustments"][0]["code"].as_str().unwrap();
            let known = app.shop.plugins().list().await.unwrap();
            let version =
                known["percent-off"].iter().find(|version| version.package.digest.to_string() == digest).unwrap();
            assert_eq!(code.ends_with("v2"), version.package.version() == "2.0.0", "the named digest made the price");
            return;
        }
        total = answer.problem("stale-quote")["cart"]["total"].clone();
    }
    panic!("the price changed fifty times in a row");
}
