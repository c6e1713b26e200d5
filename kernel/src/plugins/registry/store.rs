//! All the SQL of plugins, bindings and the plugins' kv.

pub(super) mod failed_calls;
pub(super) mod grants;

use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Binding, BoundPlugin, PluginVersion};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::plugins::conformance::Report;
use crate::plugins::{Digest, Domain, Signature};

#[derive(FromRow)]
struct VersionRow {
    package: String,
    signature: Option<String>,
    from_kernel: bool,
    conformance: Option<String>,
    uploaded_at: Moment,
}

/// Only what this kernel wrote is in these columns; a row that it cannot read belongs to a newer one and is passed over.
impl VersionRow {
    fn into_version(self) -> Option<PluginVersion> {
        Some(PluginVersion {
            package: serde_json::from_str(&self.package).ok()?,
            signature: self.signature.and_then(|signature| serde_json::from_str(&signature).ok()),
            from_kernel: self.from_kernel,
            conformance: self.conformance.and_then(|report| serde_json::from_str(&report).ok()),
            uploaded_at: self.uploaded_at,
        })
    }
}

pub(super) async fn insert_version(tx: &mut Tx, version: &PluginVersion, report: Option<&Report>) -> Result<()> {
    let package = &version.package;
    sql::execute!(
        tx,
        "insert into plugin_versions
             (digest, name, version, domain, package, signature, from_kernel, conformance, uploaded_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        package.digest.to_string(),
        package.name(),
        package.version(),
        package.domain.name(),
        serde_json::to_string(package).unwrap_or_default(),
        version.signature.as_ref().map(json_of),
        version.from_kernel,
        report.map(json_of),
        version.uploaded_at
    )?;
    Ok(())
}

/// Puts a signature in the place of `former`; false where there is another by now.
pub(super) async fn put_signature(
    tx: &mut Tx,
    plugin: Digest,
    former: Option<&Signature>,
    signature: &Signature,
) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update plugin_versions set signature = $3 where digest = $1 and coalesce(signature, '') = $2",
        plugin.to_string(),
        former.map(json_of).unwrap_or_default(),
        json_of(signature)
    )?;
    Ok(changed == 1)
}

fn json_of(value: &impl Serialize) -> String {
    // What is kept here always has a JSON form.
    serde_json::to_string(value).unwrap_or_default()
}

pub(super) async fn conformance_of(conn: &mut Conn, name: &str, version: &str) -> Result<Option<Report>> {
    let row = sql::optional!(
        conn,
        (Option<String>,),
        "select conformance from plugin_versions where name = $1 and version = $2",
        name,
        version
    )?;
    Ok(row.and_then(|(report,)| report).and_then(|report| serde_json::from_str(&report).ok()))
}

pub(super) async fn find_version(conn: &mut Conn, name: &str, version: &str) -> Result<Option<PluginVersion>> {
    let row = sql::optional!(
        conn,
        VersionRow,
        "select package, signature, from_kernel, conformance, uploaded_at from plugin_versions
         where name = $1 and version = $2",
        name,
        version
    )?;
    Ok(row.and_then(VersionRow::into_version))
}

pub(super) async fn version_of(conn: &mut Conn, digest: Digest) -> Result<Option<PluginVersion>> {
    let row = sql::optional!(
        conn,
        VersionRow,
        "select package, signature, from_kernel, conformance, uploaded_at from plugin_versions where digest = $1",
        digest.to_string()
    )?;
    Ok(row.and_then(VersionRow::into_version))
}

pub(super) async fn newest_version(conn: &mut Conn, name: &str) -> Result<Option<PluginVersion>> {
    let row = sql::optional!(
        conn,
        VersionRow,
        "select package, signature, from_kernel, conformance, uploaded_at from plugin_versions
         where name = $1 order by uploaded_at desc limit 1",
        name
    )?;
    Ok(row.and_then(VersionRow::into_version))
}

/// Every version of a plugin, the newest upload first.
pub(super) async fn versions_of(conn: &mut Conn, name: &str) -> Result<Vec<PluginVersion>> {
    let rows = sql::all!(
        conn,
        VersionRow,
        "select package, signature, from_kernel, conformance, uploaded_at from plugin_versions
         where name = $1 order by uploaded_at desc",
        name
    )?;
    Ok(rows.into_iter().filter_map(VersionRow::into_version).collect())
}

