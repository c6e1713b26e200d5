//! All the SQL of the catalog.

mod categories;
mod listing;
mod products;
mod sellable;

pub(super) use categories::{
    all_categories, category_ids, category_ids_below, delete_category, find_category, find_category_by_slug,
    has_children, insert_category, lock_tree, longest_path_below, move_products, move_subtree, names_to_root,
    update_category,
};
pub(super) use listing::{find_listed, listed};
pub(super) use products::{
    SKU_CHUNK, all_product_ids, delete_variant, find_product, find_product_by_slug, find_product_of_variant,
    insert_product, insert_variant, is_empty, lock_product, products_of_skus, update_product, update_variant,
    variants_of,
};
pub(super) use sellable::{cart_variants, sellable_by_id, sellable_by_sku};
