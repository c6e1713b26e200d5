//! Migrations: the same file names in the same order for both backends, built into the program.

use sqlx::migrate::{MigrateError, Migrator};

use super::Db;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// Why a database cannot be brought to the newest schema.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Database(#[from] super::Error),
    #[error("migration: {0}")]
    Migration(#[from] MigrateError),
}

/// Applies what is missing. Two kernels that start at once wait for each other (PostgreSQL).
pub async fn run(db: &Db) -> std::result::Result<(), Error> {
    match &db.0 {
        super::Pools::Sqlite { writer, .. } => SQLITE.run(writer).await?,
        super::Pools::Postgres(pool) => POSTGRES.run(pool).await?,
    }
    Ok(())
}

/// Names of both trees, for the test that holds them equal: (SQLite, PostgreSQL).
pub fn names() -> (Vec<String>, Vec<String>) {
    let names = |migrator: &'static Migrator| {
        migrator.iter().map(|migration| format!("{:04}_{}", migration.version, migration.description)).collect()
    };
    (names(&SQLITE), names(&POSTGRES))
}
