//! Money that moved by hand: cash, a bank transfer, whatever no payment plugin saw. It has an account of its own in the ledger, so that
//! an order that is called off later still knows where its money is. What an order costs is another matter ([`super::corrections`]).

use uuid::Uuid;

use super::{Details, Error, StateError, refunds, store};
use crate::db::Tx;
use crate::money::{self, Amount};
use crate::once::Once;
use crate::{Shop, ledger, payments};

/// Of an order, in its history. How, the ledger knows, where it can be forgotten: staff may have named somebody.
pub(super) const PAID: &str = "paid by hand";

/// How it moved.
#[derive(Debug, Clone)]
pub struct ByHand {
    /// `cash`, `bank transfer`.
    pub method: String,
    /// Number of a receipt or transfer; may be empty.
    pub reference: String,
}

/// Writes down what the shopper gave, or below zero what they were given: never more than the shop holds of what was paid. An order that
/// owes nothing any more is paid, and whatever else was to pay it is given up.
pub async fn record(
    shop: &Shop,
    once: Once,
    order_id: Uuid,
    amount: Amount,
    how: &ByHand,
    actor: &str,
) -> Result<Details, Error> {
    let mut tx = shop.db().write().await?;
    store::find_order(&mut tx, order_id).await?.ok_or(Error::NotFound)?;
    super::lock(&mut tx, order_id).await?;
    if once.done(&mut tx).await?.is_some() {
        return super::details_in(&mut tx, order_id).await;
    }
    payments::require_room(shop, &mut tx, order_id).await?;
    let payments = payments::of_order(&mut tx, order_id).await?;
    let available = refunds::in_hand(&mut tx, order_id, &payments).await?;
    if -amount > available {
        return Err(payments::Error::Exceeded { available }.into());
    }
    let before = ledger::balance(&mut tx, order_id).await?;
    let owed = money::sum([before.outstanding, -amount]).map_err(|_| Error::AmountTooLarge)?;
    money::sum([before.by_hand, amount]).map_err(|_| Error::AmountTooLarge)?;
    post(&mut tx, order_id, amount, how, actor).await?;
    let mut steps = Vec::new();
    if owed <= 0 {
        super::mark_paid(&mut tx, order_id, PAID).await?;
        steps = payments::begin_release_of_paid(shop, &mut tx, order_id).await?;
    }
    once.keep(&mut tx, order_id).await?;
    let details = super::details_in(&mut tx, order_id).await?;
    tx.commit().await?;
    shop.relay().wake();
    if steps.is_empty() {
        return Ok(details);
    }
    payments::run_steps(shop, steps).await;
    super::get_any(shop, order_id).await
}

/// As [`record`], in a transaction that holds the order's lock or makes the order.
pub(super) async fn post(
    tx: &mut Tx,
    order_id: Uuid,
    amount: Amount,
    how: &ByHand,
    actor: &str,
) -> Result<(), StateError> {
    let cause = format!("{} {} ({actor})", how.method, how.reference);
    Ok(ledger::move_by_hand(tx, order_id, amount, &cause).await?)
}
