//! What one plugin of several offers, by name.

use std::fmt;
use std::str::FromStr;

/// Names what a plugin offers: a delivery option or a payment method. Written `plugin:code`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OptionId {
    pub plugin: String,
    pub code: String,
}

impl fmt::Display for OptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.plugin, self.code)
    }
}

impl FromStr for OptionId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (plugin, code) = text.split_once(':').ok_or(())?;
        let plain = |part: &str| (1..=64).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_graphic());
        if plain(plugin) && plain(code) {
            Ok(Self { plugin: plugin.to_owned(), code: code.to_owned() })
        } else {
            Err(())
        }
    }
}
