//! Settings of plugins: what a plugin itself says of them before they are put in force, and changing them where it is bound.

use kassa::plugins::build::append_custom_section;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::components::{HOSTILE, PERCENT_V1};
use crate::support::merchant::{Merchant, pointers};

const DELIVERY: &str = "/v1/admin/bindings/delivery";

async fn upload(merchant: &Merchant<'_>, wasm: &[u8]) -> Answer {
    let request = merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url));
    let request = request.bearer_auth(&merchant.token).header("content-type", "application/wasm");
    Answer::of(request.body(wasm.to_vec())).await
}

fn rates(zones: Value) -> Value {
    json!({ "plugins": [{ "name": "delivery-rates", "settings": { "zones": zones } }] })
}

fn zone(name: &str, countries: Value) -> Value {
    json!({ "name": name, "countries": countries, "options": [{ "code": "standard", "label": "Standard" }] })
}

api_test! {
    /// What no schema can say is told with its place all the same, and changes nothing.
    async fn what_the_plugin_finds_wrong_has_its_place(app: App) {
        let merchant = Merchant::of(&app).await;
        let before = merchant.get(DELIVERY).await.expect(200);
        let option = json!({ "code": "slow", "label": "Slow", "days": [9, 3] });
        let mut world = zone("World", json!(["*"]));
        world["options"] = json!([option, option]);
        let wrong = rates(json!([world, zone("Germany", json!(["DE"]))]));
        let problem = merchant.put(DELIVERY, wrong).await.problem("binding-rejected");
        assert_eq!((&problem["plugin"], &problem["reason"]), (&json!("delivery-rates"), &json!("invalid-settings")));
        let expected = ["/zones/0/options/0/days", "/zones/0/options/1/days", "/zones/0/options/1/code", "/zones/1"];
        assert_eq!(pointers(&problem), expected.map(|place| format!("/plugins/0/settings{place}")));
        assert_eq!(problem["errors"][2]["detail"], "is there twice");
        // What the schema says comes first: it names every field, while a plugin may stop at what it cannot read.
        let wrong = merchant.put(DELIVERY, rates(json!([{ "name": "", "countries": [] }]))).await;
        let wrong = wrong.problem("binding-rejected");
        assert_eq!(pointers(&wrong), ["/plugins/0/settings/zones/0", "/plugins/0/settings/zones/0/countries"]);
        assert_eq!(merchant.get(DELIVERY).await.expect(200), before);
        let right = rates(json!([zone("Germany", json!(["DE"])), zone("World", json!(["*"]))]));
        assert_eq!(merchant.put(DELIVERY, right).await.expect(200)["generation"], 2);
    }
}

