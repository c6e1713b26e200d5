//! What a plugin asks of a shop: the `kassa:manifest` custom section, as JSON.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::grants::{Endpoint, Grants, SecretUse};
use super::package::PackageError;
use super::{answer, schema};

/// What a plugin asks for. Its name and version are in sections of their own (`metadata`); its domain and the version of the contract
/// are in neither: they are read from the component's own types, where they cannot be wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Hosts that it asks to reach, `host` or `host:port`; at most 16.
    #[serde(default)]
    pub hosts: BTreeSet<Endpoint>,
    /// Secrets that it asks for, each in a header of a host; at most 16.
    #[serde(default)]
    pub secrets: BTreeSet<SecretUse>,
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
        Grants { hosts: self.hosts.clone(), secrets: self.secrets.clone(), kv: false }.check()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_checked() {
        let with = |host: &str| Manifest::read(serde_json::json!({ "hosts": [host] }).to_string().as_bytes());
        assert!(with("api.example.com:443").is_ok());
        let refused = with("127.0.0.1").unwrap_err().to_string();
        assert!(refused.contains("is not `host` or `host:port`"), "{refused}");
        let secret = serde_json::json!({ "secrets": [{ "name": "a", "host": "a.b", "header": "x-key" }] });
        let refused = Manifest::read(secret.to_string().as_bytes()).unwrap_err().to_string();
        assert!(refused.contains("none of the hosts"), "{refused}");
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(Manifest::read(br#"{"name": "a"}"#).is_err());
        assert!(Manifest::read(br#"{"settings": 7}"#).is_err());
        assert!(Manifest::read(br#"{"settings": {"type": "objekt"}}"#).is_err());
        assert!(Manifest::read(br#"{"settings": {"title": "\u0000"}}"#).is_err());
    }
}
