//! All the SQL of notifications: the queue, the delivery log, inboxes, devices.

pub(super) mod inbox;
pub(super) mod log;
pub(super) mod people;
pub(super) mod push_tokens;
pub(super) mod queue;
