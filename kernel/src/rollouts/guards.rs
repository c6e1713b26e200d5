//! Guards: what a candidate that answers shoppers may not do. Past one, the plugins before it are in force again, and nobody has to be
//! awake for it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::plugins::trial::{Counts, Window};

/// What a candidate may not do, over the calls of a window of time. Base and candidate are compared on the same questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = RolloutGuards)]
pub struct Guards {
    /// How long calls count, in seconds: 10 to 86,400.
    #[schema(minimum = 10, maximum = 86_400, default = 300)]
    pub window_s: u32,
    /// Nothing is judged on fewer calls than this: 1 to 1,000,000.
    #[schema(minimum = 1, maximum = 1_000_000, default = 50)]
    pub min_calls: u32,
    /// The share of calls that the candidate may fail where the plugins before it do not, in basis points. 10,000: any.
    #[schema(minimum = 0, maximum = 10_000, default = 100)]
    pub max_failed_bp: u32,
    /// By how much the mean call may take longer than the one of the plugins before it, in per cent. 100,000 at most.
    #[schema(minimum = 0, maximum = 100_000, default = 300)]
    pub max_slower_percent: u32,
    /// A mean call as quick as this is never too slow, in microseconds.
    #[schema(default = 5_000)]
    pub slow_from_us: u32,
    /// By how much the mean total may differ from that of the plugins before it, up or down, in basis points, in any currency. 100,000 at
    /// most; a candidate that is to change prices by more than the shop's default needs a rollout that says so.
    #[schema(minimum = 0, maximum = 100_000, default = 1_000)]
    pub max_drift_bp: u32,
    /// How much more of the calls that move money may be without an answer or refused at once than of those of the plugins before it, in basis
    /// points: 1,000 lets 15 % pass where those fail 5 %. Over all of the stage.
    #[schema(minimum = 0, maximum = 10_000, default = 1_000)]
    pub max_payment_failures_bp: u32,
    /// These calls are not judged on fewer than so many of each side: 1 to 1,000,000.
    #[schema(minimum = 1, maximum = 1_000_000, default = 20)]
    pub min_payment_calls: u32,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            window_s: 300,
            min_calls: 50,
            max_failed_bp: 100,
            max_slower_percent: 300,
            slow_from_us: 5_000,
            max_drift_bp: 1_000,
            max_payment_failures_bp: 1_000,
            min_payment_calls: 20,
        }
    }
}

/// What a rollout says of its guards.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = RolloutGuardsIn)]
pub struct GuardsIn {
    #[schema(minimum = 10, maximum = 86_400)]
    window_s: Option<u32>,
    #[schema(minimum = 1, maximum = 1_000_000)]
    min_calls: Option<u32>,
    #[schema(minimum = 0, maximum = 10_000)]
    max_failed_bp: Option<u32>,
    #[schema(minimum = 0, maximum = 100_000)]
    max_slower_percent: Option<u32>,
    slow_from_us: Option<u32>,
    #[schema(minimum = 0, maximum = 100_000)]
    max_drift_bp: Option<u32>,
    #[schema(minimum = 0, maximum = 10_000)]
    max_payment_failures_bp: Option<u32>,
    #[schema(minimum = 1, maximum = 1_000_000)]
    min_payment_calls: Option<u32>,
}

impl GuardsIn {
    /// With what the shop says of those that are not named.
    pub fn over(self, shops: Guards) -> Guards {
        Guards {
            window_s: self.window_s.unwrap_or(shops.window_s),
            min_calls: self.min_calls.unwrap_or(shops.min_calls),
            max_failed_bp: self.max_failed_bp.unwrap_or(shops.max_failed_bp),
            max_slower_percent: self.max_slower_percent.unwrap_or(shops.max_slower_percent),
            slow_from_us: self.slow_from_us.unwrap_or(shops.slow_from_us),
            max_drift_bp: self.max_drift_bp.unwrap_or(shops.max_drift_bp),
            max_payment_failures_bp: self.max_payment_failures_bp.unwrap_or(shops.max_payment_failures_bp),
            min_payment_calls: self.min_payment_calls.unwrap_or(shops.min_payment_calls),
        }
    }
}

/// Which guard it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RolloutGuard)]
pub enum Guard {
    Failures,
    PaymentFailures,
    Latency,
    MoneyDrift,
}

/// What a guard found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = RolloutBreach)]
pub struct Breach {
    pub guard: Guard,
    /// Where money drifted.
    #[schema(example = "EUR")]
    pub currency: Option<String>,
    /// What it may be at most: basis points of failures and money, per cent of latency.
    #[schema(example = 100)]
    pub limit: i64,
    /// What it was.
    #[schema(example = 2_500)]
    pub measured: i64,
    /// The calls that it was judged on: of the window, or of payments all of the stage.
    pub window: Window,
}

