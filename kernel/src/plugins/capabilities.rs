//! What the kernel lends to a plugin: log, settings, kv. Nothing is ambient: a world links what it grants, and `kv` answers only where the
//! shop granted it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::{BoxFuture, ready};
use wasmtime::StoreContextMut;
use wasmtime::component::{HasSelf, Linker, WasmStr};

use super::bindings::shared::kassa::host::{kv, log, settings};
use super::bindings::shared::kassa::types;
use super::desk::{Content, KvAnswer, KvOperation};
use super::fault::Stopped;
use super::routing::Lent;
use super::state::{self, State};
use super::{Domain, Level, outbound};

/// Links what the world of `domain` imports.
pub(super) fn link(linker: &mut Linker<State>, domain: Domain) -> wasmtime::Result<()> {
    types::types::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    linker.instance("kassa:host/log@0.1.0")?.func_wrap("write", write_log)?;
    settings::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    if domain == Domain::Payment {
        kv::add_to_linker::<State, HasSelf<State>>(linker, |state| state)?;
    }
    if state::reaches_out(domain) {
        outbound::link(linker)?;
    }
    Ok(())
}

/// Interfaces of `kassa:*` that a plugin of `domain` may import, of the version that the kernel knows.
pub(super) fn granted(domain: Domain) -> &'static [&'static str] {
    match domain {
        Domain::Payment => &["kassa:types/types", "kassa:host/log", "kassa:host/settings", "kassa:host/kv"],
        _ => &["kassa:types/types", "kassa:host/log", "kassa:host/settings"],
    }
}

/// Linked by hand, so that the text is read where the guest has it: a flood of lines that are dropped anyway is never
/// copied. It is not counted as a host call either: a plugin that logs too much loses lines, not its answer.
fn write_log(store: StoreContextMut<'_, State>, (level, message): (log::Level, WasmStr)) -> wasmtime::Result<()> {
    let level = match level {
        log::Level::Trace => Level::Trace,
        log::Level::Debug => Level::Debug,
        log::Level::Info => Level::Info,
        log::Level::Warn => Level::Warn,
        log::Level::Error => Level::Error,
    };
    let message = message.to_str(&store)?;
    store.data().ledger.write(level, &message);
    Ok(())
}

impl types::types::Host for State {}

impl settings::Host for State {
    fn get(&mut self) -> wasmtime::Result<String> {
        self.count_host_call()?;
        Ok(self.plugin.settings.to_string())
    }
}

