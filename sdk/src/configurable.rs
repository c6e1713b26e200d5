//! A plugin that says itself what is wrong with settings, beyond what its JSON Schema can say.

use serde::de::DeserializeOwned;

pub use crate::bindings::configurable::exports::kassa::plugin::configurable::Mistake;

/// What no schema can say of settings. Exported by `kassa_sdk::export!(delivery: Days, configurable);`.
///
/// It is asked before settings are put in force, of settings that the type was read from. Those that it cannot be read from become a
/// mistake by themselves, at their place.
///
/// ```
/// use kassa_sdk::delivery::{Delivery, DeliveryOption, DeliveryQuote, Error, Shipment};
/// use kassa_sdk::{Configurable, Mistake, Money, testing};
///
/// /// How long it takes.
/// #[derive(serde::Deserialize)]
/// struct Days {
///     fewest_days: u16,
///     most_days: u16,
/// }
///
/// impl Configurable for Days {
///     fn mistakes(&self) -> Vec<Mistake> {
///         match self.fewest_days > self.most_days {
///             true => vec![Mistake::at("/most_days", "must not be less than fewest_days")],
///             false => vec![],
///         }
///     }
/// }
///
/// impl Delivery for Days {
///     fn quote(&self, shipment: &Shipment) -> Result<DeliveryQuote, Error> {
///         let days = Some((self.fewest_days, self.most_days));
///         let option = DeliveryOption::new(shipment, "standard", "Standard", Money::ZERO);
///         Ok(DeliveryQuote { options: vec![DeliveryOption { days, ..option }], refusals: vec![] })
///     }
/// }
/// kassa_sdk::export!(delivery: Days, configurable);
///
/// assert_eq!(testing::mistakes::<Days>(r#"{"fewest_days": 1, "most_days": 3}"#), []);
/// assert_eq!(testing::mistakes::<Days>(r#"{"fewest_days": 3, "most_days": 1}"#)[0].pointer, "/most_days");
/// assert_eq!(testing::mistakes::<Days>(r#"{"fewest_days": "three"}"#)[0].pointer, "/fewest_days");
/// ```
pub trait Configurable: DeserializeOwned {
    /// What is wrong with these settings; nothing where they can be used. Of more than 20 the first 20 count. Must depend on nothing but
    /// `self`.
    fn mistakes(&self) -> Vec<Mistake>;
}

impl Mistake {
    /// `pointer`: a JSON pointer into the settings, `/zones/0/countries`; empty where it is about all of them. `detail`: for the
    /// merchant, at most 300 characters; it must not repeat a value that may be a secret.
    pub fn at(pointer: impl Into<String>, detail: impl Into<String>) -> Mistake {
        Mistake { pointer: pointer.into(), detail: detail.into() }
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __export_configurable {
    ($plugin:ty) => {
        #[cfg(target_family = "wasm")]
        const _: () = {
            use $crate::bindings::configurable::exports::kassa::plugin::configurable as contract;
            struct Component;
            impl contract::Guest for Component {
                fn validate_settings(settings: String) -> Result<(), Vec<contract::Mistake>> {
                    $crate::entry::validate::<$plugin>(&settings)
                }
            }
    $crate::bindings::configurable::export!(Component with_types_in $crate::bindings::configurable);
        };
        #[cfg(not(target_family = "wasm"))]
        const _: fn() = || {
            fn exported<P: $crate::Configurable>() {}
            exported::<$plugin>();
        };
    };
}
