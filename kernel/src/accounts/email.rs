//! E-mail addresses.

use email_address::{EmailAddress, Options};

/// Longest address, in bytes (RFC 5321 leaves 254 for it in a path).
const MAX_LEN: usize = 254;

/// Where the addresses of erased accounts are (`accounts::privacy`): nobody's for ever, and so nobody registers there.
pub(super) const ERASED_DOMAIN: &str = "erased.invalid";

/// An address that mail can be sent to, as it was written, and the key that accounts are found by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Email {
    address: String,
    key: String,
}

/// The text is no e-mail address that the shop takes.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be an e-mail address of at most {MAX_LEN} characters")]
pub struct InvalidEmail;

impl Email {
    /// Takes `text` as an address, spaces around it apart.
    ///
    /// Stricter than the standard: no display name, no quoted local part, no IP address for a domain. Nobody shops with those,
    /// and they are what header injection and look-alike accounts are made of.
    pub fn parse(text: &str) -> Result<Self, InvalidEmail> {
        let options = Options { minimum_sub_domains: 2, allow_domain_literal: false, allow_display_text: false };
        let text = text.trim();
        let odd =
            |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | '\\' | '(' | ')' | '<' | '>' | ',');
        if text.len() > MAX_LEN || text.chars().any(odd) {
            return Err(InvalidEmail);
        }
        let email = EmailAddress::parse_with_options(text, options).map_err(|_| InvalidEmail)?;
        let key = Self::key_of(text);
        if key.rsplit_once('@').is_some_and(|(_, domain)| domain == ERASED_DOMAIN) {
            return Err(InvalidEmail);
        }
        Ok(Self { address: email.as_str().to_owned(), key })
    }

    /// What accounts are found by: without spaces around it, lower-case. Applied to any text: a login with something that is no
    /// address fails like one with an unknown address.
    ///
    /// Dots and `+tags` stay: whether they mean the same mailbox is for its provider to say.
    pub fn key_of(text: &str) -> String {
        text.trim().to_lowercase()
    }

    pub fn key(&self) -> &str {
        &self.key
    }

    pub fn as_str(&self) -> &str {
        &self.address
    }

    /// What stands behind the `@`.
    pub fn domain(&self) -> &str {
        self.address.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_kept_as_written_and_found_in_any_case() {
        for (text, address, key) in [
            ("Ada@Example.org", "Ada@Example.org", "ada@example.org"),
            ("  ada+shop@example.org ", "ada+shop@example.org", "ada+shop@example.org"),
            ("ДОМ@пример.рф", "ДОМ@пример.рф", "дом@пример.рф"),
        ] {
            let email = Email::parse(text).expect(text);
            assert_eq!((email.as_str(), email.key()), (address, key));
        }
        assert_eq!(Email::parse("ada@mail.example.org").expect("valid").domain(), "mail.example.org");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@{}.org", "a".repeat(64), "b.".repeat(100));
        for text in [
            "",
            " ",
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "ada@@example.org",
            "ada example@example.org",
            "Ada <ada@example.org>",
            "<ada@example.org>",
            "\"a b\"@example.org",
            "ada@[127.0.0.1]",
            "ada@example.org\r\nBcc: eve@example.org",
            "ada@example.org,eve@example.org",
            "erased-0@erased.invalid",
            "erased-0@Erased.INVALID",
            &long,
        ] {
            assert_eq!(Email::parse(text), Err(InvalidEmail), "{text:?}");
        }
    }
}
