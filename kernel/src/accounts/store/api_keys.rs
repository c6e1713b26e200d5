//! API keys.

use uuid::Uuid;

use crate::accounts::api_keys::{ApiKey, Scopes};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct KeyRow {
    id: Uuid,
    name: String,
    prefix: String,
    scopes: String,
    created_by: Uuid,
    created_at: Moment,
    expires_at: Option<Moment>,
    last_used_at: Option<Moment>,
    revoked_at: Option<Moment>,
}

impl From<KeyRow> for ApiKey {
    fn from(row: KeyRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            prefix: row.prefix,
            // A scope that this version does not know makes the key worth nothing, rather than something else.
            scopes: Scopes::parse(row.scopes.split_whitespace()).unwrap_or_default(),
            created_by: row.created_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
        }
    }
}

pub(in crate::accounts) async fn insert(tx: &mut Tx, key: &ApiKey, key_hash: &[u8]) -> Result<()> {
    sql::execute!(
        tx,
        "insert into api_keys (id, name, prefix, key_hash, scopes, created_by, created_at, expires_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        key.id,
        key.name.as_str(),
        key.prefix.as_str(),
        key_hash,
        key.scopes.names().join(" "),
        key.created_by,
        key.created_at,
        key.expires_at
    )?;
    Ok(())
}

pub(in crate::accounts) async fn list(conn: &mut Conn, before: Uuid, limit: i64) -> Result<Vec<ApiKey>> {
    let rows = sql::all!(
        conn,
        KeyRow,
        "select id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
         from api_keys where id < $1 order by id desc limit $2",
        before,
        limit
    )?;
    Ok(rows.into_iter().map(ApiKey::from).collect())
}

pub(in crate::accounts) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<ApiKey>> {
    let row = sql::optional!(
        conn,
        KeyRow,
        "select id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
         from api_keys where id = $1",
        id
    )?;
    Ok(row.map(ApiKey::from))
}

pub(in crate::accounts) async fn find_live(conn: &mut Conn, key_hash: &[u8], now: Moment) -> Result<Option<ApiKey>> {
    let row = sql::optional!(
        conn,
        KeyRow,
        "select id, name, prefix, scopes, created_by, created_at, expires_at, last_used_at, revoked_at
         from api_keys where key_hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)",
        key_hash,
        now
    )?;
    Ok(row.map(ApiKey::from))
}

pub(in crate::accounts) async fn count_live(conn: &mut Conn) -> Result<i64> {
    let (count,) = sql::one!(conn, (i64,), "select count(*) from api_keys where revoked_at is null")?;
    Ok(count)
}

/// Unless another request did so just now.
pub(in crate::accounts) async fn touch(tx: &mut Tx, id: Uuid, now: Moment, stale: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update api_keys set last_used_at = $2 where id = $1 and (last_used_at is null or last_used_at < $3)",
        id,
        now,
        stale
    )?;
    Ok(())
}

pub(in crate::accounts) async fn revoke(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "update api_keys set revoked_at = $2 where id = $1 and revoked_at is null", id, now)?;
    Ok(())
}
