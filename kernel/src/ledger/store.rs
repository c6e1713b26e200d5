//! All the SQL of the ledger. It inserts and sums; nothing here deletes, or updates more than the words of a cause.

use uuid::Uuid;

use super::{Account, Balance, Entry, Moved, Posting, Transaction};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

/// False where there is one with this reference.
pub(super) async fn insert_transaction(tx: &mut Tx, id: Uuid, posting: &Posting<'_>, now: Moment) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into ledger_transactions (id, order_id, payment_id, kind, reference, cause, posted_at)
         values ($1, $2, $3, $4, $5, $6, $7) on conflict (reference) do nothing",
        id,
        posting.order_id,
        posting.payment_id,
        posting.kind.name(),
        posting.reference,
        posting.cause,
        now
    )?;
    Ok(inserted == 1)
}

/// Of those kinds whose causes staff writes.
pub(super) async fn forget_words(tx: &mut Tx, order_id: Uuid) -> Result<()> {
    sql::execute!(
        tx,
        "update ledger_transactions set cause = '' where order_id = $1 and kind in ('redeemed', 'corrected', 'by-hand')",
        order_id
    )?;
    Ok(())
}

pub(super) async fn insert_entries(tx: &mut Tx, transaction_id: Uuid, entries: &[Entry]) -> Result<()> {
    for (position, (account, amount)) in (0_i64..).zip(entries) {
        sql::execute!(
            tx,
            "insert into ledger_entries (transaction_id, position, account, amount) values ($1, $2, $3, $4)",
            transaction_id,
            position,
            account.name(),
            *amount
        )?;
    }
    Ok(())
}

/// What stands in the accounts that a call-off turns back.
pub(super) async fn earned(conn: &mut Conn, order_id: Uuid) -> Result<[(Account, i64); 5]> {
    let (sales, delivery, tax, refunds, correction) = sql::one!(
        conn,
        (i64, i64, i64, i64, i64),
        "select cast(coalesce(sum(case when e.account = 'sales' then e.amount else 0 end), 0) as bigint),
                cast(coalesce(sum(case when e.account = 'delivery' then e.amount else 0 end), 0) as bigint),
                cast(coalesce(sum(case when e.account = 'tax' then e.amount else 0 end), 0) as bigint),
                cast(coalesce(sum(case when e.account = 'refunds' then e.amount else 0 end), 0) as bigint),
                cast(coalesce(sum(case when e.account = 'correction' then e.amount else 0 end), 0) as bigint)
         from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.order_id = $1",
        order_id
    )?;
    Ok([
        (Account::Sales, sales),
        (Account::Delivery, delivery),
        (Account::Tax, tax),
        (Account::Refunds, refunds),
        (Account::Correction, correction),
    ])
}

pub(super) async fn credited(conn: &mut Conn, reference: &str) -> Result<i64> {
    let (amount,) = sql::one!(
        conn,
        (i64,),
        "select cast(coalesce(sum(e.amount), 0) as bigint)
         from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
         where t.reference = $1 and e.account = 'refunds'",
        reference
    )?;
    Ok(amount)
}

/// How many there are, and their sum.
pub(super) async fn corrections(conn: &mut Conn, order_id: Uuid) -> Result<(i64, i64)> {
    sql::one!(
        conn,
        (i64, i64),
        "select count(*), cast(coalesce(sum(-e.amount), 0) as bigint)
         from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
         where t.order_id = $1 and t.kind = 'corrected' and e.account = 'correction'",
        order_id
    )
}

pub(super) async fn posted_at(conn: &mut Conn, reference: &str) -> Result<Option<Moment>> {
    let row =
        sql::optional!(conn, (Moment,), "select posted_at from ledger_transactions where reference = $1", reference)?;
    Ok(row.map(|(posted_at,)| posted_at))
}

#[derive(FromRow)]
struct BalanceRow {
    total: i64,
    authorized: i64,
    captured: i64,
    refunded: i64,
    gift_cards: i64,
    store_credit: i64,
    by_hand: i64,
    corrected: i64,
    outstanding: i64,
}

