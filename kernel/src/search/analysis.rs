//! From a text to the words that it is found by. The kernel does it, not the databases, so that both find alike.
//!
//! - Folded: lower case, `ё` as `е`, Latin letters without their accents.
//! - A word that is put together (`t-shirt`, `TEA-100`) counts in its parts, and whole without what joins them.
//! - A word with letters of both alphabets that look alike is written in the one that it is mostly written in.
//! - Beside each word stands its stem, by the alphabet of the word: English for Latin, Russian for Cyrillic.

use std::collections::BTreeMap;

use deunicode::deunicode_char;
use rust_stemmers::{Algorithm, Stemmer};

use super::keyboard;

/// Of what this file makes of a text, and of which words have typos. Raise it with every change of that: shops then index their products anew.
pub(super) const VERSION: i64 = 2;
/// Longest word, in characters: what is beyond is not looked at.
const MAX_WORD: usize = 40;
/// Words of one product. Fields come by weight, so it is the end of a long description that is not found.
const MAX_TERMS: usize = 2_000;

/// Which part of a product a text is. Its weight is what a word counts there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    Title,
    /// SKU or barcode.
    Code,
    /// Vendor or tag.
    Label,
    /// Category or attribute.
    Class,
    Description,
}

impl Field {
    fn weight(self) -> i64 {
        match self {
            Self::Title => 100,
            Self::Code => 90,
            Self::Label => 50,
            Self::Class => 30,
            Self::Description => 10,
        }
    }
}

/// One or more words that stand together: `tea`, or `t-shirt`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    pub parts: Vec<String>,
    /// All parts in one, where there are several.
    pub whole: Option<String>,
}

/// The terms of a product, each with its weight: words, and stems behind a `=`.
pub(super) fn terms(texts: &[(Field, String)]) -> BTreeMap<String, i64> {
    let mut texts: Vec<_> = texts.iter().collect();
    texts.sort_by_key(|(field, _)| *field);
    let mut terms = BTreeMap::new();
    for (field, text) in texts {
        for chunk in chunks(text) {
            for word in chunk.parts.iter().chain(&chunk.whole) {
                if terms.len() >= MAX_TERMS {
                    return terms;
                }
                let stem = stem(word);
                for term in [Some(word.clone()), stem].into_iter().flatten() {
                    // The field that weighs most came first.
                    terms.entry(term).or_insert(field.weight());
                }
            }
        }
    }
    terms
}

/// `=` and the stem; none for what is not a word of a language that we know.
pub(super) fn stem(word: &str) -> Option<String> {
    let algorithm = match word.chars().next()? {
        'a'..='z' => Algorithm::English,
        'а'..='я' => Algorithm::Russian,
        _ => return None,
    };
    Some(format!("={}", Stemmer::create(algorithm).stem(word)))
}

/// Whether a term is a word, not a stem.
pub(super) fn is_word(term: &str) -> bool {
    !term.starts_with('=')
}

/// Lower case, without accents and `ё`. `й` is a letter of its own, in whichever way it is encoded.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ё' => folded.push('е'),
            '\u{306}' if folded.ends_with('и') => {
                folded.pop();
                folded.push('й');
            }
            '\u{300}'..='\u{36f}' => {}
            c if is_accented_latin(c) => {
                folded.push_str(&deunicode_char(c).unwrap_or_default().to_lowercase());
            }
            c => folded.push(c),
        }
    }
    folded
}

/// Other alphabets keep their letters: transliterated, different words would become the same.
fn is_accented_latin(c: char) -> bool {
    matches!(c, 'ß'..='ö' | 'ø'..='ɏ' | 'ḁ'..='ỿ' | 'ﬀ'..='ﬆ' | 'ａ'..='ｚ')
}

