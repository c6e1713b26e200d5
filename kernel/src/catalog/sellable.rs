//! What carts and orders ask of the catalog: variants with their price and stock, read in one statement, so that both
//! belong to the same moment.

use std::collections::HashMap;

use uuid::Uuid;

use super::store;
use crate::db::{self, Conn};
use crate::prices::{Price, PriceContext};

/// A variant as a cart line needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SellableVariant {
    pub id: Uuid,
    pub product_id: Uuid,
    pub sku: String,
    /// Title of the product, and of the variant where it has one: `Yirgacheffe, 250 g`.
    pub title: String,
    /// For one piece; none where it is not sold in the currency that was asked for.
    pub price: Option<Price>,
    pub weight_grams: i64,
    /// Slugs from the root: `coffee/filter`; none for a product without a category.
    pub category_path: Option<String>,
    /// What can be ordered now.
    pub available: i64,
    /// False for a draft or an archived product: it stays in carts, and cannot be ordered.
    pub sellable: bool,
}

/// A line of a cart with its variant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CartVariant {
    pub line_id: Uuid,
    pub quantity: u32,
    pub position: i64,
    pub variant: SellableVariant,
}

/// The variant with this id.
pub async fn find_variant(conn: &mut Conn, context: &PriceContext, id: Uuid) -> db::Result<Option<SellableVariant>> {
    store::sellable_by_id(conn, context, id).await
}

/// The variant with this SKU. SKUs are compared exactly: `85123A` is not `85123a`.
pub async fn find_variant_by_sku(
    conn: &mut Conn,
    context: &PriceContext,
    sku: &str,
) -> db::Result<Option<SellableVariant>> {
    store::sellable_by_sku(conn, context, sku).await
}

/// The ids of a product's variants, by their SKUs.
pub async fn ids_by_sku(conn: &mut Conn, product_id: Uuid) -> db::Result<HashMap<String, Uuid>> {
    let variants = store::variants_of(conn, product_id).await?;
    Ok(variants.into_iter().map(|variant| (variant.sku, variant.id)).collect())
}

/// Every line of a cart with its variant, by position.
pub async fn cart_variants(conn: &mut Conn, context: &PriceContext, cart_id: Uuid) -> db::Result<Vec<CartVariant>> {
    store::cart_variants(conn, context, cart_id).await
}

/// How a variant is called outside its product's page.
pub(super) fn full_title(product: &str, variant: &str) -> String {
    if variant.is_empty() { product.to_owned() } else { format!("{product}, {variant}") }
}
