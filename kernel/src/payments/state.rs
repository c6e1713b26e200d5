//! The state machine of a payment: what news mean for it.

use super::{Action, Decline, Payment};
use crate::clock;
use crate::plugins::{CallError, Fault, payment};
use chrono::TimeDelta;

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The provider has not decided, or was not asked yet.
    Pending,
    /// The shopper must act.
    RequiresAction,
    /// Money is reserved, and perhaps captured in part; more can be captured.
    Authorized,
    /// Money is taken, and no more can be.
    Captured,
    Declined,
    /// Given up before money moved.
    Cancelled,
    /// The provider's answer was lost: it is asked again until it is known.
    Unknown,
}

impl Status {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Pending, "pending"),
        (Self::RequiresAction, "requires_action"),
        (Self::Authorized, "authorized"),
        (Self::Captured, "captured"),
        (Self::Declined, "declined"),
        (Self::Cancelled, "cancelled"),
        (Self::Unknown, "unknown"),
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
            Fault::Plugin(_) | Fault::Busy | Fault::CircuitOpen { .. } => {
                Self::NotBegun { code: NOT_BEGUN.into(), message: "the payment provider did not answer".into() }
            }
            _ => Self::Lost,
        }
    }
}

/// What news mean for a payment.
#[derive(Debug, PartialEq)]
pub(super) enum Move {
    /// Nothing new.
    Stay,
    To(Status),
    /// Money was reserved although the payment was given up: the reservation goes back.
    Void,
}

/// The rules. A payment that was captured never moves by news, and one that was captured `in_part` never ends without money.
pub(super) fn next(now: Status, observed: &Observed, in_part: bool) -> Move {
    use Status::{Authorized, Cancelled, Captured, Declined, Pending, RequiresAction, Unknown};
    use payment::Status as Told;
    let given_up = matches!(now, Declined | Cancelled);
    let (told, capturable) = match observed {
        Observed::Outcome(outcome) => (&outcome.status, outcome.capturable),
        Observed::NotBegun { .. } if matches!(now, Pending) => return Move::To(Cancelled),
        Observed::NeverHeard if matches!(now, Pending | Unknown) => return Move::To(Cancelled),
        Observed::Lost if matches!(now, Pending) => return Move::To(Unknown),
        Observed::NotBegun { .. } | Observed::NeverHeard | Observed::Lost => return Move::Stay,
    };
    match (told, now) {
        (_, Captured) => Move::Stay,
        // Given up or not: where nobody wants it any more, it goes back with the order.
        (Told::Captured, _) if capturable > 0 => Move::To(Authorized),
        (Told::Captured, _) => Move::To(Captured),
        (Told::Authorized, _) if given_up => Move::Void,
        _ if given_up => Move::Stay,
        // Told again, too: where no step is under way (a cancel that the provider cannot do ended the capture), the money
        // is still to be captured, or the order would hold its stock for ever.
        (Told::Authorized, _) => Move::To(Authorized),
        (Told::RequiresAction(_), Authorized | RequiresAction) => Move::Stay,
        (Told::RequiresAction(_), _) => Move::To(RequiresAction),
        (Told::Pending, Unknown) => Move::To(Pending),
        (Told::Pending, _) => Move::Stay,
        // The rest of it: no more can be taken, and what was taken stays taken.
        (Told::Declined(_) | Told::Cancelled, _) if in_part => Move::To(Captured),
        (Told::Declined(_), _) => Move::To(Declined),
        (Told::Cancelled, _) => Move::To(Cancelled),
    }
}

pub(super) fn apply(payment: &mut Payment, status: Status, observed: &Observed) {
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

    fn in_part(status: payment::Status, capturable: i64) -> Observed {
        let reference = "r".into();
        Observed::Outcome(payment::Outcome { status, reference, amount: 1, capturable, attributes: Vec::new() })
    }

    fn told(status: payment::Status) -> Observed {
        in_part(status, 0)
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
            (Authorized, in_part(payment::Status::Captured, 1), Move::To(Authorized)),
            (Captured, in_part(payment::Status::Captured, 1), Move::Stay),
            (Cancelled, in_part(payment::Status::Captured, 1), Move::To(Authorized)),
            (Cancelled, captured(), Move::To(Captured)),
            (Declined, captured(), Move::To(Captured)),
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
            assert_eq!(next(now, &observed, false), expected, "{now:?} and {observed:?}");
        }
        for observed in [declined(), told(payment::Status::Cancelled)] {
            assert_eq!(next(Authorized, &observed, true), Move::To(Captured), "{observed:?}");
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
