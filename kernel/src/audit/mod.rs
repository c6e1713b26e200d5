//! The audit log: every change that somebody makes, or tries to make, under `/v1/admin` or on the command line.
//!
//! Invariants: an entry is there before the change begins, and gets its outcome afterwards, so that a crash leaves an entry without one;
//! what is secret in a body never gets in; an entry names people and keys by id alone, so that erasing a person does not touch it.

pub mod http;
mod redact;
mod store;

use chrono::TimeDelta;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::accounts::Person;
use crate::clock::{self, Moment};
use crate::db::{Conn, Tx};
use crate::{Shop, db, id};

pub use redact::{STRUCK, names_a_secret, redacted, redacted_settings};

/// `[audit]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AuditConfig {
    /// Days that entries are kept.
    pub keep_days: u32,
    /// Of a longer body only so much is kept, in bytes.
    pub max_body_bytes: usize,
    /// Attempts by people who do not work for the shop that are written down, in a minute; anybody can make them.
    pub strangers_per_minute: u32,
}

impl Default for AuditConfig {
    fn default() -> Self {
        Self { keep_days: 400, max_body_bytes: 16 * 1024, strangers_per_minute: 60 }
    }
}

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    Person(Uuid),
    ApiKey(Uuid),
    /// Whoever runs the process.
    Cli,
    /// The kernel itself, where nobody asked.
    Kernel,
    /// Nobody whom a valid token names.
    Nobody,
}

impl Actor {
    pub fn kind(self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::ApiKey(_) => "api-key",
            Self::Cli => "cli",
            Self::Kernel => "kernel",
            Self::Nobody => "nobody",
        }
    }

    pub fn id(self) -> Option<Uuid> {
        match self {
            Self::Person(id) | Self::ApiKey(id) => Some(id),
            Self::Cli | Self::Kernel | Self::Nobody => None,
        }
    }
}

/// What is written before a change.
#[derive(Debug)]
pub struct Attempt {
    pub actor: Actor,
    /// As the OpenAPI document calls it: `patch_product`; of the command line `admin create`.
    pub operation: String,
    pub method: String,
    pub path: String,
    /// The object, where the path names one.
    pub subject: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub body: Body,
}

/// What is kept of a body.
#[derive(Debug, Default)]
pub struct Body {
    /// JSON without secrets, or the beginning of it.
    pub text: Option<String>,
    pub bytes: i64,
    /// Of what is no JSON, SHA-256 in hexadecimal digits. Not of JSON: from a digest a short secret could be guessed.
    pub sha256: Option<String>,
}

/// An entry, as it is listed.
#[derive(Debug)]
pub struct Entry {
    pub id: Uuid,
    pub actor_kind: String,
    pub actor_id: Option<Uuid>,
    pub operation: String,
    pub method: String,
    pub path: String,
    pub subject: Option<String>,
    pub address: Option<String>,
    pub request_id: Option<String>,
    pub body: Body,
    /// None while it runs, and for ever after a crash.
    pub status: Option<i64>,
    pub begun_at: Moment,
    pub finished_at: Option<Moment>,
}

/// Which entries are wanted: what is `None` does not matter.
#[derive(Debug, Default)]
pub struct Filter {
    pub actor_id: Option<Uuid>,
    pub subject: Option<String>,
    pub operation: Option<String>,
    pub status: Option<i64>,
    pub since: Option<Moment>,
    pub until: Option<Moment>,
}

/// Writes the attempt down, before it is made.
pub async fn begin(shop: &Shop, attempt: &Attempt) -> db::Result<Uuid> {
    let id = id::sequential();
    let mut tx = shop.db().write().await?;
    store::insert(&mut tx, id, attempt, made_at(id)).await?;
    tx.commit().await?;
    Ok(id)
}

/// Adds how it ended, as an HTTP status, and what was `made`, where no object was named before. The change is made or refused by then, and its answer must go out whatever becomes of the entry:
/// what goes wrong here is only logged.
pub async fn finish(shop: &Shop, id: Uuid, status: u16, made: Option<&str>) {
    let written = async {
        let mut tx = shop.db().write().await?;
        store::finish(&mut tx, id, i64::from(status), made, clock::now()).await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        tracing::error!(%error, entry = %id, "the outcome of a change is missing in the audit log");
    }
}

/// Records a command that was typed on the machine of the shop: before it begins, like everything here.
pub async fn begin_command(shop: &Shop, command: &str, arguments: &Value) -> db::Result<Uuid> {
    let text = redacted(arguments.clone()).to_string();
    let attempt = Attempt {
        actor: Actor::Cli,
        operation: command.to_owned(),
        method: String::new(),
        path: String::new(),
        subject: None,
        address: None,
        request_id: None,
        body: Body { bytes: i64::try_from(text.len()).unwrap_or(i64::MAX), text: Some(text), sha256: None },
    };
    begin(shop, &attempt).await
}

