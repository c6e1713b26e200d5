//! The outbox and the relay over a real database. Time is an argument wherever it matters, so nothing here waits for it.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex};

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use serde_json::json;
use uuid::Uuid;

use super::store::{self, State};
use super::{Bus, Consumer, Event, HandleError, Memory, consume_once, forget_old, record, relay};
use crate::{Config, Shop, clock, test_shop};

/// A shop in a folder of its own, with settings under which a failed event is due again at once.
async fn open_shop(dir: &std::path::Path, url: &str) -> Shop {
    let mut config = Config::default();
    config.data.dir = dir.to_owned();
    config.database.url = url.to_owned();
    config.events.retry_after_ms = 0;
    config.events.max_attempts = 2;
    test_shop::open(config).await
}

async fn sqlite_shop(dir: &tempfile::TempDir) -> Shop {
    open_shop(dir.path(), &format!("sqlite://{}/shop.db", dir.path().display())).await
}

/// Records one event of each kind and gives their ids. What a new shop tells of itself is out of the way before.
async fn record_all(shop: &Shop, kinds: &[&str]) -> Vec<Uuid> {
    relay::drain(shop, &Memory::new(Vec::new())).await.unwrap();
    let mut tx = shop.db().write().await.unwrap();
    for (index, kind) in kinds.iter().enumerate() {
        record(&mut tx, kind, index, json!({ "index": index })).await.unwrap();
    }
    tx.commit().await.unwrap();
    let now = clock::now();
    let mut tx = shop.db().write().await.unwrap();
    let claimed = store::claim_due(&mut tx, now, now, 1_000).await.unwrap();
    // Rolled back: it was only to learn the ids.
    drop(tx);
    claimed.into_iter().map(|claimed| claimed.id).collect()
}

async fn state(shop: &Shop, id: Uuid) -> State {
    store::state_of(&mut shop.db().read().await.unwrap(), id).await.unwrap().expect("the event is there")
}

/// Behaves as the kind of the event says, and counts how often it saw each.
#[derive(Clone, Default)]
struct Actor(Arc<Mutex<HashMap<Uuid, u32>>>);

impl Actor {
    fn bus(&self) -> Memory {
        Memory::new(vec![Box::new(self.clone())])
    }

    fn seen(&self, id: Uuid) -> u32 {
        self.0.lock().unwrap().get(&id).copied().unwrap_or_default()
    }
}

impl Consumer for Actor {
    fn name(&self) -> &'static str {
        "actor"
    }

    fn handle<'a>(&'a self, _: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
        *self.0.lock().unwrap().entry(event.id).or_default() += 1;
        match event.kind.as_str() {
            "fails" => Box::pin(async { Err(HandleError("no".into())) }),
            "panics" => Box::pin(async { panic!("a consumer's fault") }),
            "hangs" => Box::pin(pending()),
            _ => Box::pin(async { Ok(()) }),
        }
    }
}

#[tokio::test]
async fn a_bad_event_waits_and_is_given_up_while_others_pass() {
    for (bad, error) in [("fails", "actor: no"), ("panics", "actor: it panicked")] {
        let dir = tempfile::tempdir().unwrap();
        let shop = sqlite_shop(&dir).await;
        let ids = record_all(&shop, &["good", bad, "good"]).await;
        let actor = Actor::default();
        relay::drain(&shop, &actor.bus()).await.unwrap();
        for id in [ids[0], ids[2]] {
            assert!(state(&shop, id).await.is_sent, "{bad}");
        }
        let waits = State { attempts: 1, is_sent: false, is_given_up: false, last_error: Some(error.into()) };
        assert_eq!(state(&shop, ids[1]).await, waits);
        for _ in 0..3 {
            relay::drain(&shop, &actor.bus()).await.unwrap();
        }
        let given_up = State { attempts: 2, is_given_up: true, ..waits };
        assert_eq!(state(&shop, ids[1]).await, given_up);
        assert_eq!((actor.seen(ids[0]), actor.seen(ids[1]), actor.seen(ids[2])), (1, 2, 1), "{bad}");
    }
}

#[tokio::test]
async fn data_that_is_not_json_does_not_hold_up_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let shop = sqlite_shop(&dir).await;
    let ids = record_all(&shop, &["good", "good"]).await;
    let mut tx = shop.db().write().await.unwrap();
    store::corrupt(&mut tx, ids[0]).await.unwrap();
    tx.commit().await.unwrap();
    let actor = Actor::default();
    for _ in 0..3 {
        relay::drain(&shop, &actor.bus()).await.unwrap();
    }
    assert!(state(&shop, ids[0]).await.is_given_up);
    assert_eq!((actor.seen(ids[0]), actor.seen(ids[1])), (0, 1));
}

#[tokio::test]
async fn a_consumer_that_hangs_is_left_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = Config::default();
    config.data.dir = dir.path().to_owned();
    config.database.url = format!("sqlite://{}/shop.db", dir.path().display());
    config.events.claim_ms = 60;
    let shop = test_shop::open(config).await;
    let ids = record_all(&shop, &["hangs", "good"]).await;
    let actor = Actor::default();
    relay::drain(&shop, &actor.bus()).await.unwrap();
    let hung = state(&shop, ids[0]).await;
    assert!(!hung.is_sent && hung.last_error.is_some_and(|error| error.contains("not handled within 20 ms")));
    assert!(state(&shop, ids[1]).await.is_sent);
}

