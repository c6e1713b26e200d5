//! The plugins' `kv` over the database.

use futures_util::future::BoxFuture;

use super::store;
use crate::db::{self, Db};
use crate::plugins::{KvError, KvQuota, KvStore};

pub(super) struct DatabaseKv {
    db: Db,
}

impl DatabaseKv {
    pub(super) fn new(db: Db) -> Self {
        Self { db }
    }

    async fn write(
        &self,
        plugin: &str,
        key: &str,
        value: &[u8],
        quota: KvQuota,
        replace: bool,
    ) -> Result<bool, KvError> {
        let mut tx = self.db.write().await.map_err(unavailable)?;
        let mut usage = store::lock_kv(&mut tx, plugin).await.map_err(unavailable)?;
        let old = store::kv_size(&mut tx, plugin, key).await.map_err(unavailable)?;
        if old.is_some() && !replace {
            return Ok(false);
        }
        let size = (key.len() + value.len()) as i64;
        let grows = size > old.unwrap_or(0);
        usage.keys += i64::from(old.is_none());
        usage.bytes += size - old.unwrap_or(0);
        // What takes no more room than before is written also where the quota was lowered meanwhile.
        if old.is_none() && usage.keys > i64::from(quota.keys) {
            return Err(KvError::Quota(format!("at most {} keys", quota.keys)));
        }
        if grows && usage.bytes as u64 > quota.total_bytes {
            return Err(KvError::Quota(format!("at most {} bytes in all", quota.total_bytes)));
        }
        store::put_kv(&mut tx, plugin, key, value).await.map_err(unavailable)?;
        store::put_kv_usage(&mut tx, plugin, &usage).await.map_err(unavailable)?;
        tx.commit().await.map_err(unavailable)?;
        Ok(true)
    }
}

fn unavailable(error: db::Error) -> KvError {
    KvError::Unavailable(error.to_string())
}

impl KvStore for DatabaseKv {
    fn get<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        Box::pin(async move {
            let mut conn = self.db.read().await.map_err(unavailable)?;
            store::get_kv(&mut conn, plugin, key).await.map_err(unavailable)
        })
    }

    fn set<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async move { self.write(plugin, key, &value, quota, true).await.map(drop) })
    }

    fn set_if_absent<'a>(
        &'a self,
        plugin: &'a str,
        key: &'a str,
        value: Vec<u8>,
        quota: KvQuota,
    ) -> BoxFuture<'a, Result<bool, KvError>> {
        Box::pin(async move { self.write(plugin, key, &value, quota, false).await })
    }

    fn delete<'a>(&'a self, plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async move {
            let mut tx = self.db.write().await.map_err(unavailable)?;
            let mut usage = store::lock_kv(&mut tx, plugin).await.map_err(unavailable)?;
            if let Some(size) = store::kv_size(&mut tx, plugin, key).await.map_err(unavailable)? {
                usage.keys -= 1;
                usage.bytes -= size;
                store::delete_kv(&mut tx, plugin, key).await.map_err(unavailable)?;
                store::put_kv_usage(&mut tx, plugin, &usage).await.map_err(unavailable)?;
            }
            tx.commit().await.map_err(unavailable)
        })
    }
}
