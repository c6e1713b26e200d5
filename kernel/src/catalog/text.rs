//! Slugs, and the text that is searched.

use deunicode::deunicode;

/// Longest slug, in characters, before a suffix that makes it unique.
pub const MAX_SLUG: usize = 80;

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
        slug if uuid::Uuid::try_parse(slug).is_ok() => format!("{fallback}-{slug}"),
        slug => slug.to_owned(),
    }
}

/// Whether a text that a client sent may be a slug: lower-case ASCII words joined by single hyphens, and not an id.
pub fn is_slug(text: &str) -> bool {
    text.len() <= MAX_SLUG
        && text
            .split('-')
            .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()))
        && uuid::Uuid::try_parse(text).is_err()
}

/// What a product is found by. Lower-cased here, not by the databases: SQLite's `lower` knows ASCII only.
pub fn search_text<'a>(title: &str, vendor: &'a str, skus: impl IntoIterator<Item = &'a str>) -> String {
    let mut text = title.to_lowercase();
    for part in std::iter::once(vendor).chain(skus) {
        // A newline keeps a search from matching across two fields: no search holds one.
        text.push('\n');
        text.push_str(&part.to_lowercase());
    }
    text
}

/// The `like` pattern, with `\` as its escape, of texts that contain `q`; everything where `q` is none.
pub fn like_pattern(q: Option<&str>) -> String {
    let mut pattern = String::from("%");
    let Some(q) = q else { return pattern };
    for c in q.to_lowercase().chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for text in ["", "-", "a--b", "-a", "a-", "A", "a_b", "ä", "a b", "67e55044-10b1-426f-9247-bb680e5fe0c8"] {
            assert!(!is_slug(text), "{text:?}");
        }
    }

    #[test]
    fn a_search_matches_literally_and_within_one_field() {
        let text = search_text("Чай ÉARL Grey", "Müller", ["TEA-1", "tea_2"]);
        assert_eq!(text, "чай éarl grey\nmüller\ntea-1\ntea_2");
        for (q, expected) in [(None, "%"), (Some("Чай"), "%чай%"), (Some(r"50%_\"), r"%50\%\_\\%")] {
            assert_eq!(like_pattern(q), expected);
        }
    }
}
