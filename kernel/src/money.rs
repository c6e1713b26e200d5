//! Money: integer minor units, one place that computes with them.
//!
//! A cart, an order and a price list have one currency each, so an amount is a bare [`Amount`] and the currency stands once
//! beside it. Amounts of two currencies never meet: there are no rates.
//! Every amount stays within ±(2^53 - 1): a plugin in JavaScript, whose numbers are doubles, then loses
//! nothing. No float ever holds money; shares are integer basis points.

use std::fmt;
use std::iter::Sum;

use serde::{Deserialize, Serialize};

/// An amount in minor units (cents, pence) of the currency that stands beside it.
pub type Amount = i64;

/// The largest amount, in either direction: 2^53 - 1.
pub const MAX_AMOUNT: Amount = 9_007_199_254_740_991;

/// An amount left the range that money may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount is beyond ±{MAX_AMOUNT} minor units")]
pub struct OutOfRange;

/// `amount` if it is within ±[`MAX_AMOUNT`].
pub fn checked(amount: i128) -> Result<Amount, OutOfRange> {
    if amount.unsigned_abs() <= MAX_AMOUNT as u128 { Ok(amount as Amount) } else { Err(OutOfRange) }
}

/// `unit` times `quantity`.
pub fn times(unit: Amount, quantity: u32) -> Result<Amount, OutOfRange> {
    checked(i128::from(unit) * i128::from(quantity))
}

/// The sum of amounts. Summed in 128 bits, so that only the result must be in range and the order of terms
/// does not matter.
pub fn sum(amounts: impl IntoIterator<Item = Amount>) -> Result<Amount, OutOfRange> {
    checked(i128::sum(amounts.into_iter().map(i128::from)))
}

/// Shares `amount` out by `weights`, none of them below zero: each part is what is due up to there less what was given before, cut towards
/// zero, so that the parts come to the amount again. Where nothing weighs anything the first gets all.
pub fn shares(amount: Amount, weights: &[Amount]) -> Vec<Amount> {
    let all: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
    let (mut weighed, mut given) = (0, 0);
    let share = |weight: &Amount| {
        weighed += i128::from(*weight);
        let due = if all == 0 { i128::from(amount) } else { i128::from(amount) * weighed / all };
        let share = due - given;
        given = due;
        // No part is larger than the amount.
        share as Amount
    };
    weights.iter().map(share).collect()
}

/// An ISO 4217 currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency(iso_currency::Currency);

impl Currency {
    /// The euro, the default of a new shop.
    pub const EUR: Self = Self(iso_currency::Currency::EUR);

    /// The code: `EUR`.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// Digits after the point: 2 for EUR, 0 for JPY, 3 for KWD.
    pub fn exponent(self) -> u8 {
        self.0.exponent().map_or(0, |digits| digits as u8)
    }

    /// Parses a decimal text such as `12.5` or `1,234.50` into minor units. Digits beyond the exponent must be zero: what
    /// cannot be paid is refused, not rounded. A comma stands between thousands or not at all: read as one, the
    /// decimal comma of `12,50` would make it a hundred times as much.
    pub fn parse_amount(self, text: &str) -> Result<Amount, ParseAmountError> {
        let text = text.trim();
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let are_thousands = whole.split_once(',').is_none_or(|(first, rest)| {
            (1..=3).contains(&first.len()) && rest.split(',').all(|group| group.len() == 3)
        });
        let whole = whole.replace(',', "");
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() && fraction.is_empty() || !are_thousands || !all_digits(&whole) || !all_digits(fraction) {
            return Err(ParseAmountError::NotANumber);
        }
        let exponent = usize::from(self.exponent());
        let (kept, beyond) = fraction.split_at(exponent.min(fraction.len()));
        if beyond.bytes().any(|byte| byte != b'0') {
            return Err(ParseAmountError::TooPrecise(self));
        }
        let padded = format!("{whole}{kept:0<exponent$}");
        let minor: i128 = padded.parse().map_err(|_| ParseAmountError::OutOfRange)?;
        checked(if negative { -minor } else { minor }).map_err(|_| ParseAmountError::OutOfRange)
    }

