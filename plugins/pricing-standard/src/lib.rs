//! The pricing that a shop starts with: coupons, discounts, volume tiers and taxes.
//!
//! It runs in this order, each step on what the one before left: what earlier plugins of the chain added; tiers,
//! discounts and coupons (`discounts.rs` has the rules of stacking); taxes. With the settings `{}` it adds nothing.
//! No line goes below zero: a discount takes at most what a line still costs.
//!
//! Amounts in the settings are minor units of the currency that stands there, or else of the shop's own: rules with amounts leave carts
//! in other currencies alone. Rates are basis points (1900 is 19 %).

mod discounts;
mod settings;
mod tax;
mod texts;
mod time;

use kassa_sdk::pricing::{Error, Pricing, Quote, Request, Target};
use kassa_sdk::{Money, OutOfRange};

pub use settings::StandardPricing;

impl Pricing for StandardPricing {
    fn price(&self, request: &Request) -> Result<Quote, Error> {
        let mut quote = Quote::empty(request);
        if request.lines.is_empty() {
            self.check()?;
            return Ok(quote);
        }
        let mut left = prices_so_far(request)?;
        discounts::apply(self, request, &mut left, &mut quote)?;
        if let Some(tax) = &self.tax {
            tax::apply(tax, request, &left, &mut quote)?;
        }
        Ok(quote)
    }
}

kassa_sdk::export!(pricing: StandardPricing);

/// What each line costs after the plugins before this one; what they did to the order as a whole is shared out.
fn prices_so_far(request: &Request) -> Result<Vec<Money>, OutOfRange> {
    let mut left = request.lines.iter().map(|line| line.total()).collect::<Result<Vec<_>, _>>()?;
    let mut order = Money::ZERO;
    for adjustment in &request.so_far {
        let amount = Money::new(adjustment.amount)?;
        match adjustment.target {
            Target::Line(index) => {
                if let Some(line) = left.get_mut(index as usize) {
                    *line = (*line + amount)?;
                }
            }
            Target::Order => order = (order + amount)?,
            Target::Delivery => {}
        }
    }
    if !order.is_zero() {
        let weights: Vec<i64> = left.iter().map(|line| line.minor()).collect();
        for (line, part) in left.iter_mut().zip(order.share_out(&weights)) {
            *line = (*line + part)?;
        }
    }
    Ok(left)
}

#[cfg(test)]
mod tests;
