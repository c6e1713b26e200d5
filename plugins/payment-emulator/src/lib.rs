//! A payment provider for tests and demonstrations: no money moves, and the token decides what happens.
//!
//! | token | what happens |
//! |---|---|
//! | `tok-approve` | captured |
//! | `tok-authorize` | authorized; the kernel captures later |
//! | `tok-decline-<code>` | declined with that code: `tok-decline-insufficient-funds` |
//! | `tok-capture-error` | authorized; the provider is down for every capture |
//! | `tok-capture-whole` | authorized; a capture of a part is declined with `partial-capture` |
//! | `tok-capture-half` | authorized; the first capture takes half of what is asked for, every other is declined with `partial-capture` |
//! | `tok-refund-error` | captured; the provider is down for the first refund |
//! | `tok-refund-decline` | captured; the first refund is declined with `refund-declined` |
//! | `tok-refund-pending` | captured; the first refund is pending until it is asked again |
//! | `tok-no-cancel` | the shopper must follow a link, and does so late: a cancel is `unsupported`, and then the money is there |
//! | `tok-cancel` | the shopper cancels |
//! | `tok-error` | the provider is down (`unavailable`); nothing was charged |
//! | `tok-timeout-before-charge` | no answer, and nothing was charged |
//! | `tok-timeout-after-charge` | no answer, although the money is captured: `query` tells |
//! | `tok-requires-action` | the shopper must follow a link; a webhook settles it |
//! | `tok-pending` | the provider has not decided; a webhook settles it |
//! | anything else | declined with `invalid-token` |
//!
//! `charge.rs` has what is remembered, `webhook.rs` the provider's messages.

mod charge;
mod webhook;

use charge::{Charge, Fault, State};
use kassa_sdk::payment::{
    AuthorizeRequest, Context, Decline, Error, Event, FollowUp, Method, Outcome, Payment, RefundOutcome, RefundStatus,
    Status, WebhookError, WebhookRequest,
};
use kassa_sdk::{Money, is_language, log};
use serde::Deserialize;
use webhook::Settlement;

#[derive(Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Emulator {
    /// Shared with whoever sends webhooks. Without it no webhook is authentic.
    webhook_secret: String,
    /// Where a shopper is sent by `tok-requires-action`; `?payment=` and the key are appended.
    action_url: String,
}

impl Default for Emulator {
    fn default() -> Self {
        Emulator { webhook_secret: String::new(), action_url: "https://payments.invalid/confirm".to_owned() }
    }
}

impl Payment for Emulator {
    fn methods(&self, context: &Context) -> Result<Vec<Method>, Error> {
        if !self.action_url.starts_with("https://") && !self.action_url.starts_with("http://") {
            return Err(Error::InvalidSettings("action_url: must begin with https:// or http://".to_owned()));
        }
        let label =
            if is_language(&context.locale, "ru") { "Карта (проверочная)" } else { "Card (test)" };
        Ok(vec![Method::new("card", label)])
    }

    fn authorize(&self, request: &AuthorizeRequest) -> Result<Outcome, Error> {
        if request.money()? <= Money::ZERO || request.method != "card" {
            return Err(Error::Unsupported("only amounts above 0, by the method card".to_owned()));
        }
        let state = match request.token.as_str() {
            "tok-error" => return Err(down()),
            "tok-timeout-before-charge" => never_answer(),
            "tok-approve" | "tok-timeout-after-charge" => State::Captured,
            "tok-refund-error" | "tok-refund-decline" | "tok-refund-pending" => State::Captured,
            "tok-authorize" | "tok-capture-error" | "tok-capture-whole" | "tok-capture-half" => State::Authorized,
            "tok-cancel" => State::Cancelled,
            "tok-requires-action" | "tok-no-cancel" => State::RequiresAction,
            "tok-pending" => State::Pending,
            token => declined(token.strip_prefix("tok-decline-").unwrap_or("invalid-token"), &request.locale),
        };
        // The key makes it happen once: whoever comes second gets what the first one got.
        let key = &request.idempotency_key;
        let charge = Charge::new(state, request)?.begin(key)?;
        let same = charge.amount == request.money()? && charge.currency == request.currency;
        if !same && charge.state != State::Cancelled {
            return Err(Error::Internal(format!("the key {key} was used for another amount")));
        }
        log::debug!("{key}: {:?}", charge.state);
        if request.token == "tok-timeout-after-charge" {
            never_answer();
        }
        Ok(charge.outcome(key, &self.action_url)?)
    }

    fn capture(&self, request: &FollowUp) -> Result<Outcome, Error> {
        let mut charge = get(&request.payment_key)?;
        if charge.fault == Some(Fault::Captures) && charge.state == State::Authorized {
            return Err(down());
        }
        let mut amount = request.money()?;
        let refused = match charge.fault {
            Some(Fault::PartialCaptures) => amount < charge.rest()?,
            Some(Fault::SecondCapture) => !charge.capture_keys.is_empty() && !charge.knows(&request.idempotency_key),
            _ => false,
        };
        if refused {
            let (code, message) = ("partial-capture".to_owned(), "A payment is captured once".to_owned());
            let status = Status::Declined(Decline { code, message });
            return Ok(Outcome::new(status, charge::reference(&request.payment_key), Money::ZERO));
        }
        if charge.fault == Some(Fault::SecondCapture) {
            amount = amount.ratio(1, 2)?;
        }
        charge.capture(&request.idempotency_key, amount)?;
        charge.save(&request.payment_key)?;
        Ok(charge.outcome(&request.payment_key, &self.action_url)?)
    }

