//! Cases added up.

use std::collections::BTreeMap;

use super::case::{Case, Failed, Priced, Spent};
use super::{CallCost, Change, Cost, Error, Failure, Group, OrderChange, Report, Side};
use crate::money::Amount;

/// Changes that a report names one by one.
const LARGEST: usize = 20;
/// Orders that a kind of failure names.
const NAMED: usize = 10;
/// The group of orders that have none of what is grouped by, and that of what is beyond the groups that a report names.
const NONE: &str = "(none)";
const OTHERS: &str = "(others)";

/// Adds cases up.
#[derive(Default)]
pub(super) struct Sums {
    /// That a report names, of each kind; what else there is stands under [`OTHERS`].
    named_groups: usize,
    unchanged: u64,
    changed: u64,
    skipped: u64,
    totals: BTreeMap<String, Both>,
    changes: Vec<OrderChange>,
    countries: Groups,
    coupons: Groups,
    categories: Groups,
    errors: BTreeMap<(Option<String>, String), Failure>,
    recorded: Costs,
    candidate: Costs,
}

type Groups = BTreeMap<(String, String), Sum>;

/// In 128 bits no sum of amounts overflows; what a report cannot say fails it at the end.
#[derive(Default)]
struct Sum {
    orders: u64,
    changed: u64,
    before: i128,
    after: i128,
}

#[derive(Default)]
struct Both {
    sum: Sum,
    up: (u64, i128),
    down: (u64, i128),
}

#[derive(Default)]
struct Costs {
    fuel: u128,
    fuel_max: u64,
    elapsed_us: Vec<u64>,
}

impl Sums {
    pub fn new(named_groups: u32) -> Self {
        Self { named_groups: named_groups as usize, ..Self::default() }
    }

    /// Adds an order; none is one that could not be read.
    pub fn add(&mut self, case: Option<Case>) {
        let Some(case) = case else {
            self.skipped += 1;
            return;
        };
        case.recorded.iter().for_each(|spent| self.recorded.add(spent));
        case.candidate.iter().for_each(|spent| self.candidate.add(spent));
        match &case.after {
            Ok(after) => self.add_priced(&case, after),
            Err(failed) => self.add_failed(case.number, failed),
        }
    }

    fn add_priced(&mut self, case: &Case, after: &Priced) {
        let (before, after_total, currency) = (case.before.total, after.total, &case.currency);
        let difference = after_total - before;
        self.totals.entry(currency.clone()).or_default().add(before, after_total);
        let group = |groups: &mut Groups, key: &str, before, after| {
            let key = if key.is_empty() { NONE } else { key };
            groups.entry((key.to_owned(), currency.clone())).or_default().add(before, after);
        };
        group(&mut self.countries, &case.country, before, after_total);
        if case.coupons.is_empty() {
            group(&mut self.coupons, NONE, before, after_total);
        }
        case.coupons.iter().for_each(|code| group(&mut self.coupons, code, before, after_total));
        let parts = |priced: &Priced, key: &String| priced.categories.get(key).copied().unwrap_or_default();
        let keys = case.before.categories.keys().chain(after.categories.keys());
        for key in keys.collect::<std::collections::BTreeSet<_>>() {
            group(&mut self.categories, key, parts(&case.before, key), parts(after, key));
        }
        if difference == 0 {
            self.unchanged += 1;
            return;
        }
        self.changed += 1;
        let change =
            OrderChange { number: case.number, currency: currency.clone(), before, after: after_total, difference };
        self.changes.push(change);
    }

    fn add_failed(&mut self, number: i64, failed: &Failed) {
        let key = (failed.plugin.clone(), failed.code.clone());
        let failure = self.errors.entry(key).or_insert_with(|| Failure {
            plugin: failed.plugin.clone(),
            code: failed.code.clone(),
            text: failed.text.clone(),
            orders: 0,
            numbers: Vec::new(),
        });
        failure.orders += 1;
        if failure.numbers.len() < NAMED {
            failure.numbers.push(number);
        }
    }

