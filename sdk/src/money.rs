//! Exact money.
//!
//! [`Money`] is a count of minor units (cents, pence; one yen) within ±(2^53 - 1). Arithmetic gives a `Result`, so that
//! no sum can overflow unseen: `((goods - discount)? + fee)?`. Nothing saturates, nothing wraps, and there are no
//! floats. Rates are whole basis points ([`Rate`]), and there is one rounding in the SDK: half away from zero, in
//! [`Money::ratio`], which everything else goes through.

use std::fmt;
use std::ops::{Add, Mul, Neg, Sub};

use serde::{Deserialize, Serialize};

/// An amount in minor units of a currency that is known from elsewhere (the request names it).
///
/// ```
/// use kassa_sdk::{Money, OutOfRange, Rate};
///
/// # fn main() -> Result<(), OutOfRange> {
/// let mugs = (Money::from(4_99) * 3)?;
/// assert_eq!(mugs.minor(), 14_97);
/// assert_eq!(mugs.percent(Rate::percent(10))?.minor(), 1_50); // 149.7 rounds half away from zero
/// assert_eq!((Money::MAX + Money::from(1)), Err(OutOfRange));
/// # Ok(())
/// # }
/// ```
///
/// As JSON it is a whole number; one beyond the range, or with a fraction, does not parse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Money(i64);

/// A result beyond ±(2^53 - 1) minor units, or a rate beyond its range.
///
/// It becomes [`Error::Internal`](crate::Error::Internal) by `?`: no honest cart gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange;

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the amount is beyond ±9007199254740991 minor units, or the rate beyond 1000000 basis points")
    }
}

impl std::error::Error for OutOfRange {}

impl From<OutOfRange> for crate::Error {
    fn from(error: OutOfRange) -> Self {
        crate::Error::Internal(error.to_string())
    }
}

impl Money {
    pub const ZERO: Money = Money(0);
    /// 2^53 - 1 minor units: what a language whose numbers are doubles still counts exactly.
    pub const MAX: Money = Money((1 << 53) - 1);
    pub const MIN: Money = Money(-Self::MAX.0);

    /// The number of minor units, as the records of the contract hold it.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// An amount of `minor` units; [`OutOfRange`] beyond ±(2^53 - 1).
    pub const fn new(minor: i64) -> Result<Money, OutOfRange> {
        if minor > Self::MAX.0 || minor < Self::MIN.0 { Err(OutOfRange) } else { Ok(Money(minor)) }
    }

    /// The sum of all amounts, 0 of none.
    pub fn sum(amounts: impl IntoIterator<Item = Money>) -> Result<Money, OutOfRange> {
        amounts.into_iter().try_fold(Money::ZERO, |sum, amount| sum + amount)
    }

    /// `self * numerator / denominator`, rounded half away from zero: 0.5 becomes 1, -0.5 becomes -1.
    ///
    /// The only place that rounds. [`OutOfRange`] where the result is, or the denominator is 0.
    pub fn ratio(self, numerator: i64, denominator: i64) -> Result<Money, OutOfRange> {
        // 54 and 64 bits make 118, and doubling 119: nothing overflows in 128.
        let (product, divisor) = (i128::from(self.0) * i128::from(numerator), i128::from(denominator));
        if divisor == 0 {
            return Err(OutOfRange);
        }
        let (quotient, remainder) = divide(product, divisor);
        let away = if remainder.abs() * 2 >= divisor.abs() { product.signum() * divisor.signum() } else { 0 };
        Self::narrow(quotient + away)
    }

    /// That part of the amount, rounded half away from zero.
    pub fn percent(self, rate: Rate) -> Result<Money, OutOfRange> {
        self.ratio(rate.basis_points().into(), Rate::WHOLE)
    }

    /// The tax of `rate` that an amount *contains*: 19.00 in 119.00 at 19 %.
    pub fn contained(self, rate: Rate) -> Result<Money, OutOfRange> {
        let basis_points = i64::from(rate.basis_points());
        self.ratio(basis_points, Rate::WHOLE + basis_points)
    }

