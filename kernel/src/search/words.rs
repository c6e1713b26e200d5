//! From what a shopper typed to the terms that are looked up.
//!
//! Each word is looked for as it stands, by its stem and, the last one, as the beginning of a word. Only where none of
//! that is in the index, another reading is tried: first the other keyboard layout, then one typo. So a word that exists
//! is never taken for another.

use std::collections::{BTreeMap, BTreeSet};

use super::store::{self, Term};
use super::{analysis, keyboard, typos};
use crate::db::{Conn, Result};

/// Words looked at. Who types more has named the thing by then.
const MAX_WORDS: usize = 8;
/// Shortest prefix: with a single letter, a third of the shop begins.
const MIN_PREFIX: usize = 2;
/// Words that a typo may have meant.
const MAX_MEANT: usize = 10;
/// Words that have a deletion in common with a typo, of which most are not one letter away.
const MAX_NEAR: u32 = 200;

/// How much a match counts, times the weight of the field. A typo in a title (200) is worth more than the exact word in
/// a description (80).
const EXACT: i64 = 8;
const STEM: i64 = 6;
const PREFIX: i64 = 4;
const TYPO: i64 = 2;

/// Words that say nothing beside others. Alone, they are searched for.
const STOP_WORDS: &[&str] = &[
    "a", "an", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with", "без", "в", "во", "для",
    "до", "за", "и", "из", "или", "к", "на", "о", "об", "от", "по", "под", "при", "с", "со", "у",
];

/// A term that is looked up for a word, and what finding it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Which word of the search it stands for; the best of its terms counts. Wholes come after the words.
    pub word: i64,
    pub term: Term,
    pub factor: i64,
}

/// What a search comes down to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub wanted: Vec<Wanted>,
    /// How many words a product must have to match in full.
    pub words: i64,
    /// How many words that are put together were typed. Having them whole only raises a product.
    pub wholes: i64,
}

/// A word as typed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Word {
    text: String,
    /// Perhaps not typed to its end.
    open: bool,
}

/// What stands between two spaces: the words of it, and the whole where it is put together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Piece {
    typed: String,
    words: Vec<Word>,
    whole: Option<String>,
}

/// Finds out what `q` asks for, in at most three statements.
pub(super) async fn plan(conn: &mut Conn, q: &str) -> Result<Plan> {
    let mut pieces = pieces(q);
    let mut known = Known::default();
    known.look_up(conn, &pieces).await?;
    let switched: Vec<_> = pieces.iter().map(|piece| piece.switched().filter(|_| !known.has_all(piece))).collect();
    let others: Vec<_> = switched.iter().flatten().cloned().collect();
    known.look_up(conn, &others).await?;
    for (piece, switched) in pieces.iter_mut().zip(switched) {
        if let Some(switched) = switched.filter(|switched| known.has_all(switched)) {
            *piece = switched;
        }
    }
    let unknown = pieces.iter().flat_map(|piece| &piece.words).filter(|word| !known.has(word));
    let meant = find_meant(conn, unknown.map(|word| word.text.as_str()).collect()).await?;
    Ok(to_plan(&pieces, &meant))
}

fn pieces(q: &str) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = q.split_whitespace().flat_map(Piece::read).collect();
    let mut seen = BTreeSet::new();
    let telling = |word: &Word| !STOP_WORDS.contains(&word.text.as_str());
    let only_stop_words = !pieces.iter().flat_map(|piece| &piece.words).any(telling);
    if let Some(last) = pieces.last_mut().and_then(|piece| piece.words.last_mut()) {
        last.open = last.text.chars().count() >= MIN_PREFIX;
    }
    for piece in &mut pieces {
        // The last word may become another yet: `for` is how `forest` begins.
        piece.words.retain(|word| {
            (only_stop_words || word.open || telling(word)) && seen.len() < MAX_WORDS && seen.insert(word.text.clone())
        });
    }
    pieces
}

impl Piece {
    /// More than one where it holds what separates words, a comma say.
    fn read(typed: &str) -> Vec<Self> {
        let word = |text: String| Word { text, open: false };
        let piece = |chunk: analysis::Chunk| Self {
            typed: typed.to_owned(),
            words: chunk.parts.into_iter().map(word).collect(),
            whole: chunk.whole,
        };
        analysis::chunks(typed).into_iter().map(piece).collect()
    }

    /// As it would read had the other layout been switched on.
    fn switched(&self) -> Option<Self> {
        let open = self.words.last()?.open;
        let mut pieces = Self::read(&keyboard::switched(&self.typed)?);
        let mut piece = pieces.pop().filter(|_| pieces.is_empty())?;
        piece.words.last_mut()?.open = open;
        Some(piece)
    }
}

