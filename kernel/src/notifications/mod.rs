//! Notifications: an event becomes messages, messages reach people.
//!
//! Two steps, each of which survives a crash on its own. The consumer [`Notifications`] asks the bound plugins to compose
//! messages and queues them ([`queue`]) in one transaction with its note about the event, so they are queued once however often
//! the event is told. The worker [`run`] sends what is queued by the transport of its channel, with retries. An item of an inbox
//! has arrived when it is written.
//!
//! | fails | what happens |
//! |---|---|
//! | a plugin | the relay tells the event again later (`[events]`); what other plugins said is queued at once |
//! | a server | the message is tried again (`[notifications]`), then kept as dead; staff are told |
//!
//! | file | |
//! |---|---|
//! | `compose` `reach` `queue` | from an event to rows: what is said, by which channels, to which addresses |
//! | `sender` `transports` `mailer` `mail` `gateway` `files` | from a row to a mail, an SMS, a push message |
//! | `inbox` `live` `staff` | what is found in the app, and the streams that tell of it |
//! | `log` | what became of each message |
//! | `preview` `samples` | what would be said, without sending it |

mod channel;
mod compose;
pub mod direct;
mod files;
mod gateway;
pub mod http;
pub mod inbox;
pub mod live;
pub mod log;
mod mail;
mod mailer;
pub mod preview;
mod privacy;
pub mod push_tokens;
mod queue;
mod reach;
pub mod samples;
mod sender;
mod settings;
mod staff;
mod store;
#[cfg(test)]
mod tests;
mod transports;

use futures_util::future::BoxFuture;

use crate::events::{self, Consumer, Event, HandleError};
use crate::{Shop, db};

pub use channel::Channel;
pub use compose::Answer;
use compose::Recipient;
pub use privacy::{export_person, forget_guests, forget_person, forget_subject};
use reach::Reach;
pub use settings::{GatewayConfig, InboxConfig, NotificationsConfig, SmtpUrl};
pub use staff::StaffInbox;
pub use transports::{TransportError, Transports};

/// The workers. They end when the shop stops.
pub async fn run(shop: Shop) {
    tokio::join!(sender::run(&shop), live::run(&shop));
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
            let reach = Reach::of(shop, &recipient, &event.kind).await?;
            let answers = compose::compose(shop, event, &recipient, &reach).await;
            queue::queue(shop, event, &recipient, &reach, answers).await
        })
    }
}

/// Deletes what has had its time: messages that ended, items of inboxes; tells how many.
pub async fn forget_old(shop: &Shop) -> db::Result<u64> {
    Ok(forget_messages(shop).await? + inbox::forget_old(shop).await?)
}

/// Deletes messages that ended and are older than `notifications.keep_days`. In small transactions: on SQLite each holds up
/// every writer of the shop.
async fn forget_messages(shop: &Shop) -> db::Result<u64> {
    const ROWS: u32 = 500;
    let before = events::days_ago(shop.config().notifications.keep_days);
    let mut total = 0;
    loop {
        let mut tx = shop.db().write().await?;
        let rows = store::queue::forget_messages(&mut tx, before, ROWS).await?;
        tx.commit().await?;
        total += rows;
        if rows == 0 || shop.stopping().is_cancelled() {
            return Ok(total);
        }
    }
}
