//! The layer that writes the audit log.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use chrono::TimeDelta;
use http::request::Parts;
use http::{Method, StatusCode, header};
use serde::Deserialize;

use crate::Shop;
use crate::accounts::Role;
use crate::audit::{self, Actor, Attempt, STRUCK, redacted, redacted_settings};
use crate::clock::{self, Moment};
use crate::http::auth::{self, Bearer};
use crate::http::client::ClientAddress;
use crate::http::extract::read_body;
use crate::http::idempotency::GUESTS_BY_EMAIL;
use crate::http::layers::RequestId;
use crate::plugins::Grants;
use crate::problem::{Kind, Problem};

/// What the layer knows.
#[derive(Clone)]
pub struct Recorder {
    shop: Shop,
    /// `PATCH /v1/admin/products/{id}` -> `patch_product`.
    operations: Arc<HashMap<String, String>>,
    budget: Arc<Mutex<Budget>>,
}

/// How many attempts of strangers were written in this minute.
struct Budget {
    begun_at: Moment,
    used: u32,
}

impl Recorder {
    pub fn new(shop: &Shop, operations: HashMap<String, String>) -> Self {
        let budget = Budget { begun_at: clock::now(), used: 0 };
        Self { shop: shop.clone(), operations: Arc::new(operations), budget: Arc::new(Mutex::new(budget)) }
    }

    /// Anybody can knock, without a token or with an account that everybody gets, as often as they like: what that writes is bounded.
    fn may_write_stranger(&self) -> bool {
        let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now();
        if now - budget.begun_at >= TimeDelta::minutes(1) {
            *budget = Budget { begun_at: now, used: 0 };
        }
        budget.used = budget.used.saturating_add(1);
        budget.used <= self.shop.config().audit.strangers_per_minute
    }
}

/// Records every change under `/v1/admin`. Stands around the idempotency keys: a repetition is an attempt, too.
pub async fn layer(State(recorder): State<Recorder>, request: Request, next: Next) -> Response {
    let reads = [Method::GET, Method::HEAD, Method::OPTIONS].contains(request.method());
    if reads || !request.uri().path().starts_with("/v1/admin/") {
        return next.run(request).await;
    }
    recorded(recorder, request, next).await.unwrap_or_else(IntoResponse::into_response)
}

async fn recorded(recorder: Recorder, request: Request, next: Next) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let (actor, works_here) = match auth::identify(&recorder.shop, &parts.headers).await {
        Ok(Some(Bearer::Person(person))) => (Actor::Person(person.customer_id), person.role != Role::Customer),
        Ok(Some(Bearer::Key(key))) => (Actor::ApiKey(key.id), true),
        Ok(None) => (Actor::Nobody, false),
        Err(problem) if problem.kind == Kind::InvalidToken => (Actor::Nobody, false),
        // It cannot be told who asks, a moment later perhaps it can: a change must not slip through as nobody's.
        Err(problem) => return Err(problem),
    };
    if !works_here {
        // The body of a stranger is neither read nor kept.
        let response = next.run(Request::from_parts(parts.clone(), body)).await;
        // Who was no stranger any more when the handler looked made a change: that is always written.
        if !response.status().is_client_error() || recorder.may_write_stranger() {
            let id = audit::begin(&recorder.shop, &attempt(&recorder, &parts, actor, audit::Body::default())).await?;
            let (status, made) = (response.status().as_u16(), made(&response));
            audit::finish(&recorder.shop, id, status, made.as_deref()).await;
        }
        return Ok(response);
    }
    let body = read_body(Request::new(body)).await?;
    // From here on to its end: a client that hangs up must not leave a change without its outcome in the log.
    let shop = recorder.shop.clone();
    let work = async move {
        let config = recorder.shop.config();
        // Whether they may do it is not known yet: a file may be large, but what is parsed is no larger than any other request.
        let parsed = body.len() <= config.http.max_body_bytes;
        let kept = keep(&parts, &body, parsed, config.audit.max_body_bytes);
        let id = audit::begin(&recorder.shop, &attempt(&recorder, &parts, actor, kept)).await?;
        let response = next.run(Request::from_parts(parts, Body::from(body))).await;
        let (status, made) = (response.status().as_u16(), made(&response));
        audit::finish(&recorder.shop, id, status, made.as_deref()).await;
        Ok::<_, Problem>(response)
    };
    shop.run_to_end(work).await.map_err(Problem::internal)?
}

