//! What access tokens are signed with: Ed25519 keys that follow one another.
//!
//! A key is a file, `secrets/access-tokens-<from>.p8`: from that second since 1970 on it signs, until the next one does. A new key is
//! made [`AHEAD`] of its time, so that every kernel of the shop, and everyone who verifies tokens by the published keys, knows it
//! before its first token; the one before stays known until the last token that it signed has run out. Nobody has to be told of a
//! rotation, and nobody is signed out by it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use jsonwebtoken::{DecodingKey, EncodingKey};

use super::keys::{KeysError, read_key};
use super::private_file::Staged;
use super::{AccountsConfig, Error};
use crate::clock::{self, Moment};
use crate::{Shop, id};

const NAME: (&str, &str) = ("access-tokens-", ".p8");
/// How long a key is published before it signs: kernels look every [`LOOK`], and others may keep the published ones for five minutes.
const AHEAD: TimeDelta = TimeDelta::minutes(15);
/// How often a kernel looks for keys that another one, or the command line, has made.
const LOOK: Duration = Duration::from_secs(60);

/// A key for access tokens.
pub(super) struct SigningKey {
    /// When it begins to sign.
    pub from: Moment,
    /// Names the key in the head of a token: its JWK thumbprint (RFC 7638).
    pub kid: String,
    pub public: String,
    pub encoding: EncodingKey,
    pub decoding: DecodingKey,
}

/// All of them, by the time from which they sign. There is always one.
pub(super) struct SigningKeys {
    dir: PathBuf,
    keys: ArcSwap<Vec<Arc<SigningKey>>>,
}

/// The public half of a key, for those who verify tokens themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey {
    pub kid: String,
    /// The 32 bytes in URL-safe base64.
    pub x: String,
}

impl SigningKeys {
    /// The keys in `dir`; where there is none, the first is made.
    pub fn load_or_create(dir: &Path) -> Result<Self, KeysError> {
        let mut keys = read_all(dir)?;
        if keys.is_empty() {
            // From midnight on: processes that make the first key at once give it one name, and go on with the one that was first.
            let midnight = clock::now().timestamp().div_euclid(86_400) * 86_400;
            make(dir, midnight)?;
            keys = read_all(dir)?;
        }
        if keys.is_empty() {
            return Err(KeysError::Generate);
        }
        Ok(Self { dir: dir.to_owned(), keys: ArcSwap::from_pointee(keys) })
    }

    /// The key that signs at `now`.
    pub fn at(&self, now: Moment) -> Arc<SigningKey> {
        let keys = self.keys.load();
        let current = keys.iter().rev().find(|key| key.from <= now).or(keys.first());
        // Never empty: `load_or_create` and `reload` see to it.
        current.map_or_else(|| unreachable!("there is a key"), Arc::clone)
    }

    /// The key of this name, if tokens of it may still be about. Keys of the future are known, too: the clocks of two kernels differ.
    pub fn find(&self, kid: &str, config: &AccountsConfig, now: Moment) -> Option<Arc<SigningKey>> {
        self.known(config, now).into_iter().find(|key| key.kid == kid)
    }

    /// All whose tokens may be about now or soon, the newest first.
    pub fn known(&self, config: &AccountsConfig, now: Moment) -> Vec<Arc<SigningKey>> {
        let keys = self.keys.load();
        let outlived = outlived(&keys, config, now);
        keys[outlived..].iter().rev().cloned().collect()
    }

    /// Makes the next key, and tells when it begins to sign. One that waits for its time already is the next.
    pub fn rotate(&self, now: Moment) -> Result<Moment, KeysError> {
        self.reload()?;
        if let Some(waiting) = self.keys.load().last().filter(|key| key.from > now) {
            return Ok(waiting.from);
        }
        // To the minute, so that kernels that do this at once make one key.
        let from = ((now + AHEAD).timestamp() + 59).div_euclid(60) * 60;
        make(&self.dir, from)?;
        self.reload()?;
        Ok(moment(from))
    }

