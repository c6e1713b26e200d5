//! Where a webhook may point: not at what only the kernel reaches.
//!
//! A URL is the choice of whoever may set webhooks, a name that it has is the choice of whoever owns the name, and what it
//! resolves to may change at any time. So the addresses are looked up once for each connection, and the connection goes to
//! an address that was looked at, never to one that a second look-up gives.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::settings::WebhooksConfig;

const MAX_URL_BYTES: usize = 2_000;

/// The URL, or what is wrong with it.
pub fn check_url(text: &str, config: &WebhooksConfig) -> Result<Url, &'static str> {
    const NOT_A_URL: &str = "must be a URL that begins with https://, of at most 2000 bytes";
    if text.len() > MAX_URL_BYTES || text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(NOT_A_URL);
    }
    let url = Url::parse(text).map_err(|_| NOT_A_URL)?;
    match url.scheme() {
        "https" => {}
        "http" if config.allow_http => {}
        _ => return Err(NOT_A_URL),
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must have no user, password or fragment");
    }
    if !config.allow_private_networks && (is_private_literal(&url) || is_local_name(&url)) {
        return Err("must be an address of the public Internet");
    }
    Ok(url)
}

/// Whether the host is written as an address that is not public. The resolver is not asked about those.
pub(super) fn is_private_literal(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host.parse().is_ok_and(|ip| !is_public(ip))
}

fn is_local_name(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_end_matches('.');
    host == "localhost" || host.ends_with(".localhost") || host.ends_with(".local") || host.ends_with(".internal")
}

/// Looks names up, and refuses those with an address that is not public.
pub(super) struct PublicOnly {
    pub allow_private_networks: bool,
}

/// The text in the chain of an error, by which a refusal is known.
#[derive(Debug, thiserror::Error)]
#[error("the name has an address that is not public")]
pub(super) struct NotPublic;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.allow_private_networks;
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            // One that is not public is enough: the name is not of somebody who means well.
            if !allow && !found.iter().all(|address| is_public(address.ip())) {
                return Err(NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether the address is one of the public Internet.
pub(super) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

/// IANA's registry of special purposes, and what is not unicast.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let private = matches!((a, b), (0 | 10 | 127, _) | (169, 254) | (192, 168) | (100, 64..=127) | (172, 16..=31));
    let special =
        matches!((a, b, c), (192, 0, 0 | 2) | (192, 88, 99) | (198, 18..=19, _) | (198, 51, 100) | (203, 0, 113));
    !private && !special && a < 224
}

/// Only what is given out to networks. IPv4 in IPv6 (mapped, NAT64, 6to4, Teredo) would be a way around the list above.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let given_out = (0x2000..=0x3fff).contains(&a);
    let special = matches!((a, b), (0x2001, 0..=0x01ff | 0x0db8) | (0x2002, _) | (0x3fff, 0..=0x0fff));
    given_out && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for (address, public) in [
            ("8.8.8.8", true),
            ("100.63.255.255", true),
            ("172.32.0.1", true),
            ("2a00:1450:4001:80b::200e", true),
            ("2001:4860:4860::8888", true),
            ("0.0.0.0", false),
            ("10.1.2.3", false),
            ("100.64.0.1", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("172.16.0.1", false),
            ("192.0.0.8", false),
            ("192.168.1.1", false),
            ("198.18.0.1", false),
            ("203.0.113.7", false),
            ("224.0.0.1", false),
            ("255.255.255.255", false),
            ("::", false),
            ("::1", false),
            ("::ffff:8.8.8.8", false),
            ("::ffff:127.0.0.1", false),
            ("64:ff9b::a00:1", false),
            ("fc00::1", false),
            ("fd00:ec2::254", false),
            ("fe80::1", false),
            ("ff02::1", false),
            ("2001::1", false),
            ("2001:db8::1", false),
            ("2002:7f00:1::", false),
        ] {
            assert_eq!(is_public(address.parse().unwrap()), public, "{address}");
        }
    }

    #[test]
    fn urls_point_at_the_internet() {
        let config = WebhooksConfig::default();
        for (url, fits) in [
            ("https://shop.example/hook?key=1", true),
            ("https://8.8.8.8:8443/hook", true),
            ("http://shop.example/hook", false),
            ("ftp://shop.example", false),
            ("shop.example/hook", false),
            ("https://user:pass@shop.example", false),
            ("https://shop.example/#a", false),
            ("https://127.0.0.1/", false),
            ("https://127.1/", false),
            ("https://2130706433/", false),
            ("https://0x7f.0.0.1/", false),
            ("https://[::1]/", false),
            ("https://[::ffff:10.0.0.1]/", false),
            ("https://169.254.169.254/latest/meta-data", false),
            ("https://localhost/", false),
            ("https://LOCALHOST./", false),
            ("https://metadata.google.internal/", false),
            ("https://shop.example/a b", false),
        ] {
            assert_eq!(check_url(url, &config).is_ok(), fits, "{url}");
        }
        let open = WebhooksConfig { allow_http: true, allow_private_networks: true, ..config };
        assert!(check_url("http://127.0.0.1:9000/hook", &open).is_ok());
        assert!(check_url("https://user@shop.example", &open).is_err());
    }

    #[tokio::test]
    async fn a_name_with_a_private_address_is_refused_when_it_is_looked_up() {
        let look_up = async |allow_private_networks: bool| {
            let resolver = PublicOnly { allow_private_networks };
            resolver.resolve("localhost".parse().unwrap()).await.map(|found| found.count())
        };
        let refused = look_up(false).await.unwrap_err();
        assert!(refused.downcast_ref::<NotPublic>().is_some(), "{refused}");
        assert!(look_up(true).await.unwrap() > 0);
    }
}
