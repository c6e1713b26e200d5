//! What the calls of a trial came to: in all since its stage began, and in a window of time for the guards.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Answers;
use crate::clock::Moment;
use crate::money::Amount;

/// Kept of what went wrong or came out otherwise; the first ones.
const SAMPLES: usize = 20;
/// Codes and currencies that are told apart.
const NAMES: usize = 200;
/// Parts that a window is moved on by.
const PARTS: i64 = 20;

/// The same of both.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RolloutBoth)]
pub struct Both {
    pub base: i64,
    pub candidate: i64,
}

/// Money of one currency, in minor units, over the calls that both answered. A cart counts at each look at it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RolloutMoney)]
pub struct Money {
    pub calls: i64,
    pub totals: Both,
    /// Calls with a higher total by the candidate, and by how much in all.
    pub dearer: i64,
    pub dearer_by: Amount,
    /// Calls with a lower total by the candidate, and by how much in all.
    pub cheaper: i64,
    pub cheaper_by: Amount,
}

/// A call that went wrong or came out otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RolloutSample)]
pub struct Sample {
    #[schema(value_type = String, format = DateTime)]
    pub at: Moment,
    /// Of the candidate's fault; none where it answered.
    #[schema(example = "trapped")]
    pub code: Option<String>,
    /// The fault in words; of two answers the currency and both totals, or what each of them names.
    pub text: String,
}

/// Sums over calls.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RolloutCounts)]
pub struct Counts {
    /// Calls of the candidate, those that answered a shopper and those beside.
    pub calls: i64,
    /// Of them: those that a shopper waited for.
    pub served: i64,
    /// Questions that both answered.
    pub compared: i64,
    /// Of them: with another answer.
    pub different: i64,
    /// Questions that were not compared, because as many comparisons as may be were under way.
    pub not_compared: i64,
    /// Calls that the candidate failed and the plugins in force did not, by the code of the fault.
    pub failed: BTreeMap<String, i64>,
    /// Of them: those where the plugins in force stood in and the shopper saw nothing of it.
    pub stood_in: i64,
    /// By currency; of pricing and delivery.
    pub money: BTreeMap<String, Money>,
    /// Calls that move money (`authorize`, `capture`, `cancel`, `refund`), of payments that were begun while the candidate is tried.
    /// Repetitions do not count.
    // Rollouts that were under way before it was counted have none.
    #[serde(default)]
    #[schema(required)]
    pub payment_calls: Both,
    /// Of them: without an answer, or refused at once.
    #[serde(default)]
    #[schema(required)]
    pub payment_failures: Both,
    /// Microseconds of the compared calls.
    pub micros: Both,
    /// Fuel of the compared calls.
    pub fuel: Both,
    /// The first calls that failed or came out otherwise.
    pub samples: Vec<Sample>,
}

impl Counts {
    /// Calls that the candidate failed.
    pub fn failures(&self) -> i64 {
        self.failed.values().sum()
    }

    fn add(&mut self, other: &Self) {
        for (own, others) in [
            (&mut self.calls, other.calls),
            (&mut self.served, other.served),
            (&mut self.compared, other.compared),
            (&mut self.different, other.different),
            (&mut self.not_compared, other.not_compared),
            (&mut self.stood_in, other.stood_in),
        ] {
            *own += others;
        }
        for (own, others) in [
            (&mut self.payment_calls, other.payment_calls),
            (&mut self.payment_failures, other.payment_failures),
            (&mut self.micros, other.micros),
            (&mut self.fuel, other.fuel),
        ] {
            own.base = own.base.saturating_add(others.base);
            own.candidate = own.candidate.saturating_add(others.candidate);
        }
        for (code, count) in &other.failed {
            if let Some(own) = entry(&mut self.failed, code) {
                *own += count;
            }
        }
        for (currency, others) in &other.money {
            if let Some(own) = entry(&mut self.money, currency) {
                own.calls += others.calls;
                // Sums of amounts stop at the highest number there is, after thousands of carts that cost all that a cart may.
                own.totals.base = own.totals.base.saturating_add(others.totals.base);
                own.totals.candidate = own.totals.candidate.saturating_add(others.totals.candidate);
                own.dearer += others.dearer;
                own.dearer_by = own.dearer_by.saturating_add(others.dearer_by);
                own.cheaper += others.cheaper;
                own.cheaper_by = own.cheaper_by.saturating_add(others.cheaper_by);
            }
        }
        let room = SAMPLES.saturating_sub(self.samples.len());
        self.samples.extend(other.samples.iter().take(room).cloned());
    }
}

