//! Codes of gift cards.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::id;

/// Crockford's base 32: without I, L, O and U, which are read as others.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// 100 random bits. The last four characters are kept in the open, and 80 bits are left to guess.
const CHARACTERS: usize = 20;

/// What is typed, with hyphens and spaces, at most. The longest code in groups of one has 79.
pub const MAX_TYPED: usize = 100;

/// The code of a gift card, as it is compared: upper case, without hyphens and spaces, O as 0, I and L as 1.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    pub fn random() -> Self {
        Self(id::random_bytes::<CHARACTERS>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).iter().collect())
    }

    /// What a person typed, or another shop gave out: 16 to 40 letters and digits.
    pub fn parse(text: &str) -> Option<Self> {
        if text.chars().nth(MAX_TYPED).is_some() {
            return None;
        }
        let typed = text.chars().filter(|character| *character != '-' && !character.is_whitespace());
        let read = typed.map(|character| match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            character => character,
        });
        let code: String = read.take(41).collect();
        let fits = (16..=40).contains(&code.len()) && code.chars().all(|character| character.is_ascii_alphanumeric());
        fits.then_some(Self(code))
    }

    /// For its holder, in groups of four.
    pub fn shown(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        characters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join("-")
    }

    /// Plain SHA-256: so many random bits leave nothing to guess that a slow hash would have to protect.
    pub(super) fn hash(&self) -> Vec<u8> {
        digest(&SHA256, self.0.as_bytes()).as_ref().to_vec()
    }

    /// What people tell their cards apart by.
    pub(super) fn last_four(&self) -> String {
        self.0.chars().skip(self.0.len().saturating_sub(4)).collect()
    }
}

/// It is money: never in a log.
impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Code(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let code = Code::parse("0123-4567-89AB-CDEF").expect("a code");
        for text in ["o123 4567 89ab cdef", "0123456789abcdef", " 0i23-4567-89AB-CDEF\n", "0L23-4567-89AB-CDEF"] {
            assert_eq!(Code::parse(text), Some(code.clone()), "{text}");
        }
        assert_eq!((code.shown().as_str(), code.last_four().as_str()), ("0123-4567-89AB-CDEF", "CDEF"));
        let drawn_out = "0123-4567-89AB-CDEF".to_owned() + &"-".repeat(MAX_TYPED - 19);
        assert_eq!(Code::parse(&drawn_out), Some(code));
        let longer = drawn_out + "-";
        for text in ["", "0123-4567-89AB-CDE", "0123-4567-89AB-CDEÜ", &"A".repeat(41), "0123-4567-89AB-CDE!", &longer]
        {
            assert_eq!(Code::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_random_code_is_read_back_and_never_logged() {
        let (one, other) = (Code::random(), Code::random());
        assert_ne!(one, other);
        assert_eq!(Code::parse(&one.shown()), Some(one.clone()));
        assert_eq!(one.0.len(), CHARACTERS);
        assert_ne!(one.hash(), other.hash());
        assert_eq!(format!("{one:?}"), "Code(…)");
    }
}
