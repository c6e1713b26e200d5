//! The card of a plugin, as `inspect` and `push` print it: what a merchant judges it by.

use serde_json::Value;

use super::visible;

/// Prints the card that the API answers.
pub fn print(card: &Value) {
    print!("{}", visible(&text(card)));
}

fn text(card: &Value) -> String {
    let mut lines = String::new();
    let mut line = |label: &str, value: &str| lines += &format!("{label:<12} {value}\n");
    for field in [
        "name",
        "version",
        "description",
        "authors",
        "licenses",
        "source",
        "homepage",
        "revision",
        "domain",
        "contract",
    ] {
        if let Some(value) = card[field].as_str() {
            line(field, value);
        }
    }
    line("size", &format!("{} bytes", card["size_bytes"]));
    line("digest", card["digest"].as_str().unwrap_or_default());
    list(&mut line, "imports", &card["imports"]);
    grants(&mut line, &card["asks_for"]);
    line("validates", if card["validates_settings"] == true { "yes: it checks settings itself" } else { "no" });
    line("signature", &signature(&card["signature"]));
    if !card["settings_schema"].is_null() {
        let schema = serde_json::to_string_pretty(&card["settings_schema"]).unwrap_or_default();
        line("settings", &schema.replace('\n', "\n             "));
    }
    lines
}

/// What it may reach, or asks to, in the words of the merchant who grants it.
pub fn grants(line: &mut impl FnMut(&str, &str), grants: &Value) {
    list(line, "hosts", &grants["hosts"]);
    let secrets = grants["secrets"].as_array().into_iter().flatten().map(secret).collect();
    list(line, "secrets", &Value::Array(secrets));
    line("kv", if grants["kv"] == true { "yes: keys and values in the shop's database" } else { "no" });
}

/// Where a secret goes, and whether it has a value where that is known.
fn secret(secret: &Value) -> Value {
    let text = |name: &str| secret[name].as_str().unwrap_or_default().to_owned();
    let place = format!("{} in the header `{}: {}…` to {}", text("name"), text("header"), text("prefix"), text("host"));
    let value = match secret.get("value_set_at") {
        None => "",
        Some(Value::Null) => " (NO VALUE YET)",
        Some(_) => " (has a value)",
    };
    Value::String(place + value)
}

/// One line each; a word where there are none, so that nobody wonders.
fn list(line: &mut impl FnMut(&str, &str), label: &str, values: &Value) {
    let values: Vec<_> = values.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if values.is_empty() {
        line(label, "none");
    }
    for (index, value) in values.iter().enumerate() {
        line(if index == 0 { label } else { "" }, value);
    }
}

/// Who stands behind it, in a few words.
pub fn signature(signature: &Value) -> String {
    let key = signature["key_id"].as_str().unwrap_or_default();
    match signature["by"].as_str() {
        Some("kernel") => "came with the kernel".into(),
        Some("trusted") => format!("by the trusted key {key}"),
        Some("unknown-key") => format!("by the key {key}, which is not trusted: not verified"),
        _ => "UNSIGNED".into(),
    }
}
