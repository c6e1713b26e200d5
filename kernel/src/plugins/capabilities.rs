//! What the kernel lends to a plugin: log, settings, kv.

use futures_util::future::BoxFuture;

/// What one plugin may keep in its `kv`, over all its versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KvQuota {
    pub keys: u32,
    /// Bytes of all keys and values together.
    pub total_bytes: u64,
}

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KvError {
    /// The plugin would pass its quota; nothing was written.
    #[error("{0}")]
    Quota(String),
    /// The store did not answer; whether a write took place is not known. The text is for the kernel's log.
    #[error("the store did not answer: {0}")]
    Unavailable(String),
}

/// Where the `kv` of plugins lives. The kernel implements it over its database.
///
/// `plugin` is the plugin's name: all its versions share keys, no other plugin sees them. The lengths of keys and
/// values are checked by the host before these are called; the quota must hold under concurrent writes.
/// A call runs to its end even where the plugin that made it was stopped meanwhile.
pub trait KvStore: Send + Sync + 'static {
    /// The value of `key`, or none.
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>>;

    /// Sets `key`; durable when it answers.
    fn set<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<(), KvError>>;

    /// Sets `key` if it has no value yet, and tells whether it did. Of two at the same time exactly one does.
    fn set_if_absent<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<bool, KvError>>;

    /// Removes `key`; removing what is not there is no error.
    fn delete<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), KvError>>;
}

/// A `kv` that lives as long as the process: for `kassa plugin check` and tests.
#[derive(Debug, Default)]
pub struct MemoryKv {
    keys: std::sync::Mutex<std::collections::BTreeMap<(String, String), Vec<u8>>>,
}

impl MemoryKv {
    fn write(&self, plugin: &str, key: &str, value: Vec<u8>, quota: KvQuota, replace: bool) -> Result<bool, KvError> {
        let mut keys = self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let at = (plugin.to_owned(), key.to_owned());
        if !replace && keys.contains_key(&at) {
            return Ok(false);
        }
        let others = keys.iter().filter(|((owner, other), _)| owner == plugin && other != key);
        let (count, bytes) = others.fold((1, key.len() + value.len()), |(count, bytes), ((_, key), value)| {
            (count + 1, bytes + key.len() + value.len())
        });
        if count > quota.keys {
            return Err(KvError::Quota(format!("at most {} keys", quota.keys)));
        }
        if bytes as u64 > quota.total_bytes {
            return Err(KvError::Quota(format!("at most {} bytes in all", quota.total_bytes)));
        }
        keys.insert(at, value);
        Ok(true)
    }
}

impl KvStore for MemoryKv {
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        let keys = self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let value = keys.get(&(plugin.to_owned(), key.to_owned())).cloned();
        Box::pin(std::future::ready(Ok(value)))
    }

    fn set<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(std::future::ready(self.write(plugin, key, value, quota, true).map(drop)))
    }

    fn set_if_absent<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<bool, KvError>> {
        Box::pin(std::future::ready(self.write(plugin, key, value, quota, false)))
    }

    fn delete<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), KvError>> {
        let mut keys = self.keys.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        keys.remove(&(plugin.to_owned(), key.to_owned()));
        Box::pin(std::future::ready(Ok(())))
    }
}
