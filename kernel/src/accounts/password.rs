//! Passwords: which are taken, and how they are hashed.
//!
//! argon2id with 19 MiB and 2 passes (OWASP's first recommendation for one lane). At most a few hashes run at once, on
//! threads for blocking work: a flood of logins costs bounded memory and leaves the async threads to everyone else.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::attempts::Attempts;
use super::email::Email;
use super::{AccountsConfig, Error};
use crate::id;

/// Shortest and longest password, in characters. Beyond the length only the worst are refused (NIST SP 800-63B): rules about
/// digits and signs make passwords worse.
pub const MIN_CHARS: usize = 8;
pub const MAX_CHARS: usize = 256;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// What an unknown account's password is verified against. Same parameters, so that the same time passes; its output is
/// the text `no password hashes to this, ever`, not the hash of anything known. It is also the password of an account that is nobody's.
pub(super) const DUMMY_HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$YW55IHNhbHQgd2lsbCBkbw$bm8gcGFzc3dvcmQgaGFzaGVzIHRvIHRoaXMsIGV2ZXI";

/// The head of every list of leaked passwords, as far as they are long enough; lower-case.
const COMMON: &[&str] = &[
    "00000000",
    "11111111",
    "12341234",
    "12345678",
    "123456789",
    "1234567890",
    "123123123",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "55555555",
    "66666666",
    "77777777",
    "87654321",
    "88888888",
    "987654321",
    "99999999",
    "a1234567",
    "aa123456",
    "aa12345678",
    "abc12345",
    "abcd1234",
    "abcdefgh",
    "administrator",
    "asdfasdf",
    "asdfghjkl",
    "baseball",
    "changeme",
    "computer",
    "dearbook",
    "football",
    "iloveyou",
    "iloveyou1",
    "letmein1",
    "liverpool",
    "michelle",
    "p@ssw0rd",
    "passw0rd",
    "password",
    "password1",
    "password12",
    "password123",
    "princess",
    "q1w2e3r4",
    "q1w2e3r4t5",
    "qazwsxedc",
    "qwer1234",
    "qwerasdf",
    "qwerty12",
    "qwerty123",
    "qwertyui",
    "qwertyuiop",
    "sunshine",
    "superman",
    "trustno1",
    "welcome1",
    "whatever",
    "xxxxxxxx",
    "zaq12wsx",
    "йцукенгш",
];

/// A password that may be set. Never shown by `Debug`.
pub struct Password(String);

/// Why a password cannot be set.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordRefused {
    #[error("must be {MIN_CHARS} to {MAX_CHARS} characters")]
    Length,
    #[error("must not be the e-mail address")]
    IsEmail,
    #[error("is one of the most common passwords; choose another")]
    Common,
}

impl Password {
    pub fn new(text: &str, email: &Email) -> Result<Self, PasswordRefused> {
        if !(MIN_CHARS..=MAX_CHARS).contains(&text.chars().count()) {
            return Err(PasswordRefused::Length);
        }
        let lower = text.to_lowercase();
        if lower == email.key() {
            return Err(PasswordRefused::IsEmail);
        }
        if COMMON.contains(&lower.as_str()) {
            return Err(PasswordRefused::Common);
        }
        Ok(Self(text.to_owned()))
    }

    /// 120 random bits in four groups, of characters that are not mistaken for one another.
    pub fn generated() -> Self {
        const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
        let characters = id::random_bytes::<24>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
        let groups: Vec<String> = characters.chunks(6).map(|group| group.iter().collect()).collect();
        Self(groups.join("-"))
    }

    /// The text itself, to be shown once to whom it was generated for.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What stands between the network and the password hashes: turns at hashing, and the count of wrong passwords.
pub struct Hashing {
    turns: Arc<Semaphore>,
    wait: Duration,
    /// Wrong passwords, by e-mail address.
    pub(super) attempts: Attempts,
    /// Wrong codes of second factors, by account.
    pub(super) codes: Attempts,
}

/// The right to hash once. Dropped, it goes to the next.
pub(super) struct Turn(OwnedSemaphorePermit);

impl Hashing {
    pub fn new(config: &AccountsConfig) -> Self {
        Self {
            turns: Arc::new(Semaphore::new(config.hashes_at_once as usize)),
            wait: Duration::from_millis(config.hash_wait_ms),
            attempts: Attempts::new(config),
            codes: Attempts::new(config),
        }
    }

