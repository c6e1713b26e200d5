//! Where a request comes from.
//!
//! What a client says of itself in a header is worth nothing unless a proxy that is known wrote it. One header is read, the one that the
//! settings name: a proxy that writes one of them passes the other on as the client sent it.

use std::net::IpAddr;
use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderName};
use ipnet::IpNet;
use serde::{Deserialize, Deserializer};

/// The other end of the connection.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// Where the request comes from, as far as known proxies say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClientAddress(pub IpAddr);

/// Which header proxies write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ForwardedHeader {
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

/// Whom to believe, and what they write.
#[derive(Debug, Clone)]
pub struct Proxies {
    pub trusted: Vec<IpNet>,
    pub header: ForwardedHeader,
}

/// Notes where the request comes from.
pub async fn layer(State(proxies): State<Arc<Proxies>>, mut request: Request, next: Next) -> Response {
    if let Some(Peer(peer)) = request.extensions().get().copied() {
        let address = proxies.client(peer, request.headers());
        request.extensions_mut().insert(ClientAddress(address));
    }
    next.run(request).await
}

impl Proxies {
    fn trust(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|net| net.contains(&address))
    }

    /// From the nearest hop outwards: the first address that is no known proxy is the client's. What stands beyond it, the client may have
    /// made up.
    fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trust(client) {
            return client;
        }
        let name = match self.header {
            ForwardedHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
            ForwardedHeader::Forwarded => HeaderName::from_static("forwarded"),
        };
        let lines: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        for hop in lines.iter().flat_map(|line| line.split(',')).rev() {
            let address = match self.header {
                ForwardedHeader::XForwardedFor => parse_address(hop.trim()),
                ForwardedHeader::Forwarded => parse_for(hop),
            };
            // `unknown`, a name, nonsense: the proxy does not say, so the nearest that is known has to do.
            let Some(address) = address else { break };
            client = address.to_canonical();
            if !self.trust(client) {
                break;
            }
        }
        client
    }
}

/// `for="[2001:db8::1]:4711";proto=https`.
fn parse_for(element: &str) -> Option<IpAddr> {
    let pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    parse_address(value.trim().trim_matches('"'))
}

/// With a port or without.
fn parse_address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| std::net::SocketAddr::from_str(text).ok().map(|address| address.ip()))
}

/// Reads addresses and networks: `10.0.0.1`, `10.0.0.0/8`, `fd00::/8`.
pub fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let net = |text: &String| text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let parsed = texts.iter().map(|text| net(text).ok_or(text));
    parsed.collect::<Result<_, _>>().map_err(|text| {
        serde::de::Error::custom(format!("{text:?} is neither an address (10.0.0.1) nor a network (10.0.0.0/8)"))
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn proxies(header: ForwardedHeader) -> Proxies {
        let trusted = ["10.0.0.0/8", "2001:db8:1::/48"].map(|net| net.parse().expect("a network"));
        Proxies { trusted: trusted.to_vec(), header }
    }

    #[test]
    fn only_known_proxies_are_believed() {
        for (peer, sent, client) in [
            ("192.0.2.1", "203.0.113.9", "192.0.2.1"),
            ("10.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
            // What the client put in front is not looked at.
            ("10.0.0.1", "127.0.0.1, 203.0.113.9", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9, 10.9.9.9", "203.0.113.9"),
            ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
            ("10.0.0.1", "[2001:db8:2::1]:4711", "2001:db8:2::1"),
            ("2001:db8:1::5", "2001:db8:2::1", "2001:db8:2::1"),
            ("10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"),
            ("10.0.0.1", "", "10.0.0.1"),
            ("10.0.0.1", "10.0.0.2", "10.0.0.2"),
        ] {
            let headers = HeaderMap::from_iter([(
                HeaderName::from_static("x-forwarded-for"),
                HeaderValue::from_str(sent).expect("a header"),
            )]);
            let found = proxies(ForwardedHeader::XForwardedFor).client(peer.parse().expect("an address"), &headers);
            assert_eq!(found.to_string(), client, "{sent} from {peer}");
            let other = proxies(ForwardedHeader::Forwarded).client(peer.parse().expect("an address"), &headers);
            assert_eq!(
                other,
                peer.parse::<IpAddr>().expect("an address").to_canonical(),
                "the other header is the client's"
            );
        }
    }

    #[test]
    fn the_header_of_the_standard_is_understood() {
        for (element, address) in [
            ("for=192.0.2.60;proto=http;by=203.0.113.43", Some("192.0.2.60")),
            ("proto=https; For=\"[2001:db8:cafe::17]:4711\"", Some("2001:db8:cafe::17")),
            ("for=\"192.0.2.60:80\"", Some("192.0.2.60")),
            ("for=unknown", None),
            ("for=_hidden", None),
            ("by=192.0.2.60", None),
        ] {
            assert_eq!(parse_for(element).map(|address| address.to_string()).as_deref(), address, "{element}");
        }
    }
}
