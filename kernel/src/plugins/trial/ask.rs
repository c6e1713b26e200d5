//! Live questions where a candidate is tried.
//!
//! A shopper waits for one side only. Where that is the candidate and it fails, the plugins that were in force answer: the last good
//! version is right there. The other side is asked beside, on the slow lane, and never where its places are all taken.
//!
//! Only what changes nothing is asked of both: prices, delivery options, ways to pay, what a letter says. What moves money or goods is asked
//! of one, and [`Trial::tell_payment`] counts how that ended.

use std::sync::Arc;

use super::answer::{Answer, Price, Question, Said, compared};
use super::{Answers, Served, Trial, observed};
use crate::clock;
use crate::plugins::delivery::{DeliveryQuote, Shipment};
use crate::plugins::notification::{Compose, Message};
use crate::plugins::payment::{Context, Method};
use crate::plugins::pricing;
use crate::plugins::{Bound, CallError, ChainError, Chained, Domain, Fault, Host, Route};

/// A price, and whose it is.
#[derive(Debug)]
pub struct Priced {
    pub route: Route,
    pub chained: Chained,
}

impl Host {
    /// Prices with the chain that `served` names.
    pub async fn price_served(
        &self,
        served: &Served,
        request: pricing::Request,
    ) -> Result<Priced, (Route, ChainError)> {
        let route = &served.route;
        // A cart can be long, and most shops have nothing that could be asked again.
        let again = served.may_be_asked_again().then(|| request.clone());
        let failed = match self.price_chain(&route.bound, request).await {
            Ok(chained) => {
                if let (Some((trial, answers)), Some(request)) = (served.compared(), again) {
                    self.compare(trial, *answers, Price::of(&chained), move |host, other| async move {
                        let chained = host.price_chain(&other, request).await.map_err(|failed| failed.error)?;
                        Ok(Price::of(&chained))
                    });
                }
                return Ok(Priced { route: route.clone(), chained });
            }
            Err(failed) => failed,
        };
        let (Some(instead), Some(request)) = (served.instead(&failed.error.fault), again) else {
            return Err((route.clone(), failed));
        };
        match self.price_chain(&instead.bound, request).await {
            Ok(chained) => {
                stand_in(served, &instead, &failed.error);
                Ok(Priced { route: instead, chained })
            }
            // No plugin has a price for this: that is not the fault of the one that was asked first.
            Err(_) => Err((route.clone(), failed)),
        }
    }

    /// Asks every delivery plugin that `served` names for its options; with the route that they are of.
    pub async fn quotes_served(&self, served: &Served, shipment: &Arc<Shipment>) -> (Route, Vec<Said<DeliveryQuote>>) {
        self.each_served(served, shipment).await
    }

    /// Asks every payment plugin that `served` names for its ways to pay; with the route that they are of.
    pub async fn methods_served(&self, served: &Served, context: &Arc<Context>) -> (Route, Vec<Said<Vec<Method>>>) {
        self.each_served(served, context).await
    }

    /// Asks every notification plugin that `served` names for its messages; with the route that they are of.
    pub async fn compose_served(&self, served: &Served, request: &Arc<Compose>) -> (Route, Vec<Said<Vec<Message>>>) {
        self.each_served(served, request).await
    }

    async fn each_served<Q: Question>(&self, served: &Served, question: &Q) -> (Route, Vec<Said<Q::Value>>) {
        let route = &served.route;
        let said = self.each(&route.bound, question).await;
        let Some(failed) = said.iter().find_map(|(_, answer)| answer.as_ref().err()) else {
            if let Some((trial, answers)) = served.compared() {
                let asked = question.clone();
                self.compare(trial, *answers, question.answer(&said), move |host, other| async move {
                    let said = host.each(&other, &asked).await;
                    let answer = asked.answer(&said);
                    said.into_iter().find_map(|(_, answer)| answer.err()).map_or(Ok(answer), Err)
                });
            }
            return (route.clone(), said);
        };
        let Some(instead) = served.instead(&failed.fault) else { return (route.clone(), said) };
        let others = self.each(&instead.bound, question).await;
        match others.iter().all(|(_, answer)| answer.is_ok()) {
            true => {
                stand_in(served, &instead, failed);
                (instead, others)
            }
            false => (route.clone(), said),
        }
    }

