//! Candidates on their way to being in force.

mod fallback;
mod guards;
mod letters;
mod payments;
mod stages;
mod story;

use kassa::Config;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::app::Answer;
use crate::support::merchant::Merchant;

const BEGIN: &str = "/v1/admin/bindings/pricing/rollouts";
const BINDING: &str = "/v1/admin/bindings/pricing";
/// Nearly everybody.
const MOST: u16 = 9_999;

/// Guards are looked at often, and judge few calls.
fn watchful(config: &mut Config) {
    config.rollouts.check_interval_ms = 50;
    config.rollouts.guards.min_calls = 10;
    // Beside builds and other cases every call is slow now and then.
    config.rollouts.guards.max_slower_percent = 100_000;
}

async fn upload(merchant: &Merchant<'_>, wasm: &[u8]) {
    let request =
        merchant.app.client.post(format!("{}/v1/admin/plugins", merchant.app.url)).bearer_auth(&merchant.token);
    Answer::of(request.header("content-type", "application/wasm").body(wasm.to_vec())).await.expect(201);
}

/// The path of the rollout of pricing that begins with this body.
async fn begin(merchant: &Merchant<'_>, body: Value) -> String {
    begin_of("pricing", merchant, body).await
}

async fn begin_of(domain: &str, merchant: &Merchant<'_>, body: Value) -> String {
    let begun = merchant.post(&format!("/v1/admin/bindings/{domain}/rollouts"), body).await.expect(201);
    format!("/v1/admin/rollouts/{}", begun["id"].as_str().unwrap())
}

/// What is in force for `domain`, with another setting.
async fn with_setting(merchant: &Merchant<'_>, domain: &str, name: &str, value: Value) -> Value {
    let binding = merchant.get(&format!("/v1/admin/bindings/{domain}")).await.expect(200);
    let (plugin, mut settings) = (&binding["plugins"][0]["name"], binding["plugins"][0]["settings"].clone());
    settings[name] = value;
    json!([{ "name": plugin, "settings": settings }])
}

async fn stage(merchant: &Merchant<'_>, rollout: &str, body: Value) -> Answer {
    merchant.send(Method::PUT, &format!("{rollout}/stage"), body).await
}

/// What was seen of the candidate, once `done` says so of it.
async fn observed(merchant: &Merchant<'_>, rollout: &str, done: impl Fn(&Value) -> bool) -> Value {
    let look = || async {
        let observed = merchant.get(rollout).await.expect(200)["observed"].clone();
        done(&observed).then_some(observed)
    };
    merchant.app.eventually("what is observed", look).await
}

/// The rollout, once it has ended.
async fn ended(merchant: &Merchant<'_>, rollout: &str) -> Value {
    let look = || async {
        let rollout = merchant.get(rollout).await.expect(200);
        (!rollout["ending"].is_null()).then_some(rollout)
    };
    merchant.app.eventually("the end of the rollout", look).await
}

/// Binds the hostile plugin while it behaves, and answers a candidate of it that traps with seven pieces of the first line.
async fn seven_is_a_trap(merchant: &Merchant<'_>) -> Value {
    upload(merchant, &crate::support::components::HOSTILE).await;
    let settings = json!({ "mode": "ok" });
    let body = json!({ "plugins": [{ "name": "hostile-pricing", "settings": settings }] });
    merchant.put(BINDING, body).await.expect(200);
    let settings = json!({ "mode": "trap", "spare_probe": true, "only_quantity": 7 });
    json!([{ "name": "hostile-pricing", "settings": settings }])
}
