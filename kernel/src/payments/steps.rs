//! Steps: what may move money, each written down before the plugin is called and repeated under its key until its end is
//! known.

use std::sync::Arc;

use uuid::Uuid;

use super::{Error, Observed, Payment, Status, bound_for, settle, store, worker};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::money::Amount;
use crate::plugins::payment;
use crate::{Shop, id};

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepKind {
    Authorize,
    Capture,
    Cancel,
    Refund,
}

impl StepKind {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Authorize, "authorize"),
        (Self::Capture, "capture"),
        (Self::Cancel, "cancel"),
        (Self::Refund, "refund"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(kind, _)| *kind)
    }
}

/// One step of a payment.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub id: Uuid,
    pub payment_id: Uuid,
    pub kind: StepKind,
    pub idempotency_key: String,
    pub amount: Amount,
    pub begun_at: Moment,
}

impl Step {
    pub(super) fn new(kind: StepKind, payment: &Payment, amount: Amount, now: Moment) -> Self {
        let id = id::sequential();
        let idempotency_key = format!("{}-{id}", kind.name());
        Self { id, payment_id: payment.id, kind, idempotency_key, amount, begun_at: now }
    }

    /// The first step, whose key is the payment's own.
    pub(super) fn authorize(payment: &Payment, now: Moment) -> Self {
        let idempotency_key = payment.idempotency_key.clone();
        Self { idempotency_key, ..Self::new(StepKind::Authorize, payment, payment.amount, now) }
    }
}

/// Calls the plugin for a step that has been committed, and settles what it answers. A step whose end is not known stays
/// open, and the worker runs it again under the same key.
pub(super) async fn run(shop: &Shop, payment: Payment, step: Step) -> Result<Payment, Error> {
    let bound = bound_for(shop, &payment).await?;
    let host = shop.plugins().host();
    let request = Arc::new(payment::FollowUp {
        idempotency_key: step.idempotency_key.clone(),
        payment_key: payment.idempotency_key.clone(),
        reference: payment.reference.clone(),
        currency: payment.currency.clone(),
        amount: step.amount,
        now: clock::unix_seconds(clock::now()),
    });
    let answer = match step.kind {
        // Begun by the checkout and never repeated: how it ended is asked by query.
        StepKind::Authorize => return Ok(payment),
        StepKind::Capture => host.capture(&bound, &request).await.map(|called| Answer::Outcome(called.value)),
        StepKind::Cancel => host.cancel_payment(&bound, &request).await.map(|called| Answer::Outcome(called.value)),
        StepKind::Refund => host.refund(&bound, &request).await.map(|called| Answer::Refund(called.value)),
    };
    match answer {
        Ok(Answer::Outcome(outcome)) => {
            end(shop, &step, "done", "").await?;
            settle(shop, payment.id, &Observed::Outcome(outcome), step.kind.name()).await
        }
        Ok(Answer::Refund(refund)) => refunded(shop, payment, &step, refund).await,
        Err(error) => {
            let kind = step.kind.name();
            tracing::warn!(payment = %payment.id, kind, reason = error.code(), %error, "a payment step failed, to be repeated");
            Ok(payment)
        }
    }
}

enum Answer {
    Outcome(payment::Outcome),
    Refund(payment::RefundOutcome),
}

async fn end(shop: &Shop, step: &Step, status: &str, note: &str) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    store::end_step(&mut tx, &step.idempotency_key, status, note, clock::now()).await?;
    tx.commit().await?;
    Ok(())
}

async fn refunded(
    shop: &Shop,
    mut payment: Payment,
    step: &Step,
    refund: payment::RefundOutcome,
) -> Result<Payment, Error> {
    let now = clock::now();
    match refund.status {
        // The worker asks again under the same key.
        payment::RefundStatus::Pending => return Ok(payment),
        payment::RefundStatus::Declined(decline) => {
            // The money is still ours and the shopper's due: a person must look at it.
            tracing::error!(payment = %payment.id, code = decline.code, "the provider declined a refund");
            let mut tx = shop.db().write().await?;
            store::end_step(&mut tx, &step.idempotency_key, "failed", &decline.code, now).await?;
            store::schedule(&mut tx, payment.id, None).await?;
            tx.commit().await?;
        }
        payment::RefundStatus::Refunded => {
            payment.status = Status::Refunded;
            let mut tx = shop.db().write().await?;
            store::end_step(&mut tx, &step.idempotency_key, "done", &refund.reference, now).await?;
            // Another run of this same step may have been first: its outcome is the same.
            store::update_payment(&mut tx, &payment, None, now).await?;
            tx.commit().await?;
        }
    }
    Ok(payment)
}

/// Writes down that the whole payment goes back, in the transaction of what is the reason. Run by [`cancel`] or the worker.
pub async fn begin_refund(shop: &Shop, tx: &mut Tx, payment: &Payment) -> Result<(), db::Error> {
    let now = clock::now();
    store::insert_step(tx, &Step::new(StepKind::Refund, payment, payment.amount, now)).await?;
    store::schedule(tx, payment.id, Some(now + worker::first_check(shop))).await
}

/// Ends a payment that is under way: runs its open step, or asks the provider to give up and settles what it answers.
pub async fn cancel(shop: &Shop, payment: Payment) -> Result<Payment, Error> {
    let open = store::open_step(&mut shop.db().read().await?, payment.id).await?;
    let step = match open.filter(|step| step.kind != StepKind::Authorize) {
        Some(step) => step,
        None if payment.status.is_open() => {
            let now = clock::now();
            let step = Step::new(StepKind::Cancel, &payment, payment.amount, now);
            let mut tx = shop.db().write().await?;
            store::insert_step(&mut tx, &step).await?;
            store::schedule(&mut tx, payment.id, Some(now + worker::first_check(shop))).await?;
            tx.commit().await?;
            step
        }
        None => return Ok(payment),
    };
    run(shop, payment, step).await
}
