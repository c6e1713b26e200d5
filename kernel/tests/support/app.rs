//! A running shop: the real server on a port of its own, with a fresh database and data folder.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use kassa::orders::receipts::{self, VerifyError};
use kassa::{Config, Shop};
use reqwest::{Client, Method};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::Backend;
use super::backend;

/// A running shop and a client to it.
pub struct App {
    pub url: String,
    pub shop: Shop,
    pub backend: Backend,
    pub client: Client,
    served: Arc<Served>,
}

struct Served {
    /// The one that runs now.
    shop: std::sync::Mutex<Shop>,
    server: std::sync::Mutex<Option<JoinHandle<()>>>,
    data: TempDir,
    database_url: String,
    backend: Backend,
    /// What the case began beside it.
    others: std::sync::Mutex<Vec<Arc<Served>>>,
}

/// Ends the shop after the case.
pub struct Stopper(Arc<Served>);

/// An answer: its status and its JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl App {
    /// A shop with the default settings and the demo catalog.
    pub async fn start(backend: Backend) -> Self {
        Self::start_with(backend, |_| {}).await
    }

    /// A shop of its own beside the case's, on the same backend, with other settings.
    pub async fn another(&self, change: impl FnOnce(&mut Config)) -> Self {
        let other = Self::start_with(self.backend, change).await;
        self.served.others.lock().expect("no case panicked here").push(other.served.clone());
        other
    }

    async fn start_with(backend: Backend, change: impl FnOnce(&mut Config)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        copy_prepared(data.path()).await;
        let database_url = match backend {
            Backend::Sqlite => format!("sqlite://{}/shop.db", data.path().display()),
            Backend::Postgres => backend::fresh_postgres().await,
        };
        let mut config = config_for(data.path(), &database_url);
        change(&mut config);
        let shop = Shop::open(config).await.unwrap_or_else(|error| panic!("the shop opens: {error}"));
        kassa::catalog::seed::demo(&shop).await.expect("the demo catalog is seeded");
        let (url, server) = serve(&shop).await;
        // Idle connections are left before the server leaves them: a POST that meets its end is not sent again.
        let client = Client::builder().timeout(Duration::from_secs(30)).pool_idle_timeout(Duration::from_secs(4));
        let client = client.build().expect("a client");
        let served = Served {
            shop: std::sync::Mutex::new(shop.clone()),
            server: std::sync::Mutex::new(Some(server)),
            data,
            database_url,
            backend,
            others: std::sync::Mutex::default(),
        };
        Self { url, shop, backend, client, served: Arc::new(served) }
    }

    /// Stops the kernel, and starts it again on what it left.
    pub async fn restart(&self) -> Self {
        self.restart_with(|_| {}).await
    }

    /// The same, with other settings.
    pub async fn restart_with(&self, change: impl FnOnce(&mut Config)) -> Self {
        let mut config = self.shop.config().clone();
        change(&mut config);
        self.served.stop_serving().await;
        let shop = Shop::open(config).await.unwrap_or_else(|error| panic!("the shop opens again: {error}"));
        let (url, server) = serve(&shop).await;
        *self.served.server.lock().expect("no case panicked here") = Some(server);
        *self.served.shop.lock().expect("no case panicked here") = shop.clone();
        Self { url, shop, backend: self.backend, client: self.client.clone(), served: self.served.clone() }
    }

    /// Stops the kernel, and leaves what it has to another.
    pub async fn leave(&self) {
        self.served.stop_serving().await;
    }

    /// The same shop, where another kernel serves it.
    pub fn served_at(&self, url: &str) -> Self {
        let (shop, client, served) = (self.shop.clone(), self.client.clone(), self.served.clone());
        Self { url: url.to_owned(), shop, backend: self.backend, client, served }
    }

    pub fn stopper(&self) -> Stopper {
        Stopper(self.served.clone())
    }

    /// The folder of everything that is not in the database.
    pub fn data(&self) -> &Path {
        self.served.data.path()
    }

    /// Sends a request with an optional JSON body and access token.
    pub async fn send(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        Answer::of(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, None, Some(body)).await
    }

    /// An access token of a merchant.
    pub async fn merchant(&self) -> String {
        let email = "merchant@example.org";
        let password = "correct horse battery staple";
        kassa::accounts::create_owner(&self.shop, email, Some(password)).await.expect("a merchant is made");
        self.log_in(email, password).await
    }

    /// An access token of someone new who works for the shop and has these permissions.
    pub async fn staff(&self, permissions: &[&str]) -> String {
        use kassa::accounts::{self, Email, Grant, Permissions};
        let owner = accounts::create_owner(&self.shop, "owner@example.org", Some("correct horse battery staple")).await;
        let email = format!("staff-{}@example.org", kassa::id::unguessable());
        let token = self.proved_customer(&email).await;
        let grant = Grant::Staff(Permissions::of_text(&permissions.join(" ")));
        let giver = owner.expect("an owner is made").customer_id;
        let email = Email::parse(&email).expect("an address");
        accounts::add_staff(&self.shop, giver, &email, grant).await.expect("the grant is given");
        token
    }

    /// An API key with these scopes.
    pub async fn api_key(&self, scopes: &[&str]) -> String {
        use kassa::accounts::{self, NewApiKey, Permissions, Scopes};
        let scopes = Scopes::parse(scopes.iter().copied()).expect("scopes");
        let new = NewApiKey { name: "of a test".into(), scopes, expires_at: None };
        let made = accounts::create_api_key(&self.shop, kassa::id::sequential(), Permissions::all(), new).await;
        made.expect("a key is made").1
    }

    /// An access token of a new customer.
    pub async fn customer(&self, email: &str) -> String {
        let body = serde_json::json!({ "email": email, "password": "a long enough password" });
        let answer = self.post("/v1/auth/register", body).await;
        answer.expect(201)["access_token"].as_str().expect("a token").to_owned()
    }

    /// An access token of a new customer whose address is proved.
    pub async fn proved_customer(&self, email: &str) -> String {
        let token = self.customer(email).await;
        let key = kassa::accounts::Email::parse(email).expect("an address");
        let mut tx = self.shop.db().write().await.expect("a transaction");
        let proved = kassa::db::sql::execute!(
            tx,
            "update customers set email_confirmed_at = created_at where email_key = $1",
            key.key()
        );
        assert_eq!(proved.expect("the address is proved"), 1, "{email}");
        tx.commit().await.expect("committed");
        token
    }

    pub async fn log_in(&self, email: &str, password: &str) -> String {
        let body = serde_json::json!({ "email": email, "password": password });
        let answer = self.post("/v1/auth/login", body).await;
        answer.expect(200)["access_token"].as_str().expect("a token").to_owned()
    }

    /// Every mail that was written so far.
    pub fn mails(&self) -> Vec<String> {
        let Ok(files) = std::fs::read_dir(self.data().join("mail")) else { return Vec::new() };
        let files = files.map(|file| file.expect("an entry").path());
        // The mailer writes beside the final name first.
        let whole = files.filter(|path| path.extension().is_some_and(|extension| extension == "eml"));
        whole.map(|path| std::fs::read_to_string(path).expect("a mail")).collect()
    }

    /// Waits until `done` answers something, for what workers do in the background; fails after a minute: how
    /// fast a machine is, is no matter of tests.
    pub async fn eventually<T, F: Future<Output = Option<T>>>(&self, what: &str, mut done: impl FnMut() -> F) -> T {
        for _ in 0..3_000 {
            if let Some(value) = done().await {
                return value;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{what}: not within a minute");
    }
}

impl Answer {
    pub async fn of(request: reqwest::RequestBuilder) -> Self {
        Self::read(request.send().await.expect("the shop answers")).await
    }

    pub async fn read(response: reqwest::Response) -> Self {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.expect("the answer arrives");
        Self { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::String(text)) }
    }

    /// The body, if the status is the one expected.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// The body of a problem of this type.
    #[track_caller]
    pub fn problem(self, slug: &str) -> Value {
        assert_eq!(self.body["type"], format!("/problems/{slug}"), "{} {}", self.status, self.body);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        assert_eq!(self.body["status"], self.status);
        self.body
    }
}

