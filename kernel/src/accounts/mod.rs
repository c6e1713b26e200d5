//! Accounts: who someone is, and what they may do.
//!
//! A customer logs in with e-mail address and password and gets a session: a short-lived access token for every request, and a
//! refresh token that gives the next pair. docs/accounts.md tells it to those who use the API.
//!
//! Invariants: a password is hashed before it is stored and never written anywhere else; of a refresh token only its hash is
//! stored; of all refresh tokens of a session at most one is unused; an access token is worth no more than its session, which
//! is read at each request.

mod attempts;
mod email;
mod groups;
pub mod http;
mod keys;
mod merchants;
mod password;
mod permissions;
mod private_file;
mod sessions;
mod settings;
mod store;
#[cfg(test)]
mod tests;
mod tokens;

use std::io;
use std::path::PathBuf;

use serde_json::json;
use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::{Shop, db, events, id};

pub use email::{Email, InvalidEmail};
pub use groups::{
    Group, create_group, delete_group, find_group_of, get_group, is_code, list_groups, rename_group, set_group,
};
pub use keys::{Keys, KeysError};
pub use merchants::{NewMerchant, create_merchant, first_merchant, has_merchant};
pub use password::{Hashing, Password, PasswordRefused};
pub use permissions::{Permission, Permissions};
pub use sessions::{Tokens, authenticate, forget_expired, log_in, log_out, refresh};
pub use settings::AccountsConfig;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Customer,
    /// Works for the shop: may do what their permissions say, and shop like any customer.
    Staff,
    /// Runs the shop: may do everything.
    Owner,
}

/// Who is calling.
#[derive(Debug, Clone)]
pub struct Identity {
    pub customer_id: Uuid,
    pub session_id: Uuid,
    pub role: Role,
    /// All of them for an owner, none for a customer.
    pub permissions: Permissions,
}

/// Someone with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: Uuid,
    /// As it was written at registration.
    pub email: String,
    /// Empty where none was given.
    pub name: String,
    /// BCP 47 tag.
    pub locale: String,
    pub role: Role,
    pub created_at: Moment,
}

/// Why something about accounts cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is an account with this e-mail address")]
    EmailTaken,
    /// Which of the two is wrong is not told, nor whether there is such an account.
    #[error("e-mail address or password is wrong")]
    InvalidCredentials,
    /// Forged, expired, for someone else, or of a session that has ended: a client does the same about all of them.
    #[error("the token is not valid")]
    InvalidToken,
    #[error("the refresh token was used before; its session has been ended")]
    RefreshTokenReused,
    #[error("too many wrong passwords; try again in {retry_after_seconds} s")]
    TooManyAttempts { retry_after_seconds: u64 },
    #[error("there is no such customer group")]
    GroupNotFound,
    #[error("there is a customer group with this code")]
    GroupTaken,
    /// The one that a customer is to be put into.
    #[error("there is no such customer group to be in")]
    GroupUnknown,
    #[error("price lists are for this customer group")]
    GroupInUse,
    #[error("there is no such customer")]
    CustomerNotFound,
    /// Too many passwords wait to be hashed.
    #[error("too many logins at once")]
    Busy,
    #[error("e-mail address: {0}")]
    Email(#[from] InvalidEmail),
    #[error("password: {0}")]
    Password(#[from] PasswordRefused),
    #[error("cannot write {path}: {cause}")]
    CredentialsFile { path: PathBuf, cause: io::Error },
    #[error("cryptography: {0}")]
    Cryptography(String),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// What a registration says.
#[derive(Debug)]
pub struct Registration {
    pub email: Email,
    pub password: Password,
    pub name: String,
    /// BCP 47 tag; the shop's own where there is none.
    pub locale: Option<String>,
}

/// Creates an account and logs it in.
pub async fn register(shop: &Shop, registration: Registration) -> Result<(Customer, Tokens), Error> {
    let Registration { email, password, name, locale } = registration;
    // Asked before the password is hashed, which costs more than anything else here. The unique key has the last word.
    if store::find_credentials(&mut shop.db().read().await?, email.key()).await?.is_some() {
        return Err(Error::EmailTaken);
    }
    let password_hash = shop.hashing().hash(&password).await?;
    let customer = Customer {
        id: id::sequential(),
        email: email.as_str().to_owned(),
        name,
        locale: locale.unwrap_or_else(|| shop.config().shop.locale.clone()),
        role: Role::Customer,
        created_at: clock::now(),
    };
    let mut tx = shop.db().write().await?;
    store::insert_customer(&mut tx, &customer, email.key(), &password_hash).await.map_err(email_taken)?;
    let tokens = sessions::open(shop, &mut tx, customer.id, customer.created_at).await?;
    // The id and nothing else: events go to other systems and stay there.
    events::record(&mut tx, "customer.registered", customer.id, json!({ "customer_id": customer.id })).await?;
    tx.commit().await?;
    shop.relay().wake();
    Ok((customer, tokens))
}

fn email_taken(error: db::Error) -> Error {
    if error.is_unique_violation() { Error::EmailTaken } else { error.into() }
}

/// The customer with this id.
pub async fn find_customer(shop: &Shop, id: Uuid) -> Result<Option<Customer>, Error> {
    Ok(store::find_customer(&mut shop.db().read().await?, id).await?)
}

/// What a customer changes about themselves; what is `None` stays.
#[derive(Debug, Default)]
pub struct ProfileChange {
    pub name: Option<String>,
    pub locale: Option<String>,
}

/// Changes the customer, if there is one, and tells what became of them.
pub async fn change_profile(shop: &Shop, id: Uuid, change: ProfileChange) -> Result<Option<Customer>, Error> {
    let mut tx = shop.db().write().await?;
    let Some(mut customer) = store::find_customer(&mut tx, id).await? else { return Ok(None) };
    customer.name = change.name.unwrap_or(customer.name);
    customer.locale = change.locale.unwrap_or(customer.locale);
    store::update_profile(&mut tx, &customer, clock::now()).await?;
    tx.commit().await?;
    Ok(Some(customer))
}

/// Whether `text` has the form of a BCP 47 language tag (`en`, `pt-BR`, `zh-Hans-CN`), 35 characters at most. That there is such a
/// language is not asked: texts fall back to the shop's own.
pub fn is_locale(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts.next().unwrap_or_default();
    text.len() <= 35
        && (2..=3).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}
