//! Events: what happened, told to others at least once.
//!
//! A change and its event are written in one transaction ([`record`]): neither exists without the other. The relay takes
//! unsent rows to the bus, which hands them to every consumer. Consumers are idempotent: each writes
//! `(consumer, event_id)` in the transaction of its effect.
//!
//! The bus is in-process for now; RabbitMQ will stand behind the same [`Bus`].

pub mod http;
mod kinds;
pub mod log;
mod relay;
mod store;
#[cfg(test)]
mod tests;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::{Shop, id};

pub use kinds::KINDS;
#[cfg(test)]
pub(crate) use relay::drain;
pub use relay::{Memory, Relay, run};
pub(crate) use relay::{days_ago, delta, retry_delay};
pub use store::{consume_once, drop_subject, find_last, forget_subject};

/// `[events]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// How often the outbox is looked at when nothing wakes the relay, in milliseconds.
    pub poll_interval_ms: u64,
    /// Events taken from the outbox at a time.
    pub batch: u32,
    /// How long a worker has the events that it took to itself, in milliseconds; a crash delays them by as much. A consumer may
    /// take a third of it for one event.
    pub claim_ms: u64,
    /// Wait before a failed event is tried again, in milliseconds; it doubles with each try, up to an hour.
    pub retry_after_ms: u64,
    /// Tries before an event is given up: logged once, and kept in the table with its last error.
    pub max_attempts: u32,
    /// Days that events are kept after they were sent or given up.
    pub keep_days: u32,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self {
            poll_interval_ms: 1_000,
            batch: 100,
            claim_ms: 30_000,
            retry_after_ms: 1_000,
            // About 18 hours: long enough for somebody to mend the plugin.
            max_attempts: 30,
            keep_days: 30,
        }
    }
}

/// Something that happened. docs/events.md has the data of every kind.
#[derive(Debug, Clone)]
pub struct Event {
    pub id: Uuid,
    /// `order.paid`; a CloudEvents `type` is this behind `kassa.`.
    pub kind: String,
    /// What it happened to: an order id, say.
    pub subject: String,
    pub data: Value,
    pub occurred_at: Moment,
}

impl Event {
    /// As CloudEvents 1.0 has it in JSON. `source` is the shop.
    pub fn to_cloud_event(&self, source: &str) -> Value {
        json!({
            "specversion": "1.0",
            "id": self.id,
            "source": source,
            "type": format!("kassa.{}", self.kind),
            "subject": self.subject,
            "time": self.occurred_at,
            "datacontenttype": "application/json",
            "data": self.data,
        })
    }
}

/// Writes an event into the outbox, in the transaction of the change that it tells about. Call
/// [`Relay::wake`] after the commit, or it waits for the next look.
pub async fn record(tx: &mut Tx, kind: &str, subject: impl ToString, data: Value) -> db::Result<()> {
    let event = Event {
        id: id::sequential(),
        kind: kind.to_owned(),
        subject: subject.to_string(),
        data,
        occurred_at: clock::now(),
    };
    store::insert_event(tx, &event).await
}

/// Whether more than `most` events are due and not sent: whoever makes many waits until it is not.
pub async fn is_backed_up(conn: &mut Conn, most: u32) -> db::Result<bool> {
    Ok(store::count_due(conn, clock::now(), most.saturating_add(1)).await? > most)
}

/// Deletes events that ended more than `events.keep_days` ago, and the consumers' notes about them; tells how many rows.
/// In small transactions: on SQLite each holds up every writer of the shop.
pub async fn forget_old(shop: &Shop) -> db::Result<u64> {
    const ROWS: u32 = 500;
    let before = days_ago(shop.config().events.keep_days);
    let mut total = 0;
    loop {
        let mut tx = shop.db().write().await?;
        let events = store::forget_events(&mut tx, before, ROWS).await?;
        let notes = store::forget_consumed(&mut tx, before, ROWS).await?;
        tx.commit().await?;
        total += events + notes;
        if events + notes == 0 || shop.stopping().is_cancelled() {
            return Ok(total);
        }
    }
}

/// Why an event could not be handled; it will be tried again. The text is logged: no personal data.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct HandleError(pub String);

impl From<db::Error> for HandleError {
    fn from(error: db::Error) -> Self {
        Self(error.to_string())
    }
}

/// Someone who is told of every event. Told twice of one, it must do nothing the second time ([`consume_once`]).
pub trait Consumer: Send + Sync {
    /// Stable: it stands in `consumed_events`.
    fn name(&self) -> &'static str;
    fn handle<'a>(&'a self, shop: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>>;
}

/// Takes events to the consumers.
pub trait Bus: Send + Sync {
    /// When it returns `Ok`, no consumer will miss the event, whatever crashes.
    fn publish<'a>(&'a self, shop: &'a Shop, event: &'a Event) -> BoxFuture<'a, Result<(), HandleError>>;
}
