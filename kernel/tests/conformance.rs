//! What an upload is asked before it is kept: what passes is kept with its report, what does not is refused with what was found.

use std::path::Path;

use kassa::plugins::conformance::Failed;
use kassa::plugins::pack;
use serde_json::{Value, json};

use crate::packages::kassa;
use crate::support::app::Answer;
use crate::support::components::{HOSTILE, OUTBOUND, PERCENT_V1};
use crate::support::merchant::Merchant;

async fn upload(merchant: &Merchant<'_>, wasm: &[u8]) -> Answer {
    let request = merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url));
    let request = request.bearer_auth(&merchant.token).header("content-type", "application/wasm");
    Answer::of(request.body(wasm.to_vec())).await
}

/// The plugin that misbehaves as its settings say, in a version that does so without any.
fn misbehaving(mode: &str, version: &str) -> Vec<u8> {
    with_schema(version, json!({ "properties": { "mode": { "type": "string", "default": mode } } }))
}

fn with_schema(version: &str, schema: Value) -> Vec<u8> {
    let description = json!({ "version": version, "settings": schema });
    let description = description.as_object().expect("an object").clone();
    pack(&HOSTILE, description, Path::new("")).expect("packed")
}

fn report_of(name: &str, version: &str) -> String {
    format!("/v1/admin/plugins/{name}/versions/{version}/conformance")
}