    /// The report, and every order that would change, in the order in which they came.
    pub fn report(self, elapsed_ms: u64) -> Result<(Report, Vec<OrderChange>), Error> {
        let mut errors: Vec<_> = self.errors.into_values().collect();
        errors.sort_by_key(|failure| std::cmp::Reverse(failure.orders));
        let failed = errors.iter().map(|failure| failure.orders).sum();
        let totals = self.totals.into_iter().map(|(currency, both)| both.change(currency));
        let report = Report {
            orders: self.unchanged + self.changed + failed,
            unchanged: self.unchanged,
            changed: self.changed,
            failed,
            skipped: self.skipped,
            totals: totals.collect::<Result<_, _>>()?,
            largest: largest(&self.changes),
            countries: groups(self.countries, self.named_groups)?,
            coupons: groups(self.coupons, self.named_groups)?,
            categories: groups(self.categories, self.named_groups)?,
            errors,
            cost: Cost { recorded: self.recorded.cost(), candidate: self.candidate.cost() },
            elapsed_ms,
        };
        Ok((report, self.changes))
    }
}

/// The first ones of those that change most; of equals the older order.
fn largest(changes: &[OrderChange]) -> Vec<OrderChange> {
    let mut all: Vec<_> = changes.iter().collect();
    all.sort_by_key(|change| (std::cmp::Reverse(change.difference.abs()), change.number));
    all.into_iter().take(LARGEST).cloned().collect()
}

/// The largest differences first; what is beyond `most` is one group for each currency.
fn groups(groups: Groups, most: usize) -> Result<Vec<Group>, Error> {
    let mut sums: Vec<_> = groups.into_iter().collect();
    let rank = |sum: &Sum| (std::cmp::Reverse(sum.after.abs_diff(sum.before)), std::cmp::Reverse(sum.orders));
    sums.sort_by_key(|(_, sum)| rank(sum));
    let mut others: BTreeMap<String, Sum> = BTreeMap::new();
    for ((_, currency), sum) in sums.split_off(sums.len().min(most)) {
        others.entry(currency).or_default().take(&sum);
    }
    let named = sums.into_iter().map(|((key, currency), sum)| sum.group(key, currency));
    named.chain(others.into_iter().map(|(currency, sum)| sum.group(OTHERS.to_owned(), currency))).collect()
}

fn amount(sum: i128) -> Result<Amount, Error> {
    Amount::try_from(sum).map_err(|_| Error::TooLarge)
}

impl Sum {
    fn add(&mut self, before: Amount, after: Amount) {
        self.orders += 1;
        self.changed += u64::from(before != after);
        self.before += i128::from(before);
        self.after += i128::from(after);
    }

    fn take(&mut self, other: &Self) {
        self.orders += other.orders;
        self.changed += other.changed;
        self.before += other.before;
        self.after += other.after;
    }

    fn group(self, key: String, currency: String) -> Result<Group, Error> {
        let (before, after, difference) =
            (amount(self.before)?, amount(self.after)?, amount(self.after - self.before)?);
        Ok(Group { key, currency, orders: self.orders, changed: self.changed, before, after, difference })
    }
}

impl Both {
    fn add(&mut self, before: Amount, after: Amount) {
        self.sum.add(before, after);
        let side = match after.cmp(&before) {
            std::cmp::Ordering::Less => &mut self.down,
            std::cmp::Ordering::Equal => return,
            std::cmp::Ordering::Greater => &mut self.up,
        };
        side.0 += 1;
        side.1 += i128::from(after) - i128::from(before);
    }

    fn change(self, currency: String) -> Result<Change, Error> {
        let side = |(orders, sum)| Ok::<_, Error>(Side { orders, amount: amount(sum)? });
        let Group { currency, orders, changed, before, after, difference, .. } =
            self.sum.group(String::new(), currency)?;
        Ok(Change { currency, orders, changed, before, after, difference, up: side(self.up)?, down: side(self.down)? })
    }
}

