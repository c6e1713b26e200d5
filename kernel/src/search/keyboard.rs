//! Two alphabets on one keyboard: letters that look alike, and words typed with the other layout switched on.

/// Latin letters and the Cyrillic ones that look like them.
const LOOK_ALIKES: &[(char, char)] = &[
    ('a', 'а'),
    ('b', 'в'),
    ('c', 'с'),
    ('e', 'е'),
    ('h', 'н'),
    ('k', 'к'),
    ('m', 'м'),
    ('o', 'о'),
    ('p', 'р'),
    ('t', 'т'),
    ('x', 'х'),
    ('y', 'у'),
];

/// The same keys under an American and a Russian layout.
const LATIN_KEYS: &str = "`qwertyuiop[]asdfghjkl;'zxcvbnm,.";
const CYRILLIC_KEYS: &str = "ёйцукенгшщзхъфывапролджэячсмитьбю";

/// A folded word in one alphabet: where it has letters of both, and those of the rarer one look like letters of the
/// other. Which one was meant is what most letters say; a tie is Cyrillic, where nearly all such words come from.
pub(super) fn unmixed(word: &str) -> String {
    let latin = word.chars().filter(char::is_ascii_lowercase).count();
    let cyrillic = word.chars().filter(|c| is_cyrillic(*c)).count();
    if latin == 0 || cyrillic == 0 {
        return word.to_owned();
    }
    let to_latin = |c: char| LOOK_ALIKES.iter().find(|(_, to)| *to == c).map(|(from, _)| *from);
    let to_cyrillic = |c: char| LOOK_ALIKES.iter().find(|(from, _)| *from == c).map(|(_, to)| *to);
    let mended: Option<String> = if latin > cyrillic {
        word.chars().map(|c| if is_cyrillic(c) { to_latin(c) } else { Some(c) }).collect()
    } else {
        word.chars().map(|c| if c.is_ascii_lowercase() { to_cyrillic(c) } else { Some(c) }).collect()
    };
    mended.unwrap_or_else(|| word.to_owned())
}

/// What the same keys give under the other layout: `ghbdtn` is `привет`, `еуф` is `tea`. None where no key differs.
pub(super) fn switched(typed: &str) -> Option<String> {
    let typed = typed.to_lowercase();
    let (from, to) =
        if typed.chars().any(is_cyrillic) { (CYRILLIC_KEYS, LATIN_KEYS) } else { (LATIN_KEYS, CYRILLIC_KEYS) };
    let key = |c: char| from.chars().zip(to.chars()).find(|(from, _)| *from == c).map_or(c, |(_, to)| to);
    let switched: String = typed.chars().map(key).collect();
    (switched != typed).then_some(switched)
}

fn is_cyrillic(c: char) -> bool {
    matches!(c, 'а'..='я' | 'ё')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_are_mended_where_all_of_them_can_be() {
        for (word, expected) in [
            // A Latin `o` in a Cyrillic word, and a Cyrillic `с` in a Latin one.
            ("кoфе", "кофе"),
            ("сoffee", "coffee"),
            ("кофе", "кофе"),
            ("coffee", "coffee"),
            // No letter of the other alphabet looks like `w` or `ж`.
            ("wжa", "wжa"),
            ("250мл", "250мл"),
        ] {
            assert_eq!(unmixed(word), expected, "{word}");
        }
    }

    #[test]
    fn keys_have_two_letters_each() {
        assert_eq!(LATIN_KEYS.chars().count(), CYRILLIC_KEYS.chars().count());
        for (typed, expected) in [
            ("ghbdtn", Some("привет")),
            ("Xfq", Some("чай")),
            (",fyrf", Some("банка")),
            ("еуф", Some("tea")),
            ("rjat250", Some("кофе250")),
            ("100", None),
        ] {
            assert_eq!(switched(typed).as_deref(), expected, "{typed}");
        }
    }
}