impl Served {
    async fn stop_serving(&self) {
        self.shop.lock().expect("no case panicked here").stop();
        let server = self.server.lock().expect("no case panicked here").take();
        if let Some(server) = server {
            server.await.expect("the server ends");
        }
    }

    /// Whatever a case did: every amount of every order that it left can be derived again.
    async fn verify_orders(&self) {
        let shop = self.shop.lock().expect("no case panicked here").clone();
        if shop.stopping().is_cancelled() {
            return;
        }
        let mut failed = Vec::new();
        let told = |number, outcome: Result<(), VerifyError>| failed.extend(outcome.err().map(|error| (number, error)));
        receipts::verify_all(&shop, told).await.expect("the orders can be read");
        assert!(failed.is_empty(), "orders that cannot be derived again: {failed:?}");
    }

    async fn drop_database(&self) {
        if self.backend == Backend::Postgres {
            backend::drop_postgres(&self.database_url).await;
        }
    }
}

impl Stopper {
    /// Ends the shop, and those that the case began beside it and left: nobody looks at those any more, so their end is not waited for.
    pub async fn stop(self) {
        let others = std::mem::take(&mut *self.0.others.lock().expect("no case panicked here"));
        for other in &others {
            other.verify_orders().await;
            other.shop.lock().expect("no case panicked here").stop();
            other.drop_database().await;
        }
        self.0.verify_orders().await;
        self.0.stop_serving().await;
        self.0.drop_database().await;
    }
}

