//! The statement macros. `use crate::db::sql;` in a `store.rs`, then:
//!
//! ```ignore
//! let row: Option<ProductRow> = sql::optional!(conn, ProductRow, "select … where id = $1", id)?;
//! let rows: Vec<ProductRow> = sql::all!(conn, ProductRow, "select …")?;
//! let row: ProductRow = sql::one!(conn, ProductRow, "insert … returning …", id)?;
//! let changed: u64 = sql::execute!(conn, "update … where id = $1", id)?;
//! ```
//!
//! A row is a struct with `#[derive(FromRow)]`, or a tuple: `(i64,)`. Bound values are evaluated once.
//! A text must be a literal, or a `concat!` of literals where several statements share a clause: it is registered, and a test
//! prepares every registered text on both databases.
//!
//! Rejected: sqlx's `Any` (no UUID, timestamp or JSON; copies every value), a trait with two
//! implementations (they drift), a query builder (unreadable).

use crate::db::{Db, Driver, Result};

/// A statement somewhere in the kernel.
pub struct Statement {
    pub text: &'static str,
    /// `file:line`, for reports.
    pub place: &'static str,
}

inventory::collect!(Statement);

/// Every statement of the kernel.
pub fn registered() -> impl Iterator<Item = &'static Statement> {
    inventory::iter::<Statement>.into_iter()
}

/// Prepares `statement` on `db`, which checks its syntax and its names.
pub async fn prepare(db: &Db, statement: &'static Statement) -> Result<()> {
    use sqlx::{Executor, SqlSafeStr};
    let mut conn = db.read().await?;
    match conn.driver() {
        Driver::Sqlite(conn) => drop(conn.prepare(statement.text.into_sql_str()).await?),
        Driver::Postgres(conn) => drop(conn.prepare(statement.text.into_sql_str()).await?),
    }
    Ok(())
}

#[doc(hidden)]
#[macro_export]
macro_rules! __sql {
    ($conn:expr, $sql:expr, [$($bind:expr),*], |$query:ident, $driver:ident| $run:expr, $make:ident $(, $row:ty)?) => {{
        ::inventory::submit! {
            $crate::db::sql::Statement { text: $sql, place: concat!(file!(), ":", line!()) }
        }
        match $conn.driver() {
            $crate::db::Driver::Sqlite($driver) => {
                let $query = ::sqlx::$make::<::sqlx::Sqlite $(, $row)?>($sql)$(.bind($bind))*;
                $run.map_err($crate::db::Error::from)
            }
            $crate::db::Driver::Postgres($driver) => {
                let $query = ::sqlx::$make::<::sqlx::Postgres $(, $row)?>($sql)$(.bind($bind))*;
                $run.map_err($crate::db::Error::from)
            }
        }
    }};
}

/// The row, or none: `Result<Option<Row>>`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::__sql!($conn, $sql, [$($bind),*], |query, driver| query.fetch_optional(&mut *driver).await, query_as, $row)
    };
}

/// The row that must be there: `Result<Row>`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_one {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::__sql!($conn, $sql, [$($bind),*], |query, driver| query.fetch_one(&mut *driver).await, query_as, $row)
    };
}

/// Every row: `Result<Vec<Row>>`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_all {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::__sql!($conn, $sql, [$($bind),*], |query, driver| query.fetch_all(&mut *driver).await, query_as, $row)
    };
}

/// How many rows it changed: `Result<u64>`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_execute {
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {
        $crate::__sql!($conn, $sql, [$($bind),*], |query, driver| {
            query.execute(&mut *driver).await.map(|done| done.rows_affected())
        }, query)
    };
}

pub use crate::{__sql_all as all, __sql_execute as execute, __sql_one as one, __sql_optional as optional};
