//! What a file says, thing by thing: what readers of all formats make, and [`super::write`] writes.

use uuid::Uuid;

use crate::catalog::{ProductType, Relation, WantedCategory, WantedCollection, WantedProduct, WantedTexts};

use super::Remark;
use super::lines::{GroupLine, LocationLine, PriceListLine, PricesLine};

/// A part of a file that is written as one: a line of JSON, or the rows of one product.
#[derive(Debug, Default)]
pub(super) struct Item {
    /// Rows of the file that it is made of.
    pub rows: u64,
    /// Its first line.
    pub line: u64,
    pub thing: Option<Thing>,
    /// Rows of it that cannot be taken.
    pub rejected: Vec<Remark>,
    /// What is taken otherwise than it stands.
    pub notes: Vec<Remark>,
}

/// Something to be brought into the catalog.
#[derive(Debug, Clone)]
pub(super) enum Thing {
    Group(GroupLine),
    /// With its id, or what it is to have.
    Location(Uuid, LocationLine),
    ProductType(Box<ProductType>, WantedTexts),
    Category(Box<WantedCategory>),
    PriceList(Box<PriceListLine>),
    Product(Box<Described>),
    /// Slug of a product, and of those that belong to it.
    Related(String, Vec<(Relation, String)>),
    /// With the slugs of categories that conditions of its rule name, by their places.
    Collection(Box<WantedCollection>, Vec<(usize, String)>),
    Prices(PricesLine),
}

/// A product that a file describes.
#[derive(Debug, Clone, Default)]
pub(super) struct Described {
    pub wanted: WantedProduct,
    pub category: InCategory,
    /// For each variant, the lines that it comes from.
    pub lines: Vec<Vec<u64>>,
}

/// Where a product is to be.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) enum InCategory {
    /// Where it is.
    #[default]
    Unmentioned,
    Nowhere,
    /// In the one with this slug, which must be there.
    Slug(String),
    /// The same; one of this name is made at the root where there is none.
    Named {
        slug: String,
        name: String,
    },
}

impl Item {
    /// Rows that are refused.
    pub fn refused(line: u64, reason: impl Into<String>) -> Self {
        Self { rows: 1, line, rejected: vec![Remark { line, text: reason.into() }], ..Self::default() }
    }

    /// How much of a batch it is.
    pub fn weight(&self) -> usize {
        match &self.thing {
            Some(Thing::Product(described)) => described.wanted.variants.len().max(1),
            Some(Thing::Prices(line)) => line.prices.len().max(1),
            _ => 1,
        }
    }
}

impl Thing {
    /// As reports name it.
    pub fn name(&self) -> String {
        match self {
            Self::Group(group) => format!("customer group {}", group.code),
            Self::Location(_, location) => format!("location {}", location.name),
            Self::PriceList(list) => format!("price list {}", list.code),
            Self::Prices(line) => format!("prices of {}", line.list),
            Self::ProductType(kind, _) => format!("product type {}", kind.code),
            Self::Category(category) => format!("category {}", category.slug),
            Self::Product(described) => match (&described.wanted.slug, described.wanted.variants.first()) {
                (Some(slug), _) => format!("product {slug}"),
                (None, Some(variant)) => format!("product with SKU {}", variant.sku),
                (None, None) => "product".to_owned(),
            },
            Self::Related(slug, _) => format!("what belongs to {slug}"),
            Self::Collection(collection, _) => format!("collection {}", collection.slug),
        }
    }
}
