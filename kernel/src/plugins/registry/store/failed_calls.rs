//! All the SQL of calls that failed.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};
use crate::plugins::CallFile;
use crate::plugins::registry::KeptCall;

#[derive(FromRow)]
struct Row {
    id: Uuid,
    plugin: String,
    version: String,
    digest: String,
    domain: String,
    function: String,
    code: String,
    fault: String,
    failed_at: Moment,
}

impl Row {
    /// The column's own check allows no other domain.
    fn into_kept(self) -> Option<KeptCall> {
        Some(KeptCall {
            id: self.id,
            plugin: self.plugin,
            version: self.version,
            digest: self.digest,
            domain: self.domain.parse().ok()?,
            function: self.function,
            code: self.code,
            fault: self.fault,
            failed_at: self.failed_at,
        })
    }
}

/// `text` is the file.
pub(in crate::plugins::registry) async fn insert(
    tx: &mut Tx,
    file: &CallFile,
    text: &str,
    subjects: &[String],
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into failed_calls (id, plugin, version, digest, domain, function, code, fault, failed_at, call)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        file.id,
        file.plugin.name.as_str(),
        file.plugin.version.as_str(),
        file.plugin.digest.as_str(),
        file.domain.name(),
        file.function.as_str(),
        file.fault.code.as_str(),
        file.fault.text.as_str(),
        file.failed_at,
        text
    )?;
    for subject in subjects {
        sql::execute!(
            tx,
            "insert into failed_call_subjects (subject, call_id) values ($1, $2)",
            subject.as_str(),
            file.id
        )?;
    }
    Ok(())
}

/// Leaves the newest calls of a plugin.
pub(in crate::plugins::registry) async fn keep_newest(tx: &mut Tx, plugin: &str, keep: i64) -> Result<()> {
    sql::execute!(
        tx,
        "delete from failed_calls where plugin = $1
         and id not in (select id from failed_calls where plugin = $1 order by id desc limit $2)",
        plugin,
        keep
    )?;
    Ok(())
}

pub(in crate::plugins::registry) async fn delete_before(tx: &mut Tx, moment: Moment) -> Result<u64> {
    sql::execute!(tx, "delete from failed_calls where failed_at < $1", moment)
}

pub(in crate::plugins::registry) async fn delete_about(tx: &mut Tx, subject: &str) -> Result<()> {
    sql::execute!(
        tx,
        "delete from failed_calls where id in (select call_id from failed_call_subjects where subject = $1)",
        subject
    )?;
    Ok(())
}

/// Those before `before`, the newest first.
pub(in crate::plugins::registry) async fn list(
    conn: &mut Conn,
    plugin: &str,
    before: Uuid,
    limit: i64,
) -> Result<Vec<KeptCall>> {
    let rows = sql::all!(
        conn,
        Row,
        "select id, plugin, version, digest, domain, function, code, fault, failed_at
         from failed_calls where plugin = $1 and id < $2 order by id desc limit $3",
        plugin,
        before,
        limit
    )?;
    Ok(rows.into_iter().filter_map(Row::into_kept).collect())
}

/// The text of the file.
pub(in crate::plugins::registry) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<String>> {
    let row = sql::optional!(conn, (String,), "select call from failed_calls where id = $1", id)?;
    Ok(row.map(|(call,)| call))
}
