//! What the merchant finds a customer by: beginnings of words of the name, of the e-mail address, and of the telephone number.

use std::collections::BTreeSet;

/// Longer ones are cut: nobody types them.
const MAX_CHARS: usize = 100;
/// Words of a search that are looked at.
const MAX_WORDS: usize = 5;

/// The terms of a customer.
pub(super) fn terms_of(email_key: &str, name: &str, phone: &str) -> Vec<String> {
    let name = name.to_lowercase();
    let mut terms = BTreeSet::from([cut(email_key)]);
    // `O'Brien-Smith` as it is typed, and each part of it.
    for word in name.split_whitespace() {
        terms.insert(cut(word));
        terms.extend(word.split(|c: char| !c.is_alphanumeric()).map(cut));
    }
    terms.insert(cut(&digits(phone)));
    terms.remove("");
    terms.into_iter().collect()
}

/// What a search asks for: a customer must have a term that begins with each of these.
pub fn search_terms(text: &str) -> Vec<String> {
    let text = text.trim().to_lowercase();
    let is_phone = text.chars().all(|c| c.is_ascii_digit() || " +-()/.".contains(c)) && !digits(&text).is_empty();
    if is_phone {
        return vec![cut(&digits(&text))];
    }
    text.split_whitespace().take(MAX_WORDS).map(cut).collect()
}

/// As names are sorted: both databases compare it byte by byte.
pub fn name_key(name: &str) -> String {
    cut(&name.to_lowercase())
}

/// However a number is written: `+44 20 7946`, `0044 20 7946` and `(020) 7946` begin with the same digits or with fewer.
fn digits(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0').to_owned()
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn customers_are_found_by_beginnings() {
        let terms = terms_of("ada.l@example.org", "Ada O'Brien-Lovelace", "+44 20 7946 0000");
        for (search, found) in [
            ("ada", true),
            ("ADA LOVE", true),
            ("love ada", true),
            ("o'brien", true),
            ("brien", true),
            ("ada.l@exam", true),
            ("+44 20 79", true),
            ("0044 (20) 7946", true),
            ("44207", true),
            ("velace", false),
            ("ada grace", false),
            ("20 7946", false),
            ("example.org", false),
        ] {
            let wanted = search_terms(search);
            assert!(!wanted.is_empty(), "{search}");
            let all = wanted.iter().all(|wanted| terms.iter().any(|term| term.starts_with(wanted)));
            assert_eq!(all, found, "{search}: {wanted:?} in {terms:?}");
        }
        assert_eq!(search_terms("  "), Vec::<String>::new());
        assert_eq!(terms_of("x@example.org", "", ""), ["x@example.org"]);
    }
}
