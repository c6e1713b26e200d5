//! The settings of one plugin, read and changed where it is bound.

use serde_json::Value;

use super::store;
use super::{Binding, BoundPlugin, Registry, RegistryError};
use crate::plugins::{Digest, Domain};

/// The settings that a plugin has in force.
#[derive(Debug, Clone)]
pub struct InForce {
    pub domain: Domain,
    /// Of the binding that has them.
    pub generation: i64,
    pub plugin: BoundPlugin,
    /// JSON Schema that the plugin brought for them.
    pub schema: Option<Value>,
}

impl Registry {
    /// The settings of a plugin that is bound.
    pub async fn settings(&self, name: &str) -> Result<InForce, RegistryError> {
        let (binding, index) = self.binding_of(name).await?;
        self.in_force(binding, index).await
    }

    /// Puts other settings of a plugin in force: a new generation of its domain's binding, in which all else is as it was. Checked as any
    /// binding is.
    pub async fn change_settings(
        &self,
        name: &str,
        settings: Value,
        expected: Option<i64>,
        actor: &str,
    ) -> Result<InForce, RegistryError> {
        let turn = self.turn().await;
        let (binding, index) = self.binding_of(name).await?;
        self.refuse_beside_trial(binding.domain)?;
        if expected.is_some_and(|expected| expected != binding.generation) {
            return Err(RegistryError::Contended);
        }
        let mut plugins = binding.plugins;
        plugins[index].settings = settings;
        let changed = self.put_in_force(&turn, binding.domain, binding.generation + 1, plugins, None, actor).await;
        let changed = changed.map_err(|error| match error {
            RegistryError::Settings { name, place: SettingsPlace::OfBinding(at), mistakes } if at == index => {
                RegistryError::Settings { name, place: SettingsPlace::Body, mistakes }
            }
            other => other,
        });
        self.in_force(changed?, index).await
    }

    /// The binding in force that has the plugin, and which of its plugins it is.
    async fn binding_of(&self, name: &str) -> Result<(Binding, usize), RegistryError> {
        let mut conn = self.db.read().await?;
        for binding in store::current_bindings(&mut conn).await? {
            if let Some(index) = binding.plugins.iter().position(|plugin| plugin.name == name) {
                return Ok((binding, index));
            }
        }
        drop(conn);
        self.require(name).await?;
        Err(RegistryError::NotBound(name.to_owned()))
    }

    async fn in_force(&self, mut binding: Binding, index: usize) -> Result<InForce, RegistryError> {
        let plugin = binding.plugins.swap_remove(index);
        let version = match plugin.digest.parse::<Digest>() {
            Ok(digest) => store::version_of(&mut self.db.read().await?, digest).await?,
            Err(_) => None,
        };
        let schema = version.and_then(|version| version.package.manifest.settings);
        Ok(InForce { domain: binding.domain, generation: binding.generation, plugin, schema })
    }
}

/// Where in a request the settings stood that were found wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SettingsPlace {
    /// Which of a binding's plugins it is.
    OfBinding(usize),
    /// A member of the body: `settings`.
    Member,
    /// All of the body.
    Body,
}
