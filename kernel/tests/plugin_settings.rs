//! Settings of plugins: what a plugin itself says of them before they are put in force.

use kassa::plugins::build::append_custom_section;
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::components::HOSTILE;
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
