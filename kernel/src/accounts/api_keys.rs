//! API keys: how other services call the admin API.
//!
//! A key belongs to the shop, not to whoever made it: it stays when they leave, or the shop's services would stop on that day. It may do
//! what its scopes say and nothing beside: it is nobody in person, so it has no cart and no orders, and it never makes staff or keys,
//! or one that leaks could outlive its own revocation. Only its hash is stored.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use uuid::Uuid;

use super::store::api_keys;
use super::{Permission, Permissions};
use crate::clock::{self, Moment};
use crate::{Shop, db, id};

/// What every key begins with, so that people, and tools that look for leaked secrets, see what it is.
pub const API_KEY_MARK: &str = "kassa_";
const PREFIX_CHARS: usize = 8;
/// The last use is written at most this often: a busy key must not keep the one writer of a shop busy.
const TOUCH_AFTER_SECONDS: i64 = 60;
/// Unrevoked keys of a shop.
const MAX_KEYS: i64 = 1_000;

/// What a key may do: read an area, or read and change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes {
    read: Permissions,
    change: Permissions,
}

/// A key that was shown to be good.
#[derive(Debug, Clone, Copy)]
pub struct KeyIdentity {
    pub id: Uuid,
    pub scopes: Scopes,
}

/// A key, as it is listed.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: Uuid,
    pub name: String,
    /// How it begins, to tell which it is.
    pub prefix: String,
    pub scopes: Scopes,
    /// Who made it.
    pub created_by: Uuid,
    pub created_at: Moment,
    pub expires_at: Option<Moment>,
    /// To the minute.
    pub last_used_at: Option<Moment>,
    pub revoked_at: Option<Moment>,
}

/// What a new key is to be.
#[derive(Debug)]
pub struct NewApiKey {
    pub name: String,
    pub scopes: Scopes,
    pub expires_at: Option<Moment>,
}

