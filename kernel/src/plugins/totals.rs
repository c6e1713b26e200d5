//! The only arithmetic of a cart's totals: carts, orders and the checks of pricing answers all come here.

use serde::{Deserialize, Serialize};

use super::answer::AMOUNT_LIMIT;
use super::pricing::{Adjustment, Kind, Request, Target};

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
        let total = goods + discounts + taxes_added + fees + chosen;
        if total < 0 {
            return Err("the total falls below zero".into());
        }
        Ok(Self {
            goods: minor("the goods", goods)?,
            discounts: minor("the sum of discounts", discounts)?,
            taxes_added: minor("the sum of taxes", taxes_added)?,
            taxes_included: minor("the sum of included taxes", taxes_included)?,
            fees: minor("the sum of fees", fees)?,
            delivery: minor("the delivery", chosen)?,
            total: minor("the total", total)?,
        })
    }
}

fn sign(kind: Kind, amount: i64) -> Result<(), &'static str> {
    match kind {
        Kind::Discount if amount > 0 => Err("a discount is 0 or less"),
        Kind::Tax | Kind::TaxIncluded if amount < 0 => Err("a tax is 0 or more"),
        Kind::Fee if amount < 0 => Err("a fee is 0 or more"),
        _ => Ok(()),
    }
}

fn minor(what: &str, sum: i128) -> Result<i64, String> {
    match i64::try_from(sum) {
        Ok(sum) if sum.unsigned_abs() <= AMOUNT_LIMIT.unsigned_abs() => Ok(sum),
        _ => Err(format!("{what} is beyond ±(2^53 - 1)")),
    }
}
