//! What a cart costs: discounts, taxes and fees.

use serde::de::DeserializeOwned;

pub use crate::Error;
pub use crate::bindings::pricing::exports::kassa::pricing::pricing::{
    Adjustment, CouponOutcome, CouponState, Customer, Delivery, Kind, Line, Quote, Request, Target,
};
use crate::{Money, OutOfRange};

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
        let on_goods = |added: &&Adjustment| {
            matches!(added.kind, Kind::Discount | Kind::Fee) && !matches!(added.target, Target::Delivery)
        };
        let mut added = self.so_far.iter().filter(on_goods);
        added.try_fold(self.goods_total()?, |sum, added| sum + Money::new(added.amount)?)
    }
}

impl Quote {
    /// An answer that adds nothing, in the request's currency.
    pub fn empty(request: &Request) -> Quote {
        Quote { currency: request.currency.clone(), adjustments: Vec::new(), coupons: Vec::new(), messages: Vec::new() }
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

    /// Tax of `amount`, 0 or more, on top of the price.
    pub fn tax(target: Target, code: impl Into<String>, label: impl Into<String>, amount: Money) -> Adjustment {
        Adjustment::new(Kind::Tax, target, code, label, amount)
    }

    /// Tax of `amount`, 0 or more, that the price contains already.
    pub fn tax_included(
        target: Target,
        code: impl Into<String>,
        label: impl Into<String>,
        amount: Money,
    ) -> Adjustment {
        Adjustment::new(Kind::TaxIncluded, target, code, label, amount)
    }

    fn new(kind: Kind, target: Target, code: impl Into<String>, label: impl Into<String>, amount: Money) -> Adjustment {
        Adjustment { target, kind, code: code.into(), label: label.into(), amount: amount.minor() }
    }
}

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
