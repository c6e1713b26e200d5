//! Bringing the catalog to the state that a file describes. Files are imported again and again, so what is already so is
//! left untouched: no new version, no event.
//!
//! What a file does not mention stays as it is, in something that is there, and is empty in something new. Nothing is
//! ever deleted.

mod choices;
mod product;
mod shelves;
mod wanted;

pub use product::{Put, StockWish, put_product, put_stock};
pub use shelves::{
    put_collection, put_product_type, put_related_slugs, put_wanted_category, require_category, require_product,
};
pub use wanted::{
    OwnImages, WantedCategory, WantedChoice, WantedCollection, WantedOptions, WantedProduct, WantedTexts, WantedVariant,
};

/// What became of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
}
