//! Customers, as the merchant sees them: who they are, what they bought, and whether they may come in.
//!
//! It stands above the domains that know something of a person, and asks each of them: `accounts` keeps the accounts themselves.

pub mod http;
mod privacy;
mod store;

use uuid::Uuid;

use crate::accounts::{self, AccountChange, Role};
use crate::clock::{self, Moment};
use crate::db;
use crate::{Shop, ledger, orders};

pub use privacy::{Whose, erase, erase_myself, export};

/// An account, as the merchant sees it.
#[derive(Debug, Clone)]
pub struct Account {
    pub id: Uuid,
    pub email: String,
    pub email_confirmed_at: Option<Moment>,
    pub name: String,
    pub phone: String,
    pub locale: String,
    pub role: Role,
    pub note: String,
    /// The code of the customer group that they are in.
    pub group: Option<String>,
    pub second_factor: bool,
    pub disabled_at: Option<Moment>,
    pub erased_at: Option<Moment>,
    pub version: i64,
    pub created_at: Moment,
}

/// What somebody bought.
#[derive(Debug, Clone)]
pub struct Purchases {
    pub orders: i64,
    pub last_order_at: Option<Moment>,
    /// By currency: what they paid and did not get back.
    pub spent: Vec<(String, i64)>,
}

/// Which customers.
#[derive(Debug, Default, Clone)]
pub struct Filter {
    /// Each is the beginning of a word of the name, of the e-mail address or of the telephone number.
    pub terms: Vec<String>,
    pub disabled: Option<bool>,
    /// Those who are forgotten, who are left out otherwise.
    pub erased: bool,
}

/// In which order.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Newest,
    Oldest,
    Name,
    Email,
}

/// What to change; what is `None` stays.
#[derive(Debug, Default)]
pub struct Change {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub locale: Option<String>,
    pub note: Option<String>,
    pub disabled: Option<bool>,
}

/// Why something about a customer cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no such customer")]
    NotFound,
    #[error("the account works for the shop; remove it from the staff first")]
    WorksHere,
    #[error("the account is nobody's any more")]
    Erased,
    #[error("the customer was changed meanwhile")]
    Changed,
    #[error("{0} orders are under way; receive or cancel them first")]
    OrdersUnderWay(i64),
    #[error("an account has proved the address: what it did is found there")]
    HasAccount,
    #[error(transparent)]
    CutOff(#[from] tokio::task::JoinError),
    #[error(transparent)]
    Account(#[from] accounts::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Error {
    /// It lost to others that ran at the same time, and can be tried again.
    fn is_conflict(&self) -> bool {
        match self {
            Self::Database(error) | Self::Account(accounts::Error::Database(error)) => error.is_conflict(),
            _ => false,
        }
    }
}

impl Account {
    /// Where a list goes on after this one.
    pub fn sort_key(&self, sort: Sort) -> String {
        match sort {
            Sort::Newest | Sort::Oldest => String::new(),
            Sort::Name => accounts::name_key(&self.name),
            Sort::Email => accounts::Email::key_of(&self.email),
        }
    }
}

/// One more than `limit`, where there are; behind the key and the id of the last one that was shown.
pub async fn list(
    shop: &Shop,
    filter: &Filter,
    sort: Sort,
    after: Option<(String, Uuid)>,
    limit: u32,
) -> Result<Vec<Account>, Error> {
    let mut conn = shop.db().read().await?;
    Ok(store::list(&mut conn, filter, sort, after, i64::from(limit) + 1).await?)
}

/// The customer, and what they bought.
pub async fn get(shop: &Shop, id: Uuid) -> Result<(Account, Purchases), Error> {
    let mut conn = shop.db().read().await?;
    let account = store::find(&mut conn, id).await?.ok_or(Error::NotFound)?;
    let (orders, last_order_at) = orders::placed_by(&mut conn, id).await?;
    let spent = ledger::spent_by(&mut conn, id).await?;
    Ok((account, Purchases { orders, last_order_at, spent }))
}

/// Changes the customer, of the version `expected` where one is named. Who is disabled is signed out at once.
pub async fn change(shop: &Shop, id: Uuid, expected: Option<i64>, change: Change) -> Result<Account, Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    let before = store::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    if before.erased_at.is_some() {
        return Err(Error::Erased);
    }
    if expected.is_some_and(|version| version != before.version) {
        return Err(Error::Changed);
    }
    if change.disabled == Some(true) && before.role != Role::Customer {
        return Err(Error::WorksHere);
    }
    let (after, fields) = applied(&before, change, now);
    if fields.is_empty() {
        return Ok(before);
    }
    if !accounts::change_account(&mut tx, id, before.version, &after, &fields, now).await? {
        return Err(Error::Changed);
    }
    let account = store::find(&mut tx, id).await?.ok_or(Error::NotFound)?;
    tx.commit().await?;
    shop.relay().wake();
    Ok(account)
}

/// The account as it is to be, and which fields differ.
fn applied(before: &Account, change: Change, now: Moment) -> (AccountChange, Vec<&'static str>) {
    let disabled_at = match change.disabled {
        Some(true) => before.disabled_at.or(Some(now)),
        Some(false) => None,
        None => before.disabled_at,
    };
    let after = AccountChange {
        name: change.name.unwrap_or_else(|| before.name.clone()),
        phone: change.phone.unwrap_or_else(|| before.phone.clone()),
        locale: change.locale.unwrap_or_else(|| before.locale.clone()),
        note: change.note.unwrap_or_else(|| before.note.clone()),
        disabled_at,
    };
    let differs = [
        ("name", after.name != before.name),
        ("phone", after.phone != before.phone),
        ("locale", after.locale != before.locale),
        ("note", after.note != before.note),
        ("disabled", after.disabled_at != before.disabled_at),
    ];
    (after, differs.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field).collect())
}

/// Takes the second factor of a customer away, who lost it.
pub async fn reset_second_factor(shop: &Shop, id: Uuid) -> Result<(), Error> {
    match accounts::reset_second_factor_of_customer(shop, id).await? {
        Some(true) => Ok(()),
        Some(false) => Err(Error::WorksHere),
        None => Err(Error::NotFound),
    }
}
