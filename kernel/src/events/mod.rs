//! Events: what happened, told to others at least once.
//!
//! A change and its event are written in one transaction ([`record`]): neither exists without the other. The relay takes
//! unsent rows to the bus, which hands them to every consumer. Consumers are idempotent: each writes
//! `(consumer, event_id)` in the transaction of its effect.
//!
//! The bus is in-process for now; RabbitMQ will stand behind the same [`Bus`].

mod relay;
mod store;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, id};

pub use relay::{Memory, Relay, run};
pub use store::consume_once;

/// `[events]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EventsConfig {
    /// How often the outbox is looked at when nothing wakes the relay, in milliseconds.
    pub poll_interval_ms: u64,
    /// Events taken from the outbox at a time.
    pub batch: u32,
    /// Wait before a failed event is tried again, in milliseconds; it doubles with each try, up to an hour.
    pub retry_after_ms: u64,
    /// Days that sent events are kept.
    pub keep_days: u32,
}

impl Default for EventsConfig {
    fn default() -> Self {
        Self { poll_interval_ms: 1_000, batch: 100, retry_after_ms: 1_000, keep_days: 30 }
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

/// Why an event could not be handled; it will be tried again.
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

/// The bus that the settings ask for, with everyone who listens.
pub fn open_bus() -> Arc<dyn Bus> {
    Arc::new(Memory::new(vec![Box::new(crate::notifications::Notifications)]))
}
