//! What the shop granted its plugins, and the values of their secrets.
//!
//! Grants belong to a plugin's name: a version that asks for no more than was granted needs nobody's word, one that asks for more is not
//! bound before somebody granted it. They are looked at again by every call, so one that is taken back is gone at once, whatever is bound.
//! Going back to an earlier binding asks for nothing: in trouble it must not wait, and its calls reach what is granted and no more.

use std::collections::BTreeMap;

use serde_json::json;

use super::{BoundPlugin, PluginVersion, Registry, RegistryError, store};
use crate::clock::{self, Moment};
use crate::db::Conn;
use crate::events;
use crate::plugins::{Granted, Grants, SecretUse, SecretValue};

/// What a plugin was granted, and by whom.
#[derive(Debug, Clone)]
pub struct Given {
    pub grants: Grants,
    /// Rises with every change, from 1.
    pub version: i64,
    pub actor: String,
    pub granted_at: Moment,
}

/// Everything that the permission screen of a plugin shows.
#[derive(Debug, Clone)]
pub struct GrantState {
    pub plugin: String,
    /// None where nothing was ever granted.
    pub given: Option<Given>,
    /// When the value of a secret was set, by its name.
    pub values_set_at: BTreeMap<String, Moment>,
    /// The newest upload first.
    pub versions: Vec<PluginVersion>,
}

impl GrantState {
    /// What is granted now.
    pub fn granted(&self) -> Grants {
        self.given.as_ref().map(|given| given.grants.clone()).unwrap_or_default()
    }
}

impl Registry {
    /// For the calls of a start.
    pub(super) async fn load_grants(&self) -> Result<(), RegistryError> {
        let mut conn = self.db.read().await?;
        let mut secrets = store::grants::all_secrets(&mut conn).await?;
        for (plugin, given) in store::grants::all_grants(&mut conn).await? {
            let own = secrets.extract_if(.., |secret| secret.plugin == plugin).collect();
            self.host.grant(&plugin, self.opened(&plugin, given.grants, own));
        }
        Ok(())
    }

    /// What a plugin was granted, and what its versions ask for.
    pub async fn grants(&self, plugin: &str) -> Result<GrantState, RegistryError> {
        self.require(plugin).await?;
        let mut conn = self.db.read().await?;
        let given = store::grants::grants_of(&mut conn, plugin).await?;
        let secrets = store::grants::secrets_of(&mut conn, plugin).await?;
        let values_set_at = secrets.into_iter().map(|secret| (secret.name, secret.set_at)).collect();
        let versions = store::versions_of(&mut conn, plugin).await?;
        Ok(GrantState { plugin: plugin.to_owned(), given, values_set_at, versions })
    }

    /// Grants a plugin `grants` and nothing else. `expected` refuses where they changed since that version was read; 0 stands for nothing
    /// granted yet. The value of a secret that is to go elsewhere from now on is forgotten: it was given for that place alone.
    pub async fn grant(
        &self,
        plugin: &str,
        grants: Grants,
        expected: Option<i64>,
        actor: &str,
    ) -> Result<GrantState, RegistryError> {
        grants.check().map_err(RegistryError::Grants)?;
        let _one_at_a_time = self.changing.lock().await;
        let before = self.grants(plugin).await?;
        let version = before.given.as_ref().map_or(0, |given| given.version);
        if expected.is_some_and(|expected| expected != version) {
            return Err(RegistryError::Contended);
        }
        let beyond = before.versions.iter().fold(grants.clone(), |rest, one| rest.beyond(&one.package.asks_for()));
        if !beyond.is_empty() {
            return Err(RegistryError::NotAskedFor { name: plugin.to_owned(), beyond });
        }
        let former = before.granted();
        let given = Given { grants, version: version + 1, actor: actor.to_owned(), granted_at: clock::now() };
        let mut tx = self.db.write().await?;
        if !store::grants::put_grants(&mut tx, plugin, &given).await? {
            return Err(RegistryError::Contended);
        }
        for secret in former.secrets.iter().filter(|secret| !given.grants.secrets.iter().any(|now| now.keeps(secret))) {
            store::grants::delete_secret(&mut tx, plugin, &secret.name).await?;
        }
        let names: Vec<_> = given.grants.secrets.iter().map(|secret| &secret.name).collect();
        let data = json!({
            "plugin": plugin, "version": given.version, "actor": actor,
            "hosts": given.grants.hosts, "secrets": names, "kv": given.grants.kv,
        });
        events::record(&mut tx, "plugin.granted", plugin, data).await?;
        tx.commit().await?;
        self.publish_grants(plugin).await?;
        self.grants(plugin).await
    }

