//! Payment: the typed calls and the checks of their answers.
//!
//! Calls that move money (authorize, capture, cancel, refund, webhook) run to their end even where the caller
//! is dropped: what they did is found by [`Host::query_payment`].

use std::sync::Arc;

use super::answer::{self, Broken};
pub use super::bindings::payment::*;
use super::call::Abandoned;
use super::desk::{Asked, Question};
use super::fault::Stopped;
use super::routing::Linked;
use super::telemetry::Function;
use super::{Bound, CallError, Called, Fault, Host};

const LABEL_CHARACTERS: usize = 100;
const DECLINE_CODE_CHARACTERS: usize = 64;
const DECLINE_MESSAGE_CHARACTERS: usize = 200;
const REFERENCE_CHARACTERS: usize = 500;
const ACTION_KIND_CHARACTERS: usize = 64;
const ACTION_URL_CHARACTERS: usize = 4_000;

/// What a provider's message turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Webhook {
    /// It is genuine; news about these payments. Each outcome passed the checks that need no amount; the rest is
    /// [`check_outcome`], once the payment is found.
    Events(Vec<Event>),
    /// The signature is missing or wrong: answer 401.
    Unauthentic,
    /// It cannot be understood: answer 400.
    Malformed(String),
}

/// Calls one function of the payment interface: `$function(store, $arguments…)`. `$question` is what it is asked, should it fail.
macro_rules! call {
    ($host:expr, $bound:expr, $abandoned:ident, $name:ident: $function:ident($($argument:expr),*), $question:expr, $answer:ty, $check:expr) => {{
        $host.call::<$answer, _>(
            $bound,
            Some(Asked::new(Function::$name, &$question)),
            Abandoned::$abandoned,
            move |mut store, plugin| {
                Box::pin(async move {
                    let Linked::Payment(plugin) = plugin.linked() else { return Err(Stopped::WrongDomain.into()) };
                    let plugin = plugin.instantiate_async(&mut store).await?;
                    plugin.kassa_payment_payment().$function(&mut store, $($argument),*).await
                })
            },
            $check,
        )
        .await
    }};
}

impl Host {
    /// The ways to pay that the plugin offers.
    pub async fn payment_methods(
        &self,
        bound: &Arc<Bound>,
        context: &Arc<Context>,
    ) -> Result<Called<Vec<Method>>, CallError> {
        let asked = context.clone();
        let question = || Question::Methods(context.clone());
        let check = |methods: &Vec<Method>| check_methods(methods);
        call!(self, bound, Stops, Methods: call_methods(&asked), question, Vec<Method>, check)
    }

    /// Begins a payment.
    pub async fn authorize(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<AuthorizeRequest>,
    ) -> Result<Called<Outcome>, CallError> {
        let asked = request.clone();
        let check = |outcome: &Outcome| match outcome.status {
            Status::Captured if outcome.amount != request.amount => {
                Err(format!("{} is not the amount asked for, {}", outcome.amount, request.amount))
            }
            _ => check_outcome(outcome, request.amount),
        };
        let question = || Question::Authorize(request.clone());
        call!(self, bound, Finishes, Authorize: call_authorize(&asked), question, Outcome, check).map(cleaned)
    }

    /// Takes money that is authorized, all or a part. `payment_amount` is the amount of its authorize.
    pub async fn capture(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<FollowUp>,
        payment_amount: i64,
    ) -> Result<Called<Outcome>, CallError> {
        let asked = request.clone();
        let check = |outcome: &Outcome| check_outcome(outcome, payment_amount);
        let question = || Question::Capture { request: request.clone(), payment_amount };
        call!(self, bound, Finishes, Capture: call_capture(&asked), question, Outcome, check).map(cleaned)
    }

    /// Gives back what of an authorization is not captured. `payment_amount` is the amount of its authorize.
    pub async fn cancel_payment(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<FollowUp>,
        payment_amount: i64,
    ) -> Result<Called<Outcome>, CallError> {
        let asked = request.clone();
        let check = |outcome: &Outcome| check_outcome(outcome, payment_amount);
        let question = || Question::CancelPayment { request: request.clone(), payment_amount };
        call!(self, bound, Finishes, Cancel: call_cancel(&asked), question, Outcome, check).map(cleaned)
    }

