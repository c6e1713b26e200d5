//! Which plugin is asked about a payment.
//!
//! What begins a payment is drawn with its cart, as everything of it is, where a candidate is rolled out. What goes on with it is the plugin
//! of that name that is in force: a newer version may mend what an older one could not. Only what a candidate began while it is tried is
//! the candidate's own: under its settings it may have been begun elsewhere.

use std::sync::Arc;

use uuid::Uuid;

use super::{Error, Method, Payment, store};
use crate::clock;
use crate::money::{Amount, Currency};
use crate::plugins::trial::{Asker, Served, Trial};
use crate::plugins::{Bound, CallError, Domain, OptionId, payment};
use crate::{Shop, db};

/// A payment plugin, and whether it is a candidate that is tried.
#[derive(Debug, Clone)]
pub struct Provider {
    pub bound: Arc<Bound>,
    trial: Option<Arc<Trial>>,
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
    /// fails, what it is tried beside may: nothing has been begun yet.
    pub async fn offering(shop: &Shop, method: &OptionId, question: &Question<'_>) -> Result<Option<Self>, CallError> {
        let (served, context) = (question.served(shop), question.context());
        let asked = asked_for(shop, served.route.find(&method.plugin), method, &context).await;
        let trial = served.candidates();
        let instead = match (asked, served.beside_candidate()) {
            (Ok(Some(bound)), _) => return Ok(Some(Self { bound, trial: trial.cloned() })),
            (Err(failed), Some(instead)) => {
                served.stood_in(&instead, &failed);
                instead
            }
            (Ok(None), Some(instead)) => instead,
            (not_offered, None) => return not_offered.map(|_| None),
        };
        let offered = asked_for(shop, instead.find(&method.plugin), method, &context).await?;
        Ok(offered.map(|bound| Self { bound, trial: None }))
    }

    /// The plugin that goes on with a payment.
    pub(super) async fn of(shop: &Shop, payment: &Payment) -> Result<Self, Error> {
        let routing = shop.plugins().routing();
        let is_its = |trial: &&Arc<Trial>| trial.is_in_force() || payment.rollout_id == Some(trial.id);
        let tried = routing.trial(Domain::Payment).filter(is_its);
        if let Some((trial, bound)) = tried.and_then(|trial| Some((trial, trial.candidate().find(&payment.plugin)?))) {
            return Ok(Self { bound: bound.clone(), trial: Some(trial.clone()) });
        }
        let bound = shop.plugins().find_bound(Domain::Payment, &payment.plugin).await?;
        Ok(Self { bound, trial: None })
    }

    /// Those who may understand what a provider sends to the plugin of that name, the likeliest first; nobody where it takes no payments
    /// and never took any: money can arrive for a payment long after another plugin was bound.
    pub(super) async fn hearing(shop: &Shop, name: &str) -> Result<Vec<Self>, Error> {
        let routing = shop.plugins().routing();
        let mut hearing = Vec::new();
        if let Some(bound) = routing.of(Domain::Payment).find(name) {
            hearing.push(Self { bound: bound.clone(), trial: None });
        }
        // Not in shadow, where it has begun nothing.
        let tried = routing.trial(Domain::Payment).filter(|trial| !trial.is_shadow() && !trial.is_in_force());
        if let Some((trial, bound)) = tried.and_then(|trial| Some((trial, trial.candidate().find(name)?))) {
            hearing.push(Self { bound: bound.clone(), trial: Some(trial.clone()) });
        }
        // A name that PostgreSQL could not even look up is nobody's.
        if hearing.is_empty() && !name.contains(char::is_control) && has_payments(shop, name).await? {
            let bound = shop.plugins().find_bound(Domain::Payment, name).await?;
            hearing.push(Self { bound, trial: None });
        }
        Ok(hearing)
    }

    /// The rollout of the candidate that it is.
    pub(super) fn rollout_id(&self) -> Option<Uuid> {
        self.trial.as_ref().map(|trial| trial.id)
    }

    /// Holds how a call ended for or against the candidate that it is.
    pub(super) fn tell<T>(&self, answer: &Result<T, CallError>) {
        if let Some(trial) = &self.trial {
            trial.tell(answer);
        }
    }

    /// The same of the call that begins a payment, where it is also told whether the provider refused.
    pub(super) fn tell_begun(&self, shop: &Shop, answer: &Result<payment::Outcome, CallError>) {
        self.tell(answer);
        let Ok(outcome) = answer else { return };
        if let Some(trial) = shop.plugins().routing().trial(Domain::Payment) {
            let declined = matches!(outcome.status, payment::Status::Declined(_));
            trial.tell_attempt(self.rollout_id() == Some(trial.id), declined);
        }
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

async fn has_payments(shop: &Shop, plugin: &str) -> db::Result<bool> {
    store::has_payments(&mut shop.db().read().await?, plugin).await
}
