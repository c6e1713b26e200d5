//! Which plugin is asked about a payment.
//!
//! What goes on with a payment is the plugin of its name that is in force: a newer version may mend what an older one could not. But while a
//! candidate is rolled out there are two at a time, perhaps of two accounts, and the one knows nothing of what the other began. So a payment
//! keeps the rollout in which it was begun and the side that began it, and that side goes on with it: a candidate also after it was taken
//! back, unless both sides had the same settings.

use std::sync::Arc;

use uuid::Uuid;

use super::{Error, Method, Payment, store};
use crate::Shop;
use crate::clock;
use crate::money::{Amount, Currency};
use crate::plugins::trial::{Answers, Asker, Served, Trial};
use crate::plugins::{Bound, CallError, Domain, OptionId, payment};

/// A payment plugin, and which side of a rollout it is.
#[derive(Debug, Clone)]
pub struct Provider {
    pub bound: Arc<Bound>,
    side: Option<(Arc<Trial>, Answers)>,
}

/// What ways to pay are asked for.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// Whose cart it is: none for an order, whose rest is paid by what is in force.
    pub asker: Option<Asker>,
    pub currency: Currency,
    pub amount: Amount,
    pub country: Option<String>,
    pub locale: &'a str,
}

impl Question<'_> {
    fn served(&self, shop: &Shop) -> Served {
        shop.plugins().routing().serve(Domain::Payment, self.asker, clock::now())
    }

    fn context(&self) -> Arc<payment::Context> {
        Arc::new(payment::Context {
            currency: self.currency.code().to_owned(),
            amount: self.amount,
            country: self.country.clone(),
            locale: self.locale.to_owned(),
            now: clock::unix_seconds(clock::now()),
        })
    }
}

/// The ways to pay that the payment plugins offer.
pub async fn methods(shop: &Shop, question: &Question<'_>) -> Result<Vec<Method>, CallError> {
    let served = question.served(shop);
    let (_, said) = shop.plugins().host().methods_served(&served, &question.context()).await;
    let mut methods = Vec::new();
    for (bound, offered) in said {
        methods.extend(offered?.value.into_iter().map(|method| method_of(&bound, method)));
    }
    Ok(methods)
}

fn method_of(bound: &Bound, method: payment::Method) -> Method {
    Method {
        id: OptionId { plugin: bound.name().to_owned(), code: method.code },
        label: method.label,
        attributes: method.attributes,
    }
}

impl Provider {
    /// The plugin that takes a payment by `method`; none where that is not offered. Where a candidate that is drawn does not offer it or
    /// fails, what it is tried beside may, if what the shopper holds is worth as much there: nothing has been begun yet.
    pub async fn offering(shop: &Shop, method: &OptionId, question: &Question<'_>) -> Result<Option<Self>, CallError> {
        let (served, context) = (question.served(shop), question.context());
        let asked = asked_for(shop, served.route.find(&method.plugin), method, &context).await;
        if let Ok(Some(bound)) = asked {
            let side = served.side().cloned().or_else(|| in_force(shop, &bound));
            return Ok(Some(Self { bound, side }));
        }
        let Some((trial, instead)) = served.instead_of(&method.plugin) else { return asked.map(|_| None) };
        let stands_in = asked_for(shop, instead.find(&method.plugin), method, &context).await;
        let bound = match (asked, stands_in) {
            (Ok(_), Ok(Some(bound))) => bound,
            (Err(failed), Ok(Some(bound))) => {
                served.stood_in(&instead, &failed);
                bound
            }
            (Err(failed), _) => return Err(failed),
            (Ok(_), not_offered) => return not_offered.map(|_| None),
        };
        Ok(Some(Self { bound, side: Some((trial.clone(), Answers::Base)) }))
    }

    /// The plugin that goes on with a payment.
    pub(super) async fn of(shop: &Shop, payment: &Payment) -> Result<Self, Error> {
        if let Some((rollout_id, answers)) = payment.rollout
            && let Some(provider) = Self::begun_in(shop, rollout_id, answers, &payment.plugin).await?
        {
            return Ok(provider);
        }
        let bound = shop.plugins().find_bound(Domain::Payment, &payment.plugin).await?;
        Ok(Self { bound, side: None })
    }

    /// The plugin of that name of the side of a rollout, where another is in force.
    async fn begun_in(shop: &Shop, rollout_id: Uuid, answers: Answers, name: &str) -> Result<Option<Self>, Error> {
        let routing = shop.plugins().routing();
        if let Some(trial) = routing.trial(Domain::Payment).filter(|trial| trial.id == rollout_id)
            && let Some(bound) = trial.began(answers, name)
        {
            return Ok(Some(Self { bound: bound.clone(), side: Some((trial.clone(), answers)) }));
        }
        let bound = shop.plugins().begun_in_rollout(rollout_id, answers, name).await?;
        Ok(bound.map(|bound| Self { bound, side: None }))
    }

