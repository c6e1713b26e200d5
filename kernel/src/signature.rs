//! Signed HTTP messages of ours, by the Standard Webhooks scheme (standardwebhooks.com): the receiver has the secret, and
//! makes the same signature from id, time and body.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::clock::Moment;

pub const ID_HEADER: &str = "webhook-id";
pub const TIMESTAMP_HEADER: &str = "webhook-timestamp";
pub const SIGNATURE_HEADER: &str = "webhook-signature";

/// What stands before the base64 of a secret.
const PREFIX: &str = "whsec_";

/// A secret that messages are signed with. It does not show itself.
#[derive(Clone)]
pub struct SigningSecret(hmac::Key);

/// The text is not a secret of the scheme.
#[derive(Debug, thiserror::Error)]
#[error("is not `whsec_` and the base64 of 24 to 64 bytes")]
pub struct NotASecret;

impl SigningSecret {
    pub fn parse(text: &str) -> Result<Self, NotASecret> {
        let encoded = text.trim().strip_prefix(PREFIX).ok_or(NotASecret)?;
        let bytes = STANDARD.decode(encoded).map_err(|_| NotASecret)?;
        if !(24..=64).contains(&bytes.len()) {
            return Err(NotASecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// Of bytes that are a secret already.
    pub fn of_bytes(bytes: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// As the receiver is told it.
    pub fn text_of(bytes: &[u8; 32]) -> String {
        format!("{PREFIX}{}", STANDARD.encode(bytes))
    }

    /// The value of [`SIGNATURE_HEADER`]. `id` stays the same when a message is sent again, so that the receiver can drop the
    /// second; `at` is the time of this try, so that the receiver can refuse old ones.
    pub fn sign(&self, id: &str, at: Moment, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(format!("{id}.{}.", at.timestamp()).as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the scheme's own libraries.
    #[test]
    fn the_signature_is_the_one_of_the_scheme() {
        let secret = SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = chrono::DateTime::from_timestamp(1_614_265_330, 0).unwrap();
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for text in ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_!"] {
            assert!(SigningSecret::parse(text).is_err(), "{text}");
        }
    }
}
