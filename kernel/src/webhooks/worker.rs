//! The worker that posts what is due.
//!
//! Each webhook with something due has a courier of its own, so that one whose receiver does not answer holds up no other. Of a
//! crash in the middle, the claims run out and the messages are posted again, under the same id.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::delivery::Outcome;
use super::store::messages::{self as rows, Claimed};
use super::store::subscriptions::Destination;
use super::{store, subscriptions};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, events};

/// The worker. Ends when the shop stops, after the messages that it has at hand.
pub async fn run(shop: Shop) {
    let pause = Duration::from_millis(shop.config().webhooks.poll_interval_ms);
    let mut couriers = JoinSet::new();
    let mut busy = HashSet::new();
    while !shop.stopping().is_cancelled() {
        match due(&shop).await {
            Ok(due) => {
                for id in due {
                    if busy.insert(id) {
                        couriers.spawn(carry(shop.clone(), id, pause));
                    }
                }
            }
            Err(error) => tracing::error!(%error, "webhooks cannot be looked at; trying again"),
        }
        tokio::select! {
            () = shop.webhooks().woken() => {}
            Some(ended) = couriers.join_next(), if !couriers.is_empty() => forget(&mut busy, ended),
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => {}
        }
    }
    while couriers.join_next().await.is_some() {}
}

/// A courier that panicked has not said whose it was: those that are at work are then found by looking again.
fn forget(busy: &mut HashSet<Uuid>, ended: Result<Uuid, tokio::task::JoinError>) {
    match ended {
        Ok(id) => drop(busy.remove(&id)),
        Err(error) => {
            tracing::error!(%error, "a courier of a webhook has ended");
            busy.clear();
        }
    }
}

async fn due(shop: &Shop) -> db::Result<Vec<Uuid>> {
    store::subscriptions::due(&mut shop.db().read().await?, clock::now()).await
}

/// Posts what is due for one webhook, and answers which it was.
async fn carry(shop: Shop, id: Uuid, pause: Duration) -> Uuid {
    if let Err(error) = drain(&shop, id).await {
        tracing::error!(webhook = %id, %error, "messages of a webhook cannot be posted; trying again");
        // Whoever started this one would start the next at once.
        tokio::time::sleep(pause).await;
    }
    id
}

/// As many at a time as the settings allow, until nothing is due or one was not taken. Where they go is read anew each time: a backlog may
/// take hours, and the merchant another URL or secret meanwhile.
async fn drain(shop: &Shop, webhook_id: Uuid) -> db::Result<()> {
    while !shop.stopping().is_cancelled() {
        let Some((destination, batch)) = claim(shop, webhook_id).await? else { return Ok(()) };
        let posts = batch.iter().map(|message| shop.webhooks().post(shop.keys(), &destination, message));
        let outcomes = join_all(posts).await;
        let all_taken = outcomes.iter().all(Outcome::is_success);
        settle(shop, &destination, batch, outcomes).await?;
        if !all_taken {
            return Ok(());
        }
    }
    Ok(())
}

/// Takes the next messages, so that no other kernel on the same database looks at them while they are being posted. None where there are
/// none, or the webhook is off.
async fn claim(shop: &Shop, webhook_id: Uuid) -> db::Result<Option<(Destination, Vec<Claimed>)>> {
    let config = &shop.config().webhooks;
    let now = clock::now();
    // Twice the longest try: half for posting, half for writing what came of it.
    let until = now + events::delta(config.timeout_ms.saturating_mul(2));
    let mut tx = shop.db().write().await?;
    let Some(destination) = store::subscriptions::lock_destination(&mut tx, webhook_id).await? else { return Ok(None) };
    let batch = rows::claim_due(&mut tx, webhook_id, now, until, config.concurrency).await?;
    tx.commit().await?;
    Ok(Some((destination, batch)).filter(|(_, batch)| !batch.is_empty()))
}

async fn settle(shop: &Shop, destination: &Destination, batch: Vec<Claimed>, outcomes: Vec<Outcome>) -> db::Result<()> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let Some(url) = store::subscriptions::lock(&mut tx, destination.id).await? else { return Ok(()) };
    // One that is taken shows that somebody is there, whatever became of the others.
    let is_alive = outcomes.iter().any(Outcome::is_success);
    let is_gone = outcomes.iter().any(Outcome::is_gone);
    for (message, outcome) in batch.iter().zip(&outcomes) {
        // The message may have been deleted meanwhile, with whoever it was about.
        if rows::insert_attempt(&mut tx, message.id, now, outcome).await? {
            let is_final = outcome.is_gone() && url == destination.url;
            write_end(shop, &mut tx, message, outcome, is_final, now).await?;
        }
    }
    // What became of tries at a former URL says nothing of the one of now.
    let mut disabled = false;
    if url == destination.url {
        match is_alive {
            true => store::subscriptions::mark_alive(&mut tx, destination.id).await?,
            false => store::subscriptions::mark_failing(&mut tx, destination.id, now).await?,
        }
        disabled = switch_off(shop, &mut tx, destination, is_gone, now).await?;
    }
    tx.commit().await?;
    if disabled {
        shop.relay().wake();
    }
    Ok(())
}

async fn write_end(
    shop: &Shop,
    tx: &mut Tx,
    message: &Claimed,
    outcome: &Outcome,
    is_final: bool,
    now: Moment,
) -> db::Result<()> {
    if outcome.is_success() {
        return rows::mark_delivered(tx, message.id).await;
    }
    match wait_after(&shop.config().webhooks.retry_after_s, message.attempts) {
        Some(seconds) if !is_final => {
            let next = now + events::delta(seconds.saturating_mul(1_000));
            rows::retry_at(tx, message.id, message.attempts, next).await
        }
        _ => rows::mark_failed(tx, message.id, message.attempts).await,
    }
}

/// How long to wait after try number `attempts` (from 1); none after the last.
fn wait_after(waits: &[u64], attempts: i64) -> Option<u64> {
    usize::try_from(attempts - 1).ok().and_then(|index| waits.get(index)).copied()
}

/// Whether the webhook was switched off now: because its receiver says that it is gone, or has failed for too long.
async fn switch_off(
    shop: &Shop,
    tx: &mut Tx,
    destination: &Destination,
    is_gone: bool,
    now: Moment,
) -> db::Result<bool> {
    let given = events::delta(u64::from(shop.config().webhooks.disable_after_days) * 86_400_000);
    let reason = if is_gone {
        "gone"
    } else if store::subscriptions::fails_since_before(tx, destination.id, now - given).await? {
        "failing"
    } else {
        return Ok(false);
    };
    if !subscriptions::disable(tx, destination.id, reason).await? {
        return Ok(false);
    }
    tracing::warn!(webhook = %destination.id, reason, "a webhook is switched off");
    subscriptions::announce_disabled(tx, destination.id, &destination.url, reason).await?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_follow_the_settings() {
        for (attempts, wait) in [(0, None), (1, Some(5)), (2, Some(300)), (3, None), (i64::MAX, None)] {
            assert_eq!(wait_after(&[5, 300], attempts), wait, "{attempts}");
        }
    }
}
