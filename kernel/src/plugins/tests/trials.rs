//! The conformance suite over plugins that must pass it, and over one that must not.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::conformance::{ConformanceConfig, Report, Verdict};
use super::*;

/// No time ends a suite.
fn config() -> ConformanceConfig {
    ConformanceConfig { budget_ms: 600_000, ..ConformanceConfig::default() }
}

async fn tried(fixture: &Fixture, plugin: &str, settings: Option<Value>) -> Report {
    let component = fixture.host.load(wasm(plugin)).await.expect("a component that loads");
    fixture.host.conformance(&component, &config(), settings.as_ref()).await
}

#[track_caller]
fn assert_passed(report: &Report, plugin: &str) {
    assert_eq!(report.findings, [], "{plugin}");
    assert_eq!(report.summary.verdict, Verdict::Passed, "{plugin}: {:?}", report.outcomes);
    assert_eq!((report.summary.tried, report.summary.found), (report.summary.inputs, 0), "{plugin}");
    assert_eq!(report.checks.len(), report.summary.inputs as usize, "{plugin}");
}

/// They come with the kernel, and are not tried when a shop installs them.
#[tokio::test]
async fn every_default_plugin_conforms() {
    let fixture = Fixture::new(&small());
    for plugin in DEFAULT_PLUGINS {
        let demo = serde_json::from_str(plugin.demo_settings).expect("settings");
        for settings in [None, Some(demo)] {
            let report = tried(&fixture, plugin.name, settings).await;
            assert_passed(&report, plugin.name);
            let lines: Vec<_> = report.summary.costs.iter().map(|cost| cost.lines).collect();
            let has_lines = matches!(plugin.domain, Domain::Pricing | Domain::Delivery);
            assert_eq!(lines, if has_lines { vec![1, 10, 100, 500] } else { Vec::new() }, "{}", plugin.name);
            let costs: Vec<_> = report.summary.costs.iter().map(|cost| cost.fuel).collect();
            assert!(costs.is_sorted() && costs.first() < costs.last() || costs.is_empty(), "{costs:?}");
        }
    }
}

#[tokio::test]
async fn the_plugins_of_the_tests_conform_unless_they_are_told_not_to() {
    let fixture = Fixture::new(&small());
    for (plugin, settings) in [
        ("percent-off", None),
        ("percent-off", Some(json!({ "percent_bp": 10_000 }))),
        ("hostile-pricing", None),
        ("hostile-pricing", Some(json!({ "mode": "markup" }))),
        ("hash-order", None),
        ("outbound-payment", None),
        ("outbound-delivery", Some(json!({ "url": "https://carrier.example/" }))),
    ] {
        assert_passed(&tried(&fixture, plugin, settings).await, plugin);
    }
}

#[tokio::test]
async fn what_misbehaves_is_found_with_the_input_that_shows_it() {
    let fixture = Fixture::new(&small());
    for (mode, rule, found) in [
        ("trap", "trapped", 10),
        ("panic", "trapped", 10),
        ("recurse-flat", "stack-overflow", 10),
        ("loop", "fuel-exhausted", 10),
        ("wrong-currency", "invalid-answer", 10),
        ("negative-total", "invalid-answer", 10),
        ("i64-max", "invalid-answer", 10),
        ("control-characters", "invalid-answer", 10),
        ("many-messages", "invalid-answer", 10),
        ("bad-delivery", "invalid-answer", 10),
        // Asked whether it takes its settings, it never answers; prices it makes as it should.
        ("loop-in-settings", "fuel-exhausted", 1),
    ] {
        let report = tried(&fixture, "hostile-pricing", Some(json!({ "mode": mode }))).await;
        assert_eq!((report.summary.verdict, report.summary.found), (Verdict::Failed, found), "{mode}");
        assert_eq!(report.findings[0].rule, rule, "{mode}: {:?}", report.findings[0]);
        let is_told = report.findings[0].log.iter().any(|line| line.contains("was told to panic"));
        assert_eq!(is_told, mode == "panic", "{:?}", report.findings[0]);
    }
}

