//! Pricing: what is asked and answered, the typed call, and the checks of the answer. The arithmetic is in [`Totals`].
//!
//! The kernel has records of its own, in which nothing of any version of the contract is lost. `since_0_1` and `since_0_2` put them into the
//! words of each version and back; `linking` calls in those words, `recorded` keeps them.

mod contract;
mod linking;
mod recorded;
mod since_0_1;
mod since_0_2;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Deserialize;

pub use super::answer::AMOUNT_LIMIT;
use super::answer::{self, Broken};
pub use super::bindings::pricing::{CouponOutcome, CouponState, Customer, Delivery, Line, Target};
use super::call::Abandoned;
use super::desk::{Asked, Question};
use super::fault::Stopped;
use super::routing::Linked;
use super::telemetry::Function;
pub use super::totals::{Totals, line_total};
use super::types::Destination;
use super::{Bound, CallError, Called, Host};
pub use contract::Contract;
pub(super) use linking::Linking;

const ADJUSTMENTS_PER_LINE: usize = 20;
const ADJUSTMENTS_BESIDE_LINES: usize = 100;
const CODE_CHARACTERS: usize = 64;
const LABEL_CHARACTERS: usize = 200;
const MESSAGES: usize = 10;
const MESSAGE_CHARACTERS: usize = 500;
/// 100 %, in parts per million.
const WHOLE_PPM: u32 = 1_000_000;

/// What a plugin is asked. The contract says what each field means.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "recorded::AnyRequest")]
pub struct Request {
    pub currency: String,
    pub exponent: u8,
    pub now: u64,
    pub locale: String,
    pub customer: Option<Customer>,
    pub destination: Option<Destination>,
    pub delivery: Option<Delivery>,
    pub coupons: Vec<String>,
    pub lines: Vec<Line>,
    /// What the plugins before added, in the order in which they did.
    pub so_far: Vec<Adjustment>,
    pub attributes: Vec<(String, String)>,
}

/// What a plugin answers.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(from = "recorded::AnyQuote")]
pub struct Quote {
    pub currency: String,
    /// In the order that the plugin gave; since 0.2.0 taxes stand behind the rest.
    pub adjustments: Vec<Adjustment>,
    pub coupons: Vec<CouponOutcome>,
    pub messages: Vec<String>,
}

/// A discount, fee or tax. The contract has a record of their own for taxes since 0.2.0; orders, invoices and the API keep them in one list
/// with the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Adjustment {
    pub target: Target,
    pub kind: Kind,
    pub code: String,
    pub label: String,
    pub amount: i64,
    /// Of a tax, where the plugin says it: parts per million.
    pub rate_ppm: Option<u32>,
    /// Of a tax, where the plugin says it: what it was computed on, without the tax itself.
    pub base: Option<i64>,
}

impl Adjustment {
    /// Whether both add the same. What only one of them says of a tax is no difference: a plugin of 0.1.0 cannot say it.
    pub fn adds_as(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
            one.zip(other).is_none_or(|(one, other)| one == other)
        }
        let told = |of: &Self| (of.kind, of.amount);
        told(self) == told(other)
            && self.target == other.target
            && (&self.code, &self.label) == (&other.code, &other.label)
            && agree(self.rate_ppm, other.rate_ppm)
            && agree(self.base, other.base)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Kind {
    Discount,
    /// On top of the price.
    Tax,
    /// The prices contain it.
    TaxIncluded,
    Fee,
}

impl Kind {
    /// The word for it in answers over HTTP and in the database.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Discount => "discount",
            Kind::Tax => "tax",
            Kind::TaxIncluded => "tax-included",
            Kind::Fee => "fee",
        }
    }
}

impl Host {
    /// Prices a cart with one plugin of the chain. The answer passed every rule of the contract, on top of `so_far`.
    pub async fn price(&self, bound: &Arc<Bound>, request: &Arc<Request>) -> Result<Called<Quote>, CallError> {
        let asked = request.clone();
        self.call(
            bound,
            Some(Asked::new(Function::Price, &|| Question::Price(request.clone(), Contract::of(bound)))),
            Abandoned::Stops,
            move |store, plugin| {
                Box::pin(async move {
                    let Linked::Pricing(plugin) = plugin.linked() else { return Err(Stopped::WrongDomain.into()) };
                    plugin.price(store, &asked).await
                })
            },
            |quote| check(request, quote),
        )
        .await
    }
}

