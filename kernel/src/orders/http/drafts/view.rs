//! Drafts as staff sees them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::address::Address;
use crate::clock::Moment;
use crate::money::Amount;
use crate::orders::drafts::{Draft, DraftLine, Shown};
use crate::orders::http::view::{OrderOut, order_out};

/// A draft in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftSummaryOut {
    id: Uuid,
    /// `open`, or `completed` when `order_id` says what it became.
    status: &'static str,
    order_id: Option<Uuid>,
    #[schema(example = "ada@example.org")]
    email: Option<String>,
    #[schema(example = "wants it by Friday")]
    note: String,
    lines: usize,
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
}

/// A draft, priced at this moment.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftOut {
    id: Uuid,
    /// `open`, or `completed` when `order_id` says what it became.
    status: &'static str,
    order_id: Option<Uuid>,
    customer_id: Option<Uuid>,
    currency: String,
    locale: String,
    email: Option<String>,
    address: Option<Address>,
    /// Whom the invoice is for; null: `address`.
    billing_address: Option<Address>,
    delivery_option: Option<String>,
    coupons: Vec<String>,
    note: String,
    lines: Vec<DraftLineOut>,
    /// What it lacks to become an order: `lines`, `email`, `address`, `delivery_option`; `unit_price`, where
    /// something has no price in its currency, and staff gave none.
    missing: Vec<&'static str>,
    /// The order that it would be, while nothing is missing.
    price: Option<OrderOut>,
    /// Who made it.
    actor: String,
    #[schema(value_type = String, format = DateTime)]
    created_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// A line of a draft.
#[derive(Debug, Serialize, ToSchema)]
pub struct DraftLineOut {
    variant_id: Uuid,
    sku: String,
    title: String,
    quantity: u32,
    /// Where staff gave it; else the catalog's counts.
    unit_price: Option<Amount>,
    price_reason: String,
}

fn status(draft: &Draft) -> &'static str {
    if draft.order_id.is_some() { "completed" } else { "open" }
}

/// A draft in a list.
pub fn summary_out(draft: Draft) -> DraftSummaryOut {
    DraftSummaryOut {
        id: draft.id,
        status: status(&draft),
        order_id: draft.order_id,
        email: draft.wishes.email,
        note: draft.wishes.note,
        lines: draft.wishes.lines.len(),
        actor: draft.actor,
        created_at: draft.created_at,
    }
}

/// A draft as staff sees it.
pub fn draft_out(shown: Shown) -> DraftOut {
    let Shown { draft, missing, order } = shown;
    let status = status(&draft);
    let line = |line: DraftLine| DraftLineOut {
        variant_id: line.variant_id,
        sku: line.sku,
        title: line.title,
        quantity: line.quantity,
        unit_price: line.unit_price,
        price_reason: line.price_reason,
    };
    let wishes = draft.wishes;
    DraftOut {
        id: draft.id,
        status,
        order_id: draft.order_id,
        customer_id: wishes.customer_id,
        currency: wishes.currency,
        locale: wishes.locale,
        email: wishes.email,
        address: wishes.address,
        billing_address: wishes.billing_address,
        delivery_option: wishes.delivery_option,
        coupons: wishes.coupons,
        note: wishes.note,
        lines: wishes.lines.into_iter().map(line).collect(),
        missing,
        price: order.map(order_out),
        actor: draft.actor,
        created_at: draft.created_at,
        updated_at: draft.updated_at,
    }
}
