//! The cache: speed and nothing else. Losing all of it, at any moment, changes no answer beyond the staleness stated here.
//!
//! In-process for now; a Redis implementation will stand behind the same [`Cache`].

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;

/// `[cache]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheConfig {
    /// Memory of the in-process cache, in MiB; 0 switches it off.
    pub memory_mib: u64,
    /// How old a cached catalog answer may be, in milliseconds: how late shoppers see that stock has changed.
    /// A merchant's own changes show at once.
    pub catalog_ttl_ms: u64,
}

impl Default for CacheConfig {
    fn default() -> Self {
        Self { memory_mib: 64, catalog_ttl_ms: 1_000 }
    }
}

/// Bytes by key. Every operation may fail silently: a miss is always a right answer.
pub trait Cache: Send + Sync {
    fn get(&self, key: &str) -> Option<Bytes>;
    fn put(&self, key: &str, value: Bytes);
    /// Forgets everything.
    fn clear(&self);
}

/// The cache that `config` asks for.
pub fn open(config: &CacheConfig) -> Arc<dyn Cache> {
    Arc::new(Memory::new(config))
}

struct Memory(moka::sync::Cache<String, Bytes>);

impl Memory {
    fn new(config: &CacheConfig) -> Self {
        let cache = moka::sync::Cache::builder()
            .max_capacity(config.memory_mib * 1024 * 1024)
            .weigher(|key: &String, value: &Bytes| u32::try_from(key.len() + value.len() + 64).unwrap_or(u32::MAX))
            .time_to_live(Duration::from_millis(config.catalog_ttl_ms))
            .build();
        Self(cache)
    }
}

impl Cache for Memory {
    fn get(&self, key: &str) -> Option<Bytes> {
        self.0.get(key)
    }

    fn put(&self, key: &str, value: Bytes) {
        self.0.insert(key.to_owned(), value);
    }

    fn clear(&self) {
        self.0.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cleared_cache_has_forgotten() {
        let cache = open(&CacheConfig::default());
        cache.put("a", Bytes::from_static(b"1"));
        assert_eq!(cache.get("a").as_deref(), Some(b"1".as_slice()));
        cache.clear();
        assert_eq!(cache.get("a"), None);
    }
}