/// Holds a quote against every rule of the contract.
fn check(request: &Request, quote: &Quote) -> Result<(), Broken> {
    answer::same_currency(&quote.currency, &request.currency)?;
    let mut of_line = vec![0; request.lines.len()];
    let mut beside_lines = 0;
    for adjustment in &quote.adjustments {
        answer::one_to_characters("an adjustment's code", &adjustment.code, CODE_CHARACTERS)?;
        answer::at_most_characters("an adjustment's label", &adjustment.label, LABEL_CHARACTERS)?;
        match adjustment.target {
            // An index beyond the lines is found with the totals.
            Target::Line(index) => of_line.get_mut(index as usize).map_or((), |count| *count += 1),
            Target::Order | Target::Delivery => beside_lines += 1,
        }
        check_tax(request, adjustment)?;
    }
    answer::at_most("adjustments beside lines", beside_lines, ADJUSTMENTS_BESIDE_LINES)?;
    for count in of_line {
        answer::at_most("adjustments of one line", count, ADJUSTMENTS_PER_LINE)?;
    }
    if request.so_far.is_empty() {
        Totals::of(request, &quote.adjustments)?;
    } else {
        Totals::of(request, &[request.so_far.as_slice(), &quote.adjustments].concat())?;
    }
    check_coupons(request, &quote.coupons)?;
    answer::at_most("messages", quote.messages.len(), MESSAGES)?;
    quote.messages.iter().try_for_each(|text| answer::at_most_characters("a message", text, MESSAGE_CHARACTERS))
}

/// What a tax says it was made of makes it.
fn check_tax(request: &Request, tax: &Adjustment) -> Result<(), Broken> {
    let Adjustment { target, code, amount, rate_ppm, base, .. } = tax;
    if rate_ppm.is_some_and(|rate| rate > WHOLE_PPM) {
        return Err(format!("tax {code:?} has a rate above 1000000 parts per million"));
    }
    if let Some(base) = base {
        answer::not_negative("a tax's base", *base)?;
    }
    let (Some(rate), Some(base)) = (rate_ppm, base) else { return Ok(()) };
    // A plugin may have rounded piece by piece.
    let roundings = match target {
        Target::Line(index) => request.lines.get(*index as usize).map_or(0, |line| i128::from(line.quantity)),
        Target::Order => request.lines.iter().map(|line| i128::from(line.quantity)).sum(),
        Target::Delivery => 1,
    };
    let whole = i128::from(WHOLE_PPM);
    let off = (i128::from(*amount) * whole - i128::from(*base) * i128::from(*rate)).abs();
    if off > roundings.max(1) * whole {
        return Err(format!("tax {code:?} is {amount}, which {rate} parts per million of {base} do not make"));
    }
    Ok(())
}

