//! A plugin in force that fails too often is not asked for a while.

use super::*;

/// A host whose breakers open at the third failure, for an hour.
fn fixture() -> Fixture {
    let mut config = small();
    config.breaker = BreakerConfig { failures: 3, first_wait_ms: 3_600_000, max_wait_ms: 3_600_000, ..config.breaker };
    Fixture::new(&config)
}

async fn code(fixture: &Fixture, bound: &Arc<Bound>) -> &'static str {
    match fixture.host.price(bound, &Arc::new(cart(&[10_00]))).await {
        Ok(_) => "ok",
        Err(error) => error.code(),
    }
}

async fn codes(fixture: &Fixture, bound: &Arc<Bound>, calls: usize) -> Vec<&'static str> {
    let mut codes = Vec::new();
    for _ in 0..calls {
        codes.push(code(fixture, bound).await);
    }
    codes
}

fn circuit(fixture: &Fixture) -> &'static str {
    fixture.host.telemetry().counters("hostile-pricing")[0].functions[0].circuit.name()
}

#[tokio::test]
async fn it_opens_at_faults_and_closes_when_it_is_put_in_force_anew() {
    let fixture = fixture();
    let (trapping, honest) = (fixture.hostile("trap").await, fixture.hostile("ok").await);
    // Not in force (before activation, in a replay): nobody is spared anything.
    assert_eq!(codes(&fixture, &trapping, 5).await, ["trapped"; 5]);
    assert!(fixture.host.publish(Domain::Pricing, 1, vec![trapping.clone()]));
    assert_eq!(codes(&fixture, &trapping, 5).await, ["trapped", "trapped", "trapped", "circuit-open", "circuit-open"]);
    assert_eq!(circuit(&fixture), "open");
    let counted = fixture.host.telemetry().counters("hostile-pricing").remove(0).functions.remove(0);
    assert_eq!((counted.calls, counted.faults["trapped"], counted.faults["circuit-open"]), (5, 3, 2));
    // Other settings of the same version: it gets its chance.
    assert!(fixture.host.publish(Domain::Pricing, 2, vec![honest.clone()]));
    assert_eq!((code(&fixture, &honest).await, circuit(&fixture)), ("ok", "closed"));
}

#[tokio::test]
async fn what_a_plugin_refuses_and_what_most_shoppers_do_not_meet_opens_nothing() {
    let fixture = fixture();
    let (refusing, trapping) = (fixture.hostile("error").await, fixture.hostile("trap").await);
    assert!(fixture.host.publish(Domain::Pricing, 1, vec![refusing.clone()]));
    let refused = codes(&fixture, &refusing, 9).await;
    assert!(refused.iter().all(|code| *code != "circuit-open"), "{refused:?}");
    // Three failures among more calls that were answered: one bad cart among good ones. Both are of one version.
    let honest = fixture.hostile("ok").await;
    assert!(fixture.host.publish(Domain::Pricing, 2, vec![trapping.clone()]));
    assert!(fixture.host.publish(Domain::Pricing, 3, vec![honest.clone()]));
    for _ in 0..5 {
        assert_eq!(codes(&fixture, &trapping, 1).await, ["trapped"]);
        assert_eq!(codes(&fixture, &honest, 4).await, ["ok"; 4]);
    }
    assert_eq!(circuit(&fixture), "closed");
}
