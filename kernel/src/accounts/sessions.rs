//! Sessions: from login to logout.
//!
//! A refresh token is good once. Its successor is derived from it with a key of this install, so that a session is a chain and
//! never a tree, which decides what can be made of a token that comes twice:
//!
//! - The answer was lost, or two tabs refreshed at once: within the grace, and while the successor is unused, the same
//!   successor is given again. Nothing is gained by asking twice: there is still one token that is good.
//! - Later, or once the successor was used, two hold the token, and one of them stole it. Which one cannot be told: the
//!   whole session ends.
//!
//! A thief who is within the grace gets what the owner got; the first of the two to go on leaves the other with a used
//! token, and the session ends then. Random successors were rejected: giving another one within the grace makes two live branches,
//! of which a theft would go unnoticed; giving none logs people out whose train entered a tunnel.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use uuid::Uuid;

use super::proved::{Proved, prove};
use super::second_factor::{self, Challenge};
use super::store::{self, RefreshToken};
use super::tokens::{self, Bearer};
use super::{Customer, Error, Identity, Role};
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::{Shop, id};

/// What a client holds of its session.
#[derive(Clone)]
pub struct Tokens {
    pub access_token: String,
    /// How long the access token is accepted.
    pub access_token_seconds: u64,
    pub refresh_token: String,
    /// When the session ends and the password is asked for again.
    pub session_expires_at: Moment,
}

/// What became of a login.
pub enum LoggedIn {
    In(Box<Customer>, Tokens),
    /// The password was right, and the account has a second factor.
    Challenged(Challenge),
}

/// Where somebody logs in, as it is kept with the session so that they can tell their sessions apart.
#[derive(Debug, Clone, Default)]
pub struct Device {
    /// What the browser or app calls itself; empty where it says nothing.
    pub user_agent: String,
    /// `203.0.113.0/24`; empty where it is not known.
    pub network: String,
}

/// A session that lives.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: Uuid,
    pub user_agent: String,
    pub network: String,
    pub created_at: Moment,
    /// When its tokens were last renewed.
    pub last_used_at: Moment,
    pub expires_at: Moment,
}

/// Not derived: tokens must not get into a log with what holds them.
impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokens").field("session_expires_at", &self.session_expires_at).finish_non_exhaustive()
    }
}

/// Opens a session for whom `email` and `password` prove to be, or asks them for their second factor.
pub async fn log_in(shop: &Shop, email: &str, password: &str, device: &Device) -> Result<LoggedIn, Error> {
    let proved = prove(shop, email, password).await?;
    admit(shop, proved, device).await
}

/// The session of whoever gave the right password, or the question for their second factor. Behind the lock of the account, so that
/// neither another password, nor a second factor, nor the end of the account comes in between.
pub(super) async fn admit(shop: &Shop, proved: Proved, device: &Device) -> Result<LoggedIn, Error> {
    let (customer, now) = (&proved.customer, clock::now());
    let unconfirmed = customer.email_confirmed_at.is_none() && customer.role == Role::Customer;
    if unconfirmed && shop.config().accounts.confirm_before_login {
        return Err(Error::EmailUnconfirmed);
    }
    let mut tx = shop.db().write().await?;
    proved.hold(&mut tx).await?;
    if store::people::is_disabled(&mut tx, customer.id).await? {
        return Err(Error::Disabled);
    }
    let factor = store::second_factors::find(&mut tx, customer.id).await?;
    if factor.is_some_and(|factor| factor.confirmed_at.is_some()) {
        let challenge = second_factor::challenge(shop, &mut tx, customer.id, now).await?;
        tx.commit().await?;
        return Ok(LoggedIn::Challenged(challenge));
    }
    let tokens = open(shop, &mut tx, customer.id, device, now).await?;
    tx.commit().await?;
    Ok(LoggedIn::In(Box::new(proved.customer), tokens))
}

/// Begins a session of the customer in `tx`.
pub(super) async fn open(
    shop: &Shop,
    tx: &mut Tx,
    customer_id: Uuid,
    device: &Device,
    now: Moment,
) -> Result<Tokens, Error> {
    let bearer = Bearer { customer_id, session_id: id::sequential() };
    let expires_at = now + TimeDelta::days(shop.config().accounts.session_days as i64);
    let refresh_token = id::secret();
    store::insert_session(tx, &bearer, device, now, expires_at).await?;
    store::insert_refresh_token(tx, &token_hash(&refresh_token), bearer.session_id, now).await?;
    give(shop, &bearer, refresh_token, expires_at, now)
}

fn give(
    shop: &Shop,
    bearer: &Bearer,
    refresh_token: String,
    session_expires_at: Moment,
    now: Moment,
) -> Result<Tokens, Error> {
    Ok(Tokens {
        access_token: tokens::sign(shop.keys(), shop.config(), bearer, now)?,
        access_token_seconds: shop.config().accounts.access_token_seconds,
        refresh_token,
        session_expires_at,
    })
}

