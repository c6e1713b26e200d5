//! The relay: from the outbox to the bus.
//!
//! What must stay true: an event is marked as sent only after every consumer has handled it, so a crash anywhere tells it
//! again and never loses it. One that fails waits longer each time and lets all others pass; order is therefore the order of
//! occurrence only as long as nothing fails, and a consumer that needs more compares `occurred_at`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::store::{self, Claimed};
use super::{Bus, Consumer, Event, EventsConfig, HandleError};
use crate::Shop;
use crate::clock::{self, Moment};
use crate::db::{self, Tx};

/// The in-process bus: a call of every consumer, one after the other.
pub struct Memory {
    consumers: Vec<Box<dyn Consumer>>,
}

impl Memory {
    pub fn new(consumers: Vec<Box<dyn Consumer>>) -> Self {
        Self { consumers }
    }
}

impl Bus for Memory {
    fn publish<'a>(&'a self, shop: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
        Box::pin(async move {
            // Each is called even where one before it failed: a broken mail template must not hold up the rest.
            let mut failures = Vec::new();
            for consumer in &self.consumers {
                // A panic would end the relay, and with it every mail of the shop, until the next start.
                let handled = AssertUnwindSafe(consumer.handle(shop, event)).catch_unwind().await;
                if let Err(error) = handled.unwrap_or_else(|_| Err(HandleError("it panicked".into()))) {
                    failures.push(format!("{}: {error}", consumer.name()));
                }
            }
            if failures.is_empty() { Ok(()) } else { Err(HandleError(failures.join("; "))) }
        })
    }
}

/// Takes events from the outbox to the bus.
pub struct Relay {
    bus: Arc<dyn Bus>,
    wake: Notify,
}

impl Relay {
    pub fn new(bus: Arc<dyn Bus>) -> Self {
        Self { bus, wake: Notify::new() }
    }

    /// There is something in the outbox.
    pub fn wake(&self) {
        self.wake.notify_one();
    }
}

/// The worker. Ends when the shop stops, after the event that it has at hand; what is unsent then is sent after the next
/// start.
pub async fn run(shop: Shop) {
    let config = &shop.config().events;
    let poll_interval = Duration::from_millis(config.poll_interval_ms.max(1));
    while !shop.stopping().is_cancelled() {
        if let Err(error) = drain(&shop, &*shop.relay().bus).await {
            tracing::error!(%error, "the outbox cannot be emptied; trying again");
        }
        tokio::select! {
            () = shop.relay().wake.notified() => {}
            () = tokio::time::sleep(poll_interval) => {}
            () = shop.stopping().cancelled() => {}
        }
    }
}

/// Sends what is due, batch by batch.
pub(crate) async fn drain(shop: &Shop, bus: &dyn Bus) -> db::Result<()> {
    let config = &shop.config().events;
    loop {
        let batch = claim(shop).await?;
        let full = batch.len() >= config.batch as usize;
        let all_tried = deliver(shop, bus, batch).await?;
        if shop.stopping().is_cancelled() || (all_tried && !full) {
            return Ok(());
        }
    }
}

/// Takes the next batch, so that no other kernel on the same database looks at it until the claim runs out.
pub(super) async fn claim(shop: &Shop) -> db::Result<Vec<Claimed>> {
    let config = &shop.config().events;
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let batch = store::claim_due(&mut tx, now, now + delta(config.claim_ms), config.batch.max(1)).await?;
    tx.commit().await?;
    Ok(batch)
}

/// What became of one event.
enum Outcome {
    Sent,
    Failed(HandleError),
    /// There was no time.
    NotTried,
}

