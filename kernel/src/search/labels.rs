//! What the merchant finds any product by, whether shoppers see it or not: beginnings of the words of its title, SKUs, barcodes,
//! vendor and tags. No stems and no typos: who keeps a catalog looks for what stands there.

use std::collections::BTreeSet;

use super::analysis::{Field, chunks};
use super::store;

/// Of one product.
const MAX_LABELS: usize = 1_000;
/// Words of a search that are looked at.
const MAX_WORDS: usize = 8;

/// The labels of a product.
pub(super) fn labels(texts: &[(Field, String)]) -> BTreeSet<String> {
    let mut texts: Vec<_> = texts.iter().filter(|(field, _)| is_label(*field)).collect();
    texts.sort_by_key(|(field, _)| *field);
    let words =
        texts.iter().flat_map(|(_, text)| chunks(text)).flat_map(|chunk| chunk.parts.into_iter().chain(chunk.whole));
    let mut labels = BTreeSet::new();
    for word in words {
        if labels.len() >= MAX_LABELS {
            break;
        }
        labels.insert(word);
    }
    labels
}

/// For each word of `q`, between which labels what begins with it stands: the first included, the second not. Empty where `q` has no
/// word.
pub fn label_ranges(q: &str) -> Vec<(String, String)> {
    let words = chunks(q).into_iter().flat_map(|chunk| chunk.parts).take(MAX_WORDS);
    words.map(|word| (word.clone(), store::end_of(&word))).collect()
}

fn is_label(field: Field) -> bool {
    match field {
        Field::Title | Field::Code | Field::Label => true,
        Field::Class | Field::Description => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_words_of_what_a_product_is_called() {
        let texts = [
            (Field::Title, "Crème, Grün".to_owned()),
            (Field::Code, "TEA-100".to_owned()),
            (Field::Description, "Smooth".to_owned()),
        ];
        let labels = labels(&texts);
        assert_eq!(labels.iter().collect::<Vec<_>>(), ["100", "creme", "grun", "tea", "tea100"]);
        let found = |q: &str| {
            let ranges = label_ranges(q);
            !ranges.is_empty() && ranges.iter().all(|(from, to)| labels.iter().any(|label| label >= from && label < to))
        };
        for (q, expected) in [
            ("crè", true),
            ("TEA-1", true),
            ("100 gru", true),
            ("tea100", true),
            ("eme", false),
            ("tea black", false),
            ("#", false),
        ] {
            assert_eq!(found(q), expected, "{q}");
        }
    }
}
