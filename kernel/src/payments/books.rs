//! What news of a payment mean for the ledger.

use super::{Error, Observed, Payment, Status};
use crate::db::Tx;
use crate::ledger::{self, Account, Kind, Posting};
use crate::money::Amount;
use crate::plugins::payment;

/// What was captured beyond what the ledger knows. Providers tell a sum, so that news which cross each other say the same.
pub(super) fn arrived(payment: &Payment, observed: &Observed) -> Amount {
    match observed {
        Observed::Outcome(outcome) if outcome.status == payment::Status::Captured => {
            (outcome.amount - payment.moved.captured).max(0)
        }
        _ => 0,
    }
}

/// Posts what changed, and keeps `payment.moved` in step. `payment` has its new status already.
pub(super) async fn post(tx: &mut Tx, payment: &mut Payment, observed: &Observed, cause: &str) -> Result<(), Error> {
    let taken = arrived(payment, observed);
    if payment.status == Status::Authorized
        && let Observed::Outcome(outcome) = observed
    {
        // With what was taken of it before we heard of the reservation.
        authorized(tx, payment, outcome.capturable + taken, cause).await?;
    }
    if taken > 0 {
        captured(tx, payment, taken, cause).await?;
    }
    if !payment.status.is_open() && payment.moved.authorized > 0 {
        released(tx, payment, cause).await?;
    }
    Ok(())
}

/// Once for a payment: told again, it changes nothing.
async fn authorized(tx: &mut Tx, payment: &mut Payment, amount: Amount, cause: &str) -> Result<(), Error> {
    let entries = [(Account::Authorized, amount), (Account::Hold, -amount)];
    let reference = format!("authorized-{}", payment.id);
    if ledger::post(tx, &of(payment, Kind::Authorized, &reference, cause, &entries)).await? {
        payment.moved.authorized += amount;
    }
    Ok(())
}

async fn captured(tx: &mut Tx, payment: &mut Payment, taken: Amount, cause: &str) -> Result<(), Error> {
    let held = taken.min(payment.moved.authorized);
    let entries = [
        (Account::Provider, taken),
        (Account::Receivable, -taken),
        (Account::Authorized, -held),
        (Account::Hold, held),
    ];
    let so_far = payment.moved.captured + taken;
    let reference = format!("captured-{}-{so_far}", payment.id);
    ledger::post(tx, &of(payment, Kind::Captured, &reference, cause, &entries)).await?;
    payment.moved.captured = so_far;
    payment.moved.authorized -= held;
    Ok(())
}

async fn released(tx: &mut Tx, payment: &mut Payment, cause: &str) -> Result<(), Error> {
    let rest = payment.moved.authorized;
    let entries = [(Account::Authorized, -rest), (Account::Hold, rest)];
    let reference = format!("released-{}", payment.id);
    ledger::post(tx, &of(payment, Kind::Released, &reference, cause, &entries)).await?;
    payment.moved.authorized = 0;
    Ok(())
}

/// A provider gave money back, under the key of that step.
pub(super) async fn refunded(tx: &mut Tx, payment: &mut Payment, amount: Amount, key: &str) -> Result<(), Error> {
    let entries = [(Account::Receivable, amount), (Account::Provider, -amount)];
    ledger::post(tx, &of(payment, Kind::Refunded, key, "refund", &entries)).await?;
    payment.moved.refunded += amount;
    Ok(())
}

fn of<'a>(
    payment: &Payment,
    kind: Kind,
    reference: &'a str,
    cause: &'a str,
    entries: &'a [ledger::Entry],
) -> Posting<'a> {
    Posting { order_id: payment.order_id, payment_id: Some(payment.id), kind, reference, cause, entries }
}