/// Why something about keys cannot be done.
#[derive(Debug, thiserror::Error)]
pub enum ApiKeyError {
    #[error("there is no such key")]
    NotFound,
    #[error("you do not have {0} yourself")]
    BeyondOwn(&'static str),
    #[error("the shop has {MAX_KEYS} keys; revoke some")]
    TooMany,
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Scopes {
    /// Of names like `catalog` and `orders:read`; the first that is none is the error.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, usize> {
        let (mut read, mut change) = (Vec::new(), Vec::new());
        for (index, name) in names.into_iter().enumerate() {
            let (name, only_read) = name.strip_suffix(":read").map_or((name, false), |name| (name, true));
            let permission = Permission::parse(name).ok_or(index)?;
            read.push(permission);
            if !only_read {
                change.push(permission);
            }
        }
        Ok(Self { read: read.into_iter().collect(), change: change.into_iter().collect() })
    }

    pub fn names(self) -> Vec<String> {
        let name = |permission: Permission| match self.change.has(permission) {
            true => permission.name().to_owned(),
            false => format!("{}:read", permission.name()),
        };
        self.read.iter().map(name).collect()
    }

    /// Whether they allow `permission`, for a request that only reads or for any.
    pub fn allow(self, permission: Permission, only_reads: bool) -> bool {
        self.permissions(only_reads).has(permission)
    }

    /// What they allow, for a request that only reads or for any.
    pub fn permissions(self, only_reads: bool) -> Permissions {
        // Whoever may change may read: `parse` sees to it.
        if only_reads { self.read } else { self.change }
    }
}

/// Makes a key in the name of `maker`, who may do `own`. The text is told here and never again.
pub async fn create_api_key(
    shop: &Shop,
    maker: Uuid,
    own: Permissions,
    new: NewApiKey,
) -> Result<(ApiKey, String), ApiKeyError> {
    if let Some(beyond) = new.scopes.read.iter().find(|permission| !own.has(*permission)) {
        return Err(ApiKeyError::BeyondOwn(beyond.name()));
    }
    let prefix = random_prefix();
    let text = format!("{API_KEY_MARK}{prefix}_{}", id::secret());
    let key = ApiKey {
        id: id::sequential(),
        name: new.name,
        prefix: format!("{API_KEY_MARK}{prefix}"),
        scopes: new.scopes,
        created_by: maker,
        created_at: clock::now(),
        expires_at: new.expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    let mut tx = shop.db().write().await?;
    if api_keys::count_live(&mut tx).await? >= MAX_KEYS {
        return Err(ApiKeyError::TooMany);
    }
    api_keys::insert(&mut tx, &key, &hash(&text)).await?;
    tx.commit().await?;
    Ok((key, text))
}

/// Every key, revoked ones too, the newest first, behind `before`.
pub async fn list_api_keys(shop: &Shop, before: Option<Uuid>, limit: u32) -> Result<Vec<ApiKey>, ApiKeyError> {
    let mut conn = shop.db().read().await?;
    Ok(api_keys::list(&mut conn, before.unwrap_or(Uuid::max()), i64::from(limit) + 1).await?)
}

pub async fn get_api_key(shop: &Shop, id: Uuid) -> Result<ApiKey, ApiKeyError> {
    let mut conn = shop.db().read().await?;
    api_keys::find(&mut conn, id).await?.ok_or(ApiKeyError::NotFound)
}

/// Ends a key, now; one that has ended stays so.
pub async fn revoke_api_key(shop: &Shop, id: Uuid) -> Result<(), ApiKeyError> {
    let mut tx = shop.db().write().await?;
    api_keys::find(&mut tx, id).await?.ok_or(ApiKeyError::NotFound)?;
    api_keys::revoke(&mut tx, id, clock::now()).await?;
    tx.commit().await?;
    Ok(())
}

/// Which key the text is: one query on a unique key, and now and then a write of its last use.
pub async fn authenticate_key(shop: &Shop, text: &str) -> Result<KeyIdentity, super::Error> {
    let now = clock::now();
    let key = api_keys::find_live(&mut shop.db().read().await?, &hash(text), now).await?;
    let key = key.ok_or(super::Error::InvalidToken)?;
    let stale = now - TimeDelta::seconds(TOUCH_AFTER_SECONDS);
    if key.last_used_at.is_none_or(|used_at| used_at < stale) {
        let mut tx = shop.db().write().await?;
        api_keys::touch(&mut tx, key.id, now, stale).await?;
        tx.commit().await?;
    }
    Ok(KeyIdentity { id: key.id, scopes: key.scopes })
}

/// Plain SHA-256: 256 random bits leave nothing to guess that a slow hash would have to protect.
fn hash(text: &str) -> Vec<u8> {
    digest(&SHA256, text.as_bytes()).as_ref().to_vec()
}

fn random_prefix() -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    id::random_bytes::<PREFIX_CHARS>().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_say_what_may_be_read_and_what_changed() {
        let scopes = Scopes::parse(["catalog", "orders:read", "refunds:read", "refunds"]).expect("scopes");
        for (permission, reads, changes) in [
            (Permission::Catalog, true, true),
            (Permission::Orders, true, false),
            (Permission::Refunds, true, true),
            (Permission::Settings, false, false),
        ] {
            assert_eq!(scopes.allow(permission, true), reads, "{permission:?}");
            assert_eq!(scopes.allow(permission, false), changes, "{permission:?}");
        }
        assert_eq!(scopes.names(), ["catalog", "orders:read", "refunds"]);
        let names = scopes.names();
        assert_eq!(Scopes::parse(names.iter().map(String::as_str)), Ok(scopes));
        for (names, wrong) in [(["catalog", "stock"], 1), (["catalog:write", "orders"], 0), (["", "orders"], 0)] {
            assert_eq!(Scopes::parse(names), Err(wrong), "{names:?}");
        }
    }
}