/// The words of a text, in its order.
pub(super) fn chunks(text: &str) -> Vec<Chunk> {
    let folded: Vec<char> = fold(text).chars().collect();
    let is_letter = |index: usize| folded.get(index).is_some_and(|c| c.is_alphanumeric());
    let mut found = Found::default();
    let mut index = 0;
    while let Some(&c) = folded.get(index) {
        let inside = index > 0 && is_letter(index - 1) && is_letter(index + 1);
        match c {
            c if c.is_alphanumeric() => found.part.push(c),
            // `children's` is about children; `d'or` and `o'clock` are one word each.
            '\'' | '’' if inside => {
                if folded.get(index + 1) == Some(&'s') && !is_letter(index + 2) {
                    index += 1;
                }
            }
            '-' | '‐' | '‑' | '_' | '.' | '/' | '&' if inside => found.end_part(),
            _ => found.end_chunk(),
        }
        index += 1;
    }
    found.end_chunk();
    found.chunks
}

/// What [`chunks`] has found so far.
#[derive(Default)]
struct Found {
    chunks: Vec<Chunk>,
    parts: Vec<String>,
    part: String,
}

impl Found {
    fn end_part(&mut self) {
        if !self.part.is_empty() {
            self.parts.push(word(&self.part));
            self.part.clear();
        }
    }

    fn end_chunk(&mut self) {
        self.end_part();
        let parts = std::mem::take(&mut self.parts);
        if !parts.is_empty() {
            let whole = (parts.len() > 1).then(|| word(&parts.concat()));
            self.chunks.push(Chunk { parts, whole });
        }
    }
}

fn word(letters: &str) -> String {
    keyboard::unmixed(letters).chars().take(MAX_WORD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> String {
        let chunk = |chunk: Chunk| match chunk.whole {
            Some(whole) => format!("{}={whole}", chunk.parts.join("+")),
            None => chunk.parts.concat(),
        };
        chunks(text).into_iter().map(chunk).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn texts_become_words() {
        for (text, expected) in [
            ("Earl Grey, 100 g", "earl grey 100 g"),
            ("  T-Shirt «Ёлка» ", "t+shirt=tshirt елка"),
            ("TEA-EARL_GREY/100", "tea+earl+grey+100=teaearlgrey100"),
            ("Crème brûlée, Größe ﬁn", "creme brulee grosse fin"),
            // Written with combining marks.
            ("cafe\u{301} мои\u{306} е\u{308}ж", "cafe мой еж"),
            ("ЧАЙ Йога", "чай йога"),
            ("Children's d'Or o’clock boys' 's", "children dor oclock boys s"),
            ("1.5 l -- - .5", "1+5=15 l 5"),
            // The first and the last have look-alikes of the other alphabet in them.
            ("кoфе tea сoffee", "кофе tea coffee"),
            ("日本茶 чаю", "日本茶 чаю"),
            ("% _ ' - ☕", ""),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
        assert_eq!(words(&"a".repeat(100)), "a".repeat(MAX_WORD));
    }

    #[test]
    fn inflected_forms_have_one_stem() {
        for forms in [
            &["teapot", "teapots"][..],
            &["roast", "roasted", "roasting"],
            &["чашка", "чашки", "чашку", "чашкой"],
            &["зеленый", "зеленая", "зеленого"],
        ] {
            let stems: Vec<_> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.iter().all(|stem| stem.is_some() && *stem == stems[0]), "{forms:?} {stems:?}");
        }
        assert_eq!(stem("100"), None);
        assert_eq!(stem("日本茶"), None);
    }

    #[test]
    fn a_word_weighs_what_its_best_field_does() {
        let texts = [(Field::Description, "Tea for teapots".to_owned()), (Field::Title, "Teapot".to_owned())];
        let terms = terms(&texts);
        assert_eq!(terms.get("teapot"), Some(&100));
        assert_eq!(terms.get("=teapot"), Some(&100));
        assert_eq!(terms.get("teapots"), Some(&10));
        assert_eq!(terms.get("tea"), Some(&10));
        let long = [(Field::Description, (0..10_000).map(|n| format!("w{n} ")).collect::<String>())];
        assert!(super::terms(&long).len() <= MAX_TERMS + 1);
    }
}