    /// The likeliest to understand what a provider sends to the plugin of that name; none where it takes no payments and never took any:
    /// money can arrive for a payment long after another plugin was bound.
    pub(super) async fn hearing(shop: &Shop, name: &str) -> Result<Option<Self>, Error> {
        if let Some(bound) = shop.plugins().routing().of(Domain::Payment).find(name) {
            return Ok(Some(Self { bound: bound.clone(), side: None }));
        }
        // A name that PostgreSQL could not even look up is nobody's.
        if name.contains(char::is_control) || !store::has_payments(&mut shop.db().read().await?, name).await? {
            return Ok(None);
        }
        let bound = shop.plugins().find_bound(Domain::Payment, name).await?;
        Ok(Some(Self { bound, side: None }))
    }

    /// Those who began payments in rollouts and may understand what this one makes nothing of.
    pub(super) async fn others_hearing(&self, shop: &Shop) -> Result<Vec<Self>, Error> {
        let name = self.bound.name();
        let begun = store::begun_in_rollouts(&mut shop.db().read().await?, name, ROLLOUTS).await?;
        let mut others: Vec<Self> = Vec::new();
        for (rollout_id, answers) in begun {
            match Self::begun_in(shop, rollout_id, answers, name).await {
                Ok(Some(provider)) if !others.iter().chain([self]).any(|other| other.is_same(&provider)) => {
                    others.push(provider);
                }
                Ok(_) => {}
                // The others hear all the same, and the worker asks about what is open.
                Err(error) => {
                    tracing::error!(rollout = %rollout_id, %error, "a plugin that began payments cannot be loaded");
                }
            }
        }
        Ok(others)
    }

    /// Whether a candidate or what it replaces: one that is tried no longer has no side any more.
    pub(super) fn is_tried(&self) -> bool {
        self.side.is_some()
    }

    /// The same, with nothing held for or against it.
    pub(super) fn unwatched(self) -> Self {
        Self { side: None, ..self }
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.bound.digest(), self.bound.settings()) == (other.bound.digest(), other.bound.settings())
    }

    /// The rollout during which it begins a payment, and the side that it is.
    pub(super) fn rollout(&self) -> Option<(Uuid, Answers)> {
        // In shadow what is in force begins everything, as it would without.
        let side = self.side.as_ref().filter(|(trial, _)| !trial.is_shadow());
        side.map(|(trial, answers)| (trial.id, *answers))
    }

    /// Holds how a call that moves money ended for or against the side that it is. `refused` is the code of an answer that is a refusal.
    pub(super) fn tell<T>(&self, answer: &Result<T, CallError>, refused: impl Fn(&T) -> Option<&str>) {
        if let Some((trial, answers)) = &self.side {
            trial.tell_payment(*answers, answer.as_ref().err(), answer.as_ref().ok().and_then(refused));
        }
    }
}

/// In how many sides of rollouts it is looked for who understands a provider's message.
const ROLLOUTS: u32 = 8;

/// Whoever is nobody's drawn shopper is paid by what is in force: a candidate, perhaps. It is known by itself: the routing may have changed
/// since it was asked.
fn in_force(shop: &Shop, bound: &Arc<Bound>) -> Option<(Arc<Trial>, Answers)> {
    let routing = shop.plugins().routing();
    let trial = routing.trial(Domain::Payment).filter(|trial| trial.is_in_force())?;
    let is_its = trial.candidate().bound.iter().any(|candidate| Arc::ptr_eq(candidate, bound));
    is_its.then(|| (trial.clone(), Answers::Candidate))
}

pub(super) fn outcome_refused(outcome: &payment::Outcome) -> Option<&str> {
    match &outcome.status {
        payment::Status::Declined(decline) => Some(&decline.code),
        _ => None,
    }
}

pub(super) fn refund_refused(outcome: &payment::RefundOutcome) -> Option<&str> {
    match &outcome.status {
        payment::RefundStatus::Declined(decline) => Some(&decline.code),
        _ => None,
    }
}

/// `bound`, if it offers the method.
async fn asked_for(
    shop: &Shop,
    bound: Option<&Arc<Bound>>,
    method: &OptionId,
    context: &Arc<payment::Context>,
) -> Result<Option<Arc<Bound>>, CallError> {
    let Some(bound) = bound else { return Ok(None) };
    let offered = shop.plugins().host().payment_methods(bound, context).await?.value;
    Ok(offered.iter().any(|offered| offered.code == method.code).then(|| bound.clone()))
}
