//! A component that any tool made becomes a plugin file: what it says of itself is written into it.

use std::path::Path;

use serde_json::{Map, Value};

use super::Manifest;
use super::build::{MANIFEST_SECTION, NAME_SECTION, Section, append_custom_section, settings_schema, text_sections};
use super::package::{PackageError, check_header};

/// What a description may say beside the manifest: its fields, and the sections that they go to.
const TEXTS: [(&str, &str); 7] = [
    ("name", NAME_SECTION),
    ("version", "version"),
    ("description", "description"),
    ("authors", "authors"),
    ("licenses", "licenses"),
    ("source", "source"),
    ("homepage", "homepage"),
];

/// Why there is no plugin file. The texts are for the person who packs it.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackError {
    /// The component, or what is to be written into it, is not what a shop takes.
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("{0}")]
    Description(String),
    #[error("{wrong}; beside the manifest's own fields there are {}", TEXTS.map(|(field, _)| field).join(", "))]
    Manifest { wrong: PackageError },
}

/// Writes `description` into `component`: the texts that WebAssembly tools know, and what is left of it as the manifest. Sections that
/// it writes and that are there already are replaced; what it does not say stays as the component has it. A `settings` that is a text
/// names a file with the schema, below `folder`.
///
/// What comes of it is not read here: an upload is judged by [`Package::read`](super::Package::read), and so is this.
pub fn pack(component: &[u8], description: Map<String, Value>, folder: &Path) -> Result<Vec<u8>, PackError> {
    check_header(component)?;
    let sections = sections(description, folder)?;
    let names: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
    let mut packed = without(component, &names)
        .ok_or_else(|| PackageError::Malformed("its last section is cut off, or has no name".to_owned()))?;
    for (name, data) in sections {
        append_custom_section(&mut packed, name, &data);
    }
    Ok(packed)
}

fn sections(mut description: Map<String, Value>, folder: &Path) -> Result<Vec<Section>, PackError> {
    let mut texts = Vec::new();
    for (field, section) in TEXTS {
        if let Some(value) = description.remove(field) {
            texts.push((section, text(field, value)?));
        }
    }
    if let Some(Value::String(file)) = description.get("settings") {
        let schema = settings_schema(folder, file).map_err(PackError::Description)?;
        description.insert("settings".to_owned(), schema);
    }
    // As `kassa plugin build` has it: any settings, where there is no schema.
    description.entry("settings").or_insert_with(|| serde_json::json!({ "type": "object" }));
    let manifest = Value::Object(description).to_string().into_bytes();
    Manifest::read(&manifest).map_err(|wrong| PackError::Manifest { wrong })?;
    let mut sections = text_sections(texts);
    sections.push((MANIFEST_SECTION, manifest));
    Ok(sections)
}

/// One text, or several with commas between them: of authors there may be many.
fn text(field: &str, value: Value) -> Result<String, PackError> {
    let wrong = || PackError::Description(format!("{field} must be a text, or a list of texts"));
    match value {
        Value::String(text) => Ok(text),
        Value::Array(parts) => {
            let parts: Option<Vec<_>> = parts.iter().map(Value::as_str).collect();
            Ok(parts.ok_or_else(wrong)?.join(", "))
        }
        _ => Err(wrong()),
    }
}

/// The component without its own custom sections of these names; those of what is nested in it stay. Nothing where it is cut off.
fn without(component: &[u8], names: &[&str]) -> Option<Vec<u8>> {
    const PREAMBLE: usize = 8;
    let (preamble, mut rest) = component.split_at_checked(PREAMBLE)?;
    let mut kept = preamble.to_vec();
    while let [id, after @ ..] = rest {
        let (content, next) = take_sized(after)?;
        if *id != 0 || !names.iter().any(|name| is_named(content, name)) {
            kept.extend_from_slice(&rest[..rest.len() - next.len()]);
        }
        rest = next;
    }
    Some(kept)
}

fn is_named(custom_section: &[u8], name: &str) -> bool {
    take_sized(custom_section).is_some_and(|(own, _)| own == name.as_bytes())
}

