//! All the SQL of accounts.

pub(super) mod addresses;
pub(super) mod api_keys;
pub(super) mod groups;
pub(super) mod letters;
pub(super) mod links;
pub(super) mod people;
pub(super) mod preferences;
pub(super) mod second_factors;
pub(super) mod sessions;
pub(super) mod staff;

use uuid::Uuid;

use super::terms::{name_key, terms_of};
use super::tokens::Bearer;
use super::{Customer, Device, Email, Permissions, Role, SecondFactorState};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct CustomerRow {
    id: Uuid,
    email: String,
    email_confirmed_at: Option<Moment>,
    name: String,
    phone: String,
    locale: String,
    role: String,
    password_hash: String,
    created_at: Moment,
}

/// A customer with the hash of their password.
pub(super) struct Credentials {
    pub customer: Customer,
    pub password_hash: String,
}

/// A refresh token with the session that it belongs to.
pub(super) struct RefreshToken {
    pub bearer: Bearer,
    pub used_at: Option<Moment>,
    pub session_expires_at: Moment,
    pub revoked_at: Option<Moment>,
}

#[derive(FromRow)]
struct RefreshTokenRow {
    session_id: Uuid,
    customer_id: Uuid,
    used_at: Option<Moment>,
    expires_at: Moment,
    revoked_at: Option<Moment>,
}

impl From<CustomerRow> for Credentials {
    fn from(row: CustomerRow) -> Self {
        let role = Role::parse(&row.role);
        let CustomerRow { id, email, email_confirmed_at, name, phone, locale, created_at, .. } = row;
        let customer = Customer { id, email, email_confirmed_at, name, phone, locale, role, created_at };
        Self { customer, password_hash: row.password_hash }
    }
}

pub(super) async fn find_credentials(conn: &mut Conn, email_key: &str) -> Result<Option<Credentials>> {
    let row = sql::optional!(
        conn,
        CustomerRow,
        "select id, email, email_confirmed_at, name, phone, locale, role, password_hash, created_at
         from customers where email_key = $1",
        email_key
    )?;
    Ok(row.map(Credentials::from))
}

pub(super) async fn find_customer(conn: &mut Conn, id: Uuid) -> Result<Option<Customer>> {
    let row = sql::optional!(
        conn,
        CustomerRow,
        "select id, email, email_confirmed_at, name, phone, locale, role, password_hash, created_at
         from customers where id = $1",
        id
    )?;
    Ok(row.map(|row| Credentials::from(row).customer))
}

/// False where there is an account with this address.
pub(super) async fn insert_customer(
    tx: &mut Tx,
    customer: &Customer,
    email_key: &str,
    password_hash: &str,
) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into customers (id, email, email_key, email_confirmed_at, name, name_key, phone, locale, role, password_hash,
                                created_at, updated_at)
         values ($1, $2, $3, $4, $5, $11, $6, $7, $8, $9, $10, $10) on conflict (email_key) do nothing",
        customer.id,
        customer.email.as_str(),
        email_key,
        customer.email_confirmed_at,
        customer.name.as_str(),
        customer.phone.as_str(),
        customer.locale.as_str(),
        customer.role.name(),
        password_hash,
        customer.created_at,
        name_key(&customer.name)
    )?;
    if inserted == 1 {
        people::replace_terms(tx, customer.id, &terms_of(email_key, &customer.name, &customer.phone)).await?;
    }
    Ok(inserted == 1)
}

/// Nothing is written to an account that is nobody's any more, however it was read.
pub(super) async fn update_profile(tx: &mut Tx, customer: &Customer, now: Moment) -> Result<()> {
    let changed = sql::execute!(
        tx,
        "update customers set name = $2, name_key = $6, phone = $3, locale = $4, updated_at = $5, version = version + 1
         where id = $1 and erased_at is null",
        customer.id,
        customer.name.as_str(),
        customer.phone.as_str(),
        customer.locale.as_str(),
        now,
        name_key(&customer.name)
    )?;
    if changed == 0 {
        return Ok(());
    }
    let email_key = Email::key_of(&customer.email);
    people::replace_terms(tx, customer.id, &terms_of(&email_key, &customer.name, &customer.phone)).await
}

