//! What changed balances.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::id;
use crate::prepaid::{Entry, Kind, NewEntry, Taken};

pub(in crate::prepaid) async fn insert_entry(tx: &mut Tx, entry: &NewEntry<'_>, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "insert into prepaid_entries (id, account_id, cause, amount, order_id, reason, actor, posted_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        id::sequential(),
        entry.account_id,
        entry.cause.name(),
        entry.amount,
        entry.order_id,
        entry.reason,
        entry.actor,
        now
    )?;
    Ok(())
}

/// Of the customer's credit, in every currency.
pub(in crate::prepaid) async fn forget_reasons_of(tx: &mut Tx, customer_id: Uuid) -> Result<()> {
    sql::execute!(
        tx,
        "update prepaid_entries set reason = ''
         where account_id in (select id from prepaid_accounts where customer_id = $1)",
        customer_id
    )?;
    Ok(())
}

pub(in crate::prepaid) async fn forget_reasons(tx: &mut Tx, order_id: Uuid) -> Result<()> {
    sql::execute!(tx, "update prepaid_entries set reason = '' where order_id = $1", order_id)?;
    Ok(())
}

pub(in crate::prepaid) async fn balance(conn: &mut Conn, account_id: Uuid) -> Result<i64> {
    let (balance,) = sql::one!(
        conn,
        (i64,),
        "select cast(coalesce(sum(amount), 0) as bigint) from prepaid_entries where account_id = $1",
        account_id
    )?;
    Ok(balance)
}

#[derive(FromRow)]
struct EntryRow {
    id: Uuid,
    cause: String,
    amount: i64,
    number: Option<i64>,
    reason: String,
    actor: String,
    posted_at: Moment,
}

/// The newest first.
pub(in crate::prepaid) async fn entries(
    conn: &mut Conn,
    account_id: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Entry>> {
    let rows = sql::all!(
        conn,
        EntryRow,
        "select e.id, e.cause, e.amount, o.number, e.reason, e.actor, e.posted_at
         from prepaid_entries e left join orders o on o.id = e.order_id
         where e.account_id = $1 and e.id < $2 order by e.id desc limit $3",
        account_id,
        before,
        limit
    )?;
    let entry = |row: EntryRow| Entry {
        id: row.id,
        cause: row.cause,
        amount: row.amount,
        order_number: row.number,
        reason: row.reason,
        actor: row.actor,
        posted_at: row.posted_at,
    };
    Ok(rows.into_iter().map(entry).collect())
}

/// The accounts of the customer's credit, with their currencies.
pub(in crate::prepaid) async fn credits_of(conn: &mut Conn, customer_id: Option<Uuid>) -> Result<Vec<(Uuid, String)>> {
    sql::all!(
        conn,
        (Uuid, String),
        "select id, currency from prepaid_accounts where customer_id = $1 order by currency",
        customer_id
    )
}

/// What a gift card paid of an order, or got back of it.
#[derive(FromRow)]
pub(in crate::prepaid) struct OfGiftCard {
    pub last_four: Option<String>,
    pub cause: String,
    pub amount: i64,
    pub reason: String,
    pub posted_at: Moment,
}

pub(in crate::prepaid) async fn gift_card_entries(conn: &mut Conn, order_id: Uuid) -> Result<Vec<OfGiftCard>> {
    sql::all!(
        conn,
        OfGiftCard,
        "select a.last_four, e.cause, e.amount, e.reason, e.posted_at
         from prepaid_entries e join prepaid_accounts a on a.id = e.account_id
         where e.order_id = $1 and a.kind = 'gift-card' order by e.id",
        order_id
    )
}

/// What accounts paid of an order and have not got back, gift cards first.
pub(in crate::prepaid) async fn taken(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Taken>> {
    let rows = sql::all!(
        conn,
        (Uuid, String, i64),
        "select a.id, a.kind, cast(-sum(e.amount) as bigint)
         from prepaid_entries e join prepaid_accounts a on a.id = e.account_id
         where e.order_id = $1 and e.cause in ('redeemed', 'returned')
         group by a.id, a.kind having sum(e.amount) < 0 order by a.kind, a.id",
        order_id
    )?;
    let taken = |(account_id, kind, amount): (Uuid, String, i64)| {
        let kind = if kind == Kind::GiftCard.name() { Kind::GiftCard } else { Kind::StoreCredit };
        Taken { account_id, kind, amount }
    };
    Ok(rows.into_iter().map(taken).collect())
}
