//! All the SQL of prices.

mod applying;
mod entries;
mod lists;

pub(crate) use applying::{PriceRow, applying_entry, bind_context, in_force, price_columns};
pub(super) use applying::{is_any_in_force, variant_price};
pub(super) use entries::{delete_entry, entries, entries_of_skus, entries_of_variant, known_variants, put_entries};
pub(super) use lists::{
    ListRow, count_lists, delete_list, find_list, find_list_by_code, insert_list, lists, lock_list, update_list,
};