/// True where the customer has this address and had not proved it yet.
pub(super) async fn confirm_email(tx: &mut Tx, id: Uuid, email_key: &str, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update customers set email_confirmed_at = $3, updated_at = $3
         where id = $1 and email_key = $2 and email_confirmed_at is null",
        id,
        email_key,
        now
    )?;
    Ok(changed == 1)
}

/// A confirmed one.
pub(super) async fn set_email(tx: &mut Tx, id: Uuid, email: &str, email_key: &str, now: Moment) -> Result<()> {
    let (name, phone) = sql::one!(
        tx,
        (String, String),
        "update customers set email = $2, email_key = $3, email_confirmed_at = $4, updated_at = $4, version = version + 1
         where id = $1 returning name, phone",
        id,
        email,
        email_key,
        now
    )?;
    people::replace_terms(tx, id, &terms_of(email_key, &name, &phone)).await
}

pub(super) async fn set_password(tx: &mut Tx, id: Uuid, password_hash: &str, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update customers set password_hash = $2, updated_at = $3 where id = $1",
        id,
        password_hash,
        now
    )?;
    Ok(())
}

/// Lets whoever else wants to change the customer wait until the transaction ends.
pub(super) async fn lock_customer(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "update customers set updated_at = $2 where id = $1", id, now)?;
    Ok(())
}

/// As [`lock_customer`], for who writes something of theirs; false where the account is nobody's any more.
pub(super) async fn lock_living(tx: &mut Tx, id: Uuid, now: Moment) -> Result<bool> {
    let locked =
        sql::execute!(tx, "update customers set updated_at = $2 where id = $1 and erased_at is null", id, now)?;
    Ok(locked == 1)
}

/// As [`lock_customer`]; false where the password is not this one any more.
pub(super) async fn lock_proved(tx: &mut Tx, id: Uuid, password_hash: &str) -> Result<bool> {
    let locked = sql::execute!(
        tx,
        "update customers set password_hash = password_hash where id = $1 and password_hash = $2",
        id,
        password_hash
    )?;
    Ok(locked == 1)
}

pub(super) async fn has_owner(conn: &mut Conn) -> Result<bool> {
    let found = sql::optional!(conn, (i64,), "select cast(1 as bigint) from customers where role = 'owner' limit 1")?;
    Ok(found.is_some())
}

pub(super) async fn make_owner(tx: &mut Tx, id: Uuid, password_hash: &str, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update customers set role = 'owner', permissions = '', password_hash = $2, disabled_at = null, updated_at = $3
         where id = $1",
        id,
        password_hash,
        now
    )?;
    Ok(())
}

pub(super) async fn insert_session(
    tx: &mut Tx,
    bearer: &Bearer,
    device: &Device,
    now: Moment,
    expires_at: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into sessions (id, customer_id, created_at, expires_at, last_used_at, user_agent, network)
         values ($1, $2, $3, $4, $3, $5, $6)",
        bearer.session_id,
        bearer.customer_id,
        now,
        expires_at,
        device.user_agent.as_str(),
        device.network.as_str()
    )?;
    Ok(())
}

