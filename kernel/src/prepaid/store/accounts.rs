//! The accounts themselves.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::id;
use crate::prepaid::GiftCard;
use crate::prepaid::paying::Standing;

#[derive(FromRow)]
struct GiftCardRow {
    id: Uuid,
    last_four: String,
    currency: String,
    balance: i64,
    active: bool,
    expires_at: Option<Moment>,
    note: String,
    created_by: String,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<GiftCardRow> for GiftCard {
    fn from(row: GiftCardRow) -> Self {
        Self {
            id: row.id,
            last_four: row.last_four,
            currency: row.currency,
            balance: row.balance,
            active: row.active,
            expires_at: row.expires_at,
            note: row.note,
            created_by: row.created_by,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

/// False where there is one with this code.
pub(in crate::prepaid) async fn insert_gift_card(tx: &mut Tx, card: &GiftCard, code_hash: &[u8]) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into prepaid_accounts (id, kind, currency, code_hash, last_four, active, expires_at, note, created_by, version,
                                       created_at, updated_at)
         values ($1, 'gift-card', $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) on conflict (code_hash) do nothing",
        card.id,
        card.currency.as_str(),
        code_hash,
        card.last_four.as_str(),
        card.active,
        card.expires_at,
        card.note.as_str(),
        card.created_by.as_str(),
        card.version,
        card.created_at
    )?;
    Ok(inserted == 1)
}

pub(in crate::prepaid) async fn find_gift_card(conn: &mut Conn, id: Uuid) -> Result<Option<GiftCard>> {
    let row = sql::optional!(
        conn,
        GiftCardRow,
        "select id, last_four, currency, active, expires_at, note, created_by, version, created_at, updated_at,
                (select cast(coalesce(sum(e.amount), 0) as bigint) from prepaid_entries e
                 where e.account_id = prepaid_accounts.id) as balance
         from prepaid_accounts where id = $1 and kind = 'gift-card'",
        id
    )?;
    Ok(row.map(GiftCard::from))
}

pub(in crate::prepaid) async fn find_by_hash(conn: &mut Conn, code_hash: &[u8]) -> Result<Option<GiftCard>> {
    let row = sql::optional!(
        conn,
        GiftCardRow,
        "select id, last_four, currency, active, expires_at, note, created_by, version, created_at, updated_at,
                (select cast(coalesce(sum(e.amount), 0) as bigint) from prepaid_entries e
                 where e.account_id = prepaid_accounts.id) as balance
         from prepaid_accounts where code_hash = $1",
        code_hash
    )?;
    Ok(row.map(GiftCard::from))
}

pub(in crate::prepaid) async fn gift_cards(conn: &mut Conn, before: Uuid, limit: i64) -> Result<Vec<GiftCard>> {
    let rows = sql::all!(
        conn,
        GiftCardRow,
        "select id, last_four, currency, active, expires_at, note, created_by, version, created_at, updated_at,
                (select cast(coalesce(sum(e.amount), 0) as bigint) from prepaid_entries e
                 where e.account_id = prepaid_accounts.id) as balance
         from prepaid_accounts where kind = 'gift-card' and id < $1 order by id desc limit $2",
        before,
        limit
    )?;
    Ok(rows.into_iter().map(GiftCard::from).collect())
}

pub(in crate::prepaid) async fn gift_cards_ending_in(
    conn: &mut Conn,
    last_four: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<GiftCard>> {
    let rows = sql::all!(
        conn,
        GiftCardRow,
        "select id, last_four, currency, active, expires_at, note, created_by, version, created_at, updated_at,
                (select cast(coalesce(sum(e.amount), 0) as bigint) from prepaid_entries e
                 where e.account_id = prepaid_accounts.id) as balance
         from prepaid_accounts where last_four = $1 and id < $2 order by id desc limit $3",
        last_four,
        before,
        limit
    )?;
    Ok(rows.into_iter().map(GiftCard::from).collect())
}

/// Counts the version of a gift card up, which locks it.
pub(in crate::prepaid) async fn count_version(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update prepaid_accounts set version = version + 1, updated_at = $2 where id = $1 and kind = 'gift-card'",
        id,
        now
    )?;
    Ok(())
}

/// The version was set by [`count_version`].
pub(in crate::prepaid) async fn update_gift_card(tx: &mut Tx, card: &GiftCard) -> Result<()> {
    sql::execute!(
        tx,
        "update prepaid_accounts set active = $2, expires_at = $3, note = $4 where id = $1",
        card.id,
        card.active,
        card.expires_at,
        card.note.as_str()
    )?;
    Ok(())
}

/// Locks an account until the end of the transaction: writing a row that stays as it is works on both databases alike.
pub(in crate::prepaid) async fn lock(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "update prepaid_accounts set version = version where id = $1", id)?;
    Ok(())
}

/// As [`lock`], of one that may pay now.
pub(in crate::prepaid) async fn lock_usable(tx: &mut Tx, id: Uuid, now: Moment) -> Result<bool> {
    let locked = sql::execute!(
        tx,
        "update prepaid_accounts set version = version
         where id = $1 and active and (expires_at is null or expires_at > $2)",
        id,
        now
    )?;
    Ok(locked == 1)
}

/// The store credit of a customer in a currency, if they ever had some.
pub(in crate::prepaid) async fn find_credit(
    conn: &mut Conn,
    customer_id: Uuid,
    currency: &str,
) -> Result<Option<Uuid>> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        "select id from prepaid_accounts where customer_id = $1 and currency = $2",
        customer_id,
        currency
    )?;
    Ok(row.map(|(id,)| id))
}

/// The store credit of a customer in a currency, opened where there is none yet.
pub(in crate::prepaid) async fn credit_account(
    tx: &mut Tx,
    customer_id: Uuid,
    currency: &str,
    now: Moment,
) -> Result<Uuid> {
    sql::execute!(
        tx,
        "insert into prepaid_accounts (id, kind, currency, customer_id, active, note, created_by, version, created_at, updated_at)
         values ($1, 'store-credit', $2, $3, $4, '', '', 1, $5, $5) on conflict (customer_id, currency) do nothing",
        id::sequential(),
        currency,
        customer_id,
        true,
        now
    )?;
    let row = sql::one!(
        tx,
        (Uuid,),
        "select id from prepaid_accounts where customer_id = $1 and currency = $2",
        customer_id,
        currency
    )?;
    Ok(row.0)
}

#[derive(FromRow)]
struct StandingRow {
    id: Uuid,
    last_four: Option<String>,
    currency: String,
    active: bool,
    expires_at: Option<Moment>,
    balance: i64,
}

/// What a plan needs to know of an account.
pub(in crate::prepaid) async fn standing(conn: &mut Conn, id: Uuid) -> Result<Option<Standing>> {
    let row = sql::optional!(
        conn,
        StandingRow,
        "select id, last_four, currency, active, expires_at,
                (select cast(coalesce(sum(e.amount), 0) as bigint) from prepaid_entries e
                 where e.account_id = prepaid_accounts.id) as balance
         from prepaid_accounts where id = $1",
        id
    )?;
    let standing = |row: StandingRow| Standing {
        account_id: row.id,
        last_four: row.last_four.unwrap_or_default(),
        currency: row.currency,
        active: row.active,
        expires_at: row.expires_at,
        balance: row.balance,
    };
    Ok(row.map(standing))
}
