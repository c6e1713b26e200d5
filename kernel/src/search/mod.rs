//! Finding products: the index, what is asked of it, and the counts beside a list.
//!
//! An inverted index of our own in plain tables. SQLite's FTS5 and PostgreSQL's `tsvector` would each be found faster to
//! write, but they cut words, rank and round differently, and no two shops would show the same order; integer weights
//! and one statement do. Both databases see finished terms, which [`analysis`] makes.
//!
//! - [`put`] writes what a product is found by, in the transaction of its change. What many products follow from (an
//!   import, a category's new name) is queued ([`enqueue`]) and indexed by a worker of the catalog, which knows the texts.
//! - [`find`] gives a page of products; [`count_facets`] what a storefront shows beside it.
//! - This domain stands below the catalog and knows ids, texts, values and prices.

mod analysis;
mod facets;
mod find;
mod index;
mod keyboard;
mod labels;
mod store;
mod typos;
mod words;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::money::{Amount, MAX_AMOUNT};
use crate::prices::PriceContext;

pub use analysis::Field;
pub use facets::{Facets, Range, ValueCount, count_facets};
pub use find::{Hit, Hits, find};
pub use index::{enqueue, enqueue_all, enqueue_categories, move_products, needs_reindex, put, take_queued};
pub use labels::label_ranges;

/// `[search]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SearchConfig {
    /// Values counted for each attribute, and vendors, tags and categories: the most frequent ones.
    pub facet_values: u32,
    /// Products that the worker indexes in one transaction.
    pub batch: u32,
    /// How often the queue is looked at, in milliseconds.
    pub poll_interval_ms: u64,
}

impl Default for SearchConfig {
    fn default() -> Self {
        Self { facet_values: 50, batch: 50, poll_interval_ms: 1_000 }
    }
}

/// What a product is found, filtered and sorted by.
#[derive(Debug, Clone)]
pub struct Document {
    pub product_id: Uuid,
    /// Of the product that this was made from: an older document never replaces a newer one.
    pub version: i64,
    /// Whether shoppers see it. What they do not see has no words, only labels.
    pub listed: bool,
    pub category_id: Option<Uuid>,
    pub created_at: Moment,
    pub title: String,
    /// Lowest and highest price of a variant; none without variants.
    pub prices: Option<(Amount, Amount)>,
    /// Average in hundredths of a star; 0 without reviews.
    pub rating: i64,
    pub texts: Vec<(Field, String)>,
    pub values: Vec<Value>,
}

/// What lists filter and count by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value {
    /// [`VENDOR`], [`TAG`], or [`ATTRIBUTE`] and a code.
    pub name: String,
    pub value: String,
    /// Of what has an order: lists are filtered by its bounds, and counted by its range instead of by each value.
    pub number: Option<i64>,
}

/// The name of a product's vendor.
pub const VENDOR: &str = "vendor";
/// The name of a product's tags.
pub const TAG: &str = "tag";
/// What the names of attributes begin with.
pub const ATTRIBUTE: &str = "attribute.";

/// The least and the greatest, both included.
pub type Bounds = (Option<i64>, Option<i64>);

/// Which products.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Words that all must be found.
    pub q: Option<String>,
    /// In one of these; nothing is in none.
    pub categories: Option<Vec<Uuid>>,
    pub collection: Option<Uuid>,
    /// Which prices are meant.
    pub prices: Prices,
    /// Bounds of the lowest price, both included.
    pub price_min: Option<Amount>,
    pub price_max: Option<Amount>,
    /// Only what can be bought now.
    pub in_stock: bool,
    /// In hundredths of a star.
    pub rating_min: Option<i64>,
    /// By name: one of these values. Names are ANDed.
    pub values: BTreeMap<String, Vec<String>>,
    /// By name: a value with a number between these.
    pub bounds: BTreeMap<String, Bounds>,
}

/// Which prices a list is filtered, sorted and counted by.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Prices {
    /// The variants' own, which stand in the index.
    #[default]
    Own,
    /// Those that apply to a shopper while price lists are in force: found at each look. Kept in the index they would have to be written
    /// for every currency, group and moment at which a period begins or ends.
    Applying(PriceContext),
}

/// The order of a list. Products that are alike in it come newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = ProductSort)]
pub enum Sort {
    /// What fits the words best; without words, as `newest`.
    Relevance,
    Newest,
    /// By the lowest price of a variant, upwards.
    PriceAsc,
    /// By the highest price of a variant, downwards.
    PriceDesc,
    /// Best first.
    Rating,
    /// By the alphabet.
    Title,
    /// As the collection has them, which must be one: by the merchant's hand, or the newest first where it has a rule.
    Position,
}

/// Where in a list: the key of the last product shown. What comes or goes meanwhile neither repeats nor skips others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub sort: Sort,
    /// The list is one of partial matches.
    pub partial: bool,
    /// Score, price, rating or position, as the order has it.
    number: i64,
    title: String,
    #[serde(deserialize_with = "clock::given")]
    created_at: Moment,
    product_id: Uuid,
}

impl Key {
    /// Whether it may be one that a list gave: a cursor comes from outside.
    pub fn is_sound(&self) -> bool {
        self.title.len() <= 1_000
    }
}

/// Sorts after every price. Not a price itself.
const BEYOND_PRICES: Amount = MAX_AMOUNT + 1;
/// Sorts before every price.
const BELOW_PRICES: Amount = -1;
