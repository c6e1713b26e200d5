//! Migrations: the same file names in the same order for both backends, built into the program.

use sqlx::SqlSafeStr;
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};

use super::{Db, Pools};

/// One step of the schema. A new one is one line here and a file of that name in each folder; a test compares them.
struct Step {
    version: i64,
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! steps {
    ($($version:literal $name:literal),+ $(,)?) => {
        &[$(Step {
            version: $version,
            name: $name,
            sqlite: include_str!(concat!("../../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const STEPS: &[Step] = steps![
    1 "0001_accounts",
    2 "0002_catalog",
    3 "0003_plugins",
    4 "0004_carts",
    5 "0005_orders",
    6 "0006_events",
    7 "0007_access",
    8 "0008_catalog",
    9 "0009_search",
    10 "0010_prices",
    11 "0011_stock",
    12 "0012_promotions",
    13 "0013_ledger",
    14 "0014_fulfilment",
    15 "0015_reviews",
    16 "0016_notifications",
    17 "0017_webhooks",
    18 "0018_images",
    21 "0021_documents",
    26 "0026_imports",
    27 "0027_replays",
    28 "0028_plugin_grants",
    29 "0029_rollouts",
    30 "0030_conformance",
    31 "0031_explanations",
    32 "0032_tax_lines",
    33 "0033_rollouts_everywhere",
];

/// A database cannot be brought to the newest schema.
#[derive(Debug, thiserror::Error)]
#[error("migration: {0}")]
pub struct Error(#[from] MigrateError);

/// Applies what is missing. Two kernels that start at once wait for each other (PostgreSQL).
pub async fn run(db: &Db) -> Result<(), Error> {
    match &db.0 {
        Pools::Sqlite { writer, .. } => migrator(|step| step.sqlite).run(writer).await?,
        Pools::Postgres(pool) => migrator(|step| step.postgres).run(pool).await?,
    }
    Ok(())
}

/// Names of the files, in order.
pub fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|step| step.name)
}

fn migrator(sql: impl Fn(&Step) -> &'static str) -> Migrator {
    let migration = |step: &Step| {
        Migration::new(step.version, step.name.into(), MigrationType::Simple, sql(step).into_sql_str(), false)
    };
    Migrator::with_migrations(STEPS.iter().map(migration).collect())
}
