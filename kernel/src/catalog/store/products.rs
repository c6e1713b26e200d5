//! Products and variants as the merchant sees and changes them.

use uuid::Uuid;

use crate::catalog::{Product, ProductOption, Status, Variant};
use crate::clock::Moment;
use crate::db::{Conn, FromRow, Json, Result, Tx, sql};

#[derive(FromRow)]
struct ProductRow {
    id: Uuid,
    slug: String,
    title: String,
    description: String,
    vendor: String,
    status: String,
    category_id: Option<Uuid>,
    type_code: Option<String>,
    options: Json<Vec<ProductOption>>,
    seo_title: String,
    seo_description: String,
    version: i64,
    created_at: Moment,
    updated_at: Moment,
}

#[derive(FromRow)]
struct VariantRow {
    id: Uuid,
    product_id: Uuid,
    sku: String,
    title: String,
    price: i64,
    compare_at_price: Option<i64>,
    weight_grams: i64,
    options: String,
    barcode: String,
    length_mm: i64,
    width_mm: i64,
    height_mm: i64,
    position: i64,
    on_hand: i64,
    reserved: i64,
    available: i64,
}

impl From<ProductRow> for Product {
    fn from(row: ProductRow) -> Self {
        Self {
            id: row.id,
            slug: row.slug,
            title: row.title,
            description: row.description,
            vendor: row.vendor,
            status: Status::parse(&row.status),
            category_id: row.category_id,
            type_code: row.type_code,
            options: row.options.0,
            seo_title: row.seo_title,
            seo_description: row.seo_description,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
            ..Self::default()
        }
    }
}

impl From<VariantRow> for Variant {
    fn from(row: VariantRow) -> Self {
        Self {
            id: row.id,
            product_id: row.product_id,
            sku: row.sku,
            title: row.title,
            price: row.price,
            compare_at_price: row.compare_at_price,
            weight_grams: row.weight_grams,
            options: split_codes(&row.options),
            barcode: row.barcode,
            length_mm: row.length_mm,
            width_mm: row.width_mm,
            height_mm: row.height_mm,
            position: row.position,
            on_hand: row.on_hand,
            reserved: row.reserved,
            available: row.available,
            ..Self::default()
        }
    }
}

/// Codes hold no slash.
pub(in crate::catalog) fn split_codes(options: &str) -> Vec<String> {
    options.split('/').filter(|code| !code.is_empty()).map(str::to_owned).collect()
}

/// Whether there is neither product nor category.
pub(in crate::catalog) async fn is_empty(conn: &mut Conn) -> Result<bool> {
    let any = sql::optional!(conn, (Uuid,), "select id from products union all select id from categories limit 1")?;
    Ok(any.is_none())
}

/// Of the whole shop, whatever their status.
pub(in crate::catalog) async fn all_product_ids(conn: &mut Conn) -> Result<Vec<Uuid>> {
    let rows = sql::all!(conn, (Uuid,), "select id from products order by id")?;
    Ok(rows.into_iter().map(|(id,)| id).collect())
}

/// Without its variants.
pub(in crate::catalog) async fn find_product(conn: &mut Conn, id: Uuid) -> Result<Option<Product>> {
    let row = sql::optional!(
        conn,
        ProductRow,
        "select id, slug, title, description, vendor, status, category_id, type_code, options, seo_title,
                seo_description, version, created_at, updated_at
         from products where id = $1",
        id
    )?;
    Ok(row.map(Product::from))
}

pub(in crate::catalog) async fn find_product_by_slug(conn: &mut Conn, slug: &str) -> Result<Option<Uuid>> {
    let row = sql::optional!(conn, (Uuid,), "select id from products where slug = $1", slug)?;
    Ok(row.map(|(id,)| id))
}

pub(in crate::catalog) async fn find_product_of_variant(conn: &mut Conn, variant_id: Uuid) -> Result<Option<Uuid>> {
    let row = sql::optional!(conn, (Uuid,), "select product_id from variants where id = $1", variant_id)?;
    Ok(row.map(|(id,)| id))
}

pub(in crate::catalog) async fn find_variant_id(conn: &mut Conn, sku: &str) -> Result<Option<Uuid>> {
    let row = sql::optional!(conn, (Uuid,), "select id from variants where sku = $1", sku)?;
    Ok(row.map(|(id,)| id))
}

/// SKUs that [`products_of_skus`] looks up at once.
pub(in crate::catalog) const SKU_CHUNK: usize = 16;

/// SKU and product of those of `skus` that exist; at most [`SKU_CHUNK`] of them. Fewer are filled up with the first:
/// lists of a changing length would each be a statement of its own to prepare, and arrays are not portable.
pub(in crate::catalog) async fn products_of_skus(conn: &mut Conn, skus: &[&str]) -> Result<Vec<(String, Uuid)>> {
    let Some(first) = skus.first() else { return Ok(Vec::new()) };
    let sku = |index: usize| *skus.get(index).unwrap_or(first);
    sql::all!(
        conn,
        (String, Uuid),
        "select sku, product_id from variants
         where sku in ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        sku(0),
        sku(1),
        sku(2),
        sku(3),
        sku(4),
        sku(5),
        sku(6),
        sku(7),
        sku(8),
        sku(9),
        sku(10),
        sku(11),
        sku(12),
        sku(13),
        sku(14),
        sku(15)
    )
}

