//! What shoppers and the merchant see of an order.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::address::Address;
use crate::carts::Attributes;
use crate::clock::Moment;
use crate::fulfilment::Progress;
use crate::fulfilment::http::ShipmentOut;
use crate::ledger::Balance;
use crate::money::Amount;
use crate::orders::{Adjustment, Delivery, Details, Order, PricedBy, Target};
use crate::payments::{self, Action, Payment};

/// A discount, tax or fee.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderAdjustmentOut {
    /// `discount`, `tax`, `tax-included` or `fee`.
    kind: String,
    code: String,
    label: String,
    amount: Amount,
    /// Of a tax, where its plugin says it: the rate in parts per million.
    #[schema(example = 190_000)]
    rate_ppm: Option<u32>,
    /// Of a tax, where its plugin says it: what it was computed on, without the tax itself.
    base: Option<Amount>,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLineOut {
    variant_id: Uuid,
    sku: String,
    title: String,
    quantity: u32,
    unit_price: Amount,
    /// What the shopper saw crossed out.
    compare_at_price: Option<Amount>,
    /// Code of the price list that the price came from; null for the variant's own price, and for one that was held.
    price_list: Option<String>,
    /// Pieces of it that have left.
    shipped: u32,
    adjustments: Vec<OrderAdjustmentOut>,
    /// Goods and adjustments.
    total: Amount,
    /// What the shopper says about it.
    note: String,
    #[schema(value_type = BTreeMap<String, String>)]
    attributes: Attributes,
}

/// How an order is being paid.
#[derive(Debug, Serialize, ToSchema)]
pub struct PaymentOut {
    /// `plugin:method`.
    method: String,
    /// `pending`, `requires_action`, `authorized`, `partially_captured`, `captured`, `declined`, `cancelled`, `unknown` (the
    /// provider's answer was lost; it is asked again), `partially_refunded` or `refunded`.
    status: &'static str,
    amount: Amount,
    /// What was taken of it, and given back.
    captured: Amount,
    refunded: Amount,
    /// The provider's name of the payment.
    reference: String,
    /// What the shopper must do, where the status is `requires_action`.
    action: Option<Action>,
    decline_code: Option<String>,
    decline_message: Option<String>,
}

/// The money of an order, as its ledger sums it up.
#[derive(Debug, Serialize, ToSchema)]
pub struct AmountsOut {
    /// What was charged for it; 0 once it is cancelled.
    #[schema(value_type = i64, example = 4280)]
    total: Amount,
    /// Reserved, and not taken yet.
    authorized: Amount,
    /// Taken, before refunds.
    captured: Amount,
    refunded: Amount,
    gift_cards: Amount,
    store_credit: Amount,
    /// Paid in another way than through a payment plugin, less what was given back so.
    by_hand: Amount,
    /// By how much staff changed the price; above 0, the shopper owes more for it.
    corrected: Amount,
    /// What is still to be paid; below 0, what is still to be given back.
    outstanding: Amount,
}

/// A change of an order's status.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderEventOut {
    #[schema(value_type = String, format = DateTime)]
    at: Moment,
    status: String,
    cause: String,
}

/// An order in a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderSummaryOut {
    id: Uuid,
    #[schema(example = 1001)]
    number: i64,
    status: &'static str,
    currency: String,
    total: Amount,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Moment,
}

/// An order. Amounts are minor units of `currency`.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderOut {
    /// For a guest, knowing it is the right to see the order.
    id: Uuid,
    #[schema(example = 1001)]
    number: i64,
    /// `new` (not paid yet), `paid`, `shipped`, `delivered` or `cancelled`.
    status: &'static str,
    currency: String,
    email: String,
    address: Address,
    /// Whom the invoice is for; null: `address`.
    billing_address: Option<Address>,
    delivery: Delivery,
    /// What the shopper says about it.
    note: String,
    #[schema(value_type = BTreeMap<String, String>)]
    attributes: Attributes,
    lines: Vec<OrderLineOut>,
    /// On the goods as a whole and on the delivery.
    adjustments: Vec<OrderAdjustmentOut>,
    goods_total: Amount,
    discount_total: Amount,
    fee_total: Amount,
    delivery_total: Amount,
    tax_total: Amount,
    tax_included_total: Amount,
    total: Amount,
    /// What was paid, given back, and is still owed.
    amounts: AmountsOut,
    /// What can be paid now: `amounts.outstanding` without what a payment that is under way may bring yet.
    payable: Amount,
    /// The newest attempt to pay; none where there was nothing to pay.
    payment: Option<PaymentOut>,
    /// Every attempt, the newest last.
    payments: Vec<PaymentOut>,
    /// The plugins that made the price.
    priced_by: Vec<PricedBy>,
    history: Vec<OrderEventOut>,
    /// How much of it has left: `unfulfilled`, `partial` or `fulfilled`.
    #[schema(example = "partial")]
    fulfilment: &'static str,
    shipments: Vec<ShipmentOut>,
    /// Counts the edits of its contents; 1 as it was placed.
    #[schema(example = 1)]
    revision: i64,
    #[schema(value_type = String, format = DateTime)]
    placed_at: Moment,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Moment,
}

