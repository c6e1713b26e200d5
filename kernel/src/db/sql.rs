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
//! A macro expands to two things that need types: binding the values and reading the rows, each once for either driver. What runs
//! in between is not generic and compiled once ([`super::run`]); a future of sqlx in each place made the kernel compile
//! for minutes.
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

/// Registers the text, and binds the values for the driver of the connection.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_bind {
    ($conn:expr, $sql:expr, [$($bind:expr),*]) => {{
        ::inventory::submit! {
            $crate::db::sql::Statement { text: $sql, place: concat!(file!(), ":", line!()) }
        }
        match $conn.driver() {
            $crate::db::Driver::Sqlite(_) => {
                #[allow(unused_mut)]
                let mut arguments = $crate::db::run::Bound::<::sqlx::Sqlite>::default();
                $(arguments.bind($bind);)*
                $crate::db::run::Arguments::Sqlite(arguments)
            }
            $crate::db::Driver::Postgres(_) => {
                #[allow(unused_mut)]
                let mut arguments = $crate::db::run::Bound::<::sqlx::Postgres>::default();
                $(arguments.bind($bind);)*
                $crate::db::run::Arguments::Postgres(arguments)
            }
        }
    }};
}

/// The row, or none: `Result<Option<Row>>`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_optional {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let arguments = $crate::__sql_bind!($conn, $sql, [$($bind),*]);
        match $crate::db::run::optional($conn.as_conn(), $sql, arguments).await {
            Ok(Some(row)) => row.read::<$row>().map(Some),
            Ok(None) => Ok(None),
            Err(error) => Err(error),
        }
    }};
}

/// The row that must be there: `Result<Row>`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_one {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let arguments = $crate::__sql_bind!($conn, $sql, [$($bind),*]);
        match $crate::db::run::one($conn.as_conn(), $sql, arguments).await {
            Ok(row) => row.read::<$row>(),
            Err(error) => Err(error),
        }
    }};
}

/// Every row: `Result<Vec<Row>>`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_all {
    ($conn:expr, $row:ty, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let arguments = $crate::__sql_bind!($conn, $sql, [$($bind),*]);
        match $crate::db::run::all($conn.as_conn(), $sql, arguments).await {
            Ok(rows) => rows.read::<$row>(),
            Err(error) => Err(error),
        }
    }};
}

/// How many rows it changed: `Result<u64>`.
#[doc(hidden)]
#[macro_export]
macro_rules! __sql_execute {
    ($conn:expr, $sql:expr $(, $bind:expr)* $(,)?) => {{
        let arguments = $crate::__sql_bind!($conn, $sql, [$($bind),*]);
        $crate::db::run::execute($conn.as_conn(), $sql, arguments).await
    }};
}

pub use crate::{__sql_all as all, __sql_execute as execute, __sql_one as one, __sql_optional as optional};
