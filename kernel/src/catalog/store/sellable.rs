//! Variants with their price and stock, in one statement each.

use uuid::Uuid;

use crate::catalog::sellable::{CartVariant, SellableVariant, full_title};
use crate::db::{Conn, FromRow, Result, sql};
use crate::prices::{PriceContext, PriceRow, price_columns};

#[derive(FromRow)]
struct SellableRow {
    id: Uuid,
    product_id: Uuid,
    sku: String,
    product_title: String,
    variant_title: String,
    #[sqlx(flatten)]
    price: PriceRow,
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

impl SellableRow {
    fn at_price(self, context: &PriceContext) -> SellableVariant {
        SellableVariant {
            id: self.id,
            product_id: self.product_id,
            sku: self.sku,
            title: full_title(&self.product_title, &self.variant_title),
            price: self.price.applying(context),
            weight_grams: self.weight_grams,
            category_path: self.category_path,
            available: self.available,
            sellable: self.status == "active",
        }
    }
}

pub(in crate::catalog) async fn sellable_by_id(
    conn: &mut Conn,
    context: &PriceContext,
    id: Uuid,
) -> Result<Option<SellableVariant>> {
    let row = sql::optional!(
        conn,
        SellableRow,
        concat!(
            "select v.id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, v.weight_grams,
                    c.path as category_path, s.available, p.status, ",
            price_columns!(),
            " from variants v
             join products p on p.id = v.product_id
             join stock_items s on s.variant_id = v.id
             left join categories c on c.id = p.category_id
             where v.id = $4"
        ),
        context.currency.code(),
        context.group_code(),
        context.at,
        id
    )?;
    Ok(row.map(|row| row.at_price(context)))
}

pub(in crate::catalog) async fn sellable_by_sku(
    conn: &mut Conn,
    context: &PriceContext,
    sku: &str,
) -> Result<Option<SellableVariant>> {
    let row = sql::optional!(
        conn,
        SellableRow,
        concat!(
            "select v.id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, v.weight_grams,
                    c.path as category_path, s.available, p.status, ",
            price_columns!(),
            " from variants v
             join products p on p.id = v.product_id
             join stock_items s on s.variant_id = v.id
             left join categories c on c.id = p.category_id
             where v.sku = $4"
        ),
        context.currency.code(),
        context.group_code(),
        context.at,
        sku
    )?;
    Ok(row.map(|row| row.at_price(context)))
}

pub(in crate::catalog) async fn cart_variants(
    conn: &mut Conn,
    context: &PriceContext,
    cart_id: Uuid,
) -> Result<Vec<CartVariant>> {
    let rows = sql::all!(
        conn,
        CartVariantRow,
        concat!(
            "select l.id as line_id, l.quantity, l.position as line_position,
                    v.id, v.product_id, v.sku, p.title as product_title, v.title as variant_title, v.weight_grams,
                    c.path as category_path, s.available, p.status, ",
            price_columns!(),
            " from cart_lines l
             join variants v on v.id = l.variant_id
             join products p on p.id = v.product_id
             join stock_items s on s.variant_id = v.id
             left join categories c on c.id = p.category_id
             where l.cart_id = $4
             order by l.position, l.id"
        ),
        context.currency.code(),
        context.group_code(),
        context.at,
        cart_id
    )?;
    Ok(rows
        .into_iter()
        .map(|row| CartVariant {
            line_id: row.line_id,
            // The carts keep it within 1 to 1,000,000.
            quantity: u32::try_from(row.quantity).unwrap_or(u32::MAX),
            position: row.line_position,
            variant: row.variant.at_price(context),
        })
        .collect())
}