/// An order in a list.
pub fn summary_out(order: Order) -> OrderSummaryOut {
    OrderSummaryOut {
        id: order.id,
        number: order.number,
        status: order.status.name(),
        currency: order.currency,
        total: order.total,
        placed_at: order.placed_at,
    }
}

/// An order as its owner and the merchant see it.
pub fn order_out(details: Details) -> OrderOut {
    let Details { order, lines, adjustments, history, priced_by, payments, amounts, shipments, pieces } = details;
    let wanted = |wanted: &dyn Fn(Target) -> bool| -> Vec<OrderAdjustmentOut> {
        adjustments.iter().filter(|adjustment| wanted(adjustment.target)).map(adjustment_out).collect()
    };
    let lines = (0_i64..).zip(lines).map(|(position, line)| OrderLineOut {
        variant_id: line.variant_id,
        sku: line.sku,
        title: line.title,
        quantity: line.quantity,
        unit_price: line.unit_price,
        compare_at_price: line.compare_at,
        price_list: line.price_list,
        shipped: pieces.get(position as usize).map_or(0, |pieces| pieces.shipped),
        adjustments: wanted(&|target| target == Target::Line(position)),
        total: line.total,
        note: line.note,
        attributes: line.attributes,
    });
    OrderOut {
        id: order.id,
        number: order.number,
        status: order.status.name(),
        currency: order.currency,
        email: order.email,
        address: order.address,
        billing_address: order.billing_address,
        delivery: order.delivery,
        note: order.note,
        attributes: order.attributes,
        lines: lines.collect(),
        adjustments: wanted(&|target| !matches!(target, Target::Line(_))),
        goods_total: order.goods_total,
        discount_total: order.discount_total,
        fee_total: order.fee_total,
        delivery_total: order.delivery_total,
        tax_total: order.tax_total,
        tax_included_total: order.tax_included_total,
        total: order.total,
        payable: payments::payable(&payments, &amounts),
        amounts: amounts_out(amounts),
        payment: payments.last().map(payment_out),
        payments: payments.iter().map(payment_out).collect(),
        priced_by,
        history: history
            .into_iter()
            .map(|event| OrderEventOut { at: event.at, status: event.status, cause: event.cause })
            .collect(),
        fulfilment: Progress::of(&pieces).name(),
        shipments: shipments.into_iter().map(ShipmentOut::from).collect(),
        revision: order.revision,
        placed_at: order.placed_at,
        updated_at: order.updated_at,
    }
}

fn adjustment_out(adjustment: &Adjustment) -> OrderAdjustmentOut {
    OrderAdjustmentOut {
        kind: adjustment.kind.clone(),
        code: adjustment.code.clone(),
        label: adjustment.label.clone(),
        amount: adjustment.amount,
        rate_ppm: adjustment.rate_ppm,
        base: adjustment.base,
    }
}

pub(super) fn amounts_out(balance: Balance) -> AmountsOut {
    AmountsOut {
        total: balance.total,
        authorized: balance.authorized,
        captured: balance.captured,
        refunded: balance.refunded,
        gift_cards: balance.gift_cards,
        store_credit: balance.store_credit,
        by_hand: balance.by_hand,
        corrected: balance.corrected,
        outstanding: balance.outstanding,
    }
}

fn payment_out(payment: &Payment) -> PaymentOut {
    let decline = payment.decline.clone();
    let (decline_code, decline_message) = decline.map(|decline| (decline.code, decline.message)).unzip();
    PaymentOut {
        method: format!("{}:{}", payment.plugin, payment.method),
        status: payment.status_name(),
        amount: payment.amount,
        captured: payment.moved.captured,
        refunded: payment.moved.refunded,
        reference: payment.reference.clone(),
        action: payment.action.clone(),
        decline_code,
        decline_message,
    }
}
