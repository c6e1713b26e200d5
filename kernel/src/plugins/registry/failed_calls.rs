//! Calls of plugins that failed: written down by a worker, for a while, and fetched by whoever mends the plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use chrono::TimeDelta;
use serde_json::Value;
use uuid::Uuid;

use super::store::failed_calls as rows;
use super::{Registry, RegistryError};
use crate::accounts::Email;
use crate::clock::Moment;
use crate::db::{self, Tx};
use crate::plugins::desk::Question;
use crate::plugins::{CallFile, Domain, FailedCall};
use crate::{Shop, clock, id};

/// How often it is looked for calls that have been kept long enough.
const LOOK: Duration = Duration::from_secs(3_600);
const A_MINUTE: Duration = Duration::from_secs(60);

/// A call that was kept, without what it was asked.
#[derive(Debug, Clone)]
pub struct KeptCall {
    pub id: Uuid,
    pub plugin: String,
    pub version: String,
    pub digest: String,
    pub domain: Domain,
    pub function: String,
    pub code: String,
    pub fault: String,
    pub failed_at: Moment,
}

/// Writes calls down as they fail, and forgets the old ones, until the shop stops. What waits then is lost.
pub async fn run(shop: Shop) {
    let registry = shop.plugins();
    let failed = registry.host().failed_calls();
    let mut look = tokio::time::interval(LOOK);
    let mut pace = Pace::default();
    loop {
        let call = tokio::select! {
            () = shop.stopping().cancelled() => return,
            _ = look.tick() => None,
            call = failed.next() => Some(call),
        };
        let Some(call) = call else {
            if let Err(error) = registry.forget_old_calls().await {
                tracing::error!(%error, "old calls of plugins that failed were not deleted");
            }
            continue;
        };
        if !pace.allows(call.name(), failed.config().per_minute, Instant::now()) {
            failed.count_not_kept(call.name());
        } else if let Err(error) = registry.keep_call(&call).await {
            failed.count_not_kept(call.name());
            tracing::error!(%error, plugin = call.name(), "a call that failed was not kept");
        }
    }
}

/// How many calls of each plugin were written in the present minute.
#[derive(Default)]
struct Pace {
    began: Option<Instant>,
    written: BTreeMap<String, u32>,
}

impl Pace {
    fn allows(&mut self, plugin: &str, per_minute: u32, now: Instant) -> bool {
        if self.began.is_none_or(|began| now.duration_since(began) >= A_MINUTE) {
            *self = Self { began: Some(now), written: BTreeMap::new() };
        }
        let written = self.written.entry(plugin.to_owned()).or_default();
        *written += 1;
        *written <= per_minute
    }
}

impl Registry {
    async fn keep_call(&self, call: &FailedCall) -> db::Result<()> {
        let config = self.host.failed_calls().config();
        let (text, file) = CallFile::of(id::sequential(), call, config.max_bytes as usize);
        let mut tx = self.db.write().await?;
        rows::insert(&mut tx, &file, &text, &subjects(&call.question)).await?;
        rows::keep_newest(&mut tx, call.name(), config.keep.into()).await?;
        tx.commit().await
    }

    async fn forget_old_calls(&self) -> db::Result<()> {
        let days = self.host.failed_calls().config().keep_days;
        let mut tx = self.db.write().await?;
        rows::delete_before(&mut tx, clock::now() - TimeDelta::days(days.into())).await?;
        tx.commit().await
    }

    /// The calls of a plugin that failed, the newest first; one more than `limit`, to know whether there are more.
    pub async fn failed_calls(
        &self,
        plugin: &str,
        before: Option<Uuid>,
        limit: u32,
    ) -> Result<Vec<KeptCall>, RegistryError> {
        self.require(plugin).await?;
        let mut conn = self.db.read().await?;
        Ok(rows::list(&mut conn, plugin, before.unwrap_or(Uuid::max()), i64::from(limit) + 1).await?)
    }

    /// The file of a call that failed: JSON, `kassa-call/1`.
    pub async fn failed_call(&self, id: Uuid) -> Result<String, RegistryError> {
        rows::find(&mut self.db.read().await?, id).await?.ok_or(RegistryError::NotFound)
    }
}

/// Forgets the calls that failed and are about this: the id of a customer, a cart or an order, an e-mail address as it is compared,
/// [`subject_of_order`].
pub async fn forget_failed_calls(tx: &mut Tx, subject: &str) -> db::Result<()> {
    rows::delete_about(tx, subject).await
}

/// What an order is called that only its number is known of.
pub fn subject_of_order(number: impl std::fmt::Display) -> String {
    format!("order {number}")
}

/// Whom a call is about, where it says so. A provider's message does not; time takes it.
fn subjects(question: &Question) -> Vec<String> {
    let mut found = BTreeSet::new();
    match question {
        Question::Price(request, _) => found.extend(request.customer.as_ref().map(|customer| customer.id.clone())),
        Question::Authorize(request) => {
            found.extend([Email::key_of(&request.email), subject_of_order(&request.order_number)]);
        }
        Question::Book(request) => found.extend([subject_of_order(&request.order_number)]),
        Question::Compose(request) => {
            found.insert(Email::key_of(&request.recipient.email));
            let data: Value = serde_json::from_str(&request.event.data).unwrap_or_default();
            let named = ["customer_id", "order_id", "cart_id"].map(|name| data[name].as_str().map(str::to_owned));
            found.extend(named.into_iter().flatten());
        }
        Question::Methods(_)
        | Question::Capture { .. }
        | Question::CancelPayment { .. }
        | Question::Refund(_)
        | Question::Query { .. }
        | Question::Webhook(_)
        | Question::Quote(_)
        | Question::Track { .. }
        | Question::CancelDelivery { .. } => {}
    }
    found.into_iter().filter(|subject| !subject.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_so_many_calls_of_each_plugin() {
        let (start, mut pace) = (Instant::now(), Pace::default());
        let mut allows = |plugin: &str, seconds| pace.allows(plugin, 2, start + Duration::from_secs(seconds));
        assert_eq!([allows("a", 0), allows("a", 1), allows("a", 2), allows("b", 2)], [true, true, false, true]);
        assert_eq!([allows("a", 59), allows("a", 60), allows("a", 61), allows("a", 62)], [false, true, true, false]);
    }
}
