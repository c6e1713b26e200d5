//! What shoppers read. Product and variants come in one statement, so that all of a page belongs to the same moment. The
//! columns of the product repeat for each variant; descriptions, which are long, stay out of lists.

use uuid::Uuid;

use super::products::split_codes;
use crate::catalog::listing::{ListedProduct, ListedVariant};
use crate::clock::Moment;
use crate::db::{Built, Conn, FromRow, Result, sql};
use crate::inventory::Availability;
use crate::prices::{self, PriceContext, PriceRow, price_columns};

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
    options: Option<String>,
    #[sqlx(flatten)]
    price: PriceRow,
    weight_grams: Option<i64>,
    available: Option<i64>,
    /// What no order holds.
    free: Option<i64>,
    tracked: Option<bool>,
    low_stock_threshold: Option<i64>,
}

impl ListedRow {
    /// None for a product without variants. `low` is the threshold of those that have none of their own.
    fn take_variant(&mut self, context: &PriceContext, low: i64) -> Option<ListedVariant> {
        let low = self.low_stock_threshold.unwrap_or(low);
        Some(ListedVariant {
            availability: Availability::of(self.tracked?, self.free?, self.available?, low),
            id: self.variant_id?,
            sku: self.sku.take()?,
            title: self.variant_title.take()?,
            options: split_codes(self.options.as_deref()?),
            price: std::mem::take(&mut self.price).applying(context),
            weight_grams: self.weight_grams?,
            available: self.available?,
        })
    }
}

/// Rows of one product stand together.
fn group(rows: Vec<ListedRow>, context: &PriceContext, low: i64) -> Vec<ListedProduct> {
    let mut products: Vec<ListedProduct> = Vec::new();
    for mut row in rows {
        let variant = row.take_variant(context, low);
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

/// The active ones of these products, in the order of `ids`.
pub(in crate::catalog) async fn listed(
    conn: &mut Conn,
    context: &PriceContext,
    ids: &[Uuid],
    low: i64,
) -> Result<Vec<ListedProduct>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut built = Built::new(concat!(
        "select p.id, p.slug, p.title, '' as description, p.vendor, p.status, p.created_at, p.updated_at,
                c.path as category_path, v.id as variant_id, v.sku, v.title as variant_title, v.options, v.weight_grams,
                s.available, s.on_hand - s.reserved as free, s.tracked, s.low_stock_threshold, ",
        price_columns!(),
        " from products p
         left join categories c on c.id = p.category_id
         left join variants v on v.product_id = p.id
         left join stock_items s on s.variant_id = v.id
         where p.id in ("
    ));
    prices::bind_context(&mut built, context);
    built.bind_all(ids.iter().copied()).push(") order by p.id, v.position, v.id");
    let mut rows: Vec<ListedRow> = built.all(conn).await?;
    rows.retain(|row| row.status == "active");
    let mut products = group(rows, context, low);
    products.sort_by_key(|product| ids.iter().position(|id| *id == product.id));
    Ok(products)
}

/// By id or slug. The status is looked at here: in the statement it would tempt the planner away from the unique
/// indexes.
pub(in crate::catalog) async fn find_listed(
    conn: &mut Conn,
    context: &PriceContext,
    id: Uuid,
    slug: &str,
    low: i64,
) -> Result<Option<ListedProduct>> {
    let mut rows = sql::all!(
        conn,
        ListedRow,
        concat!(
            "select p.id, p.slug, p.title, p.description, p.vendor, p.status, p.created_at, p.updated_at,
                    c.path as category_path, v.id as variant_id, v.sku, v.title as variant_title, v.options,
                    v.weight_grams, s.available, s.on_hand - s.reserved as free, s.tracked, s.low_stock_threshold, ",
            price_columns!(),
            " from products p
             left join categories c on c.id = p.category_id
             left join variants v on v.product_id = p.id
             left join stock_items s on s.variant_id = v.id
             where p.id = $4 or p.slug = $5
             order by v.position, v.id"
        ),
        context.currency.code(),
        context.group_code(),
        context.at,
        id,
        slug
    )?;
    rows.retain(|row| row.status == "active");
    Ok(group(rows, context, low).pop())
}
