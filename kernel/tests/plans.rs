//! The pages that shoppers and the merchant open most stay one indexed plan for each of their statements, however many products there
//! are. The plan is looked at, not the clock. Another page is one line in [`PAGES`].

use std::sync::{Mutex, OnceLock};

use kassa::db::sql;
use reqwest::Method;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};
use tracing::field::{Field, Visit};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::support::app::App;
use crate::support::{Backend, thread_name};

const PAGES: &[&str] = &[
    "/v1/products",
    "/v1/products?sort=price-asc",
    "/v1/products?sort=price-desc",
    "/v1/products?sort=rating",
    "/v1/products?sort=title",
    "/v1/products?category=green-tea",
    "/v1/products?category=tea",
    "/v1/products?vendor=vendor7",
    "/v1/products?in_stock=true",
    "/v1/products?tag=tag7",
    "/v1/products?attribute.colour=colour7&attribute.size.min=1&attribute.size.max=9",
    "/v1/products?collection=grown",
    "/v1/products?collection=grown&attribute.colour=colour7&sort=title",
    // A word, two, a prefix, a typo, nothing that has them all.
    "/v1/products?q=word7",
    "/v1/products?q=word7+number7",
    "/v1/products?q=senc",
    "/v1/products?q=sencah",
    "/v1/products?q=word7+unicorn",
    "/v1/products?q=word7&category=tea&vendor=vendor7&price_min=1&in_stock=true&rating_min=1&sort=price-asc",
    "/v1/products/suggest?q=senc",
    "/v1/products/sencha",
    "/v1/categories",
    "/v1/admin/products",
    "/v1/admin/products?status=active&sort=updated",
    "/v1/admin/products?q=word7+numb&status=active",
];

/// Once price lists are in force. A list of everything that is sorted by price is not among them: it reads everything then.
const PAGES_WITH_LISTS: &[&str] = &[
    "/v1/products",
    "/v1/products?price_max=500",
    "/v1/products?sort=rating&price_min=1",
    "/v1/products?category=green-tea&price_max=500",
    "/v1/products?collection=grown&price_max=500",
    "/v1/products?q=word7&price_min=1&price_max=500&sort=price-asc",
    "/v1/products?q=word7&sort=price-desc",
    "/v1/products/sencha",
];

/// Tables that grow with the catalog, by the names that statements call them.
const LARGE: &[&str] = &[
    "products",
    "variants",
    "stock_items",
    "search_documents",
    "search_postings",
    "search_labels",
    "search_values",
    "search_deletions",
    "collection_products",
    "product_attributes",
    "product_images",
    "variant_images",
    "list_prices",
    "entry",
    "i",
    "own",
    "p",
    "v",
    "s",
    "d",
    "f",
    "m",
];

const PRODUCTS: u32 = 10_000;
/// The case below, whose threads bear its name.
const CASE: &str = "every_page_reads_large_tables_by_an_index";

api_test! {
    async fn every_page_reads_large_tables_by_an_index(app: App) {
        // What the worker of the stock asks is not asked by the pages.
        let quiet = app.another(|config| config.inventory.poll_interval_ms = 3_600_000).await;
        app.leave().await;
        let app = &quiet;
        let thread = thread_name(CASE, app.backend);
        listen();
        let mut database = Database::open(app).await;
        // The worker of a new shop renews the index once: copies that it found would be indexed before they are copied.
        database.wait_for_the_index(app).await;
        database.grow().await;
        database.grow_lists().await;
        let merchant = app.merchant().await;
        let mut wrong = scans_of(app, &merchant, &mut database, &thread, PAGES).await;
        database.execute("update price_lists set status = 'active'".to_owned()).await;
        database.execute("analyze".to_owned()).await;
        assert_eq!(app.get("/v1/products/sencha").await.expect(200)["variants"][0]["price"], 3, "a list is in force");
        wrong.extend(scans_of(app, &merchant, &mut database, &thread, PAGES_WITH_LISTS).await);
        assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
        // The test can fail: nothing serves this.
        assert!(!database.scans("select id from products where description = 'x'").await.is_empty());
    }
}

