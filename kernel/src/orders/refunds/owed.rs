//! What of an order can go back, and what the shop owes of it already.

use uuid::Uuid;

use super::{Destination, Refund, Wanted};
use crate::db::{self, Tx};
use crate::ledger;
use crate::money::{self, Amount};
use crate::orders::{Error, StateError, store};
use crate::payments::{self, Payment};
use crate::prepaid;

/// What the shop holds of what was paid, without what is on its way back.
pub(in crate::orders) async fn in_hand(tx: &mut Tx, order_id: Uuid, payments: &[Payment]) -> Result<Amount, Error> {
    let held = ledger::balance(tx, order_id).await?.held();
    let under_way = money::sum(payments.iter().map(|payment| payment.refunding))?;
    Ok((held - under_way).max(0))
}

/// What of that can go to a destination. What was paid by hand came from nowhere that the kernel could give it back to: it goes back by
/// hand, or becomes store credit.
pub(in crate::orders) async fn available(
    tx: &mut Tx,
    order_id: Uuid,
    payments: &[Payment],
    destination: Destination,
) -> Result<Amount, Error> {
    let in_hand = in_hand(tx, order_id, payments).await?;
    match destination {
        Destination::StoreCredit => Ok(in_hand),
        Destination::Original => {
            let taken = prepaid::taken(tx, order_id).await?;
            let sources = payments.iter().map(payments::refundable).chain(taken.iter().map(|taken| taken.amount));
            Ok(in_hand.min(money::sum(sources)?))
        }
    }
}

/// What the shop owes the shopper, beyond refunds that are on their way: those have been credited, and claim their part of it. What is
/// reserved counts as paid, since no more of it is taken than is owed. Below 0 the shopper owes the shop.
///
/// A declined refund claims nothing: it is owed, but whatever gives that first, a retry or another refund, gives it.
pub(in crate::orders) async fn unclaimed(tx: &mut Tx, order_id: Uuid) -> Result<Amount, db::Error> {
    let balance = ledger::balance(tx, order_id).await?;
    let mut owed = balance.authorized - balance.outstanding;
    for (id, by_payments) in store::pending_refunds(tx, order_id).await? {
        owed -= by_payments - payments::refund_done(tx, id).await?;
    }
    Ok(owed)
}

/// The shop owes the shopper what it gives back, as far as it does not owe it already. An amount is given of what is owed first: an
/// edit, a correction or a declined refund may have left something. Goods and delivery are given for themselves, and what was owed
/// before stays owed, but for what the shop would not hold any more.
pub(super) async fn credit(tx: &mut Tx, refund: &Refund, wanted: &Wanted, in_hand: Amount) -> Result<(), Error> {
    let owed = unclaimed(tx, refund.order_id).await?;
    let of_it = match wanted {
        Wanted::Parts { .. } => owed - (in_hand - refund.amount),
        Wanted::Everything | Wanted::Amount(_) => owed,
    };
    let credited = refund.amount - of_it.clamp(0, refund.amount);
    ledger::credit(tx, refund.order_id, refund.id, credited, &refund.actor).await.map_err(StateError::from)?;
    Ok(())
}
