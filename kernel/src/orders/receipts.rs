//! Receipts: which plugin was asked what for a price, kept so that the price can be derived again.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use uuid::Uuid;

use super::{Error, Order, store};
use crate::carts::{Priced, Quoted};
use crate::db::Tx;
use crate::plugins::{CallError, RegistryError, pricing};
use crate::{Shop, carts, db};

/// One recorded call.
#[derive(Debug, Clone)]
pub struct Receipt {
    pub domain: String,
    pub plugin: String,
    pub version: String,
    pub digest: String,
    /// The settings at that time: one JSON object.
    pub settings: String,
    /// The request, as canonical JSON: fields in the order of the contract, no spaces.
    pub input: String,
    /// SHA-256 of `input`, in hex.
    pub input_sha256: String,
    pub output: String,
    pub fuel: i64,
}

/// Why an order's price is not what its receipts derive.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the order has no receipt")]
    NoReceipt,
    #[error("the recorded input was altered: its hash is another")]
    InputAltered,
    #[error("a receipt cannot be read: {0}")]
    Unreadable(#[from] serde_json::Error),
    #[error("the plugin cannot be loaded: {0}")]
    Plugin(#[from] RegistryError),
    #[error("the plugin fails on the recorded input: {0}")]
    Call(#[from] CallError),
    #[error("the plugin {plugin} {version} answers otherwise than it did")]
    OtherAnswer { plugin: String, version: String },
    #[error("the amounts cannot be added up: {0}")]
    Totals(String),
    #[error("the receipts come to {derived}, the order to {recorded}")]
    OtherTotal { derived: i64, recorded: i64 },
    #[error(transparent)]
    Order(#[from] Box<Error>),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The receipts of a price.
pub(super) fn of(quoted: &Quoted) -> Vec<Receipt> {
    quoted.priced.iter().map(receipt).collect()
}

fn receipt(priced: &Priced) -> Receipt {
    // Records of numbers, texts and lists always have a JSON form.
    let input = serde_json::to_string(&*priced.request).unwrap_or_default();
    Receipt {
        domain: "pricing".into(),
        plugin: priced.bound.name().to_owned(),
        version: priced.bound.version().to_owned(),
        digest: priced.bound.digest().to_string(),
        settings: priced.bound.settings().to_string(),
        input_sha256: sha256_hex(&input),
        input,
        output: serde_json::to_string(&priced.quote).unwrap_or_default(),
        fuel: i64::try_from(priced.fuel).unwrap_or(i64::MAX),
    }
}

/// Derives the order's price again, from its receipts and the binaries that they name, and compares.
pub async fn verify(shop: &Shop, order: &Order) -> Result<(), VerifyError> {
    let receipts = store::receipts(&mut shop.db().read().await?, order.id).await?;
    let mut last: Option<(pricing::Request, Vec<pricing::Adjustment>)> = None;
    for receipt in &receipts {
        if sha256_hex(&receipt.input) != receipt.input_sha256 {
            return Err(VerifyError::InputAltered);
        }
        let request: pricing::Request = serde_json::from_str(&receipt.input)?;
        let bound = shop.plugins().load_for_receipt(&receipt.digest, &receipt.settings).await?;
        let request = Arc::new(request);
        let answer = shop.plugins().host().price(&bound, &request).await?.value;
        if serde_json::to_string(&answer)? != receipt.output {
            return Err(VerifyError::OtherAnswer { plugin: receipt.plugin.clone(), version: receipt.version.clone() });
        }
        let mut adjustments = request.so_far.clone();
        adjustments.extend(answer.adjustments);
        last = Some(((*request).clone(), adjustments));
    }
    let (request, adjustments) = last.ok_or(VerifyError::NoReceipt)?;
    let totals = pricing::Totals::of(&request, &adjustments).map_err(VerifyError::Totals)?;
    if totals.total != order.total {
        return Err(VerifyError::OtherTotal { derived: totals.total, recorded: order.total });
    }
    Ok(())
}

/// The receipts of an order, for a merchant.
pub async fn list(shop: &Shop, order_id: Uuid) -> Result<Vec<Receipt>, Error> {
    let mut conn = shop.db().read().await?;
    store::find_order(&mut conn, order_id).await?.ok_or(Error::NotFound)?;
    Ok(store::receipts(&mut conn, order_id).await?)
}

/// Takes a shopper's own words out of what plugins were asked for the order. The price can be derived again as before, unless a plugin
/// made it of these words.
pub(super) async fn forget_words(tx: &mut Tx, order_id: Uuid) -> db::Result<()> {
    for mut asked in store::people::inputs_with(tx, order_id, carts::SHOPPERS_WORDS).await? {
        // What cannot be read cannot be searched for words, either: it goes whole.
        asked.input = without_words(&asked.input).unwrap_or_default();
        let sha256 = sha256_hex(&asked.input);
        store::people::replace_input(tx, order_id, &asked, &sha256).await?;
    }
    Ok(())
}

fn without_words(input: &str) -> Option<String> {
    let mut request: pricing::Request = serde_json::from_str(input).ok()?;
    let is_ours = |(name, _): &(String, String)| !name.starts_with(carts::SHOPPERS_WORDS);
    request.attributes.retain(is_ours);
    for line in &mut request.lines {
        line.attributes.retain(is_ours);
    }
    serde_json::to_string(&request).ok()
}

fn sha256_hex(text: &str) -> String {
    digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}
