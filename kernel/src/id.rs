//! The only place that mints ids and secrets.

use std::sync::Mutex;

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::{ContextV7, Timestamp, Uuid};

use crate::clock;

/// What counts the ids of one millisecond, and holds the time where the clock was put back. The one state that is no shop's:
/// ids of two shops may well share it.
static ORDER: Mutex<ContextV7> = Mutex::new(ContextV7::new());

/// An id for rows that are found by other means than guessing. It sorts after every one that this process made before, so
/// that rows written one after the other are listed in that order, within a millisecond too.
pub fn sequential() -> Uuid {
    let now = clock::now();
    let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
    Uuid::new_v7(Timestamp::from_unix(&ORDER, seconds, now.timestamp_subsec_nanos()))
}

/// An id with 122 random bits: knowing it is the right to open a guest's cart or order, so it never stands in logs.
pub fn unguessable() -> Uuid {
    uuid::Builder::from_random_bytes(random_bytes()).into_uuid()
}

/// A secret of 256 random bits, as 43 characters of URL-safe base64.
pub fn secret() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// Random bytes of the operating system.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without randomness no id, key or token can be trusted: going on would be worse than stopping.
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_ids_sort_later_within_a_millisecond_too() {
        let ids: Vec<_> = (0..10_000).map(|_| sequential()).collect();
        assert!(ids.is_sorted_by(|a, b| a < b));
    }
}
