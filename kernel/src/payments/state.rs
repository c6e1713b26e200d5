//! The state machine of a payment, and the one transaction that moves payment and order together.

use chrono::TimeDelta;
use uuid::Uuid;

use super::steps::{self, Step, StepKind};
use super::{Action, Decline, Error, Payment, store, worker};
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::plugins::{CallError, Fault, payment};
use crate::{Shop, orders};

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The provider has not decided, or was not asked yet.
    Pending,
    /// The shopper must act.
    RequiresAction,
    /// Money is reserved; a capture is under way.
    Authorized,
    /// Money is taken.
    Captured,
    Declined,
    /// Given up before money moved.
    Cancelled,
    /// The provider's answer was lost: it is asked again until it is known.
    Unknown,
    /// Money was given back.
    Refunded,
}

impl Status {
    const ALL: [(Self, &'static str); 8] = [
        (Self::Pending, "pending"),
        (Self::RequiresAction, "requires_action"),
        (Self::Authorized, "authorized"),
        (Self::Captured, "captured"),
        (Self::Declined, "declined"),
        (Self::Cancelled, "cancelled"),
        (Self::Unknown, "unknown"),
        (Self::Refunded, "refunded"),
    ];

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(status, _)| *status == self).map_or("", |(_, name)| name)
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(status, _)| *status)
    }

    /// Money may still move without us doing anything.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::RequiresAction | Self::Authorized | Self::Unknown)
    }
}

/// The decline code of an attempt that failed on the side of the plugin or its provider.
pub const NOT_BEGUN: &str = "not-begun";

/// The decline code of an attempt that the provider never heard of.
pub const NOT_RECEIVED: &str = "not-received";

/// News about a payment.
#[derive(Debug, Clone)]
pub enum Observed {
    /// The plugin says so.
    Outcome(payment::Outcome),
    /// The plugin said that nothing was moved, and why.
    NotBegun { code: String, message: String },
    /// The answer was lost: anything may have happened.
    Lost,
    /// The provider never heard of it.
    NeverHeard,
}

impl Observed {
    /// What a failed authorize means. An error that the plugin answered says that no money moved, and a call that never
    /// began cannot have moved any; after a trap or a time-out nobody knows.
    pub(super) fn of_failed_authorize(error: &CallError) -> Self {
        match &error.fault {
            Fault::Plugin(_) | Fault::Busy => {
                Self::NotBegun { code: NOT_BEGUN.into(), message: "the payment provider did not answer".into() }
            }
            _ => Self::Lost,
        }
    }
}

/// What news mean for a payment.
#[derive(Debug, PartialEq)]
enum Move {
    /// Nothing new.
    Stay,
    To(Status),
    /// Money was taken although the order was given up: it goes back.
    GiveBack,
    /// Money was reserved although the order was given up: the reservation goes back.
    Void,
}

/// The rules. A payment that was captured or refunded never moves by news; only our own refund ends it.
fn next(now: Status, observed: &Observed) -> Move {
    use Status::{Authorized, Cancelled, Captured, Declined, Pending, Refunded, RequiresAction, Unknown};
    use payment::Status as Told;
    let given_up = matches!(now, Declined | Cancelled);
    let told = match observed {
        Observed::Outcome(outcome) => &outcome.status,
        Observed::NotBegun { .. } if matches!(now, Pending) => return Move::To(Cancelled),
        Observed::NeverHeard if matches!(now, Pending | Unknown) => return Move::To(Cancelled),
        Observed::Lost if matches!(now, Pending) => return Move::To(Unknown),
        Observed::NotBegun { .. } | Observed::NeverHeard | Observed::Lost => return Move::Stay,
    };
    match (told, now) {
        (_, Captured | Refunded) => Move::Stay,
        (Told::Captured, _) if given_up => Move::GiveBack,
        (Told::Authorized, _) if given_up => Move::Void,
        _ if given_up => Move::Stay,
        (Told::Captured, _) => Move::To(Captured),
        // Told again, too: where no step is under way (a cancel that the provider cannot do ended the capture), the money
        // is still to be captured, or the order would hold its stock for ever.
        (Told::Authorized, _) => Move::To(Authorized),
        (Told::RequiresAction(_), Authorized | RequiresAction) => Move::Stay,
        (Told::RequiresAction(_), _) => Move::To(RequiresAction),
        (Told::Pending, Unknown) => Move::To(Pending),
        (Told::Pending, _) => Move::Stay,
        (Told::Declined(_), _) => Move::To(Declined),
        (Told::Cancelled, _) => Move::To(Cancelled),
    }
}