    /// Shares the amount out in proportion to `weights`, to the last unit: the parts always add up to the amount.
    ///
    /// Each part is rounded toward zero; the units left over go one each to the largest remainders, the earlier
    /// first where two are equal. So a discount that is no more than the goods takes no line below zero. Negative
    /// weights count as 0; where all are 0, all count the same. There are as many parts as weights, so none for none.
    ///
    /// ```
    /// use kassa_sdk::Money;
    ///
    /// let parts = Money::from(10_00).share_out(&[1, 1, 1]);
    /// assert_eq!(parts, [Money::from(3_34), Money::from(3_33), Money::from(3_33)]);
    /// ```
    pub fn share_out(self, weights: &[i64]) -> Vec<Money> {
        let all_zero = weights.iter().all(|&weight| weight <= 0);
        let weight = |index: usize| if all_zero { 1 } else { i128::from(weights[index].max(0)) };
        let total: i128 = (0..weights.len()).map(weight).sum();

        let magnitude = i128::from(self.0.unsigned_abs());
        let mut left_over = magnitude;
        let mut parts: Vec<i128> = Vec::with_capacity(weights.len());
        let mut remainders: Vec<(i128, usize)> = Vec::with_capacity(weights.len());
        for index in 0..weights.len() {
            let (part, remainder) = divide(magnitude * weight(index), total);
            left_over -= part;
            parts.push(part);
            remainders.push((remainder, index));
        }
        remainders.sort_unstable_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
        // Each remainder is below one unit, so fewer units are left over than there are parts.
        for &(_, index) in remainders.iter().take(usize::try_from(left_over).unwrap_or(0)) {
            parts[index] += 1;
        }
        // No part is larger than the amount, which fits.
        parts.into_iter().map(|part| Money(part as i64 * self.0.signum())).collect()
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The amount as a decimal text, exactly: `-12.05` for -1205 at exponent 2, `1205` at exponent 0.
    ///
    /// `exponent` is the number of digits after the point, as the pricing request names it.
    pub fn decimal(self, exponent: u8) -> String {
        let digits = format!("{:0width$}", self.0.unsigned_abs(), width = usize::from(exponent) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(exponent));
        let sign = if self.0 < 0 { "-" } else { "" };
        if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }

    fn narrow(minor: i128) -> Result<Money, OutOfRange> {
        i64::try_from(minor).map_err(|_| OutOfRange).and_then(Money::new)
    }
}

/// Quotient and remainder. WebAssembly divides 64 bits in one instruction and 128 in hundreds, and ordinary amounts fit.
fn divide(dividend: i128, divisor: i128) -> (i128, i128) {
    if let (Ok(narrow), Ok(by)) = (i64::try_from(dividend), i64::try_from(divisor))
        && let (Some(quotient), Some(remainder)) = (narrow.checked_div(by), narrow.checked_rem(by))
    {
        return (quotient.into(), remainder.into());
    }
    (dividend / divisor, dividend % divisor)
}

impl From<i32> for Money {
    fn from(minor: i32) -> Self {
        Money(minor.into())
    }
}

impl From<u32> for Money {
    fn from(minor: u32) -> Self {
        Money(minor.into())
    }
}

impl TryFrom<i64> for Money {
    type Error = OutOfRange;

    fn try_from(minor: i64) -> Result<Self, OutOfRange> {
        Money::new(minor)
    }
}

impl From<Money> for i64 {
    fn from(amount: Money) -> i64 {
        amount.0
    }
}

impl Add for Money {
    type Output = Result<Money, OutOfRange>;

    fn add(self, other: Money) -> Self::Output {
        // Two numbers of 54 bits cannot overflow 64.
        Money::new(self.0 + other.0)
    }
}

impl Sub for Money {
    type Output = Result<Money, OutOfRange>;

    fn sub(self, other: Money) -> Self::Output {
        Money::new(self.0 - other.0)
    }
}

/// By a quantity.
impl Mul<u32> for Money {
    type Output = Result<Money, OutOfRange>;

    fn mul(self, quantity: u32) -> Self::Output {
        Money::narrow(i128::from(self.0) * i128::from(quantity))
    }
}

/// The range is symmetric, so this cannot fail.
impl Neg for Money {
    type Output = Money;

    fn neg(self) -> Money {
        Money(-self.0)
    }
}

/// A rate in whole basis points: 1900 is 19 %. Range: 0 to 1,000,000 (10,000 %).
///
/// As JSON it is a whole number of basis points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct Rate(u32);

impl Rate {
    pub const ZERO: Rate = Rate(0);
    const WHOLE: i64 = 10_000;

    /// A rate of so many basis points; [`OutOfRange`] beyond 1,000,000.
    pub const fn new(basis_points: u32) -> Result<Rate, OutOfRange> {
        if basis_points > 1_000_000 { Err(OutOfRange) } else { Ok(Rate(basis_points)) }
    }

    /// A rate of whole percents.
    pub const fn percent(percent: u8) -> Rate {
        Rate(percent as u32 * 100)
    }

    pub const fn basis_points(self) -> u32 {
        self.0
    }
}

impl TryFrom<u32> for Rate {
    type Error = OutOfRange;

