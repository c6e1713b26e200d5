//! A connection to either backend.

use std::ops::{Deref, DerefMut};

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};

use super::Result;

/// A connection that statements run on.
pub struct Conn(Inner);

enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    SqliteTx(Transaction<'static, Sqlite>),
    Postgres(PoolConnection<Postgres>),
    PostgresTx(Transaction<'static, Postgres>),
}

/// What the statement macros match on: one typed arm for each driver.
pub enum Driver<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

impl Conn {
    pub(super) fn sqlite(conn: PoolConnection<Sqlite>) -> Self {
        Self(Inner::Sqlite(conn))
    }

    pub(super) fn postgres(conn: PoolConnection<Postgres>) -> Self {
        Self(Inner::Postgres(conn))
    }

    /// Itself: what the macros name, so that they take a connection and a transaction, owned or borrowed.
    #[doc(hidden)]
    pub fn as_conn(&mut self) -> &mut Self {
        self
    }

    #[doc(hidden)]
    pub fn driver(&mut self) -> Driver<'_> {
        match &mut self.0 {
            Inner::Sqlite(conn) => Driver::Sqlite(conn),
            Inner::SqliteTx(tx) => Driver::Sqlite(tx),
            Inner::Postgres(conn) => Driver::Postgres(conn),
            Inner::PostgresTx(tx) => Driver::Postgres(tx),
        }
    }
}

/// A transaction. Used like a [`Conn`]; dropped without [`Tx::commit`], it is rolled back.
pub struct Tx(Conn);

impl Tx {
    pub(super) fn sqlite(tx: Transaction<'static, Sqlite>) -> Self {
        Self(Conn(Inner::SqliteTx(tx)))
    }

    pub(super) fn postgres(tx: Transaction<'static, Postgres>) -> Self {
        Self(Conn(Inner::PostgresTx(tx)))
    }

    /// Makes what was written durable. When it returns, a crash loses nothing of it.
    pub async fn commit(self) -> Result<()> {
        match self.0.0 {
            Inner::SqliteTx(tx) => tx.commit().await?,
            Inner::PostgresTx(tx) => tx.commit().await?,
            Inner::Sqlite(_) | Inner::Postgres(_) => unreachable!("a Tx is made from a transaction"),
        }
        Ok(())
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.0
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.0
    }
}
