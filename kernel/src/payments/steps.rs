//! Steps: what may move money, each written down before the plugin is called and repeated under its key until its end is
//! known.

use std::sync::Arc;

use uuid::Uuid;

use super::provider::{outcome_refused, refund_refused};
use super::{CaptureMode, Error, Observed, Payment, Provider, Status, captures, lock, refunds, settle, store, worker};
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
pub struct Step {
    pub(super) id: Uuid,
    pub(super) payment_id: Uuid,
    pub(super) kind: StepKind,
    /// Which refund of the order it carries out, of a refund.
    pub(super) refund_id: Option<Uuid>,
    pub(super) idempotency_key: String,
    pub(super) amount: Amount,
    /// Who wants it, of a cancel that a person asked for: should money have moved meanwhile, the order is called off all
    /// the same.
    pub(super) wish: Option<Reason>,
    pub(super) begun_at: Moment,
}

impl Step {
    pub(super) fn new(kind: StepKind, payment: &Payment, amount: Amount, now: Moment) -> Self {
        let id = id::sequential();
        let idempotency_key = format!("{}-{id}", kind.name());
        Self { id, payment_id: payment.id, kind, refund_id: None, idempotency_key, amount, wish: None, begun_at: now }
    }

    /// The first step, whose key is the payment's own.
    pub(super) fn authorize(payment: &Payment, now: Moment) -> Self {
        let idempotency_key = payment.idempotency_key.clone();
        Self { idempotency_key, ..Self::new(StepKind::Authorize, payment, payment.amount, now) }
    }

    /// Is the step over with these news? A capture or cancel that is only taken note of (`pending`, `authorized`) goes on, and
    /// so does one about which the news tell nothing: where part was captured before, a sum without anything new (`arrived`)
    /// may be from before the step.
    pub(super) fn is_ended_by(&self, observed: &Observed, arrived: Amount) -> bool {
        let Observed::Outcome(outcome) = observed else { return false };
        match outcome.status {
            payment::Status::Cancelled | payment::Status::Declined(_) => true,
            payment::Status::Captured => outcome.capturable == 0 || self.kind == StepKind::Capture && arrived > 0,
            _ => false,
        }
    }
}

/// A step as it stands in the journal.
#[derive(Debug, Clone)]
pub struct Journaled {
    pub id: Uuid,
    pub payment_id: Uuid,
    pub kind: String,
    pub amount: Amount,
    /// `begun`, `done` or `failed`.
    pub status: String,
    /// Why it failed, or the provider's name of it.
    pub note: String,
    pub begun_at: Moment,
    pub ended_at: Option<Moment>,
}

/// Runs steps that have been committed, one after the other. What fails stays open, and the worker repeats it: to whoever began it, it is
/// pending. An error instead would free the key of their request, and repeating that would begin another step.
pub async fn run_steps(shop: &Shop, steps: Vec<Step>) {
    for step in steps {
        if let Err(error) = run_step(shop, &step).await {
            let kind = step.kind.name();
            tracing::error!(payment = %step.payment_id, kind, %error, "a payment step cannot be run, to be repeated");
        }
    }
}

async fn run_step(shop: &Shop, step: &Step) -> Result<Payment, Error> {
    let payment = store::get_payment(&mut shop.db().read().await?, step.payment_id).await?;
    run(shop, payment, step, Turn::First).await
}

/// Which time a step is run. How it ends is held for or against the plugin once: of what is repeated for days there would be nothing else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    First,
    Again,
}

/// Calls the plugin for a step that has been committed, and settles what it answers. A step whose end is not known stays
/// open, and the worker runs it again under the same key.
pub(super) async fn run(shop: &Shop, payment: Payment, step: &Step, turn: Turn) -> Result<Payment, Error> {
    let provider = Provider::of(shop, &payment).await?;
    let provider = if turn == Turn::First { provider } else { provider.unwatched() };
    let (host, bound) = (shop.plugins().host(), &provider.bound);
    let request = Arc::new(payment::FollowUp {
        idempotency_key: step.idempotency_key.clone(),
        payment_key: payment.idempotency_key.clone(),
        reference: payment.reference.clone(),
        currency: payment.currency.clone(),
        amount: step.amount,
        now: clock::unix_seconds(clock::now()),
    });
    let whole = payment.amount;
    let answer = match step.kind {
        // Begun by the checkout and never repeated: how it ended is asked by query.
        StepKind::Authorize => return Ok(payment),
        StepKind::Capture => {
            let answer = host.capture(bound, &request, whole).await.map(|called| called.value);
            provider.tell(&answer, outcome_refused);
            answer.or_else(refused_if_unsupported).map(Answer::Outcome)
        }
        StepKind::Cancel => {
            let answer = host.cancel_payment(bound, &request, whole).await.map(|called| called.value);
            provider.tell(&answer, |_| None);
            answer.map(Answer::Outcome)
        }
        StepKind::Refund => {
            let answer = host.refund(bound, &request).await.map(|called| called.value);
            provider.tell(&answer, refund_refused);
            answer.map(Answer::Refund)
        }
    };
    if step.kind == StepKind::Capture
        && let Ok(Answer::Outcome(payment::Outcome { status: payment::Status::Declined(decline), .. })) = &answer
        && captures::fail_alone(shop, &payment, step, &decline.code).await?
    {
        return Ok(payment);
    }
    match answer {
        Ok(Answer::Outcome(outcome)) => settle(shop, payment.id, &Observed::Outcome(outcome), step.kind.name()).await,
        Ok(Answer::Refund(refund)) => refunds::settle_refund(shop, payment, step, refund).await,
        Err(CallError { fault: Fault::Plugin(types::Error::Unsupported(text)), .. }) => {
            tracing::error!(payment = %payment.id, kind = step.kind.name(), text, "the provider cannot do it");
            fail(shop, payment, step, "unsupported").await
        }
        Err(error) => {
            let kind = step.kind.name();
            tracing::warn!(payment = %payment.id, kind, reason = error.code(), %error, "a payment step failed, to be repeated");
            Ok(payment)
        }
    }
}

