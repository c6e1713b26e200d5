//! Refunds: money that goes back to the shopper, by line, for the delivery, or as an amount.
//!
//! A refund is decided in one transaction under the order's lock: never more than was paid and is not back or on its way back
//! already, and no piece twice. Gift cards and store credit have their part in that transaction. Steps of payments carry out theirs
//! afterwards; one that a provider declines can be tried again.

mod goods;
mod owed;
mod prepaid;
mod shares;

use uuid::Uuid;

use super::{Error, Order, StateError, Status, announce, store};
use crate::clock::{self, Moment};
use crate::db::{self, Conn, Tx};
use crate::money::{self, Amount};
use crate::once::Once;
use crate::payments::{self, Payment, Progress, Step};
use crate::{Shop, id, ledger};

pub(super) use owed::{available, in_hand, unclaimed};
pub use prepaid::Destination;
pub(super) use prepaid::return_prepaid;
pub(super) use shares::{Shares, of_pieces};

/// What goes back, as staff asks for it.
#[derive(Debug, Clone)]
pub enum Wanted {
    /// All that can still be given back.
    Everything,
    Amount(Amount),
    Parts {
        lines: Vec<WantedLine>,
        delivery: Amount,
    },
}

/// Pieces of a line that go back.
#[derive(Debug, Clone)]
pub struct WantedLine {
    /// Its position in the order.
    pub line: u32,
    pub quantity: u32,
    /// The goods lie in the warehouse again.
    pub restock: bool,
    /// The goods were sent back, and who received them has seen to the stock.
    pub returned: bool,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefundStatus {
    /// The provider has not done it yet.
    Pending,
    Refunded,
    /// The provider refused; it can be tried again.
    Declined,
}

impl RefundStatus {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Refunded => "refunded",
            Self::Declined => "declined",
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        [Self::Pending, Self::Refunded, Self::Declined].into_iter().find(|status| status.name() == name)
    }
}

/// A refund.
#[derive(Debug, Clone)]
pub struct Refund {
    pub id: Uuid,
    pub order_id: Uuid,
    pub amount: Amount,
    pub delivery: Amount,
    /// The part that gift cards and store credit got, at once; payments give the rest.
    pub prepaid: Amount,
    pub destination: Destination,
    pub lines: Vec<RefundLine>,
    pub reason: String,
    pub actor: String,
    pub status: RefundStatus,
    /// Why the provider declined it last.
    pub code: String,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// Pieces of a line that went back.
#[derive(Debug, Clone)]
pub struct RefundLine {
    pub line: u32,
    pub quantity: u32,
    pub amount: Amount,
    pub restock: bool,
    /// Pieces of it that had not left, and will not.
    pub dropped: u32,
}

/// What refunds did to the goods of a line.
#[derive(Debug, Clone, Copy)]
pub struct RefundedPieces {
    pub line: u32,
    pub dropped: u32,
    pub restocked: u32,
}

/// Who gives money back, and why.
pub struct Why<'a> {
    pub reason: &'a str,
    pub actor: &'a str,
}

/// Gives money back for an order.
pub async fn refund(
    shop: &Shop,
    once: Once,
    order_id: Uuid,
    wanted: &Wanted,
    destination: Destination,
    why: Why<'_>,
) -> Result<Refund, Error> {
    let mut tx = shop.db().write().await?;
    let order = super::lock(&mut tx, order_id).await?;
    if let Some(done) = once.done(&mut tx).await? {
        return Ok(store::get_refund(&mut tx, done).await?);
    }
    payments::require_room(shop, &mut tx, order_id).await?;
    let (id, steps) = begin_to(shop, &mut tx, &order, wanted, destination, why).await?;
    once.keep(&mut tx, id).await?;
    tx.commit().await?;
    shop.relay().wake();
    payments::run_steps(shop, steps).await;
    Ok(store::get_refund(&mut shop.db().read().await?, id).await?)
}

/// As [`refund`], back to where it came from, in a transaction that holds the order's lock, for what goes together with it. The
/// steps are run after the commit, by [`payments::run_steps`].
pub async fn begin(
    shop: &Shop,
    tx: &mut Tx,
    order: &Order,
    wanted: &Wanted,
    why: Why<'_>,
) -> Result<(Uuid, Vec<Step>), Error> {
    begin_to(shop, tx, order, wanted, Destination::Original, why).await
}

