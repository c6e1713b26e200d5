//! What a rule says, and whether a product is what it means.

use uuid::Uuid;

use crate::catalog::{AttributeValue, Product};
use crate::clock::Moment;
use crate::money::Amount;

/// Conditions that one rule may have.
pub const MAX_CONDITIONS: usize = 20;

/// Which products are in a collection.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = CollectionRule)]
pub struct Rule {
    #[serde(rename = "match")]
    #[schema(example = "all")]
    pub matching: Match,
    #[schema(min_items = 1, max_items = 20, example = json!([{ "field": "tag", "value": "summer" }]))]
    pub conditions: Vec<Condition>,
}

/// How many of the conditions must be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CollectionRuleMatch)]
pub enum Match {
    All,
    Any,
}

/// Something that is so of a product, or is not.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(tag = "field", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = CollectionCondition)]
pub enum Condition {
    /// Code of its type.
    ProductType {
        #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([-_][a-z0-9]+)*$")]
        value: String,
    },
    /// Exactly so.
    Vendor {
        #[schema(max_length = 100)]
        value: String,
    },
    /// One of its tags.
    Tag {
        #[schema(min_length = 1, max_length = 60)]
        value: String,
    },
    /// In this category, or anywhere below it.
    Category { value: Uuid },
    /// The base price of any of its variants, in minor units of the shop's currency, both ends included.
    Price {
        #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
        min: Option<Amount>,
        #[schema(value_type = Option<i64>, minimum = 0, maximum = 9_007_199_254_740_991_i64)]
        max: Option<Amount>,
    },
    /// It, or any of its variants, has this value.
    Attribute {
        #[schema(min_length = 1, max_length = 40, pattern = "^[a-z0-9]+([-_][a-z0-9]+)*$")]
        code: String,
        value: AttributeValue,
    },
    /// Whether any of its variants can be sold.
    InStock { value: bool },
    /// Made so many days ago at most.
    CreatedWithinDays {
        #[schema(minimum = 1, maximum = 3650)]
        days: u32,
    },
}

impl Rule {
    /// `categories` are the product's own and those above it.
    pub(super) fn includes(&self, product: &Product, categories: &[Uuid], now: Moment) -> bool {
        let mut conditions = self.conditions.iter();
        match self.matching {
            Match::All => conditions.all(|condition| condition.is_met(product, categories, now)),
            Match::Any => conditions.any(|condition| condition.is_met(product, categories, now)),
        }
    }

    pub(super) fn asks_for_categories(&self) -> bool {
        self.conditions.iter().any(|condition| matches!(condition, Condition::Category { .. }))
    }
}

impl Condition {
    fn is_met(&self, product: &Product, categories: &[Uuid], now: Moment) -> bool {
        match self {
            Self::ProductType { value } => product.type_code.as_ref() == Some(value),
            Self::Vendor { value } => product.vendor == *value,
            Self::Tag { value } => product.tags.contains(value),
            Self::Category { value } => categories.contains(value),
            Self::Price { min, max } => product.variants.iter().any(|variant| {
                min.is_none_or(|min| variant.price >= min) && max.is_none_or(|max| variant.price <= max)
            }),
            Self::Attribute { code, value } => {
                let mut of_variants = product.variants.iter().map(|variant| &variant.attributes);
                product.attributes.get(code) == Some(value)
                    || of_variants.any(|attributes| attributes.get(code) == Some(value))
            }
            Self::InStock { value } => product.variants.iter().any(|variant| variant.available > 0) == *value,
            Self::CreatedWithinDays { days } => {
                now.signed_duration_since(product.created_at).num_days() < i64::from(*days)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::{AttributeValues, Variant};

    fn text(text: &str) -> AttributeValue {
        AttributeValue::Text(text.into())
    }

    #[test]
    fn a_rule_means_what_it_says() {
        let (tea, green) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let made = Moment::from_timestamp(1_790_000_000, 0).unwrap();
        let now = made + chrono::TimeDelta::days(7);
        let variant = Variant {
            price: 990,
            available: 1,
            attributes: AttributeValues::from([("grind".into(), text("fine"))]),
            ..Variant::default()
        };
        let product = Product {
            type_code: Some("tea".into()),
            vendor: "Leaf".into(),
            tags: vec!["spring".into()],
            attributes: AttributeValues::from([("organic".into(), AttributeValue::Boolean(true))]),
            created_at: made,
            variants: vec![variant, Variant { price: 5_000, ..Variant::default() }],
            ..Product::default()
        };
        let price = |min, max| Condition::Price { min, max };
        let attribute = |code: &str, value| Condition::Attribute { code: code.into(), value };
        for (condition, expected) in [
            (Condition::ProductType { value: "tea".into() }, true),
            (Condition::ProductType { value: "coffee".into() }, false),
            (Condition::Vendor { value: "Leaf".into() }, true),
            (Condition::Vendor { value: "leaf".into() }, false),
            (Condition::Tag { value: "spring".into() }, true),
            (Condition::Tag { value: "sprin".into() }, false),
            (Condition::Category { value: tea }, true),
            (Condition::Category { value: Uuid::from_u128(3) }, false),
            (price(Some(990), None), true),
            (price(None, Some(989)), false),
            // No single variant is between them.
            (price(Some(1_000), Some(4_000)), false),
            (attribute("organic", AttributeValue::Boolean(true)), true),
            (attribute("organic", text("true")), false),
            (attribute("grind", text("fine")), true),
            (Condition::InStock { value: true }, true),
            (Condition::InStock { value: false }, false),
            (Condition::CreatedWithinDays { days: 8 }, true),
            (Condition::CreatedWithinDays { days: 7 }, false),
        ] {
            let rule = |matching, conditions| Rule { matching, conditions };
            let is_in = |rule: Rule| rule.includes(&product, &[green, tea], now);
            assert_eq!(is_in(rule(Match::All, vec![condition.clone()])), expected, "{condition:?}");
            let (yes, no) = (Condition::Vendor { value: "Leaf".into() }, Condition::Vendor { value: "x".into() });
            assert_eq!(is_in(rule(Match::All, vec![condition.clone(), yes])), expected, "all: {condition:?}");
            assert_eq!(is_in(rule(Match::Any, vec![condition.clone(), no])), expected, "any: {condition:?}");
        }
    }

    #[test]
    fn a_rule_reads_as_it_is_documented() {
        let given = r#"{"match":"any","conditions":[{"field":"tag","value":"sale"},{"field":"price","min":null,"max":990},
            {"field":"attribute","code":"caffeine","value":125}]}"#;
        let rule: Rule = serde_json::from_str(given).unwrap();
        assert_eq!(rule.conditions[1], Condition::Price { min: None, max: Some(990) });
        assert_eq!(rule, serde_json::from_value(serde_json::to_value(&rule).unwrap()).unwrap());
        for wrong in [
            r#"{"match":"any","conditions":[{"field":"tag","value":"sale","x":1}]}"#,
            r#"{"match":"any","conditions":[{"field":"colour","value":"red"}]}"#,
        ] {
            assert!(serde_json::from_str::<Rule>(wrong).is_err(), "{wrong}");
        }
    }
}
