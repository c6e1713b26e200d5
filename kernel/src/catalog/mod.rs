//! The catalog: products, their variants, the tree of categories.

mod sellable;
mod store;

pub use sellable::{CartVariant, SellableVariant, cart_variants, find_variant, find_variant_by_sku, find_variants};
