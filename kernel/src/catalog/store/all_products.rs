//! Every product, as the merchant lists them.

use uuid::Uuid;

use crate::catalog::Status;
use crate::catalog::all_products::{AllFilter, AllSort, Entry};
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result};

#[derive(FromRow)]
struct EntryRow {
    id: Uuid,
    slug: String,
    title: String,
    vendor: String,
    status: String,
    category_id: Option<Uuid>,
    type_code: Option<String>,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
    variants: i64,
    available: i64,
}

impl From<EntryRow> for Entry {
    fn from(row: EntryRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            title: row.title,
            vendor: row.vendor,
            status: Status::parse(&row.status),
            category_id: row.category_id,
            type_code: row.type_code,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            variants: row.variants,
            available: row.available,
        }
    }
}

/// Behind the product that was changed then and has this id. The moment matters where they are sorted by it.
pub(in crate::catalog) async fn list_all(
    conn: &mut Conn,
    filter: &AllFilter,
    sort: AllSort,
    (updated_at, id): (Moment, Uuid),
    limit: i64,
) -> Result<Vec<Entry>> {
    let mut sql = Built::new(
        "select p.id, p.slug, p.title, p.vendor, p.status, p.category_id, p.type_code, p.version, p.created_at, p.updated_at,
                (select count(*) from variants v where v.product_id = p.id) as variants,
                (select cast(coalesce(sum(s.available), 0) as bigint)
                 from variants v join stock_items s on s.variant_id = v.id where v.product_id = p.id) as available
         from products p where true",
    );
    if let Some(status) = filter.status {
        sql.push(" and p.status = ").bind(status.as_str());
    }
    if let Some(category_id) = filter.category_id {
        sql.push(" and p.category_id = ").bind(category_id);
    }
    if let Some(code) = &filter.type_code {
        sql.push(" and p.type_code = ").bind(code);
    }
    for (from, to) in &filter.labels {
        sql.push(" and p.id in (select product_id from search_labels where term >= ").bind(from);
        sql.push(" and term < ").bind(to).push(")");
    }
    match sort {
        AllSort::Newest => sql.push(" and p.id < ").bind(id).push(" order by p.id desc"),
        AllSort::Oldest => sql.push(" and p.id > ").bind(id).push(" order by p.id"),
        AllSort::Updated => {
            sql.push(" and (p.updated_at, p.id) < (").bind(updated_at).push(", ").bind(id);
            sql.push(") order by p.updated_at desc, p.id desc")
        }
    };
    sql.push(" limit ").bind(limit);
    let rows: Vec<EntryRow> = sql.all(conn).await?;
    Ok(rows.into_iter().map(Entry::from).collect())
}
