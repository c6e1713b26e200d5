//! Drafts.

use uuid::Uuid;

use crate::accounts::Email;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};
use crate::orders::drafts::{Draft, Wishes};

#[derive(FromRow)]
struct DraftRow {
    id: Uuid,
    wishes: Json<Wishes>,
    actor: String,
    order_id: Option<Uuid>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

impl From<DraftRow> for Draft {
    fn from(row: DraftRow) -> Self {
        Self {
            id: row.id,
            wishes: row.wishes.0,
            actor: row.actor,
            order_id: row.order_id,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

pub(in crate::orders) async fn insert(tx: &mut Tx, draft: &Draft) -> Result<()> {
    sql::execute!(
        tx,
        "insert into drafts (id, wishes, customer_id, email_key, actor, version, created_at, updated_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8)",
        draft.id,
        Json(&draft.wishes),
        draft.wishes.customer_id,
        draft.wishes.email.as_deref().map(Email::key_of),
        draft.actor.as_str(),
        draft.version,
        draft.created_at,
        draft.updated_at
    )?;
    Ok(())
}

pub(in crate::orders) async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<Draft>> {
    let row = sql::optional!(
        conn,
        DraftRow,
        "select id, wishes, actor, order_id, version, created_at, updated_at from drafts where id = $1",
        id
    )?;
    Ok(row.map(Draft::from))
}

pub(in crate::orders) async fn list(
    conn: &mut Conn,
    before: Moment,
    before_id: Uuid,
    limit: i64,
) -> Result<Vec<Draft>> {
    let rows = sql::all!(
        conn,
        DraftRow,
        "select id, wishes, actor, order_id, version, created_at, updated_at from drafts
         where (created_at, id) < ($1, $2) order by created_at desc, id desc limit $3",
        before,
        before_id,
        limit
    )?;
    Ok(rows.into_iter().map(Draft::from).collect())
}

/// Writes an open draft unless it changed since its version was read.
pub(in crate::orders) async fn update(tx: &mut Tx, draft: &Draft) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update drafts set wishes = $3, customer_id = $5, email_key = $6, updated_at = $4, version = version + 1
         where id = $1 and version = $2 and order_id is null",
        draft.id,
        draft.version,
        Json(&draft.wishes),
        draft.updated_at,
        draft.wishes.customer_id,
        draft.wishes.email.as_deref().map(Email::key_of)
    )?;
    Ok(changed == 1)
}

/// Turns an open draft into the order, once.
pub(in crate::orders) async fn close(tx: &mut Tx, id: Uuid, version: i64, order_id: Uuid, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update drafts set order_id = $3, updated_at = $4, version = version + 1
         where id = $1 and version = $2 and order_id is null",
        id,
        version,
        order_id,
        now
    )?;
    Ok(changed == 1)
}

pub(in crate::orders) async fn delete(tx: &mut Tx, id: Uuid, version: i64) -> Result<bool> {
    let deleted =
        sql::execute!(tx, "delete from drafts where id = $1 and version = $2 and order_id is null", id, version)?;
    Ok(deleted == 1)
}
