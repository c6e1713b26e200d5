//! A signed-in merchant.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::Connection;
use crate::{Error, Result};

/// Connections that read at once when everything is to be read.
const READERS: usize = 8;

/// How a merchant signs in.
#[derive(Debug, Clone)]
pub struct Login {
    /// `host:port` of the shop.
    pub address: String,
    pub email: String,
    pub password: String,
}

/// A connection that stays signed in for as long as it is used.
pub struct Merchant {
    connection: Connection,
    refresh_token: String,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
    refresh_token: String,
    expires_in: u64,
}

impl Merchant {
    pub async fn log_in(login: &Login) -> Result<Self> {
        let mut connection = Connection::open(&login.address).await?;
        let body = json!({ "email": login.email, "password": login.password });
        let answer = connection.send_json(Method::POST, "/v1/auth/login", &body).await?;
        let mut merchant = Self { connection, refresh_token: String::new(), renew_at: Instant::now() };
        merchant.take(answer.json("the login")?);
        Ok(merchant)
    }

    fn take(&mut self, tokens: Tokens) {
        self.connection.sign_in(&tokens.access_token);
        self.refresh_token = tokens.refresh_token;
        self.renew_at = Instant::now() + Duration::from_secs(tokens.expires_in / 2);
    }

    /// A replay may last longer than an access token.
    async fn stay_signed_in(&mut self) -> Result<()> {
        if Instant::now() < self.renew_at {
            return Ok(());
        }
        let body = json!({ "refresh_token": self.refresh_token });
        let answer = self.connection.send_json(Method::POST, "/v1/auth/refresh", &body).await?;
        self.take(answer.json("the renewal of the session")?);
        Ok(())
    }

    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T> {
        self.stay_signed_in().await?;
        self.connection.get(path).await?.json(path)
    }

    pub async fn post<T: DeserializeOwned>(&mut self, path: &str, body: &Value) -> Result<T> {
        self.stay_signed_in().await?;
        self.connection.send_json(Method::POST, path, body).await?.json(path)
    }

    pub async fn put<T: DeserializeOwned>(&mut self, path: &str, body: &Value) -> Result<T> {
        self.stay_signed_in().await?;
        self.connection.send_json(Method::PUT, path, body).await?.json(path)
    }

    /// Uploads a plugin file.
    pub async fn upload<T: DeserializeOwned>(&mut self, file: Bytes) -> Result<T> {
        self.stay_signed_in().await?;
        let path = "/v1/admin/plugins";
        self.connection.send(Method::POST, path, "application/wasm", file).await?.json(path)
    }

    /// Every item of a list that has pages.
    pub async fn get_pages<T: DeserializeOwned>(&mut self, path: &str) -> Result<Vec<T>> {
        let mut items = Vec::new();
        let mut cursor = None;
        loop {
            let from = cursor.map(|cursor: String| format!("&cursor={cursor}")).unwrap_or_default();
            let page: Page<T> = self.get(&format!("{path}?limit=100{from}")).await?;
            items.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(items);
            }
        }
    }
}

#[derive(Deserialize)]
struct Page<T> {
    items: Vec<T>,
    next_cursor: Option<String>,
}

/// Reads every one of `paths`, several at once, and calls `on_read` after each. The answers come in no order.
pub async fn get_each<T: DeserializeOwned + Send + 'static>(
    login: &Login,
    paths: Vec<String>,
    on_read: impl Fn() + Clone + Send + 'static,
) -> Result<Vec<T>> {
    let total = paths.len();
    let (paths, next) = (Arc::new(paths), Arc::new(AtomicUsize::new(0)));
    let mut readers: JoinSet<Result<Vec<T>>> = JoinSet::new();
    for _ in 0..READERS.min(total) {
        // One after the other: the shop hashes few passwords at once.
        let mut merchant = Merchant::log_in(login).await?;
        let (paths, next, on_read) = (paths.clone(), next.clone(), on_read.clone());
        readers.spawn(async move {
            let mut read = Vec::new();
            while let Some(path) = paths.get(next.fetch_add(1, Ordering::Relaxed)) {
                read.push(merchant.get(path).await?);
                on_read();
            }
            Ok(read)
        });
    }
    let mut all = Vec::with_capacity(total);
    while let Some(read) = readers.join_next().await {
        all.extend(read.map_err(Error::from)??);
    }
    Ok(all)
}
