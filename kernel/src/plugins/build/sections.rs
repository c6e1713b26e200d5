//! What goes into a component beside its code: custom sections, made from the author's Cargo.toml, or by `kassa plugin pack` from a
//! description of its own.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::{BuildError, read};

/// Name of the custom section that holds the manifest, as JSON.
pub const MANIFEST_SECTION: &str = "kassa:manifest";

/// Appends a custom section to a module or component: the last one of a name is as good as any place.
pub fn append_custom_section(wasm: &mut Vec<u8>, name: &str, data: &[u8]) {
    let mut section = Vec::with_capacity(name.len() + data.len() + 5);
    push_leb128(&mut section, name.len());
    section.extend_from_slice(name.as_bytes());
    section.extend_from_slice(data);
    wasm.push(0);
    push_leb128(wasm, section.len());
    wasm.extend_from_slice(&section);
}

/// The content of a `component-name` section: part 0, the component's own name.
pub fn name_section(name: &str) -> Vec<u8> {
    let mut text = Vec::with_capacity(name.len() + 5);
    push_leb128(&mut text, name.len());
    text.extend_from_slice(name.as_bytes());
    let mut section = vec![0];
    push_leb128(&mut section, text.len());
    section.extend(text);
    section
}

fn push_leb128(bytes: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// A custom section: its name and what is in it.
pub type Section = (&'static str, Vec<u8>);

/// Name of the section with the component's own name.
pub const NAME_SECTION: &str = "component-name";

/// The sections that WebAssembly tools know, from texts by section: one line each, whatever was said in several. An empty text has none.
pub fn text_sections(texts: impl IntoIterator<Item = (&'static str, String)>) -> Vec<Section> {
    let one_line = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let lines = texts.into_iter().map(|(section, text)| (section, one_line(text))).filter(|(_, text)| !text.is_empty());
    lines
        .map(|(section, text)| match section {
            NAME_SECTION => (section, name_section(&text)),
            _ => (section, text.into_bytes()),
        })
        .collect()
}

/// Reads the file with the JSON Schema of a plugin's settings, which lies below `folder`.
pub fn settings_schema(folder: &Path, file: &str) -> Result<Value, String> {
    let bytes = read(&folder.join(file)).map_err(|error| error.to_string())?;
    let schema: Value = serde_json::from_slice(&bytes).map_err(|error| format!("settings: {file}: {error}"))?;
    match schema["type"] == "object" {
        true => Ok(schema),
        false => Err(format!("settings: {file}: must be a JSON Schema of type object")),
    }
}

/// A package of the workspace, as `cargo metadata` tells it.
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Texts of Cargo.toml by the section that they go to; one that is empty goes nowhere.
    about: [(&'static str, String); 5],
    folder: PathBuf,
    /// Of the component, below the target folder.
    pub(super) file_name: String,
    /// `[package.metadata.kassa]`.
    kassa: Value,
}

impl Package {
    pub(super) fn find(metadata: &Value, folder: &Path) -> Result<Package, BuildError> {
        let file = folder.join("Cargo.toml");
        let wanted = file.canonicalize().map_err(|error| BuildError::Io(format!("{}: {error}", file.display())))?;
        let package = array(&metadata["packages"])
            .iter()
            .find(|package| {
                let path = package["manifest_path"].as_str().map(|path| Path::new(path).canonicalize());
                matches!(path, Some(Ok(path)) if path == wanted)
            })
            .ok_or_else(|| BuildError::Manifest(format!("{}: not a package of this workspace", file.display())))?;
        let library = array(&package["targets"])
            .iter()
            .find(|target| array(&target["crate_types"]).iter().any(|kind| kind == "cdylib"))
            .ok_or_else(|| {
                BuildError::Manifest(format!("{}: needs [lib] crate-type = [\"cdylib\", \"rlib\"]", file.display()))
            })?;
        Ok(Package {
            name: text(&package["name"]),
            version: text(&package["version"]),
            about: [
                ("description", text(&package["description"])),
                ("authors", array(&package["authors"]).iter().map(text).collect::<Vec<_>>().join(", ")),
                // Cargo's older way to write OR is none of SPDX.
                ("licenses", text(&package["license"]).replace('/', " OR ")),
                ("source", text(&package["repository"])),
                ("homepage", text(&package["homepage"])),
            ],
            folder: folder.to_owned(),
            file_name: format!("{}.wasm", text(&library["name"]).replace('-', "_")),
            kassa: package["metadata"]["kassa"].clone(),
        })
    }

    /// The sections that go into the component: what WebAssembly tools know of it, and the manifest.
    pub(super) fn sections(&self) -> Result<Vec<Section>, BuildError> {
        let identity = [(NAME_SECTION, self.name.clone()), ("version", self.version.clone())];
        let mut sections = text_sections(identity.into_iter().chain(self.about.iter().cloned()));
        sections.push((MANIFEST_SECTION, self.manifest()?));
        Ok(sections)
    }

    /// The manifest: docs/plugins.md has its fields.
    fn manifest(&self) -> Result<Vec<u8>, BuildError> {
        const KNOWN: [&str; 3] = ["hosts", "secrets", "settings"];
        let wrong = |what: String| BuildError::Manifest(format!("{}: [package.metadata.kassa] {what}", self.name));
        if let Some(unknown) =
            self.kassa.as_object().and_then(|map| map.keys().find(|key| !KNOWN.contains(&key.as_str())))
        {
            return Err(wrong(format!("has the unknown key `{unknown}`; known are {}", KNOWN.join(", "))));
        }
        let list = |key: &str, fits: fn(&Value) -> bool, of: &str| match &self.kassa[key] {
            Value::Null => Ok(json!([])),
            Value::Array(items) if items.iter().all(fits) => Ok(json!(items)),
            _ => Err(wrong(format!("{key} must be a list of {of}"))),
        };
        let schema = match &self.kassa["settings"] {
            Value::Null => json!({"type": "object"}),
            Value::String(file) => settings_schema(&self.folder, file).map_err(wrong)?,
            _ => return Err(wrong("settings must name a file with a JSON Schema".to_owned())),
        };
        let manifest = json!({
            "hosts": list("hosts", Value::is_string, "texts")?,
            "secrets": list("secrets", Value::is_object, "tables")?,
            "settings": schema,
        });
        Ok(manifest.to_string().into_bytes())
    }
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_custom_section_is_appended() {
        let mut wasm = b"\0asm".to_vec();
        append_custom_section(&mut wasm, "ab", &[7; 200]);
        // Id 0; 203 bytes in LEB128; the length of the name, the name, the data.
        assert_eq!(wasm[4..10], [0, 0xcb, 0x01, 2, b'a', b'b']);
        assert_eq!(wasm[10..], [7; 200]);
    }

    fn package(kassa: Value) -> Package {
        Package {
            name: "my-rule".to_owned(),
            version: "1.2.3".to_owned(),
            about: [
                ("description", "A\n rule".to_owned()),
                ("authors", "Ada, Grace".to_owned()),
                ("licenses", "MIT OR Apache-2.0".to_owned()),
                ("source", "https://example.org/rule".to_owned()),
                ("homepage", String::new()),
            ],
            folder: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/plugins/percent-off"),
            file_name: "my_rule.wasm".to_owned(),
            kassa,
        }
    }

    #[test]
    fn the_manifest_tells_what_cargo_toml_says() {
        let secret = json!({"name": "api-key", "host": "api.example.com", "header": "x-key"});
        let kassa = json!({"hosts": ["api.example.com"], "secrets": [secret], "settings": "settings.schema.json"});
        let manifest: Value = serde_json::from_slice(&package(kassa).manifest().unwrap()).unwrap();
        assert_eq!(manifest["hosts"], json!(["api.example.com"]));
        assert_eq!(manifest["secrets"], json!([secret]));
        assert_eq!(manifest["settings"]["properties"]["percent_bp"]["type"], "integer");
        let without: Value = serde_json::from_slice(&package(Value::Null).manifest().unwrap()).unwrap();
        assert_eq!(without["settings"], json!({"type": "object"}));
    }

    #[test]
    fn what_tools_know_of_it_stands_in_their_sections() {
        let sections = package(Value::Null).sections().unwrap();
        let texts: Vec<_> =
            sections[1..sections.len() - 1].iter().map(|(name, data)| (*name, data.as_slice())).collect();
        assert_eq!(sections[0], ("component-name", b"\0\x08\x07my-rule".to_vec()));
        let expected: [(&str, &[u8]); 5] = [
            ("version", b"1.2.3"),
            ("description", b"A rule"),
            ("authors", b"Ada, Grace"),
            ("licenses", b"MIT OR Apache-2.0"),
            ("source", b"https://example.org/rule"),
        ];
        assert_eq!(texts, expected);
        assert_eq!(sections[sections.len() - 1].0, MANIFEST_SECTION);
    }

    #[test]
    fn what_cannot_be_a_manifest_is_told() {
        for (kassa, expected) in [
            (json!({"host": []}), "has the unknown key `host`"),
            (json!({"hosts": "api.example.com"}), "hosts must be a list of texts"),
            (json!({"secrets": ["api-key"]}), "secrets must be a list of tables"),
            (json!({"settings": {}}), "settings must name a file"),
            (json!({"settings": "Cargo.toml"}), "settings: Cargo.toml: "),
            (json!({"settings": "nowhere.json"}), "nowhere.json: "),
        ] {
            let error = package(kassa).manifest().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
