//! The counts beside a list, as they are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::{AttributeCounts, AttributeKind, AttributeValue, CategoryCount, LabelledCount, ListedFacets};
use crate::money::Amount;
use crate::search::{TAG, VENDOR, ValueCount};

/// How many products of the whole list there are of each kind. Each is counted without its own filter, so that the choices
/// beside the chosen one keep their numbers.
#[derive(Debug, Serialize, ToSchema)]
pub struct FacetsOut {
    /// Products of the list.
    #[schema(example = 4)]
    total: i64,
    /// Those that can be bought now.
    in_stock: i64,
    /// Lowest and highest of the products' lowest prices, in minor units; null where nothing has a price.
    price: Option<PriceRangeOut>,
    /// With so many stars or more, on average.
    ratings: Vec<RatingCountOut>,
    /// With what is below them; those with most products first.
    categories: Vec<CategoryCountOut>,
    /// Those with most products first.
    vendors: Vec<ValueCountOut>,
    /// Those with most products first.
    tags: Vec<ValueCountOut>,
    /// Filterable ones that products of the list have, in the order of their types.
    attributes: Vec<AttributeCountsOut>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct PriceRangeOut {
    min: Amount,
    max: Amount,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RatingCountOut {
    #[schema(example = 4)]
    rating_min: u8,
    products: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryCountOut {
    #[schema(example = "black-tea")]
    slug: String,
    name: String,
    /// Slugs from the root.
    #[schema(example = "tea/black-tea")]
    path: String,
    products: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct ValueCountOut {
    value: String,
    products: i64,
}

/// An attribute that the list can be filtered by.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttributeCountsOut {
    /// The parameter is `attribute.` and this.
    #[schema(example = "roast")]
    code: String,
    #[schema(example = "Roast")]
    name: String,
    #[schema(example = "choice")]
    kind: AttributeKind,
    /// Of a number.
    unit: String,
    /// Of a number: 125 with one decimal is 12.5.
    decimals: i64,
    /// Those with most products first; empty for numbers and dates, which have a range.
    values: Vec<AttributeCountOut>,
    /// Of a number or a date.
    range: Option<AttributeRangeOut>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AttributeCountOut {
    /// As the filter takes it.
    #[schema(example = "dark")]
    value: String,
    /// Of a choice: its name.
    #[schema(example = "Dark roast")]
    label: Option<String>,
    products: i64,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AttributeRangeOut {
    #[schema(example = 80)]
    min: AttributeValue,
    #[schema(example = 125)]
    max: AttributeValue,
    /// Products that have one.
    products: i64,
}

impl From<ListedFacets> for FacetsOut {
    fn from(listed: ListedFacets) -> Self {
        let mut facets = listed.facets;
        let rating = |(rating_min, products)| RatingCountOut { rating_min, products };
        let mut values =
            |name| facets.values.remove(name).unwrap_or_default().into_iter().map(ValueCountOut::from).collect();
        Self {
            vendors: values(VENDOR),
            tags: values(TAG),
            total: facets.total,
            in_stock: facets.in_stock,
            price: facets.prices.map(|(min, max)| PriceRangeOut { min, max }),
            ratings: (1..).zip(facets.rated_at_least).map(rating).collect(),
            categories: listed.categories.into_iter().map(CategoryCountOut::from).collect(),
            attributes: listed.attributes.into_iter().map(AttributeCountsOut::from).collect(),
        }
    }
}

impl From<CategoryCount> for CategoryCountOut {
    fn from(count: CategoryCount) -> Self {
        Self { slug: count.slug, name: count.name, path: count.path, products: count.products }
    }
}

impl From<ValueCount> for ValueCountOut {
    fn from(count: ValueCount) -> Self {
        Self { value: count.value, products: count.products }
    }
}

impl From<AttributeCounts> for AttributeCountsOut {
    fn from(counts: AttributeCounts) -> Self {
        let attribute = counts.attribute;
        Self {
            code: attribute.code,
            name: attribute.name,
            kind: attribute.kind,
            unit: attribute.unit,
            decimals: attribute.decimals,
            values: counts.values.into_iter().map(AttributeCountOut::from).collect(),
            range: counts.range.map(|(min, max, products)| AttributeRangeOut { min, max, products }),
        }
    }
}

impl From<LabelledCount> for AttributeCountOut {
    fn from(count: LabelledCount) -> Self {
        Self { value: count.value, label: count.label, products: count.products }
    }
}