    /// Gives captured money back, in full or in part.
    pub async fn refund(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<FollowUp>,
    ) -> Result<Called<RefundOutcome>, CallError> {
        let asked = request.clone();
        let question = || Question::Refund(request.clone());
        let check = |_: &RefundOutcome| Ok(());
        call!(self, bound, Finishes, Refund: call_refund(&asked), question, RefundOutcome, check).map(cleaned)
    }

    /// Where the payment with this key stands; none where the provider never heard of it. `asked` is the amount of
    /// its authorize.
    pub async fn query_payment(
        &self,
        bound: &Arc<Bound>,
        payment_key: &str,
        asked: i64,
        now: u64,
    ) -> Result<Called<Option<Outcome>>, CallError> {
        let key = payment_key.to_owned();
        let check =
            |outcome: &Option<Outcome>| outcome.as_ref().map_or(Ok(()), |outcome| check_outcome(outcome, asked));
        let question = || Question::Query { payment_key: payment_key.to_owned(), asked, now };
        call!(self, bound, Stops, Query: call_query(&key, now), question, Option<Outcome>, check).map(cleaned)
    }

    /// Checks and reads a provider's message.
    pub async fn payment_webhook(
        &self,
        bound: &Arc<Bound>,
        request: &Arc<WebhookRequest>,
    ) -> Result<Called<Webhook>, CallError> {
        let asked = request.clone();
        let called = self
            .call::<Result<Vec<Event>, WebhookError>, _>(
                bound,
                Some(Asked::new(Function::Webhook, &|| Question::Webhook(request.clone()))),
                Abandoned::Finishes,
                move |mut store, plugin| {
                    Box::pin(async move {
                        let Linked::Payment(plugin) = plugin.linked() else { return Err(Stopped::WrongDomain.into()) };
                        let plugin = plugin.instantiate_async(&mut store).await?;
                        plugin.kassa_payment_payment().call_webhook(&mut store, &asked).await.map(Ok)
                    })
                },
                |events| match events {
                    Ok(events) => events.iter().try_for_each(|event| check_amount(&event.outcome)),
                    Err(_) => Ok(()),
                },
            )
            .await?;
        let Called { value, report } = called;
        let value = match value {
            Ok(mut events) => {
                events.iter_mut().for_each(|event| event.outcome.clean());
                Webhook::Events(events)
            }
            Err(WebhookError::Unauthentic) => Webhook::Unauthentic,
            Err(WebhookError::Malformed(mut text)) => {
                answer::clean(&mut text, answer::REFUSAL_CHARACTERS);
                Webhook::Malformed(text)
            }
            Err(WebhookError::Failed(error)) => return Err(CallError { fault: Fault::refused(error), report }),
        };
        Ok(Called { value, report })
    }
}

fn check_methods(methods: &[Method]) -> Result<(), Broken> {
    for method in methods {
        answer::code("a method's code", &method.code)?;
        answer::at_most_characters("a method's label", &method.label, LABEL_CHARACTERS)?;
        answer::attributes("a method", &method.attributes)?;
    }
    answer::unique("methods", methods.iter().map(|method| method.code.as_str()))
}

/// Holds an outcome against the contract; `asked` is the amount of the payment. For the events of a webhook the kernel
/// calls it itself, once it has found the payment. The text of the error names the broken rule.
pub fn check_outcome(outcome: &Outcome, asked: i64) -> Result<(), String> {
    check_amount(outcome)?;
    let (amount, capturable) = (outcome.amount, outcome.capturable);
    match outcome.status {
        // All of it, which is the same money twice.
        Status::Authorized if amount == asked && capturable == asked => Ok(()),
        Status::Authorized => Err(format!(
            "authorized are {amount}, of which {capturable} can be captured, and not the {asked} asked for"
        )),
        Status::Captured if amount == 0 => Err("captured is nothing".into()),
        // Both are checked alone first, so that their sum cannot overflow.
        _ if amount > asked || capturable > asked || amount + capturable > asked => {
            Err(format!("{amount}, with {capturable} to be captured, is more than was asked for, {asked}"))
        }
        _ => Ok(()),
    }
}

fn check_amount(outcome: &Outcome) -> Result<(), Broken> {
    answer::not_negative("the amount", outcome.amount)?;
    answer::not_negative("what can be captured", outcome.capturable)
}