    fn cancel(&self, request: &FollowUp) -> Result<Outcome, Error> {
        // A payment that was never seen is written down as cancelled, so that an authorize that comes late takes nothing.
        let mut charge = Charge { state: State::Cancelled, ..Charge::default() }.begin(&request.payment_key)?;
        if charge.fault == Some(Fault::NoCancel) {
            (charge.state, charge.captured) = (State::Captured, charge.amount);
            charge.save(&request.payment_key)?;
            return Err(Error::Unsupported("to cancel".to_owned()));
        }
        charge.cancel();
        charge.save(&request.payment_key)?;
        Ok(charge.outcome(&request.payment_key, &self.action_url)?)
    }

    fn refund(&self, request: &FollowUp) -> Result<RefundOutcome, Error> {
        let mut charge = get(&request.payment_key)?;
        if charge.fault.take_if(|fault| *fault == Fault::FirstRefund).is_some() {
            charge.save(&request.payment_key)?;
            return Err(down());
        }
        let reference = charge::reference(&request.idempotency_key);
        if charge.fault.take_if(|fault| *fault == Fault::FirstRefundDeclined).is_some() {
            charge.save(&request.payment_key)?;
            let (code, message) = ("refund-declined".to_owned(), "The account is closed".to_owned());
            return Ok(RefundOutcome { status: RefundStatus::Declined(Decline { code, message }), reference });
        }
        if charge.fault.take_if(|fault| *fault == Fault::FirstRefundPending).is_some() {
            charge.save(&request.payment_key)?;
            return Ok(RefundOutcome { status: RefundStatus::Pending, reference });
        }
        let status = charge.refund(&request.idempotency_key, request.money()?)?;
        charge.save(&request.payment_key)?;
        Ok(RefundOutcome { status, reference })
    }

    fn query(&self, payment_key: &str, _now: u64) -> Result<Option<Outcome>, Error> {
        let found = Charge::find(payment_key)?;
        Ok(found.map(|charge| charge.outcome(payment_key, &self.action_url)).transpose()?)
    }

    fn webhook(&self, request: &WebhookRequest) -> Result<Vec<Event>, WebhookError> {
        let news = webhook::read(request, &self.webhook_secret)?;
        let Some(mut charge) = Charge::find(&news.payment_key)? else {
            return Err(WebhookError::Malformed(format!("no payment has the key {}", news.payment_key)));
        };
        // Only what is open can be settled; of anything else it tells where it stands.
        if matches!(charge.state, State::Pending | State::RequiresAction) {
            charge.state = match news.event {
                Settlement::Authorized => State::Authorized,
                Settlement::Captured => State::Captured,
                Settlement::Declined => declined(news.code.as_deref().unwrap_or("generic"), "en"),
                Settlement::Cancelled => State::Cancelled,
            };
            if charge.state == State::Captured {
                charge.captured = charge.amount;
            }
            charge.save(&news.payment_key)?;
        } else if news.event == Settlement::Captured {
            charge.capture("webhook", charge.rest().map_err(Error::from)?)?;
            charge.save(&news.payment_key)?;
        }
        let outcome = charge.outcome(&news.payment_key, &self.action_url).map_err(Error::from)?;
        Ok(vec![Event { payment_key: news.payment_key, outcome }])
    }
}

kassa_sdk::export!(payment: Emulator);

fn get(payment_key: &str) -> Result<Charge, Error> {
    Charge::find(payment_key)?.ok_or_else(|| Error::Unsupported(format!("no payment has the key {payment_key}")))
}

fn down() -> Error {
    Error::Unavailable("the emulated provider is down".to_owned())
}

fn declined(code: &str, locale: &str) -> State {
    let message = match (is_language(locale, "ru"), code) {
        (true, "insufficient-funds") => "Недостаточно средств на карте",
        (true, "expired-card") => "Срок действия карты истёк",
        (true, _) => "Банк отклонил платёж",
        (false, "insufficient-funds") => "The card has insufficient funds",
        (false, "expired-card") => "The card has expired",
        (false, _) => "The bank declined the payment",
    };
    let code = if code.is_empty() { "generic" } else { code };
    State::Declined { code: code.to_owned(), message: message.to_owned() }
}

/// A provider that hangs: the host's deadline ends the call. In unit tests a panic stands in for it.
fn never_answer() -> ! {
    #[cfg(test)]
    panic!("never answers");
    #[cfg(not(test))]
    loop {
        std::hint::spin_loop();
    }
}

#[cfg(test)]
mod tests;
