//! The catalog: products, their variants, the tree of categories.
//!
//! - A product is what a shopper looks at; a variant is what is sold: it has the SKU, the price, the weight and the
//!   stock.
//! - Categories form a tree of any depth. Each has its path, the slugs from the root, so that a subtree is one range
//!   of an index: [`categories`].
//! - What shoppers read ([`listing`]) costs two statements a page and is cached as ready bytes in `http/`.
//! - Carts and orders ask through [`sellable`]. Which price applies to a variant, [`prices`](crate::prices) knows.
//! - A product may have a type ([`types`]), which says what attributes it and its variants have, and options
//!   ([`options`]), in which its variants differ.
//! - Something that is renamed is still found by its old slug ([`slugs`]); texts have translations beside them
//!   ([`translations`]).
//! - Deleting a product archives it: carts, links and reports keep what they point at. Variants and categories are
//!   deleted.
//! - A change, its event (`product.created`, `product.updated`) and the product's next version are one transaction.

mod all_products;
mod attributes;
mod bulk;
mod categories;
mod collections;
mod config;
mod detail;
mod document;
mod facets;
pub mod http;
mod indexing;
mod listing;
mod naming;
mod options;
mod products;
mod put;
mod related;
pub mod seed;
mod sellable;
mod slugs;
mod store;
mod tags;
mod text;
mod touch;
mod translations;
mod types;
mod variants;
mod walk;

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::clock::Moment;
use crate::money::Amount;
use crate::{Shop, db, inventory};

pub use crate::inventory::MAX_ON_HAND;
pub use all_products::{AllFilter, AllSort, Entry, list_all};
pub use bulk::{PriceChange, PriceLine, Repriced, Which, change_prices, variant_ids};
pub use categories::{
    Category, CategoryDetail, CategoryNode, CategoryPatch, NewCategory, create_category, delete_category,
    find_category_detail, get_category, list_categories, patch_category, put_category,
};
pub use collections::{
    Collection, CollectionKey, CollectionPatch, Condition, MAX_CHOSEN, MAX_CONDITIONS, Match, NewCollection, Rule,
    chosen_products, create_collection, delete_collection, find_collection, get_collection, list_collections,
    patch_collection, put_chosen_products,
};
pub use config::CatalogConfig;
pub use detail::{Detail, Found, VariantDetail, find_detail};
pub use document::date_number;
pub use facets::{AttributeCounts, CategoryCount, LabelledCount, ListedFacets, count_listed};
pub use indexing::{index_queued, reindex};
pub use listing::{Filter, ListedProduct, ListedVariant, Listing, find_listed, list_products, translate_titles};
pub use naming::{translate_names, translate_variant, variant_titles};
pub use options::{Chosen, MAX_OPTION_NAME, MAX_OPTION_VALUES, MAX_OPTIONS, OptionValue, ProductOption, chosen};
pub use products::{archive_product, create_product, get_product, patch_product};
pub use put::{
    Outcome, OwnImages, Put, StockWish, WantedCategory, WantedChoice, WantedCollection, WantedOptions, WantedProduct,
    WantedTexts, WantedVariant, put_collection, put_product, put_product_type, put_related_slugs, put_stock,
    put_wanted_category, require_category, require_product,
};
pub use related::{RelatedProduct, Relation, get_related, put_related};
pub use sellable::{CartVariant, SellableVariant, cart_variants, find_variant, find_variant_by_sku, ids_by_sku};
pub use tags::{MAX_TAG, MAX_TAGS, fold_tag};
pub use text::{MAX_SLUG, is_barcode, is_code, is_slug, slugify};
pub use touch::{touch_product, touch_product_of_variant};
pub use translations::{
    Entity, Reading, Texts, forget_image_text, list_translations, product_texts, put_translation, texts_for_file,
    titles,
};
pub use types::{
    Attribute, AttributeKind, AttributeValue, AttributeValues, Choice, Described, Level, MAX_ATTRIBUTE_TEXT,
    MAX_ATTRIBUTES, MAX_CHOICES, MAX_CODE, MAX_DECIMALS, MAX_UNIT, ProductType, ProductTypePatch, create_product_type,
    delete_product_type, describe, get_product_type, list_product_types, patch_product_type,
};
pub use variants::{create_variant, delete_variant, patch_variant};
pub use walk::{all_categories, chosen_slugs, collections_after, ids_with_related, product_ids};

