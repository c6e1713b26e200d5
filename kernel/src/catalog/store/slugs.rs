//! Slugs that were.

use uuid::Uuid;

use crate::catalog::slugs::SlugOf;
use crate::clock::Moment;
use crate::db::{Conn, Result, Tx, sql};

pub(in crate::catalog) async fn put_redirect(
    tx: &mut Tx,
    of: SlugOf,
    slug: &str,
    target: Uuid,
    now: Moment,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into slug_redirects (kind, slug, target_id, created_at) values ($1, $2, $3, $4)
         on conflict (kind, slug) do update set target_id = excluded.target_id, created_at = excluded.created_at",
        of.as_str(),
        slug,
        target,
        now
    )?;
    Ok(())
}

pub(in crate::catalog) async fn delete_redirect(tx: &mut Tx, of: SlugOf, slug: &str) -> Result<()> {
    sql::execute!(tx, "delete from slug_redirects where kind = $1 and slug = $2", of.as_str(), slug)?;
    Ok(())
}

pub(in crate::catalog) async fn delete_redirects_to(tx: &mut Tx, target: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from slug_redirects where target_id = $1", target)?;
    Ok(())
}

pub(in crate::catalog) async fn find_redirect(conn: &mut Conn, of: SlugOf, slug: &str) -> Result<Option<Uuid>> {
    let row = sql::optional!(
        conn,
        (Uuid,),
        "select target_id from slug_redirects where kind = $1 and slug = $2",
        of.as_str(),
        slug
    )?;
    Ok(row.map(|(target,)| target))
}
