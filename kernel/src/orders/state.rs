//! The state machine of an order: `new -> paid -> shipped -> delivered`, `cancelled` from the first two.
//!
//! Every change is one guarded update, a row in the history with its cause, and an event, in one transaction.

use uuid::Uuid;

use super::{Details, Line, Order, Status, announce, refunds, store};
use crate::carts;
use crate::clock;
use crate::coupons;
use crate::db::{self, Tx};
use crate::inventory;
use crate::ledger;
use crate::money::Amount;
use crate::payments::{self, Step};
use crate::{Shop, fulfilment, orders, prepaid};

/// Why an order cannot move.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    #[error("the order is {}", .0.name())]
    Not(Status),
    #[error("the order was changed at the same time")]
    Contended,
    /// A carrier was booked, or goods have left.
    #[error("shipping has begun")]
    ShippingBegun,
    #[error(transparent)]
    Ledger(#[from] ledger::Error),
    /// What should have gone back could not be written down.
    #[error("the refund cannot be made: {0}")]
    Refund(Box<orders::Error>),
    #[error(transparent)]
    Stock(#[from] inventory::Error),
    #[error(transparent)]
    Prepaid(#[from] prepaid::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl StateError {
    /// An order's error, as far as it is not one of its state anyway.
    pub(super) fn of_refund(error: orders::Error) -> Self {
        match error {
            orders::Error::State(error) => error,
            error => Self::Refund(Box::new(error)),
        }
    }
}

/// Why an order is called off. The names are in the events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    Customer,
    Merchant,
    PaymentDeclined,
    /// The shopper gave the payment up, or never came back to it, or it never reached the provider.
    PaymentCancelled,
}

impl Reason {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Customer, "customer"),
        (Self::Merchant, "merchant"),
        (Self::PaymentDeclined, "payment-declined"),
        (Self::PaymentCancelled, "payment-cancelled"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(reason, _)| *reason == self).map_or("", |(_, name)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(reason, _)| *reason)
    }

    /// For the history of a paid order.
    fn cause(self) -> &'static str {
        match self {
            Self::Customer => "cancelled by the shopper",
            Self::Merchant => "cancelled by the merchant",
            Self::PaymentDeclined | Self::PaymentCancelled => "the payment failed",
        }
    }
}

/// What the shopper gets back of an order that is called off.
#[derive(Debug, Clone, Copy)]
pub(super) struct GoesBack {
    /// From payments.
    pub refunded: Amount,
    /// To gift cards and store credit.
    pub returned: Amount,
}

/// May an order go from one state to the other?
fn allowed(from: Status, to: Status) -> bool {
    use Status::{Cancelled, Delivered, New, Paid, Shipped};
    matches!((from, to), (New, Paid | Cancelled) | (Paid, Shipped | Cancelled) | (Shipped, Delivered))
}

/// Writes the present state into the history.
pub(super) async fn note(tx: &mut Tx, order: &Order, cause: &str) -> Result<(), db::Error> {
    store::insert_history(tx, order.id, order.version, clock::now(), order.status.name(), cause).await
}

async fn go(tx: &mut Tx, order: &mut Order, to: Status, cause: &str) -> Result<(), StateError> {
    if !allowed(order.status, to) {
        return Err(StateError::Not(order.status));
    }
    if !store::update_status(tx, order.id, order.version, to, clock::now()).await? {
        return Err(StateError::Contended);
    }
    order.status = to;
    order.version += 1;
    note(tx, order, cause).await?;
    Ok(())
}

/// The money is there: what the order holds does not expire any more. An order that is paid already stays as it is.
pub async fn mark_paid(tx: &mut Tx, order_id: Uuid, cause: &str) -> Result<(), StateError> {
    let mut order = store::get_order(tx, order_id).await?;
    if order.status != Status::New {
        return Ok(());
    }
    go(tx, &mut order, Status::Paid, cause).await?;
    // What is short by now is told to staff, and the order waits for it.
    inventory::keep(tx, order_id).await?;
    let lines = store::lines(tx, order_id).await?;
    tell(tx, "order.paid", &order, &lines).await
}

/// No money will come any more: the stock goes back, and the shopper finds the cart open again. What was captured, of an order
/// that could not be captured whole, goes back too: the steps are to be run after the commit. Not while another payment
/// of the order is under way.
pub async fn give_up(
    shop: &Shop,
    tx: &mut Tx,
    order_id: Uuid,
    reason: Reason,
    cause: &str,
) -> Result<Vec<Step>, StateError> {
    let mut order = store::get_order(tx, order_id).await?;
    if order.status != Status::New || payments::is_any_open(tx, order_id).await? {
        return Ok(Vec::new());
    }
    go(tx, &mut order, Status::Cancelled, cause).await?;
    let lines = store::lines(tx, order_id).await?;
    inventory::release(tx, order_id).await?;
    coupons::give_back(tx, order_id).await?;
    ledger::call_off(tx, order_id, cause).await?;
    carts::reopen(shop, tx, order.cart_id, order.id).await?;
    let returned = refunds::return_prepaid(tx, &order, cause).await?;
    let steps = give_back(shop, tx, &order, cause).await?;
    let back = GoesBack { refunded: payments::refunding(&steps), returned };
    tell_cancelled(tx, &order, &lines, reason, back).await?;
    Ok(steps)
}

