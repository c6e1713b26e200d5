//! How an order reaches the shopper, and what that costs.

use serde::de::DeserializeOwned;

pub use crate::Error;
pub use crate::bindings::delivery::exports::kassa::delivery::delivery::{
    BookRequest, Booking, DeliveryOption, DeliveryQuote, Item, Refusal, Shipment, TrackingEvent, TrackingStatus,
};
use crate::{Money, OutOfRange};

/// A way, or several, to deliver. The type that implements it is the plugin's settings.
///
/// ```
/// use kassa_sdk::delivery::{Delivery, DeliveryOption, DeliveryQuote, Error, Shipment};
/// use kassa_sdk::{Money, testing};
///
/// /// One price for everybody.
/// #[derive(serde::Deserialize)]
/// struct FlatRate {
///     price: Money,
/// }
///
/// impl Delivery for FlatRate {
///     fn quote(&self, shipment: &Shipment) -> Result<DeliveryQuote, Error> {
///         let option = DeliveryOption::new(shipment, "standard", "Standard", self.price);
///         Ok(DeliveryQuote { options: vec![option], refusals: vec![] })
///     }
/// }
/// kassa_sdk::export!(delivery: FlatRate);
///
/// let quote = FlatRate { price: Money::from(4_90) }.quote(&testing::shipment().to("DE", "10115").shipment());
/// assert_eq!(quote.unwrap().options[0].amount, 4_90);
/// ```
pub trait Delivery: DeserializeOwned {
    /// The options for a shipment, best first. Must depend on nothing but `self` and `shipment`. Before activation it
    /// is asked with a shipment without items, so that settings can be checked.
    fn quote(&self, shipment: &Shipment) -> Result<DeliveryQuote, Error>;

    /// Orders the carriage. Called again with the same key it answers the same booking. A plugin that only knows
    /// prices leaves this, `track` and `cancel` out: the merchant then ships by hand.
    fn book(&self, _request: &BookRequest) -> Result<Booking, Error> {
        Err(Error::Unsupported("book".to_owned()))
    }

    /// What happened to a booking so far, oldest first.
    fn track(&self, _reference: &str, _now: u64) -> Result<Vec<TrackingEvent>, Error> {
        Err(Error::Unsupported("track".to_owned()))
    }

    /// Calls a booking off; false where it is too late.
    fn cancel(&self, _reference: &str, _now: u64) -> Result<bool, Error> {
        Err(Error::Unsupported("cancel".to_owned()))
    }
}

impl Shipment {
    /// Grams of all pieces. Beyond 2^64 it would have to be a million lines of the heaviest pieces.
    pub fn weight_grams(&self) -> u64 {
        self.items.iter().map(|item| u64::from(item.weight_grams) * u64::from(item.quantity)).sum()
    }

    /// The value of the goods after discounts, checked.
    pub fn goods(&self) -> Result<Money, OutOfRange> {
        Money::new(self.goods_total)
    }
}

impl DeliveryOption {
    /// An option in the shipment's currency, brought to the door, with no word on how long it takes.
    /// `code`: 1 to 64 characters of `a-z 0-9 -`; `label`: at most 100 characters; `amount`: 0 or more.
    pub fn new(
        shipment: &Shipment,
        code: impl Into<String>,
        label: impl Into<String>,
        amount: Money,
    ) -> DeliveryOption {
        DeliveryOption {
            code: code.into(),
            label: label.into(),
            currency: shipment.currency.clone(),
            amount: amount.minor(),
            days: None,
            pickup: false,
            attributes: Vec::new(),
        }
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_delivery {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::Error;
            use $crate::bindings::delivery::exports::kassa::delivery::delivery as contract;
            use $crate::delivery::Delivery;
            struct Component;
            fn plugin() -> Result<$plugin, Error> {
                $crate::entry::plugin()
            }
            impl contract::Guest for Component {
                fn quote(shipment: contract::Shipment) -> Result<contract::DeliveryQuote, Error> {
                    plugin()?.quote(&shipment)
                }
                fn book(request: contract::BookRequest) -> Result<contract::Booking, Error> {
                    plugin()?.book(&request)
                }
                fn track(reference: String, now: u64) -> Result<Vec<contract::TrackingEvent>, Error> {
                    plugin()?.track(&reference, now)
                }
                fn cancel(reference: String, now: u64) -> Result<bool, Error> {
                    plugin()?.cancel(&reference, now)
                }
            }
    $crate::bindings::delivery::export!(Component with_types_in $crate::bindings::delivery);
        };
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn exported<P: $crate::delivery::Delivery>() {}
            exported::<$plugin>();
        };
    };
}
