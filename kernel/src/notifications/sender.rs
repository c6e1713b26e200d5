//! The worker that sends what is queued.
//!
//! At least once by nature: a message that the server took just before a crash is sent again, with the same id (of a mail, the
//! same `Message-ID`).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::store;
use super::store::queue::{self, Claimed};
use super::transports::SendError;
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, events};

/// The worker. Ends when the shop stops, after the messages that it has at hand.
pub(super) async fn run(shop: &Shop) {
    let poll_interval = Duration::from_millis(shop.config().notifications.poll_interval_ms);
    while !shop.stopping().is_cancelled() {
        if let Err(error) = drain(shop).await {
            tracing::error!(%error, "queued messages cannot be sent; trying again");
        }
        tokio::select! {
            () = shop.transports().woken() => {}
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
    let until = now + events::delta(shop.transports().timeout().as_millis() as u64 * 2);
    let mut tx = shop.db().write().await?;
    let batch = queue::claim_due(&mut tx, now, until, shop.config().notifications.concurrency).await?;
    tx.commit().await?;
    Ok(batch)
}

/// Sends them side by side, then writes what came of each in one transaction.
async fn send(shop: &Shop, batch: Vec<Claimed>) -> db::Result<()> {
    let outcomes = join_all(batch.iter().map(|message| shop.transports().send(message))).await;
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    for (message, outcome) in batch.iter().zip(outcomes) {
        settle(&mut tx, shop, message, outcome, now).await?;
    }
    tx.commit().await?;
    // A message that is given up is an event.
    shop.relay().wake();
    Ok(())
}

async fn settle(
    tx: &mut Tx,
    shop: &Shop,
    message: &Claimed,
    outcome: Result<(), SendError>,
    now: Moment,
) -> db::Result<()> {
    let config = &shop.config().notifications;
    let Claimed { id, attempts, .. } = *message;
    let failure = outcome.as_ref().err().map(|error| (error.code.as_str(), error.detail.as_str()));
    queue::insert_attempt(tx, id, now, failure).await?;
    match outcome {
        Ok(()) => queue::mark_sent(tx, id, now).await,
        Err(error) if error.is_final || attempts >= i64::from(config.max_attempts) => {
            give_up(tx, message, &error).await
        }
        Err(error) => {
            tracing::warn!(message = %id, attempts, error = error.code, "a message was not sent and waits");
            let next = now + events::retry_delay(config.retry_after_ms, attempts);
            queue::retry_at(tx, id, attempts, &error.detail, next).await
        }
    }
}

async fn give_up(tx: &mut Tx, message: &Claimed, error: &SendError) -> db::Result<()> {
    let Claimed { id, attempts, channel, kind, .. } = message;
    tracing::error!(message = %id, attempts, channel, error = error.code, "a message is given up");
    if error.is_gone && channel == "push" {
        store::push_tokens::forget_token(tx, &message.recipient).await?;
    }
    if queue::mark_dead(tx, *id, *attempts, &error.detail).await? && !error.is_gone {
        let data = json!({ "message_id": id, "channel": channel, "about": kind, "code": error.code });
        events::record(tx, "message.dead", id, data).await?;
    }
    Ok(())
}