#[tokio::test]
async fn a_claim_keeps_others_away_until_it_runs_out() {
    let dir = tempfile::tempdir().unwrap();
    let shop = sqlite_shop(&dir).await;
    let id = record_all(&shop, &["good"]).await[0];
    let (now, until) = (clock::now(), clock::now() + TimeDelta::seconds(30));
    let claim = async |now, until| {
        let mut tx = shop.db().write().await.unwrap();
        let claimed = store::claim_due(&mut tx, now, until, 10).await.unwrap();
        tx.commit().await.unwrap();
        claimed
    };
    let first = claim(now, until).await;
    assert_eq!(first.len(), 1);
    assert!(claim(until - TimeDelta::seconds(1), until).await.is_empty());
    let second = claim(until, until + TimeDelta::seconds(30)).await;
    assert_eq!((second.len(), second[0].attempts), (1, 2), "a crash loses nothing");
    // The first worker was slow, not dead: its failure must not end the claim of the second.
    let mut tx = shop.db().write().await.unwrap();
    store::retry_at(&mut tx, id, first[0].attempts, "late", now).await.unwrap();
    store::give_up(&mut tx, id, first[0].attempts, "late", now).await.unwrap();
    tx.commit().await.unwrap();
    assert!(claim(until, until).await.is_empty());
    assert_eq!(state(&shop, id).await, State { attempts: 2, is_sent: false, is_given_up: false, last_error: None });
}

#[tokio::test]
async fn a_stopping_shop_gives_back_what_it_did_not_try() {
    let dir = tempfile::tempdir().unwrap();
    let shop = sqlite_shop(&dir).await;
    let ids = record_all(&shop, &["good", "good"]).await;
    let batch = relay::claim(&shop).await.unwrap();
    shop.stop();
    let actor = Actor::default();
    assert!(!relay::deliver(&shop, &actor.bus(), batch).await.unwrap());
    for id in ids {
        assert_eq!(state(&shop, id).await, State { attempts: 0, is_sent: false, is_given_up: false, last_error: None });
        assert_eq!(actor.seen(id), 0);
    }
}

#[tokio::test]
async fn events_come_in_the_order_of_their_occurrence() {
    struct Order(Mutex<Vec<String>>);
    impl Bus for Order {
        fn publish<'a>(&'a self, _: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
            self.0.lock().unwrap().push(event.subject.clone());
            Box::pin(async { Ok(()) })
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let shop = sqlite_shop(&dir).await;
    record_all(&shop, &["good"; 250]).await;
    let order = Order(Mutex::default());
    relay::drain(&shop, &order).await.unwrap();
    let expected: Vec<_> = (0..250).map(|index| index.to_string()).collect();
    assert_eq!(*order.0.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_effect_takes_place_once_and_a_rollback_takes_its_note_along() {
    let dir = tempfile::tempdir().unwrap();
    let shop = sqlite_shop(&dir).await;
    let (id, now) = (crate::id::sequential(), clock::now());
    let mut tx = shop.db().write().await.unwrap();
    assert!(consume_once(&mut tx, "a", id, now).await.unwrap());
    drop(tx);
    let mut tx = shop.db().write().await.unwrap();
    assert!(consume_once(&mut tx, "a", id, now).await.unwrap());
    assert!(!consume_once(&mut tx, "a", id, now).await.unwrap());
    assert!(consume_once(&mut tx, "b", id, now).await.unwrap());
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let shop = sqlite_shop(&dir).await;
    let ids = record_all(&shop, &["old", "fresh", "unsent", "given up"]).await;
    let (now, old) = (clock::now(), clock::now() - TimeDelta::days(31));
    let mut tx = shop.db().write().await.unwrap();
    store::mark_sent(&mut tx, ids[0], old).await.unwrap();
    store::mark_sent(&mut tx, ids[1], now).await.unwrap();
    store::give_up(&mut tx, ids[3], 0, "no", old).await.unwrap();
    for id in &ids {
        assert!(consume_once(&mut tx, "a", *id, old).await.unwrap());
    }
    tx.commit().await.unwrap();
    assert_eq!(forget_old(&shop).await.unwrap(), 4, "two events and their notes");
    let mut tx = shop.db().write().await.unwrap();
    for (id, is_forgotten) in [(ids[0], true), (ids[1], false), (ids[2], false), (ids[3], true)] {
        assert_eq!(store::state_of(&mut tx, id).await.unwrap().is_none(), is_forgotten);
        assert_eq!(consume_once(&mut tx, "a", id, now).await.unwrap(), is_forgotten);
    }
}

/// Two kernels on one database empty the outbox at once, and each event is told once.
async fn two_kernels_share_the_work(url: &str) {
    const EVENTS: usize = 300;
    // Kernels of one shop share its folder as well: that is where the plugins' files are.
    let dir = tempfile::tempdir().unwrap();
    let shops = [open_shop(dir.path(), url).await, open_shop(dir.path(), url).await];
    let ids = record_all(&shops[0], &["good"; EVENTS]).await;
    let actor = Actor::default();
    let workers = shops.clone().map(|shop| {
        let bus = actor.bus();
        tokio::spawn(async move { relay::drain(&shop, &bus).await })
    });
    for worker in workers {
        worker.await.unwrap().unwrap();
    }
    assert_eq!(ids.len(), EVENTS);
    for id in ids {
        assert_eq!(actor.seen(id), 1);
        assert!(state(&shops[1], id).await.is_sent);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_kernels_share_the_work_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    two_kernels_share_the_work(&format!("sqlite://{}/shop.db", dir.path().display())).await;
}