api_test! {
    /// The kernel trusts no plugin, also not with what it says of settings.
    async fn a_plugin_that_answers_nonsense_about_settings_is_refused_all_the_same(app: App) {
        let merchant = Merchant::of(&app).await;
        let card = upload(&merchant, &HOSTILE).await.expect(201);
        assert_eq!(card["validates_settings"], true);
        let pricing = "/v1/admin/bindings/pricing";
        let bind = |mode: &str| json!({ "plugins": [{ "name": "hostile-pricing", "settings": { "mode": mode } }] });
        let problem = merchant.put(pricing, bind("many-mistakes")).await.problem("binding-rejected");
        assert_eq!(problem["reason"], "invalid-settings");
        let errors = problem["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 20);
        // What is no pointer is about all of the settings.
        assert_eq!((&errors[0]["pointer"], &errors[1]["pointer"]), (&json!("/plugins/0/settings"), &json!("/plugins/0/settings/mode/1")));
        let detail = errors[0]["detail"].as_str().unwrap();
        assert!(detail.starts_with(r"a\u{1b}[31mb\u{202e}a") && detail.chars().count() <= 300, "{detail}");
        let problem = merchant.put(pricing, bind("loop-in-settings")).await.problem("binding-rejected");
        assert!(["deadline-exceeded", "fuel-exhausted"].contains(&problem["reason"].as_str().unwrap()), "{problem}");
        assert_eq!(merchant.get(pricing).await.expect(200)["generation"], 1);
        merchant.put(pricing, bind("ok")).await.expect(200);
    }
}

api_test! {
    async fn the_card_says_who_checks_settings_and_another_version_of_the_interface_is_refused(app: App) {
        let merchant = Merchant::of(&app).await;
        for (plugin, validates) in [("delivery-rates", true), ("pricing-standard", false)] {
            let plugin = merchant.get(&format!("/v1/admin/plugins/{plugin}")).await.expect(200);
            assert_eq!(plugin["versions"][0]["validates_settings"], validates, "{plugin}");
        }
        // The name of the interface, as long as before; twice, for the types and for the export itself.
        let (known, newer) = (b"kassa:plugin/configurable@0.1.0".as_slice(), b"kassa:plugin/configurable@0.2.0");
        let mut file = HOSTILE.clone();
        for at in 0..file.len() - known.len() {
            if file[at..].starts_with(known) {
                file[at..at + newer.len()].copy_from_slice(newer);
            }
        }
        append_custom_section(&mut file, "version", b"1.0.1");
        let refused = upload(&merchant, &file).await.problem("plugin-rejected");
        assert!(refused["reason"].as_str().unwrap().contains("kassa:plugin@0.2.0"), "{refused}");
    }
}

const RATES: &str = "/v1/admin/plugins/delivery-rates/settings";

api_test! {
    async fn settings_are_changed_without_an_upload_and_rolled_back(app: App) {
        let merchant = Merchant::of(&app).await;
        let before = merchant.get(RATES).await;
        assert_eq!(before.headers["etag"], "\"1\"");
        let before = before.expect(200);
        assert_eq!((&before["name"], &before["domain"], &before["generation"]), (&json!("delivery-rates"), &json!("delivery"), &json!(1)));
        assert_eq!(before["settings_schema"]["title"], "Delivery rates");
        let settings = json!({ "zones": [zone("Germany", json!(["DE"]))] });
        let changed = merchant.send_if(Method::PUT, RATES, "\"1\"", settings.clone()).await;
        assert_eq!(changed.headers["etag"], "\"2\"");
        let changed = changed.expect(200);
        assert_eq!((&changed["settings"], &changed["generation"]), (&settings, &json!(2)));
        assert_eq!(merchant.get(RATES).await.expect(200), changed);
        let binding = merchant.get(DELIVERY).await.expect(200);
        assert_eq!((&binding["generation"], &binding["plugins"][0]["settings"]), (&json!(2), &settings));
        let events = merchant.get("/v1/admin/events?type=plugin.activated").await.expect(200);
        assert_eq!(events["items"][0]["data"]["generation"], 2, "{events}");
        // What the settings say is not in the audit log, which outlives them.
        let audit = merchant.get("/v1/admin/audit?operation=put_plugin_settings").await.expect(200);
        assert_eq!(audit["items"].as_array().unwrap().len(), 1, "{audit}");
        assert!(!audit.to_string().contains("Germany"), "{audit}");
        merchant.post(&format!("{DELIVERY}/rollback"), json!({})).await.expect(200);
        let back = merchant.get(RATES).await.expect(200);
        assert_eq!((&back["settings"], &back["generation"]), (&before["settings"], &json!(3)));
    }
}

api_test! {
    async fn settings_that_are_wrong_or_stale_change_nothing(app: App) {
        let merchant = Merchant::of(&app).await;
        let before = merchant.get(RATES).await.expect(200);
        let world = || zone("World", json!(["*"]));
        let by_the_plugin = json!({ "zones": [world(), zone("Germany", json!(["DE"]))] });
        let problem = merchant.put(RATES, by_the_plugin).await.problem("binding-rejected");
        assert_eq!((&problem["plugin"], &problem["reason"]), (&json!("delivery-rates"), &json!("invalid-settings")));
        assert_eq!(pointers(&problem), ["/zones/1"]);
        let by_the_schema = merchant.put(RATES, json!({ "zones": [{}], "of": 1 })).await.problem("binding-rejected");
        assert_eq!(pointers(&by_the_schema)[0], "");
        for body in [json!([]), json!("text"), json!({ "currency": "a\0" })] {
            merchant.put(RATES, body).await.problem("invalid-request");
        }
        for stale in ["\"7\"", "\"0\"", "nonsense"] {
            let settings = json!({ "zones": [world()] });
            merchant.send_if(Method::PUT, RATES, stale, settings).await.problem("precondition-failed");
        }
        assert_eq!(merchant.get(RATES).await.expect(200), before);
    }
}

api_test! {
    async fn a_plugin_that_is_not_bound_has_no_settings_in_force(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1).await.expect(201);
        let (unbound, unknown) = ("/v1/admin/plugins/percent-off/settings", "/v1/admin/plugins/no-such-plugin/settings");
        merchant.get(unbound).await.problem("plugin-not-bound");
        merchant.put(unbound, json!({})).await.problem("plugin-not-bound");
        merchant.get(unknown).await.problem("not-found");
        merchant.put(unknown, json!({})).await.problem("not-found");
    }
}

