//! Product types: which attributes the products of a kind have.
//!
//! A code, once given, keeps its meaning: kind, level, unit and decimals of an attribute never change, and an attribute of
//! the same code in another type agrees in them. So a filter by `roast` means one thing in the whole shop. What is to
//! mean something else is taken out, with its values, and put in again.

mod values;

use uuid::Uuid;

use super::{Error, Flaw, announce, indexing, store};
use crate::db::Tx;
use crate::{Shop, clock, events};

pub use values::{AttributeValue, AttributeValues, Described, MAX_ATTRIBUTE_TEXT, describe};
pub(super) use values::{check, is_date, merge};

/// Attributes that one type may have.
pub const MAX_ATTRIBUTES: usize = 50;
/// Choices that one attribute may have.
pub const MAX_CHOICES: usize = 200;
/// Most digits of a number behind the point.
pub const MAX_DECIMALS: i64 = 6;
/// Longest code of a type, attribute, choice, option or option value.
pub const MAX_CODE: usize = 40;
/// Longest unit.
pub const MAX_UNIT: usize = 20;

/// A kind of products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProductType {
    pub code: String,
    pub name: String,
    /// Counts changes, from 1.
    pub version: i64,
    /// In the order in which they are shown.
    pub attributes: Vec<Attribute>,
}

/// Something that products of a type, or their variants, have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute {
    pub code: String,
    pub name: String,
    pub kind: AttributeKind,
    pub level: Level,
    /// Of a number: `g`, `ml`.
    pub unit: String,
    /// Of a number: 12.5 with one decimal is the integer 125.
    pub decimals: i64,
    /// Asked of active products; a draft may be unfinished.
    pub required: bool,
    /// Shown among the filters of a list.
    pub filterable: bool,
    /// Of a choice, in the order in which they are shown.
    pub choices: Vec<Choice>,
}

/// One of the values that an attribute may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    pub code: String,
    pub name: String,
}

/// What values an attribute has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum AttributeKind {
    Text,
    /// A whole number of units of its last decimal.
    Number,
    Boolean,
    /// The code of one of its choices.
    Choice,
    /// `2026-11-21`.
    Date,
}

/// Whose attribute it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The whole product's.
    Product,
    /// Each variant's own.
    Variant,
}

impl AttributeKind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::Choice => "choice",
            Self::Date => "date",
        }
    }

    /// The database holds one of the five.
    pub(super) fn parse(text: &str) -> Self {
        match text {
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "choice" => Self::Choice,
            "date" => Self::Date,
            _ => Self::Text,
        }
    }
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Variant => "variant",
        }
    }

    pub(super) fn parse(text: &str) -> Self {
        if text == "variant" { Self::Variant } else { Self::Product }
    }
}

impl Attribute {
    /// What can never change of it.
    fn meaning(&self) -> (AttributeKind, Level, &str, i64) {
        (self.kind, self.level, &self.unit, self.decimals)
    }
}

impl ProductType {
    pub(super) fn attribute(&self, code: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.code == code)
    }
}

/// What is to change of a type.
#[derive(Debug, Clone, Default)]
pub struct ProductTypePatch {
    pub name: Option<String>,
    /// All of them, as they are to be: those that are missing go, with their values.
    pub attributes: Option<Vec<Attribute>>,
}

/// At most `limit` types, by code, after `after`.
pub async fn list_product_types(shop: &Shop, after: Option<&str>, limit: u32) -> Result<Vec<ProductType>, Error> {
    let mut conn = shop.db().read().await?;
    Ok(store::list_types(&mut conn, after.unwrap_or_default(), limit).await?)
}

pub async fn get_product_type(shop: &Shop, code: &str) -> Result<ProductType, Error> {
    let mut conn = shop.db().read().await?;
    store::find_type(&mut conn, code).await?.ok_or(Error::NotFound)
}

pub async fn create_product_type(shop: &Shop, new: &ProductType) -> Result<ProductType, Error> {
    let mut tx = shop.db().write().await?;
    let made = insert(&mut tx, new).await?;
    tx.commit().await?;
    announce(shop);
    Ok(made)
}

/// Makes a type in the caller's transaction, which must be dropped after an error.
pub(super) async fn insert(tx: &mut Tx, new: &ProductType) -> Result<ProductType, Error> {
    store::lock_types(tx).await?;
    if !store::insert_type(tx, new, clock::now()).await? {
        return Err(Error::CodeTaken(new.code.clone()));
    }
    agree_with_other_types(tx, new).await?;
    for (position, attribute) in (0..).zip(&new.attributes) {
        put_attribute(tx, &new.code, attribute, None, position).await?;
    }
    record(tx, new).await?;
    Ok(ProductType { version: 1, ..new.clone() })
}

/// Changes a type; where `expected` is some, only if that is its version.
pub async fn patch_product_type(
    shop: &Shop,
    code: &str,
    patch: ProductTypePatch,
    expected: Option<i64>,
) -> Result<ProductType, Error> {
    let mut tx = shop.db().write().await?;
    let after = change(&mut tx, code, patch, expected).await?;
    tx.commit().await?;
    announce(shop);
    Ok(after)
}