/// The statements of these pages that read a large table from end to end.
/// The merchant calls what is for the merchant.
async fn scans_of(app: &App, merchant: &str, database: &mut Database, thread: &str, pages: &[&str]) -> Vec<String> {
    let mut wrong = Vec::new();
    for page in pages {
        app.shop.cache().clear();
        take_heard(thread);
        let token = page.starts_with("/v1/admin/").then_some(merchant);
        app.send(Method::GET, page, token, None).await.expect(200);
        let statements = take_heard(thread);
        assert!(!statements.is_empty(), "{page}: no statement was heard");
        for statement in statements {
            for scan in database.scans(&statement).await {
                wrong.push(format!("{page}: {scan}\n{statement}"));
            }
        }
    }
    wrong
}

api_test! {
    /// However many lists a shop has, and however many of them hold a variant: the few that can be in force for the shopper, and each
    /// one's price by its key.
    async fn the_price_that_applies_is_found_by_two_indexes(app: App) {
        let statements: Vec<_> = sql::registered().filter(|statement| statement.text.contains("list_prices entry")).collect();
        assert!(statements.len() >= 5, "{} statements have the clause", statements.len());
        let wanted: &[&str] = match app.backend {
            Backend::Sqlite => &[
                "search list using index price_lists_for (currency=? and <expr>=?)",
                "search entry using index sqlite_autoindex_list_prices_1 (list_id=? and variant_id=?)",
            ],
            Backend::Postgres => &[
                "using price_lists_for on price_lists list",
                "using list_prices_pkey on list_prices entry",
            ],
        };
        let mut database = Database::open(&app).await;
        for statement in statements {
            let plan = database.plan(statement.text).await.to_lowercase();
            for step in wanted {
                assert!(plan.contains(step), "{}: no {step}\n{plan}", statement.place);
            }
        }
    }
}

api_test! {
    /// Anybody can add to what an erasure looks for, and to the tables that it looks in.
    async fn what_an_erasure_forgets_is_found_by_indexes(app: App) {
        let mut database = Database::open(&app).await;
        for (beginning, indexes) in [
            ("delete from inbox_items where about", &["inbox_items_by_about"][..]),
            ("delete from messages where about", &["messages_by_about"]),
            (
                "delete from idempotency_keys where caller_id",
                &["idempotency_keys_by_caller", "idempotency_keys_by_subject", "idempotency_keys_by_made"],
            ),
            ("delete from carts where id in (select id from carts where customer_id is null", &["carts_of_guests"]),
            ("delete from events where subject", &["events_by_subject"]),
            ("update audit_entries set body = null", &["audit_entries_by_subject"]),
        ] {
            let statements: Vec<_> = sql::registered().filter(|known| known.text.starts_with(beginning)).collect();
            assert!(!statements.is_empty(), "there is no {beginning}");
            for statement in statements {
                let plan = database.plan(statement.text).await.to_lowercase();
                for index in indexes {
                    assert!(plan.contains(index), "{}: no {index}\n{plan}", statement.place);
                }
            }
        }
    }
}

enum Database {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Database {
    async fn open(app: &App) -> Self {
        let url = &app.shop.config().database.url;
        match app.backend {
            Backend::Sqlite => Self::Sqlite(SqliteConnection::connect(url).await.unwrap()),
            Backend::Postgres => Self::Postgres(PgConnection::connect(url).await.unwrap()),
        }
    }