const ATTEMPTS: usize = 8;

/// Applies news about a payment to it and its order, and begins the step that follows from it. News that are known already
/// change nothing.
pub async fn settle(shop: &Shop, payment_id: Uuid, observed: &Observed, cause: &str) -> Result<Payment, Error> {
    for _ in 0..ATTEMPTS {
        if let Some((payment, follow_up)) = try_settle(shop, payment_id, observed, cause).await? {
            shop.relay().wake();
            return match follow_up {
                Some(step) => Box::pin(steps::run(shop, payment, step)).await,
                None => Ok(payment),
            };
        }
    }
    Err(Error::Contended)
}

/// None where the payment changed in between. The step is to be run next.
async fn try_settle(
    shop: &Shop,
    payment_id: Uuid,
    observed: &Observed,
    cause: &str,
) -> Result<Option<(Payment, Option<Step>)>, Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let mut payment = store::get_payment(&mut tx, payment_id).await?;
    let open = store::open_step(&mut tx, payment.id).await?;
    let (ended, waiting) = match open {
        Some(step) if step.is_ended_by(observed) => (Some(step), None),
        open => (None, open),
    };
    let news = next(payment.status, observed);
    let (step, when) = follow_up(&news, &payment, observed, waiting.as_ref(), now);
    let next_check = match (&step, &waiting) {
        // The worker takes a step over where this process dies before it is done.
        (Some(_), _) => Some(now + worker::first_check(shop)),
        // With growing pauses: a provider that only takes note answers the same to every repetition.
        (None, Some(_)) => Some(worker::due_after(shop, &payment, payment.checks, now)),
        (None, None) => None,
    };
    if news == Move::Stay {
        // Whoever began the step that waits has scheduled it.
        if waiting.is_none() {
            store::schedule(&mut tx, payment.id, worker::next_check(shop, &payment, now)).await?;
        }
    } else {
        match news {
            Move::To(status) => apply(&mut payment, status, observed),
            Move::GiveBack => apply(&mut payment, Status::Captured, observed),
            Move::Void | Move::Stay => {}
        }
        let next_check = next_check.or_else(|| worker::next_check(shop, &payment, now));
        if !store::update_payment(&mut tx, &payment, next_check, now).await? {
            return Ok(None);
        }
        payment.version += 1;
    }
    if let Some(step) = &step {
        store::insert_step(&mut tx, step).await?;
    }
    if !matches!(observed, Observed::Lost) {
        store::end_step(&mut tx, &payment.idempotency_key, "done", "", now).await?;
    }
    if let Some(step) = &ended {
        store::end_step(&mut tx, &step.idempotency_key, "done", "", now).await?;
    }
    let mut step = step.filter(|_| when == When::Now);
    if let Move::To(status) = news {
        let wish = ended.and_then(|step| step.wish);
        if move_order(shop, &mut tx, &payment, status, wish, cause).await? {
            step = store::open_step(&mut tx, payment.id).await?;
        }
    }
    tx.commit().await?;
    Ok(Some((payment, step)))
}

#[derive(PartialEq)]
enum When {
    Now,
    /// By the worker.
    Later,
}

/// The step that news begin.
fn follow_up(
    news: &Move,
    payment: &Payment,
    observed: &Observed,
    waiting: Option<&Step>,
    now: Moment,
) -> (Option<Step>, When) {
    let step = |kind| Some(Step::new(kind, payment, payment.amount, now));
    match news {
        // Somebody wants it cancelled: nothing is captured meanwhile.
        Move::To(Status::Authorized) | Move::Void if waiting.is_some() => (None, When::Now),
        Move::To(Status::Authorized) => (step(StepKind::Capture), When::Now),
        Move::Void => (step(StepKind::Cancel), When::Now),
        Move::GiveBack => (step(StepKind::Refund), When::Now),
        // We give up without knowing that the provider does: it is told, so that a request that comes late takes nothing.
        Move::To(Status::Cancelled) if !matches!(observed, Observed::Outcome(_)) => {
            (step(StepKind::Cancel).filter(|_| waiting.is_none()), When::Later)
        }
        Move::To(_) | Move::Stay => (None, When::Now),
    }
}