impl Guards {
    /// The settings that are out of range, and what the range is.
    pub fn out_of_range(&self) -> Vec<(&'static str, &'static str)> {
        [
            ("window_s", "must be 10 to 86400", (10..=86_400).contains(&self.window_s)),
            ("min_calls", "must be 1 to 1000000", (1..=1_000_000).contains(&self.min_calls)),
            ("max_failed_bp", "must be at most 10000", self.max_failed_bp <= 10_000),
            ("max_slower_percent", "must be at most 100000", self.max_slower_percent <= 100_000),
            ("max_drift_bp", "must be at most 100000", self.max_drift_bp <= 100_000),
            ("max_payment_failures_bp", "must be at most 10000", self.max_payment_failures_bp <= 10_000),
            ("min_payment_calls", "must be 1 to 1000000", (1..=1_000_000).contains(&self.min_payment_calls)),
        ]
        .into_iter()
        .filter(|(.., fits)| !fits)
        .map(|(name, range, _)| (name, range))
        .collect()
    }

    /// What calls are past, those of a window and `all` of the stage; the worst thing first.
    pub fn judge(&self, window: &Window, all: &Counts) -> Option<Breach> {
        let payments = || self.payments(all);
        self.failures(window).or_else(payments).or_else(|| self.drift(window)).or_else(|| self.latency(window))
    }

    fn failures(&self, window: &Window) -> Option<Breach> {
        // A call that could not be compared answered all the same.
        let calls = window.calls;
        let measured = share(window.failures(), calls);
        self.breach(Guard::Failures, None, self.max_failed_bp.into(), measured, calls, window)
    }

    /// Shoppers come to either side by lot, and both sides' providers have the same weather. There are few of these calls, so all count.
    fn payments(&self, all: &Counts) -> Option<Breach> {
        let (calls, failures) = (all.payment_calls, all.payment_failures);
        let measured = share(failures.candidate, calls.candidate) - share(failures.base, calls.base);
        let limit = i64::from(self.max_payment_failures_bp);
        let is_past = calls.candidate.min(calls.base) >= self.min_payment_calls.into() && measured > limit;
        let guard = Guard::PaymentFailures;
        is_past.then(|| Breach { guard, currency: None, limit, measured, window: all.clone() })
    }

    fn drift(&self, window: &Window) -> Option<Breach> {
        window.money.iter().find_map(|(currency, money)| {
            let measured =
                share(money.totals.candidate.saturating_sub(money.totals.base).saturating_abs(), money.totals.base);
            let currency = Some(currency.clone());
            self.breach(Guard::MoneyDrift, currency, self.max_drift_bp.into(), measured, money.calls, window)
        })
    }

    fn latency(&self, window: &Window) -> Option<Breach> {
        let mean = |sum: i64| sum / window.compared.max(1);
        if mean(window.micros.candidate) <= self.slow_from_us.into() {
            return None;
        }
        let longer = window.micros.candidate.saturating_sub(window.micros.base);
        let measured = share(longer, window.micros.base) / 100;
        self.breach(Guard::Latency, None, self.max_slower_percent.into(), measured, window.compared, window)
    }

    fn breach(
        &self,
        guard: Guard,
        currency: Option<String>,
        limit: i64,
        measured: i64,
        calls: i64,
        window: &Window,
    ) -> Option<Breach> {
        let is_past = calls >= self.min_calls.into() && measured > limit;
        is_past.then(|| Breach { guard, currency, limit, measured, window: window.clone() })
    }
}

/// What is this much or more is told as this.
const HUNDREDFOLD: i64 = 1_000_000;

