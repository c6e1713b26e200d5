//! What the merchant does to the account of a customer.

use uuid::Uuid;

use super::recovery::updated;
use super::store::people::{self as rows, Row};
use super::terms::terms_of;
use super::{Error, Role, second_factor, store};
use crate::Shop;
use crate::clock::Moment;
use crate::db::{self, Tx};

/// An account as it is to be.
#[derive(Debug, Clone)]
pub struct AccountChange {
    pub name: String,
    pub phone: String,
    pub locale: String,
    /// The merchant's own; the customer never sees it but in an export.
    pub note: String,
    /// Since when nobody can log in to it.
    pub disabled_at: Option<Moment>,
}

/// Writes the account unless it changed since `version`, and tells of the fields that did. Whoever cannot log in any more is not
/// signed in any more, either.
pub async fn change_account(
    tx: &mut Tx,
    id: Uuid,
    version: i64,
    change: &AccountChange,
    fields: &[&str],
    now: Moment,
) -> db::Result<bool> {
    let AccountChange { name, phone, locale, note, disabled_at } = change;
    let row = Row { name, phone, locale, note, disabled_at: *disabled_at };
    let Some(email_key) = rows::change(tx, id, version, &row, now).await? else { return Ok(false) };
    rows::replace_terms(tx, id, &terms_of(&email_key, name, phone)).await?;
    if disabled_at.is_some() {
        store::revoke_sessions_of(tx, id, now).await?;
        store::second_factors::delete_challenges_of(tx, id).await?;
    }
    // A note is nobody else's affair.
    let told: Vec<&str> = fields.iter().copied().filter(|field| *field != "note").collect();
    if !told.is_empty() {
        updated(tx, id, &told).await?;
    }
    Ok(true)
}

/// Takes the second factor of a customer away, who lost it; their sessions end. None where there is no such customer; false where they work
/// for the shop, whose factors are staff's affair.
pub async fn reset_second_factor_of_customer(shop: &Shop, id: Uuid) -> Result<Option<bool>, Error> {
    let mut tx = shop.db().write().await?;
    let Some(customer) = store::find_customer(&mut tx, id).await? else { return Ok(None) };
    if customer.role != Role::Customer {
        return Ok(Some(false));
    }
    second_factor::reset(&mut tx, &customer).await?;
    tx.commit().await?;
    shop.letters().wake();
    shop.relay().wake();
    Ok(Some(true))
}
