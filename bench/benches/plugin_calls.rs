//! What one isolated plugin call costs, beside the same rule as a native function and as an HTTP webhook.
//!
//! `cargo bench -p kassa-bench --bench plugin_calls`. Every plugin call is the kernel's own: a fresh store, all limits, epoch and
//! fuel on, the answer checked. The rule is `percent-off` of the kernel's tests: it adds up the cart and takes
//! a percentage off.

#[path = "plugin_calls/cores.rs"]
mod cores;
#[path = "plugin_calls/webhook.rs"]
mod webhook;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use kassa::plugins::build::{Build, build};
use kassa::plugins::pricing::{Adjustment, Kind, Line, Quote, Request, Target};
use kassa::plugins::{Allocator, Bound, CompileConfig, Host, Isolation, MemoryKv, PluginsConfig};
use tokio::runtime::Runtime;

const DEMO_SETTINGS: &str = include_str!("../../plugins/pricing-standard/demo-settings.json");
const CARTS: [usize; 3] = [1, 10, 100];
/// Calls that are not counted: the first ones find cold caches.
const WARM_UP: usize = 2_000;
const CALLS: usize = 50_000;
const WEBHOOK_CALLS: usize = 5_000;
const THROUGHPUT: Duration = Duration::from_millis(500);
/// One and two threads in turn, so that a machine whose speed drifts drifts for both.
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // One thread, as a request has it: what is measured is a call, not a scheduler.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let cache = tempfile::tempdir()?;
    let wasm = percent_off()?;

    let begun = Instant::now();
    let kv = Arc::new(MemoryKv::default());
    // Not `auto`, which would measure another allocator where the machine has no room for the pool.
    // Compiled here, so that compiling is measured and not starting a process.
    let compile = CompileConfig { isolation: Isolation::None, ..CompileConfig::default() };
    let config = PluginsConfig { allocator: Allocator::Pooling, compile, ..PluginsConfig::default() };
    let host = Host::new(&config, cache.path(), &[7; 32], kv.clone())?;
    let engine = begun.elapsed();
    let begun = Instant::now();
    let component = runtime.block_on(host.load(wasm.as_slice()))?;
    let compiled = begun.elapsed();
    drop((component, host));
    let host = Host::new(&config, cache.path(), &[7; 32], kv)?;
    let begun = Instant::now();
    let component = runtime.block_on(host.load(wasm.as_slice()))?;
    let cached = begun.elapsed();
    let bound = Arc::new(Bound::new(component, "{}"));
    println!(
        "component {} bytes; engine {engine:.1?}; compiled in {compiled:.1?}; from the cache in {cached:.1?}",
        wasm.len()
    );

    compare(&runtime, &host, &bound)?;
    with_rules(&runtime, &host)?;
    on_two_threads(&host, &bound);
    Ok(())
}

/// One call, beside what else could run the rule.
fn compare(runtime: &Runtime, host: &Host, bound: &Arc<Bound>) -> Result<(), Box<dyn std::error::Error>> {
    println!("\none call, µs                      lines     p50     p99");
    for lines in CARTS {
        let request = Arc::new(cart(lines));
        let called = runtime.block_on(host.price(bound, &request))?;
        assert_eq!(called.value, percent_off_natively(&request), "plugin and native function agree");
        let plugin = runtime.block_on(measure(CALLS, async || {
            host.price(bound, &request).await.expect("a quote");
        }));
        print_row("isolated plugin call", lines, &plugin);
        let native = runtime.block_on(measure(CALLS, async || {
            // Cloned, because a function that is trusted with the kernel's own cart is not what is compared.
            let request = Request::clone(&request);
            std::hint::black_box(percent_off_natively(&request));
        }));
        print_row("native function, input cloned", lines, &native);
        let client = webhook::Client::connect()?;
        let before = cores::handover_ns();
        let hook = runtime.block_on(measure(WEBHOOK_CALLS, async || {
            std::hint::black_box(client.price(&request).await.expect("a quote"));
        }));
        let after = cores::handover_ns();
        print_row("HTTP webhook: axum and reqwest", lines, &hook);
        let mut bare = webhook::BareClient::connect()?;
        let least = runtime.block_on(measure(WEBHOOK_CALLS, async || {
            std::hint::black_box(bare.price(&request).expect("a quote"));
        }));
        print_row("HTTP on a bare socket", lines, &least);
        let ratio = hook.value_at_quantile(0.5) as f64 / plugin.value_at_quantile(0.5) as f64;
        let what = "webhook / plugin, by p50";
        println!("{what:<32} {lines:>6} {ratio:>6.1}x, cores {before:.0} to {after:.0} ns apart");
    }
    Ok(())
}

