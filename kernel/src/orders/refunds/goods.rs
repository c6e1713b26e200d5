//! What becomes of the goods whose money goes back: pieces that have not left are not sent any more, pieces that left may lie on
//! the shelf again.

use super::{Refund, RefundLine, Wanted};
use crate::db::Tx;
use crate::fulfilment;
use crate::inventory::{self, Cause, CauseKind, Quantity};
use crate::money::Amount;
use crate::orders::{Error, Line, Order, Status, store};

/// Decides for each line which pieces are meant: such as have left, where they are back; else first those that are here. What a
/// carrier was booked for is neither: it may be gone at any moment, and would be paid back and sent. Of an order that was called
/// off nothing is left to be decided.
pub(super) async fn assign(tx: &mut Tx, order: &Order, wanted: &Wanted, lines: &mut [RefundLine]) -> Result<(), Error> {
    let Wanted::Parts { lines: wanted, .. } = wanted else { return Ok(()) };
    let pieces = fulfilment::pieces(tx, order.id).await?;
    let here = fulfilment::stoppable(tx, order.id).await?;
    for (want, line) in wanted.iter().zip(lines) {
        let of = pieces.get(line.line as usize).copied().unwrap_or_default();
        if want.restock && want.quantity > of.out() {
            return Err(Error::NotShipped { line: want.line, out: of.out() });
        }
        if order.status == Status::Cancelled {
            continue;
        }
        if !want.restock && !want.returned {
            line.dropped = want.quantity.min(here.get(line.line as usize).copied().unwrap_or_default());
        }
        // All others have left, and each of them is refunded once.
        let before = store::refunded_quantity(tx, order.id, line.line).await?;
        let available = line.dropped + of.shipped.saturating_sub(before.saturating_sub(of.dropped));
        if want.quantity > available {
            return Err(Error::PiecesGone { line: line.line, available });
        }
    }
    Ok(())
}

/// Lowers by `beyond`, as far as it goes, what goes back for pieces that are back, or will not leave: an order that owes nothing was given
/// something before, or a lower price, and those pieces are settled with what is left of what they were paid with. How much that is. For
/// pieces that the shopper keeps, staff says an amount.
pub(super) fn give_what_is_left(wanted: &Wanted, lines: &mut [RefundLine], beyond: Amount) -> Amount {
    let Wanted::Parts { lines: wanted, .. } = wanted else { return 0 };
    let mut rest = beyond.max(0);
    for (want, line) in wanted.iter().zip(lines).rev() {
        if want.returned || want.restock || line.dropped > 0 {
            let less = rest.min(line.amount);
            line.amount -= less;
            rest -= less;
        }
    }
    beyond.max(0) - rest
}

/// Moves the goods as it was decided, in the transaction that wrote the refund.
pub(super) async fn settle(tx: &mut Tx, order: &Order, refund: &Refund) -> Result<(), Error> {
    let lines = store::lines(tx, order.id).await?;
    let restocked = goods(&lines, refund, |line| if line.restock { line.quantity } else { 0 });
    let dropped = goods(&lines, refund, |line| line.dropped);
    inventory::lock(tx, &[restocked.as_slice(), &dropped].concat()).await?;
    if !restocked.is_empty() {
        let cause = Cause {
            kind: CauseKind::Restock,
            reference_id: Some(refund.id),
            // Why, the refund says: staff may have named somebody, and movements are for ever.
            reason: "refund",
            actor: &refund.actor,
        };
        inventory::restock(tx, &cause, &restocked, None).await?;
    }
    if !dropped.is_empty() {
        inventory::release_some(tx, order.id, &dropped).await?;
        fulfilment::unplan(tx, order.id).await?;
        // All the others may have left before.
        fulfilment::follow(tx, order.id, "what was left is refunded").await?;
    }
    Ok(())
}

fn goods(lines: &[Line], refund: &Refund, quantity: impl Fn(&RefundLine) -> u32) -> Vec<Quantity> {
    let of = |back: &RefundLine| Some(Quantity { quantity: quantity(back), ..lines.get(back.line as usize)?.stock() });
    refund.lines.iter().filter_map(of).filter(|goods| goods.quantity > 0).collect()
}