fn cleaned<T: Clean>(mut called: Called<T>) -> Called<T> {
    called.value.clean();
    called
}

/// Makes a provider's texts fit to keep and show. They decide nothing, so no outcome is refused for them: a payment whose
/// end could never be told would hold its order for ever.
trait Clean {
    fn clean(&mut self);
}

impl Clean for Outcome {
    fn clean(&mut self) {
        answer::clean(&mut self.reference, REFERENCE_CHARACTERS);
        answer::clean_attributes(&mut self.attributes);
        match &mut self.status {
            Status::RequiresAction(action) => {
                answer::clean(&mut action.kind, ACTION_KIND_CHARACTERS);
                answer::clean(&mut action.url, ACTION_URL_CHARACTERS);
                answer::clean_attributes(&mut action.attributes);
            }
            Status::Declined(decline) => decline.clean(),
            Status::Authorized | Status::Captured | Status::Pending | Status::Cancelled => {}
        }
    }
}

impl Clean for Option<Outcome> {
    fn clean(&mut self) {
        self.iter_mut().for_each(Clean::clean);
    }
}

impl Clean for RefundOutcome {
    fn clean(&mut self) {
        answer::clean(&mut self.reference, REFERENCE_CHARACTERS);
        if let RefundStatus::Declined(decline) = &mut self.status {
            decline.clean();
        }
    }
}

impl Clean for Decline {
    fn clean(&mut self) {
        answer::clean(&mut self.code, DECLINE_CODE_CHARACTERS);
        answer::clean(&mut self.message, DECLINE_MESSAGE_CHARACTERS);
        if self.code.is_empty() {
            self.code = "generic".into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(status: Status, amount: i64, capturable: i64) -> Outcome {
        Outcome { status, reference: String::new(), amount, capturable, attributes: Vec::new() }
    }

    fn declined(code: &str, message: String) -> Status {
        Status::Declined(Decline { code: code.into(), message })
    }

    #[test]
    fn an_outcome_never_has_more_than_was_asked_for() {
        for (status, amount, capturable, right) in [
            (Status::Captured, 10_00, 0, true),
            (Status::Captured, 9_99, 1, true),
            (Status::Captured, 9_99, 0, true),
            (Status::Captured, 9_99, 2, false),
            (Status::Captured, 0, 10_00, false),
            (Status::Captured, 10_01, 0, false),
            (Status::Captured, i64::MAX, i64::MAX, false),
            (Status::Captured, 5_00, -1, false),
            (Status::Authorized, 0, 0, false),
            (Status::Authorized, 10_00, 0, false),
            (Status::Authorized, 10_00, 10_00, true),
            (Status::Pending, 0, 0, true),
            (Status::Pending, 10_01, 0, false),
            (Status::Cancelled, -1, 0, false),
            (Status::Cancelled, 0, 0, true),
        ] {
            let outcome = outcome(status, amount, capturable);
            assert_eq!(check_outcome(&outcome, 10_00).is_ok(), right, "{outcome:?}");
        }
    }

    #[test]
    fn a_providers_texts_are_made_to_fit() {
        let mut given = outcome(declined("", "no\0 ".repeat(100)), 0, 0);
        given.reference = "pi_\n1".into();
        given.attributes = vec![("Not-Kebab".into(), String::new()), ("kebab".into(), "a\tb".into())];
        given.clean();
        let Status::Declined(decline) = &given.status else { panic!("it stays declined") };
        assert_eq!((decline.code.as_str(), decline.message.len()), ("generic", 200));
        assert!(decline.message.starts_with("no no "));
        assert_eq!(given.reference, "pi_1");
        assert_eq!(given.attributes, [("kebab".to_owned(), "ab".to_owned())]);
    }

    #[test]
    fn methods_have_codes_of_their_own() {
        let method =
            |code: &str, label: &str| Method { code: code.into(), label: label.into(), attributes: Vec::new() };
        assert!(check_methods(&[]).is_ok());
        assert!(check_methods(&[method("card", "Karte"), method("invoice", "")]).is_ok());
        assert!(check_methods(&[method("card", ""), method("card", "")]).is_err());
        assert!(check_methods(&[method("Card", "")]).is_err());
        assert!(check_methods(&[method("card", &"ж".repeat(100))]).is_ok());
        assert!(check_methods(&[method("card", &"ж".repeat(101))]).is_err());
    }
}
