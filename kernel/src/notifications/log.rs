//! The delivery log: what was sent to whom, what became of it, and another try.

use uuid::Uuid;

use super::store;
use crate::clock::{self, Moment};
use crate::{Shop, db, id};

/// A message as the log has it.
#[derive(Debug, Clone)]
pub struct Logged {
    pub id: Uuid,
    pub kind: String,
    pub about: String,
    pub plugin: String,
    pub channel: String,
    pub customer_id: Option<Uuid>,
    pub recipient_name: String,
    pub recipient: String,
    pub subject: String,
    pub secret: bool,
    /// `queued`, `sent`, `dead` or `suppressed`.
    pub status: String,
    pub attempts: i64,
    pub last_error: Option<String>,
    pub next_attempt_at: Option<Moment>,
    pub created_at: Moment,
    pub sent_at: Option<Moment>,
    pub resend_of: Option<Uuid>,
}

/// One try to send a message; without a code it was taken.
#[derive(Debug, Clone)]
pub struct Attempt {
    pub at: Moment,
    pub code: Option<String>,
    pub detail: Option<String>,
}

/// Which messages.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    pub status: Option<String>,
    pub channel: Option<String>,
    pub kind: Option<String>,
    /// What the event happened to: an order id, say.
    pub about: Option<String>,
    /// An address.
    pub recipient: Option<String>,
}

/// A message with its text and every try.
#[derive(Debug)]
pub struct Details {
    pub message: Logged,
    pub text: String,
    pub html: Option<String>,
    pub attributes: Vec<(String, String)>,
    pub tries: Vec<Attempt>,
}

/// Why a message is not sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    #[error("there is no such message")]
    NotFound,
    #[error("the message has not ended, was never to be sent, or held a secret")]
    NotResendable,
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The newest first; one more than `limit`, where there is one.
pub async fn list(shop: &Shop, filter: &Filter, before: Option<Uuid>, limit: u32) -> db::Result<Vec<Logged>> {
    store::log::messages_before(&mut shop.db().read().await?, filter, before, i64::from(limit) + 1).await
}

pub async fn find(shop: &Shop, id: Uuid) -> db::Result<Option<Details>> {
    let mut conn = shop.db().read().await?;
    let Some(message) = store::log::find_message(&mut conn, id).await? else { return Ok(None) };
    let tries = store::log::attempts_of(&mut conn, id).await?;
    // While it waits, a link that opens an account is in it.
    if message.secret {
        return Ok(Some(Details { message, text: String::new(), html: None, attributes: Vec::new(), tries }));
    }
    let (text, html) = store::log::body(&mut conn, id).await?;
    let attributes = store::log::attributes(&mut conn, id).await?;
    Ok(Some(Details { message, text, html, attributes, tries }))
}

/// Sends a message that has ended once more, with the same text: a new message, which names the old one.
pub async fn resend(shop: &Shop, id: Uuid) -> Result<Logged, ResendError> {
    let new_id = id::sequential();
    let mut tx = shop.db().write().await?;
    if !store::log::repeat(&mut tx, id, new_id, clock::now()).await? {
        let known = store::log::find_message(&mut tx, id).await?;
        return Err(known.map_or(ResendError::NotFound, |_| ResendError::NotResendable));
    }
    let message = store::log::find_message(&mut tx, new_id).await?.ok_or(ResendError::NotFound)?;
    tx.commit().await?;
    shop.transports().wake();
    Ok(message)
}

/// Queues dead messages again, at most 1,000 at a time; tells how many.
pub async fn retry_dead(shop: &Shop, channel: Option<&str>, kind: Option<&str>) -> db::Result<u64> {
    const MOST: i64 = 1_000;
    let mut tx = shop.db().write().await?;
    let revived = store::log::revive(&mut tx, channel, kind, clock::now(), MOST).await?;
    tx.commit().await?;
    shop.transports().wake();
    Ok(revived)
}
