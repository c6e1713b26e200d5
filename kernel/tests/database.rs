//! Both databases hold the same schema and take every statement.

use std::collections::BTreeSet;
use std::path::Path;

use kassa::db::{migrate, sql};
use sqlx::{Connection, Row};

use crate::support::Backend;

api_test! {
    async fn every_registered_statement_is_prepared(app: App) {
        let mut count = 0;
        for statement in sql::registered() {
            sql::prepare(app.shop.db(), statement)
                .await
                .unwrap_or_else(|error| panic!("{}: {error}\n{}", statement.place, statement.text));
            count += 1;
        }
        assert!(count > 80, "the kernel has more statements than {count}: are they registered?");
    }
}

api_test! {
    /// Two who wait for each other: one of them loses, and is told to come again.
    async fn a_deadlock_is_no_fault_of_the_kernel(app: App) {
        if app.backend == Backend::Sqlite {
            // It has one writer.
            return;
        }
        let db = app.shop.db();
        let mut tx = db.write().await.unwrap();
        for name in ["one", "other"] {
            sql::execute!(tx, "insert into counters (name, value) values ($1, 0)", name).unwrap();
        }
        tx.commit().await.unwrap();
        let (mut first, mut second) = (db.write().await.unwrap(), db.write().await.unwrap());
        let bump = async |tx: &mut kassa::db::Tx, name: &str| {
            sql::execute!(tx, "update counters set value = value + 1 where name = $1", name)
        };
        bump(&mut first, "one").await.unwrap();
        bump(&mut second, "other").await.unwrap();
        let (a, b) = tokio::join!(bump(&mut first, "other"), bump(&mut second, "one"));
        let lost = [a, b].into_iter().find_map(Result::err).expect("one of them loses");
        assert!(lost.is_conflict(), "{lost}");
        let problem = kassa::problem::Problem::from(lost);
        assert_eq!(problem.kind, kassa::problem::Kind::Unavailable);
    }
}

plain_test! {
    fn both_trees_hold_the_files_of_the_list() {
        let listed: Vec<String> = migrate::names().map(|name| format!("{name}.sql")).collect();
        for tree in ["sqlite", "postgres"] {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations").join(tree);
            let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
            let mut files: Vec<_> = files.collect();
            files.sort();
            assert_eq!(files, listed, "{tree}");
        }
    }
}

api_test! {
    /// Compared with what stands below, so that the two databases are compared with each other.
    async fn the_columns_are_the_same(app: App) {
        let columns = match app.backend {
            Backend::Sqlite => sqlite_columns(&app.shop.config().database.url).await,
            Backend::Postgres => postgres_columns(&app.shop.config().database.url).await,
        };
        let text: Vec<_> = columns.into_iter().collect();
        insta::assert_snapshot!("columns", text.join("\n"));
    }
}

// xinfo: the plain one leaves generated columns out.
const SQLITE_COLUMNS: &str =
    "select m.name, p.name, p.\"notnull\" or p.pk > 0 from sqlite_master m join pragma_table_xinfo(m.name) p
    where m.type = 'table' and m.name not like '\\_sqlx%' escape '\\' and m.name not like 'sqlite%'";

async fn sqlite_columns(url: &str) -> BTreeSet<String> {
    let mut conn = sqlx::SqliteConnection::connect(url).await.unwrap();
    let rows = sqlx::query(SQLITE_COLUMNS).fetch_all(&mut conn).await.unwrap();
    rows.iter().map(|row| column(row.get(0), row.get(1), row.get::<i64, _>(2) != 0)).collect()
}

const POSTGRES_COLUMNS: &str = "select cast(table_name as text), cast(column_name as text), is_nullable = 'NO'
    from information_schema.columns where table_schema = 'public' and table_name not like '\\_sqlx%'";

async fn postgres_columns(url: &str) -> BTreeSet<String> {
    let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
    let rows = sqlx::query(POSTGRES_COLUMNS).fetch_all(&mut conn).await.unwrap();
    rows.iter().map(|row| column(row.get(0), row.get(1), row.get(2))).collect()
}

fn column(table: &str, column: &str, required: bool) -> String {
    format!("{table}.{column}{}", if required { "" } else { "?" })
}
