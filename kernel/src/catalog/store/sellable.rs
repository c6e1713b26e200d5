//! Variants with their price and stock, in one statement each.

use uuid::Uuid;

use crate::catalog::sellable::{CartVariant, SellableVariant, full_title};
use crate::db::{Conn, FromRow, Result, sql};

#[derive(FromRow)]
struct SellableRow {
    id: Uuid,
    product_id: Uuid,
    sku: String,
    product_title: String,
    variant_title: String,
    price: i64,
    weight_grams: i64,
    category_path: Option<String>,
    available: i64,
    status: String,
}

#[derive(FromRow)]
struct CartVariantRow {
    line_id: Uuid,
    quantity: i64,
    line_position: i64,
    #[sqlx(flatten)]
    variant: SellableRow,
}

impl From<SellableRow> for SellableVariant {
    fn from(row: SellableRow) -> Self {
        Self {
            id: row.id,
            product_id: row.product_id,
            sku: row.sku,
            title: full_title(&row.product_title, &row.variant_title),
            price: row.price,
            weight_grams: row.weight_grams,
            category_path: row.category_path,
            available: row.available,
            sellable: row.status == "active",
        }
    }
}

pub(in crate::catalog) async fn sellable_by_id(conn: &mut Conn, id: Uuid) -> Result<Option<SellableVariant>> {
    let row = sql::optional!(
        conn,
        SellableRow,
        "select v.id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, v.price,
                v.weight_grams, c.path as category_path, s.available, p.status
         from variants v
         join products p on p.id = v.product_id
         join stock_items s on s.variant_id = v.id
         left join categories c on c.id = p.category_id
         where v.id = $1",
        id
    )?;
    Ok(row.map(SellableVariant::from))
}

pub(in crate::catalog) async fn sellable_by_sku(conn: &mut Conn, sku: &str) -> Result<Option<SellableVariant>> {
    let row = sql::optional!(
        conn,
        SellableRow,
        "select v.id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, v.price,
                v.weight_grams, c.path as category_path, s.available, p.status
         from variants v
         join products p on p.id = v.product_id
         join stock_items s on s.variant_id = v.id
         left join categories c on c.id = p.category_id
         where v.sku = $1",
        sku
    )?;
    Ok(row.map(SellableVariant::from))
}

pub(in crate::catalog) async fn cart_variants(conn: &mut Conn, cart_id: Uuid) -> Result<Vec<CartVariant>> {
    let rows = sql::all!(
        conn,
        CartVariantRow,
        "select l.id as line_id, l.quantity, l.position as line_position,
                v.id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, v.price,
                v.weight_grams, c.path as category_path, s.available, p.status
         from cart_lines l
         join variants v on v.id = l.variant_id
         join products p on p.id = v.product_id
         join stock_items s on s.variant_id = v.id
         left join categories c on c.id = p.category_id
         where l.cart_id = $1
         order by l.position, l.id",
        cart_id
    )?;
    Ok(rows
        .into_iter()
        .map(|row| CartVariant {
            line_id: row.line_id,
            // The carts keep it within 1 to 1,000,000.
            quantity: u32::try_from(row.quantity).unwrap_or(u32::MAX),
            position: row.line_position,
            variant: row.variant.into(),
        })
        .collect())
}