/// These answer most carts rightly: only the edges show what is wrong.
#[tokio::test]
async fn what_goes_wrong_at_an_edge_is_found_there() {
    let fixture = Fixture::new(&small());
    for (mode, inputs) in [
        ("flat-off-10", &["for free", "one cent", "three cents in three lines"][..]),
        ("coupon-twice", &["texts: right to left"]),
    ] {
        let report = tried(&fixture, "hostile-pricing", Some(json!({ "mode": mode }))).await;
        assert_eq!(report.summary.verdict, Verdict::Failed, "{mode}");
        assert!(report.outcomes["answered"] > 10, "{mode}: {:?}", report.outcomes);
        for input in inputs {
            assert!(report.findings.iter().any(|finding| finding.input == *input), "{mode}: {:?}", report.findings);
        }
    }
}

#[tokio::test]
async fn what_refuses_everything_is_not_known() {
    let fixture = Fixture::new(&small());
    for (plugin, settings, code) in [
        ("hostile-pricing", json!({ "mode": "no-such-mode" }), "invalid-settings"),
        ("hostile-pricing", json!({ "mode": "error" }), "plugin-internal"),
        ("outbound-delivery", json!({}), "invalid-settings"),
    ] {
        let report = tried(&fixture, plugin, Some(settings)).await;
        assert_eq!(report.summary.verdict, Verdict::Untried, "{plugin}");
        let all = BTreeMap::from([(code.to_owned(), report.summary.inputs)]);
        assert_eq!(report.outcomes, all, "{plugin}");
    }
}

#[tokio::test]
async fn a_report_can_be_had_again_and_a_budget_ends_it() {
    let fixture = Fixture::new(&small());
    let without_times = |mut report: Report| {
        report.elapsed_ms = 0;
        report.checks.iter_mut().for_each(|check| check.elapsed_us = 0);
        report.summary.costs.iter_mut().for_each(|cost| cost.elapsed_us = 0);
        report
    };
    let first = without_times(tried(&fixture, "percent-off", None).await);
    // Another host compiles it anew.
    let other = Fixture::new(&small());
    assert_eq!(without_times(tried(&other, "percent-off", None).await), first);
    // As it is kept, and the part of it that lists read.
    let kept = serde_json::to_string(&first).expect("JSON");
    assert_eq!(serde_json::from_str::<Report>(&kept).expect("a report"), first);
    assert_eq!(serde_json::from_str::<conformance::Summary>(&kept).expect("a summary"), first.summary);

    let component = fixture.host.load(wasm("percent-off")).await.expect("a component that loads");
    let no_time = ConformanceConfig { budget_ms: 0, ..config() };
    let report = fixture.host.conformance(&component, &no_time, None).await;
    assert_eq!((report.summary.verdict, report.summary.tried), (Verdict::Incomplete, 0));
    assert_eq!(report.summary.inputs, first.summary.inputs);
}

/// Shoppers have the only place: nothing is said of the plugin for it.
#[tokio::test]
async fn a_plugin_without_a_place_is_not_judged() {
    let mut settings = small();
    settings.limits.pricing.concurrent_calls = 1;
    settings.limits.pricing.wait_ms = 1;
    let fixture = Fixture::new(&settings);
    let component = fixture.host.load(wasm("percent-off")).await.expect("a component that loads");
    let place = component.calls.try_enter().expect("the only place");
    let budget = ConformanceConfig { budget_ms: 1, ..config() };
    let report = fixture.host.conformance(&component, &budget, Some(&json!({}))).await;
    assert_eq!((report.summary.verdict, report.summary.tried), (Verdict::Incomplete, 0));
    drop(place);
    assert_passed(&fixture.host.conformance(&component, &config(), None).await, "percent-off");
}

/// What earlier versions were granted is not lent to one that nobody decided upon.
#[tokio::test]
async fn a_version_on_trial_reaches_nothing() {
    let fixture = Fixture::new(&small());
    let grants = Grants { kv: true, ..Grants::default() };
    fixture.host.grant("outbound-payment", Granted { grants, ..Granted::default() });
    let component = fixture.host.load(wasm("outbound-payment")).await.expect("a component that loads");
    for (bound, is_reached) in [(Bound::new(component.clone(), "{}"), true), (Bound::on_trial(component, "{}"), false)]
    {
        let called = fixture.host.authorize(&Arc::new(bound), &authorize("key", "kv")).await.expect("an answer");
        assert_eq!(called.value.reference.starts_with("Ok"), is_reached, "{}", called.value.reference);
    }
}
