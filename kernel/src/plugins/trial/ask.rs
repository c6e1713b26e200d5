//! Live questions where a candidate is tried.
//!
//! A shopper waits for one side only. Where that is the candidate and it fails, the plugins that were in force answer: the last good
//! version is right there. The other side is asked beside, on the slow lane, and never where its places are all taken.

use std::sync::Arc;

use super::observed::{self, Answered, Compared};
use super::{Answers, Served, Trial};
use crate::clock;
use crate::plugins::delivery::{DeliveryOption, DeliveryQuote, Shipment};
use crate::plugins::pricing::{self, Adjustment};
use crate::plugins::{Bound, CallError, Called, ChainError, Chained, Host, Report, Route};

/// A price, and whose it is.
#[derive(Debug)]
pub struct Priced {
    pub route: Route,
    pub chained: Chained,
}

/// What a delivery plugin answered.
type Quote = (Arc<Bound>, Result<Called<DeliveryQuote>, CallError>);

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
                if let (Some((trial, answers)), Some(request)) = (&served.trial, again) {
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

    /// Asks every delivery plugin that `served` names, one after the other; with the route that they are of.
    pub async fn quotes_served(&self, served: &Served, shipment: &Arc<Shipment>) -> (Route, Vec<Quote>) {
        let route = &served.route;
        let quotes = self.quotes(&route.bound, shipment).await;
        let Some(failed) = quotes.iter().find_map(|(_, answer)| answer.as_ref().err()) else {
            if let Some((trial, answers)) = &served.trial {
                let asked = shipment.clone();
                self.compare(trial, *answers, Offer::of(&quotes, shipment), move |host, other| async move {
                    let quotes = host.quotes(&other, &asked).await;
                    let offer = Offer::of(&quotes, &asked);
                    quotes.into_iter().find_map(|(_, answer)| answer.err()).map_or(Ok(offer), Err)
                });
            }
            return (route.clone(), quotes);
        };
        let Some(instead) = served.instead(&failed.fault) else { return (route.clone(), quotes) };
        let others = self.quotes(&instead.bound, shipment).await;
        match others.iter().all(|(_, answer)| answer.is_ok()) {
            true => {
                stand_in(served, &instead, failed);
                (instead, others)
            }
            false => (route.clone(), quotes),
        }
    }

    async fn quotes(&self, plugins: &[Arc<Bound>], shipment: &Arc<Shipment>) -> Vec<Quote> {
        let mut quotes = Vec::with_capacity(plugins.len());
        for bound in plugins {
            quotes.push((bound.clone(), self.delivery_quote(bound, shipment).await));
        }
        quotes
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
        let other = if served { trial.base.aside.clone() } else { trial.candidate.aside.clone() };
        self.0.slow_lane.spawn(async move {
            let asked = ask(host, other).await;
            let now = clock::now();
            let counts = match (asked, answers) {
                (Ok(other), Answers::Base) => compared(&answer, &other, served).counts(now),
                (Ok(other), Answers::Candidate) => compared(&other, &answer, served).counts(now),
                // It found no place, or its breaker is open: nothing is known of its answer.
                (Err(error), _) if says_nothing(&error) => observed::not_compared(served),
                (Err(error), Answers::Base) => observed::failed(now, error.code(), error.to_string(), false),
                // The candidate answers what those before it could not.
                (Err(_), Answers::Candidate) => observed::not_compared(served),
            };
            trial.observed.add(now, &counts);
            drop(place);
        });
    }
}

fn says_nothing(error: &CallError) -> bool {
    matches!(error.code(), "busy" | "circuit-open")
}

fn stand_in(served: &Served, instead: &Route, failed: &CallError) {
    if let Some((trial, Answers::Candidate)) = &served.trial {
        let now = clock::now();
        trial.observed.add(now, &observed::failed(now, failed.code(), failed.to_string(), true));
    }
    let (generation, instead) = (served.route.generation, instead.generation);
    tracing::warn!(generation, instead, reason = failed.code(), "plugins that were in force before stand in");
}

fn compared<'a, A: Answer>(base: &'a A, candidate: &'a A, served: bool) -> Compared<'a> {
    Compared {
        currency: base.currency(),
        base: base.answered(),
        candidate: candidate.answered(),
        is_same: base.is_same(candidate),
        served,
    }
}

/// What can be compared.
trait Answer: Send + 'static {
    fn currency(&self) -> &str;
    fn answered(&self) -> Answered;
    fn is_same(&self, other: &Self) -> bool;
}

/// What a chain answered.
struct Price {
    currency: String,
    adjustments: Vec<Adjustment>,
    answered: Answered,
}

impl Price {
    fn of(chained: &Chained) -> Self {
        let reports = chained.links.iter().map(|link| &link.report);
        Self {
            currency: chained.links.first().map(|link| link.quote.currency.clone()).unwrap_or_default(),
            adjustments: chained.adjustments.clone(),
            answered: answered(chained.totals.total, reports),
        }
    }
}

impl Answer for Price {
    fn currency(&self) -> &str {
        &self.currency
    }

    fn answered(&self) -> Answered {
        self.answered
    }

    fn is_same(&self, other: &Self) -> bool {
        let (own, others) = (&self.adjustments, &other.adjustments);
        own.len() == others.len() && own.iter().zip(others).all(|(own, other)| own.adds_as(other))
    }
}

/// What delivery plugins offer. Its amount is that of the cheapest option: nobody has chosen yet.
struct Offer {
    currency: String,
    /// By name and code.
    options: Vec<(String, String, i64)>,
    answered: Answered,
}

impl Offer {
    fn of(quotes: &[Quote], shipment: &Shipment) -> Self {
        let answered_by = || quotes.iter().filter_map(|(bound, answer)| Some((bound, answer.as_ref().ok()?)));
        let mut options = Vec::new();
        for (bound, called) in answered_by() {
            let option = |option: &DeliveryOption| (bound.name().to_owned(), option.code.clone(), option.amount);
            options.extend(called.value.options.iter().map(option));
        }
        options.sort();
        let cheapest = options.iter().map(|(.., amount)| *amount).min().unwrap_or_default();
        let answered = answered(cheapest, answered_by().map(|(_, called)| &called.report));
        Self { currency: shipment.currency.clone(), options, answered }
    }
}

impl Answer for Offer {
    fn currency(&self) -> &str {
        &self.currency
    }

    fn answered(&self) -> Answered {
        self.answered
    }

    fn is_same(&self, other: &Self) -> bool {
        self.options == other.options
    }
}

fn answered<'a>(total: i64, reports: impl Iterator<Item = &'a Report>) -> Answered {
    reports.fold(Answered { total, ..Answered::default() }, |sum, report| Answered {
        micros: sum.micros.saturating_add(report.elapsed_us),
        fuel: sum.fuel.saturating_add(report.fuel),
        ..sum
    })
}
