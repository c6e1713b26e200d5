//! Giving captured money back: steps of payments that carry out a refund of an order.

use uuid::Uuid;

use super::steps::{Step, StepKind};
use super::{Error, Payment, books, lock, store, worker};
use crate::clock;
use crate::db::{self, Conn, Tx};
use crate::money::Amount;
use crate::plugins::payment;
use crate::{Shop, orders};

/// How far a refund has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Steps whose end is not known.
    pub open: i64,
    pub done: Amount,
    /// Why the last step was declined, if it was.
    pub code: String,
}

/// What can still be given back of a payment: captured, not refunded, and in no refund that is under way.
pub fn refundable(payment: &Payment) -> Amount {
    (payment.moved.captured - payment.moved.refunded - payment.refunding).max(0)
}

/// Writes down that `amount` of a payment goes back, in the transaction that decides it, which holds the order's lock. To be
/// run after the commit; the worker runs what a crash left.
pub async fn begin_refund(
    shop: &Shop,
    tx: &mut Tx,
    payment: &mut Payment,
    amount: Amount,
    refund_id: Uuid,
) -> Result<Step, db::Error> {
    let now = clock::now();
    let step = Step { refund_id: Some(refund_id), ..Step::new(StepKind::Refund, payment, amount, now) };
    store::insert_step(tx, &step).await?;
    store::schedule(tx, payment.id, Some(now + worker::first_check(shop))).await?;
    payment.refunding += amount;
    Ok(step)
}

/// What steps that were just begun give back.
pub fn refunding(steps: &[Step]) -> Amount {
    steps.iter().filter(|step| step.kind == StepKind::Refund).map(|step| step.amount).sum()
}

/// What a refund has given back so far.
pub async fn refund_done(conn: &mut Conn, refund_id: Uuid) -> Result<Amount, db::Error> {
    Ok(store::refund_progress(conn, refund_id).await?.1)
}

/// Applies what the provider answered to a refund. Heard twice, it changes nothing the second time.
pub(super) async fn settle_refund(
    shop: &Shop,
    payment: Payment,
    step: &Step,
    answer: payment::RefundOutcome,
) -> Result<Payment, Error> {
    match answer.status {
        // The worker asks again under the same key.
        payment::RefundStatus::Pending => Ok(payment),
        payment::RefundStatus::Declined(decline) => {
            tracing::error!(payment = %payment.id, code = decline.code, "the provider declined a refund");
            end(shop, &payment, step, "failed", &decline.code).await
        }
        payment::RefundStatus::Refunded => end(shop, &payment, step, "done", &answer.reference).await,
    }
}

/// Ends a refund's step, done or failed, and with it perhaps the refund.
pub(super) async fn end(
    shop: &Shop,
    payment: &Payment,
    step: &Step,
    status: &str,
    note: &str,
) -> Result<Payment, Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let (order, mut payment) = lock(&mut tx, payment.id).await?;
    if !store::end_step(&mut tx, &step.idempotency_key, status, note, now).await? {
        return Ok(payment);
    }
    payment.refunding -= step.amount;
    if status == "done" {
        books::refunded(&mut tx, &mut payment, step.amount, &step.idempotency_key).await?;
    }
    let busy = payment.refunding > 0 || store::open_step(&mut tx, payment.id).await?.is_some();
    if !busy {
        store::schedule(&mut tx, payment.id, worker::next_check(shop, &payment, now)).await?;
    }
    if let Some(refund_id) = step.refund_id {
        let (open, done) = store::refund_progress(&mut tx, refund_id).await?;
        let code = if status == "failed" { note.to_owned() } else { String::new() };
        orders::refund_moved(&mut tx, &order, refund_id, &Progress { open, done, code }).await?;
    }
    tx.commit().await?;
    shop.relay().wake();
    Ok(payment)
}
