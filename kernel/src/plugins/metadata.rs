//! What a plugin says of itself in the sections that WebAssembly tools share (`wasm-tools metadata`): name, version,
//! description, authors, licences, where it comes from.
//!
//! Read by hand and not with the crate `wasm-metadata`: each is one custom section of plain text, and what is in it must
//! pass our own rules anyway, since it is shown to people who judge the plugin by it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wasmparser::{BinaryReader, ComponentName, ComponentNameSectionReader};

use super::answer;
use super::package::PackageError;
use super::registry::RESERVED_NAME;

/// The section with the component's name has parts; all others are one text each.
const NAME: &str = "component-name";
const TEXT_CHARACTERS: usize = 500;

/// What a plugin says of itself. Nobody checks that it is true; a signature tells who said it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// 1 to 64 characters of `a-z 0-9 -`.
    pub name: String,
    /// Semantic version: `1.2.3`, `1.0.0-beta.1`; at most 64 characters.
    pub version: String,
    /// One sentence for the merchant. This and what follows: one line of 1 to 500 characters.
    pub description: Option<String>,
    /// Who made it, with commas between them.
    pub authors: Option<String>,
    /// SPDX expression: `MIT OR Apache-2.0`.
    pub licenses: Option<String>,
    /// URL of the source code.
    pub source: Option<String>,
    /// URL of its page.
    pub homepage: Option<String>,
    /// Which revision of the source it was made of.
    pub revision: Option<String>,
}

impl Metadata {
    /// Reads it from the custom sections of the outer component, by name. Where a tool wrote a section twice, `sections` has
    /// the last: that is how they change one.
    pub(super) fn read(sections: &BTreeMap<&str, &[u8]>) -> Result<Self, PackageError> {
        let name = component_name(sections.get(NAME).copied().unwrap_or_default())?;
        let name = name.ok_or(PackageError::Unnamed { what: "name", section: NAME })?;
        answer::code("the name", &name).map_err(PackageError::BadMetadata)?;
        if name == RESERVED_NAME {
            return Err(PackageError::BadMetadata(format!("the name {RESERVED_NAME} is the kernel's own")));
        }
        let text = |section| text(sections, section);
        let version = text("version")?.ok_or(PackageError::Unnamed { what: "version", section: "version" })?;
        if !is_semantic_version(&version) {
            let wrong = format!("the version {} is not like 1.2.3", answer::shown(&version));
            return Err(PackageError::BadMetadata(wrong));
        }
        Ok(Self {
            name,
            version,
            description: text("description")?,
            authors: text("authors")?,
            licenses: text("licenses")?,
            source: url(sections, "source")?,
            homepage: url(sections, "homepage")?,
            revision: text("revision")?,
        })
    }
}

/// The component's own name; the section may name its parts, too.
fn component_name(section: &[u8]) -> Result<Option<String>, PackageError> {
    let mut found = None;
    for part in ComponentNameSectionReader::new(BinaryReader::new(section, 0)) {
        if let ComponentName::Component { name, .. } = part? {
            found = Some(name.to_owned());
        }
    }
    Ok(found)
}

fn text(sections: &BTreeMap<&str, &[u8]>, section: &str) -> Result<Option<String>, PackageError> {
    let Some(bytes) = sections.get(section) else { return Ok(None) };
    let wrong = |rule: &str| PackageError::BadMetadata(format!("the section `{section}` {rule}"));
    let text = str::from_utf8(bytes).map_err(|_| wrong("is not text"))?;
    answer::one_to_characters(&format!("the section `{section}`"), text, TEXT_CHARACTERS)
        .map_err(PackageError::BadMetadata)?;
    if text.chars().any(answer::is_invisible) {
        return Err(wrong("has characters that are not seen"));
    }
    Ok(Some(text.to_owned()))
}

