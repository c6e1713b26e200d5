//! Which language a shopper reads: `?locale=`, else `Accept-Language`.

use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::problem::Problem;

/// Languages of `Accept-Language` that are looked at.
const MAX_TAGS: usize = 10;
/// Longest tag, as RFC 5646 recommends to expect.
const MAX_TAG: usize = 35;

/// In which language.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LocaleParams {
    /// BCP 47 tag; without it, `Accept-Language` decides. A text without a translation comes in a shorter tag's language, or
    /// the shop's own.
    #[param(min_length = 1, max_length = 35, pattern = "^[A-Za-z0-9]+(-[A-Za-z0-9]+)*$", example = "de-AT")]
    pub locale: Option<String>,
}

impl LocaleParams {
    /// Tags in the order in which they are wanted.
    pub fn wanted(&self, headers: &HeaderMap) -> Result<Vec<String>, Problem> {
        match &self.locale {
            Some(tag) if is_tag(tag) => Ok(vec![tag.clone()]),
            Some(_) => Err(Problem::invalid_field("locale", "is not a BCP 47 tag")),
            None => Ok(accepted(headers)),
        }
    }
}

fn is_tag(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric());
    text.len() <= MAX_TAG && text.split('-').all(part)
}

/// Best first. What is not understood is passed over: nobody is refused a page for their browser's header.
fn accepted(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    let mut tags: Vec<(u32, &str)> = Vec::new();
    for range in values.flat_map(|value| value.split(',')).take(MAX_TAGS) {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let quality = parameters.trim().strip_prefix("q=").map_or(Some(1_000), thousandths);
        if let (true, Some(quality @ 1..)) = (is_tag(tag.trim()), quality) {
            tags.push((quality, tag.trim()));
        }
    }
    tags.sort_by_key(|(quality, _)| std::cmp::Reverse(*quality));
    tags.into_iter().map(|(_, tag)| tag.to_owned()).collect()
}

/// `0.8` as 800.
fn thousandths(text: &str) -> Option<u32> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = format!("{fraction:0<3}");
    let fraction: u32 = digits.get(..3)?.parse().ok()?;
    match whole {
        "0" => Some(fraction),
        "1" => Some(1_000),
        _ => None,
    }
}

/// Says what language an answer is in, and that it depends on what was asked for.
pub fn mark(headers: &mut HeaderMap, tag: &str) {
    // A tag of the settings that is none is nobody's language, and is never chosen.
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::CONTENT_LANGUAGE, tag);
    }
    headers.append(header::VARY, HeaderValue::from_static("accept-language"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_language_stands_first() {
        for (value, expected) in [
            ("", vec![]),
            ("de", vec!["de"]),
            ("fr;q=0.8, de-AT, en;q=0.85, *;q=0.1", vec!["de-AT", "en", "fr"]),
            ("de;q=0, en;q=1.0", vec!["en"]),
            ("de;q=x, e_n, -, ru;q=0.5", vec!["ru"]),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT_LANGUAGE, HeaderValue::from_static(value));
            assert_eq!(accepted(&headers), expected, "{value}");
        }
        let long = LocaleParams { locale: Some("x".repeat(36)) };
        assert!(long.wanted(&HeaderMap::new()).is_err());
    }
}
