//! A database of its own for a run, and what is asked of it past the kernel.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection};

use crate::Result;

/// Servers that a developer's machine or CI usually has; the kernel's tests look for the same.
const USUAL: [&str; 2] =
    ["postgres://postgres@127.0.0.1:5432/postgres", "postgres://postgres:postgres@127.0.0.1:5432/postgres"];

/// The PostgreSQL server that answers, `KASSA_TEST_POSTGRES` or a usual one; or why there is none.
pub async fn postgres_server() -> Result<String, String> {
    let given = std::env::var("KASSA_TEST_POSTGRES").ok();
    let mut reason = String::new();
    for url in given.map_or_else(|| USUAL.map(str::to_owned).to_vec(), |url| vec![url]) {
        match PgConnection::connect(&url).await {
            Ok(_) => return Ok(url),
            Err(error) => reason = error.to_string(),
        }
    }
    Err(reason)
}

/// Where the shop of a run keeps its rows.
pub enum Database {
    Sqlite {
        url: String,
    },
    Postgres {
        /// Of the server, as it was given.
        server: String,
        /// Of the fresh database.
        url: String,
        name: String,
    },
}

impl Database {
    /// A file in `dir`.
    pub fn sqlite(dir: &Path) -> Self {
        Self::Sqlite { url: format!("sqlite://{}/shop.db", dir.display()) }
    }

    /// A new database on the server that `server` reaches: a URL with a database in which one may be created.
    pub async fn postgres(server: &str) -> Result<Self> {
        let name = format!("kassa_bench_{}", kassa::id::unguessable().simple());
        let mut conn = PgConnection::connect(server).await?;
        conn.execute(AssertSqlSafe(format!("create database {name}"))).await?;
        conn.close().await?;
        Ok(Self::Postgres { server: server.to_owned(), url: with_database(server, &name), name })
    }

    /// What the planner goes by; a database takes it by itself, sooner or later.
    pub async fn take_statistics(&self) -> Result<()> {
        match self {
            Self::Sqlite { url } => {
                let mut conn = SqliteConnection::connect(url).await?;
                conn.execute("analyze").await?;
                conn.close().await?;
            }
            Self::Postgres { url, .. } => {
                let mut conn = PgConnection::connect(url).await?;
                conn.execute("analyze").await?;
                conn.close().await?;
            }
        }
        Ok(())
    }

    pub fn url(&self) -> &str {
        match self {
            Self::Sqlite { url } | Self::Postgres { url, .. } => url,
        }
    }

    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres { .. } => "PostgreSQL",
        }
    }

    /// Removes what was created on a server. A SQLite file goes with its folder.
    pub async fn drop(&self) -> Result<()> {
        if let Self::Postgres { server, name, .. } = self {
            let mut conn = PgConnection::connect(server).await?;
            conn.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await?;
            conn.close().await?;
        }
        Ok(())
    }

    /// The numbers of orders that are paid and have not exactly one captured payment, of all it ever had. The API shows only the
    /// last payment of an order, so this is asked here.
    pub async fn wrongly_paid_orders(&self) -> Result<Vec<i64>> {
        const QUERY: &str = "select number from orders where status = 'paid' and
            (select count(*) from payments
             where payments.order_id = orders.id and payments.status = 'captured' and payments.amount = orders.total) <> 1
            or (select count(*) from payments where payments.order_id = orders.id) <> 1
            order by number";
        let numbers: Vec<(i64,)> = match self {
            Self::Sqlite { url } => {
                let mut conn = SqliteConnection::connect(url).await?;
                sqlx::query_as(QUERY).fetch_all(&mut conn).await?
            }
            Self::Postgres { url, .. } => {
                let mut conn = PgConnection::connect(url).await?;
                sqlx::query_as(QUERY).fetch_all(&mut conn).await?
            }
        };
        Ok(numbers.into_iter().map(|(number,)| number).collect())
    }
}

/// `postgres://host/other?x=y` to `postgres://host/name?x=y`.
fn with_database(url: &str, name: &str) -> String {
    let (base, query) = url.split_once('?').map_or((url, None), |(base, query)| (base, Some(query)));
    let host_at = base.find("://").map_or(0, |at| at + 3);
    let end = base[host_at..].find('/').map_or(base.len(), |at| host_at + at);
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    format!("{}/{name}{query}", &base[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced() {
        for (url, expected) in [
            ("postgres://root@127.0.0.1:5432/test", "postgres://root@127.0.0.1:5432/new"),
            ("postgres://127.0.0.1", "postgres://127.0.0.1/new"),
            ("postgres://u:p@h/a?sslmode=disable", "postgres://u:p@h/new?sslmode=disable"),
        ] {
            assert_eq!(with_database(url, "new"), expected, "{url}");
        }
    }
}
