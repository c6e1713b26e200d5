//! Tags of products.

use uuid::Uuid;

use crate::db::{Conn, Result, Tx, sql};

/// Sorted here: the databases have alphabets of their own, and what is folded is compared with this.
pub(in crate::catalog) async fn tags_of(conn: &mut Conn, product_id: Uuid) -> Result<Vec<String>> {
    let rows = sql::all!(conn, (String,), "select tag from product_tags where product_id = $1", product_id)?;
    let mut tags: Vec<_> = rows.into_iter().map(|(tag,)| tag).collect();
    tags.sort();
    Ok(tags)
}

pub(in crate::catalog) async fn delete_tags(tx: &mut Tx, product_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from product_tags where product_id = $1", product_id)?;
    Ok(())
}

pub(in crate::catalog) async fn insert_tag(tx: &mut Tx, product_id: Uuid, tag: &str) -> Result<()> {
    sql::execute!(tx, "insert into product_tags (product_id, tag) values ($1, $2)", product_id, tag)?;
    Ok(())
}