/// Moves the order with its payment. True where that began a refund.
async fn move_order(
    shop: &Shop,
    tx: &mut Tx,
    payment: &Payment,
    status: Status,
    wish: Option<orders::Reason>,
    cause: &str,
) -> Result<bool, Error> {
    match status {
        Status::Captured => {
            orders::mark_paid(tx, payment.order_id, cause).await?;
            if let Some(reason) = wish {
                orders::call_off(shop, tx, payment.order_id, reason).await?;
                return Ok(true);
            }
        }
        Status::Declined | Status::Cancelled => {
            let cause = payment.decline.as_ref().map_or(cause, |decline| decline.code.as_str());
            let cause = format!("payment {}: {cause}", status.name());
            let reason = wish.unwrap_or(match status {
                Status::Declined => orders::Reason::PaymentDeclined,
                _ => orders::Reason::PaymentCancelled,
            });
            orders::give_up(shop, tx, payment.order_id, reason, &cause).await?;
        }
        _ => {}
    }
    Ok(false)
}

fn apply(payment: &mut Payment, status: Status, observed: &Observed) {
    payment.status = status;
    payment.action = None;
    match observed {
        Observed::Outcome(outcome) => {
            if !outcome.reference.is_empty() {
                payment.reference.clone_from(&outcome.reference);
            }
            match &outcome.status {
                payment::Status::RequiresAction(action) => {
                    payment.action = Some(Action {
                        kind: action.kind.clone(),
                        url: action.url.clone(),
                        attributes: action.attributes.clone(),
                    });
                }
                payment::Status::Declined(decline) => {
                    payment.decline = Some(Decline { code: decline.code.clone(), message: decline.message.clone() });
                }
                payment::Status::Cancelled => {
                    payment.decline =
                        Some(Decline { code: "cancelled".into(), message: "the payment was cancelled".into() });
                }
                _ => {}
            }
        }
        Observed::NotBegun { code, message } => {
            payment.decline = Some(Decline { code: code.clone(), message: message.clone() });
        }
        Observed::NeverHeard => {
            payment.decline = Some(Decline { code: NOT_RECEIVED.into(), message: "the payment did not arrive".into() });
        }
        Observed::Lost => {}
    }
}

/// How long after an attempt began the provider may still not know of it: a request may be under way.
pub(super) fn too_young_to_give_up(payment: &Payment, grace: TimeDelta) -> bool {
    clock::now() - payment.created_at < grace
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: payment::Status) -> Observed {
        Observed::Outcome(payment::Outcome { status, reference: "r".into(), amount: 1, attributes: Vec::new() })
    }

    #[test]
    fn news_move_a_payment_by_the_table() {
        use Status::*;
        let declined = || told(payment::Status::Declined(payment::Decline { code: "x".into(), message: "y".into() }));
        let captured = || told(payment::Status::Captured);
        let authorized = || told(payment::Status::Authorized);
        let pending = || told(payment::Status::Pending);
        let lost_error = || Observed::NotBegun { code: "busy".into(), message: String::new() };
        for (now, observed, expected) in [
            (Pending, captured(), Move::To(Captured)),
            (Unknown, captured(), Move::To(Captured)),
            (RequiresAction, captured(), Move::To(Captured)),
            (Authorized, captured(), Move::To(Captured)),
            (Captured, captured(), Move::Stay),
            (Captured, declined(), Move::Stay),
            (Captured, told(payment::Status::Cancelled), Move::Stay),
            (Refunded, captured(), Move::Stay),
            (Cancelled, captured(), Move::GiveBack),
            (Declined, captured(), Move::GiveBack),
            (Cancelled, authorized(), Move::Void),
            (Cancelled, pending(), Move::Stay),
            (Pending, authorized(), Move::To(Authorized)),
            (Authorized, authorized(), Move::To(Authorized)),
            (Pending, declined(), Move::To(Declined)),
            (Unknown, declined(), Move::To(Declined)),
            (Pending, pending(), Move::Stay),
            (Unknown, pending(), Move::To(Pending)),
            (Pending, Observed::Lost, Move::To(Unknown)),
            (Captured, Observed::Lost, Move::Stay),
            (Authorized, Observed::Lost, Move::Stay),
            (Pending, lost_error(), Move::To(Cancelled)),
            (Unknown, lost_error(), Move::Stay),
            (Unknown, Observed::NeverHeard, Move::To(Cancelled)),
            (RequiresAction, Observed::NeverHeard, Move::Stay),
            (Captured, Observed::NeverHeard, Move::Stay),
        ] {
            assert_eq!(next(now, &observed), expected, "{now:?} and {observed:?}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for (status, name) in Status::ALL {
            assert_eq!(Status::parse(name), Some(status));
            assert_eq!(status.name(), name);
        }
        assert_eq!(Status::parse("paid"), None);
    }
}
