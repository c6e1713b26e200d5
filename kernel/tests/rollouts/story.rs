//! From an upload to a rollback that nobody had to ask for, under load: no shopper sees an error, or two prices for one cart.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{BINDING, begin, ended, observed, seven_is_a_trap, stage, watchful};
use crate::races::with_pieces;
use crate::support::App;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

const SKU: &str = "ROLLED-OUT";
/// Shoppers at a time.
const SHOPPERS: usize = 8;
/// Carts after which the candidate begins to fail; each is priced several times.
const THOUSANDTH_CALL: usize = 1_000;

/// What the shoppers share.
#[derive(Default)]
struct Load {
    /// Pieces that they buy.
    quantity: AtomicU32,
    calls: AtomicUsize,
    ended: AtomicBool,
}

impl Load {
    /// Fills carts, looks at them again and orders some, until it is over.
    async fn shop(&self, app: &App) {
        let mut number = 0;
        while !self.ended.load(Ordering::Relaxed) {
            number += 1;
            let quantity = self.quantity.load(Ordering::Relaxed);
            let cart = Shopper::guest(app).await;
            let total = cart.add(SKU, quantity).await.expect(200)["total"].clone();
            for _ in 0..3 {
                assert_eq!(cart.show().await["total"], total, "two prices for one cart");
            }
            self.calls.fetch_add(4, Ordering::Relaxed);
            if number % 5 == 0 {
                cart.prepare(SKU, 1).await;
                cart.check_out("tok-approve").await.expect(201);
            }
        }
    }

    /// Waits until there were so many calls more.
    async fn more(&self, app: &App, calls: usize) {
        let target = self.calls.load(Ordering::Relaxed) + calls;
        app.eventually("more calls", || async { (self.calls.load(Ordering::Relaxed) >= target).then_some(()) }).await;
    }
}

api_test! {
    async fn a_rollout_under_load_from_upload_to_rollback(app: App) {
        let app = app.restart_with(watchful).await;
        let merchant = Merchant::of(&app).await;
        let candidate = seven_is_a_trap(&merchant).await;
        with_pieces(&merchant, SKU, 1_000_000).await;
        let load = Load { quantity: AtomicU32::new(1), ..Load::default() };
        let shoppers = async { join_all((0..SHOPPERS).map(|_| load.shop(&app))).await };
        let merchants = async {
            load.more(&app, 50).await;
            let replay = merchant.post("/v1/admin/bindings/pricing/replays", json!({ "plugins": candidate })).await.expect(202);
            let path = format!("/v1/admin/replays/{}", replay["id"].as_str().unwrap());
            let done = || async { (merchant.get(&path).await.expect(200)["state"] == "done").then_some(()) };
            app.eventually("the replay", done).await;
            let rollout = begin(&merchant, json!({ "plugins": candidate })).await;
            let seen = observed(&merchant, &rollout, |seen| seen["compared"].as_i64() >= Some(20)).await;
            assert_eq!((&seen["different"], &seen["failed"]), (&json!(0), &json!({})), "{seen}");
            stage(&merchant, &rollout, json!({ "stage": "canary", "share": 1_000 })).await.expect(200);
            observed(&merchant, &rollout, |seen| seen["served"].as_i64() >= Some(20)).await;
            stage(&merchant, &rollout, json!({ "stage": "active" })).await.expect(200);
            load.more(&app, THOUSANDTH_CALL).await;
            assert_eq!(merchant.get(&rollout).await.expect(200)["ending"], json!(null));
            load.quantity.store(7, Ordering::Relaxed);
            let taken_back = ended(&merchant, &rollout).await;
            assert_eq!((&taken_back["ending"], &taken_back["breach"]["guard"]), (&json!("rolled-back"), &json!("failures")), "{taken_back}");
            load.more(&app, 50).await;
            load.ended.store(true, Ordering::Relaxed);
            rollout
        };
        let (_, rollout) = tokio::join!(shoppers, merchants);
        let binding = merchant.get(BINDING).await.expect(200);
        assert_eq!((&binding["generation"], &binding["rolled_back_to"]), (&json!(4), &json!(2)), "{binding}");
        let log = merchant.get("/v1/admin/audit?limit=100").await.expect(200);
        let mut told: Vec<_> = log["items"].as_array().unwrap().iter().map(|entry| {
            (entry["actor"]["kind"].as_str().unwrap(), entry["operation"].as_str().unwrap(), &entry["status"])
        }).collect();
        told.reverse();
        let (person, kernel) = ("person", "kernel");
        assert_eq!(told, [
            (person, "upload_plugin", &json!(201)),
            (person, "put_binding", &json!(200)),
            (person, "create_product", &json!(201)),
            (person, "create_replay", &json!(202)),
            (person, "create_rollout", &json!(201)),
            (person, "put_rollout_stage", &json!(200)),
            (person, "put_rollout_stage", &json!(200)),
            (kernel, "roll_back_rollout", &json!(200)),
        ]);
        let events = merchant.get("/v1/admin/events?type=plugin.rolled-back").await.expect(200);
        let id: Value = rollout.rsplit('/').next().unwrap().into();
        assert_eq!(events["items"][0]["data"]["rollout_id"], id);
    }
}
