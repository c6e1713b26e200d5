//! What products and variants are called, of many at once.

use uuid::Uuid;

use crate::catalog::ProductOption;
use crate::db::{Built, Conn, FromRow, Json, Result};

/// What the title of a variant is made of.
#[derive(FromRow)]
pub(in crate::catalog) struct NamedVariant {
    pub id: Uuid,
    pub product_id: Uuid,
    pub sku: String,
    pub title: String,
    pub options: String,
    pub product_title: String,
}

pub(in crate::catalog) async fn named_variants(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<NamedVariant>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut built = Built::new(
        "select v.id, v.product_id, v.sku, v.title, v.options, p.title as product_title
         from variants v join products p on p.id = v.product_id where v.id in (",
    );
    built.bind_all(ids.iter().copied()).push(")");
    built.all(conn).await
}

/// By the id of the product.
pub(in crate::catalog) async fn options_of(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<(Uuid, Vec<ProductOption>)>> {
    let mut built = Built::new("select id, options from products where id in (");
    built.bind_all(ids.iter().copied()).push(")");
    let rows: Vec<(Uuid, Json<Vec<ProductOption>>)> = built.all(conn).await?;
    Ok(rows.into_iter().map(|(id, options)| (id, options.0)).collect())
}

/// Id, language, field and text of what lists show of products, in these languages.
pub(in crate::catalog) async fn names_of(
    conn: &mut Conn,
    ids: &[Uuid],
    locales: &[String],
) -> Result<Vec<(String, String, String, String)>> {
    let mut built = Built::new(
        "select entity_id, locale, field, value from translations
         where entity = 'product' and (field = 'title' or field like 'options.%' or field like 'variants.%'
               or field like 'images.%') and entity_id in (",
    );
    built.bind_all(ids.iter().map(Uuid::to_string)).push(") and locale in (").bind_all(locales).push(")");
    built.all(conn).await
}