/// Variants that one product may have.
pub const MAX_VARIANTS: usize = 200;
/// Longest title of a product, variant or category, in characters.
pub const MAX_TITLE: usize = 200;
/// Longest description, in characters.
pub const MAX_DESCRIPTION: usize = 20_000;
/// Longest vendor, in characters.
pub const MAX_VENDOR: usize = 100;
/// Longest SKU, in characters.
pub const MAX_SKU: usize = 100;
/// Heaviest variant: a thousand tonnes.
pub const MAX_WEIGHT_GRAMS: i64 = 1_000_000_000;
/// Longest barcode, in characters.
pub const MAX_BARCODE: usize = 64;
/// Longest side of a variant: a kilometre.
pub const MAX_SIDE_MM: i64 = 1_000_000;
/// Longest title for search engines, in characters.
pub const MAX_SEO_TITLE: usize = 200;
/// Longest description for search engines, in characters.
pub const MAX_SEO_DESCRIPTION: usize = 500;
/// Longest text of a translation but for a description, in characters.
pub const MAX_TRANSLATION: usize = 500;

/// Whether shoppers see a product.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ProductStatus)]
pub enum Status {
    /// Not yet.
    #[default]
    Draft,
    /// Yes.
    Active,
    /// No longer.
    Archived,
}

impl Status {
    /// As it stands in the database.
    fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }

    /// The database holds one of the three.
    fn parse(text: &str) -> Self {
        match text {
            "draft" => Self::Draft,
            "active" => Self::Active,
            _ => Self::Archived,
        }
    }
}

/// A product as the merchant sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    /// Plain text.
    pub description: String,
    pub vendor: String,
    pub status: Status,
    pub category_id: Option<Uuid>,
    pub type_code: Option<String>,
    /// Of the whole product.
    pub attributes: AttributeValues,
    pub options: Vec<ProductOption>,
    /// For search engines; the title and the description stand in where they are empty.
    pub seo_title: String,
    pub seo_description: String,
    /// Folded, in alphabetical order.
    pub tags: Vec<String>,
    /// Counts the changes of the product and its variants, from 1. Sales do not count.
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
    /// By position.
    pub variants: Vec<Variant>,
}

/// A variant as the merchant sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variant {
    pub id: Uuid,
    pub product_id: Uuid,
    pub sku: String,
    /// What tells it from the others, `250 g`; empty where there is only one.
    pub title: String,
    /// Minor units of the shop's own currency; price lists may have others.
    pub price: Amount,
    /// What it cost before: shown where it is more than the price.
    pub compare_at_price: Option<Amount>,
    pub weight_grams: i64,
    /// The code of its value of each of the product's options, in their order.
    pub options: Vec<String>,
    pub attributes: AttributeValues,
    pub barcode: String,
    /// Packed; 0 where it is not known.
    pub length_mm: i64,
    pub width_mm: i64,
    pub height_mm: i64,
    pub position: i64,
    pub on_hand: i64,
    pub reserved: i64,
    /// What can be ordered now: more than what no order holds, where it may be promised before it comes.
    pub available: i64,
}

/// A product to be made.
#[derive(Debug, Clone, Default)]
pub struct NewProduct {
    pub title: String,
    /// Made from the title where it is none.
    pub slug: Option<String>,
    pub description: String,
    pub vendor: String,
    pub status: Status,
    pub category_id: Option<Uuid>,
    pub type_code: Option<String>,
    pub attributes: AttributeValues,
    pub options: Vec<ProductOption>,
    pub seo_title: String,
    pub seo_description: String,
    pub tags: Vec<String>,
    pub variants: Vec<NewVariant>,
}

