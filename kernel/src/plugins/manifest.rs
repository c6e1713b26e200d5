//! What a plugin says of itself: the `kassa:manifest` custom section, as JSON.

use serde::{Deserialize, Serialize};

use super::answer;
use super::package::PackageError;

const DESCRIPTION_CHARACTERS: usize = 500;
const HOSTS: usize = 16;
const SECRETS: usize = 16;

/// The manifest of a plugin. Its domain and the version of the contract are not in it: they are read from the component's
/// own types, where they cannot be wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// 1 to 64 characters of `a-z 0-9 -`.
    pub name: String,
    /// Semantic version: `1.2.3`, `1.0.0-beta.1`.
    pub version: String,
    /// One sentence for the merchant; at most 500 characters.
    #[serde(default)]
    pub description: String,
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
        answer::code("the name", &self.name)?;
        if !is_semantic_version(&self.version) {
            return Err(format!("the version {} is not like 1.2.3", answer::shown(&self.version)));
        }
        answer::at_most_characters("the description", &self.description, DESCRIPTION_CHARACTERS)?;
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
            None | Some(serde_json::Value::Object(_)) => Ok(()),
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

/// The grammar of semver.org, without reading it into a type: nothing here compares versions.
fn is_semantic_version(text: &str) -> bool {
    fn number(text: &str) -> bool {
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'))
    }
    fn words(text: &str, valid: fn(&str) -> bool) -> bool {
        text.split('.')
            .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') && valid(word))
    }
    if text.len() > 64 {
        return false;
    }
    let (rest, build) = text.split_once('+').map_or((text, None), |(rest, build)| (rest, Some(build)));
    let (core, before) = rest.split_once('-').map_or((rest, None), |(core, before)| (core, Some(before)));
    let numbers: Vec<&str> = core.split('.').collect();
    numbers.len() == 3
        && numbers.into_iter().all(number)
        && build.is_none_or(|build| words(build, |_| true))
        && before.is_none_or(|b| words(b, |word| !word.bytes().all(|b| b.is_ascii_digit()) || number(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_versions_and_hosts_are_checked() {
        let with = |name: &str, version: &str, host: &str| {
            let json = serde_json::json!({"name": name, "version": version, "hosts": [host]});
            Manifest::read(json.to_string().as_bytes())
        };
        assert!(with("pricing-standard", "1.0.0-beta.1+b7", "api.example.com:443").is_ok());
        for (name, version, host) in [
            ("", "1.0.0", "a.b"),
            ("Pricing", "1.0.0", "a.b"),
            ("a_b", "1.0.0", "a.b"),
            ("a", "1.0", "a.b"),
            ("a", "01.0.0", "a.b"),
            ("a", "1.0.0-", "a.b"),
            ("a", "1.0.0-01", "a.b"),
            ("a", "1.0.0 ", "a.b"),
            ("a", "1.0.0", "localhost"),
            ("a", "1.0.0", "127.0.0.1"),
            ("a", "1.0.0", "*.example.com"),
            ("a", "1.0.0", "https://a.b"),
            ("a", "1.0.0", "a.b:0"),
            ("a", "1.0.0", "a.b:+1"),
        ] {
            assert!(with(name, version, host).is_err(), "{name:?} {version:?} {host:?}");
        }
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(Manifest::read(br#"{"name": "a", "version": "1.0.0", "domain": "pricing"}"#).is_err());
        assert!(Manifest::read(br#"{"name": "a", "version": "1.0.0", "settings": 7}"#).is_err());
        assert!(Manifest::read(br#"{"name": "a", "version": "1.0.0", "settings": {"title": "\u0000"}}"#).is_err());
    }
}