fn check_coupons(request: &Request, outcomes: &[CouponOutcome]) -> Result<(), Broken> {
    let mut decided = BTreeSet::new();
    for outcome in outcomes {
        if !request.coupons.contains(&outcome.code) {
            return Err(format!("coupon {} is not in the request", answer::shown(&outcome.code)));
        }
        if !decided.insert(&outcome.code) {
            return Err(format!("coupon {} has two outcomes", answer::shown(&outcome.code)));
        }
        answer::at_most_characters("a coupon's text", &outcome.text, MESSAGE_CHARACTERS)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of three pieces and of one, and a delivery.
    fn request() -> Request {
        let line = |quantity| Line {
            sku: "mug".into(),
            category: String::new(),
            quantity,
            unit_price: 10_00,
            weight_grams: 0,
            attributes: Vec::new(),
        };
        Request {
            currency: "EUR".into(),
            exponent: 2,
            now: 0,
            locale: "en".into(),
            customer: None,
            destination: None,
            delivery: Some(Delivery { option: "standard".into(), amount: 4_90 }),
            coupons: Vec::new(),
            lines: vec![line(3), line(1)],
            so_far: Vec::new(),
            attributes: Vec::new(),
        }
    }

    #[test]
    fn what_a_former_contract_cannot_say_makes_no_difference() {
        let (code, label) = ("vat".to_owned(), "VAT".to_owned());
        let (target, kind) = (Target::Order, Kind::Tax);
        let tax = Adjustment { target, kind, code, label, amount: 19, rate_ppm: Some(190_000), base: Some(1_00) };
        let silent = Adjustment { rate_ppm: None, base: None, ..tax.clone() };
        for (other, expected) in [
            (tax.clone(), true),
            (silent.clone(), true),
            (Adjustment { rate_ppm: Some(70_000), ..tax.clone() }, false),
            (Adjustment { base: Some(1_01), ..tax.clone() }, false),
            (Adjustment { amount: 20, ..silent.clone() }, false),
            (Adjustment { kind: Kind::TaxIncluded, ..silent.clone() }, false),
            (Adjustment { target: Target::Delivery, ..silent.clone() }, false),
            (Adjustment { code: "gst".into(), ..silent.clone() }, false),
            (Adjustment { label: "GST".into(), ..silent.clone() }, false),
        ] {
            assert_eq!((tax.adds_as(&other), other.adds_as(&tax)), (expected, expected), "{other:?}");
        }
    }

    #[test]
    fn a_tax_is_what_it_says_that_it_was_made_of() {
        use Target::{Delivery, Line, Order};
        let whole = Some(WHOLE_PPM);
        for (target, amount, rate_ppm, base, rule) in [
            // 19 % of 1.00 is 0.19, and a unit for each piece may be lost or won by rounding.
            (Line(1), 18, Some(190_000), Some(1_00), None),
            (Line(1), 20, Some(190_000), Some(1_00), None),
            (Line(1), 21, Some(190_000), Some(1_00), Some("do not make")),
            (Line(1), 17, Some(190_000), Some(1_00), Some("do not make")),
            (Line(0), 22, Some(190_000), Some(1_00), None),
            (Line(0), 23, Some(190_000), Some(1_00), Some("do not make")),
            (Order, 23, Some(190_000), Some(1_00), None),
            (Order, 24, Some(190_000), Some(1_00), Some("do not make")),
            (Delivery, 20, Some(190_000), Some(1_00), None),
            (Delivery, 21, Some(190_000), Some(1_00), Some("do not make")),
            // 8.875 % of 9.99 is 0.886…
            (Line(1), 89, Some(88_750), Some(9_99), None),
            (Line(1), 90, Some(88_750), Some(9_99), Some("do not make")),
            // Of one alone nothing can be held.
            (Line(1), 9_99, Some(190_000), None, None),
            (Line(1), 9_99, None, Some(1_00), None),
            (Line(1), 9_99, None, None, None),
            (Line(1), AMOUNT_LIMIT, whole, Some(AMOUNT_LIMIT), None),
            (Line(1), 0, Some(0), Some(AMOUNT_LIMIT), None),
            (Line(1), 1, Some(WHOLE_PPM + 1), None, Some("a rate above 1000000")),
            (Line(1), 1, None, Some(-1), Some("base is below zero")),
            (Line(1), 1, None, Some(AMOUNT_LIMIT + 1), Some("base is beyond")),
            (Line(2), 1, None, None, Some("names line 2")),
            (Line(1), -1, None, None, Some("a tax is 0 or more")),
            (Line(1), i64::MAX, whole, Some(AMOUNT_LIMIT), Some("do not make")),
        ] {
            let (code, label) = ("vat".to_owned(), "VAT".to_owned());
            let tax = Adjustment { target, kind: Kind::TaxIncluded, code, label, amount, rate_ppm, base };
            let (coupons, messages) = (Vec::new(), Vec::new());
            let quote = Quote { currency: "EUR".into(), adjustments: vec![tax], coupons, messages };
            match (check(&request(), &quote), rule) {
                (Ok(()), None) => {}
                (Err(broken), Some(rule)) => assert!(broken.contains(rule), "{broken:?} should say {rule:?}"),
                (found, rule) => panic!("{quote:?}: {found:?}, not {rule:?}"),
            }
        }
    }
}