/// As [`begin`]. Of what goes back to where it came from, payments give first.
async fn begin_to(
    shop: &Shop,
    tx: &mut Tx,
    order: &Order,
    wanted: &Wanted,
    destination: Destination,
    why: Why<'_>,
) -> Result<(Uuid, Vec<Step>), Error> {
    let mut payments = payments::of_order(tx, order.id).await?;
    let in_hand = in_hand(tx, order.id, &payments).await?;
    let available = available(tx, order.id, &payments, destination).await?;
    let (mut amount, delivery, mut lines) = amounts(tx, order, wanted, available).await?;
    goods::assign(tx, order, wanted, &mut lines).await?;
    if ledger::balance(tx, order.id).await?.outstanding <= 0 {
        amount -= goods::give_what_is_left(wanted, &mut lines, amount - in_hand);
    }
    if amount == 0 || amount > available {
        return Err(payments::Error::Exceeded { available }.into());
    }
    let by_payments = match destination {
        Destination::Original => amount.min(money::sum(payments.iter().map(payments::refundable))?),
        Destination::StoreCredit => 0,
    };
    let now = clock::now();
    let refund = Refund {
        id: id::sequential(),
        order_id: order.id,
        amount,
        delivery,
        prepaid: amount - by_payments,
        destination,
        lines,
        reason: why.reason.to_owned(),
        actor: why.actor.to_owned(),
        status: if by_payments == 0 { RefundStatus::Refunded } else { RefundStatus::Pending },
        code: String::new(),
        created_at: now,
        updated_at: now,
    };
    // What was charged for a cancelled order has been turned back as a whole.
    if order.status != Status::Cancelled {
        owed::credit(tx, &refund, wanted, in_hand).await?;
    }
    store::insert_refund(tx, &refund).await?;
    goods::settle(tx, order, &refund).await?;
    prepaid::give(tx, order, &refund).await?;
    let steps = spread(shop, tx, &mut payments, by_payments, refund.id).await?;
    if by_payments == 0 {
        tell(tx, order, &refund).await?;
    }
    Ok((refund.id, steps))
}

async fn amounts(
    tx: &mut Tx,
    order: &Order,
    wanted: &Wanted,
    available: Amount,
) -> Result<(Amount, Amount, Vec<RefundLine>), Error> {
    let (wanted, delivery) = match wanted {
        Wanted::Everything => return Ok((available, 0, Vec::new())),
        Wanted::Amount(amount) => return Ok((*amount, 0, Vec::new())),
        Wanted::Parts { lines, delivery } => (lines, *delivery),
    };
    let lines = store::lines(tx, order.id).await?;
    let adjustments = store::adjustments(tx, order.id).await?;
    let shares = Shares::of(&lines, &adjustments, &order.delivery, order.total);
    let left = shares.delivery - store::refunded_delivery(tx, order.id).await?;
    if delivery > left {
        return Err(payments::Error::Exceeded { available: left.max(0) }.into());
    }
    let mut parts = Vec::with_capacity(wanted.len());
    for want in wanted {
        let unknown = || Error::UnknownLine(want.line);
        let line = lines.get(want.line as usize).ok_or_else(unknown)?;
        let share = shares.lines.get(want.line as usize).copied().ok_or_else(unknown)?;
        let before = store::refunded_quantity(tx, order.id, want.line).await?;
        if want.quantity > line.quantity.saturating_sub(before) {
            return Err(Error::PiecesGone { line: want.line, available: line.quantity.saturating_sub(before) });
        }
        let amount = of_pieces(share, line.quantity, before, want.quantity);
        parts.push(RefundLine { line: want.line, quantity: want.quantity, amount, restock: want.restock, dropped: 0 });
    }
    let amount = money::sum(parts.iter().map(|part| part.amount).chain([delivery]))?;
    Ok((amount, delivery, parts))
}

/// Over the payments, the oldest first.
async fn spread(
    shop: &Shop,
    tx: &mut Tx,
    payments: &mut [Payment],
    amount: Amount,
    refund_id: Uuid,
) -> Result<Vec<Step>, db::Error> {
    let mut rest = amount;
    let mut steps = Vec::new();
    for payment in payments {
        let part = rest.min(payments::refundable(payment));
        if part > 0 {
            rest -= part;
            steps.push(payments::begin_refund(shop, tx, payment, part, refund_id).await?);
        }
    }
    Ok(steps)
}

