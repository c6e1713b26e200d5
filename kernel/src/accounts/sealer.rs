//! Secrets that the shop has to give away again rest encrypted in the database.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

/// Encrypts under one key of this install (AES-256-GCM).
pub struct Sealer(RandomizedNonceKey);

/// It cannot be encrypted, or was not encrypted here, for this owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a secret cannot be encrypted, or was encrypted under another key or for another owner")]
pub struct SealError;

impl Sealer {
    /// None where the library refuses the key.
    pub(super) fn new(key: &[u8; 32]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, key).map(Self).ok()
    }

    /// Encrypts what rests in the database. It opens only beside the same `owner`: a row that is copied to another owner is worth nothing there.
    pub fn seal(&self, secret: &[u8], owner: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut sealed = secret.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(owner), &mut sealed).map_err(|_| SealError)?;
        Ok([&nonce.as_ref()[..], &sealed].concat())
    }

    pub fn unseal(&self, sealed: &[u8], owner: &[u8]) -> Result<Vec<u8>, SealError> {
        let (nonce, secret) = sealed.split_at_checked(NONCE_LEN).ok_or(SealError)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError)?;
        let mut secret = secret.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(owner), &mut secret).map_err(|_| SealError)?;
        Ok(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_secret_opens_for_its_owner_under_its_key() {
        let ours = Sealer::new(&[1; 32]).expect("a key");
        let theirs = Sealer::new(&[2; 32]).expect("a key");
        let sealed = ours.seal(b"a secret", b"ada").expect("sealed");
        assert_ne!(sealed, ours.seal(b"a secret", b"ada").expect("sealed"), "never the same twice");
        assert!(!sealed.windows(6).any(|window| window == b"secret"));
        assert_eq!(ours.unseal(&sealed, b"ada").expect("opened"), b"a secret");
        let mut bent = sealed.clone();
        bent[NONCE_LEN] ^= 1;
        for (sealer, sealed, owner) in [
            (&ours, &sealed, &b"eve"[..]),
            (&theirs, &sealed, b"ada"),
            (&ours, &bent, b"ada"),
            (&ours, &Vec::new(), b"ada"),
        ] {
            assert_eq!(sealer.unseal(sealed, owner), Err(SealError));
        }
    }
}
