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

    /// Each request, `PUT /v1/…`, is refused for just these fields of its body or parameters.
    pub async fn is_refused(&self, requests: &[(&str, Value, &[&str])]) {
        for (request, body, wrong) in requests {
            let (method, path) = request.split_once(' ').expect("a method and a path");
            let method = method.parse().expect("a method");
            let body = (!body.is_null()).then(|| body.clone());
            let answer = self.app.send(method, path, Some(&self.token), body).await;
            assert_eq!(answer.body["type"], "/problems/invalid-request", "{request}: {}", answer.body);
            assert_eq!(pointers(&answer.body), *wrong, "{request}");
        }
    }
}

/// The id of nothing: what is wrong with a request is told before what it is about is looked for.
pub const NOBODY: &str = "00000000-0000-4000-8000-000000000000";

/// A text of one character too many.
pub fn over(max: usize) -> String {
    "x".repeat(max + 1)
}

/// What the errors of an `invalid-request` point at.
pub fn pointers(problem: &Value) -> Vec<&str> {
    problem["errors"].as_array().unwrap().iter().map(|error| error["pointer"].as_str().unwrap()).collect()
}
