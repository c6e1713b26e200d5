//! What the statement macros run: not generic, so that it is compiled once and not at each statement.

use sqlx::error::BoxDynError;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Arguments as _, Database, Encode, FromRow, Postgres, Sqlite, Type};

use super::{Conn, Driver, Error, Result};

/// The values of a statement, encoded for one driver. The first that cannot be encoded is kept for the run to tell.
pub struct Bound<D: Database>(std::result::Result<D::Arguments, BoxDynError>);

impl<D: Database> Default for Bound<D> {
    fn default() -> Self {
        Self(Ok(D::Arguments::default()))
    }
}

impl<D: Database> Bound<D> {
    pub fn bind<'t, T: Encode<'t, D> + Type<D>>(&mut self, value: T) {
        if let Ok(arguments) = &mut self.0
            && let Err(error) = arguments.add(value)
        {
            self.0 = Err(error);
        }
    }

    fn into_arguments(self) -> Result<D::Arguments> {
        self.0.map_err(|error| Error(sqlx::Error::Encode(error)))
    }
}

/// The values of a statement, for the driver of the connection that it will run on.
pub enum Arguments {
    Sqlite(Bound<Sqlite>),
    Postgres(Bound<Postgres>),
}

/// A row of either driver.
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// Rows of either driver.
pub enum Rows {
    Sqlite(Vec<SqliteRow>),
    Postgres(Vec<PgRow>),
}

impl Row {
    pub fn read<T>(&self) -> Result<T>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        match self {
            Self::Sqlite(row) => Ok(T::from_row(row)?),
            Self::Postgres(row) => Ok(T::from_row(row)?),
        }
    }
}

impl Rows {
    pub fn read<T>(&self) -> Result<Vec<T>>
    where
        T: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, PgRow>,
    {
        match self {
            Self::Sqlite(rows) => rows.iter().map(|row| Ok(T::from_row(row)?)).collect(),
            Self::Postgres(rows) => rows.iter().map(|row| Ok(T::from_row(row)?)).collect(),
        }
    }
}

macro_rules! on_its_driver {
    ($conn:expr, $text:expr, $arguments:expr, |$query:ident, $driver:ident| $sqlite:expr, $postgres:expr) => {{
        trace($text);
        match ($conn.driver(), $arguments) {
            (Driver::Sqlite($driver), Arguments::Sqlite(bound)) => {
                let $query = sqlx::query_with::<Sqlite, _>($text, bound.into_arguments()?);
                Ok($sqlite)
            }
            (Driver::Postgres($driver), Arguments::Postgres(bound)) => {
                let $query = sqlx::query_with::<Postgres, _>($text, bound.into_arguments()?);
                Ok($postgres)
            }
            _ => unreachable!("the values were bound for this connection"),
        }
    }};
}

/// Tells of a statement that is about to run: `log.filter = "kassa::sql=trace"` shows them all, without their values.
/// A test asks for the plans of what a page runs by listening here.
pub(super) fn trace(text: &str) {
    tracing::trace!(target: "kassa::sql", statement = text);
}

pub async fn optional(conn: &mut Conn, text: &'static str, arguments: Arguments) -> Result<Option<Row>> {
    on_its_driver!(
        conn,
        text,
        arguments,
        |query, driver| query.fetch_optional(driver).await?.map(Row::Sqlite),
        query.fetch_optional(driver).await?.map(Row::Postgres)
    )
}

pub async fn one(conn: &mut Conn, text: &'static str, arguments: Arguments) -> Result<Row> {
    on_its_driver!(
        conn,
        text,
        arguments,
        |query, driver| Row::Sqlite(query.fetch_one(driver).await?),
        Row::Postgres(query.fetch_one(driver).await?)
    )
}

pub async fn all(conn: &mut Conn, text: &'static str, arguments: Arguments) -> Result<Rows> {
    on_its_driver!(
        conn,
        text,
        arguments,
        |query, driver| Rows::Sqlite(query.fetch_all(driver).await?),
        Rows::Postgres(query.fetch_all(driver).await?)
    )
}

pub async fn execute(conn: &mut Conn, text: &'static str, arguments: Arguments) -> Result<u64> {
    on_its_driver!(
        conn,
        text,
        arguments,
        |query, driver| query.execute(driver).await?.rows_affected(),
        query.execute(driver).await?.rows_affected()
    )
}
