//! What a cart costs: discounts, taxes and fees.

use serde::de::DeserializeOwned;

pub use crate::Error;
pub use crate::bindings::pricing::exports::kassa::pricing::pricing::{
    Adjustment, CouponOutcome, CouponState, Customer, Delivery, Kind, Line, Quote, Request, Target, TaxLine,
};
use crate::{Money, OutOfRange, Rate};

/// A pricing rule. The type that implements it is the plugin's settings: the SDK reads it from the merchant's JSON
/// for every call (`struct MyRule {}` takes no settings).
///
/// ```
/// use kassa_sdk::pricing::{Adjustment, Error, Pricing, Quote, Request, Target};
/// use kassa_sdk::{Money, testing};
///
/// /// A fee on small orders.
/// #[derive(serde::Deserialize)]
/// struct SmallOrderFee {
///     below: Money,
///     fee: Money,
/// }
///
/// impl Pricing for SmallOrderFee {
///     fn price(&self, request: &Request) -> Result<Quote, Error> {
///         let mut quote = Quote::empty(request);
///         if !request.lines.is_empty() && request.goods_total()? < self.below {
///             quote.adjustments.push(Adjustment::fee(Target::Order, "small-order", "Small order", self.fee));
///         }
///         Ok(quote)
///     }
/// }
/// kassa_sdk::export!(pricing: SmallOrderFee);
///
/// let rule: SmallOrderFee = testing::settings(r#"{"below": 2000, "fee": 300}"#).unwrap();
/// let request = testing::cart().line("mug", 1, 4_99).request();
/// assert_eq!(testing::total(&request, &rule.price(&request).unwrap()), Money::from(7_99));
/// ```
pub trait Pricing: DeserializeOwned {
    /// Prices a cart: answer what this rule adds to the quote so far. Must depend on nothing but `self` and `request`.
    ///
    /// The kernel computes all totals itself, and refuses an answer that takes a line, the goods, the delivery or the
    /// total below zero. Before activation it asks with a request without lines, so that settings can be checked.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidSettings`] where the settings cannot be used. Any error fails closed: the cart has no price.
    fn price(&self, request: &Request) -> Result<Quote, Error>;
}

impl Line {
    /// Unit price times quantity, before any adjustment.
    pub fn total(&self) -> Result<Money, OutOfRange> {
        Money::new(self.unit_price)? * self.quantity
    }
}

impl Request {
    /// All lines, before any adjustment.
    pub fn goods_total(&self) -> Result<Money, OutOfRange> {
        self.lines.iter().try_fold(Money::ZERO, |sum, line| sum + line.total()?)
    }

    /// What the goods cost after the discounts and fees of the plugins before this one: no discount on the goods may be more.
    ///
    /// ```
    /// use kassa_sdk::pricing::{Adjustment, Target};
    /// use kassa_sdk::{Money, testing};
    ///
    /// let earlier = |target, off| Adjustment::discount(target, "earlier", "Earlier", Money::from(off));
    /// let cart = testing::cart().line("mug", 2, 5_00).delivery("rates:standard", 4_90);
    /// let cart = cart.so_far(earlier(Target::Line(0), 3_00)).so_far(earlier(Target::Order, 2_00));
    /// let request = cart.so_far(earlier(Target::Delivery, 4_90)).request();
    /// assert_eq!(request.goods_so_far(), Ok(Money::from(5_00)));
    /// ```
    pub fn goods_so_far(&self) -> Result<Money, OutOfRange> {
        let mut added = self.so_far.iter().filter(|added| !matches!(added.target, Target::Delivery));
        added.try_fold(self.goods_total()?, |sum, added| sum + Money::new(added.amount)?)
    }
}

impl Quote {
    /// An answer that adds nothing, in the request's currency.
    pub fn empty(request: &Request) -> Quote {
        Quote {
            currency: request.currency.clone(),
            adjustments: Vec::new(),
            taxes: Vec::new(),
            coupons: Vec::new(),
            messages: Vec::new(),
        }
    }
}

impl Adjustment {
    /// Lowers the price by `amount`, which is 0 or more.
    pub fn discount(target: Target, code: impl Into<String>, label: impl Into<String>, amount: Money) -> Adjustment {
        Adjustment::new(Kind::Discount, target, code, label, -amount)
    }