impl Costs {
    fn add(&mut self, spent: &Spent) {
        self.fuel += u128::from(spent.fuel);
        self.fuel_max = self.fuel_max.max(spent.fuel);
        self.elapsed_us.push(spent.elapsed_us);
    }

    fn cost(mut self) -> CallCost {
        self.elapsed_us.sort_unstable();
        let calls = self.elapsed_us.len();
        // The smallest that so many of a hundred calls do not exceed.
        let share = |percent: usize| self.elapsed_us.get((calls * percent).div_ceil(100).saturating_sub(1)).copied();
        let fuel_mean = self.fuel.checked_div(calls as u128).unwrap_or_default();
        CallCost {
            calls: calls as u64,
            fuel_mean: u64::try_from(fuel_mean).unwrap_or(u64::MAX),
            fuel_max: self.fuel_max,
            elapsed_us_p50: share(50).unwrap_or_default(),
            elapsed_us_p99: share(99).unwrap_or_default(),
            elapsed_us_max: share(100).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUPS: u32 = 20;

    fn case(number: i64, before: Amount, after: Amount, category: &str) -> Case {
        let priced = |total| Priced { total, categories: BTreeMap::from([(category.to_owned(), total)]) };
        let spent = |elapsed_us| Spent { fuel: 10, elapsed_us };
        Case {
            number,
            currency: "EUR".into(),
            country: "DE".into(),
            coupons: Vec::new(),
            before: priced(before),
            after: Ok(priced(after)),
            recorded: vec![spent(1)],
            candidate: vec![spent(u64::try_from(number).expect("above zero"))],
        }
    }

    fn report(cases: impl IntoIterator<Item = Case>) -> Report {
        let mut sums = Sums::new(GROUPS);
        cases.into_iter().for_each(|case| sums.add(Some(case)));
        sums.report(0).expect("a report").0
    }

    #[test]
    fn the_largest_changes_are_named() {
        // 1 to 100, up and down by turns; the same again under later numbers.
        let change = |number: i64| if number % 2 == 0 { number } else { -number };
        let cases = (1..=100).flat_map(|number| {
            [
                case(number, 1_000, 1_000 + change(number), "tea"),
                case(number + 100, 1_000, 1_000 + change(number), "tea"),
            ]
        });
        let report = report(cases);
        let named: Vec<_> = report.largest.iter().map(|change| (change.number, change.difference)).collect();
        assert_eq!(named[..4], [(100, 100), (200, 100), (99, -99), (199, -99)]);
        assert_eq!(named.len(), LARGEST);
        assert_eq!((report.totals[0].up.amount, report.totals[0].down.amount), (2 * 2_550, 2 * -2_500));
    }

    #[test]
    fn what_is_beyond_the_groups_is_one_group() {
        let categories = (1..=250).map(|number| case(number, 1_000, 1_000 + number, &format!("c{number}")));
        let report = report(categories);
        assert_eq!(report.categories.len(), 21);
        assert_eq!((report.categories[0].key.as_str(), report.categories[0].difference), ("c250", 250));
        let others = report.categories.last().expect("others");
        assert_eq!((others.key.as_str(), others.orders, others.difference), (OTHERS, 230, (1..=230).sum()));
    }

    #[test]
    fn costs_are_of_calls() {
        let report = report((1..=200).map(|number| case(number, 1, 1, "tea")));
        let CallCost { calls, fuel_mean, elapsed_us_p50, elapsed_us_p99, elapsed_us_max, .. } = report.cost.candidate;
        assert_eq!((calls, fuel_mean), (200, 10));
        assert_eq!((elapsed_us_p50, elapsed_us_p99, elapsed_us_max), (100, 198, 200));
        assert_eq!(Sums::default().report(0).expect("nothing").0.cost, Cost::default());
    }

    #[test]
    fn sums_that_no_amount_can_say_fail() {
        let most = crate::money::MAX_AMOUNT;
        let many = (1..=1_025).map(|number| case(number, most, most, "tea"));
        let mut sums = Sums::default();
        many.for_each(|case| sums.add(Some(case)));
        assert!(matches!(sums.report(0), Err(Error::TooLarge)));
    }
}
