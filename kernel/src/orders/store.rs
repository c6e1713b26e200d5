//! All the SQL of orders.

mod contents;
pub(super) mod guests;
mod orders;
pub(super) mod purchases;
mod refunds;

pub(super) use contents::{
    adjustments, history, insert_adjustments, insert_history, insert_lines, insert_receipts, lines, priced_by, receipts,
};
pub(super) use orders::{
    all_orders, count_paid, find_order, find_order_by_number, get_order, insert_order, lock_order, next_number,
    numbers_after, orders_of, update_status,
};
pub(super) use refunds::{
    find_refund, get_refund, insert_refund, refunded_delivery, refunded_quantity, refunds, unfinished_refunds,
    update_refund,
};
