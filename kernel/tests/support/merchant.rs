//! A merchant who talks to the shop.

use reqwest::Method;
use serde_json::Value;

use super::App;
use super::app::Answer;

/// Requests with the token of one merchant.
pub struct Merchant<'a> {
    pub app: &'a App,
    pub token: String,
}

impl<'a> Merchant<'a> {
    pub async fn of(app: &'a App) -> Self {
        Self { app, token: app.merchant().await }
    }

    pub async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.app.send(method, path, Some(&self.token), Some(body)).await
    }

    /// A change of the version that `etag` names.
    pub async fn send_if(&self, method: Method, path: &str, etag: &str, body: Value) -> Answer {
        let request = self.app.client.request(method, format!("{}{path}", self.app.url)).bearer_auth(&self.token);
        Answer::of(request.header("if-match", etag).json(&body)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, body).await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, body).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.app.send(Method::GET, path, Some(&self.token), None).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.app.send(Method::DELETE, path, Some(&self.token), None).await
    }
}

/// What the errors of an `invalid-request` point at.
pub fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}
