//! The only arithmetic of a cart's totals: carts, orders and the checks of pricing answers all come here.

use serde::{Deserialize, Serialize};

use super::answer::AMOUNT_LIMIT;
use super::pricing::{Adjustment, Kind, Request, Target};
use crate::money::{self, Amount, OutOfRange};

/// What a cart comes to, in minor units. Computed by the kernel from the request and the adjustments, never taken
/// from a plugin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Price times quantity over all lines, before any adjustment.
    pub goods: i64,
    /// Discounts of all kinds, delivery's too; 0 or less.
    pub discounts: i64,
    /// Taxes on top; 0 or more.
    pub taxes_added: i64,
    /// Taxes that the prices contain; 0 or more; not part of the sum.
    pub taxes_included: i64,
    /// 0 or more.
    pub fees: i64,
    /// Price of the chosen delivery before any adjustment; 0 where none is chosen.
    pub delivery: i64,
    /// goods + discounts + taxes_added + fees + delivery; 0 or more.
    pub total: i64,
}

impl Totals {
    /// Adds up a request and *all* adjustments to it, those of the plugins before included (`so_far` of the request
    /// is not looked at).
    ///
    /// The text of the error names the rule that is broken: an index beyond the lines, delivery where none is chosen, a sign that
    /// does not fit the kind, an amount or a sum beyond ±(2^53 - 1), or a line, the goods, the delivery or the total
    /// that would fall below zero.
    pub fn of(request: &Request, adjustments: &[Adjustment]) -> Result<Self, String> {
        // i128 holds any sum of what a request can hold: 2^32 lines of 2^32 pieces at 2^63.
        let prices = request.lines.iter().map(|line| i128::from(line.unit_price) * i128::from(line.quantity));
        let mut lines: Vec<i128> = prices.collect();
        let goods: i128 = lines.iter().sum();
        let chosen = request.delivery.as_ref().map(|delivery| i128::from(delivery.amount));
        let mut delivery = chosen.unwrap_or_default();
        let (mut order, mut sums) = (0, [0_i128; 4]);
        for adjustment in adjustments {
            let Adjustment { target, kind, code, amount, .. } = adjustment;
            super::answer::in_range("an adjustment's amount", *amount)?;
            sign(*kind, *amount).map_err(|rule| format!("adjustment {code:?}: {rule}"))?;
            let amount = i128::from(*amount);
            sums[*kind as usize] += amount;
            let aim = match target {
                Target::Line(index) => lines
                    .get_mut(*index as usize)
                    .ok_or_else(|| format!("adjustment {code:?} names line {index}, which the cart does not have"))?,
                Target::Order => &mut order,
                Target::Delivery if chosen.is_none() => {
                    return Err(format!("adjustment {code:?} is for the delivery, but none is chosen"));
                }
                Target::Delivery => &mut delivery,
            };
            // Taxes only add, so what stays above zero without them does so with them; a discount must not eat
            // into a tax.
            if matches!(kind, Kind::Discount | Kind::Fee) {
                *aim += amount;
            }
        }
        if let Some(line) = lines.iter().position(|line| *line < 0) {
            return Err(format!("line {line} falls below zero"));
        }
        if lines.iter().sum::<i128>() + order < 0 {
            return Err("the goods fall below zero".into());
        }
        if delivery < 0 {
            return Err("the delivery falls below zero".into());
        }
        let [discounts, taxes_added, taxes_included, fees] = sums;
        let chosen = chosen.unwrap_or_default();
        // Not below zero: neither the goods nor the delivery is, and taxes only add.
        let total = goods + discounts + taxes_added + fees + chosen;
        Ok(Self {
            goods: minor("the value of the goods", goods)?,
            discounts: minor("the sum of discounts", discounts)?,
            taxes_added: minor("the sum of taxes", taxes_added)?,
            taxes_included: minor("the sum of included taxes", taxes_included)?,
            fees: minor("the sum of fees", fees)?,
            delivery: minor("the delivery", chosen)?,
            total: minor(TOTAL, total)?,
        })
    }
}

/// What the line at `index` comes to: its goods, and of `added` what is for it alone. Taxes that its price contains are in it already.
pub fn line_total(index: usize, unit_price: Amount, quantity: u32, added: &[Adjustment]) -> Result<Amount, OutOfRange> {
    let own = added.iter().filter(|adjustment| {
        adjustment.kind != Kind::TaxIncluded
            && matches!(adjustment.target, Target::Line(line) if line as usize == index)
    });
    let goods = money::times(unit_price, quantity)?;
    money::sum(std::iter::once(goods).chain(own.map(|adjustment| adjustment.amount)))
}

