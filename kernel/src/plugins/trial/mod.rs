//! Trials: a candidate beside the plugins in force of a domain, tried on live calls before it is trusted with all of them.
//!
//! In *shadow* it is asked what the plugins in force were asked, after the shopper has their answer, and nothing that would change anything.
//! As a *canary* it answers a share of the shoppers, and the plugins in force are asked the same beside it. *In force* it answers all of
//! them, and those before it are still asked beside it. So both are always compared on the very same questions: no difference between the
//! shoppers of one and of the other gets into the sums.
//!
//! | file | holds |
//! |---|---|
//! | `observed` | what the comparisons came to, in all and lately |
//! | `ask` | live questions: who answers, who stands in, who is asked beside |
//! | `answer` | whether two answers are the same, and what is told of them |
//!
//! Who gets the candidate is drawn from the ids of the trial and of the cart, so that every kernel draws alike and nothing is written at
//! a look at a cart. A cart keeps whom it was quoted by until its quote expires: the time since it was made is cut into spans as long as
//! prices are held, and what held at the beginning of a span holds to its end. What is called off is called off at once, for all.

mod answer;
mod ask;
mod observed;

use std::fmt;
use std::sync::Arc;

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;
use uuid::Uuid;

pub use answer::Said;
pub use ask::Priced;
pub use observed::{Both, Counts, Money, Observed, Sample, Window};

use super::routing::Lent;
use super::{Bound, CallError, Digest, Domain, Fault, Route};
use crate::clock::Moment;

/// All of them, in the parts that a share is stated in.
pub const EVERYBODY: u16 = 10_000;

/// Whose question it is, where that decides who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Of a cart, say.
    pub id: Uuid,
    /// When it was made.
    pub since: Moment,
}

/// From when on which share gets the candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub at: Moment,
    /// In basis points: 1,000 is every tenth.
    pub share: u16,
}

/// A candidate, and what it is tried beside.
pub struct Trial {
    pub id: Uuid,
    /// The oldest first; none in shadow.
    steps: Vec<Step>,
    /// How long a quote holds.
    hold: TimeDelta,
    /// What was in force when it began.
    base: Side,
    candidate: Side,
    /// Whether either may answer in the place of the other.
    is_interchangeable: bool,
    observed: Arc<Observed>,
    /// Places for calls beside those that shoppers wait for.
    beside: Arc<Semaphore>,
}

/// One of the two.
struct Side {
    route: Route,
    /// The same plugins, for calls that are no news of the shop: they are neither counted nor logged, and a breaker that is open for the
    /// others lets them through.
    aside: Arc<[Arc<Bound>]>,
    /// The same for calls that nobody waits for: nothing of them is kept.
    beside: Arc<[Arc<Bound>]>,
}

impl Side {
    fn new(route: Route) -> Self {
        let again = |lent: Lent| route.bound.iter().map(|bound| Arc::new(bound.again(lent))).collect();
        Self { aside: again(Lent::All), beside: again(Lent::ToRead), route }
    }

    fn route_aside(&self) -> Route {
        Route { generation: self.route.generation, bound: self.aside.clone(), last_good: None }
    }
}

impl Trial {
    /// `candidate` has generation 0 until it is in force. `beside`: how many calls at once nobody waits for.
    pub fn new(
        id: Uuid,
        steps: Vec<Step>,
        hold: TimeDelta,
        routes: [Route; 2],
        observed: Arc<Observed>,
        beside: u32,
    ) -> Self {
        let is_interchangeable = are_interchangeable(&routes);
        let [base, candidate] = routes.map(Side::new);
        let beside = Arc::new(Semaphore::new(beside as usize));
        Self { id, steps, hold, base, candidate, is_interchangeable, observed, beside }
    }

    /// The candidate is what is in force.
    pub fn is_in_force(&self) -> bool {
        self.candidate.route.generation > 0
    }

