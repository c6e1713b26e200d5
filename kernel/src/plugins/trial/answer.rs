//! Answers as they are compared: whether two are the same, and what is told of them where they are not.

use std::sync::Arc;

use super::observed::{Answered, Compared};
use crate::money::Amount;
use crate::plugins::delivery::{DeliveryQuote, Shipment};
use crate::plugins::notification::{Compose, Message};
use crate::plugins::payment::{Context, Method};
use crate::plugins::pricing::Adjustment;
use crate::plugins::{Bound, CallError, Called, Chained, Host, Report};

/// What one plugin of several said.
pub type Said<T> = (Arc<Bound>, Result<Called<T>, CallError>);

/// What can be compared.
pub(super) trait Answer: Send + 'static {
    fn answered(&self) -> Answered;
    fn is_same(&self, other: &Self) -> bool;
    /// The money of the answer and its currency, where it has any.
    fn money(&self) -> Option<(&str, Amount)> {
        None
    }
    /// Of an answer that came out otherwise, for people. It is kept: nothing that a person could be known by.
    fn told(&self) -> String;
}

pub(super) fn compared<'a, A: Answer>(base: &'a A, candidate: &'a A, served: bool) -> Compared<'a> {
    let money = base.money().zip(candidate.money());
    let text = || match (money, base.told(), candidate.told()) {
        (Some(((currency, before), (_, after))), ..) => format!("{currency} {before} -> {after}"),
        (None, before, after) if before == after => format!("{before}, said otherwise"),
        (None, before, after) => format!("{before} -> {after}"),
    };
    Compared {
        money: money.map(|((currency, before), (_, after))| (currency, before, after)),
        base: base.answered(),
        candidate: candidate.answered(),
        different: (!base.is_same(candidate)).then(text),
        served,
    }
}

/// A question that each plugin of a list is asked by itself.
pub(super) trait Question: Clone + Send + Sync + 'static {
    type Value: Send + Sync + 'static;
    type Answer: Answer;
    fn ask(
        &self,
        host: &Host,
        bound: &Arc<Bound>,
    ) -> impl Future<Output = Result<Called<Self::Value>, CallError>> + Send;
    /// What they said together.
    fn answer(&self, said: &[Said<Self::Value>]) -> Self::Answer;
}

/// Those who answered, with the name of each.
fn values<T>(said: &[Said<T>]) -> impl Iterator<Item = (&str, &T)> {
    said.iter().filter_map(|(bound, called)| Some((bound.name(), &called.as_ref().ok()?.value)))
}

fn cost<T>(said: &[Said<T>]) -> Answered {
    Answered::of(said.iter().filter_map(|(_, called)| Some(&called.as_ref().ok()?.report)))
}

/// What a chain answered.
pub(super) struct Price {
    currency: String,
    total: Amount,
    adjustments: Vec<Adjustment>,
    answered: Answered,
}

impl Price {
    pub fn of(chained: &Chained) -> Self {
        Self {
            currency: chained.links.first().map(|link| link.quote.currency.clone()).unwrap_or_default(),
            total: chained.totals.total,
            adjustments: chained.adjustments.clone(),
            answered: Answered::of(chained.links.iter().map(|link| &link.report)),
        }
    }
}

impl Answer for Price {
    fn answered(&self) -> Answered {
        self.answered
    }

    fn is_same(&self, other: &Self) -> bool {
        let (own, others) = (&self.adjustments, &other.adjustments);
        own.len() == others.len() && own.iter().zip(others).all(|(own, other)| own.adds_as(other))
    }

    fn money(&self) -> Option<(&str, Amount)> {
        Some((&self.currency, self.total))
    }

    fn told(&self) -> String {
        String::new()
    }
}

impl Question for Arc<Shipment> {
    type Value = DeliveryQuote;
    type Answer = Offer;

    async fn ask(&self, host: &Host, bound: &Arc<Bound>) -> Result<Called<DeliveryQuote>, CallError> {
        host.delivery_quote(bound, self).await
    }

    fn answer(&self, said: &[Said<DeliveryQuote>]) -> Offer {
        let options = values(said).flat_map(|(name, quote)| quote.options.iter().map(move |option| (name, option)));
        let mut options: Vec<_> =
            options.map(|(name, option)| (name.to_owned(), option.code.clone(), option.amount)).collect();
        options.sort();
        Offer { currency: self.currency.clone(), options, answered: cost(said) }
    }
}

/// What delivery plugins offer. Its amount is that of the cheapest option: nobody has chosen yet.
pub(super) struct Offer {
    currency: String,
    /// By name and code.
    options: Vec<(String, String, Amount)>,
    answered: Answered,
}

impl Answer for Offer {
    fn answered(&self) -> Answered {
        self.answered
    }

    fn is_same(&self, other: &Self) -> bool {
        self.options == other.options
    }

    fn money(&self) -> Option<(&str, Amount)> {
        let cheapest = self.options.iter().map(|(.., amount)| *amount).min();
        Some((&self.currency, cheapest.unwrap_or_default()))
    }

