//! What a request says of the device that it was sent from.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::FromRequestParts;
use http::header::USER_AGENT;
use http::request::Parts;

use super::client::ClientAddress;
use crate::Shop;
use crate::accounts::Device;
use crate::problem::Problem;

const MAX_USER_AGENT_CHARS: usize = 200;

impl FromRequestParts<Shop> for Device {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Shop) -> Result<Self, Problem> {
        // What is no text is of no use to whoever reads the list of their sessions.
        let named = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let user_agent = named.trim().chars().take(MAX_USER_AGENT_CHARS).collect();
        let network = parts.extensions.get::<ClientAddress>().map(|client| network_of(client.0)).unwrap_or_default();
        Ok(Self { user_agent, network })
    }
}

/// The network of an address: enough to tell home from abroad, too little to follow somebody.
fn network_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_an_address_only_the_network_is_kept() {
        for (address, network) in [
            ("203.0.113.77", "203.0.113.0/24"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("::1", "::/48"),
        ] {
            assert_eq!(network_of(address.parse().expect("an address")), network, "{address}");
        }
    }
}
