//! The contract as Rust types: the only place where `bindgen!` runs.
//!
//! Everything outside `plugins/` sees the records re-exported here and nothing of wasmtime. Types are generated from the
//! latest version of each package. What an older version says otherwise is written by hand beside the calls of its
//! domain (`pricing/since_0_1.rs`): records that stayed as they were fit both, because wasmtime compares them by their
//! fields. Callers never see which version a plugin speaks.

/// What the worlds share, generated once, so that an address is the same type in every domain.
pub(in crate::plugins) mod shared {
    wasmtime::component::bindgen!({
        inline: "
            package kassa:kernel;
            world shared {
                import kassa:types/types@0.1.0;
                import kassa:host/log@0.1.0;
                import kassa:host/settings@0.1.0;
                import kassa:host/kv@0.1.0;
            }
        ",
        path: ["../wit/types/0.1.0", "../wit/host/0.1.0"],
        world: "kassa:kernel/shared",
        imports: { "kassa:host/kv": async | trappable, default: trappable },
        additional_derives: [serde::Serialize, serde::Deserialize, Clone, PartialEq],
    });
}

macro_rules! world {
    ($module:ident, $folder:literal, $world:literal) => {
        pub(in crate::plugins) mod $module {
            wasmtime::component::bindgen!({
                path: ["../wit/types/0.1.0", "../wit/host/0.1.0", $folder],
                world: $world,
                exports: { default: async },
                with: {
                    "kassa:types": super::shared::kassa::types,
                    "kassa:host": super::shared::kassa::host,
                },
                additional_derives: [serde::Serialize, serde::Deserialize, Clone, PartialEq],
            });
        }
    };
}

/// What plugins of any domain may export. It imports nothing and shares no types.
pub(in crate::plugins) mod configurable_world {
    wasmtime::component::bindgen!({
        path: "../wit/plugin/0.1.0",
        world: "kassa:plugin/configurable-plugin@0.1.0",
        exports: { default: async },
    });
}

world!(pricing_world, "../wit/pricing/0.2.0", "kassa:pricing/pricing-plugin@0.2.0");
world!(payment_world, "../wit/payment/0.1.0", "kassa:payment/payment-plugin@0.1.0");
world!(delivery_world, "../wit/delivery/0.1.0", "kassa:delivery/delivery-plugin@0.1.0");
world!(notification_world, "../wit/notification/0.1.0", "kassa:notification/notification-plugin@0.1.0");

/// Values that the domains share (`kassa:types`).
pub mod types {
    pub use super::shared::kassa::types::types::{Address, Destination, Error};
}

/// Records of `kassa:plugin`.
pub(in crate::plugins) mod configurable {
    pub use super::configurable_world::exports::kassa::plugin::configurable::Mistake;
}

/// Records of `kassa:pricing` that the kernel uses as they are; it has a request, a quote and adjustments of its own.
pub mod pricing {
    pub use super::pricing_world::exports::kassa::pricing::pricing::{
        CouponOutcome, CouponState, Customer, Delivery, Line, Target,
    };
}

/// Records of `kassa:payment`.
pub mod payment {
    pub use super::payment_world::exports::kassa::payment::payment::{
        Action, AuthorizeRequest, Context, Decline, Event, FollowUp, Method, Outcome, RefundOutcome, RefundStatus,
        Status, WebhookError, WebhookRequest,
    };
}

/// Records of `kassa:delivery`.
pub mod delivery {
    pub use super::delivery_world::exports::kassa::delivery::delivery::{
        BookRequest, Booking, DeliveryOption, DeliveryQuote, Item, Refusal, Shipment, TrackingEvent, TrackingStatus,
    };
}

/// Records of `kassa:notification`.
pub mod notification {
    pub use super::notification_world::exports::kassa::notification::notification::{Event, Message, Recipient, Shop};
}
