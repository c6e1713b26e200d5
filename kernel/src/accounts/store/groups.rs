//! Customer groups.

use uuid::Uuid;

use crate::accounts::Group;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct GroupRow {
    code: String,
    name: String,
    created_at: Moment,
}

impl From<GroupRow> for Group {
    fn from(row: GroupRow) -> Self {
        Self { code: row.code, name: row.name, created_at: row.created_at }
    }
}

pub(in crate::accounts) async fn list(conn: &mut Conn, after: &str, limit: u32) -> Result<Vec<Group>> {
    let rows = sql::all!(
        conn,
        GroupRow,
        "select code, name, created_at from customer_groups where code > $1 order by code limit $2",
        after,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(Group::from).collect())
}

pub(in crate::accounts) async fn find(conn: &mut Conn, code: &str) -> Result<Option<Group>> {
    let row =
        sql::optional!(conn, GroupRow, "select code, name, created_at from customer_groups where code = $1", code)?;
    Ok(row.map(Group::from))
}

pub(in crate::accounts) async fn insert(tx: &mut Tx, group: &Group) -> Result<()> {
    sql::execute!(
        tx,
        "insert into customer_groups (code, name, created_at, updated_at) values ($1, $2, $3, $3)",
        group.code.as_str(),
        group.name.as_str(),
        group.created_at
    )?;
    Ok(())
}

/// False where there is one with this code.
pub(in crate::accounts) async fn insert_new(tx: &mut Tx, code: &str, name: &str, now: Moment) -> Result<bool> {
    let made = sql::execute!(
        tx,
        "insert into customer_groups (code, name, created_at, updated_at) values ($1, $2, $3, $3)
         on conflict (code) do nothing",
        code,
        name,
        now
    )?;
    Ok(made == 1)
}

pub(in crate::accounts) async fn rename(tx: &mut Tx, code: &str, name: &str, now: Moment) -> Result<Option<Group>> {
    let row = sql::optional!(
        tx,
        GroupRow,
        "update customer_groups set name = $2, updated_at = $3 where code = $1 returning code, name, created_at",
        code,
        name,
        now
    )?;
    Ok(row.map(Group::from))
}

/// False where there is no such group.
pub(in crate::accounts) async fn delete(tx: &mut Tx, code: &str) -> Result<bool> {
    Ok(sql::execute!(tx, "delete from customer_groups where code = $1", code)? == 1)
}

/// False where there is no such customer, or they were forgotten.
pub(in crate::accounts) async fn set_group(
    tx: &mut Tx,
    customer_id: Uuid,
    code: Option<&str>,
    now: Moment,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update customers set group_code = $2, updated_at = $3, version = version + 1 where id = $1 and erased_at is null",
        customer_id,
        code,
        now
    )?;
    Ok(changed == 1)
}

pub(in crate::accounts) async fn group_of(conn: &mut Conn, customer_id: Uuid) -> Result<Option<String>> {
    let row = sql::optional!(conn, (Option<String>,), "select group_code from customers where id = $1", customer_id)?;
    Ok(row.and_then(|(code,)| code))
}
