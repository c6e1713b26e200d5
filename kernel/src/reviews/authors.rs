//! What others see of an author's name.

/// Longest first name that is shown, in characters.
const MAX_FIRST: usize = 40;

/// `Ada Lovelace` -> `Ada L.`; nothing where there is no name.
pub(super) fn shown(name: &str) -> String {
    let mut words = name.split_whitespace();
    let first: String = words.next().unwrap_or_default().chars().take(MAX_FIRST).collect();
    match words.next_back().and_then(|last| last.chars().next()) {
        Some(initial) => format!("{first} {}.", initial.to_uppercase()),
        None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_cut_to_an_initial() {
        for (name, expected) in [
            ("Ada Lovelace", "Ada L."),
            ("  Ada   King  Lovelace ", "Ada L."),
            ("Ada", "Ada"),
            ("", ""),
            ("Анна каренина", "Анна К."),
        ] {
            assert_eq!(shown(name), expected, "{name}");
        }
    }
}
