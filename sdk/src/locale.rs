//! Languages of locales.

/// Whether `locale`, a BCP 47 tag, is of the language `language`: `ru`, `ru-RU` and `RU` all are of `ru`.
///
/// ```
/// assert!(kassa_sdk::is_language("ru-RU", "ru"));
/// assert!(kassa_sdk::is_language("RU", "ru"));
/// assert!(!kassa_sdk::is_language("rue", "ru"));
/// ```
pub fn is_language(locale: &str, language: &str) -> bool {
    locale.split(['-', '_']).next().is_some_and(|first| first.eq_ignore_ascii_case(language))
}