/// What its length in LEB128 stands before, and what comes after it.
fn take_sized(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut size = 0_u64;
    // A `u32` has at most five bytes, of which a tool may use all.
    for (at, byte) in bytes.iter().take(5).enumerate() {
        size |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return bytes[at + 1..].split_at_checked(usize::try_from(size).ok()?);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::build::name_section;
    use super::*;

    const PREAMBLE: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    /// A nested component with a version of its own, as a section of the outer one.
    fn nested() -> Vec<u8> {
        let mut nested = PREAMBLE.to_vec();
        append_custom_section(&mut nested, "version", b"9.9.9");
        // Of the id 4; its length in five bytes, as tools write it that fill it in later.
        let mut section = vec![4, nested.len() as u8 | 0x80, 0x80, 0x80, 0x80, 0];
        section.extend(nested);
        section
    }

    /// A component with these custom sections, and a nested one.
    fn component(sections: &[(&str, &[u8])]) -> Vec<u8> {
        let mut whole = PREAMBLE.to_vec();
        for (name, data) in sections {
            append_custom_section(&mut whole, name, data);
        }
        whole.extend(nested());
        whole
    }

    fn packed(component: &[u8], description: Value) -> Result<Vec<u8>, PackError> {
        let Value::Object(description) = description else { panic!("a description is an object") };
        pack(component, description, Path::new(env!("CARGO_MANIFEST_DIR")))
    }

    #[test]
    fn what_is_there_already_is_replaced_and_the_rest_stays() {
        let old = component(&[("version", b"0.0.1"), ("revision", b"abc"), ("component-name", b"\0\x02\x01x")]);
        let description = json!({ "name": "rule", "version": "1.0.0", "authors": ["Ada", "Grace"], "homepage": "" });
        let packed = packed(&old, description).unwrap();
        let mut expected = component(&[("revision", b"abc")]);
        append_custom_section(&mut expected, "component-name", &name_section("rule"));
        append_custom_section(&mut expected, "version", b"1.0.0");
        append_custom_section(&mut expected, "authors", b"Ada, Grace");
        append_custom_section(&mut expected, MANIFEST_SECTION, br#"{"settings":{"type":"object"}}"#);
        assert_eq!(packed, expected);
    }

    #[test]
    fn packed_again_it_is_the_same() {
        let description = json!({ "name": "rule", "version": "1.0.0", "hosts": ["api.example.com"] });
        let once = packed(&component(&[]), description.clone()).unwrap();
        assert_eq!(packed(&once, description), Ok(once));
    }

    #[test]
    fn settings_name_a_file_or_are_the_schema() {
        let file = json!({ "settings": "tests/plugins/percent-off/settings.schema.json" });
        let from_file = packed(&component(&[]), file).unwrap();
        let schema = include_bytes!("../../tests/plugins/percent-off/settings.schema.json");
        let schema: Value = serde_json::from_slice(schema).unwrap();
        assert_eq!(packed(&component(&[]), json!({ "settings": schema })), Ok(from_file));
    }

    #[test]
    fn what_cannot_be_packed_is_told() {
        let sound = component(&[("version", b"1.0.0")]);
        for (component, description, expected) in [
            (&sound[..sound.len() - 1], json!({}), "the component is malformed: its last section is cut off"),
            (b"\0asm\x01\0\0\0".as_slice(), json!({}), "is a core module, not a component"),
            (b"(component)".as_slice(), json!({}), "is WebAssembly text"),
            (&sound, json!({ "name": 7 }), "name must be a text, or a list of texts"),
            (&sound, json!({ "authors": [1] }), "authors must be a text, or a list of texts"),
            (&sound, json!({ "settings": "nowhere.json" }), "nowhere.json: "),
            (&sound, json!({ "settings": "Cargo.toml" }), "settings: Cargo.toml: "),
            (&sound, json!({ "settings": { "type": "objekt" } }), "the schema of the settings: "),
            (&sound, json!({ "hosts": ["*"] }), "the host \"*\" is not `host` or `host:port`"),
            (&sound, json!({ "licence": "MIT" }), "unknown field `licence`"),
            (&sound, json!({ "licence": "MIT" }), "beside the manifest's own fields there are name, version, "),
        ] {
            let error = packed(component, description).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
