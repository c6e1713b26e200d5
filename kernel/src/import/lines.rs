//! The lines of the shop's own format: read by [`super::json_lines`], written by [`crate::export`]. docs/import.md has
//! every field. One that is missing is not mentioned; the export mentions all.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::catalog::{AttributeKind, AttributeValues, Chosen, Level, ProductOption, Relation, Status, WantedTexts};
use crate::clock::Moment;
use crate::money::Amount;
use crate::prices::ListStatus;

/// A line, by its `kind`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Line {
    Catalog(CatalogLine),
    CustomerGroup(GroupLine),
    Location(LocationLine),
    ProductType(TypeLine),
    Category(CategoryLine),
    PriceList(PriceListLine),
    Product(Box<ProductLine>),
    Related(RelatedLine),
    Collection(CollectionLine),
    Prices(PricesLine),
}

/// The first line: what the others are in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogLine {
    pub version: u32,
    pub currency: String,
}

/// The version of the format.
pub const VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupLine {
    pub code: String,
    pub name: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocationLine {
    /// As stock names it: where two have the same, its id.
    pub name: String,
    pub priority: Option<i64>,
    pub active: Option<bool>,
    pub pickup: Option<bool>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceListLine {
    pub code: String,
    pub name: Option<String>,
    pub currency: Option<String>,
    /// Code of the customer group; null for everyone.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub group: Option<Option<String>>,
    pub status: Option<ListStatus>,
    pub priority: Option<i64>,
    /// Null: since ever.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Option<Moment>>,
    /// Null: without an end.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Option<Moment>>,
}

/// Some prices of a list: a long one has many lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PricesLine {
    /// Code of the list.
    pub list: String,
    pub prices: Vec<PriceLine>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriceLine {
    pub sku: String,
    /// Minor units of the list's currency.
    pub amount: Amount,
    pub compare_at: Option<Amount>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TypeLine {
    pub code: String,
    pub name: String,
    #[serde(default)]
    pub attributes: Vec<AttributeLine>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: WantedTexts,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributeLine {
    pub code: String,
    pub name: String,
    #[serde(rename = "type")]
    pub kind: AttributeKind,
    pub level: Level,
    #[serde(default)]
    pub unit: String,
    #[serde(default)]
    pub decimals: i64,
    #[serde(default)]
    pub required: bool,
    #[serde(default)]
    pub filterable: bool,
    #[serde(default)]
    pub choices: Vec<ChoiceLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChoiceLine {
    pub code: String,
    pub name: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryLine {
    pub slug: String,
    pub name: Option<String>,
    /// Slug of the category that it is in; null for a root.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub parent: Option<Option<String>>,
    pub position: Option<i64>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: WantedTexts,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductLine {
    pub slug: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub vendor: Option<String>,
    pub status: Option<Status>,
    /// Slug; null for none.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub category: Option<Option<String>>,
    /// Code; null for none.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub product_type: Option<Option<String>>,
    pub attributes: Option<AttributeValues>,
    pub options: Option<Vec<ProductOption>>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub tags: Option<Vec<String>>,
    #[serde(default)]
    pub variants: Vec<VariantLine>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<ImageLine>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: WantedTexts,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariantLine {
    pub sku: String,
    pub title: Option<String>,
    /// Minor units.
    pub price: Option<Amount>,
    /// Null for none.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub compare_at_price: Option<Option<Amount>>,
    pub weight_grams: Option<i64>,
    pub options: Option<Chosen>,
    pub attributes: Option<AttributeValues>,
    pub barcode: Option<String>,
    pub length_mm: Option<i64>,
    pub width_mm: Option<i64>,
    pub height_mm: Option<i64>,
    pub tracked: Option<bool>,
    /// Null for as many as are wanted.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub backorder_limit: Option<Option<i64>>,
    /// Null for the shop's own.
    #[serde(default, deserialize_with = "mentioned", skip_serializing_if = "Option::is_none")]
    pub low_stock_threshold: Option<Option<i64>>,
    #[serde(default)]
    pub stock: Vec<StockLine>,
    /// The addresses of those of the product's images that are its own.
    pub images: Option<Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StockLine {
    /// Its name or, where two have the same, its id.
    pub location: String,
    pub on_hand: i64,
}

/// An image that the product has, told and not taken.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageLine {
    /// Of its largest size.
    pub url: String,
    #[serde(default)]
    pub alt: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelatedLine {
    pub product: String,
    pub products: Vec<RelatedProductLine>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelatedProductLine {
    pub relation: Relation,
    pub slug: String,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectionLine {
    pub slug: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub seo_title: Option<String>,
    pub seo_description: Option<String>,
    pub status: Option<Status>,
    /// As the API has it, but that a category is named by its slug.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Value>,
    /// Of a collection by hand: slugs, in order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub products: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub texts: WantedTexts,
}

/// Tells a field that is null from one that is missing.
fn mentioned<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
