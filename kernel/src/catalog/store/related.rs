//! Products that belong to another.

use uuid::Uuid;

use crate::catalog::{RelatedProduct, Relation};
use crate::db::{Conn, Result, Tx, sql};

pub(in crate::catalog) async fn related_of(conn: &mut Conn, product_id: Uuid) -> Result<Vec<RelatedProduct>> {
    let rows = sql::all!(
        conn,
        (String, Uuid, String, String, String),
        "select r.kind, p.id, p.slug, p.title, p.status from related_products r join products p on p.id = r.related_id
         where r.product_id = $1 order by r.position",
        product_id
    )?;
    let related = |(kind, id, slug, title, status): (String, Uuid, String, String, String)| RelatedProduct {
        relation: Relation::parse(&kind),
        id,
        slug,
        title,
        active: status == "active",
    };
    Ok(rows.into_iter().map(related).collect())
}

/// Products that have others beside them.
pub(in crate::catalog) async fn ids_with_related_after(conn: &mut Conn, after: Uuid, limit: u32) -> Result<Vec<Uuid>> {
    let rows = sql::all!(
        conn,
        (Uuid,),
        "select distinct product_id from related_products where product_id > $1 order by product_id limit $2",
        after,
        i64::from(limit)
    )?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

pub(in crate::catalog) async fn delete_related(tx: &mut Tx, product_id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from related_products where product_id = $1", product_id)?;
    Ok(())
}

pub(in crate::catalog) async fn insert_related(
    tx: &mut Tx,
    product_id: Uuid,
    relation: Relation,
    related_id: Uuid,
    position: i64,
) -> Result<()> {
    sql::execute!(
        tx,
        "insert into related_products (product_id, kind, related_id, position) values ($1, $2, $3, $4)",
        product_id,
        relation.as_str(),
        related_id,
        position
    )?;
    Ok(())
}
