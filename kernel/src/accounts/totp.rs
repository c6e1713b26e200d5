//! Codes of an authenticator: RFC 6238 with SHA-1, six digits and steps of 30 seconds, which is what every app does, whatever the
//! URI says.

use aws_lc_rs::{constant_time, hmac};

use crate::clock::Moment;
use crate::id;

/// As RFC 4226 (4, R6) recommends.
const SECRET_BYTES: usize = 20;
const DIGITS: usize = 6;
const STEP_SECONDS: i64 = 30;
/// Steps before and after the current one whose codes are taken: clocks differ, and people type slowly.
const DRIFT: i64 = 1;

/// What shop and app both have.
pub(super) struct Secret(Vec<u8>);

impl Secret {
    pub fn generate() -> Self {
        Self(id::random_bytes::<SECRET_BYTES>().to_vec())
    }

    pub fn of_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As people type it, and the URI has it.
    pub fn base32(&self) -> String {
        base32(&self.0)
    }

    /// What the QR code says.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (percent_encoded(issuer), percent_encoded(account));
        let secret = self.base32();
        format!("otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
    }

    /// The step whose code this is, among those after `last` that are near `now`. All are computed, whichever it is.
    pub fn step_of(&self, code: &str, now: Moment, last: i64) -> Option<i64> {
        let current = now.timestamp().div_euclid(STEP_SECONDS);
        let steps = (current - DRIFT..=current + DRIFT).map(|step| (step, self.code(step)));
        let right = |own: &str| constant_time::verify_slices_are_equal(own.as_bytes(), code.as_bytes()).is_ok();
        let matching: Vec<_> = steps.filter(|(_, own)| right(own)).collect();
        matching.into_iter().map(|(step, _)| step).find(|step| *step > last)
    }

    /// RFC 4226, 5.3.
    fn code(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let tag = tag.as_ref();
        let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
        let four = tag.iter().skip(offset).take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        format!("{:0DIGITS$}", (four & 0x7fff_ffff) % 1_000_000)
    }
}

/// RFC 4648, 6, without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let digit = |five: &[u8]| {
        let value = (0..5).fold(0, |value, place| value << 1 | five.get(place).copied().unwrap_or_default());
        char::from(ALPHABET[usize::from(value)])
    };
    bits.chunks(5).map(digit).collect()
}

/// All but what a URI takes anywhere.
fn percent_encoded(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, of whose eight digits six are ours.
    const VECTORS: [(i64, &str); 6] = [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ];

    fn secret() -> Secret {
        Secret::of_bytes(b"12345678901234567890".to_vec())
    }

    fn at(seconds: i64) -> Moment {
        Moment::from_timestamp(seconds, 0).expect("a moment")
    }

    #[test]
    fn codes_are_the_standards() {
        for (seconds, code) in VECTORS {
            let step = seconds / 30;
            assert_eq!(secret().code(step), code, "at {seconds}");
            assert_eq!(secret().step_of(code, at(seconds), 0), Some(step), "at {seconds}");
        }
    }

    #[test]
    fn a_code_is_good_a_step_around_its_own_and_once() {
        let (step, code) = (1_234_567_890 / 30, "005924");
        for (seconds, last, expected) in [
            ((step - 2) * 30 + 29, 0, None),
            ((step - 1) * 30, 0, Some(step)),
            (step * 30, 0, Some(step)),
            ((step + 1) * 30 + 29, 0, Some(step)),
            ((step + 2) * 30, 0, None),
            (step * 30, step - 1, Some(step)),
            (step * 30, step, None),
            (step * 30, step + 1, None),
        ] {
            assert_eq!(secret().step_of(code, at(seconds), last), expected, "at {seconds} after {last}");
        }
        for wrong in ["", "00592", "0059240", "5924", "005925", "００５９２４"] {
            assert_eq!(secret().step_of(wrong, at(step * 30), 0), None, "{wrong}");
        }
    }

    #[test]
    fn the_uri_is_what_apps_read() {
        assert_eq!(secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        for (bytes, text) in
            [(&b""[..], ""), (b"f", "MY"), (b"fo", "MZXQ"), (b"foob", "MZXW6YQ"), (b"foobar", "MZXW6YTBOI")]
        {
            assert_eq!(base32(bytes), text);
        }
        let uri = secret().uri("Tea & Söhne", "ada@example.org");
        assert_eq!(
            uri,
            "otpauth://totp/Tea%20%26%20S%C3%B6hne:ada@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\
             &issuer=Tea%20%26%20S%C3%B6hne&algorithm=SHA1&digits=6&period=30"
        );
        assert_eq!(Secret::generate().bytes().len(), SECRET_BYTES);
    }
}
