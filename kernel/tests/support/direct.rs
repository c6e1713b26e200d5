//! The database of a case, beside the kernel.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, SqliteConnection};

use super::{App, Backend};

/// One connection: to open one costs more than most statements.
pub enum Direct {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Direct {
    pub async fn of(app: &App) -> Self {
        let url = &app.shop.config().database.url;
        match app.backend {
            Backend::Sqlite => Self::Sqlite(SqliteConnection::connect(url).await.expect("the database opens")),
            Backend::Postgres => Self::Postgres(PgConnection::connect(url).await.expect("the database answers")),
        }
    }

    /// The first column of every row, which are texts.
    pub async fn ask(&mut self, statement: &str) -> Vec<String> {
        let sql = AssertSqlSafe(statement.to_owned());
        match self {
            Self::Sqlite(conn) => {
                let rows = sqlx::query(sql).fetch_all(conn).await;
                rows.unwrap_or_else(|error| panic!("{statement}: {error}")).iter().map(|row| row.get(0)).collect()
            }
            Self::Postgres(conn) => {
                let rows = sqlx::query(sql).fetch_all(conn).await;
                rows.unwrap_or_else(|error| panic!("{statement}: {error}")).iter().map(|row| row.get(0)).collect()
            }
        }
    }

    /// How many rows it changed.
    pub async fn run(&mut self, statement: &str) -> u64 {
        let sql = AssertSqlSafe(statement.to_owned());
        let changed = match self {
            Self::Sqlite(conn) => sqlx::query(sql).execute(conn).await.map(|done| done.rows_affected()),
            Self::Postgres(conn) => sqlx::query(sql).execute(conn).await.map(|done| done.rows_affected()),
        };
        changed.unwrap_or_else(|error| panic!("{statement}: {error}"))
    }

    /// From here on nobody else writes these tables (on SQLite, anything), until it is released.
    pub async fn hold(&mut self, tables: &str) {
        match self {
            Self::Sqlite(_) => drop(self.run("begin immediate").await),
            Self::Postgres(_) => {
                self.run("begin").await;
                self.run(&format!("lock table {tables} in share row exclusive mode")).await;
            }
        }
    }

    pub async fn release(&mut self) {
        self.run("rollback").await;
    }
}