/// Records what the kernel does by itself, in the transaction that does it: there is no attempt that could be cut off.
pub async fn record_own(tx: &mut Tx, operation: &str, subject: &str, what: &Value) -> db::Result<()> {
    let text = redacted(what.clone()).to_string();
    let attempt = Attempt {
        actor: Actor::Kernel,
        operation: operation.to_owned(),
        method: String::new(),
        path: String::new(),
        subject: Some(subject.to_owned()),
        address: None,
        request_id: None,
        body: Body { bytes: i64::try_from(text.len()).unwrap_or(i64::MAX), text: Some(text), sha256: None },
    };
    let id = id::sequential();
    store::insert(tx, id, &attempt, made_at(id)).await?;
    store::finish(tx, id, 200, None, clock::now()).await
}

/// Entries, the newest first, behind `before`.
pub async fn list(shop: &Shop, filter: &Filter, before: Option<Uuid>, limit: u32) -> db::Result<Vec<Entry>> {
    // Ids begin with the milliseconds of their making, so a span of time is a span of ids, which the keys serve.
    let since = filter.since.map_or(Uuid::nil(), first_id_at);
    let until = filter.until.map_or(Uuid::max(), first_id_at);
    let before = before.map_or(until, |before| before.min(until));
    let mut conn = shop.db().read().await?;
    store::list(&mut conn, filter, since, before, i64::from(limit) + 1).await
}

/// What the person changed, or tried to: without the bodies, which are about others.
pub async fn export_person(conn: &mut Conn, person: &Person) -> db::Result<Vec<Value>> {
    let Some(customer_id) = person.customer_id else { return Ok(Vec::new()) };
    let filter = Filter { actor_id: Some(customer_id), ..Filter::default() };
    let entries = store::list(conn, &filter, Uuid::nil(), Uuid::max(), i64::MAX).await?;
    let exported = entries.into_iter().map(|entry| {
        json!({
            "operation": entry.operation,
            "method": entry.method,
            "path": entry.path,
            "address": entry.address,
            "status": entry.status,
            "begun_at": entry.begun_at,
        })
    });
    Ok(exported.collect())
}

/// Forgets what was sent to change this object: it may name the person whom the object was about. That it was changed, and by whom, stays.
pub async fn forget_subject(tx: &mut Tx, subject: &str) -> db::Result<()> {
    store::forget_bodies(tx, subject).await
}

/// Forgets where the person was.
pub async fn forget_person(tx: &mut Tx, customer_id: Uuid) -> db::Result<()> {
    store::forget_addresses(tx, customer_id).await
}

/// When `id` was made, to the millisecond: not read from the clock again, so that an entry lies within the span of time that its own moment
/// bounds.
fn made_at(id: Uuid) -> Moment {
    let milliseconds = i64::try_from(id.as_u128() >> 80).unwrap_or_default();
    Moment::from_timestamp_millis(milliseconds).unwrap_or_default()
}

/// The least id that [`id::sequential`] gives at `moment`.
fn first_id_at(moment: Moment) -> Uuid {
    let milliseconds = u64::try_from(moment.timestamp_millis()).unwrap_or_default();
    // 48 bits of milliseconds stand at the head of a version 7 UUID (RFC 9562, 5.7).
    Uuid::from_u128(u128::from(milliseconds & 0xffff_ffff_ffff) << 80)
}

/// Forgets entries that have had their time, and tells how many. In small transactions: on SQLite each holds up every writer of the shop.
pub async fn forget_old(shop: &Shop) -> db::Result<u64> {
    const ROWS: i64 = 500;
    let before = first_id_at(clock::now() - TimeDelta::days(i64::from(shop.config().audit.keep_days)));
    let mut total = 0;
    loop {
        let mut tx = shop.db().write().await?;
        let forgotten = store::delete_before(&mut tx, before, ROWS).await?;
        tx.commit().await?;
        total += forgotten;
        if forgotten == 0 || shop.stopping().is_cancelled() {
            return Ok(total);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_of_time_is_a_span_of_ids() {
        let before = clock::now();
        let id = id::sequential();
        let after = clock::now() + TimeDelta::milliseconds(1);
        assert!(first_id_at(before) <= id && id < first_id_at(after), "{id}");
        assert_eq!(first_id_at(Moment::MIN_UTC), Uuid::nil());
        let made_at = made_at(id);
        assert!(first_id_at(made_at) <= id && id < first_id_at(made_at + TimeDelta::milliseconds(1)), "{made_at}");
    }
}
