//! Tax on what is left after discounts, by country and category, and on the delivery.

use kassa_sdk::pricing::{Error, Quote, Request, Target, TaxLine};
use kassa_sdk::{Money, Rate};

use crate::settings::{CountryTax, Tax, is_within};

/// Adds the taxes to the quote. `left` holds what every line costs after discounts.
///
/// Tax is computed once for each rate, on the sum of its lines: rounded line by line, a hundred lines of a cent each
/// would pay no tax at all.
pub fn apply(tax: &Tax, request: &Request, left: &[Money], quote: &mut Quote) -> Result<(), Error> {
    let country = request.destination.as_ref().map_or(tax.home.as_str(), |destination| destination.country.as_str());
    let rates = tax.countries.iter().find(|rates| rates.country == country);

    let mut sums: Vec<(Rate, Money)> = Vec::new();
    for (line, amount) in request.lines.iter().zip(left) {
        let rate = rates.map_or(tax.elsewhere_bp, |rates| rates.rate_of(&line.category));
        match sums.iter_mut().find(|(known, _)| *known == rate) {
            Some((_, sum)) => *sum = (*sum + *amount)?,
            None => sums.push((rate, *amount)),
        }
    }
    for (rate, sum) in sums {
        tax.add(Target::Order, rate, sum, quote)?;
    }
    if let (true, Some(delivery)) = (tax.on_delivery, &request.delivery) {
        let earlier = request.so_far.iter().chain(&quote.adjustments);
        let mine = earlier.filter(|a| matches!(a.target, Target::Delivery));
        let amount = mine.map(|a| Money::new(a.amount)).try_fold(Money::new(delivery.amount)?, |sum, a| sum + a?)?;
        let rate = rates.map_or(tax.elsewhere_bp, |rates| rates.rate_bp);
        tax.add(Target::Delivery, rate, amount, quote)?;
    }
    Ok(())
}

impl Tax {
    fn add(&self, target: Target, rate: Rate, amount: Money, quote: &mut Quote) -> Result<(), Error> {
        let (code, label) = (format!("tax-{}", rate.basis_points()), format!("{} {rate} %", self.label));
        let tax = match self.included {
            true => TaxLine::contained(target, code, label, amount, rate)?,
            false => TaxLine::added(target, code, label, amount, rate)?,
        };
        if tax.amount > 0 {
            quote.taxes.push(tax);
        }
        Ok(())
    }
}

impl CountryTax {
    fn rate_of(&self, category: &str) -> Rate {
        let fitting = self.categories.iter().filter(|special| is_within(category, &special.category));
        fitting.max_by_key(|special| special.category.len()).map_or(self.rate_bp, |special| special.rate_bp)
    }
}