    fn try_from(basis_points: u32) -> Result<Self, OutOfRange> {
        Rate::new(basis_points)
    }
}

impl From<Rate> for u32 {
    fn from(rate: Rate) -> u32 {
        rate.0
    }
}

/// For people, without needless zeros: `19`, `5.5`, `0.25`. The percent sign is left to the text around it.
impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole}"),
            (whole, tenths) if tenths % 10 == 0 => write!(f, "{whole}.{}", tenths / 10),
            (whole, hundredths) => write!(f, "{whole}.{hundredths:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64) -> Money {
        Money::new(minor).unwrap()
    }

    #[test]
    fn rounds_half_away_from_zero() {
        #[rustfmt::skip]
        let cases = [
            // amount, numerator, denominator, result
            (1, 1, 2, 1), (-1, 1, 2, -1), (1, -1, 2, -1), (-1, -1, 2, 1), (1, 1, -2, -1),
            (1, 49, 100, 0), (1, 51, 100, 1), (-1, 49, 100, 0), (3, 1, 2, 2), (-3, 1, 2, -2),
            (0, 7, 3, 0), (10, 1, 3, 3), (20, 1, 3, 7), (Money::MAX.minor(), 1, 1, Money::MAX.minor()),
            (Money::MAX.minor(), i64::MAX, i64::MAX, Money::MAX.minor()),
        ];
        for (amount, numerator, denominator, expected) in cases {
            assert_eq!(
                money(amount).ratio(numerator, denominator),
                Ok(money(expected)),
                "{amount}*{numerator}/{denominator}"
            );
        }
    }

    #[test]
    fn nothing_leaves_the_range_unseen() {
        assert_eq!(Money::new(1 << 53), Err(OutOfRange));
        assert_eq!(Money::new(i64::MIN), Err(OutOfRange));
        assert_eq!(Money::MAX + money(1), Err(OutOfRange));
        assert_eq!(Money::MIN - money(1), Err(OutOfRange));
        assert_eq!(Money::MAX * 2, Err(OutOfRange));
        assert_eq!(Money::MAX * u32::MAX, Err(OutOfRange));
        assert_eq!(Money::MAX.ratio(2, 1), Err(OutOfRange));
        assert_eq!(Money::MIN.ratio(i64::MIN, 1), Err(OutOfRange));
        assert_eq!(money(1).ratio(1, 0), Err(OutOfRange));
        assert_eq!(Money::sum([Money::MAX, money(1)]), Err(OutOfRange));
        assert_eq!(Rate::new(1_000_001), Err(OutOfRange));
    }

    #[test]
    fn parts_add_up_and_stay_within_their_weights() {
        let weights: [&[i64]; 7] =
            [&[1, 1, 1], &[0, 5, 0, 3], &[999, 1], &[0, 0], &[7], &[-4, 4], &[Money::MAX.minor(), Money::MAX.minor()]];
        for weights in weights {
            for amount in [0, 1, 2, 3, 7, 99, 100, 1_000, -1, -100, Money::MAX.minor(), Money::MIN.minor()] {
                let parts = money(amount).share_out(weights);
                assert_eq!(parts.iter().map(|part| part.minor()).sum::<i64>(), amount, "{amount} over {weights:?}");
                let total: i128 = weights.iter().map(|&weight| i128::from(weight.max(0))).sum();
                if i128::from(amount.abs()) <= total {
                    assert!(parts.iter().zip(weights).all(|(part, &weight)| part.minor().abs() <= weight.max(0)));
                }
            }
        }
        assert_eq!(money(5).share_out(&[]), []);
    }

    #[test]
    fn units_left_over_go_to_the_largest_remainders() {
        // 100 over 1:2:3 is 16.67, 33.33, 50.00.
        assert_eq!(money(100).share_out(&[1, 2, 3]), [money(17), money(33), money(50)]);
        assert_eq!(money(-100).share_out(&[1, 2, 3]), [money(-17), money(-33), money(-50)]);
        assert_eq!(money(2).share_out(&[1, 1, 1]), [money(1), money(1), money(0)]);
    }

    #[test]
    fn texts() {
        let cases = [(1205, 2, "12.05"), (-5, 2, "-0.05"), (0, 2, "0.00"), (1205, 0, "1205"), (1, 3, "0.001")];
        for (minor, exponent, text) in cases {
            assert_eq!(money(minor).decimal(exponent), text);
        }
        for (basis_points, text) in [(1900, "19"), (550, "5.5"), (25, "0.25"), (5, "0.05"), (0, "0")] {
            assert_eq!(Rate::new(basis_points).unwrap().to_string(), text);
        }
    }

    #[test]
    fn tax_in_and_on_a_price() {
        let nineteen = Rate::percent(19);
        assert_eq!(money(10_000).percent(nineteen), Ok(money(1_900)));
        assert_eq!(money(11_900).contained(nineteen), Ok(money(1_900)));
        assert_eq!(money(100).contained(nineteen), Ok(money(16)));
    }

    #[test]
    fn json_is_whole_minor_units() {
        assert_eq!(serde_json::from_str::<Money>("-5").unwrap(), money(-5));
        for bad in ["1.5", "9007199254740992", "\"5\"", "1e3"] {
            assert!(serde_json::from_str::<Money>(bad).is_err(), "{bad}");
        }
        assert!(serde_json::from_str::<Rate>("-1").is_err());
        assert!(serde_json::from_str::<Rate>("1000001").is_err());
    }
}
