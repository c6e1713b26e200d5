//! The HTTP side that all domains share: the server, extractors, authentication, idempotency, paging.

pub mod auth;
pub mod caching;
pub mod client;
mod connection;
mod device;
mod drained;
pub mod extract;
pub mod idempotency;
pub mod layers;
pub mod locale;
pub mod openapi;
pub mod operations;
pub mod paging;
pub mod server;
mod store;
mod strict;
pub mod versions;

use serde::Deserialize;

/// `[http]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HttpConfig {
    /// Address and port; port 0 lets the system choose one.
    pub listen: String,
    /// Connections that are served at once; further ones wait to be accepted. Each takes a file descriptor, of which a process
    /// often has 1,024 in all.
    pub max_connections: usize,
    /// How long the head of a request may take to arrive, in milliseconds. An idle connection is closed after as long.
    pub header_timeout_ms: u64,
    /// How long a request may take from its head to its answer, in milliseconds; this bounds slow bodies.
    pub request_timeout_ms: u64,
    /// How long a client may take nothing of an answer before it is cut off, in milliseconds.
    pub write_timeout_ms: u64,
    /// How long a connection takes requests before it is asked to go, in milliseconds; the client opens another.
    pub max_connection_age_ms: u64,
    /// Largest body, in bytes, except for uploads of plugins (`plugins.package.max_bytes`).
    pub max_body_bytes: usize,
    /// Streams that one HTTP/2 connection may open at once.
    pub max_streams: u32,
    /// How long requests under way may take to end when the server stops, in milliseconds.
    pub drain_timeout_ms: u64,
    /// Days that the answer to an `Idempotency-Key` is kept.
    pub idempotency_days: u32,
    /// Addresses and networks of the proxies in front, which say where requests come from.
    #[serde(deserialize_with = "client::networks")]
    pub trusted_proxies: Vec<ipnet::IpNet>,
    /// The header in which they say it.
    pub forwarded_header: client::ForwardedHeader,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            max_connections: 768,
            header_timeout_ms: 10_000,
            request_timeout_ms: 30_000,
            write_timeout_ms: 15_000,
            max_connection_age_ms: 600_000,
            max_body_bytes: 1024 * 1024,
            max_streams: 100,
            drain_timeout_ms: 10_000,
            idempotency_days: 2,
            trusted_proxies: Vec::new(),
            forwarded_header: client::ForwardedHeader::XForwardedFor,
        }
    }
}
