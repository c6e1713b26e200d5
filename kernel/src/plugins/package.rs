//! An uploaded plugin, read and refused without running or compiling any of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::Domain;
use super::limits::PackageLimits;

/// SHA-256 of a plugin file: its identity. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        let mut own = [0; 32];
        own.copy_from_slice(digest.as_ref());
        Self(own)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not 64 lower-case hexadecimal digits.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 lower-case hexadecimal digits")]
pub struct NotADigest;

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        fn digit(byte: u8) -> Result<u8, NotADigest> {
            match byte {
                b'0'..=b'9' => Ok(byte - b'0'),
                b'a'..=b'f' => Ok(byte - b'a' + 10),
                _ => Err(NotADigest),
            }
        }
        let text = text.as_bytes();
        if text.len() != 64 {
            return Err(NotADigest);
        }
        let mut own = [0; 32];
        for (byte, pair) in own.iter_mut().zip(text.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(own))
    }
}

impl Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// What a plugin says of itself: the `kassa:manifest` custom section, as JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// 1 to 64 characters of `a-z 0-9 -`.
    pub name: String,
    /// Semantic version: `1.2.3`, `1.0.0-beta.1`.
    pub version: String,
    /// One sentence for the merchant; at most 500 characters.
    #[serde(default)]
    pub description: String,
    /// Hosts that it asks to reach, `host` or `host:port`.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Names of secrets that it asks for.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// JSON Schema of its settings; none where it has none.
    #[serde(default)]
    pub settings: Option<serde_json::Value>,
}

/// A plugin file that was read and found in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Package {
    pub manifest: Manifest,
    pub digest: Digest,
    /// From the component's own exports.
    pub domain: Domain,
    /// Version of the contract that it was built for, from its exports: `0.1.0`.
    pub contract: String,
    /// Size of the file.
    pub bytes: u64,
}

/// Why a file is no plugin that this shop can take. The texts are for the person who uploads it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PackageError {
    #[error("the file has {bytes} bytes; at most {limit} are allowed")]
    TooLarge { bytes: u64, limit: u64 },
    #[error("the file is WebAssembly text; upload the binary form")]
    TextFormat,
    #[error("the file is precompiled machine code; upload the component that it was made from")]
    Precompiled,
    #[error("the file is a core module, not a component; build it for wasm32-wasip2 or with `kassa plugin build`")]
    CoreModule,
    #[error("the file is not a WebAssembly component")]
    NotWasm,
    #[error("the component is malformed: {0}")]
    Malformed(String),
    #[error("the component has {count} {what}; at most {limit} are allowed")]
    TooMany { what: &'static str, count: u64, limit: u64 },
    #[error("the component has no `kassa:manifest` section; `kassa plugin build` puts it there")]
    NoManifest,
    #[error("the manifest is wrong: {0}")]
    BadManifest(String),
    #[error("the component exports no plugin interface of Kassa (kassa:pricing/pricing@0.1.0 and the like)")]
    NoDomain,
    #[error("the component exports {0} plugin interfaces of Kassa; a plugin has exactly one")]
    ManyDomains(usize),
    #[error("the component is built for {0}, which this kernel does not know")]
    UnknownContract(String),
    #[error("a {domain} plugin may not import {import}")]
    ForbiddenImport { domain: Domain, import: String },
}

impl Package {
    /// Reads a plugin file.
    pub fn read(bytes: &[u8], limits: &PackageLimits) -> Result<Self, PackageError> {
        let _ = (bytes, limits);
        todo!()
    }
}
