//! Values of attributes, held against the definitions of a type.

use std::collections::BTreeMap;

use chrono::NaiveDate;

use super::{Attribute, AttributeKind, Level, ProductType};
use crate::catalog::Flaw;
use crate::money::MAX_AMOUNT;

/// Longest text, in characters. It is a key of an index, which bounds it in PostgreSQL.
pub const MAX_ATTRIBUTE_TEXT: usize = 500;

/// A value, by the kind of its attribute. A date and the code of a choice are texts.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum AttributeValue {
    Boolean(bool),
    Number(i64),
    Text(String),
}

/// Values by the code of their attribute.
pub type AttributeValues = BTreeMap<String, AttributeValue>;

/// A value with what it takes to show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    pub attribute: Attribute,
    pub value: AttributeValue,
    /// The name of the choice.
    pub choice_name: Option<String>,
}

/// `changes` laid over `values`: none takes a value away.
pub(in crate::catalog) fn merge(values: &mut AttributeValues, changes: BTreeMap<String, Option<AttributeValue>>) {
    for (code, value) in changes {
        match value {
            Some(value) => drop(values.insert(code, value)),
            None => drop(values.remove(&code)),
        }
    }
}

/// What is wrong with the values of a product (or, with the other level, of a variant) of this type. `complete` asks for
/// what is required. `at` is the pointer of their map.
pub(in crate::catalog) fn check(
    kind: Option<&ProductType>,
    level: Level,
    values: &AttributeValues,
    complete: bool,
    at: &str,
) -> Vec<Flaw> {
    let mut flaws = Vec::new();
    for (code, value) in values {
        let attribute = kind.and_then(|kind| kind.attribute(code)).filter(|attribute| attribute.level == level);
        let wrong = match attribute {
            None => Some(format!("the type of the product has no such attribute of a {}", level.as_str())),
            Some(attribute) => attribute.refuse(value),
        };
        flaws.extend(wrong.map(|detail| Flaw::new(format!("{at}/{code}"), detail)));
    }
    let required = kind.into_iter().flat_map(|kind| &kind.attributes);
    for attribute in required.filter(|attribute| complete && attribute.required && attribute.level == level) {
        if !values.contains_key(&attribute.code) {
            flaws.push(Flaw::new(format!("{at}/{}", attribute.code), "an active product must have it"));
        }
    }
    flaws
}

/// Values in the order of the type. What has no attribute (any more) is passed over.
pub fn describe(kind: &ProductType, values: &AttributeValues) -> Vec<Described> {
    let described = |attribute: &Attribute| {
        let value = values.get(&attribute.code)?.clone();
        let choice = attribute.choices.iter().find(|choice| value == AttributeValue::Text(choice.code.clone()));
        Some(Described { attribute: attribute.clone(), choice_name: choice.map(|choice| choice.name.clone()), value })
    };
    kind.attributes.iter().filter_map(described).collect()
}

impl Attribute {
    /// Why it cannot have this value.
    fn refuse(&self, value: &AttributeValue) -> Option<String> {
        let right = match (self.kind, value) {
            (AttributeKind::Text, AttributeValue::Text(text)) => is_text(text),
            (AttributeKind::Number, AttributeValue::Number(number)) => (-MAX_AMOUNT..=MAX_AMOUNT).contains(number),
            (AttributeKind::Boolean, AttributeValue::Boolean(_)) => true,
            (AttributeKind::Choice, AttributeValue::Text(code)) => {
                self.choices.iter().any(|choice| choice.code == *code)
            }
            (AttributeKind::Date, AttributeValue::Text(text)) => is_date(text),
            _ => false,
        };
        (!right).then(|| match self.kind {
            AttributeKind::Text => format!("must be a text of 1 to {MAX_ATTRIBUTE_TEXT} characters"),
            AttributeKind::Number => format!("must be a whole number with {} decimals in it", self.decimals),
            AttributeKind::Boolean => "must be true or false".into(),
            AttributeKind::Choice => "must be the code of one of its choices".into(),
            AttributeKind::Date => "must be a date like 2026-11-21".into(),
        })
    }
}

fn is_text(text: &str) -> bool {
    (1..=MAX_ATTRIBUTE_TEXT).contains(&text.chars().count())
        && !text.trim().is_empty()
        && !text.chars().any(char::is_control)
}

/// With its zeros, so that dates as texts stand in the order of time.
pub(in crate::catalog) fn is_date(text: &str) -> bool {
    text.len() == 10 && NaiveDate::parse_from_str(text, "%Y-%m-%d").is_ok_and(|date| date.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Choice;

    fn attribute(code: &str, kind: AttributeKind, level: Level, required: bool) -> Attribute {
        Attribute {
            code: code.into(),
            name: code.into(),
            kind,
            level,
            unit: String::new(),
            decimals: 1,
            required,
            filterable: false,
            choices: vec![Choice { code: "light".into(), name: "Light".into() }],
        }
    }

    fn coffee() -> ProductType {
        let attributes = vec![
            attribute("note", AttributeKind::Text, Level::Product, false),
            attribute("caffeine", AttributeKind::Number, Level::Product, false),
            attribute("organic", AttributeKind::Boolean, Level::Product, false),
            attribute("roast", AttributeKind::Choice, Level::Product, true),
            attribute("harvest", AttributeKind::Date, Level::Product, false),
            attribute("grind", AttributeKind::Text, Level::Variant, true),
        ];
        ProductType { code: "coffee".into(), name: "Coffee".into(), version: 1, attributes }
    }

    #[test]
    fn a_value_is_of_the_kind_of_its_attribute() {
        let text = |text: &str| AttributeValue::Text(text.into());
        for (code, value, right) in [
            ("note", text("Jasmine"), true),
            ("note", text(""), false),
            ("note", text("  "), false),
            ("note", text("a\nb"), false),
            ("note", text(&"x".repeat(500)), true),
            ("note", text(&"x".repeat(501)), false),
            ("note", AttributeValue::Number(1), false),
            ("caffeine", AttributeValue::Number(-125), true),
            ("caffeine", AttributeValue::Number(MAX_AMOUNT + 1), false),
            ("caffeine", text("125"), false),
            ("organic", AttributeValue::Boolean(false), true),
            ("organic", AttributeValue::Number(0), false),
            ("roast", text("light"), true),
            ("roast", text("Light"), false),
            ("harvest", text("2026-02-28"), true),
            ("harvest", text("2026-02-29"), false),
            ("harvest", text("2026-2-28"), false),
            ("harvest", text("+026-02-28"), false),
            ("grind", text("fine"), false),
            ("colour", text("red"), false),
        ] {
            let values = AttributeValues::from([(code.to_owned(), value.clone())]);
            let flaws = check(Some(&coffee()), Level::Product, &values, false, "/attributes");
            assert_eq!(flaws.is_empty(), right, "{code} {value:?}");
            assert!(right || flaws[0].pointer == format!("/attributes/{code}"), "{flaws:?}");
        }
    }

    #[test]
    fn what_is_required_is_asked_of_what_is_complete() {
        let none = AttributeValues::new();
        let pointers = |level, complete| -> Vec<_> {
            let flaws = check(Some(&coffee()), level, &none, complete, "/attributes");
            flaws.into_iter().map(|flaw| flaw.pointer).collect()
        };
        assert_eq!(pointers(Level::Product, true), ["/attributes/roast"]);
        assert_eq!(pointers(Level::Variant, true), ["/attributes/grind"]);
        assert_eq!(pointers(Level::Product, false), [""; 0]);
        assert!(check(None, Level::Product, &none, true, "").is_empty());
    }
}
