//! What becomes of a call that a plugin fails, as the operator declares it for each domain.

use serde::{Deserialize, Serialize};

use super::Domain;

/// `[plugins.fallback]` of shop.toml.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FallbackConfig {
    pub pricing: PricingFallback,
    pub delivery: DeliveryFallback,
    pub payment: PaymentFallback,
    pub notification: NotificationFallback,
}

/// What a cart costs that cannot be priced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PricingFallback {
    /// It has no price, and cannot be ordered.
    #[default]
    FailClosed,
    /// What the plugins say that were in force before.
    LastGoodVersion,
}

/// How goods are delivered whose delivery cannot be quoted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryFallback {
    /// At the static rates of `carts.fallback_delivery`.
    #[default]
    StaticTable,
    /// As the plugins say that were in force before; at the static rates where they fail as well.
    LastGoodVersion,
    /// Not by the plugin that fails.
    FailClosed,
}

/// There is no choice: what a provider may have done already is not done again by another version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PaymentFallback {
    #[default]
    FailClosed,
}

/// There is no choice: nobody waits for a letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationFallback {
    #[default]
    Queue,
}

impl FallbackConfig {
    /// Whether the plugins that were in force before are to be kept at hand.
    pub(super) fn keeps_last_good(&self, domain: Domain) -> bool {
        match domain {
            Domain::Pricing => self.pricing == PricingFallback::LastGoodVersion,
            Domain::Delivery => self.delivery == DeliveryFallback::LastGoodVersion,
            Domain::Payment | Domain::Notification => false,
        }
    }
}
