//! The worker that sends what is queued.
//!
//! At least once by nature: a message that the server took just before a crash is sent again, with the same id (of a mail, the
//! same `Message-ID`).

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use super::channel::Channel;
use super::store;
use super::store::queue::{self, Claimed};
use super::transports::SendError;
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, events};

/// The worker: a queue for each channel, so that a gateway that hangs holds up no mail. Ends when the shop stops, after the messages that
/// it has at hand.
pub(super) async fn run(shop: &Shop) {
    join_all(Channel::SENT.map(|channel| run_channel(shop, channel))).await;
}

async fn run_channel(shop: &Shop, channel: Channel) {
    let poll_interval = Duration::from_millis(shop.config().notifications.poll_interval_ms);
    while !shop.stopping().is_cancelled() {
        if let Err(error) = drain_channel(shop, channel).await {
            tracing::error!(%error, channel = channel.name(), "queued messages cannot be sent; trying again");
        }
        tokio::select! {
            () = shop.transports().woken(channel) => {}
            () = tokio::time::sleep(poll_interval) => {}
            () = shop.stopping().cancelled() => {}
        }
    }
}

/// Sends what is due on every channel.
#[cfg(test)]
pub(super) async fn drain(shop: &Shop) -> db::Result<()> {
    for channel in Channel::SENT {
        drain_channel(shop, channel).await?;
    }
    Ok(())
}

/// Sends what is due on the channel, as many at a time as the settings allow.
async fn drain_channel(shop: &Shop, channel: Channel) -> db::Result<()> {
    while !shop.stopping().is_cancelled() {
        let batch = claim(shop, channel).await?;
        let full = batch.len() >= shop.config().notifications.concurrency as usize;
        send(shop, batch).await;
        if !full {
            break;
        }
    }
    Ok(())
}

/// Takes the next messages, so that no other kernel on the same database looks at them while they are being sent.
pub(super) async fn claim(shop: &Shop, channel: Channel) -> db::Result<Vec<Claimed>> {
    let now = clock::now();
    // Twice the longest sending: half for sending, half for writing what came of it.
    let until = now + events::delta(shop.transports().timeout().as_millis() as u64 * 2);
    let mut tx = shop.db().write().await?;
    let batch = queue::claim_due(&mut tx, channel.name(), now, until, shop.config().notifications.concurrency).await?;
    tx.commit().await?;
    Ok(batch)
}

/// Sends them side by side. What came of each is written on its own: where that fails, the others are not sent again.
pub(super) async fn send(shop: &Shop, batch: Vec<Claimed>) {
    join_all(batch.iter().map(|message| send_one(shop, message))).await;
}

async fn send_one(shop: &Shop, message: &Claimed) {
    let outcome = shop.transports().send(message).await;
    if let Err(error) = settle(shop, message, outcome).await {
        tracing::error!(%error, message = %message.id, "what came of a message cannot be written; it is sent again");
    }
}

async fn settle(shop: &Shop, message: &Claimed, outcome: Result<(), SendError>) -> db::Result<()> {
    let mut tx = shop.db().write().await?;
    write_outcome(&mut tx, shop, message, outcome, clock::now()).await?;
    tx.commit().await?;
    // A message that is given up is an event.
    shop.relay().wake();
    Ok(())
}

async fn write_outcome(
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
