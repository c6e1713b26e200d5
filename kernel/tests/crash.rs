//! A kernel that is killed while a plugin is uploaded, put in force or taken back: what is in force afterwards is the old or the new, and whole.
//!
//! Each of the three is killed before its row is written (a lock of the case's holds it there), as soon as the row is there, and at moments
//! that walk through the time that it takes. Two such moments of each, unless `KASSA_TEST_CRASH_ROUNDS` says otherwise.

use std::time::{Duration, Instant};

use kassa::plugins::Digest;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::plugin_grants::asking;
use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::{PERCENT_V1, PERCENT_V2};
use crate::support::direct::Direct;
use crate::support::process::Process;
use crate::support::shopper::Shopper;

const BINDING: &str = "/v1/admin/bindings/pricing";
/// What a piece costs, with 10 % and with 20 % off: which of the two versions is in force is seen by it.
const OLD_TOTAL: i64 = 1_125;
const NEW_TOTAL: i64 = 1_000;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Step {
    Upload,
    Activate,
    RollBack,
}

const STEPS: [Step; 3] = [Step::Upload, Step::Activate, Step::RollBack];

/// When the kernel is killed.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// It cannot have written the row.
    Held,
    /// It has just written it.
    Seen,
    /// After this part of the time that the step takes.
    Part(f64),
}

/// A binding: which one, and of what.
type InForce = (i64, String);

/// The shop, and the process that serves it now.
struct Ground<'a> {
    app: &'a App,
    process: Process,
    token: String,
    database: Direct,
}

impl<'a> Ground<'a> {
    async fn of(app: &'a App) -> Self {
        app.merchant().await;
        let process = Process::start(app, "").await;
        let token = process.app.log_in("merchant@example.org", "correct horse battery staple").await;
        let database = Direct::of(app).await;
        Self { app, process, token, database }
    }

    fn served(&self) -> &App {
        &self.process.app
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.served().send(method, path, Some(&self.token), body).await
    }

    fn request(&self, step: Step, new: &New) -> RequestBuilder {
        let app = self.served();
        let to = |method, path: &str| app.client.request(method, format!("{}{path}", app.url)).bearer_auth(&self.token);
        match step {
            Step::Upload => {
                to(Method::POST, "/v1/admin/plugins").header("content-type", "application/wasm").body(new.file.clone())
            }
            Step::Activate => to(Method::PUT, BINDING).json(&bind(&new.version)),
            Step::RollBack => to(Method::POST, &format!("{BINDING}/rollback")),
        }
    }

    async fn in_force(&self) -> InForce {
        let all = self.send(Method::GET, "/v1/admin/bindings", None).await.expect(200);
        let domains: Vec<_> =
            all.as_array().unwrap().iter().map(|binding| binding["domain"].as_str().unwrap()).collect();
        assert_eq!(domains, ["delivery", "notification", "payment", "pricing"], "{all}");
        let plugins = all[3]["plugins"].as_array().unwrap();
        assert_eq!(plugins.len(), 1, "{all}");
        (all[3]["generation"].as_i64().unwrap(), plugins[0]["digest"].as_str().unwrap().to_owned())
    }

    /// Whether the step is done, by what is written down.
    async fn is_written(&mut self, step: Step, new: &New, before: &InForce) -> bool {
        let digest = Digest::of(&new.file);
        let statement = match step {
            Step::Upload => format!("select digest from plugin_versions where digest = '{digest}'"),
            _ => format!("select domain from bindings where domain = 'pricing' and generation > {}", before.0),
        };
        !self.database.ask(&statement).await.is_empty()
    }

    /// Begins the step, kills the kernel at that moment, and starts it again. Whether the client was told that it is done.
    async fn strike(&mut self, step: Step, moment: Moment, new: &New, takes: Duration) -> bool {
        let before = self.in_force().await;
        if let Moment::Held = moment {
            self.database.hold("plugin_versions, bindings").await;
        }
        let request = self.request(step, new);
        let answered =
            tokio::spawn(async move { request.send().await.is_ok_and(|answer| answer.status().is_success()) });
        match moment {
            Moment::Held => tokio::time::sleep(takes * 2 + Duration::from_millis(200)).await,
            Moment::Part(part) => tokio::time::sleep(takes.mul_f64(part)).await,
            Moment::Seen => loop {
                let has_ended = answered.is_finished();
                if self.is_written(step, new, &before).await {
                    break;
                }
                assert!(!has_ended, "{step:?} ended, and nothing is written");
            },
        }
        self.process.kill().await;
        if let Moment::Held = moment {
            self.database.release().await;
        }
        self.process = Process::start(self.app, "").await;
        answered.await.expect("no panic")
    }