    /// Gives a secret its value, in the place of a former one.
    pub async fn set_secret(
        &self,
        plugin: &str,
        name: &str,
        value: &SecretValue,
        actor: &str,
    ) -> Result<(), RegistryError> {
        let _one_at_a_time = self.changing.lock().await;
        let secret = self.granted_secret(plugin, name).await?;
        let sealed = self.secrets.seal(value.reveal().as_bytes(), &owner(plugin, &secret))?;
        let mut tx = self.db.write().await?;
        store::grants::put_secret(&mut tx, plugin, name, &sealed, actor, clock::now()).await?;
        tx.commit().await?;
        self.publish_grants(plugin).await
    }

    /// Forgets the value of a secret; that there was none is no error.
    pub async fn unset_secret(&self, plugin: &str, name: &str) -> Result<(), RegistryError> {
        let _one_at_a_time = self.changing.lock().await;
        self.granted_secret(plugin, name).await?;
        let mut tx = self.db.write().await?;
        store::grants::delete_secret(&mut tx, plugin, name).await?;
        tx.commit().await?;
        self.publish_grants(plugin).await
    }

    async fn granted_secret(&self, plugin: &str, name: &str) -> Result<SecretUse, RegistryError> {
        let granted = self.grants(plugin).await?.granted();
        let unknown = || RegistryError::UnknownSecret { name: plugin.to_owned(), secret: name.to_owned() };
        granted.secrets.into_iter().find(|secret| secret.name == name).ok_or_else(unknown)
    }

    /// Refuses what asks for more than it was granted.
    pub(super) async fn require_grants(&self, plugins: &[BoundPlugin]) -> Result<(), RegistryError> {
        let mut conn = self.db.read().await?;
        for BoundPlugin { name, version, .. } in plugins {
            let Some(found) = store::find_version(&mut conn, name, version).await? else { continue };
            let missing = missing(&mut conn, &found).await?;
            if !missing.is_empty() {
                let (name, version) = (name.clone(), version.clone());
                return Err(RegistryError::NotGranted { name, version, missing });
            }
        }
        Ok(())
    }

    /// What a version asks for beyond what its plugin was granted.
    pub async fn missing_grants(&self, version: &PluginVersion) -> Result<Grants, RegistryError> {
        missing(&mut self.db.read().await?, version).await
    }

    /// Calls that begin from now on have what the database has.
    async fn publish_grants(&self, plugin: &str) -> Result<(), RegistryError> {
        let mut conn = self.db.read().await?;
        let given = store::grants::grants_of(&mut conn, plugin).await?;
        let secrets = store::grants::secrets_of(&mut conn, plugin).await?;
        let grants = given.map(|given| given.grants).unwrap_or_default();
        self.host.grant(plugin, self.opened(plugin, grants, secrets));
        Ok(())
    }

    /// A value that does not open (another folder of keys, a row that was copied) is none: the shop starts, and the plugin's requests say
    /// what is missing.
    fn opened(&self, plugin: &str, grants: Grants, secrets: Vec<store::grants::Secret>) -> Granted {
        let open = |secret: &SecretUse| {
            let sealed = secrets.iter().find(|sealed| sealed.name == secret.name)?;
            let opened = self.secrets.unseal(&sealed.value, &owner(plugin, secret));
            let value = opened.ok().and_then(|value| String::from_utf8(value).ok());
            if value.is_none() {
                tracing::error!(plugin, secret = secret.name, "the secret does not open; it must be given again");
            }
            Some((secret.name.clone(), SecretValue::new(value?)))
        };
        let values = grants.secrets.iter().filter_map(open).collect();
        Granted { grants, values }
    }
}

async fn missing(conn: &mut Conn, version: &PluginVersion) -> Result<Grants, RegistryError> {
    let asked = version.package.asks_for();
    let given = store::grants::grants_of(conn, version.package.name()).await?;
    Ok(asked.beyond(&given.map(|given| given.grants).unwrap_or_default()))
}

/// What a value is bound to: moved to another row, or with another place granted, it does not open.
fn owner(plugin: &str, secret: &SecretUse) -> Vec<u8> {
    // None of them has U+0000.
    [plugin, &secret.name, &secret.host.to_string(), &secret.header].join("\0").into_bytes()
}
