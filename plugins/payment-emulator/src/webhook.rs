//! The provider's messages: a JSON body, signed with the shared secret.
//!
//! `{"payment_key": "…", "event": "authorized" | "captured" | "declined" | "cancelled", "code": "…"}`, where `code` is
//! for `declined`. The header `x-emulator-signature` is the HMAC-SHA256 of the body under the secret, in hex.

use hmac::{Hmac, KeyInit, Mac};
use kassa_sdk::payment::{WebhookError, WebhookRequest};
use serde::Deserialize;
use sha2::Sha256;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct News {
    pub payment_key: String,
    pub event: Settlement,
    #[serde(default)]
    pub code: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Settlement {
    Authorized,
    Captured,
    Declined,
    Cancelled,
}

/// Reads a message, but only after its signature proved right. Without a secret nothing is authentic.
pub fn read(request: &WebhookRequest, secret: &str) -> Result<News, WebhookError> {
    let signature = request.header("x-emulator-signature").and_then(from_hex).ok_or(WebhookError::Unauthentic)?;
    if secret.is_empty() {
        return Err(WebhookError::Unauthentic);
    }
    // `verify_slice` compares in constant time.
    let mac = mac(secret).chain_update(&request.body);
    mac.verify_slice(&signature).map_err(|_| WebhookError::Unauthentic)?;
    serde_json::from_slice(&request.body).map_err(|error| WebhookError::Malformed(error.to_string()))
}

fn mac(secret: &str) -> Hmac<Sha256> {
    Hmac::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length")
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| if let [high, low] = pair { Some(digit(high)? << 4 | digit(low)?) } else { None }).collect()
}

#[cfg(test)]
pub fn sign(body: &str, secret: &str) -> String {
    let mac = mac(secret).chain_update(body).finalize().into_bytes();
    mac.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_hmac_sha256() {
        // RFC 4231, test case 2.
        let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert_eq!(sign("what do ya want for nothing?", "Jefe"), expected);
    }

    #[test]
    fn hex() {
        let cases: [(&str, Option<&[u8]>); 6] =
            [("", Some(&[])), ("00fF", Some(&[0, 255])), ("0", None), ("0g", None), ("é", None), ("+1", None)];
        for (text, bytes) in cases {
            assert_eq!(from_hex(text).as_deref(), bytes, "{text}");
        }
    }
}
