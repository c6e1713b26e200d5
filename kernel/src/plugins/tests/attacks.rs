//! What a hostile plugin can do, and what the shop sees of it.

use super::*;

/// The fault that a cart of 10.00 and 20.00 gets from the hostile plugin in `mode`, and the report.
async fn fault_of(fixture: &Fixture, mode: &str) -> CallError {
    let bound = fixture.hostile(mode).await;
    let answer = fixture.host.price(&bound, &Arc::new(cart(&[10_00, 20_00]))).await;
    answer.map(|called| called.value).expect_err(mode)
}

#[tokio::test]
async fn answers_that_break_the_contract_are_refused_with_the_rule() {
    let fixture = Fixture::new(&small());
    for (mode, rule) in [
        ("wrong-currency", "the answer is in \"XXX\", the request in EUR"),
        ("negative-total", "the goods fall below zero"),
        ("negative-line", "line 0 falls below zero"),
        ("i64-max", "an adjustment's amount is beyond ±(2^53 - 1)"),
        ("i64-min", "an adjustment's amount is beyond ±(2^53 - 1)"),
        ("beyond-range", "an adjustment's amount is beyond ±(2^53 - 1)"),
        ("long-label", "an adjustment's label has more than 200 characters"),
        ("empty-code", "an adjustment's code is empty"),
        ("many-messages", "1000 messages; at most 10 are allowed"),
        ("bad-line-index", "adjustment \"line\" names line 4294967295, which the cart does not have"),
        ("bad-delivery", "adjustment \"delivery\" is for the delivery, but none is chosen"),
        ("wrong-sign", "adjustment \"hostile\": a discount is 0 or less"),
        ("negative-fee", "adjustment \"negative-fee\": a fee is 0 or more"),
        ("negative-tax", "adjustment \"hostile\": a tax is 0 or more"),
        ("made-up-tax", "tax \"hostile\" is 1019, which 190000 parts per million of 100 do not make"),
        ("rate-above-all", "tax \"hostile\" has a rate above 1000000 parts per million"),
        ("negative-base", "a tax's base is below zero"),
    ] {
        let error = fault_of(&fixture, mode).await;
        assert_eq!(error.fault, Fault::InvalidAnswer(rule.into()), "{mode}");
        assert!(error.report.fuel > 0, "{mode}: what it cost is known");
    }
}

#[tokio::test]
async fn what_never_ends_is_ended() {
    let fixture = Fixture::new(&small());
    assert_eq!(fault_of(&fixture, "loop").await.fault, Fault::FuelExhausted { fuel: 50_000_000 });

    let mut config = small();
    config.limits.pricing.fuel = u64::MAX >> 1;
    config.limits.pricing.cpu_ms = 20;
    let fixture = Fixture::new(&config);
    assert_eq!(fault_of(&fixture, "loop").await.fault, Fault::DeadlineExceeded { cpu_ms: 20 });

    config.limits.pricing.cpu_ms = 600_000;
    config.limits.pricing.wall_ms = 30;
    let fixture = Fixture::new(&config);
    assert_eq!(fault_of(&fixture, "loop").await.fault, Fault::WallClockExceeded { wall_ms: 30 });
}

#[tokio::test]
async fn what_takes_too_much_is_stopped() {
    for allocator in [Allocator::OnDemand, Allocator::Auto] {
        let mut config = PluginsConfig { allocator, ..small() };
        config.limits.pricing.fuel = 1 << 40;
        let fixture = Fixture::new(&config);
        assert_eq!(fault_of(&fixture, "recurse-flat").await.fault, Fault::StackOverflow);
        assert_eq!(fault_of(&fixture, "recurse").await.code(), "trapped");
        assert_eq!(fault_of(&fixture, "allocate").await.fault, Fault::MemoryExceeded { memory_mib: 64 });
        // Both are refused before the kernel allocates what the guest claims.
        assert_eq!(fault_of(&fixture, "text-50mb").await.fault, Fault::AnswerTooLarge { answer_bytes: 1 << 20 });
        assert_eq!(fault_of(&fixture, "many-adjustments").await.fault, Fault::AnswerTooLarge { answer_bytes: 1 << 20 });
    }
}

#[tokio::test]
async fn the_memory_limit_is_that_of_the_domain() {
    let mut config = small();
    config.limits.pricing.memory_mib = 1;
    let fixture = Fixture::new(&config);
    assert_eq!(fault_of(&fixture, "allocate").await.fault, Fault::MemoryExceeded { memory_mib: 1 });
}

#[tokio::test]
async fn crashes_are_told_apart_and_leave_their_words() {
    let fixture = Fixture::new(&small());
    let trapped = fault_of(&fixture, "trap").await;
    assert!(matches!(&trapped.fault, Fault::Trapped(cause) if cause.contains("unreachable")), "{trapped:?}");
    assert!(trapped.report.log.is_empty());

    let panicked = fault_of(&fixture, "panic").await;
    assert_eq!(panicked.code(), "trapped");
    let said = |line: &LogLine| line.level == Level::Error && line.text.contains("hostile-pricing was told to panic");
    assert!(panicked.report.log.iter().any(said), "{panicked:?}");

    let failed = fault_of(&fixture, "error").await;
    assert_eq!(failed.fault, Fault::Plugin(types::Error::Internal("hostile-pricing was told to fail".into())));

    let bound = fixture.bind("hostile-pricing", r#"{"mode": "no-such-mode"}"#).await;
    let unset = fixture.host.check(&bound, &Probe::default()).await.expect_err("settings that it cannot use");
    assert_eq!(unset.code(), "invalid-settings");
}

#[tokio::test]
async fn a_flood_of_the_log_is_cut_and_counted() {
    let mut config = small();
    config.limits.pricing.fuel = 1 << 40;
    let fixture = Fixture::new(&config);
    let bound = fixture.hostile("log-flood").await;
    let called = fixture.host.price(&bound, &Arc::new(cart(&[1]))).await.expect("an answer all the same");
    assert_eq!(called.report.log.len(), 64);
    assert_eq!(called.report.log[1], LogLine { level: Level::Info, text: "line 1".into(), by_kernel: false });
    assert_eq!(called.report.dropped_log_lines, 1_000_000 - 64);
}

#[tokio::test]
async fn markup_passes_and_stays_what_it_is() {
    let fixture = Fixture::new(&small());
    let bound = fixture.hostile("markup").await;
    let called = fixture.host.price(&bound, &Arc::new(cart(&[1]))).await.expect("a valid quote");
    assert_eq!(called.value.adjustments[0].label, "<script>alert(1)</script>");
}

#[tokio::test]
async fn no_time_passes_for_a_plugin() {
    let fixture = Fixture::new(&small());
    let bound = fixture.hostile("sleep").await;
    fixture.host.price(&bound, &Arc::new(cart(&[1]))).await.expect("an answer at once");
}

#[tokio::test]
async fn an_attack_does_not_touch_the_next_call() {
    let fixture = Fixture::new(&PluginsConfig { allocator: Allocator::Auto, ..small() });
    let honest = fixture.hostile("flat-off-10").await;
    for mode in ["recurse", "recurse-flat", "allocate", "trap", "text-50mb", "loop", "many-adjustments"] {
        fault_of(&fixture, mode).await;
        let called = fixture.host.price(&honest, &Arc::new(cart(&[10_00]))).await.expect(mode);
        assert_eq!(called.value.adjustments[0].amount, -10);
    }
}
