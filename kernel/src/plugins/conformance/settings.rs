//! Settings for a version that nobody gave any yet: what its schema has as defaults and examples.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::inputs::Question;
use super::report::Finding;
use super::run::{self, Wrong};
use crate::plugins::{Bound, CallError, Fault, Host, Loaded, schema, types};

/// Bytes of settings that are made of a schema: it comes with an upload, and can name one large default many times.
const BYTES: usize = 64 << 10;

/// What a version is tried with.
pub(super) struct Chosen {
    pub settings: Value,
    /// It does not even say whether it takes them.
    pub finding: Option<Finding>,
}

/// The given settings, or the first of those made of the schema that the plugin takes: it answers `probe` with something else than
/// `invalid-settings`. Where it takes none, the first of them.
pub(super) async fn choose(
    host: &Host,
    component: &Arc<Loaded>,
    given: Option<&Value>,
    probe: &Question,
) -> Result<Chosen, CallError> {
    let candidates = match given {
        Some(given) => vec![given.clone()],
        None => fitting(component.clone()).await,
    };
    for settings in &candidates {
        let bound = Arc::new(Bound::on_trial(component.clone(), settings.to_string()));
        match host.validate_settings(&bound).await {
            Ok(mistakes) if !mistakes.is_empty() => continue,
            Ok(_) => {}
            Err(error) if run::is_of_kernel(&error.fault) => return Err(error),
            Err(error) => {
                let finding = Wrong::of(&error).found("the function validate-settings");
                return Ok(Chosen { settings: settings.clone(), finding: Some(finding) });
            }
        }
        let asked = run::ask(host, &bound, probe).await;
        if !matches!(asked, Err(CallError { fault: Fault::Plugin(types::Error::InvalidSettings(_)), .. })) {
            return Ok(Chosen { settings: settings.clone(), finding: None });
        }
    }
    Ok(Chosen { settings: candidates.into_iter().next().unwrap_or_else(|| json!({})), finding: None })
}

/// Off the runtime's threads, as all that is done with schemas.
async fn fitting(component: Arc<Loaded>) -> Vec<Value> {
    let made = tokio::task::spawn_blocking(move || {
        let schema = component.package.manifest.settings.as_ref();
        let mut candidates = candidates(schema);
        candidates.retain(|settings| schema::mistakes(schema, settings).is_empty());
        candidates
    });
    made.await.unwrap_or_default()
}

/// With all that the schema has a value for, with no more than it requires, and none: the ones that tell most come first.
fn candidates(schema: Option<&Value>) -> Vec<Value> {
    let made = |all| schema.and_then(|schema| Maker { root: schema, all, left: BYTES }.make(schema));
    let mut candidates = Vec::with_capacity(3);
    for settings in [made(true), made(false), Some(json!({}))].into_iter().flatten() {
        if settings.is_object() && !candidates.contains(&settings) {
            candidates.push(settings);
        }
    }
    candidates
}

/// Makes a value of a schema. It need not fit: it is held against the schema afterwards.
struct Maker<'a> {
    root: &'a Value,
    /// What is optional too, where the schema has a value for it.
    all: bool,
    left: usize,
}

