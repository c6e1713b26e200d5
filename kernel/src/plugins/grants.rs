//! What a plugin may have beside its settings and its log: asked for by its file, granted by the shop, nothing ambient.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::answer;

const HOSTS: usize = 16;
const SECRETS: usize = 16;
const PREFIX_CHARACTERS: usize = 64;
/// Of https, which is left out where a host is written.
const DEFAULT_PORT: u16 = 443;

/// A host and a port that a plugin asks to reach: `api.example.com`, `api.example.com:8443`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    pub host: String,
    pub port: u16,
}

/// The text names no host that can be granted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host {0} is not `host` or `host:port`, by its name in lower case")]
pub struct NotAnEndpoint(String);

impl FromStr for Endpoint {
    type Err = NotAnEndpoint;

    /// A name of letters, digits, hyphens and dots, perhaps with a port. Addresses and wildcards are not asked for.
    fn from_str(text: &str) -> Result<Self, NotAnEndpoint> {
        let wrong = || NotAnEndpoint(answer::shown(text));
        let (host, port) = match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, None),
        };
        let label = |label: &str| answer::is_kebab(label, 63) && !label.starts_with('-') && !label.ends_with('-');
        if host.len() > 253 || !host.contains('.') || !host.split('.').all(label) {
            return Err(wrong());
        }
        // As a URL reads it: `0x7f.0.0.1` is an address, too.
        let url = reqwest::Url::parse(&format!("https://{host}/")).map_err(|_| wrong())?;
        if url.domain() != Some(host) {
            return Err(wrong());
        }
        let number = |port: &str| port.parse::<u16>().ok().filter(|number| *number > 0 && number.to_string() == port);
        let port = port.map_or(Some(DEFAULT_PORT), number).ok_or_else(wrong)?;
        Ok(Self { host: host.to_owned(), port })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.port {
            DEFAULT_PORT => f.write_str(&self.host),
            port => write!(f, "{}:{port}", self.host),
        }
    }
}

impl Serialize for Endpoint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A secret of the shop in a header of every request to one host. The kernel puts it there; the plugin never sees it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretUse {
    /// 1 to 64 characters of `a-z 0-9 -`, for the merchant who gives its value.
    pub name: String,
    /// One of the hosts that are asked for.
    pub host: Endpoint,
    /// Name of the header: `authorization`.
    pub header: String,
    /// What stands before the secret: `Bearer `. At most 64 characters.
    #[serde(default)]
    pub prefix: String,
}

impl SecretUse {
    /// Whether a value that was given for `former` is still for this.
    pub fn keeps(&self, former: &Self) -> bool {
        (&self.name, &self.host, &self.header) == (&former.name, &former.host, &former.header)
    }

    fn check(&self, hosts: &BTreeSet<Endpoint>) -> Result<(), String> {
        answer::code("the name of a secret", &self.name)?;
        let name = &self.name;
        if !hosts.contains(&self.host) {
            return Err(format!("the secret {name} is for {}, which is none of the hosts", self.host));
        }
        if !answer::is_kebab(&self.header, 64) || NOT_FOR_SECRETS.contains(&self.header.as_str()) {
            return Err(format!("the secret {name} cannot go into the header {}", answer::shown(&self.header)));
        }
        let visible = self.prefix.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        if !visible || self.prefix.len() > PREFIX_CHARACTERS {
            return Err(format!("the prefix of the secret {name} is not 0 to {PREFIX_CHARACTERS} visible characters"));
        }
        Ok(())
    }
}

/// Headers that tell how a message is carried.
const NOT_FOR_SECRETS: [&str; 13] = [
    "connection",
    "content-encoding",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "trailers",
    "transfer-encoding",
    "upgrade",
];

/// What a file asks for, or what a plugin was granted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grants {
    /// Hosts that it may send requests to; at most 16.
    #[serde(default)]
    pub hosts: BTreeSet<Endpoint>,
    /// At most 16.
    #[serde(default)]
    pub secrets: BTreeSet<SecretUse>,
    /// Keys and values in the shop's database.
    #[serde(default)]
    pub kv: bool,
}

impl Grants {
    /// What does not hold of them, if anything.
    pub fn check(&self) -> Result<(), String> {
        answer::at_most("hosts", self.hosts.len(), HOSTS)?;
        answer::at_most("secrets", self.secrets.len(), SECRETS)?;
        self.secrets.iter().try_for_each(|secret| secret.check(&self.hosts))?;
        // A value is bound to one place, and a header has one value.
        let mut names = BTreeSet::new();
        let mut headers = BTreeSet::new();
        for secret in &self.secrets {
            if !names.insert(&secret.name) {
                return Err(format!("two secrets have the name {}", secret.name));
            }
            if !headers.insert((&secret.host, &secret.header)) {
                return Err(format!("two secrets go into the header {} of {}", secret.header, secret.host));
            }
        }
        Ok(())
    }