/// `part` of `whole` in basis points. Of nothing, anything is too much, and nothing is nothing.
fn share(part: i64, whole: i64) -> i64 {
    match (part, whole) {
        (0, _) => 0,
        (_, 0) => HUNDREDFOLD,
        (part, whole) => {
            let share = i128::from(part) * 10_000 / i128::from(whole);
            i64::try_from(share).unwrap_or(HUNDREDFOLD).min(HUNDREDFOLD)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::plugins::trial::{Both, Money};

    fn window(calls: i64, failed: i64, money: (i64, i64), micros: (i64, i64)) -> Window {
        let compared = calls - failed;
        let totals = Both { base: money.0, candidate: money.1 };
        Window {
            calls,
            compared,
            failed: if failed > 0 { BTreeMap::from([("trap".to_owned(), failed)]) } else { BTreeMap::new() },
            money: BTreeMap::from([("EUR".to_owned(), Money { calls: compared, totals, ..Money::default() })]),
            micros: Both { base: micros.0 * compared, candidate: micros.1 * compared },
            ..Window::default()
        }
    }

    #[test]
    fn each_guard_lets_its_limit_through_and_nothing_beyond() {
        let guards = Guards::default();
        for (name, window, expected) in [
            ("nothing happened", Window::default(), None),
            ("all is well", window(1_000, 0, (10_000, 10_000), (20, 25)), None),
            ("1 % fails", window(1_000, 10, (10_000, 10_000), (20, 20)), None),
            ("1.1 % fails", window(1_000, 11, (10_000, 10_000), (20, 20)), Some((Guard::Failures, 110))),
            ("all fail, too few", window(49, 49, (0, 0), (0, 0)), None),
            ("all fail", window(50, 50, (0, 0), (0, 0)), Some((Guard::Failures, 10_000))),
            ("10 % less", window(50, 0, (10_000, 9_000), (20, 20)), None),
            ("more than 10 % less", window(50, 0, (10_000, 8_990), (20, 20)), Some((Guard::MoneyDrift, 1_010))),
            ("more than 10 % more", window(50, 0, (10_000, 11_010), (20, 20)), Some((Guard::MoneyDrift, 1_010))),
            ("too few to say", window(49, 0, (10_000, 20_000), (20, 20)), None),
            ("something for nothing", window(50, 0, (0, 1), (20, 20)), Some((Guard::MoneyDrift, HUNDREDFOLD))),
            ("slower, and quick", window(50, 0, (10_000, 10_000), (20, 5_000)), None),
            ("four times as slow", window(50, 0, (10_000, 10_000), (2_000, 8_000)), None),
            ("slower than that", window(50, 0, (10_000, 10_000), (2_000, 8_100)), Some((Guard::Latency, 305))),
        ] {
            let breach = guards.judge(&window, &Counts::default()).map(|breach| (breach.guard, breach.measured));
            assert_eq!(breach, expected, "{name}");
        }
    }

    #[test]
    fn payments_that_fail_are_held_against_those_of_the_plugins_before() {
        let of = |base: (i64, i64), candidate: (i64, i64)| {
            let payment_calls = Both { base: base.0, candidate: candidate.0 };
            let payment_failures = Both { base: base.1, candidate: candidate.1 };
            let all = Counts { payment_calls, payment_failures, ..Counts::default() };
            Guards::default().judge(&Window::default(), &all).map(|breach| (breach.guard, breach.measured))
        };
        for (name, base, candidate, expected) in [
            ("none fails", (900, 0), (100, 0), None),
            ("ten in a hundred more", (900, 45), (100, 15), None),
            ("eleven in a hundred more", (900, 45), (100, 16), Some((Guard::PaymentFailures, 1_100))),
            ("the provider of both is down", (900, 900), (100, 100), None),
            ("too few of the candidate's", (900, 0), (19, 19), None),
            ("too few of the others", (19, 0), (100, 100), None),
            ("enough", (20, 0), (20, 20), Some((Guard::PaymentFailures, 10_000))),
        ] {
            assert_eq!(of(base, candidate), expected, "{name}");
        }
    }

    #[test]
    fn a_rollout_changes_the_guards_that_it_names() {
        let shops = Guards { min_calls: 7, window_s: 60, ..Guards::default() };
        assert_eq!(GuardsIn::default().over(shops), shops);
        let named = GuardsIn { max_drift_bp: Some(5), window_s: Some(90), ..GuardsIn::default() };
        assert_eq!(named.over(shops), Guards { max_drift_bp: 5, window_s: 90, ..shops });
    }

    #[test]
    fn a_guard_can_be_left_open() {
        let open =
            Guards { max_failed_bp: 10_000, max_drift_bp: 10_000, max_slower_percent: 100_000, ..Guards::default() };
        assert_eq!(open.judge(&window(100, 100, (0, 0), (0, 0)), &Counts::default()), None);
        assert_eq!(open.judge(&window(100, 0, (10_000, 0), (1, 900)), &Counts::default()), None);
        assert!(open.out_of_range().is_empty());
        let wrong = Guards {
            window_s: 9,
            min_calls: 0,
            max_failed_bp: 10_001,
            max_drift_bp: 100_001,
            max_slower_percent: 100_001,
            max_payment_failures_bp: 10_001,
            min_payment_calls: 0,
            ..open
        };
        assert_eq!(wrong.out_of_range().len(), 7);
    }
}
