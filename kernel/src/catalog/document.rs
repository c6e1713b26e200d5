//! What a product is found by: its words in every language, and the values that lists filter and count by.

use super::translations::{self, Entity};
use super::{AttributeKind, AttributeValue, AttributeValues, Product, ProductType, Status, store};
use crate::db::{Conn, Result};
use crate::reviews;
use crate::search::{self, Document, Field, Value};

/// Language, field and text of translations. Who searches does not say which language they mean, so all of them count.
type Translated = Vec<(String, String, String)>;

/// A product as the index has it.
pub(super) async fn describe(conn: &mut Conn, product: &Product) -> Result<Document> {
    let mut texts = own_words(product);
    let translated = translations::product_texts(conn, product.id).await?;
    texts.extend(translated.into_iter().filter_map(|(_, field, text)| Some((field_of(&field)?, text))));
    texts.extend(category_words(conn, product).await?);
    let tags = product.tags.iter().map(|tag| value(search::TAG, tag));
    let vendor = Some(&product.vendor).filter(|vendor| !vendor.is_empty());
    let mut values: Vec<_> = tags.chain(vendor.map(|vendor| value(search::VENDOR, vendor))).collect();
    if let Some(code) = &product.type_code
        && let Some(kind) = store::find_type(conn, code).await?
    {
        let translated = store::texts_of(conn, Entity::ProductType, code).await?;
        for attributes in attributes_of(product) {
            texts.extend(attribute_words(&kind, attributes, &translated).into_iter().map(|text| (Field::Class, text)));
            values.extend(attribute_values(&kind, attributes));
        }
    }
    let prices = || product.variants.iter().map(|variant| variant.price);
    Ok(Document {
        product_id: product.id,
        version: product.version,
        listed: product.status == Status::Active,
        category_id: product.category_id,
        created_at: product.created_at,
        title: product.title.clone(),
        prices: prices().min().zip(prices().max()),
        rating: reviews::rating_of(conn, product.id).await?.average,
        texts,
        values,
    })
}

fn own_words(product: &Product) -> Vec<(Field, String)> {
    let mut texts = vec![
        (Field::Title, product.title.clone()),
        (Field::Label, product.vendor.clone()),
        (Field::Description, product.description.clone()),
    ];
    texts.extend(product.tags.iter().map(|tag| (Field::Label, tag.clone())));
    for variant in &product.variants {
        texts.push((Field::Code, variant.sku.clone()));
        if !variant.barcode.is_empty() {
            texts.push((Field::Code, variant.barcode.clone()));
        }
        texts.push((Field::Class, variant.title.clone()));
    }
    texts
}

/// As what a translated text of a product counts: like the text that it stands for. Options are the titles of variants; what search
/// engines are told is not shown.
fn field_of(field: &str) -> Option<Field> {
    match field {
        "title" => Some(Field::Title),
        "description" => Some(Field::Description),
        _ if ["options.", "variants.", "attributes."].iter().any(|of| field.starts_with(of)) => Some(Field::Class),
        _ => None,
    }
}

/// The names of its category and of those above it.
async fn category_words(conn: &mut Conn, product: &Product) -> Result<Vec<(Field, String)>> {
    let Some(id) = product.category_id else { return Ok(Vec::new()) };
    let mut words = Vec::new();
    for category in store::ancestors(conn, id).await? {
        let translated = store::texts_of(conn, Entity::Category, &category.id.to_string()).await?;
        let names = translated.into_iter().filter(|(_, field, _)| field == "name").map(|(.., name)| name);
        words.extend(names.chain([category.name]).map(|name| (Field::Class, name)));
    }
    Ok(words)
}

/// Its own, and those of each variant.
fn attributes_of(product: &Product) -> impl Iterator<Item = &AttributeValues> {
    std::iter::once(&product.attributes).chain(product.variants.iter().map(|variant| &variant.attributes))
}

