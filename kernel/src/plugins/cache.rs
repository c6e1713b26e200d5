//! Compiled code on disk, so that a start costs a read and not a compilation.
//!
//! Loading machine code is unsafe on anything that we did not write ourselves, and a folder is no proof of that. Each entry
//! therefore begins with an HMAC under a key of this install, over the plugin's digest, the engine's compatibility
//! hash and the code. An entry that does not verify is compiled again and replaced; it is never an error.

use std::fs;
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::{digest, hmac};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::Digest;
use super::compile::Compiled;

/// Bytes of an HMAC-SHA256.
const TAG_BYTES: usize = 32;

pub(super) struct Cache {
    /// All with the same settings, so that code compiled by one fits the others.
    engines: Vec<Engine>,
    folder: PathBuf,
    key: hmac::Key,
    /// Changes with wasmtime's version, its settings and the machine's kind.
    compatibility: Digest,
    written: AtomicU64,
}

impl Cache {
    pub(super) fn new(folder: PathBuf, install_key: &[u8], engines: Vec<Engine>) -> Self {
        let mut hasher = Sha256Hasher(digest::Context::new(&digest::SHA256));
        // One speaks for all.
        if let Some(engine) = engines.first() {
            engine.precompile_compatibility_hash().hash(&mut hasher);
        }
        let mut compatibility = [0; 32];
        compatibility.copy_from_slice(hasher.0.finish().as_ref());
        let key = hmac::Key::new(hmac::HMAC_SHA256, install_key);
        Self { engines, folder, key, compatibility: Digest(compatibility), written: AtomicU64::new(0) }
    }

    /// The component with this digest, once for each engine, if an entry of ours holds it.
    pub(super) fn find(&self, plugin: Digest) -> Option<Vec<Component>> {
        let entry = match fs::read(self.path(plugin)) {
            Ok(entry) => entry,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(%error, %plugin, "compiled code cannot be read; compiling again");
                return None;
            }
        };
        let (tag, code) = entry.split_at_checked(TAG_BYTES)?;
        if hmac::verify(&self.key, &self.signed(plugin, code), tag).is_err() {
            tracing::warn!(%plugin, "compiled code on disk is not ours or not whole; compiling again");
            return None;
        }
        // SAFETY: the HMAC just verified covers every byte of the code, only this install knows its key, and `store` is the
        // only code that signs: what it signs came from `compile`, as it says there. The bytes are in our memory, so nobody can
        // change them between the check and the use.
        match unsafe { load(&self.engines, code) } {
            Ok(components) => Some(components),
            Err(error) => {
                tracing::warn!(%error, %plugin, "compiled code on disk does not fit this engine; compiling again");
                None
            }
        }
    }

    /// Gives code that was just compiled to every engine, and keeps it for the next start. That it cannot be kept costs only that
    /// start's time, so it is logged and no more.
    pub(super) fn store(&self, plugin: Digest, code: &Compiled) -> wasmtime::Result<Vec<Component>> {
        // SAFETY: only `compile` makes a `Compiled`. In it is what `precompile_component` of this very program answered, in a process that did
        // nothing else; whoever finds a hole in the compiler could answer otherwise, and is kept from it by `scan` and by whom the operator
        // lets upload. Nothing here could tell.
        let components = unsafe { load(&self.engines, code.bytes()) }?;
        // What no engine takes is not kept.
        if let Err(error) = self.write(plugin, code.bytes()) {
            tracing::warn!(%error, %plugin, folder = %self.folder.display(), "compiled code cannot be kept");
        }
        Ok(components)
    }

    fn write(&self, plugin: Digest, code: &[u8]) -> io::Result<()> {
        let mut seal = hmac::Context::with_key(&self.key);
        [&plugin.0[..], &self.compatibility.0, code].into_iter().for_each(|part| seal.update(part));
        fs::create_dir_all(&self.folder)?;
        // Written aside and renamed, so that a reader sees a whole entry or none. Not synced: an entry torn by a
        // power cut fails its HMAC.
        let count = self.written.fetch_add(1, Ordering::Relaxed);
        let aside = self.folder.join(format!("{plugin}.{}.{count}.tmp", std::process::id()));
        let write = || {
            let mut file = fs::File::create(&aside)?;
            file.write_all(seal.sign().as_ref())?;
            file.write_all(code)
        };
        let written = write().and_then(|()| fs::rename(&aside, self.path(plugin)));
        if written.is_err() {
            drop(fs::remove_file(&aside));
        }
        written
    }

    pub(super) fn path(&self, plugin: Digest) -> PathBuf {
        let compatibility = &self.compatibility.to_string()[..16];
        self.folder.join(format!("{plugin}-{compatibility}.bin"))
    }

    /// What the HMAC covers. Both digests have a fixed length, so no two entries read alike.
    fn signed(&self, plugin: Digest, code: &[u8]) -> Vec<u8> {
        [&plugin.0[..], &self.compatibility.0, code].concat()
    }
}

/// One component for each engine.
///
/// # Safety
///
/// `code` must come from `Engine::precompile_component` of this program.
unsafe fn load(engines: &[Engine], code: &[u8]) -> wasmtime::Result<Vec<Component>> {
    // SAFETY: `deserialize` asks for what this function asks for.
    engines.iter().map(|engine| unsafe { Component::deserialize(engine, code) }).collect()
}

/// Feeds a `Hash` into SHA-256: std's hasher promises nothing between two versions of Rust.
struct Sha256Hasher(digest::Context);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest = self.0.clone().finish();
        u64::from_be_bytes(std::array::from_fn(|at| digest.as_ref()[at]))
    }
}
