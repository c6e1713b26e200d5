//! `ETag` and `If-None-Match` for catalog reads.

use aws_lc_rs::digest::{SHA256, digest};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};

/// A JSON answer with its tag, made once and sent often.
#[derive(Clone)]
pub struct Tagged {
    body: Bytes,
    etag: HeaderValue,
}

impl Tagged {
    pub fn new(body: Bytes) -> Self {
        let hash = digest(&SHA256, &body);
        let text = format!("\"{}\"", URL_SAFE_NO_PAD.encode(&hash.as_ref()[..16]));
        // Base64 is always a valid header value.
        let etag = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("\"\""));
        Self { body, etag }
    }

    /// The body, or 304 where the client has it. What a signed-in customer gets is `private`: it may be theirs alone.
    pub fn answer(self, request: &HeaderMap) -> Response {
        let known = request.get_all(header::IF_NONE_MATCH).iter().any(|value| {
            value.to_str().is_ok_and(|text| {
                text.split(',').map(str::trim).any(|tag| tag == "*" || tag.trim_start_matches("W/") == self.etag)
            })
        });
        let mut response = if known {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            ([(header::CONTENT_TYPE, "application/json")], self.body).into_response()
        };
        response.headers_mut().insert(header::ETAG, self.etag);
        // Shoppers' browsers and shared caches ask again each time, at the price of a 304: stock and prices change.
        let signed_in = request.contains_key(header::AUTHORIZATION);
        let caching = if signed_in { "private, no-cache" } else { "public, no-cache" };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        response.headers_mut().append(header::VARY, HeaderValue::from_static("authorization"));
        response
    }
}