impl Word {
    /// What the word is found by, best first.
    fn terms(&self) -> Vec<(Term, i64)> {
        let exact = (Term::Exact(self.text.clone()), EXACT);
        let stem = analysis::stem(&self.text).map(|stem| (Term::Exact(stem), STEM));
        let prefix = self.open.then(|| (Term::Prefix(self.text.clone()), PREFIX));
        [Some(exact), stem, prefix].into_iter().flatten().collect()
    }
}

/// Words of which it is known whether the index has them.
#[derive(Default)]
struct Known(Vec<Word>);

impl Known {
    async fn look_up(&mut self, conn: &mut Conn, pieces: &[Piece]) -> Result<()> {
        let words = pieces.iter().flat_map(|piece| &piece.words);
        let (owners, terms): (Vec<_>, Vec<_>) =
            words.flat_map(|word| word.terms().into_iter().map(move |(term, _)| (word, term))).unzip();
        let places = store::known_terms(conn, &terms).await?;
        self.0.extend(places.into_iter().filter_map(|place| owners.get(place).map(|word| (*word).clone())));
        Ok(())
    }

    fn has(&self, word: &Word) -> bool {
        self.0.contains(word)
    }

    fn has_all(&self, piece: &Piece) -> bool {
        piece.words.iter().all(|word| self.has(word))
    }
}

/// For each word, those of the index that are one typo away.
async fn find_meant(conn: &mut Conn, mut words: Vec<&str>) -> Result<BTreeMap<String, Vec<String>>> {
    words.retain(|word| typos::applies_to(word));
    let mut meant = BTreeMap::new();
    if words.is_empty() {
        return Ok(meant);
    }
    let mut deletions: Vec<_> = words.iter().flat_map(|word| typos::deletions(word)).collect();
    deletions.sort_unstable();
    deletions.dedup();
    let near = store::words_near(conn, &deletions, MAX_NEAR).await?;
    for word in words {
        let one_apart = near.iter().filter(|near| typos::is_one_apart(word, near)).take(MAX_MEANT).cloned();
        meant.insert(word.to_owned(), one_apart.collect());
    }
    Ok(meant)
}

fn to_plan(pieces: &[Piece], meant: &BTreeMap<String, Vec<String>>) -> Plan {
    let mut plan = Plan::default();
    for word in pieces.iter().flat_map(|piece| &piece.words) {
        let meant = meant.get(&word.text).into_iter().flatten();
        // With its other forms.
        let forms = meant.flat_map(|meant| [Some(meant.clone()), analysis::stem(meant)]).flatten();
        let typos = forms.map(|form| (Term::Exact(form), TYPO));
        let wanted = |(term, factor)| Wanted { word: plan.words, term, factor };
        plan.wanted.extend(word.terms().into_iter().chain(typos).map(wanted));
        plan.words += 1;
    }
    // The SKU itself comes before the one that only has the same parts.
    for whole in pieces.iter().filter_map(|piece| piece.whole.clone()) {
        plan.wanted.push(Wanted { word: plan.words + plan.wholes, term: Term::Exact(whole), factor: EXACT });
        plan.wholes += 1;
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(q: &str) -> String {
        let word = |word: &Word| format!("{}{}", word.text, if word.open { "*" } else { "" });
        pieces(q).iter().flat_map(|piece| &piece.words).map(word).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_last_word_is_open_and_stop_words_say_nothing() {
        for (q, expected) in [
            ("Earl Grey", "earl grey*"),
            ("tea and coffee", "tea coffee*"),
            ("Чай для чайника", "чай чайника*"),
            ("the", "the*"),
            ("tea for", "tea for*"),
            ("tea tea", "tea"),
            ("tea,coffee t-shirt", "tea coffee t shirt*"),
            ("vitamin c", "vitamin c"),
            ("a b c d e f g h i j", "b c d e f g h i"),
            ("%", ""),
        ] {
            assert_eq!(words(q), expected, "{q}");
        }
    }

    #[test]
    fn a_word_counts_once_and_a_whole_only_raises() {
        let meant = BTreeMap::from([("shrit".to_owned(), vec!["shirt".to_owned()])]);
        let plan = to_plan(&pieces("t-shrit"), &meant);
        assert_eq!(plan.words, 2);
        let of_second: Vec<_> = plan.wanted.iter().filter(|wanted| wanted.word == 1).collect();
        assert_eq!(of_second.iter().map(|wanted| wanted.factor).collect::<Vec<_>>(), [EXACT, STEM, PREFIX, TYPO, TYPO]);
        let whole = plan.wanted.last().unwrap();
        assert_eq!((plan.wholes, whole.word, &whole.term), (1, 2, &Term::Exact("tshrit".into())));
    }

    #[test]
    fn a_piece_is_switched_as_typed() {
        let piece = pieces(",fyrf").pop().unwrap();
        let switched = piece.switched().unwrap();
        assert_eq!(switched.words, [Word { text: "банка".into(), open: true }]);
    }
}
