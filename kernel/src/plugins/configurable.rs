//! Settings held against the plugin's own word: the optional interface `kassa:plugin/configurable`.

use super::bindings::configurable::Mistake as Told;
use super::call::Abandoned;
use super::fault::Stopped;
use super::schema::{DETAIL_CHARACTERS, MOST};
use super::{Bound, CallError, Host, Mistake, is_invisible};

/// The interface, without its version.
pub(super) const INTERFACE: &str = "kassa:plugin/configurable";
const POINTER_CHARACTERS: usize = 300;

impl Host {
    /// What the plugin itself finds wrong with the settings that it is bound with; nothing where it exports no function for that.
    pub async fn validate_settings(&self, bound: &Bound) -> Result<Vec<Mistake>, CallError> {
        if !bound.component().package.configurable {
            return Ok(Vec::new());
        }
        let settings = bound.settings().clone();
        let called = self.call::<Result<(), Vec<Told>>, _>(
            bound,
            None,
            Abandoned::Stops,
            move |mut store, plugin| {
                Box::pin(async move {
                    let plugin = plugin.configurable().ok_or(Stopped::WrongDomain)?;
                    let plugin = plugin.instantiate_async(&mut store).await?;
                    plugin.kassa_plugin_configurable().call_validate_settings(&mut store, &settings).await.map(Ok)
                })
            },
            |answer| match answer {
                Err(mistakes) if mistakes.is_empty() => Err("it refuses settings and names no mistake".into()),
                _ => Ok(()),
            },
        );
        Ok(called.await?.value.err().unwrap_or_default().into_iter().take(MOST).map(fit_to_show).collect())
    }
}

/// A mistake as it may be shown and logged.
fn fit_to_show(told: Told) -> Mistake {
    let pointer = if is_pointer(&told.pointer) { told.pointer } else { String::new() };
    let mut detail = String::new();
    let mut left = DETAIL_CHARACTERS;
    for c in told.detail.chars() {
        let shown = if is_invisible(c) { c.escape_unicode().to_string() } else { c.to_string() };
        // An escape is not cut in its middle.
        match left.checked_sub(shown.chars().count()) {
            Some(rest) => left = rest,
            None => break,
        }
        detail += &shown;
    }
    Mistake { pointer, detail }
}

/// RFC 6901: empty, or parts that each begin with a slash, where `~` stands before 0 or 1 only.
fn is_pointer(text: &str) -> bool {
    let escapes_fit = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/'))
        && escapes_fit
        && text.chars().count() <= POINTER_CHARACTERS
        && !text.chars().any(is_invisible)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_tells_is_made_fit_to_be_shown() {
        let (long, cut) = ("x".repeat(DETAIL_CHARACTERS + 1), "x".repeat(DETAIL_CHARACTERS));
        let deep = format!("/{}", "a".repeat(POINTER_CHARACTERS));
        // An escape that does not fit whole is left out.
        let escape_at_the_end = format!("{}\u{202e}y", "x".repeat(DETAIL_CHARACTERS - 3));
        let (plain, without_escape) = ("wrong", "x".repeat(DETAIL_CHARACTERS - 3));
        for (pointer, detail, expected_pointer, expected_detail) in [
            ("/a/0/~0b~1c", "must rise", "/a/0/~0b~1c", "must rise"),
            ("", plain, "", plain),
            ("/", plain, "/", plain),
            ("a/0", plain, "", plain),
            ("/a~", plain, "", plain),
            ("/a~2", plain, "", plain),
            ("/a\n/b", plain, "", plain),
            ("/a\u{200b}", plain, "", plain),
            (&deep, plain, "", plain),
            ("/a", "one\ntwo\u{202e}\u{0}", "/a", "one\\u{a}two\\u{202e}\\u{0}"),
            ("/a", &long, "/a", &cut),
            ("/a", &escape_at_the_end, "/a", &without_escape),
            ("/a", "<b>é</b>", "/a", "<b>é</b>"),
        ] {
            let told = Told { pointer: pointer.to_owned(), detail: detail.to_owned() };
            let expected = Mistake { pointer: expected_pointer.to_owned(), detail: expected_detail.to_owned() };
            assert_eq!(fit_to_show(told), expected);
        }
    }
}