    /// What of these is not among `granted`.
    pub fn beyond(&self, granted: &Self) -> Self {
        Self {
            hosts: self.hosts.difference(&granted.hosts).cloned().collect(),
            secrets: self.secrets.difference(&granted.secrets).cloned().collect(),
            kv: self.kv && !granted.kv,
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The value of a secret. Never shown: neither by `Debug` nor by any answer.
#[derive(Clone)]
pub struct SecretValue(Arc<str>);

/// The text is no value of a secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must have 8 to 4096 visible characters of ASCII, and may have spaces between them")]
pub struct NotASecret;

impl FromStr for SecretValue {
    type Err = NotASecret;

    /// What fits into a header. A short one could not be struck out of an answer without harm, and would be none.
    fn from_str(text: &str) -> Result<Self, NotASecret> {
        let visible = text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
        match visible && text.trim() == text && (8..=4_096).contains(&text.len()) {
            true => Ok(Self::new(text)),
            false => Err(NotASecret),
        }
    }
}

impl SecretValue {
    pub(super) fn new(value: impl Into<Arc<str>>) -> Self {
        Self(value.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretValue(…)")
    }
}

/// What a plugin was granted, with the values that the shop gave.
#[derive(Clone, Debug, Default)]
pub struct Granted {
    pub grants: Grants,
    /// By the name of the secret.
    pub values: BTreeMap<String, SecretValue>,
}

/// What every plugin was granted, by its name: an immutable snapshot, asked for by calls.
#[derive(Debug, Default)]
pub(super) struct GrantTable {
    plugins: ArcSwap<HashMap<String, Arc<Granted>>>,
}

impl GrantTable {
    /// Nothing where nothing was granted.
    pub(super) fn of(&self, plugin: &str) -> Arc<Granted> {
        self.plugins.load().get(plugin).cloned().unwrap_or_default()
    }

    /// For calls that reach out from now on.
    pub(super) fn put(&self, plugin: &str, granted: Granted) {
        let granted = Arc::new(granted);
        self.plugins.rcu(|plugins| {
            let mut plugins = HashMap::clone(plugins);
            plugins.insert(plugin.to_owned(), granted.clone());
            plugins
        });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn hosts_are_names_with_dots_and_perhaps_a_port() {
        for (text, written) in [
            ("api.example.com", "api.example.com"),
            ("api.example.com:443", "api.example.com"),
            ("a.b:8443", "a.b:8443"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().to_string(), written);
        }
        for text in [
            "localhost",
            "127.0.0.1",
            "0x7f.0.0.1",
            "0x7f.1",
            "1.2.3.0x4",
            "*.example.com",
            "https://a.b",
            "API.example.com",
            "a.b:0",
            "a.b:+1",
            "a.b:",
            "a..b",
            "-a.b",
            "a.b.",
            "[::1]",
            "",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text:?}");
        }
    }

    fn secret(change: serde_json::Value) -> serde_json::Value {
        let mut secret = json!({ "name": "api-key", "host": "a.b", "header": "authorization", "prefix": "Bearer " });
        secret.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        secret
    }

    #[test]
    fn a_secret_goes_into_a_header_of_a_host_that_is_asked_for() {
        for (secrets, wrong) in [
            (vec![secret(json!({}))], None),
            (vec![secret(json!({})), secret(json!({ "name": "b", "header": "x-key" }))], None),
            (vec![secret(json!({ "host": "c.d" }))], Some("none of the hosts")),
            (vec![secret(json!({ "host": "a.b:444" }))], Some("none of the hosts")),
            (vec![secret(json!({ "header": "host" }))], Some("cannot go into the header")),
            (vec![secret(json!({ "header": "Authorization" }))], Some("cannot go into the header")),
            (vec![secret(json!({ "header": "a\r\nb" }))], Some("cannot go into the header")),
            (vec![secret(json!({ "prefix": "a\n" }))], Some("visible characters")),
            (vec![secret(json!({ "name": "API" }))], Some("the name of a secret")),
            (vec![secret(json!({})), secret(json!({ "header": "x-key" }))], Some("two secrets have the name")),
            (vec![secret(json!({})), secret(json!({ "name": "b" }))], Some("two secrets go into the header")),
        ] {
            let grants: Grants = serde_json::from_value(json!({ "hosts": ["a.b"], "secrets": secrets })).unwrap();
            match (grants.check(), wrong) {
                (Ok(()), None) => {}
                (Err(text), Some(wrong)) => assert!(text.contains(wrong), "{text}"),
                (checked, wrong) => panic!("{checked:?}, not {wrong:?}"),
            }
        }
    }

    #[test]
    fn what_goes_beyond_is_what_is_new() {
        let grants = |hosts: &[&str], header: &str, kv| -> Grants {
            serde_json::from_value(
                json!({ "hosts": hosts, "secrets": [secret(json!({ "header": header }))], "kv": kv }),
            )
            .unwrap()
        };
        let granted = grants(&["a.b", "c.d"], "x-key", false);
        assert!(grants(&["a.b"], "x-key", false).beyond(&granted).is_empty());
        assert!(granted.beyond(&granted).is_empty());
        let beyond = grants(&["a.b", "a.b:444"], "authorization", true).beyond(&granted);
        assert_eq!(beyond.hosts.iter().map(Endpoint::to_string).collect::<Vec<_>>(), ["a.b:444"]);
        // A secret in another header is another use of it.
        assert_eq!(beyond.secrets.len(), 1);
        assert!(beyond.kv);
    }

    #[test]
    fn nobody_sees_a_secret() {
        let value = SecretValue::new("hush");
        assert!(!format!("{value:?}").contains("hush"));
    }

    #[test]
    fn a_secret_fits_into_a_header() {
        for fits in ["12345678", "a secret with spaces", &"x".repeat(4_096)] {
            assert!(fits.parse::<SecretValue>().is_ok(), "{fits}");
        }
        for wrong in ["", "1234567", " 12345678", "1234\r\n5678", "12345678\u{e4}", &"x".repeat(4_097)] {
            assert!(wrong.parse::<SecretValue>().is_err(), "{wrong:?}");
        }
    }
}
