//! All the SQL of grants and secrets.

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::plugins::Grants;
use crate::plugins::registry::grants::Given;

#[derive(FromRow)]
struct GrantRow {
    plugin: String,
    grants: String,
    version: i64,
    actor: String,
    granted_at: Moment,
}

impl GrantRow {
    /// Only what this kernel wrote is in the column; what it cannot read belongs to a newer one, and grants nothing here.
    fn into_given(self) -> (String, Given) {
        let Self { plugin, grants, version, actor, granted_at } = self;
        let grants: Grants = serde_json::from_str(&grants).unwrap_or_default();
        (plugin, Given { grants, version, actor, granted_at })
    }
}

pub(in crate::plugins::registry) async fn all_grants(conn: &mut Conn) -> Result<Vec<(String, Given)>> {
    let rows = sql::all!(conn, GrantRow, "select plugin, grants, version, actor, granted_at from plugin_grants")?;
    Ok(rows.into_iter().map(GrantRow::into_given).collect())
}

pub(in crate::plugins::registry) async fn grants_of(conn: &mut Conn, plugin: &str) -> Result<Option<Given>> {
    let row = sql::optional!(
        conn,
        GrantRow,
        "select plugin, grants, version, actor, granted_at from plugin_grants where plugin = $1",
        plugin
    )?;
    Ok(row.map(|row| row.into_given().1))
}

/// False where another change was first.
pub(in crate::plugins::registry) async fn put_grants(tx: &mut Tx, plugin: &str, given: &Given) -> Result<bool> {
    let grants = serde_json::to_string(&given.grants).unwrap_or_default();
    let put = sql::execute!(
        tx,
        "insert into plugin_grants (plugin, grants, version, actor, granted_at) values ($1, $2, $3, $4, $5)
         on conflict (plugin) do update set grants = excluded.grants, version = excluded.version,
             actor = excluded.actor, granted_at = excluded.granted_at
         where plugin_grants.version = excluded.version - 1",
        plugin,
        grants,
        given.version,
        given.actor.as_str(),
        given.granted_at
    )?;
    Ok(put == 1)
}

/// A secret of a plugin, as it rests.
#[derive(FromRow)]
pub(in crate::plugins::registry) struct Secret {
    pub plugin: String,
    pub name: String,
    /// Sealed.
    pub value: Vec<u8>,
    pub set_at: Moment,
}

pub(in crate::plugins::registry) async fn all_secrets(conn: &mut Conn) -> Result<Vec<Secret>> {
    sql::all!(conn, Secret, "select plugin, name, value, set_at from plugin_secrets")
}

pub(in crate::plugins::registry) async fn secrets_of(conn: &mut Conn, plugin: &str) -> Result<Vec<Secret>> {
    sql::all!(conn, Secret, "select plugin, name, value, set_at from plugin_secrets where plugin = $1", plugin)
}

pub(in crate::plugins::registry) async fn put_secret(
    tx: &mut Tx,
    plugin: &str,
    name: &str,
    value: &[u8],
    actor: &str,
    at: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into plugin_secrets (plugin, name, value, actor, set_at) values ($1, $2, $3, $4, $5)
         on conflict (plugin, name) do update set value = excluded.value, actor = excluded.actor,
             set_at = excluded.set_at",
        plugin,
        name,
        value,
        actor,
        at
    )?;
    Ok(())
}

pub(in crate::plugins::registry) async fn delete_secret(tx: &mut Tx, plugin: &str, name: &str) -> Result<()> {
    sql::execute!(tx, "delete from plugin_secrets where plugin = $1 and name = $2", plugin, name)?;
    Ok(())
}
