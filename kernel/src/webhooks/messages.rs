//! The log: what became of each message; replays and tests.

use serde_json::json;
use uuid::Uuid;

use super::WebhookError;
use super::store::{messages as rows, subscriptions};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::events::Event;
use crate::{Shop, events, id};

/// An event for a webhook.
#[derive(Debug, Clone)]
pub struct Message {
    /// `webhook-id` of the message: the same at every try.
    pub id: Uuid,
    pub webhook_id: Uuid,
    pub event_id: Uuid,
    pub kind: String,
    /// `queued`, `delivered` or `failed`.
    pub status: String,
    /// Tries since it was queued last.
    pub attempts: i64,
    /// Of a message that waits.
    pub next_attempt_at: Option<Moment>,
    pub created_at: Moment,
}

/// One try to post a message.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub at: Moment,
    pub duration_ms: i64,
    /// HTTP status of the answer.
    pub status: Option<i64>,
    /// Why there was no answer.
    pub error: Option<String>,
    /// The beginning of the answer.
    pub answer: String,
}

/// A message with its body and every try.
#[derive(Debug)]
pub struct MessageDetails {
    pub message: Message,
    pub body: String,
    pub tries: Vec<Attempt>,
}

/// Which messages of a webhook.
#[derive(Debug, Default)]
pub struct Filter {
    pub status: Option<String>,
    pub kind: Option<String>,
}

/// Writes a message that waits to be posted. An event makes one message for a webhook, however often it is told.
pub(super) async fn queue(
    tx: &mut Tx,
    webhook_id: Uuid,
    (event_id, kind): (Uuid, &str),
    body: &str,
    now: Moment,
) -> db::Result<Uuid> {
    let id = id::sequential();
    rows::insert(tx, id, webhook_id, (event_id, kind), body, now).await?;
    Ok(id)
}

/// Messages of a webhook before `before`, the newest first; one more than `limit`, where there are.
pub async fn list_messages(
    shop: &Shop,
    webhook_id: Uuid,
    filter: &Filter,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Message>, WebhookError> {
    let mut conn = shop.db().read().await?;
    subscriptions::find(&mut conn, webhook_id).await?.ok_or(WebhookError::NotFound)?;
    Ok(rows::list(&mut conn, webhook_id, filter, before.unwrap_or(Uuid::max()), i64::from(limit) + 1).await?)
}

pub async fn get_message(shop: &Shop, webhook_id: Uuid, id: Uuid) -> Result<MessageDetails, WebhookError> {
    let mut conn = shop.db().read().await?;
    let (message, body) = rows::find(&mut conn, webhook_id, id).await?.ok_or(WebhookError::NotFound)?;
    let tries = rows::attempts_of(&mut conn, id).await?;
    Ok(MessageDetails { message, body, tries })
}

/// Posts a message once more, under the same `webhook-id`, with all the tries of a new one.
pub async fn replay_message(shop: &Shop, webhook_id: Uuid, id: Uuid) -> Result<Message, WebhookError> {
    let mut tx = shop.db().write().await?;
    require_enabled(&mut tx, webhook_id).await?;
    rows::revive(&mut tx, webhook_id, id, clock::now()).await?;
    let (message, _) = rows::find(&mut tx, webhook_id, id).await?.ok_or(WebhookError::NotFound)?;
    tx.commit().await?;
    shop.webhooks().wake();
    Ok(message)
}

/// Posts what has failed since then once more, the oldest first, at most 1,000 at a time; tells how many.
pub async fn replay_failed(shop: &Shop, webhook_id: Uuid, since: Moment) -> Result<u64, WebhookError> {
    const MOST: i64 = 1_000;
    let mut tx = shop.db().write().await?;
    require_enabled(&mut tx, webhook_id).await?;
    let queued = rows::revive_failed(&mut tx, webhook_id, since, clock::now(), MOST).await?;
    tx.commit().await?;
    shop.webhooks().wake();
    Ok(queued)
}

/// Posts an event of the kind `webhook.test`, which tells nothing.
pub async fn send_test(shop: &Shop, webhook_id: Uuid) -> Result<Message, WebhookError> {
    let now = clock::now();
    let event = Event {
        id: id::sequential(),
        kind: "webhook.test".into(),
        subject: webhook_id.to_string(),
        data: json!({ "webhook_id": webhook_id }),
        occurred_at: now,
    };
    let body = event.to_cloud_event(&shop.config().shop.url).to_string();
    let mut tx = shop.db().write().await?;
    require_enabled(&mut tx, webhook_id).await?;
    let id = queue(&mut tx, webhook_id, (event.id, &event.kind), &body, now).await?;
    let (message, _) = rows::find(&mut tx, webhook_id, id).await?.ok_or(WebhookError::NotFound)?;
    tx.commit().await?;
    shop.webhooks().wake();
    Ok(message)
}

async fn require_enabled(tx: &mut Tx, webhook_id: Uuid) -> Result<(), WebhookError> {
    let webhook = subscriptions::find(tx, webhook_id).await?.ok_or(WebhookError::NotFound)?;
    if webhook.enabled { Ok(()) } else { Err(WebhookError::Disabled) }
}

/// Deletes messages that ended and are older than `webhooks.keep_days`, in small transactions; tells how many.
pub async fn forget_old(shop: &Shop) -> db::Result<u64> {
    const ROWS: u32 = 500;
    let before = events::days_ago(shop.config().webhooks.keep_days);
    let mut total = 0;
    loop {
        let mut tx = shop.db().write().await?;
        let rows = rows::forget(&mut tx, before, ROWS).await?;
        tx.commit().await?;
        total += rows;
        if rows == 0 || shop.stopping().is_cancelled() {
            return Ok(total);
        }
    }
}