fn sign(kind: Kind, amount: i64) -> Result<(), &'static str> {
    match kind {
        Kind::Discount if amount > 0 => Err("a discount is 0 or less"),
        Kind::Tax | Kind::TaxIncluded if amount < 0 => Err("a tax is 0 or more"),
        Kind::Fee if amount < 0 => Err("a fee is 0 or more"),
        _ => Ok(()),
    }
}

const TOTAL: &str = "the total";

/// Whether `rule` is what is said where all amounts are in order, and only their sum is too large.
pub(super) fn is_total_beyond(rule: &str) -> bool {
    rule == beyond(TOTAL)
}

fn minor(what: &str, sum: i128) -> Result<i64, String> {
    match i64::try_from(sum) {
        Ok(sum) if sum.unsigned_abs() <= AMOUNT_LIMIT.unsigned_abs() => Ok(sum),
        _ => Err(beyond(what)),
    }
}

fn beyond(what: &str) -> String {
    format!("{what} is beyond ±(2^53 - 1)")
}

#[cfg(test)]
mod tests {
    use super::super::pricing::{Delivery, Line};
    use super::*;

    fn request(prices: &[(i64, u32)], delivery: Option<i64>) -> Request {
        let lines = prices.iter().map(|(unit_price, quantity)| Line {
            sku: String::new(),
            category: String::new(),
            quantity: *quantity,
            unit_price: *unit_price,
            weight_grams: 0,
            attributes: Vec::new(),
        });
        Request {
            currency: "EUR".into(),
            exponent: 2,
            now: 0,
            locale: "en".into(),
            customer: None,
            destination: None,
            delivery: delivery.map(|amount| Delivery { option: "standard".into(), amount }),
            coupons: Vec::new(),
            lines: lines.collect(),
            so_far: Vec::new(),
            attributes: Vec::new(),
        }
    }

    fn adjustment(target: Target, kind: Kind, amount: i64) -> Adjustment {
        Adjustment { target, kind, code: "c".into(), label: String::new(), amount, rate_ppm: None, base: None }
    }

    #[test]
    fn every_kind_goes_where_it_belongs() {
        let request = request(&[(10_00, 3), (5_00, 1)], Some(4_90));
        let totals = Totals::of(
            &request,
            &[
                adjustment(Target::Line(0), Kind::Discount, -3_00),
                adjustment(Target::Order, Kind::Discount, -2_00),
                adjustment(Target::Delivery, Kind::Discount, -4_90),
                adjustment(Target::Line(1), Kind::Tax, 95),
                adjustment(Target::Order, Kind::TaxIncluded, 5_00),
                adjustment(Target::Order, Kind::Fee, 1_00),
            ],
        );
        let expected = Totals {
            goods: 35_00,
            discounts: -9_90,
            taxes_added: 95,
            taxes_included: 5_00,
            fees: 1_00,
            delivery: 4_90,
            total: 31_95,
        };
        assert_eq!(totals, Ok(expected));
    }

    #[test]
    fn a_line_comes_to_its_goods_and_what_is_added_to_it_alone() {
        let added = [
            adjustment(Target::Line(0), Kind::Discount, -3_00),
            adjustment(Target::Line(1), Kind::Discount, -1_00),
            adjustment(Target::Line(0), Kind::Tax, 95),
            adjustment(Target::Line(0), Kind::Fee, 10),
            adjustment(Target::Line(0), Kind::TaxIncluded, 4_00),
            adjustment(Target::Order, Kind::Discount, -2_00),
            adjustment(Target::Delivery, Kind::Fee, 1_00),
        ];
        assert_eq!(line_total(0, 10_00, 3, &added), Ok(30_00 - 3_00 + 95 + 10));
        assert_eq!(line_total(1, 5_00, 1, &added), Ok(4_00));
        assert_eq!(line_total(2, 5_00, 2, &added), Ok(10_00));
        assert_eq!(line_total(0, AMOUNT_LIMIT, 2, &added), Err(OutOfRange));
    }

