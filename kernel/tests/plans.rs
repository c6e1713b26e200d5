//! How the databases go about the statements that must stay fast, looked at in their plans and not at the clock.

use kassa::db::sql;
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::support::{App, Backend};

/// The plan of `statement` with nothing bound. PostgreSQL is kept from reading whole tables, which it does where they are as small as
/// those of a test: what it does then is what it can do.
async fn plan(app: &App, statement: &str) -> String {
    let url = &app.shop.config().database.url;
    let lines: Vec<String> = match app.backend {
        Backend::Sqlite => {
            let mut conn = sqlx::SqliteConnection::connect(url).await.unwrap();
            let explain = AssertSqlSafe(format!("explain query plan {statement}"));
            let rows = sqlx::query(explain).fetch_all(&mut conn).await.unwrap();
            rows.iter().map(|row| row.get(3)).collect()
        }
        Backend::Postgres => {
            let mut conn = sqlx::PgConnection::connect(url).await.unwrap();
            let count = (1..20).take_while(|number| statement.contains(&format!("${number}"))).count();
            let nulls = vec!["null"; count].join(", ");
            for setting in ["set enable_seqscan = off", "set plan_cache_mode = force_generic_plan"] {
                sqlx::raw_sql(setting).execute(&mut conn).await.unwrap();
            }
            sqlx::raw_sql(AssertSqlSafe(format!("prepare looked_at as {statement}"))).execute(&mut conn).await.unwrap();
            let explain = AssertSqlSafe(format!("explain execute looked_at ({nulls})"));
            let rows = sqlx::raw_sql(explain).fetch_all(&mut conn).await.unwrap();
            rows.iter().map(|row| row.get(0)).collect()
        }
    };
    lines.join("\n")
}

api_test! {
    /// However many lists a shop has, and however many of them hold a variant: the few that can be in force for the shopper, and each
    /// one's price by its key.
    async fn the_price_that_applies_is_found_by_two_indexes(app: App) {
        let statements: Vec<_> = sql::registered().filter(|statement| statement.text.contains("price_lists list")).collect();
        assert!(statements.len() >= 4, "{} statements join the clause", statements.len());
        let wanted = match app.backend {
            Backend::Sqlite => [
                "SEARCH list USING INDEX price_lists_for (currency=? AND <expr>=?)",
                "SEARCH entry USING INDEX sqlite_autoindex_list_prices_1 (list_id=? AND variant_id=?)",
                "SEARCH lp USING INDEX sqlite_autoindex_list_prices_1 (list_id=? AND variant_id=?)",
            ],
            Backend::Postgres => [
                "using price_lists_for on price_lists list",
                "using list_prices_pkey on list_prices entry",
                "using list_prices_pkey on list_prices lp",
            ],
        };
        for statement in statements {
            let plan = plan(&app, statement.text).await.to_lowercase();
            for step in wanted {
                assert!(plan.contains(&step.to_lowercase()), "{}: no {step}\n{plan}", statement.place);
            }
        }
    }
}