    fn told(&self) -> String {
        String::new()
    }
}

impl Question for Arc<Context> {
    type Value = Vec<Method>;
    type Answer = Methods;

    async fn ask(&self, host: &Host, bound: &Arc<Bound>) -> Result<Called<Vec<Method>>, CallError> {
        host.payment_methods(bound, self).await
    }

    fn answer(&self, said: &[Said<Vec<Method>>]) -> Methods {
        let methods = values(said).flat_map(|(name, methods)| methods.iter().map(move |method| (name, method)));
        Methods {
            methods: methods.map(|(name, method)| (format!("{name}:{}", method.code), method.label.clone())).collect(),
            answered: cost(said),
        }
    }
}

/// Ways to pay, in the order in which shoppers are shown them. Attributes do not count: a provider may name them anew each time.
pub(super) struct Methods {
    /// By id, with the label.
    methods: Vec<(String, String)>,
    answered: Answered,
}

impl Answer for Methods {
    fn answered(&self) -> Answered {
        self.answered
    }

    fn is_same(&self, other: &Self) -> bool {
        self.methods == other.methods
    }

    fn told(&self) -> String {
        listed(self.methods.iter().map(|(id, _)| id.as_str()))
    }
}

impl Question for Arc<Compose> {
    type Value = Vec<Message>;
    type Answer = Letters;

    async fn ask(&self, host: &Host, bound: &Arc<Bound>) -> Result<Called<Vec<Message>>, CallError> {
        host.compose(bound, self).await
    }

    fn answer(&self, said: &[Said<Vec<Message>>]) -> Letters {
        let messages = values(said).flat_map(|(_, messages)| messages.iter().cloned()).collect();
        Letters { kind: self.event.kind.clone(), messages, answered: cost(said) }
    }
}

/// What is said about one event. A file under another name may say the same.
pub(super) struct Letters {
    kind: String,
    messages: Vec<Message>,
    answered: Answered,
}

impl Answer for Letters {
    fn answered(&self) -> Answered {
        self.answered
    }

    fn is_same(&self, other: &Self) -> bool {
        let (own, others) = (&self.messages, &other.messages);
        let same = |own: &Message, other: &Message| {
            (&own.channel, &own.subject, &own.text, &own.html)
                == (&other.channel, &other.subject, &other.text, &other.html)
        };
        own.len() == others.len() && own.iter().zip(others).all(|(own, other)| same(own, other))
    }

    /// Not what they say: that is for one person.
    fn told(&self) -> String {
        format!("{}: {}", self.kind, listed(self.messages.iter().map(|message| message.channel.as_str())))
    }
}

fn listed<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

impl Answered {
    fn of<'a>(reports: impl Iterator<Item = &'a Report>) -> Self {
        reports.fold(Self::default(), |sum, report| Self {
            micros: sum.micros.saturating_add(report.elapsed_us),
            fuel: sum.fuel.saturating_add(report.fuel),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn methods(ids: &[&str], label: &str) -> Methods {
        let methods = ids.iter().map(|id| ((*id).to_owned(), label.to_owned())).collect();
        Methods { methods, answered: Answered::default() }
    }

    fn letters(texts: &[(&str, &str)]) -> Letters {
        let message = |&(channel, text): &(&str, &str)| Message {
            channel: channel.into(),
            subject: "Hello Ada".into(),
            text: text.into(),
            html: None,
            attributes: Vec::new(),
        };
        Letters {
            kind: "order.paid".into(),
            messages: texts.iter().map(message).collect(),
            answered: Answered::default(),
        }
    }

    #[test]
    fn what_differs_is_told_without_what_it_says() {
        let different = |base: &Letters, candidate: &Letters| compared(base, candidate, false).different;
        let mail = letters(&[("email", "a")]);
        assert_eq!(different(&mail, &letters(&[("email", "a")])), None);
        let told = different(&mail, &letters(&[("email", "b")]));
        assert_eq!(told.as_deref(), Some("order.paid: email, said otherwise"));
        let told = different(&mail, &letters(&[("email", "a"), ("inbox", "a")]));
        assert_eq!(told.as_deref(), Some("order.paid: email -> order.paid: email, inbox"));
        assert_eq!(different(&mail, &letters(&[])).as_deref(), Some("order.paid: email -> order.paid: nothing"));
    }

    #[test]
    fn ways_to_pay_differ_by_what_shoppers_see_of_them() {
        let different =
            |base: &Methods, candidate: &Methods| compared(base, candidate, true).different.unwrap_or_default();
        let card = methods(&["a:card"], "Card");
        assert_eq!(different(&card, &methods(&["a:card"], "Card")), "");
        assert_eq!(different(&card, &methods(&["a:card"], "Karte")), "a:card, said otherwise");
        assert_eq!(different(&card, &methods(&["a:card", "a:bill"], "Card")), "a:card -> a:card, a:bill");
        assert!(compared(&card, &card, true).money.is_none());
    }
}