    /// Takes up what is there now.
    fn reload(&self) -> Result<(), KeysError> {
        let keys = read_all(&self.dir)?;
        // Whoever removes all of them wants new ones at the next start, and not a shop that signs with nothing.
        if !keys.is_empty() {
            self.keys.store(Arc::new(keys));
        }
        Ok(())
    }

    /// Takes up new keys, makes the next one where the last is old enough, and removes those whose tokens have all run out.
    fn tend(&self, config: &AccountsConfig, now: Moment) -> Result<(), KeysError> {
        self.reload()?;
        let days = TimeDelta::days(config.signing_key_days as i64);
        let is_old = self.keys.load().last().is_some_and(|key| key.from + days <= now + AHEAD);
        if config.signing_key_days > 0 && is_old {
            let from = self.rotate(now)?;
            tracing::info!(%from, "the next key of access tokens was made");
        }
        let keys = self.keys.load_full();
        // An hour later than nobody needs it: the clock of another kernel may be slow.
        for key in &keys[..outlived(&keys, config, now - TimeDelta::hours(1))] {
            let path = path_of(&self.dir, key.from.timestamp());
            std::fs::remove_file(&path).map_err(|cause| KeysError::File { path, cause })?;
        }
        Ok(())
    }
}

impl SigningKey {
    fn parse(path: &Path, from: Moment, pkcs8: &[u8]) -> Result<Self, KeysError> {
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| KeysError::Malformed(path.to_owned()))?;
        let public = pair.public_key().as_ref();
        let x = URL_SAFE_NO_PAD.encode(public);
        Ok(Self {
            from,
            kid: thumbprint(&x),
            public: x,
            encoding: EncodingKey::from_ed_der(pkcs8),
            decoding: DecodingKey::from_ed_der(public),
        })
    }
}

/// The keys to verify access tokens with, the newest first.
pub fn public_keys(shop: &Shop) -> Vec<PublicKey> {
    let keys = shop.keys().signing.known(&shop.config().accounts, clock::now());
    keys.iter().map(|key| PublicKey { kid: key.kid.clone(), x: key.public.clone() }).collect()
}

/// Makes the next key of access tokens, and tells when it begins to sign.
pub fn rotate_signing_keys(shop: &Shop) -> Result<Moment, KeysError> {
    shop.keys().signing.rotate(clock::now())
}

/// The worker. Ends when the shop stops.
pub(super) async fn run(shop: Shop) {
    while !shop.stopping().is_cancelled() {
        let tending = {
            let shop = shop.clone();
            tokio::task::spawn_blocking(move || shop.keys().signing.tend(&shop.config().accounts, clock::now()))
        };
        let tended = tending.await.map_err(|error| Error::Cryptography(error.to_string()));
        if let Err(error) = tended.and_then(|tended| tended.map_err(|error| Error::Cryptography(error.to_string()))) {
            tracing::error!(%error, "the keys of access tokens stay as they are; trying again");
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = shop.stopping().cancelled() => {}
        }
    }
}

/// How many of the first keys are worth nothing at `now`: the last token that they signed has run out.
fn outlived(keys: &[Arc<SigningKey>], config: &AccountsConfig, now: Moment) -> usize {
    let lifetime = TimeDelta::seconds((config.access_token_seconds + config.clock_leeway_seconds) as i64);
    let successors = keys.iter().skip(1);
    successors.take_while(|successor| successor.from + lifetime < now).count()
}

fn read_all(dir: &Path) -> Result<Vec<Arc<SigningKey>>, KeysError> {
    let failed = |cause| KeysError::File { path: dir.to_owned(), cause };
    let mut keys = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let from =
            name.strip_prefix(NAME.0).and_then(|rest| rest.strip_suffix(NAME.1)).and_then(|from| from.parse().ok());
        let Some(from) = from else { continue };
        keys.push(Arc::new(SigningKey::parse(&path, moment(from), &read_key(&path)?)?));
    }
    keys.sort_by_key(|key| key.from);
    Ok(keys)
}