    /// Raises the price by `amount`, which is 0 or more.
    pub fn fee(target: Target, code: impl Into<String>, label: impl Into<String>, amount: Money) -> Adjustment {
        Adjustment::new(Kind::Fee, target, code, label, amount)
    }

    fn new(kind: Kind, target: Target, code: impl Into<String>, label: impl Into<String>, amount: Money) -> Adjustment {
        Adjustment { target, kind, code: code.into(), label: label.into(), amount: amount.minor() }
    }
}

/// Taxes go to `quote.taxes`:
///
/// ```
/// use kassa_sdk::pricing::{Quote, Target, TaxLine};
/// use kassa_sdk::{Money, Rate, testing};
///
/// # fn main() -> Result<(), kassa_sdk::OutOfRange> {
/// let request = testing::cart().line("mug", 2, 5_00).line("bottle", 1, 1_19).request();
/// let mut quote = Quote::empty(&request);
/// // Known rates: the SDK computes the tax, and says what it was computed on.
/// quote.taxes.push(TaxLine::added(Target::Line(0), "vat-19", "VAT 19 %", Money::from(10_00), Rate::percent(19))?);
/// quote.taxes.push(TaxLine::contained(Target::Line(1), "vat-19", "VAT 19 %", Money::from(1_19), Rate::percent(19))?);
/// assert_eq!((quote.taxes[1].amount, quote.taxes[1].base), (19, Some(1_00)));
/// // A tax that is no part of a price.
/// quote.taxes.push(TaxLine::of(Target::Line(1), "sugar", "Sugar tax", Money::from(25), false));
/// assert_eq!(testing::total(&request, &quote), Money::from(11_19 + 1_90 + 25));
/// # Ok(())
/// # }
/// ```
impl TaxLine {
    /// The tax of `rate` on top of `base`.
    pub fn added(
        target: Target,
        code: impl Into<String>,
        label: impl Into<String>,
        base: Money,
        rate: Rate,
    ) -> Result<TaxLine, OutOfRange> {
        Ok(TaxLine::of(target, code, label, base.percent(rate)?, false).made_of(base, rate))
    }

    /// The tax of `rate` that `price` contains.
    pub fn contained(
        target: Target,
        code: impl Into<String>,
        label: impl Into<String>,
        price: Money,
        rate: Rate,
    ) -> Result<TaxLine, OutOfRange> {
        let tax = price.contained(rate)?;
        Ok(TaxLine::of(target, code, label, tax, true).made_of((price - tax)?, rate))
    }

    /// Tax of `amount`, 0 or more, of which no more is known: where `included`, the prices contain it, else it is on top.
    pub fn of(
        target: Target,
        code: impl Into<String>,
        label: impl Into<String>,
        amount: Money,
        included: bool,
    ) -> TaxLine {
        let (code, label, amount) = (code.into(), label.into(), amount.minor());
        TaxLine { target, code, label, rate_ppm: None, base: None, amount, included }
    }

    /// The same with what the tax was made of: the kernel holds that `rate` of `base`, which is without the tax itself, comes to its amount,
    /// give or take one minor unit for each piece. A rate above 100 % is not told.
    #[must_use]
    pub fn made_of(self, base: Money, rate: Rate) -> TaxLine {
        let rate_ppm = rate.basis_points() * PPM_OF_A_BASIS_POINT;
        TaxLine { base: Some(base.minor()), rate_ppm: Some(rate_ppm).filter(|rate| *rate <= WHOLE_PPM), ..self }
    }
}

const PPM_OF_A_BASIS_POINT: u32 = 100;
/// 100 %.
pub(crate) const WHOLE_PPM: u32 = 1_000_000;

#[doc(hidden)]
#[macro_export]
macro_rules! __export_pricing {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::bindings::pricing::exports::kassa::pricing::pricing as contract;
            struct Component;
            impl contract::Guest for Component {
                fn price(request: contract::Request) -> Result<contract::Quote, $crate::Error> {
                    // The instance goes after this call, so freeing the request line by line would be for nothing.
                    let request = ::std::mem::ManuallyDrop::new(request);
                    <$plugin as $crate::pricing::Pricing>::price(&$crate::entry::plugin()?, &request)
                }
            }
    $crate::bindings::pricing::export!(Component with_types_in $crate::bindings::pricing);
        };
        // Where nothing is exported, a missing implementation is still said here.
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn exported<P: $crate::pricing::Pricing>() {}
            exported::<$plugin>();
        };
    };
}
