//! All the SQL of the search.

mod counts;
mod index;
mod page;
mod words;

pub(super) use counts::{Totals, count_categories, count_ranges, count_values, totals};
pub(super) use index::{
    delete_labels, delete_terms, delete_value, enqueue, insert_deletions, insert_labels, insert_value, known_words,
    labels_of, lock_analysis_version, move_document, products_in, put_document, put_terms, set_analysis_version,
    take_queued, terms_of, values_of,
};
pub use page::Hit;
pub(super) use page::{Without, page};
pub(super) use words::{Term, end_of, known_terms, words_near};
