//! How a call runs: what it keeps, where it runs, what becomes of it when nobody waits any more.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

use super::*;

#[tokio::test]
async fn a_call_keeps_the_version_that_it_began_with() {
    let fixture = Fixture::new(&small());
    let (old, new) = (fixture.hostile("ok").await, fixture.hostile("flat-off-10").await);
    assert!(fixture.host.publish(Domain::Pricing, 1, vec![old]));
    let before = fixture.host.routing();
    assert!(fixture.host.publish(Domain::Pricing, 2, vec![new.clone()]));
    let request = Arc::new(cart(&[10_00]));
    let price = async |routing: &Routing| {
        let called = fixture.host.price(&routing.of(Domain::Pricing).bound[0], &request).await.expect("a quote");
        called.value.adjustments.len()
    };
    assert_eq!(price(&before).await, 0);
    assert_eq!(price(&fixture.host.routing()).await, 1);
    // Whoever comes late with an older generation changes nothing.
    assert!(!fixture.host.publish(Domain::Pricing, 1, Vec::new()));
    assert_eq!(fixture.host.routing().of(Domain::Pricing).generation, 2);
    assert!(fixture.host.routing().of(Domain::Payment).bound.is_empty());
}

#[tokio::test]
async fn the_same_input_gives_the_same_bytes() {
    let fixture = Fixture::new(&small());
    let bound = fixture.bind("hash-order", "{}").await;
    let request = Arc::new(cart(&[10_00]));
    let first = fixture.host.price(&bound, &request).await.expect("a quote");
    assert_eq!(first.report.log, [LogLine { level: Level::Info, text: "printed".into(), by_kernel: false }]);
    for _ in 0..50 {
        let again = fixture.host.price(&bound, &request).await.expect("a quote");
        assert_eq!((&again.value, again.report.fuel), (&first.value, first.report.fuel));
    }
    // Another host, another allocator, another number of engines, code from the cache: still the same.
    let compiled = || std::fs::read_dir(fixture.cache.path()).expect("the cache").count();
    assert_eq!(compiled(), 1);
    let config = PluginsConfig { allocator: Allocator::Auto, engines: 3, ..small() };
    let host = Host::new(&config, fixture.cache.path(), KEY, Arc::new(MemoryKv::default())).expect("a host");
    let other = Fixture { host, cache: tempfile::tempdir().expect("a folder") };
    let again = other.host.price(&other.bind("hash-order", "{}").await, &request).await.expect("a quote");
    assert_eq!((&again.value, again.report.fuel), (&first.value, first.report.fuel));
    assert_eq!(compiled(), 1);
}

/// Each import is wired up for every call: WASI's streams alone would cost a quarter of a small one.
#[test]
fn the_default_plugins_import_the_contract_alone() {
    for plugin in DEFAULT_PLUGINS {
        let wasi = plugin.wasm.windows(5).any(|bytes| bytes == b"wasi:");
        assert!(!wasi, "{} imports WASI", plugin.name);
    }
}

#[tokio::test]
async fn every_default_plugin_passes_its_probe() {
    let fixture = Fixture::new(&small());
    for plugin in DEFAULT_PLUGINS {
        let bound = fixture.bind(plugin.name, plugin.demo_settings).await;
        let checked = fixture.host.check(&bound, &Probe::default()).await;
        assert!(checked.is_ok(), "{}: {checked:?}", plugin.name);
    }
}

#[tokio::test]
async fn a_plugin_with_no_place_left_is_busy_and_others_are_not() {
    let mut config = small();
    config.limits.pricing.concurrent_calls = 1;
    config.limits.pricing.wait_ms = 1;
    let fixture = Fixture::new(&config);
    let (hostile, other) = (fixture.hostile("ok").await, fixture.bind("percent-off", "{}").await);
    let place = hostile.component().calls.try_enter().expect("the only place");
    let request = Arc::new(cart(&[10_00]));
    let refused = fixture.host.price(&hostile, &request).await.expect_err("no place");
    assert_eq!(refused.fault, Fault::Busy);
    fixture.host.price(&other, &request).await.expect("another plugin answers");
    drop(place);
    fixture.host.price(&hostile, &request).await.expect("a place again");
}

/// A store that, once it is told to, lets readers wait for a signal and tells that one waits.
#[derive(Default)]
struct GatedKv {
    keys: MemoryKv,
    closed: AtomicBool,
    waiting: Notify,
    open: Notify,
    read_on: Mutex<Vec<String>>,
}

impl KvStore for GatedKv {
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        async move {
            let thread = std::thread::current().name().unwrap_or_default().to_owned();
            self.read_on.lock().expect("no panic").push(thread);
            if self.closed.swap(false, Ordering::SeqCst) {
                self.waiting.notify_one();
                self.open.notified().await;
            }
            self.keys.get(plugin, key).await
        }
        .boxed()
    }

    fn set<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        self.keys.set(plugin, key, value, quota)
    }

    fn set_if_absent<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<bool, KvError>> {
        self.keys.set_if_absent(plugin, key, value, quota)
    }

    fn delete<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), KvError>> {
        self.keys.delete(plugin, key)
    }
}

