//! Accounts as the merchant changes them, and forgetting who somebody was.

use serde::Serialize;
use uuid::Uuid;

use crate::accounts::terms::{name_key, terms_of};
use crate::accounts::{Customer, Email};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

/// What is written of an account.
pub(in crate::accounts) struct Row<'a> {
    pub name: &'a str,
    pub phone: &'a str,
    pub locale: &'a str,
    pub note: &'a str,
    pub disabled_at: Option<Moment>,
}

/// A session, whether it lives or not.
#[derive(FromRow, Serialize)]
pub(in crate::accounts) struct SessionRow {
    created_at: Moment,
    last_used_at: Moment,
    expires_at: Moment,
    revoked_at: Option<Moment>,
    user_agent: String,
    network: String,
}

/// The key of the account's address; none where the account changed since that version, or is nobody's any more.
pub(in crate::accounts) async fn change(
    tx: &mut Tx,
    id: Uuid,
    version: i64,
    row: &Row<'_>,
    now: Moment,
) -> Result<Option<String>> {
    let changed = sql::optional!(
        tx,
        (String,),
        "update customers set name = $3, name_key = $4, phone = $5, locale = $6, note = $7, disabled_at = $8, updated_at = $9,
                version = version + 1
         where id = $1 and version = $2 and erased_at is null returning email_key",
        id,
        version,
        row.name,
        name_key(row.name),
        row.phone,
        row.locale,
        row.note,
        row.disabled_at,
        now
    )?;
    Ok(changed.map(|(email_key,)| email_key))
}

/// What the customer is found by from now on.
pub(in crate::accounts) async fn replace_terms(tx: &mut Tx, id: Uuid, terms: &[String]) -> Result<()> {
    sql::execute!(tx, "delete from customer_terms where customer_id = $1", id)?;
    for term in terms {
        sql::execute!(tx, "insert into customer_terms (term, customer_id) values ($1, $2)", term.as_str(), id)?;
    }
    Ok(())
}

pub(in crate::accounts) async fn is_disabled(conn: &mut Conn, id: Uuid) -> Result<bool> {
    let row = sql::optional!(conn, (Uuid,), "select id from customers where id = $1 and disabled_at is not null", id)?;
    Ok(row.is_some())
}

pub(in crate::accounts) async fn is_erased(conn: &mut Conn, id: Uuid) -> Result<bool> {
    let row = sql::optional!(conn, (Uuid,), "select id from customers where id = $1 and erased_at is not null", id)?;
    Ok(row.is_some())
}

/// Writes no key: who only points to the account need not wait (PostgreSQL).
pub(in crate::accounts) async fn hold_customer(tx: &mut Tx, id: Uuid) -> Result<bool> {
    let held = sql::execute!(tx, "update customers set version = version where id = $1 and role = 'customer'", id)?;
    Ok(held == 1)
}

pub(in crate::accounts) async fn note(conn: &mut Conn, id: Uuid) -> Result<String> {
    let row = sql::optional!(conn, (String,), "select note from customers where id = $1", id)?;
    Ok(row.map(|(note,)| note).unwrap_or_default())
}

pub(in crate::accounts) async fn sessions(conn: &mut Conn, id: Uuid) -> Result<Vec<SessionRow>> {
    sql::all!(
        conn,
        SessionRow,
        "select created_at, last_used_at, expires_at, revoked_at, user_agent, network from sessions
         where customer_id = $1 order by id",
        id
    )
}

/// Leaves of the account's row what orders point to. False where they work for the shop. An address of the domain `invalid` is
/// nobody's for ever (RFC 2606).
pub(in crate::accounts) async fn anonymise(
    tx: &mut Tx,
    id: Uuid,
    nobody: &str,
    password_hash: &str,
    now: Moment,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update customers set email = $2, email_key = $2, email_confirmed_at = null, name = '', name_key = '', phone = '',
                note = '', group_code = null, preferences = null, default_delivery_id = null, default_billing_id = null, password_hash = $4,
                disabled_at = coalesce(disabled_at, $3), erased_at = coalesce(erased_at, $3), updated_at = $3,
                version = version + 1
         where id = $1 and role = 'customer'",
        id,
        nobody,
        now,
        password_hash
    )?;
    Ok(changed == 1)
}

/// What they kept with the account, and where they were signed in.
pub(in crate::accounts) async fn delete_kept(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from sessions where customer_id = $1", id)?;
    sql::execute!(tx, "delete from customer_addresses where customer_id = $1", id)?;
    sql::execute!(tx, "delete from account_tokens where customer_id = $1", id)?;
    Ok(())
}

/// Takes away what somebody kept with the account: their number, their wishes, their addresses.
pub(in crate::accounts) async fn clear_kept(tx: &mut Tx, customer: &Customer, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update customers set phone = '', preferences = null, default_delivery_id = null, default_billing_id = null, updated_at = $2,
                version = version + 1
         where id = $1",
        customer.id,
        now
    )?;
    sql::execute!(tx, "delete from customer_addresses where customer_id = $1", customer.id)?;
    replace_terms(tx, customer.id, &terms_of(&Email::key_of(&customer.email), &customer.name, "")).await
}

/// What waits to be told them.
pub(in crate::accounts) async fn delete_letters(tx: &mut Tx, id: Uuid, email_key: &str) -> Result<()> {
    sql::execute!(tx, "delete from account_letters where customer_id = $1 or email_key = $2", id, email_key)?;
    Ok(())
}
