//! All the SQL of the catalog.

mod categories;
mod listing;
mod price_lists;
mod prices;
mod products;
mod sellable;

pub(super) use categories::{
    all_categories, delete_category, find_category, find_category_by_slug, find_place, has_children, insert_category,
    lock_tree, longest_path_below, move_products, move_subtree, update_category,
};
pub(super) use listing::{find_listed, list_all, list_in_category, list_in_subtree};
pub(super) use price_lists::{
    count_price_lists, delete_price, delete_price_list, find_price_list, insert_price_list, list_prices,
    lock_price_list, price_lists, put_price, update_price_list,
};
pub(super) use products::{
    SKU_CHUNK, delete_variant, find_product, find_product_by_slug, find_product_of_variant, insert_product,
    insert_variant, is_empty, lock_product, products_of_skus, update_product, update_variant, variants_of,
};
pub(super) use sellable::{cart_variants, sellable_by_id, sellable_by_sku};