    #[test]
    fn every_broken_rule_is_named() {
        use Kind::{Discount, Fee, Tax, TaxIncluded};
        use Target::{Delivery, Line, Order};
        let with_delivery = request(&[(10_00, 1), (5_00, 1)], Some(4_90));
        let without = request(&[(10_00, 1), (5_00, 1)], None);
        let beyond = AMOUNT_LIMIT + 1;
        for (request, adjustments, rule) in [
            (&without, &[(Line(2), Fee, 1)][..], "names line 2"),
            (&without, &[(Delivery, Fee, 1)], "none is chosen"),
            (&without, &[(Order, Discount, 1)], "a discount is 0 or less"),
            (&without, &[(Order, Tax, -1)], "a tax is 0 or more"),
            (&without, &[(Order, TaxIncluded, -1)], "a tax is 0 or more"),
            (&without, &[(Order, Fee, -1)], "a fee is 0 or more"),
            (&without, &[(Order, Fee, beyond)], "beyond"),
            (&without, &[(Order, Discount, i64::MIN)], "beyond"),
            (&without, &[(Order, Fee, AMOUNT_LIMIT), (Order, Fee, 1)], "the sum of fees is beyond"),
            (&without, &[(Line(1), Discount, -5_01)], "line 1 falls below zero"),
            // A tax on top does not pay for a discount; another line does not either.
            (&without, &[(Line(1), Discount, -5_01), (Line(1), Tax, 1_00)], "line 1 falls below zero"),
            (&without, &[(Line(1), Discount, -4_00), (Order, Discount, -11_01)], "the goods fall below zero"),
            (&with_delivery, &[(Order, Discount, -15_01)], "the goods fall below zero"),
            (&with_delivery, &[(Delivery, Discount, -4_91)], "the delivery falls below zero"),
        ] {
            let list: Vec<_> =
                adjustments.iter().map(|(target, kind, amount)| adjustment(*target, *kind, *amount)).collect();
            let broken = Totals::of(request, &list).expect_err(rule);
            assert!(broken.contains(rule), "{broken:?} should say {rule:?}");
        }
        // To zero is allowed, everywhere.
        let free = [(Line(0), -10_00), (Order, -5_00), (Delivery, -4_90)];
        let free: Vec<_> = free.into_iter().map(|(target, amount)| adjustment(target, Discount, amount)).collect();
        assert_eq!(Totals::of(&with_delivery, &free).map(|totals| totals.total), Ok(0));
    }

    #[test]
    fn goods_beyond_the_range_are_refused_and_not_wrapped() {
        let huge = request(&[(AMOUNT_LIMIT, u32::MAX), (i64::MAX, u32::MAX)], None);
        assert_eq!(Totals::of(&huge, &[]), Err("the value of the goods is beyond ±(2^53 - 1)".into()));
        let most = request(&[(AMOUNT_LIMIT, 1)], None);
        assert_eq!(Totals::of(&most, &[]).map(|totals| totals.total), Ok(AMOUNT_LIMIT));
    }

    /// Whatever is asked, the parts add up, no part has the wrong sign, and what is refused would have been negative.
    #[test]
    fn accepted_totals_add_up() {
        // A fixed sequence (Knuth's linear congruential generator), so that a failure can be seen again.
        let mut state = 42_u64;
        let mut below = move |limit: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % limit
        };
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..5_000 {
            let prices: Vec<_> = (0..1 + below(4)).map(|_| (below(50_00) as i64, 1 + below(5) as u32)).collect();
            let delivery = (below(2) == 0).then(|| below(10_00) as i64);
            let request = request(&prices, delivery);
            let adjustments: Vec<_> = (0..below(6))
                .map(|_| {
                    let amount = below(30_00) as i64;
                    let target = match below(3) {
                        0 => Target::Line(below(prices.len() as u64) as u32),
                        1 if delivery.is_some() => Target::Delivery,
                        _ => Target::Order,
                    };
                    match below(4) {
                        0 => adjustment(target, Kind::Tax, amount),
                        1 => adjustment(target, Kind::TaxIncluded, amount),
                        2 => adjustment(target, Kind::Fee, amount),
                        _ => adjustment(target, Kind::Discount, -amount),
                    }
                })
                .collect();
            let sum = |kind: Kind| adjustments.iter().filter(|a| a.kind == kind).map(|a| a.amount).sum::<i64>();
            match Totals::of(&request, &adjustments) {
                Ok(totals) => {
                    accepted += 1;
                    let goods: i64 = prices.iter().map(|(price, quantity)| price * i64::from(*quantity)).sum();
                    let parts = [goods, sum(Kind::Discount), sum(Kind::Tax), sum(Kind::Fee), delivery.unwrap_or(0)];
                    assert_eq!(totals.total, parts.iter().sum::<i64>());
                    assert_eq!(totals.taxes_included, sum(Kind::TaxIncluded));
                    assert!(totals.total >= totals.taxes_added, "a discount ate into a tax: {totals:?}");
                }
                Err(rule) => {
                    refused += 1;
                    assert!(rule.contains("below zero"), "{rule}");
                    assert!(sum(Kind::Discount) < 0, "nothing but a discount takes a price down");
                }
            }
        }
        assert!(accepted > 1_000 && refused > 500, "both sides were met: {accepted} and {refused}");
    }
}
