//! The one transaction that moves payment, order and ledger together.

use uuid::Uuid;

use super::state::{Move, Observed, Status, apply, next};
use super::steps::{self, Step, StepKind};
use super::{CaptureMode, Error, Payment, Purpose, announce, books, lock, store, worker};
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::money::Amount;
use crate::plugins::payment;
use crate::{Shop, ledger, orders};

/// Applies news about a payment to it, its order and the ledger, and runs the steps that follow. News that are known already
/// change nothing.
pub async fn settle(shop: &Shop, payment_id: Uuid, observed: &Observed, cause: &str) -> Result<Payment, Error> {
    let (payment, begun) = write_down(shop, payment_id, observed, cause).await?;
    shop.relay().wake();
    if begun.is_empty() {
        return Ok(payment);
    }
    Box::pin(steps::run_steps(shop, begun)).await;
    Ok(store::get_payment(&mut shop.db().read().await?, payment_id).await?)
}

/// The one transaction, and the steps that are to be run after it.
async fn write_down(
    shop: &Shop,
    payment_id: Uuid,
    observed: &Observed,
    cause: &str,
) -> Result<(Payment, Vec<Step>), Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let (order, mut payment) = lock(&mut tx, payment_id).await?;
    let arrived = books::arrived(&payment, observed);
    let (ended, waiting) = match store::open_step(&mut tx, payment.id).await? {
        Some(step) if step.is_ended_by(observed, arrived) => (Some(step), None),
        open => (None, open),
    };
    let was = payment.status;
    let news = next(was, observed, payment.moved.captured > 0);
    match news {
        Move::To(status) => apply(&mut payment, status, observed),
        Move::Void | Move::Stay => {}
    }
    books::post(&mut tx, &mut payment, observed, cause).await?;
    // What an order that was called off gives up is begun with its money, below.
    let given_up = waiting.is_some() || order.status == orders::Status::Cancelled && payment.status.is_open();
    let take = to_take(shop, &mut tx, &news, &order, &payment).await?;
    let (step, when) = follow_up(take, &news, &payment, observed, ended.as_ref(), given_up, now);
    let pending = waiting.is_some() || payment.refunding > 0;
    let next_check = match (&step, pending) {
        // The worker takes a step over where this process dies before it is done.
        (Some(_), _) => Some(now + worker::first_check(shop)),
        // With growing pauses: a provider that only takes note answers the same to every repetition.
        (None, true) => Some(worker::due_after(shop, &payment, payment.checks, now)),
        (None, false) => worker::next_check(shop, &payment, now),
    };
    if news != Move::Stay {
        if !store::update_payment(&mut tx, &payment, next_check, now).await? {
            return Err(Error::Contended);
        }
        payment.version += 1;
    } else if !pending {
        // Whoever began what is pending has scheduled it.
        store::schedule(&mut tx, payment.id, next_check).await?;
    }
    announce::status(&mut tx, &order, &payment, was).await?;
    if let Some(step) = &step {
        store::insert_step(&mut tx, step).await?;
    }
    if !matches!(observed, Observed::Lost) {
        store::end_step(&mut tx, &payment.idempotency_key, "done", "", now).await?;
    }
    if let Some(step) = &ended {
        let (status, note) = end_of(step, observed);
        store::end_step(&mut tx, &step.idempotency_key, status, note, now).await?;
    }
    let mut begun: Vec<Step> = step.filter(|_| when == When::Now).into_iter().collect();
    if news != Move::Stay || arrived > 0 {
        // While a cancel is under way, a reservation is worth nothing.
        let cancelling = waiting.is_some_and(|step| step.kind == StepKind::Cancel);
        let wish = ended.and_then(|step| step.wish);
        begun.extend(move_order(shop, &mut tx, &order, &payment, cancelling, wish, cause).await?);
    }
    tx.commit().await?;
    Ok((payment, begun))
}

/// How a step stands in the journal that these news end.
fn end_of<'a>(step: &Step, observed: &'a Observed) -> (&'static str, &'a str) {
    match observed {
        Observed::Outcome(payment::Outcome { status: payment::Status::Declined(decline), .. })
            if step.kind == StepKind::Capture =>
        {
            ("failed", &decline.code)
        }
        _ => ("done", ""),
    }
}

#[derive(PartialEq)]
enum When {
    Now,
    /// By the worker.
    Later,
}