/// Names come from plugins and carts: there may be many.
fn entry<'a, T: Default>(of: &'a mut BTreeMap<String, T>, name: &str) -> Option<&'a mut T> {
    if !of.contains_key(name) && of.len() >= NAMES {
        return None;
    }
    Some(of.entry(name.to_owned()).or_default())
}

/// What the calls of the last while came to.
pub type Window = Counts;

/// What is seen of a trial.
#[derive(Debug)]
pub struct Observed {
    part: TimeDelta,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    all: Counts,
    /// The number of the part of time, and what it came to; the oldest first.
    parts: Vec<(i64, Counts)>,
}

impl Observed {
    /// Goes on from `before`; the window begins empty.
    pub fn new(before: Counts, window: TimeDelta) -> Self {
        let part = TimeDelta::milliseconds((window.num_milliseconds() / PARTS).max(1));
        Self { part, inner: Mutex::new(Inner { all: before, parts: Vec::new() }) }
    }

    pub fn all(&self) -> Counts {
        self.inner().all.clone()
    }

    /// What the calls up to `now` came to that lie in the window.
    pub fn window(&self, now: Moment) -> Window {
        let oldest = self.number(now) - PARTS;
        let mut sum = Counts::default();
        self.inner().parts.iter().filter(|(number, _)| *number > oldest).for_each(|(_, counts)| sum.add(counts));
        sum
    }

    /// Begins the window anew: what a guard has judged once it does not judge again in another stage.
    pub fn forget_window(&self) {
        self.inner().parts.clear();
    }

    pub(super) fn add(&self, now: Moment, counts: &Counts) {
        let number = self.number(now);
        let mut inner = self.inner();
        inner.all.add(counts);
        let oldest = number - PARTS;
        inner.parts.retain(|(number, _)| *number > oldest);
        match inner.parts.iter_mut().find(|(known, _)| *known == number) {
            Some((_, part)) => part.add(counts),
            None => inner.parts.push((number, counts.clone())),
        }
    }

    fn number(&self, now: Moment) -> i64 {
        now.timestamp_millis() / self.part.num_milliseconds().max(1)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Nothing here panics half-way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call of a trial, as it is counted.
pub(super) struct Compared<'a> {
    /// The currency, and what the plugins in force and the candidate came to.
    pub money: Option<(&'a str, Amount, Amount)>,
    pub base: Answered,
    pub candidate: Answered,
    /// What is told of two answers that are not the same.
    pub different: Option<String>,
    /// A shopper got the candidate's answer.
    pub served: bool,
}

/// What an answer cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Answered {
    pub micros: u64,
    pub fuel: u64,
}

impl Compared<'_> {
    pub fn counts(self, now: Moment) -> Counts {
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let both = |base, candidate| Both { base: number(base), candidate: number(candidate) };
        let money = self.money.map(|(currency, before, after)| (currency.to_owned(), Money::of(before, after)));
        Counts {
            calls: 1,
            served: self.served.into(),
            compared: 1,
            different: self.different.is_some().into(),
            money: money.into_iter().collect(),
            micros: both(self.base.micros, self.candidate.micros),
            fuel: both(self.base.fuel, self.candidate.fuel),
            samples: self.different.map(|text| Sample { at: now, code: None, text }).into_iter().collect(),
            ..Counts::default()
        }
    }
}

impl Money {
    fn of(before: Amount, after: Amount) -> Self {
        let by = after.saturating_sub(before);
        Self {
            calls: 1,
            totals: Both { base: before, candidate: after },
            dearer: (by > 0).into(),
            dearer_by: by.max(0),
            cheaper: (by < 0).into(),
            cheaper_by: by.saturating_neg().max(0),
        }
    }
}

/// A call that the candidate alone failed. `stood_in`: a shopper waited for it, and the plugins in force answered them.
pub(super) fn failed(now: Moment, code: &str, text: String, stood_in: bool) -> Counts {
    Counts {
        calls: 1,
        served: stood_in.into(),
        failed: BTreeMap::from([(code.to_owned(), 1)]),
        stood_in: stood_in.into(),
        samples: vec![Sample { at: now, code: Some(code.to_owned()), text }],
        ..Counts::default()
    }
}

