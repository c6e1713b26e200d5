//! Slugs.

use deunicode::deunicode;

/// Longest slug, in characters, before a suffix that makes it unique.
pub const MAX_SLUG: usize = 80;

/// `/v1/products/suggest` is no product.
const RESERVED: &str = "suggest";

/// A slug from a title, in ASCII: `Кофе «Гватемала»` becomes `kofe-gvatemala`. `fallback` stands in for a title of
/// which nothing is left. A product is also found by its id in the same place, so a slug never looks like one.
pub fn slugify(title: &str, fallback: &str) -> String {
    let mut slug = String::with_capacity(title.len());
    for c in deunicode(title).chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if c != '\'' && !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == MAX_SLUG {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    match slug {
        "" => fallback.to_owned(),
        slug if uuid::Uuid::try_parse(slug).is_ok() || slug == RESERVED => format!("{fallback}-{slug}"),
        slug => slug.to_owned(),
    }
}

/// Whether a text that a client sent may be a slug: lower-case ASCII words joined by single hyphens, and neither an id nor
/// the name of something else in the same place.
pub fn is_slug(text: &str) -> bool {
    text.len() <= MAX_SLUG
        && text
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
        && text != RESERVED
        && uuid::Uuid::try_parse(text).is_err()
}

/// Whether a text may be the code of a type, attribute, choice, option or value: like a slug, and short.
pub fn is_code(text: &str) -> bool {
    text.len() <= super::MAX_CODE
        && text
            .split(['-', '_'])
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
}

/// Barcodes are free texts; those that have the form of a GTIN (8, 12, 13 or 14 digits) must have its check digit, so that
/// a slip of the finger is found where it is made.
pub fn is_barcode(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    if digits.len() != text.chars().count() || !matches!(digits.len(), 8 | 12 | 13 | 14) {
        return true;
    }
    let weighted =
        digits.iter().rev().enumerate().map(|(place, digit)| if place % 2 == 1 { digit * 3 } else { *digit });
    weighted.sum::<u32>() % 10 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gtin_has_its_check_digit() {
        for (text, right) in [
            ("4006381333931", true),
            ("4006381333932", false),
            ("96385074", true),
            ("96385075", false),
            ("036000291452", true),
            ("036000291453", false),
            ("00012345600012", true),
            ("1234567", true),
            ("ABC-4006381333932", true),
            ("", true),
        ] {
            assert_eq!(is_barcode(text), right, "{text}");
        }
    }

    #[test]
    fn slugs_are_ascii_words() {
        for (title, expected) in [
            ("Ethiopia Yirgacheffe, 250 g", "ethiopia-yirgacheffe-250-g"),
            ("  Tea -- & -- Coffee! ", "tea-coffee"),
            ("Größe: Übergroß", "grosse-ubergross"),
            ("Crème brûlée", "creme-brulee"),
            ("Кофе «Гватемала»", "kofe-gvatemala"),
            ("Щётка для чайника", "shchiotka-dlia-chainika"),
            ("Children's cup", "childrens-cup"),
            ("50% off_now", "50-off-now"),
            ("", "product"),
            ("!!!", "product"),
            ("Suggest", "product-suggest"),
            ("67e55044-10b1-426f-9247-bb680e5fe0c8", "product-67e55044-10b1-426f-9247-bb680e5fe0c8"),
        ] {
            assert_eq!(slugify(title, "product"), expected, "{title:?}");
        }
        let long = slugify(&"word ".repeat(100), "product");
        assert!(long.len() <= MAX_SLUG && !long.ends_with('-'), "{long}");
    }

    #[test]
    fn what_slugify_makes_is_a_slug() {
        for title in ["Größe: Übergroß", "日本茶", "☕ coffee", "a", "-", "Ünïcödé — “quotes”"] {
            let slug = slugify(title, "product");
            assert!(is_slug(&slug), "{title:?} -> {slug:?}");
        }
        for text in
            ["", "-", "a--b", "-a", "a-", "A", "a_b", "ä", "a b", "suggest", "67e55044-10b1-426f-9247-bb680e5fe0c8"]
        {
            assert!(!is_slug(text), "{text:?}");
        }
    }
}
