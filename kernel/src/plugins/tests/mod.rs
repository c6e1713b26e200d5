//! Tests of the host with real components: the default plugins and those of `kernel/tests/plugins`.

mod attacks;
mod breaking;
mod calls;
mod contracts;
mod loading;
mod outbound;
mod trials;

use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use super::registry::DEFAULT_PLUGINS;
use super::*;

/// Key of the install that the tests play.
const KEY: &[u8] = b"thirty-two bytes of a test's key";

/// The components that only tests need, built once: hostile-pricing, percent-off, outbound-payment, outbound-delivery, hash-order.
static GUESTS: LazyLock<Vec<build::Component>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/plugins");
    // The target folder of the default plugins, so that what they share is compiled already. hash-order by itself: it has
    // other features of the SDK.
    let target_dir = PathBuf::from(concat!(env!("OUT_DIR"), "/plugins-target"));
    let build = |names: &[&str]| {
        let crates = names.iter().map(|name| folder.join(name)).collect();
        let build = build::Build { crates, target_dir: target_dir.clone(), ..Default::default() };
        build::build(&build).expect("the test plugins build")
    };
    [build(&["hostile-pricing", "percent-off", "outbound-payment", "outbound-delivery"]), build(&["hash-order"])]
        .concat()
});

/// The file of a test plugin or of a default plugin.
fn wasm(name: &str) -> Vec<u8> {
    if let Some(plugin) = DEFAULT_PLUGINS.iter().find(|plugin| plugin.name == name) {
        return plugin.wasm.to_vec();
    }
    GUESTS.iter().find(|guest| guest.name == name).unwrap_or_else(|| panic!("no plugin {name}")).wasm.clone()
}

/// A host with the given settings, and its cache folder, which goes with it.
struct Fixture {
    host: Host,
    cache: tempfile::TempDir,
}

impl Fixture {
    fn new(config: &PluginsConfig) -> Self {
        Self::with_kv(config, Arc::new(MemoryKv::default()))
    }

    fn with_kv(config: &PluginsConfig, kv: Arc<dyn KvStore>) -> Self {
        let cache = tempfile::tempdir().expect("a folder");
        let host = Host::new(config, cache.path(), KEY, kv).expect("a host");
        let grants = Grants { kv: true, ..Grants::default() };
        host.grant("payment-emulator", Granted { grants, ..Granted::default() });
        Self { host, cache }
    }

    async fn bind(&self, name: &str, settings: &str) -> Arc<Bound> {
        let component = self.host.load(wasm(name)).await.expect("a component that loads");
        Arc::new(Bound::new(component, settings))
    }

    async fn hostile(&self, mode: &str) -> Arc<Bound> {
        self.bind("hostile-pricing", &format!(r#"{{"mode": "{mode}"}}"#)).await
    }
}

/// Settings for many small hosts in one process, on a machine that is busy with other things: no time ends a call.
fn small() -> PluginsConfig {
    // The test program has no role of its own; `kernel/tests/plugins` has the process that compiles.
    let compile = CompileConfig { isolation: Isolation::None, ..CompileConfig::default() };
    let mut config = PluginsConfig { allocator: Allocator::OnDemand, compile, ..PluginsConfig::default() };
    let limits = &mut config.limits;
    for limits in [&mut limits.pricing, &mut limits.payment, &mut limits.delivery, &mut limits.notification] {
        (limits.cpu_ms, limits.wall_ms, limits.wait_ms) = (600_000, 600_000, 600_000);
    }
    config
}

/// A cart with lines of one piece each, at these prices.
fn cart(prices: &[i64]) -> pricing::Request {
    let lines = prices.iter().enumerate().map(|(at, price)| pricing::Line {
        sku: format!("SKU-{at}"),
        category: "home/kitchen".into(),
        quantity: 1,
        unit_price: *price,
        weight_grams: 100,
        attributes: Vec::new(),
    });
    pricing::Request {
        currency: "EUR".into(),
        exponent: 2,
        now: 1_800_000_000,
        locale: "en".into(),
        customer: None,
        destination: None,
        delivery: None,
        coupons: Vec::new(),
        lines: lines.collect(),
        so_far: Vec::new(),
        attributes: Vec::new(),
    }
}

/// An authorize request of 10.00 with a token of payment-emulator.
fn authorize(key: &str, token: &str) -> Arc<payment::AuthorizeRequest> {
    Arc::new(payment::AuthorizeRequest {
        idempotency_key: key.into(),
        order_number: "1042".into(),
        currency: "EUR".into(),
        amount: 10_00,
        method: "card".into(),
        token: token.into(),
        email: "shopper@example.com".into(),
        billing_address: None,
        locale: "en".into(),
        now: 1_800_000_000,
        attributes: Vec::new(),
    })
}