/// A call that moved money, or was to. `failed`: the code of why it did not, and words.
pub(super) fn payment(now: Moment, answers: Answers, failed: Option<(&str, String)>) -> Counts {
    let of = |happened: bool| match answers {
        Answers::Base => Both { base: happened.into(), candidate: 0 },
        Answers::Candidate => Both { base: 0, candidate: happened.into() },
    };
    let (payment_calls, payment_failures) = (of(true), of(failed.is_some()));
    let sample = failed.filter(|_| answers == Answers::Candidate);
    let samples = sample.map(|(code, text)| Sample { at: now, code: Some(code.to_owned()), text });
    Counts { payment_calls, payment_failures, samples: samples.into_iter().collect(), ..Counts::default() }
}

/// A question that was not compared.
pub(super) fn not_compared(served: bool) -> Counts {
    Counts { calls: served.into(), served: served.into(), not_compared: 1, ..Counts::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Moment {
        Moment::from_timestamp(1_800_000_000 + seconds, 0).expect("a moment")
    }

    fn compared(before: Amount, after: Amount) -> Counts {
        let cost = Answered { micros: 10, fuel: 100 };
        let different = (before != after).then(|| format!("EUR {before} -> {after}"));
        Compared { money: Some(("EUR", before, after)), base: cost, candidate: cost, different, served: true }
            .counts(at(0))
    }

    #[test]
    fn all_is_summed_and_the_window_moves_on() {
        let observed = Observed::new(Counts { calls: 5, ..Counts::default() }, TimeDelta::seconds(20));
        observed.add(at(0), &compared(100, 90));
        observed.add(at(5), &compared(100, 130));
        observed.add(at(5), &failed(at(5), "trap", "a trap".into(), true));
        observed.add(at(6), &not_compared(false));
        let money = Money {
            calls: 2,
            totals: Both { base: 200, candidate: 220 },
            dearer: 1,
            dearer_by: 30,
            cheaper: 1,
            cheaper_by: 10,
        };
        let all = observed.all();
        assert_eq!((all.calls, all.served, all.compared, all.different, all.not_compared), (8, 3, 2, 2, 1));
        assert_eq!((all.failures(), all.stood_in, all.money["EUR"]), (1, 1, money));
        assert_eq!((all.micros, all.fuel), (Both { base: 20, candidate: 20 }, Both { base: 200, candidate: 200 }));
        assert_eq!(
            all.samples.iter().map(|sample| sample.text.as_str()).collect::<Vec<_>>(),
            ["EUR 100 -> 90", "EUR 100 -> 130", "a trap"]
        );
        for (now, calls) in [(6, 3), (19, 3), (20, 2), (24, 2), (25, 0), (1_000, 0)] {
            assert_eq!(observed.window(at(now)).calls, calls, "at {now}");
        }
        observed.forget_window();
        assert_eq!((observed.window(at(6)).calls, observed.all().calls), (0, 8));
    }

    #[test]
    fn calls_that_move_money_are_those_of_one_side() {
        let observed = Observed::new(Counts::default(), TimeDelta::seconds(20));
        for (answers, failed) in [(Answers::Candidate, true), (Answers::Candidate, false), (Answers::Base, true)] {
            observed.add(at(0), &payment(at(0), answers, failed.then(|| ("trapped", "a trap".to_owned()))));
        }
        let all = observed.all();
        assert_eq!(all.payment_calls, Both { base: 1, candidate: 2 });
        assert_eq!(all.payment_failures, Both { base: 1, candidate: 1 });
        assert_eq!((all.calls, all.failures(), all.samples.len()), (0, 0, 1));
    }

    #[test]
    fn names_and_samples_are_bounded() {
        let observed = Observed::new(Counts::default(), TimeDelta::seconds(20));
        for number in 0..1_000 {
            observed.add(at(0), &failed(at(0), &format!("code-{number}"), String::new(), false));
        }
        let all = observed.all();
        assert_eq!((all.failed.len(), all.samples.len(), all.calls), (NAMES, SAMPLES, 1_000));
    }
}