/// Makes a key that signs from then on; one that is there already stays.
fn make(dir: &Path, from: i64) -> Result<(), KeysError> {
    let pair = Ed25519KeyPair::from_seed_unchecked(&id::random_bytes::<32>()).map_err(|_| KeysError::Generate)?;
    let pkcs8 = pair.to_pkcs8().map_err(|_| KeysError::Generate)?;
    let path = path_of(dir, from);
    let staged = Staged::write(&path, pkcs8.as_ref()).and_then(Staged::publish_new);
    staged.map(drop).map_err(|cause| KeysError::File { path, cause })
}

fn path_of(dir: &Path, from: i64) -> PathBuf {
    dir.join(format!("{}{from}{}", NAME.0, NAME.1))
}

fn moment(seconds: i64) -> Moment {
    Moment::from_timestamp(seconds, 0).unwrap_or_default()
}

/// The members and their order are the standard's.
fn thumbprint(x: &str) -> String {
    let jwk = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#);
    URL_SAFE_NO_PAD.encode(digest(&SHA256, jwk.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kids(keys: &[Arc<SigningKey>]) -> Vec<&str> {
        keys.iter().map(|key| key.kid.as_str()).collect()
    }

    #[test]
    fn a_thumbprint_is_the_standards() {
        // The example of RFC 8037, appendix A.3.
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        assert_eq!(thumbprint(x), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn a_new_key_is_known_before_it_signs_and_the_old_one_after() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = AccountsConfig::default();
        let now = clock::now();
        let (ours, theirs) = (SigningKeys::load_or_create(dir.path()), SigningKeys::load_or_create(dir.path()));
        let (ours, theirs) = (ours.expect("made"), theirs.expect("loaded"));
        let old = ours.at(now);
        assert_eq!(old.kid, theirs.at(now).kid, "one first key for both");
        let from = ours.rotate(now).expect("rotated");
        assert!(from >= now + AHEAD && from <= now + AHEAD + TimeDelta::minutes(1), "{from}");
        assert_eq!(ours.rotate(now).expect("the same"), from, "one key waits at a time");
        theirs.tend(&config, now).expect("tended");
        for keys in [&ours, &theirs] {
            assert_eq!(keys.at(now).kid, old.kid, "not yet");
            let new = keys.at(from);
            assert_ne!(new.kid, old.kid);
            assert_eq!(kids(&keys.known(&config, now)), [&new.kid, &old.kid].map(String::as_str));
            let runs_out = from + TimeDelta::seconds(605);
            assert!(keys.find(&old.kid, &config, runs_out).is_some(), "its last token is still good");
            let later = runs_out + TimeDelta::seconds(1);
            assert!(keys.find(&old.kid, &config, later).is_none());
            assert_eq!(kids(&keys.known(&config, later)), [new.kid.as_str()]);
        }
    }

    #[test]
    fn keys_are_renewed_by_age_and_removed_when_nobody_needs_them() {
        let dir = tempfile::tempdir().expect("a folder");
        let config = AccountsConfig { signing_key_days: 30, ..AccountsConfig::default() };
        let keys = SigningKeys::load_or_create(dir.path()).expect("made");
        let first = keys.at(clock::now());
        let files = || std::fs::read_dir(dir.path()).expect("a folder").count();
        keys.tend(&config, first.from + TimeDelta::days(29)).expect("tended");
        assert_eq!(files(), 1, "young enough");
        let old = first.from + TimeDelta::days(30);
        let never = AccountsConfig { signing_key_days: 0, ..AccountsConfig::default() };
        keys.tend(&never, old).expect("tended");
        assert_eq!(files(), 1, "switched off");
        keys.tend(&config, old).expect("tended");
        keys.tend(&config, old).expect("tended");
        assert_eq!(files(), 2, "the next one waits");
        keys.tend(&config, old + TimeDelta::hours(1)).expect("tended");
        assert_eq!(files(), 2, "tokens of the first may be about");
        keys.tend(&config, old + TimeDelta::hours(2)).expect("tended");
        assert_eq!(files(), 1);
        assert_ne!(keys.at(old + TimeDelta::hours(2)).kid, first.kid);
    }
}
