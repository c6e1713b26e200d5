//! Hostile plugins, one after the other in one running shop: each meets the refusal that it must, and the shop goes on.
//!
//! | file | what is refused, and where |
//! |---|---|
//! | `files` | files, when they are uploaded |
//! | `calls` | what a call does, when it is put in force or when it is called |
//! | `money` | what an answer says about money |
//! | `network` | what a call reaches for |
//! | `random` | files and code that nobody wrote, in numbers |
//! | `guest` | how plugins are written that no compiler would make |
//!
//! Names that resolve to what they must not need a resolver of their own: `kernel/src/plugins/tests/outbound.rs` has them.

mod calls;
mod files;
mod guest;
mod money;
mod network;
mod random;

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::PERCENT_V1;
use crate::support::merchant::Merchant;
use crate::support::process::Process;
use crate::support::shopper::Shopper;

/// Settings of the shop that they meet, beside the defaults. What does not conform is kept, so that it is met where it does harm. A request
/// ends before `orders.reconcile_after_ms`, when the provider would be asked about a payment that its plugin is still at.
const SETTINGS: &str = "
[plugins.compile]
cpu_s = 3
[plugins.outbound]
allow_http = true
timeout_ms = 1000
private_hosts = { 'api.example.com' = '127.0.0.1' }
[plugins.limits.payment]
kv_keys = 50
[plugins.conformance]
failed = 'marked'
budget_ms = 500
";

/// What the process may have in memory at the end beyond what it had before the first of them.
const GROWTH_BYTES: u64 = 100 << 20;

/// Parts of a text, of which one must be there: which limit is met first is a matter of the machine.
type Words = &'static [&'static str];

/// What a hostile plugin meets.
enum Meets {
    /// Its upload is refused, with this problem and this reason.
    Upload(&'static str, Words),
    /// It is not put in force, for one of these faults.
    Binding(Words),
    /// It is put in force, and a cart is not priced, for one of these faults.
    Cart(Words),
    /// Carts are priced as if nothing were.
    Nothing,
}

/// A hostile pricing plugin.
struct Case {
    name: &'static str,
    /// The name of the plugin, where its file is one for many cases.
    plugin: &'static str,
    file: Vec<u8>,
    settings: Value,
    meets: Meets,
}

/// A merchant and a shopper of the shop that it meets. The shopper's cart lacks nothing.
struct Ground<'a> {
    merchant: Merchant<'a>,
    shopper: Shopper<'a>,
    /// What the cart costs where nobody interferes.
    total: Value,
}

impl<'a> Ground<'a> {
    /// In the shop of `app`, whose merchant has signed in.
    async fn of(app: &'a App, token: &str) -> Self {
        let shopper = Shopper::ready(app, "TEA-SENCHA-100", 1).await;
        // One that no plugin but a hostile one has anything to say about.
        let cart = shopper.put("coupons", json!({ "coupons": ["NOPE"] })).await.expect(200);
        Self { merchant: Merchant { app, token: token.to_owned() }, shopper, total: cart["total"].clone() }
    }

    async fn upload(&self, file: &[u8]) -> Answer {
        let app = self.merchant.app;
        let request = || {
            let request = app.client.post(format!("{}/v1/admin/plugins", app.url)).bearer_auth(&self.merchant.token);
            request.header("content-type", "application/wasm").body(file.to_vec())
        };
        // Who is refused in the middle of a long body may lose the answer with the connection.
        for _ in 0..9 {
            if let Ok(response) = request().send().await {
                return Answer::read(response).await;
            }
        }
        Answer::of(request()).await
    }

    /// Puts a plugin in force for carts; nothing said of its settings, it has those that it had.
    async fn bind(&self, name: &str, settings: Option<&Value>) -> Answer {
        let body = json!({ "plugins": [{ "name": name, "settings": settings }] });
        self.merchant.put("/v1/admin/bindings/pricing", body).await
    }

    /// A plugin that means well: what the process needs for any plugin, it has afterwards.
    async fn warm_up(&self) {
        self.upload(&PERCENT_V1).await.expect(201);
        self.bind("percent-off", None).await.expect(200);
        self.shopper.show().await;
        self.bind("pricing-standard", None).await.expect(200);
        let buyer = Shopper::ready(self.merchant.app, "TEA-SENCHA-100", 1).await;
        buyer.check_out("tok-approve").await.expect(201);
    }

