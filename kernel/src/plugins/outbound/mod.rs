//! Requests of plugins to the hosts that they were granted: `wasi:http`, answered by the kernel's own client.
//!
//! | file | holds |
//! |---|---|
//! | `hooks` | `wasi:http` of one call: what it may, and how many |
//! | `exchange` | one request and its answer: what is sent, what of it is kept, with which secret |
//!
//! A request goes to an exact host and port, by its name, over https. The client looks the name up, refuses where any of its addresses is not
//! public, and connects to an address that it looked at. It follows no redirect, asks no proxy, keeps no cookies and unpacks nothing.
//! Requests and answers are held whole, within limits: what goes wrong on the way is known before the guest sees any of it.

mod exchange;
mod hooks;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, redirect};
use serde::{Deserialize, Serialize};

pub(super) use exchange::Refused;
pub(super) use hooks::{Wire, link};

use super::HostError;
use super::desk::Playback;
use super::grants::{Endpoint, GrantTable};
use crate::egress::PublicOnly;

/// Interfaces of `wasi:*` beside those that every plugin may import, for domains whose calls may wait for others.
pub(super) const INTERFACES: [&str; 2] = ["wasi:http/outgoing-handler", "wasi:http/types"];

/// The `[plugins.outbound]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OutboundConfig {
    /// Let plugins use `http://` too, which anyone on the way reads; secrets go that way, too.
    pub allow_http: bool,
    /// Hosts of private networks, each with its address: `"erp.example.com" = "10.0.0.5"`. A name that stands here is looked up nowhere. It
    /// must be granted as any other.
    pub private_hosts: BTreeMap<String, IpAddr>,
    /// One request with its answer, in milliseconds; `limits.<domain>.wall_ms` ends it earlier. 1 to 600,000.
    pub timeout_ms: u32,
    /// Requests of one call. 0 to 1,000.
    pub requests: u32,
    /// Bytes of the body of one request. At most 64 MiB.
    pub request_bytes: u32,
    /// Bytes of the body of one answer. At most 64 MiB.
    pub answer_bytes: u32,
}

impl Default for OutboundConfig {
    fn default() -> Self {
        Self {
            allow_http: false,
            private_hosts: BTreeMap::new(),
            timeout_ms: 10_000,
            requests: 4,
            request_bytes: 1 << 20,
            answer_bytes: 1 << 20,
        }
    }
}

/// What sends the requests of all plugins.
pub(super) struct Outbound {
    client: Client,
    config: OutboundConfig,
    pub(super) grants: GrantTable,
    /// On a desk: where the answers come from, and nothing is sent.
    playback: Option<Arc<Playback>>,
}

impl Outbound {
    /// Connects to nobody.
    pub(super) fn new(config: &OutboundConfig) -> Result<Arc<Self>, HostError> {
        Self::with_resolver(config, PublicOnly::new(false)).map(Arc::new)
    }

    /// Never connects to anybody.
    pub(super) fn on_a_desk(config: &OutboundConfig, playback: Arc<Playback>) -> Result<Arc<Self>, HostError> {
        let outbound = Self::with_resolver(config, PublicOnly::new(false))?;
        Ok(Arc::new(Self { playback: Some(playback), ..outbound }))
    }

    pub(super) fn with_resolver(config: &OutboundConfig, resolver: PublicOnly) -> Result<Self, HostError> {
        let mut client = Client::builder()
            // A redirect would be a way around every check, and would carry the secret to whom nobody chose.
            .redirect(redirect::Policy::none())
            // A proxy would look the name up again.
            .no_proxy()
            .https_only(!config.allow_http)
            .dns_resolver(Arc::new(resolver))
            .timeout(Duration::from_millis(config.timeout_ms.into()))
            .user_agent("Kassa-Plugins/1");
        for (host, address) in &config.private_hosts {
            // Names only, as they are granted: with a port nothing would ever match.
            if host.parse::<Endpoint>().map_or(true, |endpoint| endpoint.host != *host) {
                let setting = format!("outbound.private_hosts.{host}");
                return Err(HostError::Setting { setting, range: "the name of a host in lower case" });
            }
            client = client.resolve(host, SocketAddr::new(*address, 0));
        }
        let client = client.build().map_err(|error| HostError::Client(error.to_string()))?;
        Ok(Self { client, config: config.clone(), grants: GrantTable::default(), playback: None })
    }
}
