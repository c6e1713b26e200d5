//! What shoppers read. Product and variants come in one statement, so that a page costs one round trip and all of it
//! belongs to the same moment. The columns of the product repeat for each variant; descriptions, which are long, stay
//! out of lists.

use uuid::Uuid;

use super::prices::{PriceRow, applying_price, price_columns};
use crate::catalog::listing::{ListedProduct, ListedVariant, PageKey};
use crate::catalog::prices::PriceContext;
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Result, sql};

#[derive(FromRow)]
struct ListedRow {
    id: Uuid,
    slug: String,
    title: String,
    description: String,
    vendor: String,
    status: String,
    created_at: Moment,
    updated_at: Moment,
    category_path: Option<String>,
    variant_id: Option<Uuid>,
    sku: Option<String>,
    variant_title: Option<String>,
    #[sqlx(flatten)]
    price: PriceRow,
    weight_grams: Option<i64>,
    available: Option<i64>,
}

impl ListedRow {
    /// None for a product without variants.
    fn take_variant(&mut self, context: &PriceContext) -> Option<ListedVariant> {
        Some(ListedVariant {
            id: self.variant_id?,
            sku: self.sku.take()?,
            title: self.variant_title.take()?,
            price: std::mem::take(&mut self.price).applying(context),
            weight_grams: self.weight_grams?,
            available: self.available?,
        })
    }
}

/// Rows of one product stand together.
fn group(rows: Vec<ListedRow>, context: &PriceContext) -> Vec<ListedProduct> {
    let mut products: Vec<ListedProduct> = Vec::new();
    for mut row in rows {
        let variant = row.take_variant(context);
        if products.last().is_none_or(|product| product.id != row.id) {
            products.push(ListedProduct {
                id: row.id,
                slug: row.slug,
                title: row.title,
                description: row.description,
                vendor: row.vendor,
                category_path: row.category_path,
                created_at: row.created_at,
                updated_at: row.updated_at,
                variants: Vec::new(),
            });
        }
        if let Some(product) = products.last_mut() {
            product.variants.extend(variant);
        }
    }
    products
}

/// Walks products_by_age from the key on, until the page is full.
pub(in crate::catalog) async fn list_all(
    conn: &mut Conn,
    context: &PriceContext,
    (created_before, id_before): PageKey,
    pattern: &str,
    limit: u32,
) -> Result<Vec<ListedProduct>> {
    let rows = sql::all!(
        conn,
        ListedRow,
        concat!(
            "select p.id, p.slug, p.title, '' as description, p.vendor, p.status, p.created_at, p.updated_at,
                    c.path as category_path, v.id as variant_id, v.sku, v.title as variant_title, v.weight_grams,
                    s.on_hand - s.reserved as available, ",
            price_columns!(),
            " from (select id, slug, title, vendor, status, category_id, created_at, updated_at from products
                   where status = 'active' and (created_at, id) < ($4, $5) and search_text like $6 escape '\\'
                   order by created_at desc, id desc limit $7) p
             left join categories c on c.id = p.category_id
             left join variants v on v.product_id = p.id
             left join stock_levels s on s.variant_id = v.id",
            applying_price!(),
            "order by p.created_at desc, p.id desc, v.position, v.id"
        ),
        context.currency.code(),
        context.group.as_deref(),
        context.at,
        created_before,
        id_before,
        pattern,
        i64::from(limit)
    )?;
    Ok(group(rows, context))
}

/// The same within one category: walks products_by_category. Statements of their own, here and below: with an `or $5
/// is null` neither planner would use an index.
pub(in crate::catalog) async fn list_in_category(
    conn: &mut Conn,
    context: &PriceContext,
    (created_before, id_before): PageKey,
    pattern: &str,
    category_id: Uuid,
    limit: u32,
) -> Result<Vec<ListedProduct>> {
    let rows = sql::all!(
        conn,
        ListedRow,
        concat!(
            "select p.id, p.slug, p.title, '' as description, p.vendor, p.status, p.created_at, p.updated_at,
                    c.path as category_path, v.id as variant_id, v.sku, v.title as variant_title, v.weight_grams,
                    s.on_hand - s.reserved as available, ",
            price_columns!(),
            " from (select id, slug, title, vendor, status, category_id, created_at, updated_at from products
                   where category_id = $8 and status = 'active' and (created_at, id) < ($4, $5)
                     and search_text like $6 escape '\\'
                   order by created_at desc, id desc limit $7) p
             left join categories c on c.id = p.category_id
             left join variants v on v.product_id = p.id
             left join stock_levels s on s.variant_id = v.id",
            applying_price!(),
            "order by p.created_at desc, p.id desc, v.position, v.id"
        ),
        context.currency.code(),
        context.group.as_deref(),
        context.at,
        created_before,
        id_before,
        pattern,
        i64::from(limit),
        category_id
    )?;
    Ok(group(rows, context))
}

/// The same within a category and all that is below it: walks products_by_age, and passes over what is elsewhere.
pub(in crate::catalog) async fn list_in_subtree(
    conn: &mut Conn,
    context: &PriceContext,
    (created_before, id_before): PageKey,
    pattern: &str,
    path: &str,
    limit: u32,
) -> Result<Vec<ListedProduct>> {
    let rows = sql::all!(
        conn,
        ListedRow,
        concat!(
            "select p.id, p.slug, p.title, '' as description, p.vendor, p.status, p.created_at, p.updated_at,
                    c.path as category_path, v.id as variant_id, v.sku, v.title as variant_title, v.weight_grams,
                    s.on_hand - s.reserved as available, ",
            price_columns!(),
            " from (select id, slug, title, vendor, status, category_id, created_at, updated_at from products
                   where status = 'active' and (created_at, id) < ($4, $5) and search_text like $6 escape '\\'
                     and category_id in (
                         select id from categories
                         where path = $8 or (path >= cast($8 as text) || '/' and path < cast($8 as text) || '0'))
                   order by created_at desc, id desc limit $7) p
             left join categories c on c.id = p.category_id
             left join variants v on v.product_id = p.id
             left join stock_levels s on s.variant_id = v.id",
            applying_price!(),
            "order by p.created_at desc, p.id desc, v.position, v.id"
        ),
        context.currency.code(),
        context.group.as_deref(),
        context.at,
        created_before,
        id_before,
        pattern,
        i64::from(limit),
        path
    )?;
    Ok(group(rows, context))
}

/// By id or slug. The status is looked at here: in the statement it would tempt the planner away from the unique
/// indexes.
pub(in crate::catalog) async fn find_listed(
    conn: &mut Conn,
    context: &PriceContext,
    id: Uuid,
    slug: &str,
) -> Result<Option<ListedProduct>> {
    let mut rows = sql::all!(
        conn,
        ListedRow,
        concat!(
            "select p.id, p.slug, p.title, p.description, p.vendor, p.status, p.created_at, p.updated_at,
                    c.path as category_path, v.id as variant_id, v.sku, v.title as variant_title, v.weight_grams,
                    s.on_hand - s.reserved as available, ",
            price_columns!(),
            " from products p
             left join categories c on c.id = p.category_id
             left join variants v on v.product_id = p.id
             left join stock_levels s on s.variant_id = v.id",
            applying_price!(),
            "where p.id = $4 or p.slug = $5
             order by v.position, v.id"
        ),
        context.currency.code(),
        context.group.as_deref(),
        context.at,
        id,
        slug
    )?;
    rows.retain(|row| row.status == "active");
    Ok(group(rows, context).pop())
}
