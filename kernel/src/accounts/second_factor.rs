//! The second factor: codes of an authenticator app, and recovery codes for the day it is lost.
//!
//! Invariants: whoever has one gets no session by a password alone; a code is good once, and so is a recovery code; guessing is bounded
//! twice, for each challenge in the database and for each account in memory; the secret rests encrypted, bound to its account, and
//! recovery codes rest hashed.

use chrono::TimeDelta;
use uuid::Uuid;

use super::letters::{self, Letter};
use super::proved::prove_again;
use super::recovery::updated;
use super::sessions::{self, token_hash};
use super::store::second_factors::{self as rows, Factor};
use super::totp::Secret;
use super::{Customer, Device, Error, Identity, Role, Tokens, store};
use crate::clock::{self, Moment};
use crate::db::{self, Tx};
use crate::{Shop, id};

/// Recovery codes that are given at a time.
pub const RECOVERY_CODES: usize = 10;
/// 80 random bits: too many to try, also for whoever has the hashes.
const RECOVERY_CODE_CHARS: usize = 16;

/// What somebody shows besides their password.
#[derive(Debug, Clone)]
pub enum Proof {
    /// Of the app.
    Code(String),
    RecoveryCode(String),
}

/// A factor in the making: what the app needs to know.
pub struct Enrolment {
    /// For whoever types it.
    pub secret: String,
    /// For whoever scans it.
    pub uri: String,
}

/// What somebody sees of their second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactor {
    pub confirmed_at: Moment,
    pub recovery_codes_left: i64,
}

/// Half a login: the password was right.
pub struct Challenge {
    /// Worth nothing without a code.
    pub token: String,
    pub expires_in_seconds: u64,
}

/// What somebody has; none where they have no factor, or one that they never confirmed.
pub async fn second_factor_of(shop: &Shop, customer_id: Uuid) -> Result<Option<SecondFactor>, Error> {
    let mut conn = shop.db().read().await?;
    let Some(confirmed_at) = rows::find(&mut conn, customer_id).await?.and_then(|factor| factor.confirmed_at) else {
        return Ok(None);
    };
    let recovery_codes_left = rows::count_recovery_codes(&mut conn, customer_id).await?;
    Ok(Some(SecondFactor { confirmed_at, recovery_codes_left }))
}

/// Whether they work for a shop that wants a second factor of its staff, and have none: then they may do nothing as staff.
pub fn lacks_second_factor(shop: &Shop, identity: &Identity) -> bool {
    let required = shop.config().accounts.require_second_factor_of_staff || identity.second_factor.required_of_staff;
    required && identity.role != Role::Customer && !identity.second_factor.is_set_up
}

/// Makes a secret for the app of whoever is signed in and knows their password. It asks for nothing until the first code confirms
/// that the app has it; until then another may take its place.
pub async fn begin_second_factor(shop: &Shop, identity: &Identity, password: &str) -> Result<Enrolment, Error> {
    let proved = prove_again(shop, identity, password).await?;
    let customer = &proved.customer;
    let secret = Secret::generate();
    let sealed = shop.keys().second_factors.seal(secret.bytes(), customer.id.as_bytes())?;
    let mut tx = shop.db().write().await?;
    proved.hold(&mut tx).await?;
    if !rows::begin(&mut tx, customer.id, &sealed, clock::now()).await? {
        return Err(Error::SecondFactorExists);
    }
    tx.commit().await?;
    let uri = secret.uri(&shop.config().shop.name, &customer.email);
    Ok(Enrolment { secret: secret.base32(), uri })
}