/// Counts the version up, which locks the row until the transaction ends (PostgreSQL; SQLite has one writer), and
/// returns the product without its variants.
pub(in crate::catalog) async fn lock_product(tx: &mut Tx, id: Uuid, now: Moment) -> Result<Option<Product>> {
    let row = sql::optional!(
        tx,
        ProductRow,
        "update products set version = version + 1, updated_at = $2 where id = $1
         returning id, slug, title, description, vendor, status, category_id, type_code, options, seo_title,
                   seo_description, version, created_at, updated_at",
        id,
        now
    )?;
    Ok(row.map(Product::from))
}

/// False where the slug is taken: the transaction goes on, which it would not after a violation (PostgreSQL).
pub(in crate::catalog) async fn insert_product(tx: &mut Tx, product: &Product) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into products (id, slug, title, description, vendor, status, category_id, version, created_at, updated_at,
                               type_code, options, seo_title, seo_description)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
         on conflict (slug) do nothing",
        product.id,
        product.slug.as_str(),
        product.title.as_str(),
        product.description.as_str(),
        product.vendor.as_str(),
        product.status.as_str(),
        product.category_id,
        product.version,
        product.created_at,
        product.updated_at,
        product.type_code.as_deref(),
        Json(&product.options),
        product.seo_title.as_str(),
        product.seo_description.as_str()
    )?;
    Ok(inserted == 1)
}

/// Version and moment were set by [`lock_product`].
pub(in crate::catalog) async fn update_product(tx: &mut Tx, product: &Product) -> Result<()> {
    sql::execute!(
        tx,
        "update products set slug = $2, title = $3, description = $4, vendor = $5, status = $6, category_id = $7,
                             type_code = $8, options = $9, seo_title = $10, seo_description = $11
         where id = $1",
        product.id,
        product.slug.as_str(),
        product.title.as_str(),
        product.description.as_str(),
        product.vendor.as_str(),
        product.status.as_str(),
        product.category_id,
        product.type_code.as_deref(),
        Json(&product.options),
        product.seo_title.as_str(),
        product.seo_description.as_str()
    )?;
    Ok(())
}

/// By position.
pub(in crate::catalog) async fn variants_of(conn: &mut Conn, product_id: Uuid) -> Result<Vec<Variant>> {
    let rows = sql::all!(
        conn,
        VariantRow,
        "select v.id, v.product_id, v.sku, v.title, v.price, v.compare_at_price, v.weight_grams, v.options,
                v.barcode, v.length_mm, v.width_mm, v.height_mm, v.position, s.on_hand, s.reserved, s.available
         from variants v join stock_items s on s.variant_id = v.id
         where v.product_id = $1 order by v.position, v.id",
        product_id
    )?;
    Ok(rows.into_iter().map(Variant::from).collect())
}

/// False where the SKU is taken; see [`insert_product`].
pub(in crate::catalog) async fn insert_variant(tx: &mut Tx, variant: &Variant, now: Moment) -> Result<bool> {
    let inserted = sql::execute!(
        tx,
        "insert into variants (id, product_id, sku, title, price, weight_grams, position, created_at, updated_at,
                               options, barcode, length_mm, width_mm, height_mm, compare_at_price)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9, $10, $11, $12, $13, $14)
         on conflict (sku) do nothing",
        variant.id,
        variant.product_id,
        variant.sku.as_str(),
        variant.title.as_str(),
        variant.price,
        variant.weight_grams,
        variant.position,
        now,
        variant.options.join("/"),
        variant.barcode.as_str(),
        variant.length_mm,
        variant.width_mm,
        variant.height_mm,
        variant.compare_at_price
    )?;
    Ok(inserted == 1)
}

pub(in crate::catalog) async fn update_variant(tx: &mut Tx, variant: &Variant, now: Moment) -> Result<()> {
    sql::execute!(
        tx,
        "update variants set title = $2, price = $3, weight_grams = $4, updated_at = $5, options = $6, barcode = $7,
                             length_mm = $8, width_mm = $9, height_mm = $10, position = $11,
                             compare_at_price = $12
         where id = $1",
        variant.id,
        variant.title.as_str(),
        variant.price,
        variant.weight_grams,
        now,
        variant.options.join("/"),
        variant.barcode.as_str(),
        variant.length_mm,
        variant.width_mm,
        variant.height_mm,
        variant.position,
        variant.compare_at_price
    )?;
    Ok(())
}

/// Its stock level, its attributes and its lines in carts go with it.
pub(in crate::catalog) async fn delete_variant(tx: &mut Tx, id: Uuid) -> Result<()> {
    sql::execute!(tx, "delete from variants where id = $1", id)?;
    Ok(())
}
