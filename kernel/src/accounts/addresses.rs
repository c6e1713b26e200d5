//! The address book: postal addresses that a customer keeps, one of them the default for delivery and one for billing.
//!
//! The two defaults stand in the customer's row, so that there cannot be two of one; every change locks that row first. As soon
//! as there is an address, there is a default of each.

use uuid::Uuid;

use super::store::addresses as rows;
use super::{Error, lock_living, store};
use crate::address::Address;
use crate::clock::{self, Moment};
use crate::db::Tx;
use crate::{Shop, id};

/// An address of a customer's book.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SavedAddress {
    pub id: Uuid,
    /// `Home`, `Office`; empty where none was given.
    pub label: String,
    pub address: Address,
    pub default_delivery: bool,
    pub default_billing: bool,
    pub created_at: Moment,
    pub updated_at: Moment,
}

/// What is to stand in the book.
#[derive(Debug, Clone)]
pub struct AddressEntry {
    pub label: String,
    pub address: Address,
    /// Make it the default for delivery. False leaves the default where it is.
    pub default_delivery: bool,
    /// As `default_delivery`, for bills.
    pub default_billing: bool,
}

/// All of them, the oldest first; `accounts.max_addresses` at most.
pub async fn list_addresses(shop: &Shop, customer_id: Uuid) -> Result<Vec<SavedAddress>, Error> {
    Ok(rows::list(&mut shop.db().read().await?, customer_id).await?)
}

/// The address, if it is one of this customer's.
pub async fn find_address(shop: &Shop, customer_id: Uuid, id: Uuid) -> Result<Option<SavedAddress>, Error> {
    Ok(rows::find(&mut shop.db().read().await?, customer_id, id).await?)
}

pub async fn add_address(shop: &Shop, customer_id: Uuid, entry: &AddressEntry) -> Result<SavedAddress, Error> {
    let (id, now) = (id::sequential(), clock::now());
    let mut tx = shop.db().write().await?;
    lock_living(&mut tx, customer_id).await?;
    let max = shop.config().accounts.max_addresses;
    if rows::count(&mut tx, customer_id).await? >= max as i64 {
        return Err(Error::TooManyAddresses { max });
    }
    rows::insert(&mut tx, customer_id, id, &entry.label, &entry.address, now).await?;
    settle(tx, customer_id, id, entry).await?.ok_or(Error::AddressNotFound)
}

pub async fn replace_address(
    shop: &Shop,
    customer_id: Uuid,
    id: Uuid,
    entry: &AddressEntry,
) -> Result<SavedAddress, Error> {
    let now = clock::now();
    let mut tx = shop.db().write().await?;
    lock_living(&mut tx, customer_id).await?;
    if !rows::update(&mut tx, customer_id, id, &entry.label, &entry.address, now).await? {
        return Err(Error::AddressNotFound);
    }
    settle(tx, customer_id, id, entry).await?.ok_or(Error::AddressNotFound)
}

/// Sets the defaults that are asked for, or that are missing, and commits.
async fn settle(mut tx: Tx, customer_id: Uuid, id: Uuid, entry: &AddressEntry) -> Result<Option<SavedAddress>, Error> {
    rows::set_defaults(&mut tx, customer_id, id, entry.default_delivery, entry.default_billing).await?;
    let saved = rows::find(&mut tx, customer_id, id).await?;
    tx.commit().await?;
    Ok(saved)
}

/// Removes the address. Where it was a default, the oldest of those that stay is the next.
pub async fn remove_address(shop: &Shop, customer_id: Uuid, id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    store::lock_customer(&mut tx, customer_id, clock::now()).await?;
    if !rows::delete(&mut tx, customer_id, id).await? {
        return Err(Error::AddressNotFound);
    }
    rows::replace_default(&mut tx, customer_id, id).await?;
    Ok(tx.commit().await?)
}