/// Confirms the factor by its first code, and gives recovery codes. Other sessions end: they were opened without it.
pub async fn confirm_second_factor(shop: &Shop, identity: &Identity, code: &str) -> Result<Vec<String>, Error> {
    let (id, now) = (identity.customer_id, clock::now());
    let attempts = &shop.hashing().codes;
    let mut tx = lock_for_code(shop, id, now).await?;
    let customer = store::find_customer(&mut tx, id).await?.ok_or(Error::InvalidToken)?;
    let factor = rows::find(&mut tx, id).await?.ok_or(Error::NoSecondFactor)?;
    if factor.confirmed_at.is_some() {
        return Err(Error::SecondFactorExists);
    }
    let Some(step) = step_of(shop, &factor, code, now)? else {
        attempts.failed(&id.to_string(), now);
        return Err(Error::InvalidCode);
    };
    // Guarded by the secret that was read: another enrolment may have begun meanwhile.
    if !rows::confirm(&mut tx, &factor, step, now).await? {
        return Err(Error::NoSecondFactor);
    }
    let codes = give_recovery_codes(&mut tx, id).await?;
    store::revoke_other_sessions(&mut tx, id, identity.session_id, now).await?;
    changed(&mut tx, &customer, Letter::SecondFactorOn).await?;
    tx.commit().await?;
    attempts.succeeded(&id.to_string());
    wake(shop);
    Ok(codes)
}

/// Removes the factor of whoever is signed in and shows both.
pub async fn remove_second_factor(
    shop: &Shop,
    identity: &Identity,
    password: &str,
    proof: &Proof,
) -> Result<(), Error> {
    let proved = prove_again(shop, identity, password).await?;
    let mut tx = prove_code(shop, proved.customer.id, proof).await?;
    proved.hold(&mut tx).await?;
    forget(&mut tx, &proved.customer).await?;
    tx.commit().await?;
    wake(shop);
    Ok(())
}

/// Gives new recovery codes in the place of all that there were.
pub async fn renew_recovery_codes(
    shop: &Shop,
    identity: &Identity,
    password: &str,
    proof: &Proof,
) -> Result<Vec<String>, Error> {
    let proved = prove_again(shop, identity, password).await?;
    let mut tx = prove_code(shop, proved.customer.id, proof).await?;
    proved.hold(&mut tx).await?;
    let codes = give_recovery_codes(&mut tx, proved.customer.id).await?;
    tx.commit().await?;
    Ok(codes)
}

/// Takes the factor from an account, as whoever may do so decides: its sessions end.
pub(super) async fn reset(tx: &mut Tx, customer: &Customer) -> db::Result<()> {
    // Before its rows, as everywhere here: two who took them in another order would wait for each other.
    store::lock_customer(tx, customer.id, clock::now()).await?;
    if rows::find(tx, customer.id).await?.is_some() {
        store::revoke_sessions_of(tx, customer.id, clock::now()).await?;
        forget(tx, customer).await?;
    }
    Ok(())
}

async fn forget(tx: &mut Tx, customer: &Customer) -> db::Result<()> {
    rows::delete(tx, customer.id).await?;
    changed(tx, customer, Letter::SecondFactorOff).await
}

async fn changed(tx: &mut Tx, customer: &Customer, letter: Letter) -> db::Result<()> {
    letters::to_customer(tx, letter, customer, None).await?;
    updated(tx, customer.id, &["second_factor"]).await
}

fn wake(shop: &Shop) {
    shop.letters().wake();
    shop.relay().wake();
}

/// A challenge for whom the password was right, in place of a session. Where the account has too many, the oldest makes room: to refuse
/// would let whoever knows the password keep its owner out.
pub(super) async fn challenge(shop: &Shop, tx: &mut Tx, customer_id: Uuid, now: Moment) -> Result<Challenge, Error> {
    let token = id::secret();
    let config = &shop.config().accounts;
    let minutes = config.challenge_minutes;
    let expires_at = now + TimeDelta::minutes(minutes as i64);
    rows::keep_newest_challenges(tx, customer_id, config.open_challenges as i64 - 1).await?;
    rows::insert_challenge(tx, &token_hash(&token), customer_id, now, expires_at).await?;
    Ok(Challenge { token, expires_in_seconds: 60 * minutes })
}

/// The other half of a login.
pub async fn answer_challenge(
    shop: &Shop,
    challenge: &str,
    proof: &Proof,
    device: &Device,
) -> Result<(Customer, Tokens), Error> {
    let (hash, now) = (token_hash(challenge), clock::now());
    let customer_id = rows::find_challenge(&mut shop.db().read().await?, &hash, now).await?;
    let customer_id = customer_id.ok_or(Error::InvalidChallenge)?;
    shop.hashing().codes.check(&customer_id.to_string(), now)?;
    spend_attempt(shop, &hash, now).await?;
    let mut tx = prove_code(shop, customer_id, proof).await?;
    // Of two right answers at once, one opens a session.
    if !rows::delete_challenge(&mut tx, &hash).await? {
        return Err(Error::InvalidChallenge);
    }
    let customer = store::find_customer(&mut tx, customer_id).await?.ok_or(Error::InvalidChallenge)?;
    let tokens = sessions::open(shop, &mut tx, customer_id, device, now).await?;
    tx.commit().await?;
    Ok((customer, tokens))
}