/// Changes a type in the caller's transaction, which must be dropped after an error.
pub(super) async fn change(
    tx: &mut Tx,
    code: &str,
    patch: ProductTypePatch,
    expected: Option<i64>,
) -> Result<ProductType, Error> {
    store::lock_types(tx).await?;
    let before = store::find_type(tx, code).await?.ok_or(Error::NotFound)?;
    if expected.is_some_and(|expected| expected != before.version) {
        return Err(Error::VersionMismatch { current: before.version });
    }
    let after = ProductType {
        name: patch.name.unwrap_or_else(|| before.name.clone()),
        version: before.version + 1,
        attributes: patch.attributes.unwrap_or_else(|| before.attributes.clone()),
        ..before.clone()
    };
    keep_meanings(&before, &after)?;
    agree_with_other_types(tx, &after).await?;
    store::update_type(tx, &after, clock::now()).await?;
    for gone in before.attributes.iter().filter(|attribute| after.attribute(&attribute.code).is_none()) {
        in_use(&gone.code, None, store::delete_attribute(tx, code, &gone.code).await)?;
    }
    for (position, attribute) in (0..).zip(&after.attributes) {
        put_attribute(tx, code, attribute, before.attribute(&attribute.code), position).await?;
    }
    indexing::enqueue_type(tx, code).await?;
    record(tx, &after).await?;
    Ok(after)
}

/// Deletes a type that no product has.
pub async fn delete_product_type(shop: &Shop, code: &str, expected: Option<i64>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    store::lock_types(&mut tx).await?;
    let current = store::find_type(&mut tx, code).await?.ok_or(Error::NotFound)?;
    if expected.is_some_and(|expected| expected != current.version) {
        return Err(Error::VersionMismatch { current: current.version });
    }
    match store::delete_type(&mut tx, code).await {
        Err(error) if error.is_foreign_key_violation() => return Err(Error::ProductTypeInUse),
        done => done?,
    }
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// Writes an attribute with its choices. A choice that a product has cannot go: the database's keys say so, also
/// against a product that is being changed at the same moment.
async fn put_attribute(
    tx: &mut Tx,
    type_code: &str,
    attribute: &Attribute,
    before: Option<&Attribute>,
    position: i64,
) -> Result<(), Error> {
    store::put_attribute(tx, type_code, attribute, position).await?;
    let gone = before.into_iter().flat_map(|before| &before.choices);
    for choice in gone.filter(|choice| attribute.choices.iter().all(|kept| kept.code != choice.code)) {
        let deleted = store::delete_choice(tx, type_code, &attribute.code, &choice.code).await;
        in_use(&attribute.code, Some(&choice.code), deleted)?;
    }
    for (position, choice) in (0..).zip(&attribute.choices) {
        store::put_choice(tx, type_code, &attribute.code, choice, position).await?;
    }
    Ok(())
}

fn in_use(attribute: &str, choice: Option<&str>, deleted: crate::db::Result<()>) -> Result<(), Error> {
    match deleted {
        Err(error) if error.is_foreign_key_violation() => {
            Err(Error::AttributeInUse { attribute: attribute.to_owned(), choice: choice.map(str::to_owned) })
        }
        done => Ok(done?),
    }
}

fn keep_meanings(before: &ProductType, after: &ProductType) -> Result<(), Error> {
    let mut flaws = Vec::new();
    for (index, attribute) in after.attributes.iter().enumerate() {
        if before.attribute(&attribute.code).is_some_and(|before| before.meaning() != attribute.meaning()) {
            let detail =
                "kind, level, unit and decimals of an attribute cannot be changed: remove it, then add it again";
            flaws.push(Flaw::new(format!("/attributes/{index}"), detail));
        }
    }
    Flaw::none(flaws)
}

/// The caller holds the lock of the types.
async fn agree_with_other_types(tx: &mut Tx, new: &ProductType) -> Result<(), Error> {
    let mut flaws = Vec::new();
    for (index, attribute) in new.attributes.iter().enumerate() {
        let namesake = store::find_namesake(tx, &attribute.code, &new.code).await?;
        if namesake.is_some_and(|other| other.meaning() != attribute.meaning()) {
            let detail =
                "another type has an attribute of this code with another kind, level, unit or number of decimals";
            flaws.push(Flaw::new(format!("/attributes/{index}/code"), detail));
        }
    }
    Flaw::none(flaws)
}

async fn record(tx: &mut Tx, changed: &ProductType) -> crate::db::Result<()> {
    let data = serde_json::json!({ "code": changed.code, "version": changed.version });
    events::record(tx, "product-type.updated", &changed.code, data).await
}

/// The values of a product's own and of its variants, by owner.
pub(super) type ValuesByOwner = std::collections::HashMap<Uuid, AttributeValues>;
