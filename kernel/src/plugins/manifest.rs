//! What a plugin asks of a shop: the `kassa:manifest` custom section, as JSON.

use serde::{Deserialize, Serialize};

use super::package::PackageError;
use super::{answer, schema};

const HOSTS: usize = 16;
const SECRETS: usize = 16;

/// What a plugin asks for. Its name and version are in sections of their own (`metadata`); its domain and the version of the contract
/// are in neither: they are read from the component's own types, where they cannot be wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Hosts that it asks to reach, `host` or `host:port`; at most 16.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// Names of secrets that it asks for, 1 to 64 characters of `a-z 0-9 -`; at most 16.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// JSON Schema of its settings; none where it has none.
    #[serde(default)]
    pub settings: Option<serde_json::Value>,
}

impl Manifest {
    pub(super) fn read(json: &[u8]) -> Result<Self, PackageError> {
        let manifest: Self =
            serde_json::from_slice(json).map_err(|error| PackageError::BadManifest(error.to_string()))?;
        manifest.check().map_err(PackageError::BadManifest)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        answer::at_most("hosts", self.hosts.len(), HOSTS)?;
        if let Some(host) = self.hosts.iter().find(|host| !is_host(host)) {
            return Err(format!("the host {} is not `host` or `host:port`", answer::shown(host)));
        }
        answer::at_most("secrets", self.secrets.len(), SECRETS)?;
        self.secrets.iter().try_for_each(|secret| answer::code("the name of a secret", secret))?;
        match &self.settings {
            Some(schema) if answer::has_nul(schema) => {
                Err("the schema of the settings has the character U+0000".into())
            }
            None => Ok(()),
            Some(schema) if schema.is_object() => {
                schema::check(schema).map_err(|cause| format!("the schema of the settings: {cause}"))
            }
            Some(_) => Err("the schema of the settings is not an object".into()),
        }
    }
}

/// A host name of letters, digits, hyphens and dots, perhaps with a port. Addresses and wildcards are not asked for.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (text, None),
    };
    let label = |label: &str| answer::is_kebab(label, 63) && !label.starts_with('-') && !label.ends_with('-');
    name.len() <= 253
        && name.contains('.')
        && name.split('.').all(label)
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0 && number.to_string() == port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_with_dots_and_perhaps_a_port() {
        let with = |host: &str| Manifest::read(serde_json::json!({ "hosts": [host] }).to_string().as_bytes());
        assert!(with("api.example.com:443").is_ok());
        for host in ["localhost", "127.0.0.1", "*.example.com", "https://a.b", "a.b:0", "a.b:+1", ""] {
            assert!(with(host).is_err(), "{host:?}");
        }
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(Manifest::read(br#"{"name": "a"}"#).is_err());
        assert!(Manifest::read(br#"{"settings": 7}"#).is_err());
        assert!(Manifest::read(br#"{"settings": {"type": "objekt"}}"#).is_err());
        assert!(Manifest::read(br#"{"settings": {"title": "\u0000"}}"#).is_err());
    }
}
