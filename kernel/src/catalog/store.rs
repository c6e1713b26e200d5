//! All the SQL of the catalog.

mod all_products;
mod attributes;
mod categories;
mod collections;
mod listing;
mod naming;
mod products;
mod related;
mod sellable;
mod slugs;
mod tags;
mod translations;
mod types;

pub(super) use all_products::list_all;
pub(super) use attributes::{delete_values, insert_value, values_of};
pub(super) use categories::{
    all_categories, ancestors, category_ids, category_ids_below, children, delete_category, find_category,
    find_category_by_slug, has_children, insert_category, lock_tree, longest_path_below, move_products, move_subtree,
    update_category,
};
pub(super) use collections::{
    claim_derivation, collections_after, collections_of, delete_collection, delete_member, delete_members,
    derive_again, derive_all_again, due_derivation, end_derivation, find_collection, find_collection_by_slug, go_on,
    insert_collection, insert_member, list_collections, lock_collection, member_slugs, members, product_ids_after,
    rules, update_collection,
};
pub(super) use listing::{find_listed, listed};
pub(super) use naming::{NamedVariant, named_variants, names_of, options_of};
pub(super) use products::{
    SKU_CHUNK, all_product_ids, delete_variant, find_product, find_product_by_slug, find_product_of_variant,
    find_variant_id, insert_product, insert_variant, is_empty, lock_product, products_of_skus, split_codes,
    update_product, update_variant, variants_of,
};
pub(super) use related::{delete_related, ids_with_related_after, insert_related, related_of};
pub(super) use sellable::{cart_variants, sellable_by_id, sellable_by_sku};
pub(super) use slugs::{delete_redirect, delete_redirects_to, find_redirect, put_redirect};
pub(super) use tags::{delete_tags, insert_tag, tags_of};
pub(super) use translations::{
    TITLE_CHUNK, delete_all_texts, delete_field, delete_text, delete_texts, insert_text, texts_of, texts_of_all,
    titles_of,
};
pub(super) use types::{
    delete_attribute, delete_choice, delete_type, filterable_attributes, find_namesake, find_type, insert_type,
    list_types, lock_types, product_ids_of_type, put_attribute, put_choice, update_type,
};
