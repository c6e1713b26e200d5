//! All the SQL of the audit log.

use uuid::Uuid;

use super::{Attempt, Body, Entry, Filter};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct EntryRow {
    id: Uuid,
    actor_kind: String,
    actor_id: Option<Uuid>,
    operation: String,
    method: String,
    path: String,
    subject: Option<String>,
    address: Option<String>,
    request_id: Option<String>,
    body: Option<String>,
    body_bytes: i64,
    body_sha256: Option<String>,
    status: Option<i64>,
    begun_at: Moment,
    finished_at: Option<Moment>,
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            actor_kind: row.actor_kind,
            actor_id: row.actor_id,
            operation: row.operation,
            method: row.method,
            path: row.path,
            subject: row.subject,
            address: row.address,
            request_id: row.request_id,
            body: Body { text: row.body, bytes: row.body_bytes, sha256: row.body_sha256 },
            status: row.status,
            begun_at: row.begun_at,
            finished_at: row.finished_at,
        }
    }
}

pub(super) async fn insert(tx: &mut Tx, id: Uuid, attempt: &Attempt, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "insert into audit_entries (id, actor_kind, actor_id, operation, method, path, subject, address, request_id, body,
                                    body_bytes, body_sha256, begun_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        id,
        attempt.actor.kind(),
        attempt.actor.id(),
        attempt.operation.as_str(),
        attempt.method.as_str(),
        attempt.path.as_str(),
        attempt.subject.as_deref(),
        attempt.address.as_deref(),
        attempt.request_id.as_deref(),
        attempt.body.text.as_deref(),
        attempt.body.bytes,
        attempt.body.sha256.as_deref(),
        now
    )?;
    Ok(())
}

/// Of what was refused no body is kept: it made nothing by which it could be found when the person in it is forgotten.
pub(super) async fn finish(tx: &mut Tx, id: Uuid, status: i64, made: Option<&str>, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update audit_entries set status = $2, finished_at = $3, subject = coalesce(subject, cast($4 as text)),
                body = case when $5 then body else null end
         where id = $1 and finished_at is null",
        id,
        status,
        now,
        made,
        status < 400
    )?;
    Ok(())
}

/// Three texts for three indexes: what was done to an object, by someone, and at all. The other filters are held against the rows that
/// the index finds.
pub(super) async fn list(
    conn: &mut Conn,
    filter: &Filter,
    since: Uuid,
    before: Uuid,
    limit: i64,
) -> Result<Vec<Entry>> {
    let (operation, status) = (filter.operation.as_deref(), filter.status);
    let rows = match (filter.subject.as_deref(), filter.actor_id) {
        (Some(subject), actor_id) => sql::all!(
            conn,
            EntryRow,
            "select id, actor_kind, actor_id, operation, method, path, subject, address, request_id, body, body_bytes, body_sha256,
                    status, begun_at, finished_at
             from audit_entries where subject = $6 and id >= $1 and id < $2
               and (cast($3 as text) is null or operation = $3) and (cast($4 as bigint) is null or status = $4)
               and ($7 = 0 or actor_id = $8)
             order by id desc limit $5",
            since,
            before,
            operation,
            status,
            limit,
            subject,
            i64::from(actor_id.is_some()),
            actor_id.unwrap_or(Uuid::nil())
        )?,
        (None, Some(actor_id)) => sql::all!(
            conn,
            EntryRow,
            "select id, actor_kind, actor_id, operation, method, path, subject, address, request_id, body, body_bytes, body_sha256,
                    status, begun_at, finished_at
             from audit_entries where actor_id = $6 and id >= $1 and id < $2
               and (cast($3 as text) is null or operation = $3) and (cast($4 as bigint) is null or status = $4)
             order by id desc limit $5",
            since,
            before,
            operation,
            status,
            limit,
            actor_id
        )?,
        (None, None) => sql::all!(
            conn,
            EntryRow,
            "select id, actor_kind, actor_id, operation, method, path, subject, address, request_id, body, body_bytes, body_sha256,
                    status, begun_at, finished_at
             from audit_entries where id >= $1 and id < $2
               and (cast($3 as text) is null or operation = $3) and (cast($4 as bigint) is null or status = $4)
             order by id desc limit $5",
            since,
            before,
            operation,
            status,
            limit
        )?,
    };
    Ok(rows.into_iter().map(Entry::from).collect())
}

pub(super) async fn forget_bodies(tx: &mut Tx, subject: &str) -> Result<()> {
    sql::execute!(tx, "update audit_entries set body = null where subject = $1", subject)?;
    Ok(())
}

pub(super) async fn forget_addresses(tx: &mut Tx, actor_id: Uuid) -> Result<()> {
    sql::execute!(tx, "update audit_entries set address = null where actor_id = $1", actor_id)?;
    Ok(())
}

pub(super) async fn delete_before(tx: &mut Tx, before: Uuid, limit: i64) -> Result<u64> {
    sql::execute!(
        tx,
        "delete from audit_entries where id in (select id from audit_entries where id < $1 order by id limit $2)",
        before,
        limit
    )
}
