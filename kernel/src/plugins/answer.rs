//! Rules of the contract that answers of several domains share. Each returns the text that names the broken rule.

use super::types;

/// The largest amount of the contract: what a double holds exactly.
pub const AMOUNT_LIMIT: i64 = (1 << 53) - 1;

/// Of what a plugin says where it refuses.
pub(super) const REFUSAL_CHARACTERS: usize = 500;

/// A broken rule, named.
pub(super) type Broken = String;

/// `text` has at most `most` characters, and none that controls (no database and no page takes all of them).
pub(super) fn at_most_characters(what: &str, text: &str, most: usize) -> Result<(), Broken> {
    if text.chars().any(char::is_control) {
        return Err(format!("{what} has control characters"));
    }
    // A character has at most four bytes, so most texts need not be counted.
    if text.len() > most && text.chars().count() > most {
        return Err(format!("{what} has more than {most} characters"));
    }
    Ok(())
}

/// `text` has 1 to `most` characters.
pub(super) fn one_to_characters(what: &str, text: &str, most: usize) -> Result<(), Broken> {
    if text.is_empty() {
        return Err(format!("{what} is empty"));
    }
    at_most_characters(what, text, most)
}

/// Does `value` have the character U+0000 anywhere? It is right JSON, and PostgreSQL keeps it in no text.
pub(crate) fn has_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(members) => members.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Takes control characters out, and what is beyond `most` characters.
pub(super) fn clean(text: &mut String, most: usize) {
    text.retain(|c| !c.is_control());
    if let Some((at, _)) = text.char_indices().nth(most) {
        text.truncate(at);
    }
}

/// A refusal as it may be shown and logged: one short line.
pub(super) fn cleaned_refusal(mut error: types::Error) -> types::Error {
    let (types::Error::InvalidSettings(text)
    | types::Error::Unsupported(text)
    | types::Error::Unavailable(text)
    | types::Error::Internal(text)) = &mut error;
    clean(text, REFUSAL_CHARACTERS);
    error
}

/// Keeps the attributes whose names are kebab-case, with values made fit.
pub(super) fn clean_attributes(attributes: &mut Vec<(String, String)>) {
    attributes.retain(|(name, _)| is_kebab(name, 64));
    attributes.iter_mut().for_each(|(_, value)| value.retain(|c| !c.is_control()));
}

/// Whether a character is not seen where it stands, but changes what is: control characters, those that turn the direction of text or
/// have no width, separators of lines.
pub fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `code` has 1 to 64 characters of `a-z 0-9 -`.
pub(super) fn code(what: &str, code: &str) -> Result<(), Broken> {
    if is_kebab(code, 64) { Ok(()) } else { Err(format!("{what} is not 1 to 64 characters of a-z 0-9 -")) }
}

/// 1 to `most` characters of `a-z 0-9 -`.
pub(super) fn is_kebab(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len()) && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
}

/// No two of `codes` are equal.
pub(super) fn unique<'a>(what: &str, codes: impl Iterator<Item = &'a str>) -> Result<(), Broken> {
    let mut seen = std::collections::BTreeSet::new();
    for code in codes {
        if !seen.insert(code) {
            return Err(format!("two {what} have the code {code:?}"));
        }
    }
    Ok(())
}

/// At most `most` of something.
pub(super) fn at_most(what: &str, count: usize, most: usize) -> Result<(), Broken> {
    if count > most { Err(format!("{count} {what}; at most {most} are allowed")) } else { Ok(()) }
}

/// `amount` is 0 or more, and within the range of amounts.
pub(super) fn not_negative(what: &str, amount: i64) -> Result<(), Broken> {
    in_range(what, amount)?;
    if amount < 0 { Err(format!("{what} is below zero")) } else { Ok(()) }
}

/// `amount` is within ±(2^53 - 1).
pub(super) fn in_range(what: &str, amount: i64) -> Result<(), Broken> {
    if amount.unsigned_abs() > AMOUNT_LIMIT.unsigned_abs() {
        return Err(format!("{what} is beyond ±(2^53 - 1)"));
    }
    Ok(())
}

/// `answered` is the currency of the request.
pub(super) fn same_currency(answered: &str, asked: &str) -> Result<(), Broken> {
    if answered != asked {
        return Err(format!("the answer is in {}, the request in {asked}", shown(answered)));
    }
    Ok(())
}

/// Names of attributes are lower-case kebab-case.
pub(super) fn attributes(what: &str, attributes: &[(String, String)]) -> Result<(), Broken> {
    match attributes.iter().find(|(name, _)| !is_kebab(name, 64)) {
        Some((name, _)) => Err(format!("{what} has an attribute named {}, not kebab-case", shown(name))),
        None => Ok(()),
    }
}

/// A guest's text in a message of ours: short, and with control characters escaped.
pub(super) fn shown(text: &str) -> String {
    let start: String = text.chars().take(40).collect();
    format!("{start:?}")
}