    /// Kills it there, and looks at what is left of it; then does what was not done.
    async fn survive(&mut self, step: Step, moment: Moment, new: &New, takes: Duration) {
        let before = self.in_force().await;
        let answered = self.strike(step, moment, new, takes).await;
        let written = self.is_written(step, new, &before).await;
        let fits = match moment {
            Moment::Held => !written && !answered,
            Moment::Seen => written,
            Moment::Part(_) => written || !answered,
        };
        assert!(fits, "{step:?} at {moment:?}: written {written}, answered {answered}");
        let expected = match step {
            Step::Activate if written => (before.0 + 1, Digest::of(&new.file).to_string()),
            Step::RollBack if written => (before.0 + 1, Digest::of(&PERCENT_V1).to_string()),
            _ => before,
        };
        assert_eq!(self.in_force().await, expected, "{step:?} at {moment:?}");
        self.look().await;
        if !written {
            let answer = Answer::of(self.request(step, new)).await;
            assert!((200..300).contains(&answer.status), "{step:?} at {moment:?}: {}", answer.body);
        }
        self.look().await;
    }

    /// Carts are priced by what is in force, every version has its file, and every file is what its name says.
    async fn look(&self) {
        let (_, digest) = self.in_force().await;
        let cart = Shopper::guest(self.served()).await.add("TEA-SENCHA-100", 1).await.expect(200);
        let total = if digest == Digest::of(&PERCENT_V1).to_string() { OLD_TOTAL } else { NEW_TOTAL };
        assert_eq!(cart["total"], total, "{digest}");
        let mut files = Vec::new();
        for entry in std::fs::read_dir(self.app.data().join("plugins")).expect("the files of plugins") {
            let path = entry.expect("an entry").path();
            // What is being written has no digest for a name.
            if let Ok(name) = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().parse::<Digest>() {
                assert_eq!(Digest::of(&std::fs::read(&path).expect("a file")), name, "half a file");
                files.push(name.to_string());
            }
        }
        let plugins = self.send(Method::GET, "/v1/admin/plugins", None).await.expect(200);
        for version in plugins.as_array().unwrap().iter().flat_map(|plugin| plugin["versions"].as_array().unwrap()) {
            assert!(files.iter().any(|file| version["digest"] == *file), "{version}");
        }
    }

    /// How long each step takes that nobody disturbs.
    async fn measure(&self, new: &New) -> [Duration; 3] {
        let mut takes = [Duration::ZERO; 3];
        for (step, takes) in STEPS.into_iter().zip(&mut takes) {
            let begun = Instant::now();
            let answer = Answer::of(self.request(step, new)).await;
            assert!((200..300).contains(&answer.status), "{step:?}: {}", answer.body);
            *takes = begun.elapsed();
        }
        takes
    }
}

/// A version that nobody has uploaded yet.
struct New {
    version: String,
    file: Vec<u8>,
}

impl New {
    fn of(number: usize) -> Self {
        let version = format!("2.0.{number}");
        Self { file: asking(&PERCENT_V2, &version, &json!({})), version }
    }
}

fn bind(version: &str) -> Value {
    json!({ "plugins": [{ "name": "percent-off", "version": version, "settings": {} }] })
}

/// Moments that lie apart, however many there are.
fn parts() -> impl Iterator<Item = Moment> {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let rounds = std::env::var("KASSA_TEST_CRASH_ROUNDS").map_or(2, |text| text.parse().expect("a number of rounds"));
    (1..=rounds).map(|round: u32| Moment::Part((f64::from(round) * GOLDEN).fract()))
}

api_test! {
    /// The orders that were placed between the crashes are derived again when the case ends.
    async fn a_kill_leaves_the_old_binding_or_the_new_one(app: App) {
        let mut ground = Ground::of(&app).await;
        let request = ground.request(Step::Upload, &New { version: String::new(), file: PERCENT_V1.clone() });
        Answer::of(request).await.expect(201);
        ground.send(Method::PUT, BINDING, Some(bind("1.0.0"))).await.expect(200);
        let takes = ground.measure(&New::of(0)).await;
        let moments = [Moment::Held, Moment::Seen].into_iter().chain(parts());
        for (number, moment) in (1..).zip(moments) {
            // It lives for minutes, many rounds for longer.
            ground.token = ground.served().log_in("merchant@example.org", "correct horse battery staple").await;
            let new = New::of(number);
            for (step, takes) in STEPS.into_iter().zip(takes) {
                ground.survive(step, moment, &new, takes).await;
            }
            Shopper::ready(ground.served(), "FILTER-PAPER-100", 1).await.check_out("tok-approve").await.expect(201);
        }
        ground.process.kill().await;
        app.restart().await;
    }
}
