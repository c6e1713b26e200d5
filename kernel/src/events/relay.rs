//! The relay: from the outbox to the bus.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use futures_util::future::BoxFuture;
use tokio::sync::Notify;

use super::{Bus, Consumer, Event, HandleError, store};
use crate::{Shop, clock, db};

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
            let mut outcome = Ok(());
            for consumer in &self.consumers {
                if let Err(error) = consumer.handle(shop, event).await {
                    tracing::warn!(consumer = consumer.name(), event = %event.id, kind = event.kind, %error, "not handled");
                    outcome = Err(error);
                }
            }
            outcome
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

/// The worker. Ends when the shop stops; what is unsent then is sent after the next start.
pub async fn run(shop: Shop) {
    let config = &shop.config().events;
    loop {
        match drain(&shop).await {
            Ok(()) => {}
            Err(error) => tracing::error!(%error, "the outbox cannot be read"),
        }
        tokio::select! {
            () = shop.relay().wake.notified() => {}
            () = tokio::time::sleep(Duration::from_millis(config.poll_interval_ms)) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

/// Sends what is due, batch by batch.
async fn drain(shop: &Shop) -> db::Result<()> {
    let config = &shop.config().events;
    while !shop.stopping().is_cancelled() {
        let due = store::due_events(&mut shop.db().read().await?, clock::now(), config.batch).await?;
        if due.is_empty() {
            break;
        }
        for (event, attempts) in due {
            let sent = shop.relay().bus.publish(shop, &event).await;
            let now = clock::now();
            let mut tx = shop.db().write().await?;
            match sent {
                Ok(()) => store::mark_sent(&mut tx, event.id, now).await?,
                Err(_) => {
                    let next = now + retry_delay(config.retry_after_ms, attempts);
                    store::mark_failed(&mut tx, event.id, next).await?;
                }
            }
            tx.commit().await?;
        }
    }
    Ok(())
}

fn retry_delay(first_ms: u64, attempts: i64) -> TimeDelta {
    const HOUR_MS: u64 = 3_600_000;
    let factor = 1_u64 << attempts.clamp(0, 20);
    TimeDelta::milliseconds(first_ms.saturating_mul(factor).min(HOUR_MS) as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retries_wait_longer_each_time_up_to_an_hour() {
        for (attempts, expected_ms) in [(0, 1_000), (1, 2_000), (5, 32_000), (12, 3_600_000), (1_000, 3_600_000)] {
            assert_eq!(retry_delay(1_000, attempts), TimeDelta::milliseconds(expected_ms));
        }
    }
}
