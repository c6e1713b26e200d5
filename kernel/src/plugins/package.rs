//! An uploaded plugin, read and refused without running or compiling any of it.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::build::MANIFEST_SECTION;
use super::grants::Grants;
use super::limits::PackageLimits;
use super::{Domain, Manifest, Metadata, capabilities, configurable, outbound, pricing, scan, state, wasi};

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

    /// Its first eight bytes as a number: any of 2^64 alike.
    pub(super) fn leading_number(&self) -> u64 {
        self.0.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte))
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

/// A plugin file that was read and found in order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Package {
    pub metadata: Metadata,
    pub manifest: Manifest,
    pub digest: Digest,
    /// From the component's own exports.
    pub domain: Domain,
    /// Version of the contract that it was built for, from its exports: `0.1.0`.
    pub contract: String,
    /// Size of the file.
    pub bytes: u64,
    /// The interfaces that it imports, in the order of their names: `kassa:host/log@0.1.0`.
    pub imports: Vec<String>,
    /// It exports `kassa:plugin/configurable`: it says itself what is wrong with settings.
    pub configurable: bool,
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
    #[error("the component has no `kassa:manifest` section; `kassa plugin build` and `kassa plugin pack` put it there")]
    NoManifest,
    #[error("the manifest is wrong: {0}")]
    BadManifest(String),
    #[error(
        "the component has no {what} (section `{section}`); `kassa plugin build` and `kassa plugin pack` put it there"
    )]
    Unnamed { what: &'static str, section: &'static str },
    #[error("what the component says of itself is wrong: {0}")]
    BadMetadata(String),
    #[error("the component exports no plugin interface of Kassa (kassa:pricing/pricing@0.1.0 and the like)")]
    NoDomain,
    #[error("the component exports {0} plugin interfaces of Kassa; a plugin has exactly one")]
    ManyDomains(usize),
    #[error("the component is built for {0}, which this kernel does not know")]
    UnknownContract(String),
    #[error("a {domain} plugin may not import {import}")]
    ForbiddenImport { domain: Domain, import: String },
    #[error("a {0} plugin sends no requests, and may ask for no hosts")]
    NoHosts(Domain),
    #[error("the component imports {0}, which is not an interface")]
    BareImport(String),
}

impl Package {
    /// Reads a plugin file: refuses what this shop cannot take, compiles and runs nothing.
    pub fn read(wasm: &[u8], limits: &PackageLimits) -> Result<Self, PackageError> {
        let bytes = wasm.len() as u64;
        if bytes > limits.max_bytes {
            return Err(PackageError::TooLarge { bytes, limit: limits.max_bytes });
        }
        check_header(wasm)?;
        let scan = scan::scan(wasm, limits)?;
        let (domain, contract) = domain_of(&scan.exports)?;
        if let Some(import) = scan.imports.iter().find(|import| !is_granted(domain, import)) {
            return Err(PackageError::ForbiddenImport { domain, import: (*import).to_owned() });
        }
        let manifest = Manifest::read(scan.sections.get(MANIFEST_SECTION).ok_or(PackageError::NoManifest)?)?;
        if !state::reaches_out(domain) && !manifest.hosts.is_empty() {
            return Err(PackageError::NoHosts(domain));
        }
        let metadata = Metadata::read(&scan.sections)?;
        let configurable = exports_configurable(&scan.exports)?;
        let imports: BTreeSet<&str> = scan.imports.into_iter().collect();
        let imports = imports.into_iter().map(str::to_owned).collect();
        Ok(Self { metadata, manifest, digest: Digest::of(wasm), domain, contract, bytes, imports, configurable })
    }

    /// What it asks the shop for.
    pub fn asks_for(&self) -> Grants {
        let Manifest { hosts, secrets, .. } = &self.manifest;
        let kv = self.imports.iter().any(|import| import.starts_with("kassa:host/kv@"));
        Grants { hosts: hosts.clone(), secrets: secrets.clone(), kv }
    }

    pub fn name(&self) -> &str {
        &self.metadata.name
    }

    pub fn version(&self) -> &str {
        &self.metadata.version
    }
}

/// Tells a component from all else that is uploaded by mistake.
pub(super) fn check_header(wasm: &[u8]) -> Result<(), PackageError> {
    match wasm {
        [0, b'a', b's', b'm', 0x0d, 0, 1, 0, ..] => Ok(()),
        [0, b'a', b's', b'm', 1, 0, 0, 0, ..] => Err(PackageError::CoreModule),
        // Compiled code is an ELF file.
        [0x7f, b'E', b'L', b'F', ..] => Err(PackageError::Precompiled),
        _ => match wasm.trim_ascii_start() {
            [b'(', b';', ..] | [b';', b';', ..] => Err(PackageError::TextFormat),
            text if text.starts_with(b"(component") || text.starts_with(b"(module") => Err(PackageError::TextFormat),
            _ => Err(PackageError::NotWasm),
        },
    }
}

/// The one interface of Kassa among `exports`, and the version of its package.
fn domain_of(exports: &[&str]) -> Result<(Domain, String), PackageError> {
    let of_kassa = |export: &str| {
        let (interface, version) = export.split_once('@')?;
        let domain = Domain::ALL.into_iter().find(|domain| interface == format!("kassa:{domain}/{domain}"))?;
        Some((domain, version.to_owned()))
    };
    let mut found: Vec<(Domain, String)> = exports.iter().copied().filter_map(of_kassa).collect();
    match (found.pop(), found.len()) {
        (None, _) => Err(PackageError::NoDomain),
        (Some((domain, version)), 0) if is_spoken(domain, &version) => Ok((domain, version)),
        (Some((domain, version)), 0) => Err(PackageError::UnknownContract(format!("kassa:{domain}@{version}"))),
        (Some(_), others) => Err(PackageError::ManyDomains(others + 1)),
    }
}

/// Whether the kernel speaks this version of the package of `domain`.
fn is_spoken(domain: Domain, version: &str) -> bool {
    match domain {
        Domain::Pricing => pricing::Contract::named(version).is_some(),
        Domain::Payment | Domain::Delivery | Domain::Notification => version == CONTRACT,
    }
}

/// Whether the optional interface is among `exports`. One of a version that the kernel does not know is refused and not passed over: its
/// author counts on being asked.
fn exports_configurable(exports: &[&str]) -> Result<bool, PackageError> {
    let exports = exports.iter().filter_map(|export| export.split_once('@'));
    let versions: Vec<_> = exports.filter(|(name, _)| *name == configurable::INTERFACE).map(|(_, v)| v).collect();
    match versions.first() {
        None => Ok(false),
        Some(_) if versions.contains(&CONTRACT) => Ok(true),
        Some(version) => Err(PackageError::UnknownContract(format!("kassa:plugin@{version}"))),
    }
}

/// The version of its own packages that the kernel knows, where it does not know several.
const CONTRACT: &str = "0.1.0";
/// Of WASI any patch of this series: toolchains differ in it, and what it means is the same.
const WASI: &str = "0.2.";

pub(super) fn is_granted(domain: Domain, import: &str) -> bool {
    let Some((interface, version)) = import.split_once('@') else { return false };
    let is_patch = |patch: &str| !patch.is_empty() && patch.bytes().all(|byte| byte.is_ascii_digit());
    let of_wasi = wasi::INTERFACES.contains(&interface)
        || state::reaches_out(domain) && outbound::INTERFACES.contains(&interface);
    capabilities::granted(domain).contains(&interface) && version == CONTRACT
        || of_wasi && version.strip_prefix(WASI).is_some_and(is_patch)
}
