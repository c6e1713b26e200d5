//! Attributes and options of products, as they are sent.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{CODE_RULE, check_distinct};
use crate::catalog::{
    AttributeValue, AttributeValues, MAX_ATTRIBUTES, MAX_OPTION_NAME, MAX_OPTION_VALUES, MAX_OPTIONS, OptionValue,
    ProductOption, is_code, slugify,
};
use crate::http::extract::Checks;

/// Changes of attributes: null takes a value away.
pub(super) type AttributeChanges = BTreeMap<String, Option<AttributeValue>>;

/// What the variants of a product differ in.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionDefinition {
    /// By which its name can change; made from the name where none is given.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([-_][a-z0-9]+)*$", example = "size")]
    code: Option<String>,
    #[schema(min_length = 1, max_length = 60, example = "Size")]
    name: String,
    /// In the order in which they are shown.
    #[schema(min_items = 1, max_items = 100)]
    values: Vec<OptionValueDefinition>,
}

/// A value of an option.
#[derive(Debug, Clone, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OptionValueDefinition {
    /// Made from the name where none is given.
    #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([-_][a-z0-9]+)*$", example = "m")]
    code: Option<String>,
    #[schema(min_length = 1, max_length = 60, example = "M")]
    name: String,
}

/// The options as they are to be, with a code for each.
pub(super) fn read_options(checks: &mut Checks, given: Vec<OptionDefinition>) -> Vec<ProductOption> {
    checks.require(given.len() <= MAX_OPTIONS, "/options", &format!("must be at most {MAX_OPTIONS}"));
    let mut options = Vec::with_capacity(given.len());
    for (index, option) in given.into_iter().enumerate() {
        let at = format!("/options/{index}");
        checks.line(&option.name, 1, MAX_OPTION_NAME, &format!("{at}/name"));
        let detail = format!("must be 1 to {MAX_OPTION_VALUES}");
        checks.require((1..=MAX_OPTION_VALUES).contains(&option.values.len()), &format!("{at}/values"), &detail);
        let mut values = Vec::with_capacity(option.values.len());
        for (index, value) in option.values.into_iter().enumerate() {
            let at = format!("{at}/values/{index}");
            checks.line(&value.name, 1, MAX_OPTION_NAME, &format!("{at}/name"));
            let code = read_code(checks, value.code, &value.name, "value", &at);
            values.push(OptionValue { code, name: value.name.trim().to_owned() });
        }
        let codes = values.iter().map(|value| value.code.as_str());
        check_distinct(checks, codes, |index| format!("{at}/values/{index}/code"));
        let code = read_code(checks, option.code, &option.name, "option", &at);
        options.push(ProductOption { code, name: option.name.trim().to_owned(), values });
    }
    let codes = options.iter().map(|option| option.code.as_str());
    check_distinct(checks, codes, |index| format!("/options/{index}/code"));
    options
}

fn read_code(checks: &mut Checks, code: Option<String>, name: &str, fallback: &str, at: &str) -> String {
    // The slug of a name is ASCII, so that any place of it is the border of a character.
    let code = code.unwrap_or_else(|| {
        let mut slug = slugify(name, fallback);
        slug.truncate(crate::catalog::MAX_CODE);
        slug.trim_end_matches('-').to_owned()
    });
    checks.require(is_code(&code), &format!("{at}/code"), CODE_RULE);
    code
}

/// Their values are held against the type of the product, by the catalog.
pub(super) fn check_attribute_count(checks: &mut Checks, at: &str, count: usize) {
    let detail = format!("must be at most {MAX_ATTRIBUTES}");
    checks.require(count <= MAX_ATTRIBUTES, &format!("{at}/attributes"), &detail);
}

pub(super) fn trimmed(values: AttributeValues) -> AttributeValues {
    values.into_iter().map(|(code, value)| (code, trim(value))).collect()
}

pub(super) fn trimmed_changes(changes: AttributeChanges) -> AttributeChanges {
    changes.into_iter().map(|(code, value)| (code, value.map(trim))).collect()
}

fn trim(value: AttributeValue) -> AttributeValue {
    match value {
        AttributeValue::Text(text) => AttributeValue::Text(text.trim().to_owned()),
        other => other,
    }
}

impl From<ProductOption> for OptionDefinition {
    fn from(option: ProductOption) -> Self {
        let value = |value: OptionValue| OptionValueDefinition { code: Some(value.code), name: value.name };
        let values = option.values.into_iter().map(value).collect();
        Self { code: Some(option.code), name: option.name, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_made_of_names() {
        let option = |name: &str, values: &[&str]| OptionDefinition {
            code: None,
            name: name.into(),
            values: values.iter().map(|name| OptionValueDefinition { code: None, name: (*name).into() }).collect(),
        };
        let mut checks = Checks::default();
        let read = read_options(&mut checks, vec![option("Größe ", &["Klein", "x".repeat(60).as_str()])]);
        assert!(checks.done().is_ok());
        assert_eq!((read[0].code.as_str(), read[0].name.as_str()), ("grosse", "Größe"));
        assert_eq!((read[0].values[0].code.as_str(), read[0].values[1].code.len()), ("klein", 40));
        let mut checks = Checks::default();
        read_options(&mut checks, vec![option("Size", &["M", "m"])]);
        assert!(checks.done().is_err(), "two values of one code");
    }
}
