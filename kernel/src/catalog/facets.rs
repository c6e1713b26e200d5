//! The counts beside a list, with what a storefront needs to show them: names of categories, and the definitions of attributes.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::document::number_date;
use super::listing::to_query;
use super::translations::{self, Entity, Reading};
use super::{Attribute, AttributeKind, AttributeValue, Category, Error, Filter, store};
use crate::db::Conn;
use crate::prices::PriceContext;
use crate::search::{self, Facets, Range, ValueCount};
use crate::{Shop, db};

/// The counts beside a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedFacets {
    /// Without the attributes.
    pub facets: Facets,
    /// Those with most products first.
    pub categories: Vec<CategoryCount>,
    /// In the order of their types.
    pub attributes: Vec<AttributeCounts>,
}

/// A category and how many products of a list are in it or below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CategoryCount {
    pub slug: String,
    pub name: String,
    pub path: String,
    pub products: i64,
}

/// An attribute and how many products of a list have which of its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeCounts {
    pub attribute: Attribute,
    /// Those with most products first; none of a number or a date.
    pub values: Vec<LabelledCount>,
    /// Of a number or a date: least, greatest, and how many products have one.
    pub range: Option<(AttributeValue, AttributeValue, i64)>,
}

/// A value that a list can be filtered by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledCount {
    pub value: String,
    /// Of a choice: its name.
    pub label: Option<String>,
    pub products: i64,
}

/// The counts beside the list of `filter`, in the language of the reader; `partial` as the list said.
pub async fn count_listed(
    shop: &Shop,
    context: &PriceContext,
    filter: &Filter,
    partial: bool,
    reading: &Reading,
) -> Result<ListedFacets, Error> {
    let limit = shop.config().search.facet_values;
    let mut conn = shop.db().read().await?;
    let query = to_query(&mut conn, context, filter).await?;
    let mut facets = search::count_facets(&mut conn, &query, partial, limit).await?;
    let categories = count_categories(&mut conn, &facets.categories, limit, reading).await?;
    let attributes = take_attributes(&mut conn, &mut facets, reading).await?;
    Ok(ListedFacets { facets, categories, attributes })
}

/// `direct` counts what is in a category itself.
async fn count_categories(
    conn: &mut Conn,
    direct: &[(Uuid, i64)],
    limit: u32,
    reading: &Reading,
) -> db::Result<Vec<CategoryCount>> {
    let direct: HashMap<Uuid, i64> = direct.iter().copied().collect();
    let categories = store::all_categories(conn).await?;
    let mut texts = translations::read_all(conn, Entity::Category, reading).await?;
    let mut below: BTreeMap<&str, i64> = BTreeMap::new();
    for category in &categories {
        let products = direct.get(&category.id).copied().unwrap_or_default();
        // Itself and all that it is in.
        for (end, _) in category.path.match_indices('/').chain([(category.path.len(), "")]) {
            *below.entry(&category.path[..end]).or_default() += products;
        }
    }
    let mut count = |category: &Category| CategoryCount {
        slug: category.slug.clone(),
        name: texts
            .get_mut(&category.id.to_string())
            .and_then(|texts| texts.remove("name"))
            .unwrap_or_else(|| category.name.clone()),
        path: category.path.clone(),
        products: below.get(category.path.as_str()).copied().unwrap_or_default(),
    };
    let mut counts: Vec<_> = categories.iter().map(&mut count).filter(|count| count.products > 0).collect();
    counts.sort_by(|a, b| b.products.cmp(&a.products).then_with(|| a.path.cmp(&b.path)));
    counts.truncate(limit as usize);
    Ok(counts)
}

/// Takes what was counted of attributes, and says what it means. What is no longer filterable, and still in the index, is
/// passed over.
async fn take_attributes(conn: &mut Conn, facets: &mut Facets, reading: &Reading) -> db::Result<Vec<AttributeCounts>> {
    let values = take_by_code(&mut facets.values);
    let ranges = take_by_code(&mut facets.ranges);
    let codes: Vec<_> = values.keys().chain(ranges.keys()).map(String::as_str).collect();
    let definitions = store::filterable_attributes(conn, &codes).await?;
    let mut texts = HashMap::new();
    if !definitions.is_empty() {
        texts = translations::read_all(conn, Entity::ProductType, reading).await?;
    }
    let mut counts: Vec<AttributeCounts> = Vec::new();
    for (type_code, mut attribute) in definitions {
        if let Some(texts) = texts.get(&type_code) {
            translations::translate_attribute(&mut attribute, texts);
        }
        match counts.iter_mut().find(|known| known.attribute.code == attribute.code) {
            // Another type has it too, perhaps with other choices.
            Some(known) => known.learn(&attribute),
            None => counts.push(AttributeCounts::new(attribute, &values, &ranges)),
        }
    }
    Ok(counts)
}

fn take_by_code<T>(counted: &mut BTreeMap<String, T>) -> BTreeMap<String, T> {
    let all = std::mem::take(counted).into_iter();
    let (of_attributes, others): (BTreeMap<_, _>, _) = all.partition(|(name, _)| name.starts_with(search::ATTRIBUTE));
    *counted = others;
    of_attributes.into_iter().map(|(name, counted)| (name[search::ATTRIBUTE.len()..].to_owned(), counted)).collect()
}

impl AttributeCounts {
    fn new(attribute: Attribute, values: &BTreeMap<String, Vec<ValueCount>>, ranges: &BTreeMap<String, Range>) -> Self {
        let counts = values.get(&attribute.code).into_iter().flatten();
        let count =
            |count: &ValueCount| LabelledCount { value: count.value.clone(), label: None, products: count.products };
        let bound = |number| match attribute.kind {
            AttributeKind::Date => AttributeValue::Text(number_date(number)),
            _ => AttributeValue::Number(number),
        };
        let range = ranges.get(&attribute.code).map(|range| (bound(range.min), bound(range.max), range.products));
        let mut made = Self { values: counts.map(count).collect(), range, attribute: attribute.clone() };
        made.learn(&attribute);
        made
    }

    /// Names its values by the choices of `attribute`, where they have no name yet.
    fn learn(&mut self, attribute: &Attribute) {
        for count in self.values.iter_mut().filter(|count| count.label.is_none()) {
            let choice = attribute.choices.iter().find(|choice| choice.code == count.value);
            count.label = choice.map(|choice| choice.name.clone());
        }
    }
}