pub(super) async fn all_versions(conn: &mut Conn) -> Result<Vec<PluginVersion>> {
    let rows = sql::all!(
        conn,
        VersionRow,
        "select package, signature, from_kernel, conformance, uploaded_at from plugin_versions
         order by name, uploaded_at desc"
    )?;
    Ok(rows.into_iter().filter_map(VersionRow::into_version).collect())
}

#[derive(FromRow)]
struct BindingRow {
    domain: String,
    generation: i64,
    plugins: String,
    rolled_back_to: Option<i64>,
    actor: String,
    created_at: Moment,
}

impl BindingRow {
    fn into_binding(self) -> Option<Binding> {
        Some(Binding {
            domain: self.domain.parse().ok()?,
            generation: self.generation,
            plugins: serde_json::from_str::<Vec<BoundPlugin>>(&self.plugins).ok()?,
            rolled_back_to: self.rolled_back_to,
            actor: self.actor,
            created_at: self.created_at,
        })
    }
}

pub(super) async fn insert_binding(tx: &mut Tx, binding: &Binding) -> Result<()> {
    let plugins = serde_json::to_value(&binding.plugins).unwrap_or(Value::Null);
    sql::execute!(
        tx,
        "insert into bindings (domain, generation, plugins, rolled_back_to, actor, created_at)
         values ($1, $2, $3, $4, $5, $6)",
        binding.domain.name(),
        binding.generation,
        plugins.to_string(),
        binding.rolled_back_to,
        binding.actor.as_str(),
        binding.created_at
    )?;
    Ok(())
}

pub(super) async fn current_bindings(conn: &mut Conn) -> Result<Vec<Binding>> {
    let rows = sql::all!(
        conn,
        BindingRow,
        "select domain, generation, plugins, rolled_back_to, actor, created_at from bindings b
         where generation = (select max(generation) from bindings where domain = b.domain) order by domain"
    )?;
    Ok(rows.into_iter().filter_map(BindingRow::into_binding).collect())
}

pub(super) async fn current_binding(conn: &mut Conn, domain: Domain) -> Result<Option<Binding>> {
    binding_before(conn, domain, i64::MAX).await
}

/// The newest binding of `domain` before `generation` in whose text `name` stands as a name.
pub(super) async fn binding_naming(
    conn: &mut Conn,
    domain: Domain,
    name: &str,
    generation: i64,
) -> Result<Option<Binding>> {
    // Names have no character that means something in a pattern.
    let pattern = format!("%\"name\":\"{name}\"%");
    let row = sql::optional!(
        conn,
        BindingRow,
        "select domain, generation, plugins, rolled_back_to, actor, created_at from bindings
         where domain = $1 and generation < $2 and plugins like $3 order by generation desc limit 1",
        domain.name(),
        generation,
        pattern.as_str()
    )?;
    Ok(row.and_then(BindingRow::into_binding))
}

pub(super) async fn binding_before(conn: &mut Conn, domain: Domain, generation: i64) -> Result<Option<Binding>> {
    let row = sql::optional!(
        conn,
        BindingRow,
        "select domain, generation, plugins, rolled_back_to, actor, created_at from bindings
         where domain = $1 and generation < $2 order by generation desc limit 1",
        domain.name(),
        generation
    )?;
    Ok(row.and_then(BindingRow::into_binding))
}

/// At most `limit` bindings of `domain` before `generation`, the newest first.
pub(super) async fn bindings_before(
    conn: &mut Conn,
    domain: Domain,
    generation: i64,
    limit: u32,
) -> Result<Vec<Binding>> {
    let rows = sql::all!(
        conn,
        BindingRow,
        "select domain, generation, plugins, rolled_back_to, actor, created_at from bindings
         where domain = $1 and generation < $2 order by generation desc limit $3",
        domain.name(),
        generation,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().filter_map(BindingRow::into_binding).collect())
}

/// A rollout of payments, as far as it decides who goes on with what was begun in it.
pub(super) struct InRollout {
    pub candidate: Vec<BoundPlugin>,
    pub base_generation: i64,
    pub came_in_force: bool,
    /// It came in force, and the binding went back to one from before.
    pub was_taken_back: bool,
    pub ended: bool,
}

