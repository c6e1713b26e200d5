//! The plugins that an empty shop begins with: built with the kernel and embedded in it.

use std::collections::BTreeSet;

use bytes::Bytes;
use serde_json::Value;

use super::{BoundPlugin, Registry, RegistryError};
use crate::config::Config;
use crate::plugins::{Digest, Domain, Package};

/// A component that the build script made, with the settings of the demo shop.
pub struct DefaultPlugin {
    pub name: &'static str,
    pub domain: Domain,
    pub wasm: &'static [u8],
    pub demo_settings: &'static str,
}

include!(concat!(env!("OUT_DIR"), "/default_plugins.rs"));

/// Whether a file came with this kernel.
pub(super) fn has(file: Digest) -> bool {
    DEFAULT_PLUGINS.iter().any(|plugin| Digest::of(plugin.wasm) == file)
}

/// Puts a default plugin in force for each domain that never had one. Each is a commit of its own, so a first start that is
/// cut off goes on with the next. The conformance suite is not run for them: `every_default_plugin_conforms` does it for all shops.
pub(super) async fn install(
    registry: &Registry,
    config: &Config,
    bound: &BTreeSet<Domain>,
) -> Result<(), RegistryError> {
    for plugin in DEFAULT_PLUGINS.iter().filter(|plugin| !bound.contains(&plugin.domain)) {
        let failed = |cause| RegistryError::Default { name: plugin.name, cause: Box::new(cause) };
        let uploaded = registry.upload(Bytes::from_static(plugin.wasm), None, "kassa").await.map_err(failed)?;
        let asks_for = uploaded.package.asks_for();
        if !asks_for.is_empty() {
            match registry.grant(uploaded.package.name(), asks_for, Some(0), "kassa").await {
                // By another kernel, or by a start that was cut off after it.
                Err(RegistryError::Contended) => {}
                granted => drop(granted.map_err(failed)?),
            }
        }
        let Package { metadata, digest, domain, .. } = uploaded.package;
        let bound = BoundPlugin {
            name: metadata.name,
            version: metadata.version,
            digest: digest.to_string(),
            settings: settings(plugin, domain, config),
        };
        match registry.put_in_force(&registry.turn().await, domain, 1, vec![bound], None, "kassa").await {
            // Another kernel starts on the same empty database, and was first. (Or there is a binding that this kernel
            // cannot read, and then it must not sell without one.)
            Err(RegistryError::Contended) if registry.load_bound().await?.contains(&domain) => {}
            put => drop(put.map_err(failed)?),
        }
    }
    Ok(())
}

/// The demo settings; the secret that signs the emulator's webhooks is this install's own.
fn settings(plugin: &DefaultPlugin, domain: Domain, config: &Config) -> Value {
    let mut settings: Value = serde_json::from_str(plugin.demo_settings).unwrap_or_default();
    if let Some(object) = settings.as_object_mut() {
        if domain == Domain::Payment {
            object.insert("webhook_secret".into(), crate::id::secret().into());
        }
        // The demo's amounts are euros: in another currency its rules would be nonsense, so they are left out.
        if config.shop.currency != crate::money::Currency::EUR && domain != Domain::Payment {
            object.clear();
        }
    }
    settings
}
