//! What is secret in a body is struck out before it is kept.

use serde_json::Value;

/// What stands in the place of a secret.
pub const STRUCK: &str = "[struck out]";

/// Members whose names have one of these words hold a secret.
const SECRET_WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "token",
    "secret",
    "key",
    "credential",
    "authorization",
    "cookie",
    "otp",
    "totp",
    "pin",
    "cvc",
    "cvv",
    "iban",
];

/// `value` without secrets.
pub fn redacted(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(
            members
                .into_iter()
                .map(|(name, value)| {
                    let value = match name.as_str() {
                        name if names_a_secret(name) && !value.is_null() => STRUCK.into(),
                        "settings" => redacted_settings(value),
                        _ => redacted(value),
                    };
                    (name, value)
                })
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(redacted).collect()),
        value => value,
    }
}

/// The settings of a plugin, without any text: which of them is a secret, only the plugin knows. The generation of the binding has them.
pub fn redacted_settings(value: Value) -> Value {
    match value {
        Value::String(_) => STRUCK.into(),
        Value::Array(items) => Value::Array(items.into_iter().map(redacted_settings).collect()),
        Value::Object(_) => match redacted(value) {
            Value::Object(members) => {
                Value::Object(members.into_iter().map(|(name, value)| (name, redacted_settings(value))).collect())
            }
            value => value,
        },
        value => value,
    }
}

/// Whether a member of that name holds a secret: `apiKey`, `api_key` and `keys` do, `keywords` does not.
pub fn names_a_secret(name: &str) -> bool {
    let mut words = vec![String::new()];
    let mut after_lower = false;
    for character in name.chars() {
        if !character.is_alphanumeric() || character.is_uppercase() && after_lower {
            words.push(String::new());
        }
        after_lower = character.is_lowercase() || character.is_numeric();
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
    }
    words.iter().any(|word| {
        let one = word.strip_suffix('s').unwrap_or(word);
        SECRET_WORDS.contains(&word.as_str()) || SECRET_WORDS.contains(&one)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_tell_secrets() {
        for (name, secret) in [
            ("password", true),
            ("new_password", true),
            ("refreshToken", true),
            ("API-Key", true),
            ("api_keys", true),
            ("webhook_secret", true),
            ("credentials", true),
            ("keywords", false),
            ("monkey", false),
            ("tokenize", false),
            ("title", false),
            ("", false),
        ] {
            assert_eq!(names_a_secret(name), secret, "{name}");
        }
    }

    #[test]
    fn secrets_are_struck_out_wherever_they_stand() {
        let body = json!({
            "name": "a", "password": "p", "token": null, "lines": [{ "secret": { "deep": 1 }, "quantity": 2 }],
            "plugins": [{ "name": "x", "settings": { "url": "https://u:p@h", "rate": 19, "list": ["a"], "in": { "b": "c" } } }],
        });
        let kept = json!({
            "name": "a", "password": STRUCK, "token": null, "lines": [{ "secret": STRUCK, "quantity": 2 }],
            "plugins": [{ "name": "x", "settings": { "url": STRUCK, "rate": 19, "list": [STRUCK], "in": { "b": STRUCK } } }],
        });
        assert_eq!(redacted(body), kept);
    }
}
