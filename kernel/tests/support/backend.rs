//! The two databases: a fresh one for every case.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// Servers that a developer's machine or CI usually has.
const USUAL: [&str; 2] =
    ["postgres://postgres@127.0.0.1:5432/postgres", "postgres://postgres:postgres@127.0.0.1:5432/postgres"];

static SERVER: OnceLock<Result<String, String>> = OnceLock::new();
static TEMPLATE: tokio::sync::OnceCell<()> = tokio::sync::OnceCell::const_new();
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The server to test against, or why there is none.
pub fn postgres_answers() -> Result<(), String> {
    server().as_ref().map(drop).map_err(Clone::clone)
}

fn server() -> &'static Result<String, String> {
    SERVER.get_or_init(|| {
        let given = std::env::var("KASSA_TEST_POSTGRES").ok();
        let candidates = given.map_or_else(|| USUAL.map(str::to_owned).to_vec(), |url| vec![url]);
        let mut reason = String::new();
        for url in candidates.into_iter().map(in_clear) {
            match block_on(PgConnection::connect(&url)) {
                Ok(_) => return Ok(url),
                Err(error) => reason = error.to_string(),
            }
        }
        Err(reason)
    })
}

/// On one machine nobody listens, and a connection in clear is opened without reading the roots of trust: cases open thousands. A URL
/// with parameters of its own keeps them.
fn in_clear(url: String) -> String {
    if url.contains('?') { url } else { format!("{url}?sslmode=disable") }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}

fn prefix() -> String {
    format!("kassa_test_{}", std::process::id())
}

/// The URL of database `name` on the server.
fn url_of(name: &str) -> String {
    let server = server().as_ref().expect("PostgreSQL answers");
    let (server, parameters) = server.split_once('?').expect("it has parameters");
    let (head, _) = server.rsplit_once('/').expect("the URL names a database");
    format!("{head}/{name}?{parameters}")
}

async fn on_server(statement: String) {
    let url = server().as_ref().expect("PostgreSQL answers");
    let mut conn = PgConnection::connect(url).await.expect("PostgreSQL answers");
    conn.execute(AssertSqlSafe(statement.clone())).await.unwrap_or_else(|error| panic!("{statement}: {error}"));
}

/// A fresh, migrated database. The schema is made once, as a template that each copy is taken from.
pub async fn fresh_postgres() -> String {
    let template = format!("{}_template", prefix());
    TEMPLATE
        .get_or_init(|| async {
            on_server(format!("create database {template}")).await;
            let config = kassa::db::DatabaseConfig { url: url_of(&template), ..Default::default() };
            let db = kassa::db::Db::open(&config).await.expect("the template opens");
            kassa::db::migrate::run(&db).await.expect("the migrations apply");
            db.close().await;
        })
        .await;
    let name = format!("{}_{}", prefix(), COUNT.fetch_add(1, Ordering::Relaxed));
    on_server(format!("create database {name} template {template}")).await;
    url_of(&name)
}

/// Drops the database of a case that has ended.
pub async fn drop_postgres(url: &str) {
    let (url, _) = url.split_once('?').expect("it has parameters");
    let (_, name) = url.rsplit_once('/').expect("the URL names a database");
    on_server(format!("drop database if exists {name} with (force)")).await;
}

/// Drops the template, at the end of the run.
pub fn clean_up() {
    if TEMPLATE.initialized() {
        block_on(on_server(format!("drop database if exists {}_template with (force)", prefix())));
    }
}