/// Pages link to it, so nothing but a web address will do.
fn url(sections: &BTreeMap<&str, &[u8]>, section: &str) -> Result<Option<String>, PackageError> {
    let text = text(sections, section)?;
    if text.as_ref().is_some_and(|text| !text.starts_with("https://") && !text.starts_with("http://")) {
        return Err(PackageError::BadMetadata(format!("the section `{section}` is not a URL of http or https")));
    }
    Ok(text)
}

/// The grammar of semver.org, without reading it into a type: nothing here compares versions.
fn is_semantic_version(text: &str) -> bool {
    fn number(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
    }
    fn words(text: &str, valid: fn(&str) -> bool) -> bool {
        text.split('.')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && valid(word))
    }
    if text.len() > 64 {
        return false;
    }
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, before) = rest.split_once('-').map_or((rest, None), |(core, before)| (core, Some(before)));
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers.into_iter().all(number)
        && build.is_none_or(|build| words(build, |_| true))
        && before.is_none_or(|b| words(b, |word| !word.bytes().all(|b| b.is_ascii_digit()) || number(word)))
}

#[cfg(test)]
mod tests {
    use super::super::build::name_section;
    use super::*;

    fn read(name: &str, sections: &[(&str, &str)]) -> Result<Metadata, PackageError> {
        let name = name_section(name);
        let mut all: BTreeMap<&str, &[u8]> =
            BTreeMap::from([(NAME, name.as_slice()), ("version", b"1.0.0".as_slice())]);
        all.extend(sections.iter().map(|(section, text)| (*section, text.as_bytes())));
        Metadata::read(&all)
    }

    #[test]
    fn a_name_and_a_version_are_needed_and_the_rest_is_not() {
        let read_name = read("pricing-standard", &[]).expect("in order");
        assert_eq!((read_name.name.as_str(), read_name.version.as_str()), ("pricing-standard", "1.0.0"));
        assert_eq!(read_name.authors, None);
        let unnamed = BTreeMap::from([("version", b"1.0.0".as_slice())]);
        assert_eq!(Metadata::read(&unnamed), Err(PackageError::Unnamed { what: "name", section: NAME }));
        let name = name_section("a");
        let no_version = BTreeMap::from([(NAME, name.as_slice())]);
        assert_eq!(Metadata::read(&no_version), Err(PackageError::Unnamed { what: "version", section: "version" }));
        let broken = BTreeMap::from([(NAME, &name[..2]), ("version", b"1.0.0".as_slice())]);
        assert!(matches!(Metadata::read(&broken), Err(PackageError::Malformed(_))));
    }

    #[test]
    fn names_and_versions_are_checked() {
        assert!(read("pricing-standard", &[("version", "1.0.0-beta.1+b7")]).is_ok());
        for (name, version) in [
            ("", "1.0.0"),
            ("Pricing", "1.0.0"),
            ("a_b", "1.0.0"),
            ("a", "1.0"),
            ("a", "01.0.0"),
            ("a", "1.0.0-"),
            ("a", "1.0.0-01"),
            ("a", "1.0.0 "),
        ] {
            let refused = read(name, &[("version", version)]);
            assert!(matches!(refused, Err(PackageError::BadMetadata(_))), "{name:?} {version:?}");
        }
    }

    #[test]
    fn texts_are_one_line_and_addresses_are_of_the_web() {
        let long = "x".repeat(TEXT_CHARACTERS + 1);
        for section in ["description", "authors", "licenses", "source", "homepage", "revision"] {
            let prefix = if matches!(section, "source" | "homepage") { "https://example.org/" } else { "" };
            assert!(read("a", &[(section, &format!("{prefix}x"))]).is_ok(), "{section}");
            for wrong in ["", "two\nlines", "\u{1b}[31mred", "\u{9b}2J", "a\u{202e}b", "a\u{2028}b", &long] {
                let refused = read("a", &[(section, wrong)]);
                assert!(matches!(refused, Err(PackageError::BadMetadata(_))), "{section} {wrong:?}");
            }
        }
        for section in ["source", "homepage"] {
            assert!(read("a", &[(section, "javascript:alert(1)")]).is_err(), "{section}");
        }
    }
}
