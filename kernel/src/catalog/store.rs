//! All the SQL of the catalog.

mod sellable;

pub(super) use sellable::{FIND_CHUNK, cart_variants, sellable_by_ids, sellable_by_sku};