/// Texts, and the names of choices.
fn attribute_words(kind: &ProductType, attributes: &AttributeValues, translated: &Translated) -> Vec<String> {
    let mut words = Vec::new();
    for (code, value) in attributes {
        let (Some(attribute), AttributeValue::Text(text)) = (kind.attribute(code), value) else { continue };
        match attribute.kind {
            AttributeKind::Text => words.push(text.clone()),
            AttributeKind::Choice => {
                let names = attribute.choices.iter().filter(|choice| choice.code == *text);
                words.extend(names.map(|choice| choice.name.clone()));
                let field = format!("attributes.{code}.{text}");
                let names = translated.iter().filter(|(_, name, _)| *name == field);
                words.extend(names.map(|(.., name)| name.clone()));
            }
            AttributeKind::Number | AttributeKind::Boolean | AttributeKind::Date => {}
        }
    }
    words
}

/// Of the attributes that lists are filtered by.
fn attribute_values(kind: &ProductType, attributes: &AttributeValues) -> Vec<Value> {
    let value = |(code, value): (&String, &AttributeValue)| {
        let attribute = kind.attribute(code).filter(|attribute| attribute.filterable)?;
        let (text, number) = match value {
            AttributeValue::Boolean(is) => (is.to_string(), None),
            AttributeValue::Number(number) => (number.to_string(), Some(*number)),
            AttributeValue::Text(date) if attribute.kind == AttributeKind::Date => (date.clone(), date_number(date)),
            AttributeValue::Text(text) => (text.clone(), None),
        };
        Some(Value { name: format!("{}{code}", search::ATTRIBUTE), value: text, number })
    };
    attributes.iter().filter_map(value).collect()
}

fn value(name: &str, value: &str) -> Value {
    Value { name: name.to_owned(), value: value.to_owned(), number: None }
}

/// `2026-11-21` as 20261121: numbers in the order of time.
pub fn date_number(date: &str) -> Option<i64> {
    if super::types::is_date(date) { date.replace('-', "").parse().ok() } else { None }
}

/// The date of [`date_number`].
pub(super) fn number_date(number: i64) -> String {
    format!("{:04}-{:02}-{:02}", number / 10_000, number / 100 % 100, number % 100)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{Attribute, Choice, Level};

    fn attribute(code: &str, kind: AttributeKind, filterable: bool) -> Attribute {
        Attribute {
            code: code.into(),
            name: code.into(),
            kind,
            level: Level::Product,
            unit: String::new(),
            decimals: 0,
            required: false,
            filterable,
            choices: vec![Choice { code: "dark".into(), name: "Dark roast".into() }],
        }
    }

    #[test]
    fn attributes_become_words_and_values() {
        let kind = ProductType {
            code: "coffee".into(),
            name: "Coffee".into(),
            version: 1,
            attributes: vec![
                attribute("roast", AttributeKind::Choice, true),
                attribute("caffeine", AttributeKind::Number, true),
                attribute("organic", AttributeKind::Boolean, true),
                attribute("harvest", AttributeKind::Date, true),
                attribute("note", AttributeKind::Text, false),
            ],
        };
        let text = |text: &str| AttributeValue::Text(text.into());
        let attributes = AttributeValues::from([
            ("roast".into(), text("dark")),
            ("caffeine".into(), AttributeValue::Number(125)),
            ("organic".into(), AttributeValue::Boolean(true)),
            ("harvest".into(), text("2026-02-28")),
            ("note".into(), text("Jasmine")),
            ("gone".into(), text("since")),
        ]);
        let translated = vec![
            ("de".into(), "attributes.roast.dark".into(), "Dunkel".into()),
            ("de".into(), "attributes.roast".into(), "Röstung".into()),
        ];
        assert_eq!(attribute_words(&kind, &attributes, &translated), ["Jasmine", "Dark roast", "Dunkel"]);
        let values = attribute_values(&kind, &attributes);
        let values: Vec<_> =
            values.iter().map(|value| (&value.name[10..], value.value.as_str(), value.number)).collect();
        assert_eq!(
            values,
            [
                ("caffeine", "125", Some(125)),
                ("harvest", "2026-02-28", Some(20_260_228)),
                ("organic", "true", None),
                ("roast", "dark", None),
            ]
        );
        assert_eq!(number_date(20_260_228), "2026-02-28");
        assert_eq!(date_number("2026-02-30"), None);
    }
}