/// A capture that the provider cannot do is refused like any other: repeated, it would be answered the same for ever.
fn refused_if_unsupported(error: CallError) -> Result<payment::Outcome, CallError> {
    let Fault::Plugin(types::Error::Unsupported(text)) = &error.fault else { return Err(error) };
    tracing::error!(text, "the provider cannot capture");
    let decline = payment::Decline { code: "unsupported".into(), message: "the provider cannot capture it".into() };
    let status = payment::Status::Declined(decline);
    Ok(payment::Outcome { status, reference: String::new(), amount: 0, capturable: 0, attributes: Vec::new() })
}

enum Answer {
    Outcome(payment::Outcome),
    Refund(payment::RefundOutcome),
}

/// No use in repeating it: a person must look at it.
async fn fail(shop: &Shop, payment: Payment, step: &Step, note: &str) -> Result<Payment, Error> {
    if step.kind == StepKind::Refund {
        return refunds::end(shop, &payment, step, "failed", note).await;
    }
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    store::end_step(&mut tx, &step.idempotency_key, "failed", note, now).await?;
    store::schedule(&mut tx, payment.id, worker::next_check(shop, &payment, now)).await?;
    tx.commit().await?;
    Ok(payment)
}

/// Ends a payment that is under way: asks the provider to give up, and settles what it answers. A capture that is not
/// over yet is given up with it. `wish` says who wants it, where a person does.
pub async fn cancel(shop: &Shop, payment_id: Uuid, wish: Option<Reason>) -> Result<Payment, Error> {
    let mut tx = shop.db().write().await?;
    let (_, payment) = lock(&mut tx, payment_id).await?;
    let step = begin_cancel(shop, &mut tx, &payment, wish).await?;
    tx.commit().await?;
    let Some(step) = step else { return Ok(payment) };
    run_steps(shop, vec![step]).await;
    Ok(store::get_payment(&mut shop.db().read().await?, payment_id).await?)
}

/// Writes down that a payment is to be given up, in a transaction that holds the order's lock; none where it has ended.
pub(super) async fn begin_cancel(
    shop: &Shop,
    tx: &mut Tx,
    payment: &Payment,
    wish: Option<Reason>,
) -> Result<Option<Step>, db::Error> {
    let now = clock::now();
    match store::open_step(tx, payment.id).await? {
        Some(step) if step.kind == StepKind::Cancel => {
            if let Some(wish) = wish {
                store::set_wish(tx, &step.idempotency_key, wish).await?;
            }
            Ok(Some(step))
        }
        open if payment.status.is_open() => {
            if let Some(capture) = open {
                store::end_step(tx, &capture.idempotency_key, "failed", "given up", now).await?;
            }
            let rest = payment.amount - payment.moved.captured;
            let step = Step { wish, ..Step::new(StepKind::Cancel, payment, rest, now) };
            store::insert_step(tx, &step).await?;
            store::schedule(tx, payment.id, Some(now + worker::first_check(shop))).await?;
            Ok(Some(step))
        }
        _ => Ok(None),
    }
}

/// Writes down that whatever is under way for an order is given up, in a transaction that holds its lock. What is being
/// cancelled already is the worker's: begun again by each answer that only takes note, it would never come to rest.
pub async fn begin_release(shop: &Shop, tx: &mut Tx, order_id: Uuid) -> Result<Vec<Step>, db::Error> {
    begin_release_but(None, shop, tx, order_id).await
}

/// As [`begin_release`], of an order that owes nothing any more: what is under way could only be paid too much. Where the merchant
/// captures by hand, what is reserved stays, since no more of it is taken than is owed.
pub async fn begin_release_of_paid(shop: &Shop, tx: &mut Tx, order_id: Uuid) -> Result<Vec<Step>, db::Error> {
    let stays = (shop.config().payments.capture == CaptureMode::ByHand).then_some(Status::Authorized);
    begin_release_but(stays, shop, tx, order_id).await
}

async fn begin_release_but(
    stays: Option<Status>,
    shop: &Shop,
    tx: &mut Tx,
    order_id: Uuid,
) -> Result<Vec<Step>, db::Error> {
    let mut begun = Vec::new();
    for payment in super::of_order(tx, order_id).await? {
        if stays == Some(payment.status) {
            continue;
        }
        let open = store::open_step(tx, payment.id).await?;
        if open.is_none_or(|step| step.kind != StepKind::Cancel) {
            begun.extend(begin_cancel(shop, tx, &payment, None).await?);
        }
    }
    Ok(begun)
}
