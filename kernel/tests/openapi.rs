//! The document is locked: a change of the API shows in a diff.

use serde_json::Value;

plain_test! {
    fn the_document_is_the_one_that_was_agreed() {
        insta::assert_snapshot!("openapi", kassa::routes::document().to_pretty_json().unwrap());
    }
}

plain_test! {
    fn the_list_of_problems_is_the_one_that_was_agreed() {
        let kinds = kassa::problem::Kind::ALL.iter();
        let lines: Vec<_> = kinds.map(|kind| format!("{} {}: {}", kind.status().as_u16(), kind.slug(), kind.title())).collect();
        insta::assert_snapshot!("problems", lines.join("\n"));
    }
}

/// `{"$ref": "#/components/schemas/Address"}` -> `Address`.
fn name_of(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

plain_test! {
    fn every_reference_of_the_document_leads_somewhere() {
        fn references(value: &Value, found: &mut Vec<String>) {
            match value {
                Value::Object(fields) => {
                    found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                    fields.values().for_each(|value| references(value, found));
                }
                Value::Array(items) => items.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let document = serde_json::to_value(kassa::routes::document()).unwrap();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 300, "only {} references", found.len());
        found.retain(|reference| document.pointer(reference.trim_start_matches('#')).is_none());
        assert!(found.is_empty(), "{found:?}");
    }
}

/// Whether something of the value, or of what it refers to, is shown.
fn shows_an_example(document: &Value, value: &Value, below: &mut Vec<String>) -> bool {
    match value {
        Value::Object(fields) => {
            if fields.contains_key("example") || fields.contains_key("examples") {
                return true;
            }
            if let Some(name) = name_of(value) {
                if below.iter().any(|seen| seen == name) {
                    return false;
                }
                below.push(name.to_owned());
                return shows_an_example(document, &document["components"]["schemas"][name], below);
            }
            fields.values().any(|value| shows_an_example(document, value, below))
        }
        Value::Array(items) => items.iter().any(|value| shows_an_example(document, value, below)),
        _ => false,
    }
}

plain_test! {
    /// Of bytes (pictures, components, a provider's message) there is nothing to show.
    fn every_body_and_every_answer_shows_an_example() {
        let document = serde_json::to_value(kassa::routes::document()).unwrap();
        let (mut seen, mut bare) = (0, Vec::new());
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let answers = operation["responses"].as_object().unwrap().iter().filter(|(status, _)| status.starts_with('2'));
                for content in answers.map(|(_, answer)| &answer["content"]).chain([&operation["requestBody"]["content"]]) {
                    for (media_type, body) in content.as_object().into_iter().flatten() {
                        if !media_type.contains("json") && media_type != "text/csv" {
                            continue;
                        }
                        seen += 1;
                        if !shows_an_example(&document, body, &mut Vec::new()) {
                            bare.push(format!("{method} {path}: {media_type}"));
                        }
                    }
                }
            }
        }
        assert!(seen > 300, "only {seen} were looked at");
        assert!(bare.is_empty(), "{bare:#?}");
    }
}

plain_test! {
    /// A request type that took unknown fields would take a typing error for a wish.
    fn every_request_refuses_unknown_fields() {
        let document = serde_json::to_value(kassa::routes::document()).unwrap();
        let mut seen = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
                let Some(name) = name_of(schema) else { continue };
                let schema = &document["components"]["schemas"][name];
                // Of several shapes, each.
                let shapes = schema["oneOf"].as_array().map(|shapes| shapes.iter().filter_map(name_of).collect());
                for name in shapes.unwrap_or_else(|| vec![name]) {
                    let closed = &document["components"]["schemas"][name]["additionalProperties"];
                    assert_eq!(closed, false, "{method} {path} takes {name} with unknown fields");
                    seen += 1;
                }
            }
        }
        assert!(seen >= 15, "only {seen} bodies were looked at");
    }
}

plain_test! {
    /// A client branches on these: a slug that does not exist, or comes with another status, is worse than none.
    fn every_documented_problem_exists_with_its_status() {
        let document = serde_json::to_value(kassa::routes::document()).unwrap();
        let known: Vec<_> = kassa::problem::Kind::ALL.iter().map(|kind| (kind.slug(), kind.status().as_u16())).collect();
        let mut wrong = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                for (status, answer) in operation["responses"].as_object().unwrap() {
                    if !status.starts_with(['4', '5']) {
                        continue;
                    }
                    let place = format!("{method} {path} {status}");
                    let description = answer["description"].as_str().unwrap_or_default();
                    let slugs: Vec<_> = description.split('`').skip(1).step_by(2).collect();
                    let listed = slugs.iter().filter(|slug| known.iter().any(|(known, of)| known == *slug && of.to_string() == *status));
                    if listed.count() == 0 || answer["content"]["application/problem+json"].is_null() {
                        wrong.push(format!("{place}: {description}"));
                    }
                    for (slug, of) in known.iter().filter(|(known, _)| slugs.contains(known)) {
                        if of.to_string() != *status {
                            wrong.push(format!("{place}: {slug} has the status {of}"));
                        }
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }
}
