//! The SQL of what is done once.

use uuid::Uuid;

use crate::clock::Moment;
use crate::db::{Conn, Result, Tx, sql};

pub(super) async fn find(conn: &mut Conn, digest: &[u8]) -> Result<Option<Uuid>> {
    let row = sql::optional!(conn, (Uuid,), "select made from done_once where key_hash = $1", digest)?;
    Ok(row.map(|(made,)| made))
}

pub(super) async fn insert(tx: &mut Tx, digest: &[u8], made: Uuid, now: Moment) -> Result<()> {
    sql::execute!(tx, "insert into done_once (key_hash, made, done_at) values ($1, $2, $3)", digest, made, now)?;
    Ok(())
}

pub(super) async fn delete(tx: &mut Tx, before: Moment, rows: i64) -> Result<u64> {
    sql::execute!(
        tx,
        "delete from done_once where key_hash in
         (select key_hash from done_once where done_at < $1 order by done_at limit $2)",
        before,
        rows
    )
}