api_test! {
    async fn what_passes_is_kept_with_its_report(app: App) {
        let merchant = Merchant::of(&app).await;
        let uploaded = upload(&merchant, &PERCENT_V1).await.expect(201);
        let summary = &uploaded["conformance"];
        assert_eq!((&summary["verdict"], &summary["found"], &summary["tried"]), (&json!("passed"), &json!(0), &summary["inputs"]));
        let costs = summary["costs"].as_array().unwrap();
        assert_eq!(costs.iter().map(|cost| cost["lines"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 10, 100, 500]);
        for cost in costs {
            let (fuel, share) = (cost["fuel"].as_u64().unwrap(), cost["fuel_bp"].as_u64().unwrap());
            assert!(fuel > 0 && share == fuel * 10_000 / 50_000_000 && cost["memory_bytes"].as_u64().unwrap() > 0, "{cost}");
        }
        let listed = merchant.get("/v1/admin/plugins/percent-off").await.expect(200);
        assert_eq!(&listed["versions"][0]["conformance"], summary);
        // The same file again is not tried again, and has the same report.
        assert_eq!(upload(&merchant, &PERCENT_V1).await.expect(201), uploaded);

        let report = merchant.get(&report_of("percent-off", "1.0.0")).await.expect(200);
        for field in ["verdict", "inputs", "tried", "found", "costs"] {
            assert_eq!(report[field], summary[field], "{field}");
        }
        let checks = report["checks"].as_array().unwrap();
        assert_eq!(json!(checks.len()), summary["inputs"]);
        assert!(checks.iter().any(|check| check["input"] == "everything is free so far" && check["outcome"] == "answered"));
        let outcomes: u64 = report["outcomes"].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum();
        assert_eq!(json!(outcomes), summary["inputs"]);
        assert_eq!((&report["findings"], &report["fuel_limit"]), (&json!([]), &json!(50_000_000)));
        let payment = upload(&merchant, &OUTBOUND).await.expect(201);
        assert_eq!((&payment["conformance"]["verdict"], &payment["conformance"]["costs"]), (&json!("passed"), &json!([])));
        // It is told, once: the same file again is no news, and neither is what came with the kernel.
        upload(&merchant, &OUTBOUND).await.expect(201);
        let told = merchant.get("/v1/admin/events?type=plugin.uploaded").await.expect(200)["items"].clone();
        let told: Vec<_> = told.as_array().unwrap().iter().map(|event| &event["data"]).collect();
        let me = merchant.get("/v1/me").await.expect(200);
        let expected = json!({
            "name": "outbound-payment", "version": "1.0.0", "digest": payment["digest"], "domain": "payment", "verdict": "passed", "found": 0,
            "actor": me["id"],
        });
        assert_eq!(told.iter().filter(|data| data["domain"] == "payment").collect::<Vec<_>>(), [&&expected]);
        assert!(told.iter().all(|data| !data["name"].as_str().unwrap().contains("standard")), "{told:?}");
    }
}

api_test! {
    async fn what_has_no_report_has_none(app: App) {
        let merchant = Merchant::of(&app).await;
        let standard = merchant.get("/v1/admin/plugins/pricing-standard").await.expect(200);
        assert_eq!(standard["versions"][0]["conformance"], Value::Null);
        let version = standard["versions"][0]["version"].as_str().unwrap();
        let nul = "a%00b";
        for (name, version) in [("pricing-standard", version), ("percent-off", "1.0.0"), (nul, "1.0.0"), ("pricing-standard", nul)] {
            merchant.get(&report_of(name, version)).await.problem("not-found");
        }
    }
}

api_test! {
    /// Each is refused for what it does, and leaves nothing behind: the mended file may have its version.
    async fn what_misbehaves_is_refused_with_what_was_found(app: App) {
        let merchant = Merchant::of(&app).await;
        for (mode, rules) in [
            ("trap", &["trapped"][..]),
            ("loop", &["fuel-exhausted", "deadline-exceeded"]),
            ("negative-total", &["invalid-answer"]),
            ("flat-off-10", &["invalid-answer"]),
            ("wrong-currency", &["invalid-answer"]),
            ("recurse-flat", &["stack-overflow"]),
        ] {
            let problem = upload(&merchant, &misbehaving(mode, "2.0.0")).await.problem("plugin-rejected");
            let findings = problem["findings"].as_array().unwrap();
            assert!(!findings.is_empty() && findings.len() <= 10, "{mode}: {problem}");
            for finding in findings {
                let rule = finding["rule"].as_str().unwrap();
                assert!(rules.contains(&rule), "{mode}: {finding}");
                assert!(!finding["input"].as_str().unwrap().is_empty() && !finding["detail"].as_str().unwrap().is_empty(), "{finding}");
            }
            assert_eq!(problem["settings"], json!({ "mode": mode }));
            assert!(problem["reason"].as_str().unwrap().contains("does not conform"), "{problem}");
            merchant.get("/v1/admin/plugins/hostile-pricing").await.problem("not-found");
        }
        let fine = upload(&merchant, &misbehaving("ok", "2.0.0")).await.expect(201);
        assert_eq!(fine["conformance"]["verdict"], "passed");
        upload(&merchant, &misbehaving("trap", "2.0.0")).await.problem("plugin-version-taken");
    }
}

api_test! {
    async fn what_is_marked_is_kept_and_may_be_bound(app: App) {
        let shop = app.another(|config| config.plugins.conformance.failed = Failed::Marked).await;
        let merchant = Merchant::of(&shop).await;
        let uploaded = upload(&merchant, &misbehaving("negative-total", "2.0.0")).await.expect(201);
        assert_eq!(uploaded["conformance"]["verdict"], "failed");
        let listed = merchant.get("/v1/admin/plugins/hostile-pricing").await.expect(200);
        assert_eq!(listed["versions"][0]["conformance"], uploaded["conformance"]);
        let report = merchant.get(&report_of("hostile-pricing", "2.0.0")).await.expect(200);
        assert_eq!(json!(report["findings"].as_array().unwrap().len()), uploaded["conformance"]["found"]);
        assert!(report["findings"][0]["detail"].as_str().unwrap().contains("below zero"), "{report}");
        let body = json!({ "plugins": [{ "name": "hostile-pricing", "settings": { "mode": "ok" } }] });
        merchant.put("/v1/admin/bindings/pricing", body).await.expect(200);
        shop.stopper().stop().await;
    }
}

api_test! {
    /// It takes no settings that could be made of its schema: nothing is known of it, and nothing is held against it.
    async fn what_cannot_be_tried_is_kept_and_says_so(app: App) {
        let merchant = Merchant::of(&app).await;
        let schema = json!({ "required": ["mode"], "properties": { "mode": { "type": "string" } } });
        let uploaded = upload(&merchant, &with_schema("3.0.0", schema)).await.expect(201);
        assert_eq!(uploaded["conformance"]["verdict"], "untried");
        let report = merchant.get(&report_of("hostile-pricing", "3.0.0")).await.expect(200);
        assert_eq!(report["outcomes"], json!({ "invalid-settings": uploaded["conformance"]["inputs"] }));
        assert_eq!(report["settings"], json!({ "mode": "" }));
    }
}

api_test! {
    /// The suite on the desk is that of the shop.
    async fn a_check_on_the_desk_says_what_an_upload_would_meet(app: App) {
        let merchant = Merchant::of(&app).await;
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
        write("percent.wasm", &PERCENT_V1);
        write("hostile.wasm", &HOSTILE);
        write("trap.json", br#"{"mode": "trap"}"#);
        write("list.json", b"[]");
        let check = async |arguments: &[&str]| kassa(folder.path(), &[], &[&["check"][..], arguments].concat()).await;

        let passed = check(&["percent.wasm"]).await;
        let text = String::from_utf8(passed.stdout).unwrap();
        assert!(passed.status.success(), "{text}{}", String::from_utf8_lossy(&passed.stderr));
        assert!(text.starts_with("percent-off@1.0.0, pricing 0.2.0\n") && text.contains("verdict    passed"), "{text}");

        let json = check(&["percent.wasm", "--json"]).await;
        let mut on_the_desk: Value = serde_json::from_slice(&json.stdout).unwrap();
        upload(&merchant, &PERCENT_V1).await.expect(201);
        let mut in_the_shop = merchant.get(&report_of("percent-off", "1.0.0")).await.expect(200);
        forget_times(&mut on_the_desk);
        forget_times(&mut in_the_shop);
        assert_eq!(on_the_desk, in_the_shop);

        let failed = check(&["hostile.wasm", "--settings", "trap.json"]).await;
        let text = String::from_utf8(failed.stdout).unwrap();
        assert_eq!(failed.status.code(), Some(1), "{text}");
        assert!(text.contains("FINDING    no lines: the plugin crashed") && text.contains("verdict    FAILED"), "{text}");
        assert!(String::from_utf8_lossy(&failed.stderr).contains("it does not conform: 10 findings"));
        assert!(check(&["hostile.wasm"]).await.status.success());
        for wrong in [&["trap.json"][..], &["no-such-file.wasm"], &["hostile.wasm", "--settings", "list.json"]] {
            let refused = check(wrong).await;
            assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0), "{wrong:?}");
        }
    }
}

/// What is another on another machine, or in another process.
fn forget_times(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, _| !["elapsed_us", "elapsed_ms"].contains(&name.as_str()));
            members.values_mut().for_each(forget_times);
        }
        Value::Array(values) => values.iter_mut().for_each(forget_times),
        _ => {}
    }
}
