//! Settings held against the JSON Schema that the plugin brought, before the plugin is asked.
//!
//! A form can be made from the schema, so what the form allows must be what the kernel takes. And the errors name the field, while a plugin
//! that reads its settings mostly stops at the first that is wrong.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// Mistakes that are told of at once.
const MOST: usize = 20;
const DETAIL_CHARACTERS: usize = 300;
/// Memory of one compiled pattern.
const PATTERN_BYTES: usize = 1 << 20;

/// One thing that is wrong with settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// JSON pointer into the settings; empty where it is about all of them.
    pub pointer: String,
    /// For the merchant. It never repeats a value: settings may hold secrets.
    pub detail: String,
}

/// Whether settings can be held against it; the text is for its author.
pub(super) fn check(schema: &Value) -> Result<(), String> {
    compile(schema).map(drop)
}

/// What is wrong with `settings`, at most [`MOST`]. A plugin without a schema takes anything that it takes.
pub(super) fn mistakes(schema: Option<&Value>, settings: &Value) -> Vec<Mistake> {
    let Some(schema) = schema else { return Vec::new() };
    // It was compiled when the plugin was uploaded; should that be otherwise one day, the plugin itself has the last word anyway.
    let Ok(schema) = compile(schema) else { return Vec::new() };
    let mistake = |error: jsonschema::ValidationError<'_>| Mistake {
        pointer: error.instance_path().to_string(),
        detail: error.masked().to_string().chars().take(DETAIL_CHARACTERS).collect(),
    };
    let mut mistakes: Vec<_> = schema.iter_errors(settings).take(MOST).map(mistake).collect();
    mistakes.sort_by(|one, other| one.pointer.cmp(&other.pointer));
    mistakes
}

/// It comes with an upload, so it is not to be trusted: it reaches no other document, and its patterns are matched in linear time, which
/// excludes look-around and back-references.
fn compile(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options().offline();
    let options = options.with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES));
    options.build(schema).map_err(|error| error.to_string().chars().take(DETAIL_CHARACTERS).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_mistake_is_told_with_its_place_and_without_its_value() {
        let schema = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["off_bp"],
            "properties": {
                "off_bp": { "type": "integer", "maximum": 10_000 },
                "coupons": { "type": "array", "items": { "type": "object", "required": ["code"] } },
                "api_key": { "type": "string", "pattern": "^key-[a-z]+$" },
            },
        });
        assert_eq!(mistakes(Some(&schema), &json!({ "off_bp": 10_000, "api_key": "key-a" })), []);
        assert_eq!(mistakes(None, &json!({ "anything": 1 })), []);
        let wrong = json!({ "off_bp": 10_001, "coupons": [{}], "api_key": "top secret", "of_bp": 1 });
        let found = mistakes(Some(&schema), &wrong);
        let places: Vec<_> = found.iter().map(|mistake| mistake.pointer.as_str()).collect();
        assert_eq!(places, ["", "/api_key", "/coupons/0", "/off_bp"]);
        assert!(found.iter().all(|mistake| !mistake.detail.contains("top secret")), "{found:?}");
        let many = json!({ "off_bp": 1, "coupons": vec![json!({}); 100] });
        assert_eq!(mistakes(Some(&schema), &many).len(), MOST);
    }

    #[test]
    fn a_schema_reaches_nothing_and_costs_little() {
        assert_eq!(check(&json!({ "type": "object" })), Ok(()));
        for schema in [
            json!({ "type": "nothing" }),
            json!({ "$ref": "https://schemas.example/settings.json" }),
            json!({ "$ref": "file:///etc/passwd" }),
            json!({ "properties": { "a": { "pattern": "(a)\\1" } } }),
            json!({ "properties": { "a": { "pattern": "((a{100}){100}){100}" } } }),
        ] {
            assert!(check(&schema).is_err(), "{schema}");
        }
    }
}