pub(super) async fn balance(conn: &mut Conn, order_id: Uuid) -> Result<Balance> {
    let row = sql::one!(
        conn,
        BalanceRow,
        "select cast(coalesce(sum(case when e.account in ('sales', 'delivery', 'tax') then -e.amount else 0 end), 0)
                     as bigint) as total,
                cast(coalesce(sum(case when e.account = 'authorized' then e.amount else 0 end), 0) as bigint)
                     as authorized,
                cast(coalesce(sum(case when e.account = 'provider' and t.kind = 'captured' then e.amount else 0 end), 0)
                     as bigint) as captured,
                cast(coalesce(sum(case when e.account = 'provider' and t.kind = 'refunded' then -e.amount else 0 end), 0)
                     as bigint) as refunded,
                cast(coalesce(sum(case when e.account = 'gift-card' then e.amount else 0 end), 0) as bigint)
                     as gift_cards,
                cast(coalesce(sum(case when e.account = 'store-credit' then e.amount else 0 end), 0) as bigint)
                     as store_credit,
                cast(coalesce(sum(case when e.account = 'by-hand' then e.amount else 0 end), 0) as bigint)
                     as by_hand,
                cast(coalesce(sum(case when e.account = 'correction' then -e.amount else 0 end), 0) as bigint)
                     as corrected,
                cast(coalesce(sum(case when e.account = 'receivable' then e.amount else 0 end), 0) as bigint)
                     as outstanding
         from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.order_id = $1",
        order_id
    )?;
    Ok(Balance {
        total: row.total,
        authorized: row.authorized,
        captured: row.captured,
        refunded: row.refunded,
        gift_cards: row.gift_cards,
        store_credit: row.store_credit,
        by_hand: row.by_hand,
        corrected: row.corrected,
        outstanding: row.outstanding,
    })
}

pub(super) async fn spent_by(conn: &mut Conn, customer_id: Uuid) -> Result<Vec<(String, i64)>> {
    sql::all!(
        conn,
        (String, i64),
        "select o.currency, cast(coalesce(sum(e.amount), 0) as bigint)
         from orders o join ledger_transactions t on t.order_id = o.id join ledger_entries e on e.transaction_id = t.id
         where o.customer_id = $1 and e.account in ('provider', 'gift-card', 'store-credit', 'by-hand')
         group by o.currency order by o.currency",
        customer_id
    )
}

pub(super) async fn moved(conn: &mut Conn, payment_id: Uuid) -> Result<Moved> {
    let (authorized, captured, refunded) = sql::one!(
        conn,
        (i64, i64, i64),
        "select cast(coalesce(sum(case when e.account = 'authorized' then e.amount else 0 end), 0) as bigint),
                cast(coalesce(sum(case when e.account = 'provider' and t.kind = 'captured' then e.amount else 0 end), 0)
                     as bigint),
                cast(coalesce(sum(case when e.account = 'provider' and t.kind = 'refunded' then -e.amount else 0 end), 0)
                     as bigint)
         from ledger_transactions t join ledger_entries e on e.transaction_id = t.id where t.payment_id = $1",
        payment_id
    )?;
    Ok(Moved { authorized, captured, refunded })
}

#[derive(FromRow)]
struct EntryRow {
    id: Uuid,
    payment_id: Option<Uuid>,
    kind: String,
    reference: String,
    cause: String,
    posted_at: Moment,
    account: String,
    amount: i64,
}

pub(super) async fn transactions(conn: &mut Conn, order_id: Uuid) -> Result<Vec<Transaction>> {
    let rows = sql::all!(
        conn,
        EntryRow,
        "select t.id, t.payment_id, t.kind, t.reference, t.cause, t.posted_at, e.account, e.amount
         from ledger_transactions t join ledger_entries e on e.transaction_id = t.id
         where t.order_id = $1 order by t.posted_at, t.id, e.position",
        order_id
    )?;
    let mut transactions: Vec<Transaction> = Vec::new();
    for row in rows {
        match transactions.last_mut().filter(|last| last.id == row.id) {
            Some(last) => last.entries.push((row.account, row.amount)),
            None => transactions.push(Transaction {
                id: row.id,
                payment_id: row.payment_id,
                kind: row.kind,
                reference: row.reference,
                cause: row.cause,
                posted_at: row.posted_at,
                entries: vec![(row.account, row.amount)],
            }),
        }
    }
    Ok(transactions)
}
