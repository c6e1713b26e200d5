//! The write that makes an order: what every new order has, whoever placed it.

use super::receipts::Receipt;
use super::{Adjustment, Error, Line, Order, StateError, Target, announce, state, store};
use crate::coupons::{self, Buyer};
use crate::db::Tx;
use crate::{Shop, inventory, ledger};

/// What a new order is made of, beside its own row.
pub(super) struct Made {
    pub lines: Vec<Line>,
    pub adjustments: Vec<Adjustment>,
    /// Serialised before the transaction: on SQLite it is the one writer of the shop.
    pub receipts: Vec<Receipt>,
    /// Coupons that its price redeems.
    pub redeems: Vec<uuid::Uuid>,
    pub buyer: Option<Buyer>,
}

/// Reserves the goods, gives the order its number, and writes it with all that belongs to it and what is owed for it.
pub(super) async fn insert(shop: &Shop, tx: &mut Tx, order: &mut Order, made: &Made, cause: &str) -> Result<(), Error> {
    let wanted: Vec<_> = made.lines.iter().map(Line::stock).collect();
    inventory::reserve(tx, order.id, &wanted, Some(inventory::held_until(shop))).await?;
    order.number = store::next_number(tx).await?;
    store::insert_order(tx, order).await?;
    store::insert_lines(tx, order.id, &made.lines).await?;
    store::insert_adjustments(tx, order.id, &made.adjustments).await?;
    store::insert_receipts(tx, order.id, order.revision, &made.receipts).await?;
    state::note(tx, order, cause).await?;
    if let Some(buyer) = &made.buyer
        && !coupons::redeem(tx, order.id, &made.redeems, buyer).await?
    {
        return Err(Error::NoLongerAsShown);
    }
    charge(tx, order, &made.adjustments, cause).await?;
    Ok(announce::announce(tx, "order.placed", order, &made.lines, &made.adjustments).await?)
}

/// The shopper owes the total from now on.
async fn charge(tx: &mut Tx, order: &Order, adjustments: &[Adjustment], cause: &str) -> Result<(), Error> {
    let reference = format!("placed-{}", order.id);
    let entries = charge_of(order, adjustments).entries()?;
    let posting = ledger::Posting {
        order_id: order.id,
        payment_id: None,
        kind: ledger::Kind::Placed,
        reference: &reference,
        cause,
        entries: &entries,
    };
    ledger::post(tx, &posting).await.map_err(StateError::from)?;
    Ok(())
}

/// What the total is made up of, for the books: the delivery and the goods without the tax that their prices contain.
pub(super) fn charge_of(order: &Order, adjustments: &[Adjustment]) -> ledger::Charge {
    let on_delivery = adjustments.iter().filter(|adjustment| adjustment.target == Target::Delivery);
    let delivery = on_delivery.fold(order.delivery.amount, |delivery, adjustment| match adjustment.kind.as_str() {
        "tax-included" => delivery - adjustment.amount,
        "tax" => delivery,
        _ => delivery + adjustment.amount,
    });
    let tax = order.tax_total + order.tax_included_total;
    ledger::Charge { sales: order.total - delivery - tax, delivery, tax }
}