/// Gives back all that was captured for an order that is called off, in the transaction of that. None where nothing was.
pub(super) async fn of_everything(
    shop: &Shop,
    tx: &mut Tx,
    order: &Order,
    cause: &str,
) -> Result<Vec<Step>, StateError> {
    let why = Why { reason: cause, actor: cause };
    match begin(shop, tx, order, &Wanted::Everything, why).await {
        Ok((_, steps)) => Ok(steps),
        Err(Error::Payment(payments::Error::Exceeded { .. })) => Ok(Vec::new()),
        Err(error) => Err(StateError::of_refund(error)),
    }
}

/// Tries a declined refund again: what the provider has not given back of it yet.
pub async fn retry(shop: &Shop, order_id: Uuid, refund_id: Uuid) -> Result<Refund, Error> {
    let mut tx = shop.db().write().await?;
    let order = super::lock(&mut tx, order_id).await?;
    payments::require_room(shop, &mut tx, order_id).await?;
    let refund = store::find_refund(&mut tx, order.id, refund_id).await?.ok_or(Error::NotFound)?;
    if refund.status != RefundStatus::Declined {
        return Err(Error::RefundState(refund.status));
    }
    let rest = refund.amount - refund.prepaid - payments::refund_done(&mut tx, refund.id).await?;
    let mut payments = payments::of_order(&mut tx, order.id).await?;
    let by_payments = money::sum(payments.iter().map(payments::refundable))?;
    // Another refund, or money that moved by hand, may have given it meanwhile.
    let owed = unclaimed(&mut tx, order.id).await?.max(0);
    let available = in_hand(&mut tx, order.id, &payments).await?.min(by_payments).min(owed);
    if rest > available {
        return Err(payments::Error::Exceeded { available }.into());
    }
    store::update_refund(&mut tx, refund.id, RefundStatus::Pending, "", clock::now()).await?;
    let steps = spread(shop, &mut tx, &mut payments, rest, refund.id).await?;
    tx.commit().await?;
    payments::run_steps(shop, steps).await;
    Ok(store::get_refund(&mut shop.db().read().await?, refund_id).await?)
}

/// A step of a refund ended; with the last one the refund does.
pub async fn refund_moved(tx: &mut Tx, order: &Order, refund_id: Uuid, progress: &Progress) -> Result<(), StateError> {
    if progress.open > 0 {
        return Ok(());
    }
    let refund = store::get_refund(tx, refund_id).await?;
    let now = clock::now();
    if progress.done < refund.amount - refund.prepaid {
        store::update_refund(tx, refund_id, RefundStatus::Declined, &progress.code, now).await?;
        return Ok(());
    }
    store::update_refund(tx, refund_id, RefundStatus::Refunded, "", now).await?;
    Ok(tell(tx, order, &refund).await?)
}

async fn tell(tx: &mut Tx, order: &Order, refund: &Refund) -> Result<(), db::Error> {
    let lines = store::lines(tx, order.id).await?;
    let adjustments = store::adjustments(tx, order.id).await?;
    announce::refunded(tx, order, &lines, &adjustments, refund).await
}

/// What refunds did to the goods of an order, by line.
pub async fn refunded_pieces(conn: &mut Conn, order_id: Uuid) -> Result<Vec<RefundedPieces>, db::Error> {
    store::refunded_pieces(conn, order_id).await
}

/// The refunds of an order, the oldest first.
pub async fn list(shop: &Shop, order_id: Uuid) -> Result<Vec<Refund>, Error> {
    let mut conn = shop.db().read().await?;
    store::find_order(&mut conn, order_id).await?.ok_or(Error::NotFound)?;
    Ok(store::refunds(&mut conn, order_id).await?)
}

/// Gives back what is still here of an order that was called off: its declined refunds are tried again, the newest first, since it was of
/// all that was here then. What has gone another way meanwhile goes no second time; where that leaves only a part of each, the part
/// goes. False where there is nothing.
pub(super) async fn give_back_again(shop: &Shop, order_id: Uuid, why: Why<'_>) -> Result<bool, Error> {
    let mut tried = false;
    let refunds = list(shop, order_id).await?;
    for refund in refunds.iter().rev().filter(|refund| refund.status == RefundStatus::Declined) {
        match retry(shop, order_id, refund.id).await {
            Ok(_) => tried = true,
            // Given another way, or somebody else is trying it.
            Err(Error::Payment(payments::Error::Exceeded { .. }) | Error::RefundState(_)) => {}
            Err(error) => return Err(error),
        }
    }
    if tried {
        return Ok(true);
    }
    match refund(shop, Once::default(), order_id, &Wanted::Everything, Destination::Original, why).await {
        Ok(_) => Ok(true),
        Err(Error::Payment(payments::Error::Exceeded { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}
