//! Where the kernel connects on somebody else's word (a webhook of a merchant, a request of a plugin): not to what only the
//! kernel reaches.
//!
//! A name is the choice of whoever owns it, and what it resolves to may change at any time. So its addresses are looked up once for
//! each connection, and the connection goes to an address that was looked at, never to one that a second look-up gives.

use std::error::Error;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// Looks names up, and refuses those with an address that is not public.
pub struct PublicOnly {
    allow_private_networks: bool,
    look_up: LookUp,
}

/// Every address of a name, as the resolver of the machine has them.
type LookUp = Box<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<SocketAddr>>> + Send + Sync>;

/// The text in the chain of an error, by which a refusal is known.
#[derive(Debug, thiserror::Error)]
#[error("the name has an address that is not public")]
pub struct NotPublic;

impl PublicOnly {
    pub fn new(allow_private_networks: bool) -> Self {
        let look_up = |name: String| async move { Ok(tokio::net::lookup_host((name, 0)).await?.collect()) }.boxed();
        Self { allow_private_networks, look_up: Box::new(look_up) }
    }

    /// With the answers of a test in the place of the machine's resolver.
    #[cfg(test)]
    pub fn with_answers(answers: impl Fn(&str) -> Vec<SocketAddr> + Send + Sync + 'static) -> Self {
        let look_up = move |name: String| std::future::ready(Ok(answers(&name))).boxed();
        Self { allow_private_networks: false, look_up: Box::new(look_up) }
    }
}

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        let allow = self.allow_private_networks;
        let found = (self.look_up)(name.as_str().to_owned());
        Box::pin(async move {
            let found = found.await?;
            // One that is not public is enough: the name is not of somebody who means well.
            if !allow && !found.iter().all(|address| is_public(address.ip())) {
                return Err(NotPublic.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

/// Whether the address is one of the public Internet.
pub fn is_public(ip: IpAddr) -> bool {
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

/// Why a request got no answer, in a word that is fit for everyone's eyes: the text of the error would name the URL, which may hold a key.
pub fn reason(error: &reqwest::Error) -> &'static str {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = cause {
        if one.is::<NotPublic>() {
            return "address-not-allowed";
        }
        cause = one.source();
    }
    match () {
        () if error.is_timeout() => "timeout",
        () if error.is_connect() => "unreachable",
        () => "broken-answer",
    }
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

    #[tokio::test]
    async fn a_name_with_a_private_address_is_refused_when_it_is_looked_up() {
        let look_up = async |allow_private_networks: bool| {
            let resolver = PublicOnly::new(allow_private_networks);
            resolver.resolve("localhost".parse().unwrap()).await.map(|found| found.count())
        };
        let refused = look_up(false).await.unwrap_err();
        assert!(refused.downcast_ref::<NotPublic>().is_some(), "{refused}");
        assert!(look_up(true).await.unwrap() > 0);
    }
}
