//! Steps: what may move money, each written down before the plugin is called and repeated under its key until its end is
//! known.

use std::sync::Arc;

use uuid::Uuid;

use super::{Error, Observed, Payment, Status, bound_for, settle, store, worker};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::money::Amount;
use crate::orders::Reason;
use crate::plugins::{CallError, Fault, payment, types};
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
    /// Who wants it, of a cancel that a person asked for: should money have moved meanwhile, the order is called off all
    /// the same.
    pub wish: Option<Reason>,
    pub begun_at: Moment,
}

impl Step {
    pub(super) fn new(kind: StepKind, payment: &Payment, amount: Amount, now: Moment) -> Self {
        let id = id::sequential();
        let idempotency_key = format!("{}-{id}", kind.name());
        Self { id, payment_id: payment.id, kind, idempotency_key, amount, wish: None, begun_at: now }
    }

    /// The first step, whose key is the payment's own.
    pub(super) fn authorize(payment: &Payment, now: Moment) -> Self {
        let idempotency_key = payment.idempotency_key.clone();
        Self { idempotency_key, ..Self::new(StepKind::Authorize, payment, payment.amount, now) }
    }

    /// Is the step over with these news? A capture or cancel that is only taken note of (`pending`, `authorized`) goes on.
    pub(super) fn is_ended_by(&self, observed: &Observed) -> bool {
        let Observed::Outcome(outcome) = observed else { return false };
        let is_final = matches!(
            outcome.status,
            payment::Status::Captured | payment::Status::Cancelled | payment::Status::Declined(_)
        );
        is_final && matches!(self.kind, StepKind::Capture | StepKind::Cancel)
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
        Ok(Answer::Outcome(outcome)) => settle(shop, payment.id, &Observed::Outcome(outcome), step.kind.name()).await,
        Ok(Answer::Refund(refund)) => refunded(shop, payment, &step, refund).await,
        Err(CallError { fault: Fault::Plugin(types::Error::Unsupported(text)), .. })
            if step.kind != StepKind::Capture =>
        {
            tracing::error!(payment = %payment.id, kind = step.kind.name(), text, "the provider cannot do it");
            fail(shop, &payment, &step, "unsupported").await?;
            Ok(payment)
        }
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

/// No use in repeating it: a person must look at it.
async fn fail(shop: &Shop, payment: &Payment, step: &Step, note: &str) -> Result<(), Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    store::end_step(&mut tx, &step.idempotency_key, "failed", note, now).await?;
    store::schedule(&mut tx, payment.id, worker::next_check(shop, payment, now)).await?;
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
            // The money is still ours and the shopper's due. The merchant can cancel the order again, which tries again.
            tracing::error!(payment = %payment.id, code = decline.code, "the provider declined a refund");
            fail(shop, &payment, step, &decline.code).await?;
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

/// Writes down that the whole payment goes back, in the transaction of what is the reason. Run by [`refund`] or the worker.
pub async fn begin_refund(shop: &Shop, tx: &mut Tx, payment: &Payment) -> Result<(), db::Error> {
    let now = clock::now();
    store::insert_step(tx, &Step::new(StepKind::Refund, payment, payment.amount, now)).await?;
    store::schedule(tx, payment.id, Some(now + worker::first_check(shop))).await
}

/// Runs the refund that is written down for a captured payment; begins another where the one before failed.
pub async fn refund(shop: &Shop, payment_id: Uuid) -> Result<Payment, Error> {
    let mut tx = shop.db().write().await?;
    let payment = store::get_payment(&mut tx, payment_id).await?;
    if payment.status != Status::Captured {
        return Ok(payment);
    }
    if store::open_step(&mut tx, payment.id).await?.is_none() {
        begin_refund(shop, &mut tx, &payment).await?;
    }
    let step = store::open_step(&mut tx, payment.id).await?;
    tx.commit().await?;
    match step.filter(|step| step.kind == StepKind::Refund) {
        Some(step) => run(shop, payment, step).await,
        None => Ok(payment),
    }
}

/// Ends a payment that is under way: asks the provider to give up, and settles what it answers. A capture that is not
/// over yet is given up with it. `wish` says who wants it, where a person does.
pub async fn cancel(shop: &Shop, payment_id: Uuid, wish: Option<Reason>) -> Result<Payment, Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let payment = store::get_payment(&mut tx, payment_id).await?;
    let open = store::open_step(&mut tx, payment.id).await?;
    let step = match open {
        Some(step) if step.kind == StepKind::Cancel => {
            if let Some(wish) = wish {
                store::set_wish(&mut tx, &step.idempotency_key, wish).await?;
            }
            step
        }
        open if payment.status.is_open() => {
            // The version guards against a change since it was read, and against a second cancel at the same time.
            if !store::update_payment(&mut tx, &payment, Some(now + worker::first_check(shop)), now).await? {
                return Err(Error::Contended);
            }
            if let Some(capture) = open {
                store::end_step(&mut tx, &capture.idempotency_key, "failed", "given up", now).await?;
            }
            let step = Step { wish, ..Step::new(StepKind::Cancel, &payment, payment.amount, now) };
            store::insert_step(&mut tx, &step).await?;
            step
        }
        _ => return Ok(payment),
    };
    tx.commit().await?;
    run(shop, payment, step).await
}
