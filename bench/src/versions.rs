//! Two versions of a pricing plugin, with two digests.
//!
//! They are built from `percent-off`, which the kernel's tests use: the second version is the crate with its feature `v2`.
//! A shop wants another version number for another file, and the crate has one, so the second one's manifest is rewritten.

use std::path::Path;

use bytes::Bytes;
use kassa::plugins::build::{self, Build, MANIFEST_SECTION, append_custom_section};
use serde_json::Value;

use crate::{Error, Result};

/// Builds both; the target folder is the workspace's own, so that a second run finds them there.
///
/// # Errors
///
/// Where the sources are not there: it is run from a checkout.
pub fn build() -> Result<[Bytes; 2]> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let crates = vec![root.join("kernel/tests/plugins/percent-off")];
    let component = |features: Vec<String>, target: &str| -> Result<Vec<u8>> {
        let target_dir = root.join("target/kassa-bench").join(target);
        let build = Build { crates: crates.clone(), target_dir, features, show_progress: false };
        let built = build::build(&build).map_err(|error| Error::Plugin(error.to_string()))?;
        built
            .into_iter()
            .next()
            .map(|component| component.wasm)
            .ok_or_else(|| Error::Plugin("nothing was built".into()))
    };
    let first = component(Vec::new(), "v1")?;
    let second = component(vec!["v2".into()], "v2")?;
    let second = with_version(&second, "2.0.0").ok_or_else(|| Error::Plugin("it has no manifest".into()))?;
    Ok([first.into(), second.into()])
}

/// The component with another version in its manifest.
fn with_version(wasm: &[u8], version: &str) -> Option<Vec<u8>> {
    const HEADER: usize = 8;
    let mut at = HEADER;
    let mut out = wasm.get(..HEADER)?.to_vec();
    let mut manifest = None;
    while let Some(id) = wasm.get(at) {
        let (size, body_at) = leb128(wasm, at + 1)?;
        let end = body_at.checked_add(size)?;
        let body = wasm.get(body_at..end)?;
        match custom_data(*id, body) {
            Some(data) => manifest = Some(serde_json::from_slice::<Value>(data).ok()?),
            None => out.extend_from_slice(&wasm[at..end]),
        }
        at = end;
    }
    let mut manifest = manifest?;
    manifest["version"] = version.into();
    append_custom_section(&mut out, MANIFEST_SECTION, manifest.to_string().as_bytes());
    Some(out)
}

/// What the section holds, where it is the manifest.
fn custom_data(id: u8, body: &[u8]) -> Option<&[u8]> {
    let (length, name_at) = leb128(body, 0).filter(|_| id == 0)?;
    let name = body.get(name_at..name_at.checked_add(length)?)?;
    (name == MANIFEST_SECTION.as_bytes()).then(|| &body[name_at + length..])
}

/// A number at `at`, and what comes after it.
fn leb128(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let (mut value, mut shift) = (0_usize, 0);
    loop {
        let byte = *bytes.get(at)?;
        at += 1;
        value |= usize::from(byte & 0x7f).checked_shl(shift)?;
        shift += 7;
        if byte & 0x80 == 0 {
            return Some((value, at));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_of_the_manifest_changes() {
        let mut wasm = b"\0asm\x0d\0\x01\0".to_vec();
        append_custom_section(&mut wasm, "name", &[7; 300]);
        let before = wasm.len();
        append_custom_section(&mut wasm, MANIFEST_SECTION, br#"{"name":"x","version":"1.0.0"}"#);
        let mut expected = wasm[..before].to_vec();
        append_custom_section(&mut expected, MANIFEST_SECTION, br#"{"name":"x","version":"2.0.0"}"#);
        assert_eq!(with_version(&wasm, "2.0.0"), Some(expected));
        assert_eq!(with_version(&wasm[..before], "2.0.0"), None, "no manifest");
        assert_eq!(with_version(&wasm[..wasm.len() - 1], "2.0.0"), None, "cut off");
    }
}
