//! Customers, as the merchant reads them. What is written of them, `accounts` writes.

use uuid::Uuid;

use super::{Account, Filter, Sort};
use crate::accounts::Role;
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, sql};

#[derive(FromRow)]
struct AccountRow {
    id: Uuid,
    email: String,
    email_confirmed_at: Option<Moment>,
    name: String,
    phone: String,
    locale: String,
    role: String,
    note: String,
    group_code: Option<String>,
    factors: i64,
    disabled_at: Option<Moment>,
    erased_at: Option<Moment>,
    version: i64,
    created_at: Moment,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self {
            id: row.id,
            email: row.email,
            email_confirmed_at: row.email_confirmed_at,
            name: row.name,
            phone: row.phone,
            locale: row.locale,
            role: Role::parse(&row.role),
            note: row.note,
            group: row.group_code,
            second_factor: row.factors > 0,
            disabled_at: row.disabled_at,
            erased_at: row.erased_at,
            version: row.version,
            created_at: row.created_at,
        }
    }
}

pub(super) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Account>> {
    let row = sql::optional!(
        conn,
        AccountRow,
        "select id, email, email_confirmed_at, name, phone, locale, role, note, group_code,
                (select count(*) from second_factors f where f.customer_id = customers.id and f.confirmed_at is not null)
                    as factors,
                disabled_at, erased_at, version, created_at
         from customers where id = $1",
        id
    )?;
    Ok(row.map(Account::from))
}

pub(super) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    sort: Sort,
    after: Option<(String, Uuid)>,
    limit: i64,
) -> Result<Vec<Account>> {
    let mut sql = Built::new(
        "select id, email, email_confirmed_at, name, phone, locale, role, note, group_code,
                (select count(*) from second_factors f where f.customer_id = c.id and f.confirmed_at is not null) as factors,
                disabled_at, erased_at, version, created_at
         from customers c where ",
    );
    sql.push(if filter.erased { "c.erased_at is not null" } else { "c.erased_at is null" });
    match filter.disabled {
        Some(true) => drop(sql.push(" and c.disabled_at is not null")),
        Some(false) => drop(sql.push(" and c.disabled_at is null")),
        None => {}
    }
    for term in &filter.terms {
        sql.push(" and c.id in (select t.customer_id from customer_terms t where t.term >= ").bind(term);
        // Behind every term that begins so: nothing sorts after the last character there is.
        sql.push(" and t.term < ").bind(format!("{term}\u{10FFFF}")).push(")");
    }
    if let Some((key, id)) = after {
        match sort {
            Sort::Newest => sql.push(" and c.id < ").bind(id),
            Sort::Oldest => sql.push(" and c.id > ").bind(id),
            Sort::Name => sql.push(" and (c.name_key, c.id) > (").bind(key).push(", ").bind(id).push(")"),
            Sort::Email => sql.push(" and c.email_key > ").bind(key),
        };
    }
    sql.push(match sort {
        Sort::Newest => " order by c.id desc limit ",
        Sort::Oldest => " order by c.id limit ",
        Sort::Name => " order by c.name_key, c.id limit ",
        Sort::Email => " order by c.email_key limit ",
    });
    sql.bind(limit);
    let rows: Vec<AccountRow> = sql.all(conn).await?;
    Ok(rows.into_iter().map(Account::from).collect())
}
