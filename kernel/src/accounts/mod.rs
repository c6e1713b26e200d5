//! Accounts: who someone is, and what they may do.
//!
//! A customer logs in with e-mail address and password and gets a session: a short-lived access token for every request, and a
//! refresh token that gives the next pair. docs/accounts.md tells it to those who use the API.
//!
//! Invariants: a password is hashed before it is stored and never written anywhere else; of a refresh token only its hash is
//! stored; of all refresh tokens of a session at most one is unused; an access token is worth no more than its session, which
//! is read at each request.

mod addresses;
mod administration;
mod api_keys;
mod attempts;
mod email;
mod email_change;
mod groups;
pub mod http;
mod introspection;
mod keys;
mod letters;
mod links;
mod owners;
mod password;
mod permissions;
mod preferences;
mod privacy;
mod private_file;
mod proved;
mod recovery;
mod sealer;
mod second_factor;
mod sessions;
mod settings;
mod signing_keys;
mod staff;
mod store;
mod terms;
#[cfg(test)]
mod tests;
mod tokens;
mod totp;

use std::io;
use std::path::PathBuf;

use serde_json::json;
use uuid::Uuid;

use crate::clock::{self, Moment};
use crate::{Shop, db, events, id};

use letters::Letter;

pub use addresses::{
    AddressEntry, SavedAddress, add_address, find_address, list_addresses, remove_address, replace_address,
};
pub use administration::{AccountChange, change_account, reset_second_factor_of_customer};
pub use api_keys::{
    API_KEY_MARK, ApiKey, ApiKeyError, KeyIdentity, NewApiKey, Scopes, authenticate_key, create_api_key, get_api_key,
    list_api_keys, revoke_api_key,
};
pub use email::{Email, InvalidEmail};
pub use email_change::{agree_to_email_change, ask_for_email_change, refuse_email_change};
pub use groups::{
    Group, create_group, delete_group, get_group, group_of, is_code, list_groups, make_group, rename_group, set_group,
};
pub use introspection::{About, introspect};
pub use keys::{Keys, KeysError};
pub use letters::Letters;
pub use owners::{NewOwner, create_owner, first_owner, has_owner};
pub use password::{Hashing, Password, PasswordRefused};
pub use permissions::{Permission, Permissions};
pub use preferences::{
    Channels, Consent, ConsentChange, Preferences, Topic, change_consent, choose_preferences, chosen_preferences,
    consent_changes, consents, preferences_of,
};
pub use privacy::{
    Person, export_person, find_guest, find_person, forget_person, hold_person, is_forgotten, prove_both,
};
pub use proved::Proved;
pub use recovery::{
    ask_for_confirmation, ask_for_reset, change_password, confirm_email, require_confirmed, reset_password,
};
pub use sealer::{SealError, Sealer};
pub use second_factor::{
    Challenge, Enrolment, Proof, SecondFactor, answer_challenge, begin_second_factor, confirm_second_factor,
    lacks_second_factor, remove_second_factor, renew_recovery_codes, second_factor_of,
};
pub use sessions::{
    Device, LoggedIn, Session, Tokens, authenticate, end_other_sessions, end_session, forget_expired, list_sessions,
    log_in, log_out, refresh,
};
pub use settings::AccountsConfig;
pub use signing_keys::{PublicKey, public_keys, rotate_signing_keys};
pub use staff::{
    Grant, StaffError, StaffMember, StaffPolicy, add_staff, change_staff, get_staff, list_staff, remove_staff,
    reset_second_factor_of_staff, set_staff_policy, staff_policy,
};
pub use terms::{name_key, search_terms};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Customer,
    /// Works for the shop: may do what their permissions say, and shop like any customer.
    Staff,
    /// Runs the shop: may do everything.
    Owner,
}

impl Role {
    pub fn name(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Staff => "staff",
            Self::Owner => "owner",
        }
    }

    /// A role that is not known is worth the least.
    pub fn parse(text: &str) -> Self {
        match text {
            "owner" => Self::Owner,
            "staff" => Self::Staff,
            _ => Self::Customer,
        }
    }
}

/// Who is calling.
#[derive(Debug, Clone)]
pub struct Identity {
    pub customer_id: Uuid,
    pub session_id: Uuid,
    pub role: Role,
    /// All of them for an owner, none for a customer.
    pub permissions: Permissions,
    pub second_factor: SecondFactorState,
}

/// What there is to know of somebody's second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecondFactorState {
    /// They have one, without which their session could not have begun.
    pub is_set_up: bool,
    /// The owners ask it of everybody who works for the shop.
    pub required_of_staff: bool,
}

