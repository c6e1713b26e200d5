//! Settings held against the JSON Schema that the plugin brought, before the plugin is asked.
//!
//! A form can be made from the schema, so what the form allows must be what the kernel takes. And the errors name the field, while a plugin
//! that reads its settings mostly stops at the first that is wrong.

use jsonschema::{PatternOptions, Validator};
use serde_json::Value;

/// Mistakes that are told of at once.
pub(super) const MOST: usize = 20;
pub(super) const DETAIL_CHARACTERS: usize = 300;
/// Memory of one compiled pattern.
const PATTERN_BYTES: usize = 1 << 20;
/// Values of a schema, each counted as often as references lead to it, and how deep they lie: thirty definitions that each name the next one
/// twice would be looked at a billion times.
const VALUES: u32 = 10_000;
const DEPTH: u32 = 64;

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

/// It comes with an upload, so it is not to be trusted: it reaches no other document, what it costs is bounded, and its patterns are matched
/// in linear time, which excludes look-around and back-references.
fn compile(schema: &Value) -> Result<Validator, String> {
    let mut left = VALUES;
    spend(schema, schema, DEPTH, &mut left)?;
    let options = jsonschema::options().offline();
    let options = options.with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES));
    options.build(schema).map_err(|error| error.to_string().chars().take(DETAIL_CHARACTERS).collect())
}

/// Takes all of `value` from what is `left`, with what its references lead to; refused where that is not enough.
fn spend(value: &Value, root: &Value, depth: u32, left: &mut u32) -> Result<(), String> {
    let too_much =
        || format!("it has more than {VALUES} values, or is more than {DEPTH} deep, with what its references lead to");
    *left = left.checked_sub(1).ok_or_else(too_much)?;
    let depth = depth.checked_sub(1).ok_or_else(too_much)?;
    match value {
        Value::Array(items) => items.iter().try_for_each(|item| spend(item, root, depth, left)),
        Value::Object(members) => members.iter().try_for_each(|(name, member)| match (name.as_str(), member) {
            ("$ref", Value::String(target)) => {
                let target = target.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
                spend(target.ok_or("$ref must be # and a JSON pointer")?, root, depth, left)
            }
            // Other ways to name a part, or to move what names are relative to.
            ("$anchor" | "$dynamicAnchor" | "$dynamicRef" | "$recursiveRef", Value::String(_)) => {
                Err(format!("{name} is not taken; use $ref"))
            }
            ("$id", Value::String(_)) if !std::ptr::eq(value, root) => Err("$id is taken at the top only".into()),
            _ => spend(member, root, depth, left),
        }),
        _ => Ok(()),
    }
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

    /// Definitions that each name the next one twice.
    fn doubling(definitions: usize) -> Value {
        let next = |number: usize| json!({ "$ref": format!("#/$defs/d{number}") });
        let both = |number: usize| (format!("d{number}"), json!({ "allOf": [next(number + 1), next(number + 1)] }));
        let mut all: serde_json::Map<_, _> = (0..definitions).map(both).collect();
        all.insert(format!("d{definitions}"), json!({ "type": "object" }));
        json!({ "$ref": "#/$defs/d0", "$defs": all })
    }

    #[test]
    fn a_schema_reaches_nothing_and_costs_little() {
        assert_eq!(check(&json!({ "type": "object" })), Ok(()));
        assert_eq!(check(&doubling(4)), Ok(()));
        assert_eq!(mistakes(Some(&doubling(4)), &json!(1)).len(), 16);
        for schema in [
            json!({ "type": "nothing" }),
            json!({ "$ref": "https://schemas.example/settings.json" }),
            json!({ "$ref": "file:///etc/passwd" }),
            json!({ "$ref": "#/$defs/nowhere" }),
            json!({ "$ref": "#" }),
            json!({ "$dynamicRef": "#a" }),
            json!({ "properties": { "a": { "$id": "https://schemas.example/a" } } }),
            doubling(30),
            json!({ "properties": { "a": { "pattern": "(a)\\1" } } }),
            json!({ "properties": { "a": { "pattern": "((a{100}){100}){100}" } } }),
        ] {
            assert!(check(&schema).is_err(), "{schema}");
        }
    }
}