    /// One after the other.
    async fn each<Q: Question>(&self, plugins: &[Arc<Bound>], question: &Q) -> Vec<Said<Q::Value>> {
        let mut said = Vec::with_capacity(plugins.len());
        for bound in plugins {
            said.push((bound.clone(), question.ask(self, bound).await));
        }
        said
    }

    /// Asks the other side what `answer` was the answer to. Nobody waits for it.
    fn compare<A, Asking>(
        &self,
        trial: &Arc<Trial>,
        answers: Answers,
        answer: A,
        ask: impl FnOnce(Host, Arc<[Arc<Bound>]>) -> Asking + Send + 'static,
    ) where
        A: Answer,
        Asking: Future<Output = Result<A, CallError>> + Send + 'static,
    {
        let served = answers == Answers::Candidate;
        let Ok(place) = trial.beside.clone().try_acquire_owned() else {
            return trial.observed.add(clock::now(), &observed::not_compared(served));
        };
        let (host, trial) = (self.clone(), trial.clone());
        let other = if served { trial.base.beside.clone() } else { trial.candidate.beside.clone() };
        self.0.slow_lane.spawn(async move {
            let asked = ask(host, other).await;
            let now = clock::now();
            let counts = match (asked, answers) {
                (Ok(other), Answers::Base) => compared(&answer, &other, served).counts(now),
                (Ok(other), Answers::Candidate) => compared(&other, &answer, served).counts(now),
                // It found no place, or its breaker is open: nothing is known of its answer.
                (Err(error), _) if says_nothing(&error) => observed::not_compared(served),
                (Err(error), Answers::Base) => observed::failed(now, error.code(), trial.told(&error), false),
                // The candidate answers what those before it could not.
                (Err(_), Answers::Candidate) => observed::not_compared(served),
            };
            trial.observed.add(now, &counts);
            drop(place);
        });
    }
}

impl Served {
    fn compared(&self) -> Option<&(Arc<Trial>, Answers)> {
        self.trial.as_ref().filter(|_| self.is_compared)
    }
}

impl Trial {
    /// Counts a call that moves money, which only the side could be asked that began the payment. `failed` is its fault, or the code of
    /// a refusal. Shoppers come to either side by lot: where one of them fails more, it is not the shoppers.
    pub fn tell_payment(&self, answers: Answers, failed: Option<&CallError>, refused: Option<&str>) {
        if self.is_shadow() || failed.is_some_and(says_nothing) {
            return;
        }
        let now = clock::now();
        let text = failed.map(|error| (error.code(), self.told(error)));
        let sample = text.or_else(|| refused.map(|code| ("declined", code.to_owned())));
        self.observed.add(now, &observed::payment(now, answers, sample));
    }

    /// A fault in words. Where a plugin knows persons, its own words may name one, and what was seen of a trial is kept.
    fn told(&self, error: &CallError) -> String {
        let bound = self.candidate.route.bound.first();
        let knows_persons = bound.is_some_and(|bound| matches!(bound.domain(), Domain::Payment | Domain::Notification));
        match error.fault {
            Fault::Plugin(_) if knows_persons => String::new(),
            _ => error.to_string(),
        }
    }
}

fn says_nothing(error: &CallError) -> bool {
    matches!(error.code(), "busy" | "circuit-open")
}

pub(super) fn stand_in(served: &Served, instead: &Route, failed: &CallError) {
    if let Some((trial, Answers::Candidate)) = &served.trial {
        let now = clock::now();
        trial.observed.add(now, &observed::failed(now, failed.code(), trial.told(failed), true));
    }
    let (generation, instead) = (served.route.generation, instead.generation);
    tracing::warn!(generation, instead, reason = failed.code(), "plugins that were in force before stand in");
}