api_test! {
    async fn another_plugin_of_the_chain_keeps_its_settings(app: App) {
        let merchant = Merchant::of(&app).await;
        upload(&merchant, &PERCENT_V1).await.expect(201);
        let percent = json!({ "name": "percent-off", "settings": { "percent_bp": 1_000 } });
        let chain = json!({ "plugins": [{ "name": "pricing-standard" }, percent] });
        let before = merchant.put("/v1/admin/bindings/pricing", chain).await.expect(200);
        let path = "/v1/admin/plugins/percent-off/settings";
        // Two at once: each is put in force, one after the other, and none takes the other's with it.
        let (one, other) = tokio::join!(
            merchant.put(path, json!({ "percent_bp": 2_000 })),
            merchant.put("/v1/admin/plugins/pricing-standard/settings", json!({})),
        );
        let generations = [one.expect(200)["generation"].as_i64(), other.expect(200)["generation"].as_i64()];
        assert!(generations == [Some(3), Some(4)] || generations == [Some(4), Some(3)], "{generations:?}");
        let after = merchant.get("/v1/admin/bindings/pricing").await.expect(200);
        assert_eq!(after["plugins"][1]["settings"], json!({ "percent_bp": 2_000 }));
        assert_eq!(after["plugins"][0]["settings"], json!({}));
        assert_eq!(after["plugins"][1]["digest"], before["plugins"][1]["digest"]);
        let wrong = merchant.put(path, json!({ "percent_bp": 10_001 })).await.problem("binding-rejected");
        assert_eq!(pointers(&wrong), ["/percent_bp"]);
    }
}

api_test! {
    async fn settings_are_printed_and_put_from_the_command_line(app: App) {
        app.merchant().await;
        let folder = tempfile::tempdir().unwrap();
        let environment =
            [("KASSA_URL", app.url.as_str()), ("KASSA_EMAIL", "merchant@example.org"), ("KASSA_PASSWORD", "correct horse battery staple")];
        let kassa = async |arguments: &[&str]| crate::packages::kassa(folder.path(), &environment, arguments).await;
        let settings = json!({ "zones": [zone("Ger\u{202e}many", json!(["DE"]))] });
        std::fs::write(folder.path().join("rates.json"), settings.to_string()).unwrap();
        let put = kassa(&["settings", "delivery-rates", "--set", "rates.json"]).await;
        assert_eq!(String::from_utf8_lossy(&put.stdout), "delivery generation 2\n", "{}", String::from_utf8_lossy(&put.stderr));
        let printed = kassa(&["settings", "delivery-rates"]).await.stdout;
        assert!(!String::from_utf8_lossy(&printed).contains('\u{202e}'), "what is not seen is spelled out");
        assert_eq!(serde_json::from_slice::<Value>(&printed).unwrap(), settings);
        std::fs::write(folder.path().join("wrong.json"), "{\"zone\": []}").unwrap();
        let wrong = kassa(&["settings", "delivery-rates", "--set", "wrong.json"]).await;
        assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("invalid-settings"));
    }
}
