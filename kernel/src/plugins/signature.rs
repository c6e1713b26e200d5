//! Who stands behind a plugin file: detached signatures in minisign's format, which are Ed25519 over a digest of the file.

use std::fmt;

use minisign_verify::{Error, PublicKey};
use serde::{Deserialize, Deserializer, Serialize};

/// What becomes of plugins that no trusted key signed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unsigned {
    /// They are taken like others.
    Allowed,
    /// They are taken, and every list says so.
    #[default]
    Marked,
    /// They are neither taken nor put in force.
    Refused,
}

/// The `[plugins.signatures]` section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SignaturesConfig {
    pub unsigned: Unsigned,
    pub trusted_keys: Vec<TrustedKey>,
}

/// A public key as minisign prints it: 56 characters that begin with `RW`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TrustedKey(String);

impl<'de> Deserialize<'de> for TrustedKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match PublicKey::from_base64(&text) {
            Ok(_) => Ok(Self(text)),
            Err(_) => Err(serde::de::Error::custom("not a public key of minisign: 56 characters that begin with RW")),
        }
    }
}

/// A signature that came with a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The `.minisig` file.
    text: String,
    /// The trusted key that verified it; none where its key was not trusted then.
    verified_by: Option<String>,
}

/// Who stands behind a version, by the keys that are trusted now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signer {
    /// It came with the kernel.
    Kernel,
    /// A trusted key.
    Trusted(KeyId),
    /// A key that is not trusted: nothing is known of it, nor whether the signature is right.
    Unknown(KeyId),
    Nobody,
}

impl Signer {
    /// Who signed, by the `trusted` keys.
    pub(super) fn of(signature: Option<&Signature>, trusted: &[TrustedKey]) -> Self {
        let Some(signature) = signature else { return Self::Nobody };
        let is_trusted = |key: &String| trusted.iter().any(|trusted| trusted.0 == *key);
        match signature.verified_by.as_ref().is_some_and(is_trusted) {
            true => Self::Trusted(signature.key_id()),
            false => Self::Unknown(signature.key_id()),
        }
    }

    /// Somebody whom the operator trusts stands behind it.
    pub fn is_trusted(&self) -> bool {
        matches!(self, Self::Kernel | Self::Trusted(_))
    }
}

/// By which a key is known: 16 hexadecimal digits, as minisign prints them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId([u8; 8]);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", u64::from_le_bytes(self.0))
    }
}

/// Why a signature is not taken. The texts are for the person who uploads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    #[error("the signature is not the content of a .minisig file")]
    Malformed,
    #[error(
        "the signature is of the older kind, over the file itself; sign with minisign 0.10 or newer, or with its option -H"
    )]
    Legacy,
    #[error("the signature does not belong to this file")]
    Wrong,
    #[error("no key that this shop trusts has signed the file")]
    Required,
}

impl Signature {
    /// Verifies the content of a `.minisig` file with whichever trusted key it names. One by a key that is not trusted is kept
    /// as it is: the key may be trusted later, and the file uploaded again.
    pub(super) fn verify(file: &[u8], text: &str, trusted: &[TrustedKey]) -> Result<Self, SignatureError> {
        let signature = minisign_verify::Signature::decode(text).map_err(|_| SignatureError::Malformed)?;
        for trusted in trusted {
            // It was read when the settings were.
            let Ok(key) = PublicKey::from_base64(&trusted.0) else { continue };
            match key.verify(file, &signature, false) {
                Ok(()) => return Ok(Self { text: text.to_owned(), verified_by: Some(trusted.0.clone()) }),
                Err(Error::UnexpectedKeyId) => {}
                Err(Error::UnexpectedAlgorithm) => return Err(SignatureError::Legacy),
                Err(_) => return Err(SignatureError::Wrong),
            }
        }
        Ok(Self { text: text.to_owned(), verified_by: None })
    }

    /// Bytes 2 to 10 of its second line.
    fn key_id(&self) -> KeyId {
        use base64::{Engine as _, engine::general_purpose::STANDARD};
        let line = self.text.lines().nth(1).and_then(|line| STANDARD.decode(line.trim()).ok());
        let id = line.as_ref().and_then(|line| line.get(2..10)).and_then(|id| id.try_into().ok());
        // `verify` has decoded it, so it is there.
        KeyId(id.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use minisign::KeyPair;

    use super::*;

    const FILE: &[u8] = b"\0asm, and more";

    fn key() -> (KeyPair, TrustedKey) {
        let pair = KeyPair::generate_unencrypted_keypair().expect("a key pair");
        let public = pair.pk.to_base64();
        let trusted = serde_json::from_value(serde_json::json!(public)).expect("a key that can be trusted");
        (pair, trusted)
    }

    fn sign(pair: &KeyPair) -> String {
        minisign::sign(None, &pair.sk, Cursor::new(FILE), None, None).expect("signed").into_string()
    }

    #[test]
    fn a_trusted_key_verifies_its_file_and_no_other() {
        let ((ours, trusted), (_, another)) = (key(), key());
        let keys = [another, trusted];
        let text = sign(&ours);
        let signature = Signature::verify(FILE, &text, &keys).expect("verified");
        let id = KeyId(ours.pk.keynum().try_into().expect("eight bytes"));
        assert_eq!(Signer::of(Some(&signature), &keys), Signer::Trusted(id));
        assert_eq!(Signature::verify(b"another file", &text, &keys), Err(SignatureError::Wrong));
        // The comment is signed, too.
        let forged = text.replace("timestamp:", "timestamp:9");
        assert_ne!(forged, text);
        assert_eq!(Signature::verify(FILE, &forged, &keys), Err(SignatureError::Wrong));
        for malformed in ["", "RW", "untrusted comment: x\nRW\ntrusted comment: y\nRW"] {
            assert_eq!(Signature::verify(FILE, malformed, &keys), Err(SignatureError::Malformed), "{malformed:?}");
        }
    }

    #[test]
    fn trust_is_judged_by_the_keys_of_now() {
        let (ours, trusted) = key();
        let text = sign(&ours);
        let verified = Signature::verify(FILE, &text, std::slice::from_ref(&trusted)).expect("verified");
        assert!(!Signer::of(Some(&verified), &[]).is_trusted(), "the key is trusted no more");
        let unknown = Signature::verify(FILE, &text, &[]).expect("kept");
        let later = Signer::of(Some(&unknown), &[trusted]);
        assert!(matches!(later, Signer::Unknown(_)), "nobody has verified it: {later:?}");
        assert_eq!(Signer::of(None, &[]), Signer::Nobody);
    }

    #[test]
    fn a_trusted_key_must_be_one() {
        for given in ["", "RW", "not a key", "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO"] {
            let read: Result<SignaturesConfig, _> =
                serde_json::from_value(serde_json::json!({ "trusted_keys": [given] }));
            assert!(read.is_err(), "{given:?}");
        }
    }
}