impl Maker<'_> {
    fn make(&mut self, schema: &Value) -> Option<Value> {
        self.spend(1)?;
        if let Some(value) = told(schema) {
            self.spend(value.to_string().len())?;
            return Some(value.clone());
        }
        if let Some(target) = schema.get("$ref") {
            // The schema was refused if this led nowhere or in a circle.
            let root = self.root;
            return self.make(root.pointer(target.as_str()?.strip_prefix('#')?)?);
        }
        match of_type(schema) {
            "object" => self.object(schema),
            "array" if number(schema, "minItems").unwrap_or(0) > 0 => {
                schema.get("items").and_then(|items| self.make(items)).map(|item| Value::Array(vec![item]))
            }
            "array" => Some(json!([])),
            "string" => self.string(schema),
            "integer" | "number" => Some(
                number(schema, "minimum").or(number(schema, "maximum").map(|most| most.min(0))).unwrap_or(0).into(),
            ),
            "boolean" => Some(Value::Bool(false)),
            _ => Some(Value::Null),
        }
    }

    fn object(&mut self, schema: &Value) -> Option<Value> {
        let required = |name: &str| {
            schema
                .get("required")
                .and_then(Value::as_array)
                .is_some_and(|names| names.iter().any(|other| other == name))
        };
        let mut object = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            if required(name) || self.all && told(property).is_some() {
                self.spend(name.len())?;
                object.insert(name.clone(), self.make(property)?);
            }
        }
        Some(Value::Object(object))
    }

    fn string(&mut self, schema: &Value) -> Option<Value> {
        let format = schema.get("format").and_then(Value::as_str);
        let text = match format {
            Some("uri") => "https://shop.example/".to_owned(),
            Some("email") => "shop@shop.example".to_owned(),
            _ => {
                let length = usize::try_from(number(schema, "minLength").unwrap_or(0)).ok()?;
                self.spend(length)?;
                "x".repeat(length)
            }
        };
        Some(Value::String(text))
    }

    fn spend(&mut self, bytes: usize) -> Option<()> {
        self.left = self.left.checked_sub(bytes)?;
        Some(())
    }
}

/// The value that the schema itself has.
fn told(schema: &Value) -> Option<&Value> {
    let first = |name: &str| schema.get(name).and_then(|values| values.get(0));
    first("examples").or(schema.get("default")).or(schema.get("const")).or(first("enum"))
}

fn of_type(schema: &Value) -> &str {
    let of_type = schema.get("type").map(|of_type| of_type.get(0).unwrap_or(of_type));
    match of_type.and_then(Value::as_str) {
        Some(of_type) => of_type,
        None if schema.get("properties").is_some() => "object",
        None => "null",
    }
}

fn number(schema: &Value, name: &str) -> Option<i64> {
    schema.get(name).and_then(Value::as_i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_made_of_what_the_schema_has() {
        assert_eq!(candidates(None), [json!({})]);
        let schema = json!({
            "type": "object",
            "required": ["above", "off_bp", "name", "zones", "url", "mode"],
            "properties": {
                "above": { "type": "integer", "minimum": 5 },
                "off_bp": { "type": "integer", "examples": [1_000, 2_000], "default": 1 },
                "name": { "type": ["string", "null"], "minLength": 3 },
                "zones": { "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/zone" } },
                "url": { "type": "string", "format": "uri" },
                "mode": { "enum": ["a", "b"] },
                "footer": { "type": "string", "default": "Bye" },
                "optional": { "type": "string" },
            },
            "$defs": { "zone": { "required": ["on"], "properties": { "on": { "type": "boolean" } } } },
        });
        let mut least = json!({
            "above": 5, "off_bp": 1_000, "name": "xxx", "zones": [{ "on": false }], "url": "https://shop.example/",
            "mode": "a",
        });
        let made = candidates(Some(&schema));
        assert_eq!((made.len(), &made[1], &made[2]), (3, &least, &json!({})));
        least["footer"] = "Bye".into();
        assert_eq!(made[0], least);
        assert_eq!(schema::mistakes(Some(&schema), &made[0]), []);
        // All of it at once.
        let schema = json!({ "type": "object", "examples": [{ "off_bp": 5 }] });
        assert_eq!(candidates(Some(&schema)), [json!({ "off_bp": 5 }), json!({})]);
    }

    #[test]
    fn what_a_schema_names_often_is_not_made_often() {
        let many = (0..1_000).map(|number| (format!("p{number}"), json!({ "$ref": "#/$defs/large" })));
        let properties: Map<_, _> = many.collect();
        let required: Vec<_> = properties.keys().cloned().collect();
        let large = json!({ "default": "x".repeat(40_000) });
        let schema = json!({ "required": required, "properties": properties, "$defs": { "large": large } });
        assert_eq!(candidates(Some(&schema)), [json!({})]);
        let long = json!({ "required": ["a"], "properties": { "a": { "type": "string", "minLength": 1_u64 << 40 } } });
        assert_eq!(candidates(Some(&long)), [json!({})]);
    }
}
