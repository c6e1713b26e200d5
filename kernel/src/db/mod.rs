//! The database: one text for every statement, two typed drivers.
//!
//! - [`Db`] opens either backend and hands out connections: [`Db::read`] for reading, [`Db::write`] for a transaction.
//! - [`sql`] holds the statement macros: one `match` with two identical typed arms each. Every macro registers its
//!   text, and a test prepares every registered statement on both databases.
//! - [`Built`] is for the few statements whose shape depends on what is asked: the shopper's list and its filters.
//! - [`migrate`] brings a database to the newest schema.
//!
//! Portable rules for statements: `$1` placeholders, `on conflict do update`, `returning`, `cast()`; no `now()`, `::`,
//! `ilike`, arrays or writing CTEs; guarded `update … where available >= $n` instead of `for update`; text that
//! must come back byte for byte is `text`, never `jsonb`.

mod built;
mod conn;
pub mod migrate;
pub mod run;
pub mod sql;

use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use sqlx::pool::PoolOptions;
use sqlx::postgres::PgConnectOptions;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Postgres, Sqlite};

pub use built::Built;
pub use conn::{Conn, Driver, Tx};
pub use sqlx::FromRow;
pub use sqlx::types::Json;

/// `[database]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseConfig {
    /// `sqlite://path/to/shop.db` or `postgres://user:password@host:port/database`.
    pub url: String,
    /// Connections for reading (SQLite, beside the one that writes) or in all (PostgreSQL).
    pub connections: u32,
    /// How long a request waits for a connection before it is answered with `unavailable`, in milliseconds.
    pub acquire_timeout_ms: u64,
}

impl Default for DatabaseConfig {
    fn default() -> Self {
        Self { url: "sqlite://data/shop.db".into(), connections: 8, acquire_timeout_ms: 5_000 }
    }
}

/// A database fault. What it was about stays in the log.
#[derive(Debug, thiserror::Error)]
#[error("database: {0}")]
pub struct Error(#[from] sqlx::Error);

impl Error {
    /// Another row has this unique value. Which constraint it was is not asked: SQLite does not tell.
    pub fn is_unique_violation(&self) -> bool {
        self.0.as_database_error().is_some_and(|error| error.is_unique_violation())
    }

    /// Rows that still need it point at a row that was to go, or a row points at one that is not there.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.0.as_database_error().is_some_and(|error| error.is_foreign_key_violation())
    }

    /// As [`Self::is_foreign_key_violation`], of a row that points by `column`. Only where another writer can come in between: on SQLite,
    /// which does not tell, none can.
    pub fn is_foreign_key_violation_of(&self, column: &str) -> bool {
        let constraint = self.0.as_database_error().and_then(|error| error.constraint());
        self.is_foreign_key_violation() && constraint.is_some_and(|name| name.ends_with(&format!("_{column}_fkey")))
    }

    /// The transaction lost to others that ran at the same time, and has done nothing: a deadlock, or reads that are no longer true. Done
    /// again, it may well succeed.
    pub fn is_conflict(&self) -> bool {
        let code = self.0.as_database_error().and_then(|error| error.code());
        // PostgreSQL: deadlock_detected and serialization_failure. SQLite has one writer.
        code.is_some_and(|code| ["40P01", "40001"].contains(&code.as_ref()))
    }

    /// No connection was free in time.
    pub fn is_pool_timeout(&self) -> bool {
        matches!(self.0, sqlx::Error::PoolTimedOut)
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An open database. Cheap to clone.
#[derive(Clone)]
pub struct Db(Pools);

#[derive(Clone)]
enum Pools {
    /// SQLite lets one connection write at a time. Queueing for it here, in order, replaces `SQLITE_BUSY` and its polling.
    Sqlite {
        reader: sqlx::Pool<Sqlite>,
        writer: sqlx::Pool<Sqlite>,
    },
    Postgres(sqlx::Pool<Postgres>),
}

impl Db {
    /// Opens the database of `config`; a SQLite file is created where it is missing. Applies no migrations.
    pub async fn open(config: &DatabaseConfig) -> Result<Self> {
        let timeout = Duration::from_millis(config.acquire_timeout_ms);
        if config.url.starts_with("sqlite:") {
            let options = sqlite_options(&config.url)?;
            let writer = PoolOptions::new().max_connections(1).acquire_timeout(timeout).connect_with(options.clone());
            let writer = writer.await?;
            let reader = PoolOptions::new()
                .max_connections(config.connections.max(1))
                .acquire_timeout(timeout)
                .connect_with(options.pragma("query_only", "on"))
                .await?;
            return Ok(Self(Pools::Sqlite { reader, writer }));
        }
        let options = PgConnectOptions::from_str(&config.url)?.application_name("kassa");
        let pool = PoolOptions::new().max_connections(config.connections.max(2)).acquire_timeout(timeout);
        // A connection from the pool is used at once; asking the server first whether it lives doubles the round trips.
        let pool = pool.test_before_acquire(false).connect_with(options).await?;
        Ok(Self(Pools::Postgres(pool)))
    }

    /// A connection for statements that only read, each on its own.
    pub async fn read(&self) -> Result<Conn> {
        Ok(match &self.0 {
            Pools::Sqlite { reader, .. } => Conn::sqlite(reader.acquire().await?),
            Pools::Postgres(pool) => Conn::postgres(pool.acquire().await?),
        })
    }

    /// A transaction that may write. Dropped without [`Tx::commit`], it leaves nothing behind.
    ///
    /// Keep it short, and never open across a call of a plugin: on SQLite it is the one writer of the shop.
    pub async fn write(&self) -> Result<Tx> {
        Ok(match &self.0 {
            // An upgrade from a deferred transaction would return BUSY at once, whatever busy_timeout says.
            Pools::Sqlite { writer, .. } => Tx::sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Pools::Postgres(pool) => Tx::postgres(pool.begin().await?),
        })
    }

    /// `sqlite` or `postgres`, for reports.
    pub fn backend(&self) -> &'static str {
        match &self.0 {
            Pools::Sqlite { .. } => "sqlite",
            Pools::Postgres(_) => "postgres",
        }
    }

    /// Closes every connection, after the work that is under way on it.
    pub async fn close(&self) {
        match &self.0 {
            Pools::Sqlite { reader, writer } => {
                reader.close().await;
                writer.close().await;
            }
            Pools::Postgres(pool) => pool.close().await,
        }
    }
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    Ok(SqliteConnectOptions::from_str(url)?
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL, not NORMAL: an order that was acknowledged survives a power cut.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .statement_cache_capacity(300)
        .pragma("cache_size", "-32768")
        .pragma("temp_store", "memory")
        .optimize_on_close(true, None))
}
