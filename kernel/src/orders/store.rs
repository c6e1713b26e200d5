//! All the SQL of orders.

mod contents;
pub(super) mod drafts;
pub(super) mod guests;
mod listing;
pub(super) mod lookup;
mod orders;
pub(super) mod people;
pub(super) mod purchases;
mod refunds;
mod revisions;

pub(super) use contents::{
    adjustments, history, insert_adjustments, insert_history, insert_lines, insert_receipts, lines, priced_by,
    receipts, recorded,
};
pub(super) use listing::list;
pub(super) use orders::{
    count, count_paid, find_order, find_order_by_number, get_order, insert_order, lock_order, next_number,
    numbers_after, update_status,
};
pub(super) use refunds::{
    find_refund, get_refund, insert_refund, pending_refunds, refunded_delivery, refunded_pieces, refunded_quantity,
    refunds, update_refund,
};
pub(super) use revisions::{has_refunded_lines, insert_revision, replace_contents, revisions};
