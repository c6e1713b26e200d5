//! Notifications: an event becomes messages, messages become mails.
//!
//! Two steps, each of which survives a crash on its own. The consumer [`Notifications`] asks the bound plugins to compose
//! messages and queues them in one transaction with its note about the event, so they are queued once however often the
//! event is told. The worker [`run`] sends what is queued, by SMTP or into files, with retries.
//!
//! | fails | what happens |
//! |---|---|
//! | a plugin | the relay tells the event again later (`[events]`); what other plugins said is queued at once |
//! | the mail server | the mail is tried again (`[notifications]`), then kept as failed |

mod compose;
pub mod direct;
mod mail;
mod mailer;
mod sender;
mod store;
#[cfg(test)]
mod tests;

use std::fmt;

use futures_util::future::BoxFuture;
use serde::Deserialize;

use crate::events::{self, Consumer, Event, HandleError};
use crate::plugins::notification::Message;
use crate::{Shop, clock, db, id};

use compose::{Answer, Recipient};
pub use mailer::{Mailer, MailerError};
pub use sender::run;

/// `[notifications]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationsConfig {
    /// The mail server: `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required`, or
    /// `smtp://127.0.0.1:25` for one on this machine. Empty: mails are written as files into `mail` in `data.dir`.
    pub smtp_url: SmtpUrl,
    /// How often the queue is looked at when nothing wakes the worker, in milliseconds.
    pub poll_interval_ms: u64,
    /// Mails that are being sent at the same time.
    pub concurrency: u32,
    /// How long sending one mail may take, in milliseconds. After a crash, mails that were being sent wait twice as long.
    pub send_timeout_ms: u64,
    /// Wait before a mail that could not be sent is tried again, in milliseconds; it doubles with each try, up to an hour.
    pub retry_after_ms: u64,
    /// Tries before a mail is given up: logged once, and kept as failed.
    pub max_attempts: u32,
    /// Days that mails, with their addresses and texts, are kept in the database.
    pub keep_days: u32,
}

impl Default for NotificationsConfig {
    fn default() -> Self {
        Self {
            smtp_url: SmtpUrl::default(),
            poll_interval_ms: 1_000,
            concurrency: 8,
            send_timeout_ms: 30_000,
            retry_after_ms: 30_000,
            // About 13 hours.
            max_attempts: 20,
            keep_days: 30,
        }
    }
}

impl NotificationsConfig {
    /// The name of a setting that may not be zero and is.
    fn check(&self) -> Result<(), &'static str> {
        let at_least_one = [
            ("poll_interval_ms", self.poll_interval_ms),
            ("concurrency", self.concurrency.into()),
            ("send_timeout_ms", self.send_timeout_ms),
            ("max_attempts", self.max_attempts.into()),
        ];
        at_least_one.into_iter().find(|(_, value)| *value == 0).map_or(Ok(()), |(name, _)| Err(name))
    }
}

/// The URL of a mail server. It may hold a password, so it does not show itself.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct SmtpUrl(String);

impl SmtpUrl {
    fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SmtpUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "(hidden)" })
    }
}

/// The consumer that tells people what happened.
pub struct Notifications;

impl Consumer for Notifications {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn handle<'a>(&'a self, shop: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
        Box::pin(async move {
            let Some(recipient) = Recipient::of(event, &shop.config().shop.locale) else { return Ok(()) };
            let answers = compose::compose(shop, event, &recipient).await;
            queue(shop, event, &recipient, answers).await
        })
    }
}

/// Queues what the plugins said, each plugin's answer once. Those that failed make the event come again.
async fn queue(shop: &Shop, event: &Event, recipient: &Recipient, answers: Vec<Answer>) -> Result<(), HandleError> {
    let mut failures = Vec::new();
    let mut usable = Vec::new();
    for Answer { plugin, messages } in answers {
        match messages {
            Ok(messages) => usable.push((plugin, messages)),
            Err(error) => failures.push(format!("{plugin}: {}", error.code())),
        }
    }
    if !usable.is_empty() {
        let now = clock::now();
        let mut tx = shop.db().write().await?;
        for (plugin, messages) in usable {
            // A note for each plugin: one that fails for hours must not hold up what another says.
            if !events::consume_once(&mut tx, &format!("notifications/{plugin}"), event.id, now).await? {
                continue;
            }
            for message in messages {
                store::insert_message(&mut tx, id::sequential(), event.id, recipient, &message, refusal(&message), now)
                    .await?;
            }
        }
        tx.commit().await?;
        shop.mailer().wake();
    }
    if failures.is_empty() { Ok(()) } else { Err(HandleError(failures.join("; "))) }
}

/// Why a message will never be sent, where that is known at once.
fn refusal(message: &Message) -> Option<&'static str> {
    (message.channel != "email").then_some("no transport for this channel")
}

/// Deletes messages that ended and are older than `notifications.keep_days`; tells how many. In small
/// transactions: on SQLite each holds up every writer of the shop.
pub async fn forget_old(shop: &Shop) -> db::Result<u64> {
    const ROWS: u32 = 500;
    let before = events::days_ago(shop.config().notifications.keep_days);
    let mut total = 0;
    loop {
        let mut tx = shop.db().write().await?;
        let rows = store::forget_messages(&mut tx, before, ROWS).await?;
        tx.commit().await?;
        total += rows;
        if rows == 0 || shop.stopping().is_cancelled() {
            return Ok(total);
        }
    }
}
