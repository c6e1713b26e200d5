//! PostgreSQL for unit tests.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

/// A URL with an empty schema of its own, or none where `KASSA_TEST_POSTGRES` does not say where PostgreSQL is.
pub(crate) async fn postgres_url() -> Option<String> {
    let url = std::env::var("KASSA_TEST_POSTGRES").ok()?;
    let name = format!("unit_{}", crate::id::unguessable().simple());
    let mut conn = PgConnection::connect(&url).await.expect("KASSA_TEST_POSTGRES names a server that answers");
    conn.execute(AssertSqlSafe(format!("create schema {name}"))).await.expect("the role may create schemas");
    let mark = if url.contains('?') { '&' } else { '?' };
    Some(format!("{url}{mark}options=-c%20search_path%3D{name}"))
}
