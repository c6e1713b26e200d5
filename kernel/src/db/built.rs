//! A statement whose shape depends on what is asked.
//!
//! Nearly every statement is one literal, run by the macros of [`sql`](super::sql). A list with a dozen filters, each of
//! them optional, would be thousands of literals, or one with `or $1 is null` at every turn, for which neither planner
//! uses an index. Its text is put together from literals, and values only ever go in by [`Built::bind`]: the types
//! leave no way for input to become SQL.

use sqlx::sqlite::SqliteRow;
use sqlx::{AssertSqlSafe, FromRow, Postgres, Sqlite};
use uuid::Uuid;

use super::{Conn, Driver, Result};
use crate::clock::Moment;

macro_rules! bound {
    ($query:expr, $binds:expr) => {
        $binds.into_iter().fold($query, |query, bind| match bind {
            Bind::Integer(value) => query.bind(value),
            Bind::Text(value) => query.bind(value),
            Bind::Id(value) => query.bind(value),
            Bind::Moment(value) => query.bind(value),
        })
    };
}

/// A statement in the making. Portable rules as for every other.
#[derive(Debug, Default)]
pub struct Built {
    text: String,
    binds: Vec<Bind>,
}

/// A value of a statement.
#[derive(Debug)]
pub enum Bind {
    Integer(i64),
    Text(String),
    Id(Uuid),
    Moment(Moment),
}

impl Built {
    pub fn new(sql: &'static str) -> Self {
        Self { text: sql.to_owned(), binds: Vec::new() }
    }

    /// Appends a piece of SQL.
    pub fn push(&mut self, sql: &'static str) -> &mut Self {
        self.text.push_str(sql);
        self
    }

    /// Appends a placeholder for `value`.
    pub fn bind(&mut self, value: impl Into<Bind>) -> &mut Self {
        self.binds.push(value.into());
        self.text.push('$');
        self.text.push_str(&self.binds.len().to_string());
        self
    }

    /// Gives a value that pieces of the text name by its number: the first `$1`, the next `$2`. Only before anything is bound.
    pub fn give(&mut self, value: impl Into<Bind>) -> &mut Self {
        self.binds.push(value.into());
        self
    }

    /// Appends placeholders for `values`, parted by commas.
    pub fn bind_all<T: Into<Bind>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.bind(value);
        }
        self
    }

    /// Every row. The statement is not kept prepared: its shapes are many, and PostgreSQL plans it for these very values,
    /// which matters where one word is in three products and another in all.
    pub async fn all<R>(self, conn: &mut Conn) -> Result<Vec<R>>
    where
        R: for<'r> FromRow<'r, SqliteRow> + for<'r> FromRow<'r, sqlx::postgres::PgRow> + Send + Unpin,
    {
        super::run::trace(&self.text);
        let text = AssertSqlSafe(self.text);
        Ok(match conn.driver() {
            Driver::Sqlite(driver) => {
                let query = sqlx::query_as::<Sqlite, R>(text).persistent(false);
                bound!(query, self.binds).fetch_all(&mut *driver).await?
            }
            Driver::Postgres(driver) => {
                let query = sqlx::query_as::<Postgres, R>(text).persistent(false);
                bound!(query, self.binds).fetch_all(&mut *driver).await?
            }
        })
    }

    /// Runs it for its effect.
    pub async fn execute(self, conn: &mut Conn) -> Result<()> {
        super::run::trace(&self.text);
        let text = AssertSqlSafe(self.text);
        match conn.driver() {
            Driver::Sqlite(driver) => {
                let query = sqlx::query::<Sqlite>(text).persistent(false);
                bound!(query, self.binds).execute(&mut *driver).await?;
            }
            Driver::Postgres(driver) => {
                let query = sqlx::query::<Postgres>(text).persistent(false);
                bound!(query, self.binds).execute(&mut *driver).await?;
            }
        }
        Ok(())
    }
}

macro_rules! bind_from {
    ($($from:ty => $to:ident),+) => {
        $(impl From<$from> for Bind {
            fn from(value: $from) -> Self {
                Self::$to(value.into())
            }
        })+
    };
}

bind_from!(i64 => Integer, &str => Text, String => Text, &String => Text, Uuid => Id, Moment => Moment);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_placeholders() {
        let mut built = Built::new("select 1 where 'a' = ");
        built.bind("' or 1=1").push(" and 2 in (").bind_all([2_i64, 3]).push(")");
        assert_eq!(built.text, "select 1 where 'a' = $1 and 2 in ($2, $3)");
        assert_eq!(built.binds.len(), 3);
    }
}