/// Someone with an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Customer {
    pub id: Uuid,
    /// As it was written at registration.
    pub email: String,
    /// When they proved that the address is theirs.
    pub email_confirmed_at: Option<Moment>,
    /// Empty where none was given.
    pub name: String,
    /// Empty where none was given.
    pub phone: String,
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
    #[error("an address book holds at most {max} addresses")]
    TooManyAddresses { max: u64 },
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
    #[error("there is no such address in the book")]
    AddressNotFound,
    /// The account has the address that is asked for.
    #[error("it is the account's address already")]
    SameEmail,
    /// Told only to whom the account is.
    #[error("the e-mail address has to be confirmed first")]
    EmailUnconfirmed,
    /// Whoever has the link has not shown that the account is theirs.
    #[error("sign in to the account, or send its password")]
    AccountUnproved,
    /// Wrong, for something else, used, or out of date.
    #[error("the link is not valid")]
    InvalidLink,
    #[error("there is a second factor already")]
    SecondFactorExists,
    #[error("there is no second factor")]
    NoSecondFactor,
    /// Wrong, used, or out of date.
    #[error("the code is not valid")]
    InvalidCode,
    /// Wrong, used, out of date, or answered too often.
    #[error("the login has to begin anew")]
    InvalidChallenge,
    /// Told only to whom the account is.
    #[error("the account is disabled")]
    Disabled,
    #[error("the refresh token was used before; its session has been ended")]
    RefreshTokenReused,
    #[error("too many wrong passwords; try again in {retry_after_seconds} s")]
    TooManyAttempts { retry_after_seconds: u64 },
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
    Sealed(#[from] SealError),
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

/// What became of a registration.
#[derive(Debug)]
pub enum Registered {
    In(Box<Customer>, Tokens),
    /// The address has to be confirmed first. There may have been an account with it before, which is not told.
    Waiting,
}

/// Creates an account and logs it in, or lets it wait for its confirmation where the shop wants that.
pub async fn register(shop: &Shop, registration: Registration, device: &Device) -> Result<Registered, Error> {
    let hides = shop.config().accounts.confirm_before_login;
    let Registration { email, password, name, locale } = registration;
    // Asked before the password is hashed, which costs more than anything else here. The unique key has the last word. Where
    // accounts are hidden the hash is made in any case: it is what would tell.
    if !hides && store::find_credentials(&mut shop.db().read().await?, email.key()).await?.is_some() {
        return Err(Error::EmailTaken);
    }
    let password_hash = shop.hashing().hash(&password).await?;
    let customer = Customer {
        id: id::sequential(),
        email: email.as_str().to_owned(),
        email_confirmed_at: None,
        name,
        phone: String::new(),
        locale: locale.unwrap_or_else(|| shop.config().shop.locale.clone()),
        role: Role::Customer,
        created_at: clock::now(),
    };
    let mut tx = shop.db().write().await?;
    if !store::insert_customer(&mut tx, &customer, email.key(), &password_hash).await? {
        if !hides {
            return Err(Error::EmailTaken);
        }
        letters::to_address(&mut tx, Letter::AlreadyRegistered, email.key()).await?;
        tx.commit().await?;
        shop.letters().wake();
        return Ok(Registered::Waiting);
    }
    let tokens = match hides {
        true => None,
        false => Some(sessions::open(shop, &mut tx, customer.id, device, customer.created_at).await?),
    };
    letters::to_address(&mut tx, Letter::ConfirmEmail, email.key()).await?;
    // The id and nothing else: events go to other systems and stay there.
    events::record(&mut tx, "user.created", customer.id, json!({ "customer_id": customer.id })).await?;
    tx.commit().await?;
    shop.letters().wake();
    shop.relay().wake();
    Ok(tokens.map_or(Registered::Waiting, |tokens| Registered::In(Box::new(customer), tokens)))
}

fn email_taken(error: db::Error) -> Error {
    if error.is_unique_violation() { Error::EmailTaken } else { error.into() }
}

/// The workers. Ends when the shop stops.
pub async fn run(shop: Shop) {
    tokio::join!(letters::run(shop.clone()), signing_keys::run(shop));
}

/// Lets whoever else changes the customer, or decides something about all that is theirs, wait until the transaction ends.
pub async fn lock(tx: &mut db::Tx, id: Uuid) -> db::Result<()> {
    store::lock_customer(tx, id, clock::now()).await
}

/// As [`lock`], for who writes something of the customer's: not to an account that was erased since they were let in.
pub async fn lock_living(tx: &mut db::Tx, id: Uuid) -> Result<(), Error> {
    match store::lock_living(tx, id, clock::now()).await? {
        true => Ok(()),
        false => Err(Error::InvalidToken),
    }
}

/// The customer with this id, on a connection that is open already.
pub async fn customer_in(conn: &mut db::Conn, id: Uuid) -> db::Result<Option<Customer>> {
    store::find_customer(conn, id).await
}

/// The customer with this id.
pub async fn find_customer(shop: &Shop, id: Uuid) -> Result<Option<Customer>, Error> {
    Ok(store::find_customer(&mut shop.db().read().await?, id).await?)
}

/// Those who work for the shop and have this permission.
pub async fn staff_who_may(conn: &mut db::Conn, permission: Permission) -> db::Result<Vec<Uuid>> {
    let staff = store::staff(conn).await?.into_iter();
    Ok(staff.filter(|(_, permissions)| permissions.has(permission)).map(|(id, _)| id).collect())
}

/// What a customer changes about themselves; what is `None` stays.
#[derive(Debug, Default)]
pub struct ProfileChange {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub locale: Option<String>,
}

/// Changes the customer, and tells what became of them.
pub async fn change_profile(shop: &Shop, id: Uuid, change: ProfileChange) -> Result<Customer, Error> {
    let mut tx = shop.db().write().await?;
    // Before they are read: of two who change one field each, neither takes back the other's.
    lock_living(&mut tx, id).await?;
    let mut customer = store::find_customer(&mut tx, id).await?.ok_or(Error::InvalidToken)?;
    let mut changed = Vec::new();
    for (field, old, new) in [
        ("name", &mut customer.name, change.name),
        ("phone", &mut customer.phone, change.phone),
        ("locale", &mut customer.locale, change.locale),
    ] {
        if let Some(new) = new.filter(|new| new != old) {
            *old = new;
            changed.push(field);
        }
    }
    if !changed.is_empty() {
        store::update_profile(&mut tx, &customer, clock::now()).await?;
        recovery::updated(&mut tx, id, &changed).await?;
        tx.commit().await?;
        shop.relay().wake();
    }
    Ok(customer)
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
