//! The catalog: products, their variants, the tree of categories.
//!
//! - A product is what a shopper looks at; a variant is what is sold: it has the SKU, the price, the weight and the
//!   stock.
//! - Categories form a tree of any depth. Each has its path, the slugs from the root, so that a subtree is one range
//!   of an index: [`categories`].
//! - What shoppers read ([`listing`]) costs one statement a page and is cached as ready bytes in `http/`.
//! - Carts and orders ask through [`sellable`].
//! - Which price applies to a variant, by currency, customer group and period: [`prices`].
//! - Deleting a product archives it: carts, links and reports keep what they point at. Variants and categories are
//!   deleted.
//! - A change, its event (`product.created`, `product.updated`) and the product's next version are one transaction.

mod categories;
pub mod http;
mod listing;
mod price_lists;
mod prices;
mod products;
mod put;
pub mod seed;
mod sellable;
mod store;
mod text;

use uuid::Uuid;

use crate::clock::Moment;
use crate::money::Amount;
use crate::{Shop, db, inventory};

pub use categories::{
    Category, CategoryNode, CategoryPatch, NewCategory, create_category, delete_category, list_categories,
    patch_category, put_category,
};
pub use listing::{Filter, ListedProduct, ListedVariant, PageKey, find_listed, list_products};
pub use price_lists::{
    ListPrice, ListStatus, MAX_PRICES_AT_ONCE, NewListPrice, NewPriceList, PriceList, PriceListPatch,
    create_price_list, delete_price, delete_price_list, get_price_list, list_price_lists, list_prices,
    patch_price_list, put_prices,
};
pub use prices::{Price, PriceContext};
pub use products::{
    archive_product, create_product, create_variant, delete_variant, get_product, patch_product, patch_variant,
};
pub use put::{Outcome, Put, put_product};
pub use sellable::{CartVariant, SellableVariant, cart_variants, find_variant, find_variant_by_sku};
pub use text::{MAX_SLUG, is_slug, slugify};

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
/// Most pieces of a variant that can be on hand.
pub const MAX_ON_HAND: i64 = 1_000_000_000;

/// Whether shoppers see a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Not yet.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    pub id: Uuid,
    pub slug: String,
    pub title: String,
    /// Plain text.
    pub description: String,
    pub vendor: String,
    pub status: Status,
    pub category_id: Option<Uuid>,
    /// Counts the changes of the product and its variants, from 1. Sales do not count.
    pub version: i64,
    pub created_at: Moment,
    pub updated_at: Moment,
    /// By position.
    pub variants: Vec<Variant>,
}

/// A variant as the merchant sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variant {
    pub id: Uuid,
    pub product_id: Uuid,
    pub sku: String,
    /// What tells it from the others, `250 g`; empty where there is only one.
    pub title: String,
    /// Minor units of the shop's currency; lists may have others.
    pub price: Amount,
    /// What it cost before: shown where it is more than the price.
    pub compare_at_price: Option<Amount>,
    pub weight_grams: i64,
    pub position: i64,
    pub on_hand: i64,
    pub reserved: i64,
}

/// A product to be made.
#[derive(Debug, Clone)]
pub struct NewProduct {
    pub title: String,
    /// Made from the title where it is none.
    pub slug: Option<String>,
    pub description: String,
    pub vendor: String,
    pub status: Status,
    pub category_id: Option<Uuid>,
    pub variants: Vec<NewVariant>,
}

/// A variant to be made.
#[derive(Debug, Clone)]
pub struct NewVariant {
    pub sku: String,
    pub title: String,
    pub price: Amount,
    pub compare_at_price: Option<Amount>,
    pub weight_grams: i64,
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
}

/// What is to change of a variant. The SKU stays: orders and files know the variant by it.
#[derive(Debug, Clone, Default)]
pub struct VariantPatch {
    pub title: Option<String>,
    pub price: Option<Amount>,
    /// `Some(None)` takes it away.
    pub compare_at_price: Option<Option<Amount>>,
    pub weight_grams: Option<i64>,
    /// As counted in the warehouse.
    pub on_hand: Option<i64>,
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
    #[error("the code {0} is taken")]
    CodeTaken(String),
    /// The customer group that a price list is to be for.
    #[error("there is no such customer group")]
    GroupUnknown,
    #[error("it would end before it begins")]
    PeriodEmpty,
    #[error("a shop has at most {} price lists", price_lists::MAX_PRICE_LISTS)]
    TooManyPriceLists,
    /// Which of the prices, by position.
    #[error("there are no such variants")]
    VariantsUnknown(Vec<usize>),
    #[error("less than what orders have reserved of {sku}")]
    BelowReserved { sku: String },
    #[error(transparent)]
    Inventory(#[from] inventory::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Call after the commit of a change: shoppers see it, and its events leave.
pub fn announce(shop: &Shop) {
    shop.cache().clear();
    shop.relay().wake();
}