/// How much of a reservation that news tell of is taken at once: what the order owes, without what captures of its other payments are
/// about to bring. None where the merchant takes it, and where those may bring all: the worker asks again, when they have ended.
async fn to_take(
    shop: &Shop,
    tx: &mut Tx,
    news: &Move,
    order: &orders::Order,
    payment: &Payment,
) -> Result<Option<Amount>, Error> {
    if *news != Move::To(Status::Authorized) || shop.config().payments.capture == CaptureMode::ByHand {
        return Ok(None);
    }
    let owed = ledger::balance(tx, order.id).await?.outstanding.max(0);
    let elsewhere = store::open_captures(tx, order.id, payment.id).await?;
    Ok(if elsewhere > 0 && elsewhere >= owed { None } else { Some(owed - elsewhere) })
}

/// The step that news begin. `ended` is the one that they end; `given_up`: somebody wants the payment cancelled.
fn follow_up(
    take: Option<Amount>,
    news: &Move,
    payment: &Payment,
    observed: &Observed,
    ended: Option<&Step>,
    given_up: bool,
    now: Moment,
) -> (Option<Step>, When) {
    let step = |kind, amount| Some(Step::new(kind, payment, amount, now));
    let refused = ended.is_some_and(|step| end_of(step, observed).0 == "failed");
    match news {
        // Nothing is captured meanwhile.
        Move::To(Status::Authorized) | Move::Void if given_up => (None, When::Now),
        Move::To(Status::Authorized) => {
            let begun = take.filter(|_| payment.moved.authorized > 0).and_then(|owed| match owed {
                // It was paid in another way meanwhile.
                0 => step(StepKind::Cancel, payment.amount - payment.moved.captured),
                owed => step(StepKind::Capture, payment.moved.authorized.min(owed)),
            });
            (begun, When::Now)
        }
        Move::Void => (step(StepKind::Cancel, payment.amount), When::Now),
        // A capture that is refused leaves the money reserved at the provider: let go of it.
        Move::To(Status::Declined | Status::Captured) if refused => {
            (step(StepKind::Cancel, payment.amount - payment.moved.captured), When::Later)
        }
        // We give up without knowing that the provider does: it is told, so that a request that comes late takes nothing.
        Move::To(Status::Cancelled) if !matches!(observed, Observed::Outcome(_)) => {
            (step(StepKind::Cancel, payment.amount).filter(|_| !given_up), When::Later)
        }
        Move::To(_) | Move::Stay => (None, When::Now),
    }
}

/// Moves the order with its payment; the steps that this began.
async fn move_order(
    shop: &Shop,
    tx: &mut Tx,
    order: &orders::Order,
    payment: &Payment,
    cancelling: bool,
    wish: Option<orders::Reason>,
    cause: &str,
) -> Result<Vec<Step>, Error> {
    let ended = !payment.status.is_open();
    if order.status == orders::Status::Cancelled {
        return match payment.status {
            Status::Captured | Status::Authorized => {
                Ok(orders::give_back(shop, tx, order, "money came for an order that was called off").await?)
            }
            _ => Ok(Vec::new()),
        };
    }
    if is_covered(shop, tx, order.id, cancelling).await? {
        orders::mark_paid(tx, order.id, cause).await?;
        let begun = crate::fulfilment::has_begun(tx, order.id).await?;
        return match wish.filter(|_| ended && order.status.can_be_called_off() && !begun) {
            Some(reason) => Ok(orders::call_off(shop, tx, order.id, reason).await?),
            None => Ok(Vec::new()),
        };
    }
    // An attempt at the rest leaves the order as it was, to be paid by another, unless somebody called the order off meanwhile.
    if !ended || payment.purpose == Purpose::Rest && wish.is_none() {
        return Ok(Vec::new());
    }
    let (reason, word) = match payment.status {
        Status::Declined => (orders::Reason::PaymentDeclined, "declined"),
        // Taken in part, and no more can be.
        Status::Captured => (orders::Reason::PaymentDeclined, "short"),
        _ => (orders::Reason::PaymentCancelled, "cancelled"),
    };
    let cause = payment.decline.as_ref().map_or(cause, |decline| decline.code.as_str());
    Ok(orders::give_up(shop, tx, order.id, wish.unwrap_or(reason), &format!("payment {word}: {cause}")).await?)
}

/// Is nothing owed any more? Where money is captured by hand, what is reserved is as good as paid: goods may leave, and are
/// charged when they do.
async fn is_covered(shop: &Shop, tx: &mut Tx, order_id: Uuid, cancelling: bool) -> Result<bool, Error> {
    let balance = ledger::balance(tx, order_id).await?;
    let by_hand = shop.config().payments.capture == CaptureMode::ByHand && !cancelling;
    Ok(balance.outstanding <= if by_hand { balance.authorized } else { 0 })
}
