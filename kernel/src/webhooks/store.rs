//! All the SQL of webhooks.

pub(super) mod messages;
pub(super) mod subscriptions;
