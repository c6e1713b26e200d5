//! What happens around every request: id, log line, limits, panics, headers.

use std::any::Any;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{HeaderName, HeaderValue, header};
use http_body_util::Limited;
use tracing::Instrument;

use super::drained::Drained;
use crate::id;
use crate::problem::{Kind, Problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of the request, for what is written about it.
#[derive(Debug, Clone)]
pub struct RequestId(pub String);

/// Gives the request an id (the client's own, where it is a sane one) and writes one log line.
///
/// The line names the route, not the path: the id of a guest's cart is the right to open it.
pub async fn observe(mut request: Request, next: Next) -> Response {
    let id = request
        .headers()
        .get(&REQUEST_ID)
        .filter(|value| is_sane_id(value))
        .cloned()
        .or_else(|| HeaderValue::from_str(&id::sequential().to_string()).ok());
    let text = id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or_default().to_owned();
    request.extensions_mut().insert(RequestId(text.clone()));
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("-", MatchedPath::as_str).to_owned();
    let begun = Instant::now();
    let span = tracing::info_span!("request", id = text);
    let mut response = next.run(request).instrument(span.clone()).await;
    let problem = response.extensions().get::<Kind>().map(|kind| kind.slug());
    let micros = begun.elapsed().as_micros() as u64;
    let status = response.status().as_u16();
    span.in_scope(|| tracing::debug!(%method, route, status, problem, micros, "answered"));
    if let Some(id) = id {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    response
}

fn is_sane_id(value: &HeaderValue) -> bool {
    let bytes = value.as_bytes();
    (1..=64).contains(&bytes.len()) && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

/// Answers `request-timeout` where a request is not answered in time, a body that trickles included.
pub async fn time_limit(State(limit): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::new(Kind::RequestTimeout).into_response(),
    }
}

/// Refuses bodies beyond `limit` bytes: at once where the head says so, else when they pass it.
///
/// What the client is still sending when it is answered is read and thrown away, up to the limit again: closing the
/// connection on it would reset it, and the client would see that instead of the answer.
pub async fn body_limit(State(limit): State<usize>, request: Request, next: Next) -> Response {
    let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let request = request.map(|body| Body::new(Limited::new(Drained::new(body, limit), limit)));
    if announced.is_some_and(|length: u64| length > limit as u64) {
        let mut response = Problem::new(Kind::PayloadTooLarge).detail(format!("at most {limit} bytes")).into_response();
        // The rest of the body may not be read to its end: the client must not send its next request behind it.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    next.run(request).await
}

/// Turns a panic of a handler into a problem; the panic itself was logged by the hook.
pub fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    Problem::new(Kind::InternalError).into_response()
}

/// Headers that every answer bears.
pub async fn secure_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"));
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

/// No such path.
pub async fn not_found() -> Problem {
    Problem::not_found()
}

/// The path exists, the method does not.
pub async fn method_not_allowed() -> Problem {
    Problem::new(Kind::MethodNotAllowed)
}
