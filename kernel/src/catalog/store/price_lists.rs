//! Price lists and their prices, as the merchant changes them.

use uuid::Uuid;

use crate::catalog::price_lists::{ListPrice, ListStatus, NewListPrice, PriceList};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::money::Currency;

#[derive(FromRow)]
struct PriceListRow {
    id: Uuid,
    code: String,
    name: String,
    #[sqlx(try_from = "String")]
    currency: Currency,
    group_code: Option<String>,
    status: String,
    priority: i64,
    starts_at: Option<Moment>,
    ends_at: Option<Moment>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<PriceListRow> for PriceList {
    fn from(row: PriceListRow) -> Self {
        Self {
            id: row.id,
            code: row.code,
            name: row.name,
            currency: row.currency,
            group: row.group_code,
            status: ListStatus::parse(&row.status),
            priority: row.priority,
            starts_at: row.starts_at,
            ends_at: row.ends_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(in crate::catalog) async fn price_lists(conn: &mut Conn, after: &str, limit: u32) -> Result<Vec<PriceList>> {
    let rows = sql::all!(
        conn,
        PriceListRow,
        "select id, code, name, currency, group_code, status, priority, starts_at, ends_at, version, created_at,
                updated_at
         from price_lists where code > $1 order by code limit $2",
        after,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(PriceList::from).collect())
}

pub(in crate::catalog) async fn find_price_list(conn: &mut Conn, id: Uuid) -> Result<Option<PriceList>> {
    let row = sql::optional!(
        conn,
        PriceListRow,
        "select id, code, name, currency, group_code, status, priority, starts_at, ends_at, version, created_at,
                updated_at
         from price_lists where id = $1",
        id
    )?;
    Ok(row.map(PriceList::from))
}

pub(in crate::catalog) async fn count_price_lists(conn: &mut Conn) -> Result<i64> {
    Ok(sql::one!(conn, (i64,), "select count(*) from price_lists")?.0)
}

pub(in crate::catalog) async fn insert_price_list(tx: &mut Tx, list: &PriceList) -> Result<()> {
    sql::execute!(
        tx,
        "insert into price_lists (id, code, name, currency, group_code, status, priority, starts_at, ends_at, version,
                                  created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
        list.id,
        list.code.as_str(),
        list.name.as_str(),
        list.currency.code(),
        list.group.as_deref(),
        list.status.as_str(),
        list.priority,
        list.starts_at,
        list.ends_at,
        list.version,
        list.created_at
    )?;
    Ok(())
}

/// Counts the version up, which locks the row until the transaction ends (PostgreSQL; SQLite has one writer).
pub(in crate::catalog) async fn lock_price_list(tx: &mut Tx, id: Uuid, now: Moment) -> Result<Option<PriceList>> {
    let row = sql::optional!(
        tx,
        PriceListRow,
        "update price_lists set version = version + 1, updated_at = $2 where id = $1
         returning id, code, name, currency, group_code, status, priority, starts_at, ends_at, version, created_at,
                   updated_at",
        id,
        now
    )?;
    Ok(row.map(PriceList::from))
}

/// Version and moment were set by [`lock_price_list`].
pub(in crate::catalog) async fn update_price_list(tx: &mut Tx, list: &PriceList) -> Result<()> {
    sql::execute!(
        tx,
        "update price_lists set name = $2, group_code = $3, status = $4, priority = $5, starts_at = $6, ends_at = $7
         where id = $1",
        list.id,
        list.name.as_str(),
        list.group.as_deref(),
        list.status.as_str(),
        list.priority,
        list.starts_at,
        list.ends_at
    )?;
    Ok(())
}

/// Its prices go with it. False where there is no such list.
pub(in crate::catalog) async fn delete_price_list(tx: &mut Tx, id: Uuid) -> Result<bool> {
    Ok(sql::execute!(tx, "delete from price_lists where id = $1", id)? == 1)
}

#[derive(FromRow)]
struct ListPriceRow {
    variant_id: Uuid,
    sku: String,
    amount: i64,
    compare_at: Option<i64>,
}

pub(in crate::catalog) async fn list_prices(
    conn: &mut Conn,
    list_id: Uuid,
    after: Uuid,
    limit: u32,
) -> Result<Vec<ListPrice>> {
    let rows = sql::all!(
        conn,
        ListPriceRow,
        "select e.variant_id, v.sku, e.amount, e.compare_at
         from list_prices e join variants v on v.id = e.variant_id
         where e.list_id = $1 and e.variant_id > $2
         order by e.variant_id limit $3",
        list_id,
        after,
        i64::from(limit)
    )?;
    let price = |row: ListPriceRow| ListPrice {
        variant_id: row.variant_id,
        sku: row.sku,
        amount: row.amount,
        compare_at: row.compare_at,
    };
    Ok(rows.into_iter().map(price).collect())
}

/// False where there is no such variant: the transaction goes on, which it would not after a violation (PostgreSQL).
pub(in crate::catalog) async fn put_price(
    tx: &mut Tx,
    list_id: Uuid,
    price: &NewListPrice,
    now: Moment,
) -> Result<bool> {
    if sql::optional!(tx, (Uuid,), "select id from variants where id = $1", price.variant_id)?.is_none() {
        return Ok(false);
    }
    sql::execute!(
        tx,
        "insert into list_prices (list_id, variant_id, amount, compare_at, updated_at) values ($1, $2, $3, $4, $5)
         on conflict (list_id, variant_id) do update set amount = excluded.amount, compare_at = excluded.compare_at,
                                                         updated_at = excluded.updated_at",
        list_id,
        price.variant_id,
        price.amount,
        price.compare_at,
        now
    )?;
    Ok(true)
}

/// False where the list has no price of the variant.
pub(in crate::catalog) async fn delete_price(tx: &mut Tx, list_id: Uuid, variant_id: Uuid) -> Result<bool> {
    let deleted =
        sql::execute!(tx, "delete from list_prices where list_id = $1 and variant_id = $2", list_id, variant_id)?;
    Ok(deleted == 1)
}
