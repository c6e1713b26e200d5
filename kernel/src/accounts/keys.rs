//! Everything secret of this install, under `<data>/secrets/`.
//!
//! Never shown. Whoever loses the folder loses no data but two: clients refresh their access tokens and plugins are compiled again, but
//! nobody can read the secrets of second factors and of plugins any more, and webhooks need new secrets. Machines that serve one shop together
//! need the same folder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fmt, io};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use super::private_file::Staged;
use super::sealer::Sealer;
use super::signing_keys::SigningKeys;
use crate::{clock, id};

/// The keys of this install.
pub struct Keys {
    pub(super) signing: SigningKeys,
    successors: hmac::Key,
    cache: [u8; 32],
    pub(super) second_factors: Sealer,
    plugin_secrets: Arc<Sealer>,
    webhooks: hmac::Key,
    digests: hmac::Key,
}

/// Why the keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    #[error("cannot use {path}: {cause}")]
    File { path: PathBuf, cause: io::Error },
    /// Never made anew over it: that would hide that someone tampered with it.
    #[error("{0} does not hold a key; restore it, or remove it to have a new one made")]
    Malformed(PathBuf),
    #[error("no key can be generated")]
    Generate,
}

impl Keys {
    /// The keys under `data_dir`; those that are missing are made.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, KeysError> {
        let dir = data_dir.join("secrets");
        create_private_dir(&dir).map_err(|cause| KeysError::File { path: dir.clone(), cause })?;
        let successors = load_random_key(&dir.join("refresh-tokens.key"))?;
        let second_factors = load_random_key(&dir.join("second-factors.key"))?;
        let plugin_secrets = load_random_key(&dir.join("plugin-secrets.key"))?;
        let webhooks = load_random_key(&dir.join("webhooks.key"))?;
        let digests = load_random_key(&dir.join("digests.key"))?;
        Ok(Self {
            signing: SigningKeys::load_or_create(&dir)?,
            successors: hmac::Key::new(hmac::HMAC_SHA256, &successors),
            cache: load_random_key(&dir.join("compiled-code.key"))?,
            second_factors: Sealer::new(&second_factors).ok_or(KeysError::Generate)?,
            plugin_secrets: Arc::new(Sealer::new(&plugin_secrets).ok_or(KeysError::Generate)?),
            webhooks: hmac::Key::new(hmac::HMAC_SHA256, &webhooks),
            digests: hmac::Key::new(hmac::HMAC_SHA256, &digests),
        })
    }

    /// What compiled code on disk is authenticated with.
    pub fn cache_key(&self) -> [u8; 32] {
        self.cache
    }

    /// What the secrets of plugins rest under.
    pub fn plugin_secrets(&self) -> Arc<Sealer> {
        self.plugin_secrets.clone()
    }

    /// The secret of a webhook, made of what stands in the database and of what does not: a copy of the database signs nothing.
    pub fn webhook_secret(&self, webhook_id: Uuid, salt: Uuid) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.webhooks);
        context.update(webhook_id.as_bytes());
        context.update(salt.as_bytes());
        let mut secret = [0; 32];
        secret.copy_from_slice(context.sign().as_ref());
        secret
    }

    /// What tells whether something is the same as before, and nothing else: without the key nobody finds out what it was by guessing. What is
    /// kept for one purpose says nothing about what is kept for another.
    pub fn digest(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.digests);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(data);
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    /// The one refresh token that follows `refresh_token`: 256 bits that nobody can tell without the key.
    pub(super) fn successor_of(&self, refresh_token: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.successors, refresh_token.as_bytes()))
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys").field("kid", &self.signing.at(clock::now()).kid).finish_non_exhaustive()
    }
}

fn load_random_key(path: &Path) -> Result<[u8; 32], KeysError> {
    let bytes = load_or_create(path, || Ok(id::random_bytes::<32>().to_vec()))?;
    bytes.try_into().map_err(|_| KeysError::Malformed(path.to_owned()))
}

/// What stands in the file. Of several processes that make it at once, all go on with the one that was first.
fn load_or_create(path: &Path, make: impl FnOnce() -> Result<Vec<u8>, KeysError>) -> Result<Vec<u8>, KeysError> {
    match read_key(path) {
        Err(KeysError::File { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
            let staged = Staged::write(path, &make()?).and_then(Staged::publish_new);
            staged.map_err(|cause| KeysError::File { path: path.to_owned(), cause })?;
            read_key(path)
        }
        read => read,
    }
}

pub(super) fn read_key(path: &Path) -> Result<Vec<u8>, KeysError> {
    let bytes = std::fs::read(path).map_err(|cause| KeysError::File { path: path.to_owned(), cause })?;
    warn_if_others_can_read(path);
    Ok(bytes)
}

/// A warning, not a refusal: mounted secrets often belong to a group, and a shop that does not start helps nobody.
fn warn_if_others_can_read(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if std::fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0) {
            tracing::warn!(path = %path.display(), "others than the owner can use this key: chmod 600 it");
        }
    }
    #[cfg(not(unix))]
    let _ = path;
}

fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_made_once_and_are_nobody_elses() {
        let (ours, theirs) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let first = Keys::load_or_create(ours.path()).expect("made");
        let again = Keys::load_or_create(ours.path()).expect("loaded");
        let other = Keys::load_or_create(theirs.path()).expect("made");
        let kid = |keys: &Keys| keys.signing.at(clock::now()).kid.clone();
        assert_eq!((first.cache_key(), kid(&first)), (again.cache_key(), kid(&again)));
        assert_eq!(first.successor_of("token"), again.successor_of("token"));
        assert_ne!(first.successor_of("token"), first.successor_of("tokem"));
        assert_ne!(first.cache_key(), other.cache_key());
        assert_ne!(kid(&first), kid(&other));
        assert_ne!(first.successor_of("token"), other.successor_of("token"));
        assert_eq!(first.digest("purpose", b"data"), again.digest("purpose", b"data"));
        assert_ne!(first.digest("purpose", b"data"), first.digest("purpos", b"edata"));
        assert_ne!(first.digest("purpose", b"data"), other.digest("purpose", b"data"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
            let dir = ours.path().join("secrets");
            assert_eq!(mode(&dir), 0o700);
            for file in std::fs::read_dir(&dir).expect("a folder") {
                assert_eq!(mode(&file.expect("a file").path()), 0o600);
            }
        }
    }

    #[test]
    fn a_broken_key_is_not_replaced() {
        let files = |dir: &Path| {
            let files =
                std::fs::read_dir(dir.join("secrets")).expect("a folder").map(|file| file.expect("a file").path());
            let mut files: Vec<_> = files.collect();
            files.sort();
            files
        };
        let count = {
            let dir = tempfile::tempdir().expect("a folder");
            Keys::load_or_create(dir.path()).expect("made");
            files(dir.path()).len()
        };
        for index in 0..count {
            let dir = tempfile::tempdir().expect("a folder");
            Keys::load_or_create(dir.path()).expect("made");
            let name = files(dir.path()).swap_remove(index);
            std::fs::write(&name, b"broken").expect("written");
            let refused = Keys::load_or_create(dir.path());
            assert!(matches!(refused, Err(KeysError::Malformed(_))), "{name:?}: {refused:?}");
        }
    }
}