#[tokio::test]
async fn a_capture_whose_caller_went_away_runs_to_its_end() {
    let kv = Arc::new(GatedKv::default());
    let fixture = Fixture::with_kv(&small(), kv.clone());
    let bound = fixture.bind("payment-emulator", "{}").await;
    fixture.host.authorize(&bound, &authorize("key-1", "tok-authorize")).await.expect("an authorization");

    // The plugin reads the charge, then writes that it is captured. Its caller goes away between the two.
    kv.closed.store(true, Ordering::SeqCst);
    let request = Arc::new(payment::FollowUp {
        idempotency_key: "key-2".into(),
        payment_key: "key-1".into(),
        reference: String::new(),
        currency: "EUR".into(),
        amount: 10_00,
        now: 1_800_000_001,
    });
    tokio::select! {
        biased;
        answer = fixture.host.capture(&bound, &request, 10_00) => panic!("it waits for the store, and yet {answer:?}"),
        () = kv.waiting.notified() => {}
    }
    kv.open.notify_one();
    // Every place is free again when it is over.
    while fixture.host.0.calls.free() < small().total_calls as usize {
        tokio::task::yield_now().await;
    }
    let outcome = fixture.host.query_payment(&bound, "key-1", 10_00, 1_800_000_002).await.expect("an outcome").value;
    assert_eq!(outcome.expect("the charge").status, payment::Status::Captured);
    // The store is the kernel's, so it is asked on the kernel's runtime and not on the slow lane.
    assert!(!kv.read_on.lock().expect("no panic").iter().any(|thread| thread.contains("slow-lane")));
}

#[tokio::test]
async fn kv_over_its_quota_is_an_answer_and_not_a_crash() {
    let mut config = small();
    config.limits.payment.kv_keys = 1;
    let fixture = Fixture::new(&config);
    let bound = fixture.bind("payment-emulator", "{}").await;
    fixture.host.authorize(&bound, &authorize("key-1", "tok-approve")).await.expect("room for one");
    let refused = fixture.host.authorize(&bound, &authorize("key-2", "tok-approve")).await.expect_err("no room");
    assert!(matches!(refused.fault, Fault::Plugin(_)), "{refused:?}");
    fixture.host.authorize(&bound, &authorize("key-1", "tok-approve")).await.expect("the same key again");
}

#[tokio::test]
async fn host_calls_are_bounded() {
    let mut config = small();
    config.limits.payment.host_calls = 1;
    let fixture = Fixture::new(&config);
    let bound = fixture.bind("payment-emulator", "{}").await;
    let stopped = fixture.host.authorize(&bound, &authorize("key-1", "tok-approve")).await.expect_err("too many");
    assert_eq!(stopped.fault, Fault::HostCallsExceeded { host_calls: 1 });
}

#[tokio::test]
async fn a_plugin_of_another_domain_cannot_be_called() {
    let fixture = Fixture::new(&small());
    let bound = fixture.bind("delivery-rates", "{}").await;
    let refused = fixture.host.price(&bound, &Arc::new(cart(&[1]))).await.expect_err("it delivers");
    assert_eq!(refused.code(), "unavailable");
}

/// The lines of plugins in the shop's log.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Told {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "kassa::plugin" {
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().expect("no panic").push(format!("{value:?}"));
        }
    }
}

impl Told {
    fn since(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().expect("no panic"))
    }
}

/// What is asked to be compared says nothing to the shop; what is in force, what has an effect and what is checked does.
#[tokio::test]
async fn the_shops_log_has_lines_of_what_is_in_force() {
    let told = Told::default();
    let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(told.clone()));
    let fixture = Fixture::new(&small());
    let (candidate, in_force) = (fixture.hostile("log-odd").await, fixture.hostile("log-odd").await);
    fixture.host.publish(Domain::Pricing, 1, vec![in_force.clone()]);
    let request = Arc::new(cart(&[10_00]));
    let called = fixture.host.price(&candidate, &request).await.expect("a quote");
    assert_eq!((called.report.log.len(), told.since().len()), (2, 0));
    fixture.host.price(&in_force, &request).await.expect("a quote");
    assert_eq!(told.since()[0], "quiet");
    for bound in [&candidate, &in_force] {
        fixture.host.check(bound, &Probe::default()).await.expect("it passes");
        assert_eq!(told.since().len(), 2, "once");
    }
    let panics = fixture.hostile("panic").await;
    fixture.host.check(&panics, &Probe::default()).await.expect_err("it fails");
    assert!(told.since().iter().any(|line| line.contains("was told to panic")));
    // Unbound meanwhile, it ends what it began.
    let unbound = fixture.bind("payment-emulator", "{}").await;
    fixture.host.authorize(&unbound, &authorize("key-1", "tok-approve")).await.expect("an authorization");
    assert!(told.since().iter().any(|line| line.starts_with("key-1")));
}