/// Counted and committed before the code is looked at: of a thousand guesses sent at once, no more are looked at than a challenge allows.
async fn spend_attempt(shop: &Shop, hash: &[u8], now: Moment) -> Result<(), Error> {
    let most = shop.config().accounts.challenge_attempts as i64;
    let mut tx = shop.db().write().await?;
    if !rows::spend_attempt(&mut tx, hash, most, now).await? {
        return Err(Error::InvalidChallenge);
    }
    Ok(tx.commit().await?)
}

/// Lets every other code of the account wait until the transaction ends: of many at once, each sees how those before it ended, also where
/// the database has more than one writer.
async fn lock_for_code(shop: &Shop, customer_id: Uuid, now: Moment) -> Result<Tx, Error> {
    let mut tx = shop.db().write().await?;
    store::lock_customer(&mut tx, customer_id, now).await?;
    shop.hashing().codes.check(&customer_id.to_string(), now)?;
    Ok(tx)
}

/// Takes the code in a transaction, which is what the code was good for. A wrong one is counted, and makes wait.
pub(super) async fn prove_code(shop: &Shop, customer_id: Uuid, proof: &Proof) -> Result<Tx, Error> {
    let (key, now) = (customer_id.to_string(), clock::now());
    let attempts = &shop.hashing().codes;
    let mut tx = lock_for_code(shop, customer_id, now).await?;
    let factor = rows::find(&mut tx, customer_id).await?.filter(|factor| factor.confirmed_at.is_some());
    let factor = factor.ok_or(Error::NoSecondFactor)?;
    let taken = match proof {
        Proof::Code(code) => match step_of(shop, &factor, code, now)? {
            Some(step) => rows::take_step(&mut tx, customer_id, step).await?,
            None => false,
        },
        Proof::RecoveryCode(code) => {
            rows::use_recovery_code(&mut tx, customer_id, &token_hash(&plain(code)), now).await?
        }
    };
    if !taken {
        attempts.failed(&key, now);
        return Err(Error::InvalidCode);
    }
    attempts.succeeded(&key);
    Ok(tx)
}

fn step_of(shop: &Shop, factor: &Factor, code: &str, now: Moment) -> Result<Option<i64>, Error> {
    let secret = shop.keys().second_factors.unseal(&factor.secret, factor.customer_id.as_bytes())?;
    let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    Ok(Secret::of_bytes(secret).step_of(&code, now, factor.last_step))
}

async fn give_recovery_codes(tx: &mut Tx, customer_id: Uuid) -> db::Result<Vec<String>> {
    rows::delete_recovery_codes(tx, customer_id).await?;
    let codes: Vec<String> = (0..RECOVERY_CODES).map(|_| recovery_code()).collect();
    for code in &codes {
        rows::insert_recovery_code(tx, customer_id, &token_hash(&plain(code))).await?;
    }
    Ok(codes)
}

/// `k7n2-m4pq-rs8t-vwx9`, of characters that are not mistaken for one another.
fn recovery_code() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let characters = id::random_bytes::<RECOVERY_CODE_CHARS>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)]));
    let groups: Vec<String> = characters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

/// As it is hashed: people type it in capitals, with blanks, without dashes.
fn plain(code: &str) -> String {
    code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recovery_codes_are_taken_as_people_type_them() {
        let code = recovery_code();
        assert_eq!(code.len(), RECOVERY_CODE_CHARS + 3);
        assert_ne!(code, recovery_code());
        for typed in [code.clone(), code.to_uppercase(), code.replace('-', ""), format!(" {} ", code.replace('-', " "))]
        {
            assert_eq!(plain(&typed), code.replace('-', ""), "{typed}");
        }
    }
}
