//! The reconciling worker: finishes what a crash or a lost answer left open.

use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::state::too_young_to_give_up;
use super::steps::Turn;
use super::{Error, Observed, Payment, Provider, Status, settle, steps, store};
use crate::clock::{self, Moment};
use crate::{Shop, db};

/// Runs until the shop stops.
pub async fn run(shop: Shop) {
    let pause = Duration::from_millis(shop.config().orders.reconcile_interval_ms);
    loop {
        if let Err(error) = reconcile_due(&shop).await {
            tracing::error!(%error, "payments cannot be reconciled");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = shop.stopping().cancelled() => break,
        }
    }
}

/// When a payment whose checkout was not heard of again is looked at: after the longest call has surely ended.
pub(super) fn first_check(shop: &Shop) -> TimeDelta {
    TimeDelta::milliseconds(shop.config().orders.reconcile_after_ms as i64)
}

/// When the provider is asked next; never, once it is settled.
pub(super) fn next_check(shop: &Shop, payment: &Payment, now: Moment) -> Option<Moment> {
    payment.status.is_open().then(|| due_after(shop, payment, payment.checks, now))
}

/// After that many checks: with doubling pauses up to an hour, but not past the moment when an action is overdue.
pub(super) fn due_after(shop: &Shop, payment: &Payment, checks: i64, now: Moment) -> Moment {
    let doubled = 1_i64 << checks.clamp(0, 20);
    let pause = first_check(shop).num_milliseconds().saturating_mul(doubled).min(3_600_000);
    let due = now + TimeDelta::milliseconds(pause);
    let overdue = overdue_at(shop, payment);
    if payment.status == Status::RequiresAction && overdue > now { due.min(overdue) } else { due }
}

async fn reconcile_due(shop: &Shop) -> db::Result<()> {
    let due = store::due_payments(&mut shop.db().read().await?, clock::now()).await?;
    for payment_id in due {
        if shop.stopping().is_cancelled() {
            break;
        }
        if let Err(error) = reconcile(shop, payment_id).await {
            tracing::error!(payment = %payment_id, %error, "a payment cannot be reconciled");
        }
    }
    Ok(())
}

/// Looks at one payment: runs the step that is open, or asks the provider where it stands.
pub(super) async fn reconcile(shop: &Shop, payment_id: Uuid) -> Result<(), Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let mut payment = store::get_payment(&mut tx, payment_id).await?;
    // Taken by postponing it: another kernel finds it no longer due, and a crash here brings it back.
    if !store::claim_check(&mut tx, &payment, now, due_after(shop, &payment, payment.checks + 1, now)).await? {
        return Ok(());
    }
    payment.checks += 1;
    let step = store::open_step(&mut tx, payment.id).await?;
    let refunds = store::open_refunds(&mut tx, payment.id).await?;
    tx.commit().await?;
    let stepped = step.is_some();
    if let Some(step) = step {
        payment = steps::run(shop, payment, &step, Turn::Again).await?;
    }
    for refund in refunds {
        payment = steps::run(shop, payment, &refund, Turn::Again).await?;
    }
    // A provider that only takes note of a step answers the same to every repetition: it is also asked where it stands.
    if !payment.status.is_open() {
        return Ok(());
    }
    if !stepped && action_is_overdue(shop, &payment) {
        payment = steps::cancel(shop, payment.id, None).await?;
        // Where the provider cannot give up, it is asked: the shopper may have paid late.
        if !payment.status.is_open() {
            return Ok(());
        }
    }
    let provider = Provider::of(shop, &payment).await?;
    let (host, asked) = (shop.plugins().host(), clock::unix_seconds(now));
    let answer = host.query_payment(&provider.bound, &payment.idempotency_key, payment.amount, asked).await;
    match answer {
        Ok(called) => match called.value {
            Some(outcome) => settle(shop, payment.id, &Observed::Outcome(outcome), "query").await.map(drop),
            None if too_young_to_give_up(&payment, first_check(shop)) => Ok(()),
            None => settle(shop, payment.id, &Observed::NeverHeard, "query").await.map(drop),
        },
        Err(error) => {
            tracing::warn!(payment = %payment.id, reason = error.code(), %error, "the provider cannot be asked");
            Ok(())
        }
    }
}

/// A shopper who never came back from the bank's page does not hold stock for ever.
fn action_is_overdue(shop: &Shop, payment: &Payment) -> bool {
    payment.status == Status::RequiresAction && clock::now() >= overdue_at(shop, payment)
}

fn overdue_at(shop: &Shop, payment: &Payment) -> Moment {
    payment.created_at + TimeDelta::minutes(i64::from(shop.config().orders.payment_action_minutes))
}