/// Tells the bus of each event, then writes the outcomes in one transaction. A crash before it tells all of them again,
/// which consumers bear. False where the time did not suffice for all.
pub(super) async fn deliver(shop: &Shop, bus: &dyn Bus, batch: Vec<Claimed>) -> db::Result<bool> {
    let config = &shop.config().events;
    let begun = Instant::now();
    // Half of the claim for starting, a third for the last one: what is left suffices for writing.
    let (enough, limit) = (Duration::from_millis(config.claim_ms / 2), Duration::from_millis(config.claim_ms / 3));
    let mut outcomes = Vec::with_capacity(batch.len());
    for claimed in batch {
        let outcome = if shop.stopping().is_cancelled() || begun.elapsed() > enough {
            Outcome::NotTried
        } else {
            try_once(shop, bus, &claimed, limit).await
        };
        outcomes.push((claimed, outcome));
    }
    let all_tried = !outcomes.iter().any(|(_, outcome)| matches!(outcome, Outcome::NotTried));
    if !outcomes.is_empty() {
        let now = clock::now();
        let mut tx = shop.db().write().await?;
        for (claimed, outcome) in outcomes {
            settle(&mut tx, config, &claimed, outcome, now).await?;
        }
        tx.commit().await?;
    }
    Ok(all_tried)
}

async fn try_once(shop: &Shop, bus: &dyn Bus, claimed: &Claimed, limit: Duration) -> Outcome {
    let Some(event) = &claimed.event else {
        return Outcome::Failed(HandleError("its data is not JSON".into()));
    };
    match tokio::time::timeout(limit, bus.publish(shop, event)).await {
        Ok(Ok(())) => Outcome::Sent,
        Ok(Err(error)) => Outcome::Failed(error),
        Err(_) => Outcome::Failed(HandleError(format!("not handled within {} ms", limit.as_millis()))),
    }
}

async fn settle(
    tx: &mut Tx,
    config: &EventsConfig,
    claimed: &Claimed,
    outcome: Outcome,
    now: Moment,
) -> db::Result<()> {
    let Claimed { id, attempts, event } = claimed;
    let kind = event.as_ref().map_or("-", |event| event.kind.as_str());
    match outcome {
        Outcome::Sent => store::mark_sent(tx, *id, now).await,
        Outcome::NotTried => store::release(tx, *id, *attempts, now).await,
        Outcome::Failed(error) if *attempts >= i64::from(config.max_attempts) => {
            tracing::error!(event = %id, kind, attempts, %error, "an event is given up");
            store::give_up(tx, *id, *attempts, &error.0, now).await
        }
        Outcome::Failed(error) => {
            tracing::warn!(event = %id, kind, attempts, %error, "an event was not handled and waits");
            let next = now + retry_delay(config.retry_after_ms, *attempts);
            store::retry_at(tx, *id, *attempts, &error.0, next).await
        }
    }
}

/// The wait after try number `attempts` (from 1): `first_ms`, then twice as long each time, at most an hour.
pub(crate) fn retry_delay(first_ms: u64, attempts: i64) -> TimeDelta {
    const HOUR_MS: u64 = 3_600_000;
    let factor = 1_u64 << (attempts - 1).clamp(0, 40);
    delta(first_ms.saturating_mul(factor).min(HOUR_MS))
}

/// `ms` milliseconds; a setting beyond ten years is ten years.
pub(crate) fn delta(ms: u64) -> TimeDelta {
    const TEN_YEARS_MS: i64 = 10 * 365 * 86_400_000;
    TimeDelta::milliseconds(i64::try_from(ms).unwrap_or(TEN_YEARS_MS).min(TEN_YEARS_MS))
}

/// The moment `days` ago.
pub(crate) fn days_ago(days: u32) -> Moment {
    clock::now() - delta(u64::from(days) * 86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_wait_longer_each_time_up_to_an_hour() {
        for (attempts, expected_ms) in
            [(0, 1_000), (1, 1_000), (2, 2_000), (6, 32_000), (13, 3_600_000), (i64::MAX, 3_600_000)]
        {
            assert_eq!(retry_delay(1_000, attempts), TimeDelta::milliseconds(expected_ms));
        }
    }

    #[test]
    fn no_setting_overflows_the_calendar() {
        assert!(clock::now().checked_add_signed(delta(u64::MAX)).is_some());
    }
}
