//! What an order was before each of its edits.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Adjustment, Delivery, Details, Error, Line, store};
use crate::Shop;
use crate::address::Address;
use crate::clock::Moment;
use crate::money::Amount;

/// An order as it was before an edit.
#[derive(Debug, Clone)]
pub struct Revision {
    pub revision: i64,
    /// When it was edited, by whom, and why.
    pub replaced_at: Moment,
    pub actor: String,
    pub reason: String,
    pub total: Amount,
    pub contents: Contents,
}

/// What of an order an edit can change.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contents {
    pub email: String,
    pub address: Address,
    pub billing_address: Option<Address>,
    pub delivery: Delivery,
    pub lines: Vec<KeptLine>,
    pub adjustments: Vec<KeptAdjustment>,
}

/// A line as a revision keeps it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptLine {
    pub variant_id: Uuid,
    pub sku: String,
    pub title: String,
    pub quantity: u32,
    pub unit_price: Amount,
    pub total: Amount,
}

/// An adjustment as a revision keeps it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeptAdjustment {
    /// The line that it is on, by its position; none of the order and of the delivery.
    pub line: Option<i64>,
    /// `line`, `order` or `delivery`.
    pub target: String,
    pub kind: String,
    pub code: String,
    pub label: String,
    pub amount: Amount,
    /// Of a tax, where the plugin said it: its rate in parts per million. Revisions that were kept before there was one have none.
    #[serde(default)]
    pub rate_ppm: Option<u32>,
    /// Likewise: what it was computed on, without the tax itself.
    #[serde(default)]
    pub base: Option<Amount>,
}

/// The former revisions of an order, the oldest first.
pub async fn list(shop: &Shop, order_id: Uuid) -> Result<Vec<Revision>, Error> {
    let mut conn = shop.db().read().await?;
    store::find_order(&mut conn, order_id).await?.ok_or(Error::NotFound)?;
    Ok(store::revisions(&mut conn, order_id).await?)
}

impl Contents {
    pub(super) fn of(details: &Details) -> Self {
        let line = |line: &Line| KeptLine {
            variant_id: line.variant_id,
            sku: line.sku.clone(),
            title: line.title.clone(),
            quantity: line.quantity,
            unit_price: line.unit_price,
            total: line.total,
        };
        let adjustment = |adjustment: &Adjustment| KeptAdjustment {
            line: adjustment.target.line(),
            target: adjustment.target.name().to_owned(),
            kind: adjustment.kind.clone(),
            code: adjustment.code.clone(),
            label: adjustment.label.clone(),
            amount: adjustment.amount,
            rate_ppm: adjustment.rate_ppm,
            base: adjustment.base,
        };
        Self {
            email: details.order.email.clone(),
            address: details.order.address.clone(),
            billing_address: details.order.billing_address.clone(),
            delivery: details.order.delivery.clone(),
            lines: details.lines.iter().map(line).collect(),
            adjustments: details.adjustments.iter().map(adjustment).collect(),
        }
    }
}