/// Gives the next pair of tokens for a refresh token. The session's end stays where it was.
pub async fn refresh(shop: &Shop, refresh_token: &str) -> Result<Tokens, Error> {
    let now = clock::now();
    let token = find_live(shop, refresh_token, now).await?;
    let successor = shop.keys().successor_of(refresh_token);
    if token.used_at.is_none() && rotate(shop, refresh_token, &successor, token.bearer.session_id, now).await? {
        return give(shop, &token.bearer, successor, token.session_expires_at, now);
    }
    // Used before, or by someone else since it was read: read when.
    let token = find_live(shop, refresh_token, now).await?;
    let grace = TimeDelta::seconds(shop.config().accounts.refresh_grace_seconds as i64);
    let recent = token.used_at.is_some_and(|used_at| now - used_at <= grace);
    if recent && is_unused(shop, &successor).await? {
        return give(shop, &token.bearer, successor, token.session_expires_at, now);
    }
    tracing::warn!(session = %token.bearer.session_id, "a refresh token was used twice; its session has been ended");
    revoke(shop, token.bearer.session_id, now).await?;
    Err(Error::RefreshTokenReused)
}

/// Ends the session that the refresh token belongs to, used or not. A token that says nothing has nothing to end: no error.
pub async fn log_out(shop: &Shop, refresh_token: &str) -> Result<(), Error> {
    let now = clock::now();
    match find_live(shop, refresh_token, now).await {
        Ok(token) => revoke(shop, token.bearer.session_id, now).await,
        Err(Error::InvalidToken) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The customer's sessions that live, the newest first. One more than `limit`, where there are.
pub async fn list_sessions(
    shop: &Shop,
    customer_id: Uuid,
    before: Option<Uuid>,
    limit: u32,
) -> Result<Vec<Session>, Error> {
    let mut conn = shop.db().read().await?;
    let before = before.unwrap_or(Uuid::max());
    Ok(store::sessions::list(&mut conn, customer_id, before, clock::now(), i64::from(limit) + 1).await?)
}

/// Ends a session of the customer's; false where they have none such.
pub async fn end_session(shop: &Shop, customer_id: Uuid, id: Uuid) -> Result<bool, Error> {
    let mut tx = shop.db().write().await?;
    let ended = store::sessions::revoke_of(&mut tx, customer_id, id, clock::now()).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Ends every session of whoever asks but the one that asks.
pub async fn end_other_sessions(shop: &Shop, identity: &Identity) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    store::revoke_other_sessions(&mut tx, identity.customer_id, identity.session_id, clock::now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Who bears the access token: one query on the primary keys of session and customer.
pub async fn authenticate(shop: &Shop, access_token: &str) -> Result<Identity, Error> {
    let Bearer { customer_id, session_id } = tokens::verify(shop.keys(), shop.config(), access_token)?;
    let mut conn = shop.db().read().await?;
    let access = store::find_session_access(&mut conn, session_id, customer_id, clock::now()).await?;
    let (role, permissions, second_factor) = access.ok_or(Error::InvalidToken)?;
    Ok(Identity { customer_id, session_id, role, permissions, second_factor })
}

/// Forgets sessions that have ended by themselves, with all their tokens, and links that are out of date; tells how many. For a
/// worker, now and then.
pub async fn forget_expired(shop: &Shop) -> Result<u64, Error> {
    let mut tx = shop.db().write().await?;
    let now = clock::now();
    let forgotten = store::delete_sessions(&mut tx, now).await? + store::links::delete_expired(&mut tx, now).await?;
    store::letters::delete_pauses(&mut tx, now).await?;
    store::second_factors::delete_expired_challenges(&mut tx, now).await?;
    tx.commit().await?;
    Ok(forgotten)
}

/// The token as it stands, if its session lives. Found by reading: what anyone may send must not keep the one writer busy.
async fn find_live(shop: &Shop, refresh_token: &str, now: Moment) -> Result<RefreshToken, Error> {
    let mut conn = shop.db().read().await?;
    let token = store::find_refresh_token(&mut conn, &token_hash(refresh_token)).await?;
    token.filter(|token| token.revoked_at.is_none() && token.session_expires_at > now).ok_or(Error::InvalidToken)
}

/// Uses the token and puts its successor in its place; false where another request was first.
async fn rotate(
    shop: &Shop,
    refresh_token: &str,
    successor: &str,
    session_id: Uuid,
    now: Moment,
) -> Result<bool, Error> {
    let mut tx = shop.db().write().await?;
    if !store::use_refresh_token(&mut tx, &token_hash(refresh_token), now).await? {
        return Ok(false);
    }
    store::insert_refresh_token(&mut tx, &token_hash(successor), session_id, now).await?;
    store::sessions::touch(&mut tx, session_id, now).await?;
    tx.commit().await?;
    Ok(true)
}

async fn is_unused(shop: &Shop, refresh_token: &str) -> Result<bool, Error> {
    let mut conn = shop.db().read().await?;
    let token = store::find_refresh_token(&mut conn, &token_hash(refresh_token)).await?;
    Ok(token.is_some_and(|token| token.used_at.is_none()))
}

async fn revoke(shop: &Shop, session_id: Uuid, now: Moment) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    store::revoke_session(&mut tx, session_id, now).await?;
    tx.commit().await?;
    Ok(())
}

/// Plain SHA-256: the token has 256 random bits, so there is nothing to guess that a slow hash would have to protect.
pub(super) fn token_hash(refresh_token: &str) -> Vec<u8> {
    digest(&SHA256, refresh_token.as_bytes()).as_ref().to_vec()
}