impl kv::Host for State {
    async fn get(&mut self, key: String) -> wasmtime::Result<Result<Option<Vec<u8>>, kv::Error>> {
        let kept = |value: &Option<Vec<u8>>| KvAnswer::Value(value.clone().map(|value| Content(value.into())));
        self.kv_call(KvOperation::Get, key, Vec::new(), kept, |store, plugin, key, _, _| store.get(plugin, key)).await
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<(), kv::Error>> {
        self.kv_call(
            KvOperation::Set,
            key,
            value,
            |()| KvAnswer::Done,
            |store, plugin, key, value, quota| store.set(plugin, key, value, quota),
        )
        .await
    }

    async fn set_if_absent(&mut self, key: String, value: Vec<u8>) -> wasmtime::Result<Result<bool, kv::Error>> {
        self.kv_call(
            KvOperation::SetIfAbsent,
            key,
            value,
            |set| KvAnswer::Set(*set),
            |store, plugin, key, value, quota| store.set_if_absent(plugin, key, value, quota),
        )
        .await
    }

    async fn delete(&mut self, key: String) -> wasmtime::Result<Result<(), kv::Error>> {
        self.kv_call(
            KvOperation::Delete,
            key,
            Vec::new(),
            |()| KvAnswer::Done,
            |store, plugin, key, _, _| store.delete(plugin, key),
        )
        .await
    }
}

impl State {
    /// Checks the lengths and runs `call` on the runtime that the caller came from. As a task of its own: it ends
    /// even where the call is dropped halfway, and a connection that it opens belongs to the runtime of all others.
    async fn kv_call<T: Send + 'static>(
        &mut self,
        operation: KvOperation,
        key: String,
        value: Vec<u8>,
        kept: impl FnOnce(&T) -> KvAnswer,
        call: impl for<'a> FnOnce(&'a dyn KvStore, &'a str, &'a str, Vec<u8>, KvQuota) -> BoxFuture<'a, Result<T, KvError>>
        + Send
        + 'static,
    ) -> wasmtime::Result<Result<T, kv::Error>> {
        self.count_host_call()?;
        let limits = self.limits();
        if key.is_empty() || key.len() > limits.kv_key_bytes as usize {
            return Ok(Err(kv::Error::Quota(format!("a key has 1 to {} bytes", limits.kv_key_bytes))));
        }
        // PostgreSQL keeps it in no text, and a key that only one database takes is none.
        if key.contains('\0') {
            return Ok(Err(kv::Error::Quota("a key has no character U+0000".into())));
        }
        if value.len() > limits.kv_value_bytes as usize {
            return Ok(Err(kv::Error::Quota(format!("a value has at most {} bytes", limits.kv_value_bytes))));
        }
        let quota = KvQuota { keys: limits.kv_keys, total_bytes: limits.kv_total_bytes };
        let (reach, plugin) = (self.reach.clone().ok_or(Stopped::WrongDomain)?, self.plugin.clone());
        let place = self.ledger.record().begin_kv(operation, &key);
        if !reach.granted.grants.kv {
            self.ledger.note(Level::Warn, "kv: not granted");
            self.ledger.record().end_kv(place, || KvAnswer::Unavailable);
            return Ok(Err(kv::Error::Unavailable));
        }
        if self.plugin.lent == Lent::ToRead && operation != KvOperation::Get {
            self.ledger.note(Level::Warn, "kv: nobody waits for this call, and nothing of it is kept");
            self.ledger.record().end_kv(place, || KvAnswer::Unavailable);
            return Ok(Err(kv::Error::Unavailable));
        }
        let task = reach.home.spawn(async move { call(&*reach.kv, plugin.name(), &key, value, quota).await });
        let answered = task.await;
        self.ledger.record().end_kv(place, || match &answered {
            Ok(Ok(value)) => kept(value),
            Ok(Err(KvError::Quota(text))) => KvAnswer::Quota(text.clone()),
            Ok(Err(KvError::Unavailable(_))) | Err(_) => KvAnswer::Unavailable,
        });
        Ok(match answered {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(KvError::Quota(text))) => Err(kv::Error::Quota(text)),
            Ok(Err(KvError::Unavailable(cause))) => {
                tracing::error!(plugin = self.plugin.name(), %cause, "the kv store did not answer");
                Err(kv::Error::Unavailable)
            }
            Err(error) => {
                tracing::error!(plugin = self.plugin.name(), %error, "the kv store failed");
                Err(kv::Error::Unavailable)
            }
        })
    }
}

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

/// A `kv` that lives as long as the process: for tests and benches.
#[derive(Debug, Default)]
pub struct MemoryKv {
    keys: Mutex<BTreeMap<(String, String), Vec<u8>>>,
}

impl MemoryKv {
    fn keys(&self) -> MutexGuard<'_, BTreeMap<(String, String), Vec<u8>>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, plugin: &str, key: &str, value: Vec<u8>, quota: KvQuota, replace: bool) -> Result<bool, KvError> {
        let mut keys = self.keys();
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
        let keys = self.keys();
        let value = keys.get(&(plugin.to_owned(), key.to_owned())).cloned();
        Box::pin(ready(Ok(value)))
    }

    fn set<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(ready(self.write(plugin, key, value, quota, true).map(drop)))
    }

    fn set_if_absent<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<bool, KvError>> {
        Box::pin(ready(self.write(plugin, key, value, quota, false)))
    }

    fn delete<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), KvError>> {
        let mut keys = self.keys();
        keys.remove(&(plugin.to_owned(), key.to_owned()));
        Box::pin(ready(Ok(())))
    }
}
