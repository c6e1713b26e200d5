//! A schema that changes under a running shop, so that what it reads and writes there fails.

use sqlx::{AssertSqlSafe, Connection, Executor};

use super::{App, Backend};

/// Runs a statement that is none of the kernel's, and takes the schema away that others are prepared against.
pub async fn alter(app: &App, statement: impl Into<String>) {
    let (url, statement) = (&app.shop.config().database.url, AssertSqlSafe(statement.into()));
    match app.backend {
        Backend::Sqlite => {
            let mut conn = sqlx::SqliteConnection::connect(url).await.expect("the database opens");
            conn.execute(statement).await.expect("the schema changes");
        }
        Backend::Postgres => {
            let mut conn = sqlx::PgConnection::connect(url).await.expect("the database answers");
            conn.execute(statement).await.expect("the schema changes");
        }
    }
}
