//! One typo: a letter too many, too few, another, or two that changed places.
//!
//! Two words that are one typo apart have a word in common among themselves and what is left of them without one letter
//! (symmetric deletion): so a few look-ups by key find the candidates among all words that were ever indexed, whichever
//! letter is wrong, the first one too. What they share is necessary, not sufficient; [`is_one_apart`] decides.

/// Shortest word that may have a typo: among shorter ones, everything is one letter from something else.
const MIN_TYPED: usize = 4;
/// Shortest word that one with a typo may mean: `teea` has a letter too many.
const MIN_MEANT: usize = MIN_TYPED - 1;
/// Longest word: each costs a row for each of its letters.
const MAX_LETTERS: usize = 24;

/// Whether a typo is looked for in a word that was typed: it has letters only, and enough of them. A wrong digit is another number.
pub(super) fn applies_to(typed: &str) -> bool {
    has_letters(typed, MIN_TYPED)
}

/// Whether a word that is in the index may be what somebody meant.
pub(super) fn may_be_meant(word: &str) -> bool {
    has_letters(word, MIN_MEANT)
}

fn has_letters(word: &str, least: usize) -> bool {
    (least..=MAX_LETTERS).contains(&word.chars().count()) && word.chars().all(char::is_alphabetic)
}

/// The word, and what is left of it without one of its letters; each once.
pub(super) fn deletions(word: &str) -> Vec<String> {
    let without = |(at, letter): (usize, char)| format!("{}{}", &word[..at], &word[at + letter.len_utf8()..]);
    let mut deletions: Vec<_> = std::iter::once(word.to_owned()).chain(word.char_indices().map(without)).collect();
    deletions.sort_unstable();
    deletions.dedup();
    deletions
}

/// Whether one typo makes one of the words into the other.
pub(super) fn is_one_apart(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let same_head = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let (one, other) = (&one[same_head..], &other[same_head..]);
    let same_tail = one.iter().rev().zip(other.iter().rev()).take_while(|(a, b)| a == b).count();
    match (&one[..one.len() - same_tail], &other[..other.len() - same_tail]) {
        ([_], [] | [_]) | ([], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_one_typo_apart_meet() {
        for (typed, meant, expected) in [
            ("cofee", "coffee", true),
            ("cooffee", "coffee", true),
            ("toffee", "coffee", true),
            ("ocffee", "coffee", true),
            ("coffe", "coffee", true),
            ("кофн", "кофе", true),
            ("чсай", "чай", true),
            ("coffee", "coffee", false),
            ("cfofe", "coffee", false),
            ("tea", "coffee", false),
            ("abcd", "badc", false),
        ] {
            assert_eq!(is_one_apart(typed, meant), expected, "{typed} {meant}");
            assert_eq!(is_one_apart(meant, typed), expected, "{meant} {typed}");
            let met = deletions(typed).iter().any(|deletion| deletions(meant).contains(deletion));
            assert!(met || !expected, "{typed} {meant}");
        }
    }

    #[test]
    fn short_words_and_numbers_have_no_typos() {
        for (word, expected) in [("tea", false), ("чашка", true), ("mugs", true), ("2000", false), ("p0001", false)]
        {
            assert_eq!(applies_to(word), expected, "{word}");
        }
        for (word, expected) in [("te", false), ("tea", true), ("чай", true), ("300", false)] {
            assert_eq!(may_be_meant(word), expected, "{word}");
        }
        assert_eq!(deletions("aab"), ["aa", "aab", "ab"]);
    }
}