pub(super) async fn rollout_of_payment(conn: &mut Conn, id: Uuid) -> Result<Option<InRollout>> {
    let row = sql::optional!(
        conn,
        (String, i64, Option<i64>, Option<Moment>, i64),
        "select candidate, base_generation, generation, ended_at,
                (select count(*) from bindings b
                 where b.domain = rollouts.domain and b.generation > rollouts.generation
                   and b.rolled_back_to < rollouts.generation)
         from rollouts where id = $1",
        id
    )?;
    Ok(row.and_then(|(candidate, base_generation, generation, ended_at, back)| {
        let candidate = serde_json::from_str(&candidate).ok()?;
        let (came_in_force, was_taken_back, ended) = (generation.is_some(), back > 0, ended_at.is_some());
        Some(InRollout { candidate, base_generation, came_in_force, was_taken_back, ended })
    }))
}

/// The candidate of the newest rollout of `domain` in whose text `name` stands as a name; rather of one that answered shoppers.
pub(super) async fn candidate_naming(conn: &mut Conn, domain: Domain, name: &str) -> Result<Option<Vec<BoundPlugin>>> {
    // Names have no character that means something in a pattern.
    let pattern = format!("%\"name\":\"{name}\"%");
    let row = sql::optional!(
        conn,
        (String,),
        "select candidate from rollouts where domain = $1 and candidate like $2
         order by case when stage = 'shadow' then 1 else 0 end, id desc limit 1",
        domain.name(),
        pattern.as_str()
    )?;
    Ok(row.and_then(|(candidate,)| serde_json::from_str(&candidate).ok()))
}

/// What a plugin keeps in all. A sum over its keys would make each write dearer than the one before.
pub(super) struct KvUsage {
    pub keys: i64,
    pub bytes: i64,
}

/// Reads what the plugin keeps, and makes the writers of one plugin's kv queue, so that two of them cannot pass the quota
/// together. On SQLite the transaction does so already.
pub(super) async fn lock_kv(tx: &mut Tx, plugin: &str) -> Result<KvUsage> {
    let (keys, bytes) = sql::one!(
        tx,
        (i64, i64),
        "insert into plugin_kv_usage (plugin, keys, bytes) values ($1, 0, 0)
         on conflict (plugin) do update set keys = plugin_kv_usage.keys
         returning keys, bytes",
        plugin
    )?;
    Ok(KvUsage { keys, bytes })
}

pub(super) async fn put_kv_usage(tx: &mut Tx, plugin: &str, usage: &KvUsage) -> Result<()> {
    sql::execute!(
        tx,
        "update plugin_kv_usage set keys = $2, bytes = $3 where plugin = $1",
        plugin,
        usage.keys,
        usage.bytes
    )?;
    Ok(())
}

/// Bytes of a key with its value.
pub(super) async fn kv_size(conn: &mut Conn, plugin: &str, key: &str) -> Result<Option<i64>> {
    let row = sql::optional!(
        conn,
        (i64,),
        "select cast(octet_length(key) + octet_length(value) as bigint) from plugin_kv where plugin = $1 and key = $2",
        plugin,
        key
    )?;
    Ok(row.map(|(size,)| size))
}

pub(super) async fn get_kv(conn: &mut Conn, plugin: &str, key: &str) -> Result<Option<Vec<u8>>> {
    let row =
        sql::optional!(conn, (Vec<u8>,), "select value from plugin_kv where plugin = $1 and key = $2", plugin, key)?;
    Ok(row.map(|(value,)| value))
}

pub(super) async fn put_kv(tx: &mut Tx, plugin: &str, key: &str, value: &[u8]) -> Result<()> {
    sql::execute!(
        tx,
        "insert into plugin_kv (plugin, key, value) values ($1, $2, $3)
         on conflict (plugin, key) do update set value = excluded.value",
        plugin,
        key,
        value
    )?;
    Ok(())
}

pub(super) async fn delete_kv(tx: &mut Tx, plugin: &str, key: &str) -> Result<()> {
    sql::execute!(tx, "delete from plugin_kv where plugin = $1 and key = $2", plugin, key)?;
    Ok(())
}
