//! All the SQL of fulfilment.

mod history;
mod shipments;

pub(super) use history::{end_step, insert_event, insert_step};
pub(super) use shipments::{
    claim_check, due, find_shipment, forget, insert_shipment, list, next_number, planned, replace_lines, schedule,
    shipments_of, update_shipment,
};
