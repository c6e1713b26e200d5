//! The worker that sends what is queued.
//!
//! At least once by nature: a mail that the server took just before a crash is sent again, with the same `Message-ID`.

use std::time::Duration;

use futures_util::future::join_all;

use super::NotificationsConfig;
use super::mailer::SendError;
use super::store::{self, Claimed};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, events};

/// The worker. Ends when the shop stops, after the mails that it has at hand.
pub async fn run(shop: Shop) {
    let poll_interval = Duration::from_millis(shop.config().notifications.poll_interval_ms);
    while !shop.stopping().is_cancelled() {
        if let Err(error) = drain(&shop).await {
            tracing::error!(%error, "queued mails cannot be sent; trying again");
        }
        tokio::select! {
            () = shop.mailer().woken() => {}
            () = tokio::time::sleep(poll_interval) => {}
            () = shop.stopping().cancelled() => {}
        }
    }
}

/// Sends what is due, as many at a time as the settings allow.
pub(super) async fn drain(shop: &Shop) -> db::Result<()> {
    while !shop.stopping().is_cancelled() {
        let batch = claim(shop).await?;
        let full = batch.len() >= shop.config().notifications.concurrency as usize;
        if !batch.is_empty() {
            send(shop, batch).await?;
        }
        if !full {
            break;
        }
    }
    Ok(())
}

/// Takes the next messages, so that no other kernel on the same database looks at them while they are being sent.
pub(super) async fn claim(shop: &Shop) -> db::Result<Vec<Claimed>> {
    let now = clock::now();
    // Twice the longest sending: half for sending, half for writing what came of it.
    let until = now + events::delta(shop.mailer().timeout().as_millis() as u64 * 2);
    let mut tx = shop.db().write().await?;
    let batch = store::claim_due(&mut tx, now, until, shop.config().notifications.concurrency).await?;
    tx.commit().await?;
    Ok(batch)
}

/// Sends them side by side, then writes what came of each in one transaction.
async fn send(shop: &Shop, batch: Vec<Claimed>) -> db::Result<()> {
    let outcomes = join_all(batch.iter().map(|message| shop.mailer().send(message))).await;
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    for (message, outcome) in batch.iter().zip(outcomes) {
        settle(&mut tx, &shop.config().notifications, message, outcome, now).await?;
    }
    tx.commit().await
}

async fn settle(
    tx: &mut Tx,
    config: &NotificationsConfig,
    message: &Claimed,
    outcome: Result<(), SendError>,
    now: Moment,
) -> db::Result<()> {
    let Claimed { id, attempts, .. } = *message;
    match outcome {
        Ok(()) => store::mark_sent(tx, id, now).await,
        Err(error) if error.is_final || attempts >= i64::from(config.max_attempts) => {
            tracing::error!(message = %id, attempts, error = error.code, "a mail is given up");
            store::mark_failed(tx, id, attempts, &error.detail).await
        }
        Err(error) => {
            tracing::warn!(message = %id, attempts, error = error.code, "a mail was not sent and waits");
            let next = now + events::retry_delay(config.retry_after_ms, attempts);
            store::retry_at(tx, id, attempts, &error.detail, next).await
        }
    }
}
