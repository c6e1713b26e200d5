//! Price lists, as the merchant changes them.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::money::Currency;
use crate::prices::lists::{List, ListStatus};

#[derive(FromRow)]
pub(in crate::prices) struct ListRow {
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

impl From<ListRow> for List {
    fn from(row: ListRow) -> Self {
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

pub(in crate::prices) async fn lists(conn: &mut Conn, after: &str, limit: u32) -> Result<Vec<List>> {
    let rows = sql::all!(
        conn,
        ListRow,
        "select id, code, name, currency, group_code, status, priority, starts_at, ends_at, version, created_at,
                updated_at
         from price_lists where code > $1 order by code limit $2",
        after,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(List::from).collect())
}

pub(in crate::prices) async fn find_list(conn: &mut Conn, id: Uuid) -> Result<Option<List>> {
    let row = sql::optional!(
        conn,
        ListRow,
        "select id, code, name, currency, group_code, status, priority, starts_at, ends_at, version, created_at,
                updated_at
         from price_lists where id = $1",
        id
    )?;
    Ok(row.map(List::from))
}

pub(in crate::prices) async fn find_list_by_code(conn: &mut Conn, code: &str) -> Result<Option<List>> {
    let row = sql::optional!(
        conn,
        ListRow,
        "select id, code, name, currency, group_code, status, priority, starts_at, ends_at, version, created_at,
                updated_at
         from price_lists where code = $1",
        code
    )?;
    Ok(row.map(List::from))
}

pub(in crate::prices) async fn count_lists(conn: &mut Conn) -> Result<i64> {
    Ok(sql::one!(conn, (i64,), "select count(*) from price_lists")?.0)
}

pub(in crate::prices) async fn insert_list(tx: &mut Tx, list: &List) -> Result<()> {
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
pub(in crate::prices) async fn lock_list(tx: &mut Tx, id: Uuid, now: Moment) -> Result<Option<List>> {
    let row = sql::optional!(
        tx,
        ListRow,
        "update price_lists set version = version + 1, updated_at = $2 where id = $1
         returning id, code, name, currency, group_code, status, priority, starts_at, ends_at, version, created_at,
                   updated_at",
        id,
        now
    )?;
    Ok(row.map(List::from))
}

/// Version and moment were set by [`lock_list`].
pub(in crate::prices) async fn update_list(tx: &mut Tx, list: &List) -> Result<()> {
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

/// Its prices go with it.
pub(in crate::prices) async fn delete_list(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from price_lists where id = $1", id)?;
    Ok(())
}
