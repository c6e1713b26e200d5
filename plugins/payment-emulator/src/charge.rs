//! What the emulated provider remembers about a payment, in the plugin's store under `payment/{key}`.
//!
//! The store has no transactions: a webhook and a step of one payment at the same moment may each write what they saw.
//! A provider of real money must not be built like this.

use kassa_sdk::payment::{Action, AuthorizeRequest, Decline, Error, Outcome, RefundStatus, Status};
use kassa_sdk::{Money, OutOfRange, kv};
use serde::{Deserialize, Serialize};

/// Every field has a default, and unknown ones are passed over, so that versions can read each other's charges.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Charge {
    pub state: State,
    pub currency: String,
    pub amount: Money,
    /// At most `amount`; in parts, once for each key.
    pub captured: Money,
    pub capture_keys: Vec<String>,
    /// At most `captured` in all.
    pub refunds: Vec<Refund>,
    /// What goes wrong with it later, as its token asked.
    pub fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// No capture ever reaches the provider.
    Captures,
    /// The first refund does not reach the provider.
    FirstRefund,
    /// The first refund is declined.
    FirstRefundDeclined,
    /// The first answer to a refund is that it takes its time.
    FirstRefundPending,
    /// A payment is captured whole or not at all.
    PartialCaptures,
    /// The first capture takes only half, and no other anything.
    SecondCapture,
    /// The provider cannot cancel, and has the money by the time that it is asked to.
    NoCancel,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    #[default]
    Pending,
    RequiresAction,
    Authorized,
    Captured,
    Declined {
        code: String,
        message: String,
    },
    Cancelled,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Refund {
    pub key: String,
    pub amount: Money,
}

impl Fault {
    fn of(token: &str) -> Option<Fault> {
        match token {
            "tok-capture-error" => Some(Fault::Captures),
            "tok-refund-error" => Some(Fault::FirstRefund),
            "tok-refund-decline" => Some(Fault::FirstRefundDeclined),
            "tok-refund-pending" => Some(Fault::FirstRefundPending),
            "tok-capture-whole" => Some(Fault::PartialCaptures),
            "tok-capture-half" => Some(Fault::SecondCapture),
            "tok-no-cancel" => Some(Fault::NoCancel),
            _ => None,
        }
    }
}

impl Charge {
    pub fn new(state: State, request: &AuthorizeRequest) -> Result<Charge, OutOfRange> {
        let amount = request.money()?;
        let captured = if state == State::Captured { amount } else { Money::ZERO };
        Ok(Charge {
            state,
            currency: request.currency.clone(),
            amount,
            captured,
            capture_keys: Vec::new(),
            refunds: Vec::new(),
            fault: Fault::of(&request.token),
        })
    }

    pub fn find(payment_key: &str) -> Result<Option<Charge>, Error> {
        let Some(bytes) = kv::get(&store_key(payment_key))? else { return Ok(None) };
        let charge = serde_json::from_slice(&bytes);
        charge.map(Some).map_err(|error| Error::Internal(format!("the charge {payment_key} cannot be read: {error}")))
    }

    /// Writes the charge unless there is one with this key; the one that is there afterwards.
    pub fn begin(self, payment_key: &str) -> Result<Charge, Error> {
        if kv::set_if_absent(&store_key(payment_key), &self.to_bytes()?)? {
            return Ok(self);
        }
        Charge::find(payment_key)?.ok_or_else(|| Error::Unavailable("the charge vanished; ask again".to_owned()))
    }

    pub fn save(&self, payment_key: &str) -> Result<(), Error> {
        kv::set(&store_key(payment_key), &self.to_bytes()?)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        serde_json::to_vec(self).map_err(|error| Error::Internal(format!("the charge cannot be written: {error}")))
    }

    /// Takes `amount` of what is authorized, once for each key; nothing happens to a charge in another state.
    pub fn capture(&mut self, key: &str, amount: Money) -> Result<(), Error> {
        if self.state != State::Authorized || self.knows(key) {
            return Ok(());
        }
        if amount > self.rest()? {
            return Err(Error::Unsupported("to capture more than is authorized".to_owned()));
        }
        self.captured = (self.captured + amount)?;
        self.capture_keys.push(key.to_owned());
        if self.captured == self.amount {
            self.state = State::Captured;
        }
        Ok(())
    }

    /// Was it captured under this key?
    pub fn knows(&self, key: &str) -> bool {
        self.capture_keys.iter().any(|known| known == key)
    }

    /// What is authorized and not captured.
    pub fn rest(&self) -> Result<Money, OutOfRange> {
        if self.state == State::Authorized { self.amount - self.captured } else { Ok(Money::ZERO) }
    }

    /// Lets go of what is not taken yet.
    pub fn cancel(&mut self) {
        if matches!(self.state, State::Pending | State::RequiresAction | State::Authorized) {
            self.state = if self.captured == Money::ZERO { State::Cancelled } else { State::Captured };
        }
    }

    /// Gives `amount` back, once for each key; declined where it is more than what is captured and not yet refunded.
    pub fn refund(&mut self, key: &str, amount: Money) -> Result<RefundStatus, OutOfRange> {
        if self.refunds.iter().any(|refund| refund.key == key) {
            return Ok(RefundStatus::Refunded);
        }
        let refunded = Money::sum(self.refunds.iter().map(|refund| refund.amount))?;
        if amount > (self.captured - refunded)? {
            let (code, message) =
                ("exceeds-captured".to_owned(), "More than what was paid and not refunded".to_owned());
            return Ok(RefundStatus::Declined(Decline { code, message }));
        }
        self.refunds.push(Refund { key: key.to_owned(), amount });
        Ok(RefundStatus::Refunded)
    }

    pub fn outcome(&self, payment_key: &str, action_url: &str) -> Result<Outcome, OutOfRange> {
        let (status, amount) = match &self.state {
            State::Pending => (Status::Pending, Money::ZERO),
            State::RequiresAction => (Status::RequiresAction(action(action_url, payment_key)), Money::ZERO),
            State::Authorized if self.captured == Money::ZERO => (Status::Authorized, self.amount),
            State::Authorized => (Status::Captured, self.captured),
            State::Captured => (Status::Captured, self.captured),
            State::Declined { code, message } => {
                (Status::Declined(Decline { code: code.clone(), message: message.clone() }), Money::ZERO)
            }
            State::Cancelled => (Status::Cancelled, Money::ZERO),
        };
        Ok(Outcome::new(status, reference(payment_key), amount).capturable(self.rest()?))
    }
}

/// The provider's own name of a payment.
pub fn reference(payment_key: &str) -> String {
    format!("emu-{payment_key}")
}

fn store_key(payment_key: &str) -> String {
    format!("payment/{payment_key}")
}

fn action(action_url: &str, payment_key: &str) -> Action {
    Action { kind: "redirect".to_owned(), url: format!("{action_url}?payment={payment_key}"), attributes: Vec::new() }
}
