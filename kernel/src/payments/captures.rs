//! Taking reserved money by hand, in full or in part, and letting go of the rest.

use uuid::Uuid;

use super::steps::{self, Step, StepKind};
use super::{CaptureMode, Error, Payment, Status, lock, store, worker};
use crate::clock;
use crate::db::Tx;
use crate::money::Amount;
use crate::once::Once;
use crate::{Shop, ledger, orders};

/// Takes `amount` of what is reserved for an order, or all of it, but never more than the order owes: an edit may have made it cheaper, or
/// the shopper paid in cash. Over several payments the oldest is taken first.
pub async fn capture(shop: &Shop, once: Once, order_id: Uuid, amount: Option<Amount>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    orders::lock(&mut tx, order_id).await?;
    if let Some(step_id) = once.done(&mut tx).await? {
        drop(tx);
        return declined(shop, step_id).await?.map_or(Ok(()), |decline| Err(Error::CaptureDeclined(decline)));
    }
    super::require_room(shop, &mut tx, order_id).await?;
    let payments = authorized(&mut tx, order_id).await?;
    let reserved: Amount = payments.iter().map(|payment| payment.moved.authorized).sum();
    let under_way = store::open_captures(&mut tx, order_id, Uuid::nil()).await?;
    let available = reserved.min(ledger::balance(&mut tx, order_id).await?.outstanding - under_way).max(0);
    let mut rest = amount.unwrap_or(available);
    if rest > available || rest == 0 {
        // How much is owed is not known while a capture has not ended.
        return Err(if under_way > 0 { Error::Busy } else { Error::Exceeded { available } });
    }
    let mut begun = Vec::new();
    for payment in payments {
        let part = rest.min(payment.moved.authorized);
        if part > 0 {
            rest -= part;
            begun.push(begin(shop, &mut tx, &payment, StepKind::Capture, part).await?);
        }
    }
    if let Some(first) = begun.first() {
        once.keep(&mut tx, first.id).await?;
    }
    tx.commit().await?;
    steps::run_steps(shop, begun.clone()).await;
    for step in &begun {
        if let Some(decline) = declined(shop, step.id).await? {
            return Err(Error::CaptureDeclined(decline));
        }
    }
    Ok(())
}

/// Lets go of everything that is reserved for an order and not taken.
pub async fn release(shop: &Shop, order_id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    orders::lock(&mut tx, order_id).await?;
    super::require_room(shop, &mut tx, order_id).await?;
    let payments = authorized(&mut tx, order_id).await?;
    if payments.is_empty() {
        return Err(Error::Exceeded { available: 0 });
    }
    let mut begun = Vec::new();
    for payment in payments {
        begun.push(begin(shop, &mut tx, &payment, StepKind::Cancel, payment.moved.authorized).await?);
    }
    tx.commit().await?;
    steps::run_steps(shop, begun).await;
    Ok(())
}

async fn authorized(tx: &mut Tx, order_id: Uuid) -> Result<Vec<Payment>, Error> {
    let mut payments = super::of_order(tx, order_id).await?;
    payments.retain(|payment| payment.status == Status::Authorized && payment.moved.authorized > 0);
    Ok(payments)
}

/// One step at a time: the sum of all captures could not be known otherwise.
async fn begin(shop: &Shop, tx: &mut Tx, payment: &Payment, kind: StepKind, amount: Amount) -> Result<Step, Error> {
    if store::open_step(tx, payment.id).await?.is_some() {
        return Err(Error::Busy);
    }
    let now = clock::now();
    let step = Step::new(kind, payment, amount, now);
    store::insert_step(tx, &step).await?;
    store::schedule(tx, payment.id, Some(now + worker::first_check(shop))).await?;
    Ok(step)
}

/// A capture that the provider refused. Where the order waits for the money, that is the end of the payment: false. So it is where money is
/// taken at once, whatever the order waits for: the next news of the reservation would begin another capture, and so for ever. By hand, an
/// order that is paid already, at the reservation, may be on its way: the step alone has failed, the money stays reserved, and the
/// merchant tries another amount.
pub(super) async fn fail_alone(shop: &Shop, payment: &Payment, step: &Step, code: &str) -> Result<bool, Error> {
    if shop.config().payments.capture == CaptureMode::AtOnce {
        return Ok(false);
    }
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let (order, payment) = lock(&mut tx, payment.id).await?;
    if order.status == orders::Status::New {
        return Ok(false);
    }
    store::end_step(&mut tx, &step.idempotency_key, "failed", code, now).await?;
    if payment.refunding == 0 {
        store::schedule(&mut tx, payment.id, worker::next_check(shop, &payment, now)).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Why the provider refused a step, if it did.
async fn declined(shop: &Shop, step_id: Uuid) -> Result<Option<super::Decline>, Error> {
    let code = store::failure(&mut shop.db().read().await?, step_id).await?;
    Ok(code.map(|code| super::Decline { message: format!("the provider refused: {code}"), code }))
}
