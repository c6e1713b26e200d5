//! Every kind of event that the kernel tells.

/// In the order of docs/events.md, which has the data of each; tests/tidy.rs holds the two together.
pub const KINDS: &[&str] = &[
    "order.placed",
    "order.paid",
    "order.shipped",
    "order.delivered",
    "order.cancelled",
    "order.refunded",
    "stock.low",
    "stock.out",
    "stock.short",
    "user.created",
    "user.updated",
    "payment.unknown",
    "payment.resolved",
    "product.created",
    "product.updated",
    "product.archived",
    "product-type.updated",
    "message.dead",
    "webhook.disabled",
    "plugin.activated",
    "plugin.rolled-back",
];