    /// What is wrong, if anything is.
    async fn meet(&self, case: &Case) -> Result<(), String> {
        let uploaded = self.upload(&case.file).await;
        if let Meets::Upload(problem, words) = case.meets {
            refused(&uploaded, problem, words)?;
        } else {
            answered(&uploaded, 201)?;
            self.meet_in_force(case).await?;
        }
        let cart = self.shopper.send(Method::GET, "", None).await;
        answered(&cart, 200)?;
        if cart.body["total"] == self.total && cart.body["lines"][0]["quantity"] == 1 {
            return Ok(());
        }
        Err(format!("afterwards the cart is another: {}", cart.body))
    }

    async fn meet_in_force(&self, case: &Case) -> Result<(), String> {
        let bound = self.bind(case.plugin, Some(&case.settings)).await;
        let met = match case.meets {
            Meets::Binding(words) => refused(&bound, "binding-rejected", words),
            Meets::Cart(words) if bound.status == 200 => self.meet_in_cart(words).await,
            Meets::Nothing if bound.status == 200 => answered(&self.shopper.send(Method::GET, "", None).await, 200),
            _ => answered(&bound, 200),
        };
        answered(&self.bind("pricing-standard", None).await, 200)?;
        met
    }

    /// Whatever a shopper does with the cart: nothing of it is done by halves.
    async fn meet_in_cart(&self, words: Words) -> Result<(), String> {
        refused(&self.shopper.send(Method::GET, "", None).await, "pricing-unavailable", words)?;
        let bought = self.shopper.check_out_at("tok-approve", self.total.clone()).await;
        refused(&bought, "pricing-unavailable", words)?;
        refused(&self.shopper.add("TEA-SENCHA-100", 1).await, "pricing-unavailable", words)
    }
}

/// Hashing a password takes 19 MiB, which the allocator may keep: where memory is looked at, it is done once and before.
async fn sign_in(app: &App) -> String {
    app.log_in("merchant@example.org", "correct horse battery staple").await
}

fn answered(answer: &Answer, status: u16) -> Result<(), String> {
    if answer.status == status { Ok(()) } else { Err(format!("{} {}", answer.status, answer.body)) }
}

fn refused(answer: &Answer, problem: &str, words: Words) -> Result<(), String> {
    let reason = answer.body["reason"].as_str().unwrap_or_default();
    let fits = words.is_empty() || words.iter().any(|word| reason.contains(word));
    if answer.body["type"] == format!("/problems/{problem}") && fits {
        return Ok(());
    }
    Err(format!("{} {}", answer.status, answer.body))
}

api_test! {
    /// All of them meet one process of the real program. Its orders are derived again when the case ends.
    async fn each_meets_its_refusal_and_the_process_stays(app: App) {
        app.merchant().await;
        let mut process = Process::start(&app, SETTINGS).await;
        let (id, mut met, mut wrong) = (process.id(), 0, Vec::new());
        let token = sign_in(&process.app).await;
        Ground::of(&process.app, &token).await.warm_up().await;
        let before = process.resident_bytes();
        for cases in [files::cases(), calls::cases(), money::cases()] {
            let ground = Ground::of(&process.app, &token).await;
            met += cases.len();
            for case in &cases {
                if let Err(why) = ground.meet(case).await {
                    wrong.push(format!("{}: {why}", case.name));
                }
            }
        }
        let payments = network::Outbound::begin(&process.app, &token).await;
        met += payments.reach(&mut wrong).await + payments.flood(&mut wrong).await + payments.claim(&mut wrong).await;
        assert!(wrong.is_empty(), "{} of {met} met something else:\n{}", wrong.len(), wrong.join("\n"));
        assert!(met >= 25, "{met} is no corpus");
        let after = process.resident_bytes();
        assert!(process.runs() && process.id() == id, "it is another process");
        if let (Some(before), Some(after)) = (before, after) {
            assert!(after < before + GROWTH_BYTES, "from {before} to {after} bytes");
        }
        process.kill().await;
        app.restart().await;
    }
}