    /// The amount as a decimal text without the code: `12.50`.
    pub fn format_amount(self, amount: Amount) -> String {
        let exponent = usize::from(self.exponent());
        let digits = format!("{:0>width$}", amount.unsigned_abs(), width = exponent + 1);
        let (whole, fraction) = digits.split_at(digits.len() - exponent);
        let sign = if amount < 0 { "-" } else { "" };
        if exponent == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// A text that is no code of ISO 4217.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an ISO 4217 currency code such as EUR")]
pub struct UnknownCurrency(String);

/// Why a text is not an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseAmountError {
    #[error("it is not a decimal number")]
    NotANumber,
    #[error("it is finer than the smallest unit of {0}")]
    TooPrecise(Currency),
    #[error("it is beyond ±{MAX_AMOUNT} minor units")]
    OutOfRange,
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl TryFrom<String> for Currency {
    type Error = UnknownCurrency;

    fn try_from(code: String) -> Result<Self, UnknownCurrency> {
        iso_currency::Currency::from_code(&code).map(Self).ok_or(UnknownCurrency(code))
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn currency(code: &str) -> Currency {
        Currency::try_from(code.to_owned()).unwrap()
    }

    #[test]
    fn shares_come_to_the_amount_again() {
        for (amount, weights, expected) in [
            (10, &[1, 1, 1][..], &[3, 3, 4][..]),
            (-10, &[1, 1, 1], &[-3, -3, -4]),
            (7, &[0, 5, 0], &[0, 7, 0]),
            (7, &[0, 0], &[7, 0]),
            (0, &[3, 4], &[0, 0]),
            (MAX_AMOUNT, &[MAX_AMOUNT, MAX_AMOUNT], &[MAX_AMOUNT / 2, MAX_AMOUNT / 2 + 1]),
        ] {
            assert_eq!(shares(amount, weights), expected, "{amount} by {weights:?}");
            assert_eq!(expected.iter().sum::<i64>(), amount);
        }
        assert!(shares(7, &[]).is_empty());
    }

    #[test]
    fn amounts_are_parsed_exactly_or_refused() {
        use ParseAmountError::*;
        let (eur, jpy, kwd) = (currency("EUR"), currency("JPY"), currency("KWD"));
        for (currency, text, expected) in [
            (eur, "12.50", Ok(1250)),
            (eur, "12.5", Ok(1250)),
            (eur, ".5", Ok(50)),
            (eur, "-0.01", Ok(-1)),
            (eur, "1,234.00", Ok(123_400)),
            (eur, "1,234,567.8", Ok(123_456_780)),
            (eur, "12,50", Err(ParseAmountError::NotANumber)),
            (eur, "1234,567", Err(ParseAmountError::NotANumber)),
            (eur, "1,,234", Err(ParseAmountError::NotANumber)),
            (eur, ",500", Err(ParseAmountError::NotANumber)),
            (eur, "1.2,345", Err(ParseAmountError::NotANumber)),
            (eur, "2.550", Ok(255)),
            (eur, "2.551", Err(TooPrecise(eur))),
            (eur, "", Err(NotANumber)),
            (eur, ".", Err(NotANumber)),
            (eur, "1e3", Err(NotANumber)),
            (eur, "90071992547409.91", Ok(MAX_AMOUNT)),
            (eur, "90071992547409.92", Err(OutOfRange)),
            (eur, "99999999999999999999999999999999999999999", Err(OutOfRange)),
            (jpy, "120", Ok(120)),
            (jpy, "120.00", Ok(120)),
            (jpy, "0.5", Err(TooPrecise(jpy))),
            (kwd, "1.234", Ok(1234)),
        ] {
            assert_eq!(currency.parse_amount(text), expected, "{currency} {text:?}");
        }
    }

    #[test]
    fn amounts_are_formatted_by_the_exponent() {
        for (code, amount, expected) in
            [("EUR", 5, "0.05"), ("EUR", -1250, "-12.50"), ("JPY", 120, "120"), ("KWD", 1, "0.001")]
        {
            assert_eq!(currency(code).format_amount(amount), expected);
        }
    }

    #[test]
    fn sums_and_products_stay_in_range() {
        assert_eq!(times(MAX_AMOUNT, 2), Err(OutOfRange));
        assert_eq!(times(-3, 4), Ok(-12));
        assert_eq!(sum([MAX_AMOUNT, 1, -1]), Ok(MAX_AMOUNT));
        assert_eq!(sum([MAX_AMOUNT, 1]), Err(OutOfRange));
        assert_eq!(sum([Amount::MAX, Amount::MAX]), Err(OutOfRange));
    }
}
