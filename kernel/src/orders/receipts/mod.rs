//! Receipts: which plugin was asked what for a price, kept so that every amount can be derived again ([`verify`]).

mod explain;
mod verify;

use aws_lc_rs::digest::{SHA256, digest};
use serde::Serialize;
use uuid::Uuid;

use super::{Error, store};
use crate::carts::{Asked, Call, Quoted};
use crate::db::Tx;
use crate::plugins::{Domain, LogLine, PluginId, pricing};
use crate::{Shop, carts, db};

pub use explain::explain_price;
pub use verify::{Mismatch, Verifier, VerifyError, verify, verify_all};

/// One recorded call.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub domain: Domain,
    /// `fallback`: the static rates of the settings stood in for delivery plugins that failed.
    pub plugin: String,
    pub version: String,
    /// Of the component; empty for `fallback`.
    pub digest: String,
    /// Of the binding that the plugin stood in, which tells its settings from others; 0 for `fallback`.
    pub generation: i64,
    /// The settings at that time: one JSON object; for `fallback` an array of rates.
    pub settings: String,
    /// The request, as canonical JSON: fields in the order of the contract, no spaces. It and the answer are in the words of the version of the
    /// contract that the plugin speaks.
    pub input: String,
    /// SHA-256 of `input`, in hex.
    pub input_sha256: String,
    pub output: String,
    pub fuel: i64,
    /// 0 where it was not recorded.
    pub memory_bytes: i64,
    pub elapsed_us: i64,
    pub log: Vec<LogLine>,
    pub dropped_log_lines: i64,
}

/// The receipts of a price: pricing in the order of the chain, then who was asked for the delivery.
pub(super) fn of(quoted: &Quoted) -> Vec<Receipt> {
    let priced = quoted.priced.iter().map(|call| {
        let contract = match &call.by {
            Asked::Plugin { bound, .. } => pricing::Contract::of(bound),
            Asked::Fallback { .. } => pricing::Contract::LATEST,
        };
        receipt(Domain::Pricing, call, call.request.recorded(contract), call.answer.recorded(contract))
    });
    let delivered =
        quoted.delivered.iter().map(|call| receipt(Domain::Delivery, call, json(&*call.request), json(&call.answer)));
    priced.chain(delivered).collect()
}

/// Records of numbers, texts and lists always have a JSON form.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn receipt<Request, Answer>(domain: Domain, call: &Call<Request, Answer>, input: String, output: String) -> Receipt {
    let PluginId { name, version, digest, generation } = call.by.id();
    let settings = match &call.by {
        Asked::Plugin { bound, .. } => bound.settings().to_string(),
        Asked::Fallback { rates } => rates.clone(),
    };
    let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    Receipt {
        domain,
        plugin: name,
        version,
        digest,
        generation: number(generation),
        settings,
        input_sha256: sha256_hex(&input),
        input,
        output,
        fuel: number(call.report.fuel),
        memory_bytes: number(call.report.memory_bytes),
        elapsed_us: number(call.report.elapsed_us),
        log: call.report.log.clone(),
        dropped_log_lines: call.report.dropped_log_lines.into(),
    }
}

/// The receipts of an order, for a merchant.
pub async fn list(shop: &Shop, order_id: Uuid) -> Result<Vec<Receipt>, Error> {
    let mut conn = shop.db().read().await?;
    store::find_order(&mut conn, order_id).await?.ok_or(Error::NotFound)?;
    Ok(store::receipts(&mut conn, order_id).await?)
}

/// The calls of an order.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub number: i64,
    /// Of what the order is now, after all edits.
    pub calls: Vec<RecordedCall>,
}

/// A receipt, as far as it takes to ask another plugin the same and to compare.
#[derive(Debug, Clone)]
pub struct RecordedCall {
    pub domain: Domain,
    pub plugin: String,
    pub input: String,
    pub output: String,
    pub fuel: i64,
    pub elapsed_us: i64,
}

/// The newest orders before `number`, the newest first, with what plugins were asked for their price and for `domain`.
pub async fn recorded(shop: &Shop, domain: Domain, before: i64, limit: u32) -> Result<Vec<Recorded>, Error> {
    Ok(store::recorded(&mut shop.db().read().await?, domain, before, i64::from(limit)).await?)
}

/// Takes a shopper's own words out of what plugins were asked for the order, and all that they logged meanwhile. The price can be derived
/// again as before, unless a plugin made it of these words.
pub(super) async fn forget_words(tx: &mut Tx, order_id: Uuid) -> db::Result<()> {
    for mut asked in store::people::inputs_with(tx, order_id, carts::SHOPPERS_WORDS).await? {
        // What cannot be read cannot be searched for words, either: it goes whole.
        asked.input = without_words(&asked.input).unwrap_or_default();
        let sha256 = sha256_hex(&asked.input);
        store::people::replace_input(tx, order_id, &asked, &sha256).await?;
    }
    store::people::forget_logs(tx, order_id).await
}

fn without_words(input: &str) -> Option<String> {
    let (mut request, contract) = pricing::Request::read(input).ok()?;
    let is_ours = |(name, _): &(String, String)| !name.starts_with(carts::SHOPPERS_WORDS);
    request.attributes.retain(is_ours);
    for line in &mut request.lines {
        line.attributes.retain(is_ours);
    }
    Some(request.recorded(contract))
}

fn sha256_hex(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