/// What the session's customer may do, and whether they have a second factor, if the session lives.
pub(super) async fn find_session_access(
    conn: &mut Conn,
    session_id: Uuid,
    customer_id: Uuid,
    now: Moment,
) -> Result<Option<(Role, Permissions, SecondFactorState)>> {
    let row = sql::optional!(
        conn,
        (String, String, i64, bool),
        "select customers.role, customers.permissions,
                (select count(*) from second_factors f where f.customer_id = customers.id and f.confirmed_at is not null),
                (select second_factor_required from staff_policy)
         from sessions join customers on customers.id = sessions.customer_id
         where sessions.id = $1 and sessions.customer_id = $2 and sessions.revoked_at is null and sessions.expires_at > $3
           and customers.disabled_at is null",
        session_id,
        customer_id,
        now
    )?;
    Ok(row.map(|(role, permissions, factors, required_of_staff)| {
        let role = Role::parse(&role);
        let permissions = match role {
            Role::Owner => Permissions::all(),
            Role::Staff => Permissions::of_text(&permissions),
            Role::Customer => Permissions::none(),
        };
        (role, permissions, SecondFactorState { is_set_up: factors > 0, required_of_staff })
    }))
}

/// Those who work for the shop, in the order of their ids.
pub(super) async fn staff(conn: &mut Conn) -> Result<Vec<(Uuid, Permissions)>> {
    let rows = sql::all!(
        conn,
        (Uuid, String, String),
        "select id, role, permissions from customers where role <> 'customer' order by id"
    )?;
    let set = |role: &str, permissions: &str| match Role::parse(role) {
        Role::Owner => Permissions::all(),
        Role::Staff => Permissions::of_text(permissions),
        Role::Customer => Permissions::none(),
    };
    Ok(rows.into_iter().map(|(id, role, permissions)| (id, set(&role, &permissions))).collect())
}

pub(super) async fn revoke_session(tx: &mut Tx, session_id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "update sessions set revoked_at = $2 where id = $1 and revoked_at is null", session_id, now)?;
    Ok(())
}

pub(super) async fn revoke_sessions_of(tx: &mut Tx, customer_id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update sessions set revoked_at = $2 where customer_id = $1 and revoked_at is null",
        customer_id,
        now
    )?;
    Ok(())
}

pub(super) async fn revoke_other_sessions(tx: &mut Tx, customer_id: Uuid, session_id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update sessions set revoked_at = $3 where customer_id = $1 and id <> $2 and revoked_at is null",
        customer_id,
        session_id,
        now
    )?;
    Ok(())
}

/// Their refresh tokens go with them.
pub(super) async fn delete_sessions(tx: &mut Tx, expired_at: Moment) -> Result<u64> {
    sql::execute!(tx, "delete from sessions where expires_at <= $1", expired_at)
}

pub(super) async fn insert_refresh_token(tx: &mut Tx, token_hash: &[u8], session_id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "insert into refresh_tokens (token_hash, session_id, issued_at) values ($1, $2, $3)",
        token_hash,
        session_id,
        now
    )?;
    Ok(())
}

pub(super) async fn find_refresh_token(conn: &mut Conn, token_hash: &[u8]) -> Result<Option<RefreshToken>> {
    let row = sql::optional!(
        conn,
        RefreshTokenRow,
        "select sessions.id as session_id, sessions.customer_id, refresh_tokens.used_at, sessions.expires_at, sessions.revoked_at
         from refresh_tokens join sessions on sessions.id = refresh_tokens.session_id
         where refresh_tokens.token_hash = $1",
        token_hash
    )?;
    Ok(row.map(|row| RefreshToken {
        bearer: Bearer { customer_id: row.customer_id, session_id: row.session_id },
        used_at: row.used_at,
        session_expires_at: row.expires_at,
        revoked_at: row.revoked_at,
    }))
}

/// Marks the token as used; false where it was already.
pub(super) async fn use_refresh_token(tx: &mut Tx, token_hash: &[u8], now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update refresh_tokens set used_at = $2 where token_hash = $1 and used_at is null",
        token_hash,
        now
    )?;
    Ok(changed == 1)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Kind and data of every event.
    pub async fn recorded_events(conn: &mut Conn) -> Result<Vec<(String, String)>> {
        sql::all!(
            conn,
            (String, String),
            "select kind, cast(data as text) from events where kind like 'user.%' order by id"
        )
    }
}