    async fn wait_for_the_index(&mut self, app: &App) {
        const SETTLED: &str = "select name from counters where name = 'search_analysis' and value > 0
                               and not exists (select 1 from search_queue)";
        for _ in 0..500 {
            let settled = match self {
                Self::Sqlite(conn) => conn.fetch_optional(SETTLED).await.unwrap().is_some(),
                Self::Postgres(conn) => conn.fetch_optional(SETTLED).await.unwrap().is_some(),
            };
            if settled {
                return;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        panic!("the index of a new {} shop is not renewed within ten seconds", app.backend.name());
    }

    async fn execute(&mut self, sql: String) {
        let done = match self {
            Self::Sqlite(conn) => conn.execute(AssertSqlSafe(sql.clone())).await.map(drop),
            Self::Postgres(conn) => conn.execute(AssertSqlSafe(sql.clone())).await.map(drop),
        };
        done.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    async fn columns(&mut self, table: &str) -> Vec<String> {
        let rows: Vec<(String,)> = match self {
            Self::Sqlite(conn) => {
                sqlx::query_as("select name from pragma_table_info($1)").bind(table).fetch_all(conn).await.unwrap()
            }
            Self::Postgres(conn) => {
                // Without generated ones, which the other database leaves out by itself.
                let sql = "select cast(column_name as text) from information_schema.columns
                           where table_name = $1 and is_generated = 'NEVER'";
                sqlx::query_as(sql).bind(table).fetch_all(conn).await.unwrap()
            }
        };
        rows.into_iter().map(|(name,)| name).collect()
    }

    /// Ten thousand copies of one product, with words, vendors and categories of their own.
    async fn grow(&mut self) {
        let id = match self {
            Self::Sqlite(_) => "unhex(printf('%032x', n))",
            Self::Postgres(_) => "cast(lpad(to_hex(n), 32, '0') as uuid)",
        };
        let variant = "(select id from variants where sku = 'TEA-SENCHA-100')";
        let product = "(select product_id from variants where sku = 'TEA-SENCHA-100')";
        let elsewhere = format!("case when n % 50 = 0 then category_id else {} end", id.replace("n)", "n % 100)"));
        self.copy("products", &format!("id = {product}"), &[("id", id), ("slug", "slug || n")]).await;
        let row = format!("id = {variant}");
        self.copy("variants", &row, &[("id", id), ("product_id", id), ("sku", "sku || n")]).await;
        self.copy("stock_items", &format!("variant_id = {variant}"), &[("variant_id", id)]).await;
        let document =
            [("product_id", id), ("title", "title || n"), ("lowest_price", "n"), ("category_id", elsewhere.as_str())];
        self.copy("search_documents", &format!("product_id = {product}"), &document).await;
        let numbers = numbers();
        for insert in [
            format!(
                "insert into search_postings (term, product_id, weight) {numbers} select 'word' || (n % 1000), {id}, 100 from numbers"
            ),
            format!(
                "insert into search_postings (term, product_id, weight) {numbers} select 'number' || n, {id}, 100 from numbers"
            ),
            format!(
                "insert into search_labels (term, product_id) {numbers} select 'word' || (n % 1000), {id} from numbers"
            ),
            format!(
                "insert into search_labels (term, product_id) {numbers} select 'number' || n, {id} from numbers"
            ),
            format!(
                "insert into search_values (name, value, product_id) {numbers} select 'vendor', 'vendor' || (n % 500), {id} from numbers"
            ),
            format!(
                "insert into search_values (name, value, product_id) {numbers} select 'tag', 'tag' || (n % 500), {id} from numbers"
            ),
            format!(
                "insert into search_values (name, value, product_id) {numbers} select 'attribute.colour', 'colour' || (n % 500), {id} from numbers"
            ),
            format!(
                "insert into search_values (name, value, number, product_id) {numbers} select 'attribute.size', 'size' || n, n, {id} from numbers"
            ),
            format!(
                "insert into collections (id, slug, title, description, seo_title, seo_description, status, version, created_at, updated_at)
                 select {id}, 'grown', '', '', '', '', 'active', 1, created_at, updated_at from products, (select 1 as n) one where id = {product}"
            ),
            format!(
                "insert into collection_products (collection_id, product_id, position) {numbers} select (select id from collections where slug = 'grown'), {id}, n from numbers"
            ),
            format!(
                "insert into search_deletions (deletion, word) {numbers} select 'word' || n, 'words' || n from numbers"
            ),
            "insert into image_files (digest, uses) values ('of-all', 30000)".to_owned(),
            format!(
                "insert into product_images (id, product_id, alt, position, format, width, height, list_digest, detail_digest,
                                             full_digest, created_at, updated_at)
                 {numbers} select {id}, {id}, '', 0, 'jpeg', 1, 1, 'of-all', 'of-all', 'of-all', created_at, created_at
                 from numbers, products where products.slug = 'sencha'"
            ),
            format!("insert into variant_images (variant_id, image_id) {numbers} select {id}, {id} from numbers"),
            "analyze".to_owned(),
        ] {
            self.execute(insert).await;
        }
    }

    /// Five hundred drafts of lists, each with a price of the sencha; one of them is for everyone, and has a price of everything.
    async fn grow_lists(&mut self) {
        let id = match self {
            Self::Sqlite(_) => "unhex(printf('%032x', n))",
            Self::Postgres(_) => "cast(lpad(to_hex(n), 32, '0') as uuid)",
        };
        let (numbers, at) = (numbers(), "(select created_at from products where slug = 'sencha')");
        for insert in [
            format!(
                "insert into customer_groups (code, name, created_at, updated_at)
                 {numbers} select 'group' || n, '', {at}, {at} from numbers where n <= 500"
            ),
            format!(
                "insert into price_lists (id, code, name, currency, group_code, status, priority, version, created_at, updated_at)
                 {numbers} select {id}, 'list' || n, '', 'EUR', case when n > 1 then 'group' || n end, 'draft', 0, 1, {at}, {at}
                 from numbers where n <= 500"
            ),
            format!(
                "insert into list_prices (list_id, variant_id, amount, updated_at)
                 {numbers} select {id}, variants.id, 2 + n, {at} from numbers, variants
                 where n <= 500 and variants.sku = 'TEA-SENCHA-100'"
            ),
            format!(
                "insert into list_prices (list_id, variant_id, amount, updated_at)
                 select price_lists.id, variants.id, variants.price, {at} from price_lists, variants
                 where price_lists.code = 'list1' and variants.sku <> 'TEA-SENCHA-100'"
            ),
            "analyze".to_owned(),
        ] {
            self.execute(insert).await;
        }
    }

    /// Copies the row that `from` names, once for each number `n`, with some columns made otherwise. Which others there
    /// are is asked, so that this need not know the schema.
    async fn copy(&mut self, table: &str, from: &str, other: &[(&str, &str)]) {
        let columns = self.columns(table).await;
        let expression = |column: &String| {
            let made = other.iter().find(|(name, _)| name == column).map(|(_, made)| (*made).to_owned());
            made.unwrap_or_else(|| column.clone())
        };
        let values: Vec<_> = columns.iter().map(expression).collect();
        self.execute(format!(
            "insert into {table} ({}) {} select {} from {table}, numbers where {from}",
            columns.join(", "),
            numbers(),
            values.join(", ")
        ))
        .await;
    }

    /// The plan of a statement. PostgreSQL is kept from reading whole tables, which it does where they are as small as those of a new
    /// shop: what it does then is what it can do.
    async fn plan(&mut self, statement: &str) -> String {
        let lines: Vec<String> = match self {
            Self::Sqlite(conn) => {
                let rows = conn.fetch_all(AssertSqlSafe(format!("explain query plan {statement}"))).await.unwrap();
                rows.iter().map(|row| row.get("detail")).collect()
            }
            Self::Postgres(conn) => {
                conn.execute("set enable_seqscan = off").await.unwrap();
                conn.execute("set plan_cache_mode = force_generic_plan").await.unwrap();
                conn.execute(AssertSqlSafe(format!("prepare looked_at as {statement}"))).await.unwrap();
                let rows = conn
                    .fetch_all(AssertSqlSafe(format!("explain execute looked_at {}", nulls(statement))))
                    .await
                    .unwrap();
                conn.execute("deallocate looked_at").await.unwrap();
                rows.iter().map(|row| row.get(0)).collect()
            }
        };
        lines.join("\n")
    }

    /// Where the plan of a statement reads a large table from end to end.
    async fn scans(&mut self, statement: &str) -> Vec<String> {
        if !statement.trim_start().starts_with("select") && !statement.trim_start().starts_with("with") {
            return Vec::new();
        }
        match self {
            Self::Sqlite(conn) => {
                let rows = conn.fetch_all(AssertSqlSafe(format!("explain query plan {statement}"))).await.unwrap();
                let details = rows.iter().map(|row| row.get::<String, _>("detail"));
                details.filter(|detail| is_scan(detail)).collect()
            }
            Self::Postgres(conn) => {
                // A plan for whatever values: those of one request would prove nothing for the next.
                conn.execute("set plan_cache_mode = force_generic_plan").await.unwrap();
                conn.execute(AssertSqlSafe(format!("prepare looked_at as {statement}"))).await.unwrap();
                let explain = format!("explain (format json) execute looked_at {}", nulls(statement));
                let row = conn.fetch_one(AssertSqlSafe(explain)).await.unwrap();
                conn.execute("deallocate looked_at").await.unwrap();
                let mut scans = Vec::new();
                find_seq_scans(&row.get::<Value, _>(0), &mut scans);
                scans
            }
        }
    }
}

/// A value for each placeholder.
fn nulls(statement: &str) -> String {
    let count = (1..).take_while(|number| statement.contains(&format!("${number}"))).count();
    if count == 0 { String::new() } else { format!("({})", vec!["null"; count].join(", ")) }
}

fn numbers() -> String {
    format!("with recursive numbers (n) as (select 1 union all select n + 1 from numbers where n < {PRODUCTS})")
}

/// `SCAN d` and `SCAN d USING INDEX …`; a `SEARCH` has bounds.
fn is_scan(detail: &str) -> bool {
    let mut words = detail.split_whitespace();
    words.next() == Some("SCAN") && words.next().is_some_and(|table| LARGE.contains(&table))
}

fn find_seq_scans(plan: &Value, found: &mut Vec<String>) {
    match plan {
        Value::Array(plans) => plans.iter().for_each(|plan| find_seq_scans(plan, found)),
        Value::Object(fields) => {
            let table = fields.get("Relation Name").and_then(Value::as_str).unwrap_or_default();
            if fields.get("Node Type").is_some_and(|node| node == "Seq Scan") && LARGE.contains(&table) {
                found.push(format!("Seq Scan on {table}"));
            }
            fields.values().for_each(|plan| find_seq_scans(plan, found));
        }
        _ => {}
    }
}

/// Statements that ran, with the name of the thread that ran them.
static HEARD: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
static LISTENING: OnceLock<()> = OnceLock::new();

/// The kernel tells of each statement as a trace event.
fn listen() {
    LISTENING.get_or_init(|| {
        let statements = Targets::new().with_target("kassa::sql", LevelFilter::TRACE);
        // For all layers, not for this one: a filter of one layer forgets events after sqlx asked whether it should log.
        Registry::default().with(statements).with(Listener).init();
    });
}

fn take_heard(thread: &str) -> Vec<String> {
    let mut heard = HEARD.lock().unwrap();
    let (mine, others): (Vec<_>, Vec<_>) = heard.drain(..).partition(|(name, _)| name == thread);
    *heard = others;
    mine.into_iter().map(|(_, statement)| statement).collect()
}

struct Listener;

impl<S: tracing::Subscriber> Layer<S> for Listener {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        struct Statement(String);
        impl Visit for Statement {
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "statement" {
                    value.clone_into(&mut self.0);
                }
            }
            fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
        }
        let mut statement = Statement(String::new());
        event.record(&mut statement);
        let thread = std::thread::current().name().unwrap_or_default().to_owned();
        // Of the other cases that run meanwhile nobody asks.
        if thread.starts_with(CASE) {
            HEARD.lock().unwrap().push((thread, statement.0));
        }
    }
}
