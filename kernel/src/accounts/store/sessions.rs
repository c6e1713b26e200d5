//! The sessions of a customer, as the customer sees them.

use uuid::Uuid;

use crate::accounts::sessions::Session;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, Tx, sql};

#[derive(FromRow)]
struct SessionRow {
    id: Uuid,
    user_agent: String,
    network: String,
    created_at: Moment,
    last_used_at: Moment,
    expires_at: Moment,
}

/// Those that live, the newest first, from `before` on.
pub(in crate::accounts) async fn list(
    conn: &mut Conn,
    customer_id: Uuid,
    before: Uuid,
    now: Moment,
    limit: i64,
) -> Result<Vec<Session>> {
    let rows = sql::all!(
        conn,
        SessionRow,
        "select id, user_agent, network, created_at, last_used_at, expires_at from sessions
         where customer_id = $1 and id < $2 and revoked_at is null and expires_at > $3 order by id desc limit $4",
        customer_id,
        before,
        now,
        limit
    )?;
    let session = |row: SessionRow| Session {
        id: row.id,
        user_agent: row.user_agent,
        network: row.network,
        created_at: row.created_at,
        last_used_at: row.last_used_at,
        expires_at: row.expires_at,
    };
    Ok(rows.into_iter().map(session).collect())
}

/// False where the customer has no such session that lives.
pub(in crate::accounts) async fn revoke_of(tx: &mut Tx, customer_id: Uuid, id: Uuid, now: Moment) -> Result<bool> {
    let changed = sql::execute!(
        tx,
        "update sessions set revoked_at = $3
         where id = $1 and customer_id = $2 and revoked_at is null and expires_at > $3",
        id,
        customer_id,
        now
    )?;
    Ok(changed == 1)
}

pub(in crate::accounts) async fn touch(tx: &mut Tx, id: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "update sessions set last_used_at = $2 where id = $1", id, now)?;
    Ok(())
}