    /// The candidate is asked nothing but what changes nothing, and answers nobody.
    pub fn is_shadow(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether it is a trial beside this generation of the domain's binding, or of it.
    pub(super) fn is_of(&self, generation: u64) -> bool {
        match self.is_in_force() {
            true => self.candidate.route.generation == generation,
            false => self.base.route.generation == generation,
        }
    }

    pub fn observed(&self) -> &Arc<Observed> {
        &self.observed
    }

    /// The candidate's plugins; those that a payment was begun with, say, though they were never in force.
    pub fn candidate(&self) -> &Route {
        &self.candidate.route
    }

    /// The plugin of that name on the side that began something: it goes on with it, under its own settings.
    pub fn began(&self, answers: Answers, name: &str) -> Option<&Arc<Bound>> {
        let side = match answers {
            Answers::Base => &self.base,
            Answers::Candidate => &self.candidate,
        };
        // What held carts began after the candidate was put in force was begun aside.
        let plugins = if self.is_in_force() && answers == Answers::Base { &side.aside } else { &side.route.bound };
        plugins.iter().find(|bound| bound.name() == name)
    }

    /// Whether `asker` gets the candidate.
    fn gets_candidate(&self, asker: Asker, now: Moment) -> bool {
        let quoted_at = quoted_at(asker, self.hold, now);
        let share = self.steps.iter().rev().find(|step| step.at <= quoted_at).map_or(0, |step| step.share);
        share > 0 && draw(self.id, asker.id) < share
    }
}

/// Not two accounts of one provider: what a shopper was given for the one is worth nothing to the other. A plugin under a name of its own is asked
/// for nothing that was given for another.
fn are_interchangeable([base, candidate]: &[Route; 2]) -> bool {
    base.bound.iter().all(|bound| bound.domain() != Domain::Payment || is_one_account(base, candidate, bound.name()))
}

fn is_one_account(base: &Route, candidate: &Route, name: &str) -> bool {
    let both = base.find(name).zip(candidate.find(name));
    both.is_none_or(|(base, candidate)| base.settings() == candidate.settings())
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("id", &self.id).field("steps", &self.steps).finish_non_exhaustive()
    }
}

/// When the quote began that `asker` has now.
fn quoted_at(asker: Asker, hold: TimeDelta, now: Moment) -> Moment {
    let (age, hold) =
        ((now - asker.since).num_microseconds().unwrap_or(i64::MAX), hold.num_microseconds().unwrap_or(0));
    match hold > 0 && age > 0 {
        true => asker.since + TimeDelta::microseconds(age - age % hold),
        false => now,
    }
}

/// A number below [`EVERYBODY`], for each pair always the same. Of 2^64 numbers some come once more often than others: by less than one
/// in 10^15.
fn draw(trial: Uuid, asker: Uuid) -> u16 {
    let digest = Digest::of(&[trial.into_bytes(), asker.into_bytes()].concat());
    u16::try_from(digest.leading_number() % u64::from(EVERYBODY)).unwrap_or_default()
}

/// Who answers a question.
#[derive(Clone, Debug)]
pub struct Served {
    pub route: Route,
    /// The trial during which it is asked, and the side that answers.
    trial: Option<(Arc<Trial>, Answers)>,
    /// Whether the other side is asked the same beside.
    is_compared: bool,
}

/// One of the two sides of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    Base,
    Candidate,
}

impl Answers {
    /// As the database has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Candidate => "candidate",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        [Self::Base, Self::Candidate].into_iter().find(|answers| answers.name() == name)
    }
}

impl Served {
    /// Whether anything may be asked again, of the other side or of what stands in.
    fn may_be_asked_again(&self) -> bool {
        self.is_compared || self.route.last_good.is_some()
    }

    /// The trial during which it is asked, and the side that answers.
    pub fn side(&self) -> Option<&(Arc<Trial>, Answers)> {
        self.trial.as_ref()
    }

    /// Who answers about the plugin of that name where the candidate cannot; none where the candidate was not asked, or has that plugin
    /// under an account of its own.
    pub fn instead_of(&self, name: &str) -> Option<(&Arc<Trial>, Route)> {
        match &self.trial {
            Some((trial, Answers::Candidate)) => {
                let is_one = is_one_account(&trial.base.route, &trial.candidate.route, name);
                is_one.then(|| (trial, trial.base.route_aside()))
            }
            _ => None,
        }
    }

    /// Counts that the candidate failed and what it is tried beside answered in its place.
    pub fn stood_in(&self, instead: &Route, failed: &CallError) {
        ask::stand_in(self, instead, failed);
    }

    /// Who answers where `route` failed: what a candidate is tried beside, else what the shop wants. What a plugin in force refuses in the
    /// words of the contract is its answer.
    fn instead(&self, failed: &Fault) -> Option<Route> {
        match &self.trial {
            Some((trial, Answers::Candidate)) => trial.is_interchangeable.then(|| trial.base.route_aside()),
            _ if matches!(failed, Fault::Plugin(_)) => None,
            _ => self.route.last_good.as_ref().map(|last| last.route()),
        }
    }