fn attempt(recorder: &Recorder, parts: &Parts, actor: Actor, body: audit::Body) -> Attempt {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let name = format!("{} {route}", parts.method);
    Attempt {
        actor,
        operation: recorder.operations.get(&name).cloned().unwrap_or(name),
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        subject: subject(route, parts.uri.path()),
        address: parts.extensions.get::<ClientAddress>().map(|client| client.0.to_string()),
        request_id: parts.extensions.get::<RequestId>().map(|id| id.0.clone()),
        body,
    }
}

/// The value of the last parameter of the route: `/orders/{id}/ship` is about the order.
fn subject(route: &str, path: &str) -> Option<String> {
    let segments = route.split('/').zip(path.split('/'));
    segments.filter(|(name, _)| name.starts_with('{')).last().map(|(_, value)| value.chars().take(200).collect())
}

/// The id of what was made. What was sent to make it may name a person, and is found by it when they are forgotten.
fn made(response: &Response) -> Option<String> {
    let location = response.headers().get(header::LOCATION).filter(|_| response.status() == StatusCode::CREATED)?;
    location.to_str().ok()?.rsplit('/').next().map(str::to_owned)
}

/// What is kept of the body: JSON without its secrets, where it is to be parsed; of anything else a digest.
fn keep(parts: &Parts, body: &Bytes, parsed: bool, max_bytes: usize) -> audit::Body {
    let bytes = i64::try_from(body.len()).unwrap_or(i64::MAX);
    if body.is_empty() {
        return audit::Body::default();
    }
    let media_type = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let json: Option<serde_json::Value> =
        if parsed && media_type.contains("json") { serde_json::from_slice(body).ok() } else { None };
    match json {
        Some(mut value) => {
            // The code of a gift card is money; that of a coupon or a currency is none.
            if let Some(code) = value.get_mut("code").filter(|_| parts.uri.path() == "/v1/admin/gift-cards") {
                *code = STRUCK.into();
            }
            // Who was forgotten, or whose data was asked for, must not be known from the log for ever.
            if parts.uri.path().starts_with(GUESTS_BY_EMAIL)
                && let Some(email) = value.get_mut("email")
            {
                *email = STRUCK.into();
            }
            let of_plugin = parts.uri.path().strip_prefix("/v1/admin/plugins/").unwrap_or_default();
            let mut text = match of_plugin.split('/').nth(1) {
                Some("settings") => redacted_settings(value),
                // Where secrets go is what the log is for. What is no grant may be a value in the wrong place.
                Some("grants") if Grants::deserialize(&value).is_ok() => value,
                Some("secrets") => STRUCK.into(),
                _ => redacted(value),
            }
            .to_string();
            let end = (0..=max_bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
            text.truncate(end);
            audit::Body { text: Some(text), bytes, sha256: None }
        }
        None => {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
            let sha256 = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
            audit::Body { text: None, bytes, sha256: Some(sha256) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subject_is_the_last_parameter() {
        for (route, path, expected) in [
            ("/v1/admin/orders/{id}/ship", "/v1/admin/orders/7/ship", Some("7")),
            ("/v1/admin/a/{id}/b/{other}", "/v1/admin/a/1/b/2", Some("2")),
            ("/v1/admin/products", "/v1/admin/products", None),
        ] {
            assert_eq!(subject(route, path).as_deref(), expected, "{route}");
        }
    }

    #[test]
    fn a_body_is_kept_without_secrets_and_cut() {
        let request = |media_type: &str| http::Request::builder().header(header::CONTENT_TYPE, media_type).body(());
        let parts = |media_type: &str| request(media_type).expect("a request").into_parts().0;
        let body = Bytes::from_static("{\"name\":\"ä\",\"password\":\"x\"}".as_bytes());
        let kept = keep(&parts("application/json"), &body, true, 1_000);
        assert_eq!(kept.text.as_deref(), Some("{\"name\":\"ä\",\"password\":\"[struck out]\"}"));
        assert_eq!((kept.bytes, kept.sha256), (28, None));
        assert_eq!(
            keep(&parts("application/json"), &body, true, 10).text.as_deref(),
            Some("{\"name\":\""),
            "between letters"
        );
        let upload = keep(&parts("application/wasm"), &body, true, 1_000);
        assert!(upload.text.is_none() && upload.sha256.is_some_and(|digest| digest.len() == 64));
        assert!(keep(&parts("application/json"), &body, false, 1_000).sha256.is_some(), "too large to be parsed");
        assert!(keep(&parts("application/json"), &Bytes::from_static(b"{\"password\":"), true, 1_000).text.is_none());
    }
}
