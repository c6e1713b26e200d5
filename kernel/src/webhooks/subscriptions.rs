//! Webhooks themselves: where other systems are told, of what, and by which secret they know that it is us.

use chrono::TimeDelta;
use uuid::Uuid;

use super::WebhookError;
use super::store::subscriptions as rows;
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::signature::SigningSecret;
use crate::{Shop, events, id};

/// A webhook, without its secret.
#[derive(Debug, Clone)]
pub struct Webhook {
    pub id: Uuid,
    pub url: String,
    /// Empty where none was given.
    pub description: String,
    /// Kinds of events; empty: every kind.
    pub kinds: Vec<String>,
    pub enabled: bool,
    /// Why it is off: `merchant`, `gone` or `failing`.
    pub disabled_reason: Option<String>,
    /// The first failure since the last success.
    pub failing_since: Option<Moment>,
    /// Until when the secret before the last rotation signs too.
    pub former_secret_until: Option<Moment>,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// What a new webhook is to be; checked before.
#[derive(Debug)]
pub struct NewWebhook {
    pub url: String,
    pub description: String,
    pub kinds: Vec<String>,
}

/// What is to be different; none stays as it is.
#[derive(Debug, Default)]
pub struct Change {
    pub url: Option<String>,
    pub description: Option<String>,
    pub kinds: Option<Vec<String>>,
    pub enabled: Option<bool>,
}

/// Makes a webhook. The text of its secret is told here and never again.
pub async fn create_webhook(shop: &Shop, new: NewWebhook) -> Result<(Webhook, String), WebhookError> {
    let (most, now) = (shop.config().webhooks.most, clock::now());
    let webhook = Webhook {
        id: id::sequential(),
        url: new.url,
        description: new.description,
        kinds: new.kinds,
        enabled: true,
        disabled_reason: None,
        failing_since: None,
        former_secret_until: None,
        created_at: now,
        updated_at: now,
    };
    let salt = id::unguessable();
    let mut tx = shop.db().write().await?;
    // One statement, so that two at once cannot both be the last one that fits.
    if !rows::insert_below(&mut tx, &webhook, salt, most).await? {
        return Err(WebhookError::TooMany { most });
    }
    tx.commit().await?;
    Ok((webhook.clone(), secret(shop, webhook.id, salt)))
}

/// Webhooks after `after`, in the order of their making; one more than `limit`, where there are.
pub async fn list_webhooks(shop: &Shop, after: Option<Uuid>, limit: u32) -> Result<Vec<Webhook>, WebhookError> {
    Ok(rows::list(&mut shop.db().read().await?, after.unwrap_or(Uuid::nil()), i64::from(limit) + 1).await?)
}

pub async fn get_webhook(shop: &Shop, id: Uuid) -> Result<Webhook, WebhookError> {
    rows::find(&mut shop.db().read().await?, id).await?.ok_or(WebhookError::NotFound)
}

/// Changes a webhook. Switched on, it is told of what happens from then on; what it missed can be replayed.
pub async fn change_webhook(shop: &Shop, id: Uuid, change: Change) -> Result<Webhook, WebhookError> {
    let now = clock::now();
    let kinds = change.kinds.map(|kinds| kinds.join(" "));
    let mut tx = shop.db().write().await?;
    let (url, description) = (change.url.as_deref(), change.description.as_deref());
    rows::update(&mut tx, id, url, description, kinds.as_deref(), now).await?;
    match change.enabled {
        Some(true) => rows::enable(&mut tx, id).await?,
        Some(false) => drop(disable(&mut tx, id, "merchant").await?),
        None => {}
    }
    let webhook = rows::find(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    tx.commit().await?;
    Ok(webhook)
}

/// Switches a webhook off: what waits has failed, and can be replayed when it is on again. False where it was off.
pub(super) async fn disable(tx: &mut Tx, id: Uuid, reason: &str) -> crate::db::Result<bool> {
    if !rows::disable(tx, id, reason, clock::now()).await? {
        return Ok(false);
    }
    super::store::messages::fail_queued(tx, id).await?;
    Ok(true)
}

/// Deletes a webhook with its log.
pub async fn delete_webhook(shop: &Shop, id: Uuid) -> Result<(), WebhookError> {
    let mut tx = shop.db().write().await?;
    if !rows::delete(&mut tx, id).await? {
        return Err(WebhookError::NotFound);
    }
    Ok(tx.commit().await?)
}

/// A new secret, and for `overlap_hours` both. Its text is told here and never again. The one before the former is good no more.
pub async fn rotate_secret(
    shop: &Shop,
    id: Uuid,
    overlap_hours: Option<u32>,
) -> Result<(Webhook, String), WebhookError> {
    let (now, salt) = (clock::now(), id::unguessable());
    let hours = overlap_hours.unwrap_or(shop.config().webhooks.overlap_hours);
    let until = (hours > 0).then(|| now + TimeDelta::hours(i64::from(hours)));
    let mut tx = shop.db().write().await?;
    rows::rotate(&mut tx, id, salt, until, now).await?;
    let webhook = rows::find(&mut tx, id).await?.ok_or(WebhookError::NotFound)?;
    tx.commit().await?;
    Ok((webhook, secret(shop, id, salt)))
}

fn secret(shop: &Shop, id: Uuid, salt: Uuid) -> String {
    SigningSecret::text_of(&shop.keys().webhook_secret(id, salt))
}

/// Tells staff, and other systems, that nobody listens there any more. Only the host: the rest of a URL may hold a key.
pub(super) async fn announce_disabled(tx: &mut Tx, id: Uuid, url: &str, reason: &str) -> crate::db::Result<()> {
    let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let data = serde_json::json!({ "webhook_id": id, "host": host, "reason": reason });
    events::record(tx, "webhook.disabled", id, data).await
}