    /// By the plugins in force, of which none is tried.
    pub fn by(route: Route) -> Self {
        Self { route, trial: None, is_compared: false }
    }

    /// By one of the two of a trial. Nobody's question (a draft of staff's, a preview) is never the candidate's.
    pub(super) fn in_trial(in_force: Route, trial: &Arc<Trial>, asker: Option<Asker>, now: Moment) -> Self {
        let Some(asker) = asker else { return Self::by(in_force) };
        let (route, answers, is_compared) = match trial.gets_candidate(asker, now) {
            true => (trial.candidate.route.clone(), Answers::Candidate, true),
            // Quoted before the candidate was put in force. Under other settings the candidate may be the same file: what it fails must not
            // open a breaker against these.
            false if trial.is_in_force() => (trial.base.route_aside(), Answers::Base, false),
            false => (in_force, Answers::Base, trial.is_shadow()),
        };
        Self { route, trial: Some((trial.clone(), answers)), is_compared }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id;

    fn at(seconds: i64) -> Moment {
        Moment::from_timestamp(1_800_000_000 + seconds, 0).expect("a moment")
    }

    fn trial(steps: &[(i64, u16)], hold: i64) -> Trial {
        let steps = steps.iter().map(|&(seconds, share)| Step { at: at(seconds), share }).collect();
        let observed = Arc::new(Observed::new(Counts::default(), TimeDelta::seconds(60)));
        Trial::new(id::sequential(), steps, TimeDelta::seconds(hold), Default::default(), observed, 1)
    }

    #[test]
    fn a_quote_begins_with_the_span_that_it_lies_in() {
        for (since, hold, now, expected) in
            [(0, 60, 0, 0), (0, 60, 59, 0), (0, 60, 60, 60), (7, 60, 130, 127), (0, 0, 30, 30), (50, 60, 40, 40)]
        {
            let asker = Asker { id: Uuid::nil(), since: at(since) };
            let begun = quoted_at(asker, TimeDelta::seconds(hold), at(now));
            assert_eq!(begun, at(expected), "made at {since}, held for {hold}, looked at at {now}");
        }
    }

    #[test]
    fn the_share_is_kept_and_who_has_it_keeps_it_when_it_grows() {
        let (tenth, half) = (trial(&[(0, 1_000)], 0), trial(&[(0, 5_000)], 0));
        let half = Trial { id: tenth.id, ..half };
        let askers: Vec<_> = (0..10_000).map(|_| Asker { id: id::unguessable(), since: at(0) }).collect();
        let of = |trial: &Trial| askers.iter().filter(|asker| trial.gets_candidate(**asker, at(1))).count();
        // Ten standard deviations from the mean.
        assert!((700..1_300).contains(&of(&tenth)) && (4_500..5_500).contains(&of(&half)));
        let both = |asker: &&Asker| tenth.gets_candidate(**asker, at(1)) && !half.gets_candidate(**asker, at(1));
        assert_eq!(askers.iter().filter(both).count(), 0);
    }

    #[test]
    fn nobody_changes_sides_before_their_quote_expires() {
        // Everybody gets the candidate from second 100 on; quotes hold for 60 seconds.
        let trial = trial(&[(0, 0), (100, EVERYBODY)], 60);
        for (since, now, expected) in
            [(0, 99, false), (0, 119, false), (0, 120, true), (90, 149, false), (90, 150, true), (101, 101, true)]
        {
            let asker = Asker { id: Uuid::nil(), since: at(since) };
            assert_eq!(trial.gets_candidate(asker, at(now)), expected, "made at {since}, looked at at {now}");
        }
        // Fewer than before: who was quoted by the candidate keeps it as long.
        let trial = Trial { steps: vec![Step { at: at(0), share: EVERYBODY }, Step { at: at(30), share: 0 }], ..trial };
        let asker = Asker { id: Uuid::nil(), since: at(0) };
        assert!(trial.gets_candidate(asker, at(59)) && !trial.gets_candidate(asker, at(60)));
    }

    #[test]
    fn in_shadow_the_plugins_in_force_answer_and_are_compared() {
        let trial = Arc::new(trial(&[], 60));
        let asker = Asker { id: Uuid::nil(), since: at(0) };
        let served = Served::in_trial(Route::default(), &trial, Some(asker), at(1));
        assert!(matches!(served.trial, Some((_, Answers::Base))) && served.is_compared);
        assert!(Served::in_trial(Route::default(), &trial, None, at(1)).trial.is_none());
    }
}