async fn serve(shop: &Shop) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    (url, tokio::spawn(kassa::serve(shop.clone(), listener)))
}

fn config_for(data: &Path, database_url: &str) -> Config {
    let mut config = Config::default();
    config.data.dir = data.to_owned();
    config.database.url = database_url.to_owned();
    config.database.connections = 4;
    // Beside builds and other cases a race is slow; what waits in a circle waits longer than this.
    config.database.acquire_timeout_ms = 20_000;
    config.http.listen = "127.0.0.1:0".into();
    // Cases come from one address, as many as they are.
    config.throttle.logins.per_hour = 0;
    config.throttle.registrations.per_hour = 0;
    config.throttle.password_resets.per_hour = 0;
    config.throttle.gift_cards.per_hour = 0;
    // Cases wait for what the workers do: these are their only pauses.
    config.orders.reconcile_interval_ms = 50;
    config.orders.reconcile_after_ms = 1_500;
    config.events.poll_interval_ms = 100;
    config.inventory.poll_interval_ms = 50;
    config.import.poll_interval_ms = 50;
    config.fulfilment.poll_interval_ms = 50;
    config.fulfilment.retry_after_ms = 300;
    config.fulfilment.tracking_interval_ms = 200;
    config
}

static PREPARED: OnceLock<TempDir> = OnceLock::new();
static PREPARING: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Keys and compiled plugins are the same for every case: made once, then copied.
async fn copy_prepared(target: &Path) {
    let _one_at_a_time = PREPARING.lock().await;
    if PREPARED.get().is_none() {
        let data = tempfile::tempdir().expect("a temporary folder");
        let config = config_for(data.path(), &format!("sqlite://{}/shop.db", data.path().display()));
        let shop = Shop::open(config).await.unwrap_or_else(|error| panic!("the shop opens: {error}"));
        shop.db().close().await;
        PREPARED.set(data).expect("set once, under the lock");
    }
    let prepared = PREPARED.get().expect("it was just made");
    for folder in ["secrets", "compiled"] {
        let (from, to) = (prepared.path().join(folder), target.join(folder));
        std::fs::create_dir_all(&to).expect("a folder");
        for entry in std::fs::read_dir(from).expect("the prepared folder") {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a copy");
        }
    }
}
