//! Webhooks: other systems are told what happens, over HTTP.
//!
//! The consumer [`Webhooks`] writes a message for each webhook that wants an event, in one transaction with its note about the
//! event. The worker [`run`] posts them, signed by the Standard Webhooks scheme, until each is taken or has failed for good. At
//! least once, in no order that is promised: the receiver knows a message by its `webhook-id`.
//!
//! | file | |
//! |---|---|
//! | `subscriptions` | webhooks themselves: made, changed, their secrets |
//! | `messages` | the log: what became of each message, replays, tests |
//! | `worker` | what is due, tries and waits, switching off what fails |
//! | `delivery` `target` | one try; where it may go |

mod delivery;
pub mod http;
mod messages;
mod settings;
mod store;
mod subscriptions;
mod target;
mod worker;

use futures_util::future::BoxFuture;

use crate::events::{self, Consumer, Event, HandleError};
use crate::{Shop, clock, db};

pub use delivery::Sender;
pub use messages::{
    Attempt, Filter, Message, MessageDetails, forget_events, forget_old, get_message, list_messages, replay_failed,
    replay_message, send_test,
};
pub use settings::WebhooksConfig;
pub use subscriptions::{
    Change, NewWebhook, Webhook, change_webhook, create_webhook, delete_webhook, get_webhook, list_webhooks,
    rotate_secret,
};
pub use target::check_url;
pub use worker::run;

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhooksError {
    #[error("webhooks.{0} is at least 1")]
    Zero(&'static str),
    #[error("no HTTP client: {0}")]
    Client(String),
}

/// Why something about webhooks cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    #[error("there is no such webhook or message")]
    NotFound,
    #[error("the shop has {most} webhooks; delete some")]
    TooMany { most: u32 },
    #[error("the webhook is switched off")]
    Disabled,
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The consumer that writes messages.
pub struct Webhooks;

impl Consumer for Webhooks {
    fn name(&self) -> &'static str {
        "webhooks"
    }

    fn handle<'a>(&'a self, shop: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
        Box::pin(async move {
            let wanted = wanted_by(shop, event).await?;
            if wanted.is_empty() {
                return Ok(());
            }
            let now = clock::now();
            let body = event.to_cloud_event(&shop.config().shop.url).to_string();
            let mut tx = shop.db().write().await?;
            if events::consume_once(&mut tx, "webhooks", event.id, now).await? {
                for webhook_id in wanted {
                    messages::queue(&mut tx, webhook_id, (event.id, &event.kind), &body, now).await?;
                }
                tx.commit().await?;
                shop.webhooks().wake();
            }
            Ok(())
        })
    }
}

/// Asked without writing: on SQLite there is one writer, and mostly nobody wants to be told.
async fn wanted_by(shop: &Shop, event: &Event) -> db::Result<Vec<uuid::Uuid>> {
    let webhooks = store::subscriptions::enabled(&mut shop.db().read().await?).await?;
    let wants = |kinds: &str| kinds.is_empty() || kinds.split(' ').any(|kind| kind == event.kind);
    Ok(webhooks.into_iter().filter(|(_, kinds)| wants(kinds)).map(|(id, _)| id).collect())
}