/// A variant to be made.
#[derive(Debug, Clone, Default)]
pub struct NewVariant {
    pub sku: String,
    pub title: String,
    pub price: Amount,
    pub compare_at_price: Option<Amount>,
    pub weight_grams: i64,
    /// One of each of the product's options; the title is made of them then.
    pub options: Chosen,
    pub attributes: AttributeValues,
    pub barcode: String,
    pub length_mm: i64,
    pub width_mm: i64,
    pub height_mm: i64,
    pub on_hand: i64,
}

/// What is to change of a product.
#[derive(Debug, Clone, Default)]
pub struct ProductPatch {
    pub title: Option<String>,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub vendor: Option<String>,
    pub status: Option<Status>,
    /// `Some(None)` takes it out of its category.
    pub category_id: Option<Option<Uuid>>,
    /// Another type takes away the attributes that it does not have.
    pub type_code: Option<Option<String>>,
    /// Those that it names; none takes a value away.
    pub attributes: BTreeMap<String, Option<AttributeValue>>,
    /// All of them, as they are to be.
    pub options: Option<Vec<ProductOption>>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    /// All of them, as they are to be.
    pub tags: Option<Vec<String>>,
}

/// What is to change of a variant. The SKU stays: orders and files know the variant by it.
#[derive(Debug, Clone, Default)]
pub struct VariantPatch {
    pub title: Option<String>,
    pub price: Option<Amount>,
    /// `Some(None)` takes it away.
    pub compare_at_price: Option<Option<Amount>>,
    pub weight_grams: Option<i64>,
    /// One of each option.
    pub options: Option<Chosen>,
    /// Those that it names; none takes a value away.
    pub attributes: BTreeMap<String, Option<AttributeValue>>,
    pub barcode: Option<String>,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
    /// Where among its siblings, from 0.
    pub position: Option<i64>,
    /// As counted in the warehouse.
    pub on_hand: Option<i64>,
}

/// One thing that is wrong with what was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// JSON pointer into the product, type or category as it was sent.
    pub pointer: String,
    pub detail: String,
}

impl Flaw {
    fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }

    /// An error where there are any.
    fn none(flaws: Vec<Self>) -> Result<(), Error> {
        if flaws.is_empty() { Ok(()) } else { Err(Error::Invalid(flaws)) }
    }
}

/// Why the catalog cannot do it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such product, variant or category")]
    NotFound,
    #[error("the SKU {0} is taken")]
    SkuTaken(String),
    #[error("the slug {0} is taken")]
    SlugTaken(String),
    #[error("the code {0} is taken")]
    CodeTaken(String),
    /// Found out before anything was written.
    #[error("{}", .0.first().map_or("", |flaw| &flaw.detail))]
    Invalid(Vec<Flaw>),
    #[error("the shop has no texts in this language")]
    LocaleUnknown,
    #[error("the products of the collection follow from its rule")]
    CollectionByRule,
    #[error("products have this type")]
    ProductTypeInUse,
    #[error("products have the attribute {attribute}")]
    AttributeInUse { attribute: String, choice: Option<String> },
    /// The category that a product or category is to be put into.
    #[error("there is no such category to put it into")]
    CategoryUnknown,
    #[error("a category cannot be inside itself")]
    CategoryCycle,
    #[error("the category has sub-categories")]
    CategoryNotEmpty,
    #[error("the path of the category, or of one inside it, would be too long")]
    CategoryTooDeep,
    #[error("it has changed: it is version {current} now")]
    VersionMismatch { current: i64 },
    #[error("a product has at most {MAX_VARIANTS} variants")]
    TooManyVariants,
    #[error("less than what orders have reserved of {sku}")]
    BelowReserved { sku: String },
    #[error(transparent)]
    Inventory(#[from] inventory::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// The workers of the catalog, until the shop stops: indexing, and deriving collections.
pub async fn run(shop: Shop) {
    tokio::join!(indexing::run(shop.clone()), collections::run(shop));
}

/// Call after the commit of a change: shoppers see it, and its events leave.
pub fn announce(shop: &Shop) {
    shop.cache().clear();
    shop.relay().wake();
}