/// The default pricing plugin with the rules of the demo shop.
fn with_rules(runtime: &Runtime, host: &Host) -> Result<(), Box<dyn std::error::Error>> {
    // Compact, as the kernel hands them over.
    let settings = serde_json::from_str::<serde_json::Value>(DEMO_SETTINGS)?.to_string();
    let standard = Arc::new(Bound::new(runtime.block_on(host.load(pricing_standard()?))?, settings));
    for lines in CARTS {
        let request = Arc::new(Request { coupons: vec!["WELCOME10".into()], ..cart(lines) });
        let report = runtime.block_on(host.price(&standard, &request))?.report;
        let plugin = runtime.block_on(measure(CALLS, async || {
            host.price(&standard, &request).await.expect("a quote");
        }));
        print_row("pricing-standard, demo settings", lines, &plugin);
        println!("{:<32} {lines:>6} {:>7}", "  fuel of that", report.fuel);
    }
    Ok(())
}

/// What a second thread brings.
fn on_two_threads(host: &Host, bound: &Arc<Bound>) {
    println!("\n10-line calls per second, and how far the cores are apart");
    println!("round  1 thread 2 threads");
    let mut ratios = Vec::new();
    for round in 1..=ROUNDS {
        let before = cores::handover_ns();
        let [one, two] = [1, 2].map(|threads| calls_per_second(host, bound, threads));
        let after = cores::handover_ns();
        println!("{round:>5} {one:>9.0} {two:>9.0} {:.2}x, {before:>3.0} to {after:>3.0} ns", two / one);
        ratios.push(two / one);
    }
    ratios.sort_by(f64::total_cmp);
    println!("two threads / one: median {:.2}x, least {:.2}x", ratios[ROUNDS / 2], ratios[0]);
}

fn percent_off() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    component("../kernel/tests/plugins/percent-off")
}

fn pricing_standard() -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    component("../plugins/pricing-standard")
}

fn component(folder: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    // Beside the target folder of this build, whose lock cargo may hold.
    let target_dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("plugins");
    let built = build(&Build { crates: vec![folder], target_dir, ..Default::default() });
    Ok(built.map_err(|error| error.to_string())?.remove(0).wasm)
}

fn cart(lines: usize) -> Request {
    let line = |at: usize| Line {
        sku: format!("SKU-{at:05}"),
        category: "home/kitchen".into(),
        quantity: 1 + at as u32 % 5,
        unit_price: 9_95 + at as i64,
        weight_grams: 250,
        attributes: Vec::new(),
    };
    Request {
        currency: "EUR".into(),
        exponent: 2,
        now: 1_800_000_000,
        locale: "en".into(),
        customer: None,
        destination: None,
        delivery: None,
        coupons: Vec::new(),
        lines: (0..lines).map(line).collect(),
        so_far: Vec::new(),
        attributes: Vec::new(),
    }
}

/// The plugin's rule, without a plugin: 10 % of the goods, half away from zero.
fn percent_off_natively(request: &Request) -> Quote {
    let goods: i64 = request.lines.iter().map(|line| line.unit_price * i64::from(line.quantity)).sum();
    let off = (goods * 1_000 + 5_000) / 10_000;
    let discount = Adjustment {
        target: Target::Order,
        kind: Kind::Discount,
        code: "percent-off-v1".into(),
        label: "10 % off".into(),
        amount: -off,
        rate_ppm: None,
        base: None,
    };
    Quote { currency: request.currency.clone(), adjustments: vec![discount], coupons: Vec::new(), messages: Vec::new() }
}

async fn measure(calls: usize, mut call: impl AsyncFnMut()) -> Histogram<u64> {
    let mut nanoseconds = Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are valid");
    for at in 0..WARM_UP.min(calls) + calls {
        let begun = Instant::now();
        call().await;
        if at >= WARM_UP.min(calls) {
            nanoseconds.saturating_record(begun.elapsed().as_nanos() as u64);
        }
    }
    nanoseconds
}

fn print_row(what: &str, lines: usize, nanoseconds: &Histogram<u64>) {
    let micros = |quantile| nanoseconds.value_at_quantile(quantile) as f64 / 1_000.0;
    println!("{what:<32} {lines:>6} {:>7.1} {:>7.1}", micros(0.5), micros(0.99));
}

fn calls_per_second(host: &Host, bound: &Arc<Bound>, threads: usize) -> f64 {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    // Each has a cart of its own, as requests have.
                    let request = Arc::new(cart(10));
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                    runtime.block_on(async {
                        let begun = Instant::now();
                        let mut calls = 0_u32;
                        while begun.elapsed() < THROUGHPUT {
                            host.price(bound, &request).await.expect("a quote");
                            calls += 1;
                        }
                        f64::from(calls) / begun.elapsed().as_secs_f64()
                    })
                })
            })
            .collect();
        running.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    })
}