    /// Waits for a turn, as long as the settings say; then it is [`Error::Busy`].
    pub(super) async fn turn(&self) -> Result<Turn, Error> {
        let turn = tokio::time::timeout(self.wait, self.turns.clone().acquire_owned());
        // The semaphore is never closed; were it, the answer would be the same.
        turn.await.map_err(|_| Error::Busy)?.map(Turn).map_err(|_| Error::Busy)
    }

    /// The hash to store of a new password.
    pub(super) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let text = password.0.clone();
        self.turn().await?.spend(move || hash(&text)).await?
    }
}

impl Turn {
    /// Whether `password` is the one behind `stored`. Without `stored` (an unknown account) the same work is done for nothing.
    pub(super) async fn verify(self, password: &str, stored: Option<String>) -> Result<bool, Error> {
        let password = password.to_owned();
        self.spend(move || {
            let matches = verify(&password, stored.as_deref().unwrap_or(DUMMY_HASH))?;
            Ok(matches && stored.is_some())
        })
        .await?
    }

    /// The permit goes with the work: a client that gives up waiting does not make room for another hash beside this one.
    async fn spend<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        let worked = tokio::task::spawn_blocking(move || {
            let Turn(_permit) = self;
            work()
        });
        worked.await.map_err(|error| Error::Cryptography(error.to_string()))
    }
}

fn argon2() -> Result<Argon2<'static>, Error> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| Error::Cryptography(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &str) -> Result<String, Error> {
    let hashed = argon2()?.hash_password_with_salt(password.as_bytes(), &id::random_bytes::<16>());
    hashed.map(|hash| hash.to_string()).map_err(|error| Error::Cryptography(error.to_string()))
}

/// The parameters are those that `stored` names, so that hashes outlive a change of ours.
fn verify(password: &str, stored: &str) -> Result<bool, Error> {
    match argon2()?.verify_password(password.as_bytes(), stored) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(Error::Cryptography(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_length_and_the_worst_are_refused() {
        let email = Email::parse("Ada.L@example.org").expect("valid");
        for (text, expected) in [
            ("1234567", Err(PasswordRefused::Length)),
            ("        ", Ok(())),
            ("correct horse", Ok(())),
            ("ёжикёжик", Ok(())),
            ("ёжикёжи", Err(PasswordRefused::Length)),
            (&"x".repeat(256), Ok(())),
            (&"x".repeat(257), Err(PasswordRefused::Length)),
            ("ada.l@EXAMPLE.org", Err(PasswordRefused::IsEmail)),
            ("PassWord", Err(PasswordRefused::Common)),
            ("qwertyuiop", Err(PasswordRefused::Common)),
        ] {
            assert_eq!(Password::new(text, &email).map(drop), expected, "{text}");
        }
    }

    #[test]
    fn generated_passwords_are_taken_and_never_shown() {
        let email = Email::parse("ada@example.org").expect("valid");
        let password = Password::generated();
        assert!(Password::new(password.reveal(), &email).is_ok());
        assert_ne!(password.reveal(), Password::generated().reveal());
        assert!(!format!("{password:?}").contains(password.reveal()));
    }

    #[test]
    fn common_passwords_stand_as_they_are_compared() {
        for common in COMMON {
            assert!(common.chars().count() >= MIN_CHARS, "{common} is too short to matter");
            assert_eq!(*common, common.to_lowercase());
        }
    }

    #[test]
    fn an_unknown_account_costs_what_a_known_one_costs() {
        let parameters = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let output_len = |hash: &str| hash.rsplit('$').next().map(str::len);
        let real = hash("correct horse").expect("hashes");
        assert_eq!(parameters(DUMMY_HASH), parameters(&real));
        assert_eq!(output_len(DUMMY_HASH), output_len(&real));
        assert!(!verify("correct horse", DUMMY_HASH).expect("the dummy is a hash"));
        assert!(verify("correct horse", &real).expect("a hash"));
        assert!(!verify("incorrect horse", &real).expect("a hash"));
    }

    #[tokio::test]
    async fn no_password_opens_an_account_that_is_not_there() {
        let hashing = Hashing::new(&AccountsConfig::default());
        let turn = hashing.turn().await.expect("a turn");
        assert!(!turn.verify("correct horse", None).await.expect("verified"));
    }

    #[tokio::test]
    async fn hashes_wait_for_their_turn_and_not_forever() {
        let config = AccountsConfig { hashes_at_once: 1, hash_wait_ms: 1, ..AccountsConfig::default() };
        let hashing = Hashing::new(&config);
        let turn = hashing.turn().await.expect("the only turn is free");
        assert!(matches!(hashing.turn().await, Err(Error::Busy)));
        drop(turn);
        assert!(hashing.turn().await.is_ok());
    }
}