/// All goods that are still wanted have left, each shipment of which was told. An order that is not paid, or further already,
/// stays as it is.
pub async fn mark_shipped(tx: &mut Tx, order_id: Uuid, cause: &str) -> Result<(), StateError> {
    let mut order = store::get_order(tx, order_id).await?;
    if order.status == Status::Paid {
        go(tx, &mut order, Status::Shipped, cause).await?;
    }
    Ok(())
}

/// All goods have arrived.
pub async fn mark_delivered(tx: &mut Tx, order_id: Uuid, cause: &str) -> Result<(), StateError> {
    let mut order = store::get_order(tx, order_id).await?;
    if order.status != Status::Shipped {
        return Ok(());
    }
    go(tx, &mut order, Status::Delivered, cause).await?;
    let lines = store::lines(tx, order_id).await?;
    tell(tx, "order.delivered", &order, &lines).await
}

/// Calls an order off before shipping begins.
///
/// Unpaid: the provider is asked to give up first, since money may have moved meanwhile; where it has, the order counts as
/// paid and is called off like one. Paid: the order is cancelled at once, so that it cannot be shipped any more, and
/// the refund is begun in the same transaction; the worker repeats it until the provider has done it. Cancelled, with
/// money still here (the provider declined the refund): a merchant's cancel tries to give it back again.
pub async fn cancel(shop: &Shop, details: Details, reason: Reason) -> Result<Details, orders::Error> {
    let order_id = details.order.id;
    match details.order.status {
        Status::New if details.payments.iter().any(|payment| payment.status.is_open()) => {
            for payment in details.payments.iter().filter(|payment| payment.status.is_open()) {
                payments::cancel(shop, payment.id, Some(reason)).await?;
            }
            let now = orders::get_any(shop, order_id).await?;
            // The provider cannot be reached: the wish is written down, and the worker repeats it.
            if now.order.status != Status::Cancelled {
                return Err(StateError::Not(now.order.status).into());
            }
            return Ok(now);
        }
        Status::New | Status::Paid => {
            let mut tx = shop.db().write().await?;
            orders::lock(&mut tx, order_id).await?;
            let steps = call_off(shop, &mut tx, order_id, reason).await?;
            tx.commit().await?;
            shop.relay().wake();
            payments::run_steps(shop, steps).await;
        }
        Status::Cancelled if reason == Reason::Merchant => {
            let why = refunds::Why { reason: reason.cause(), actor: reason.cause() };
            if !refunds::give_back_again(shop, order_id, why).await? {
                return Err(StateError::Not(Status::Cancelled).into());
            }
        }
        status => return Err(StateError::Not(status).into()),
    }
    orders::get_any(shop, order_id).await
}

/// Cancels an order: others can buy the goods, and the money is on its way to the shopper. The steps are to be run after
/// the commit; the transaction holds the order's lock.
pub async fn call_off(shop: &Shop, tx: &mut Tx, order_id: Uuid, reason: Reason) -> Result<Vec<Step>, StateError> {
    let mut order = store::get_order(tx, order_id).await?;
    go(tx, &mut order, Status::Cancelled, reason.cause()).await?;
    if !fulfilment::call_off(tx, &order).await? {
        return Err(StateError::ShippingBegun);
    }
    let lines = store::lines(tx, order_id).await?;
    inventory::release(tx, order_id).await?;
    coupons::give_back(tx, order_id).await?;
    ledger::call_off(tx, order_id, reason.cause()).await?;
    let returned = refunds::return_prepaid(tx, &order, reason.cause()).await?;
    let steps = give_back(shop, tx, &order, reason.cause()).await?;
    let back = GoesBack { refunded: payments::refunding(&steps), returned };
    tell_cancelled(tx, &order, &lines, reason, back).await?;
    Ok(steps)
}

/// Gives back, and up, all money of an order that is cancelled; the steps for that, none where there is none.
pub async fn give_back(shop: &Shop, tx: &mut Tx, order: &Order, cause: &str) -> Result<Vec<Step>, StateError> {
    let mut steps = payments::begin_release(shop, tx, order.id).await?;
    steps.extend(refunds::of_everything(shop, tx, order, cause).await?);
    Ok(steps)
}

async fn tell(tx: &mut Tx, kind: &str, order: &Order, lines: &[Line]) -> Result<(), StateError> {
    let adjustments = store::adjustments(tx, order.id).await?;
    Ok(announce::announce(tx, kind, order, lines, &adjustments).await?)
}

async fn tell_cancelled(
    tx: &mut Tx,
    order: &Order,
    lines: &[Line],
    reason: Reason,
    back: GoesBack,
) -> Result<(), StateError> {
    let adjustments = store::adjustments(tx, order.id).await?;
    Ok(announce::cancelled(tx, order, lines, &adjustments, reason, back).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_moves_forward_or_is_cancelled_before_it_ships() {
        use Status::*;
        let all = [New, Paid, Shipped, Delivered, Cancelled];
        let moves: Vec<_> = all
            .iter()
            .flat_map(|from| all.iter().map(move |to| (*from, *to)))
            .filter(|(from, to)| allowed(*from, *to))
            .collect();
        assert_eq!(moves, [(New, Paid), (New, Cancelled), (Paid, Shipped), (Paid, Cancelled), (Shipped, Delivered)]);
    }
}
