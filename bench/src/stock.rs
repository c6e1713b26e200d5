//! How much there is of everything, as the merchant sees it.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use crate::Result;
use crate::merchant::{Login, Merchant, get_each};

/// Pieces of one variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    pub on_hand: i64,
    pub reserved: i64,
}

/// By SKU.
pub type Stock = HashMap<String, Level>;

#[derive(Deserialize)]
struct Listed {
    id: String,
}

#[derive(Deserialize)]
struct Product {
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
struct Variant {
    sku: String,
    on_hand: i64,
    reserved: i64,
}

/// Reads the stock of every product on sale. Lists of products are cached, so each is read on its own.
pub async fn read(login: &Login) -> Result<Stock> {
    let listed: Vec<Listed> = Merchant::log_in(login).await?.get_pages("/v1/products").await?;
    let ids: HashSet<String> = listed.into_iter().map(|product| product.id).collect();
    let paths = ids.into_iter().map(|id| format!("/v1/admin/products/{id}")).collect();
    let products: Vec<Product> = get_each(login, paths, || {}).await?;
    let variants = products.into_iter().flat_map(|product| product.variants);
    Ok(variants.map(|v| (v.sku, Level { on_hand: v.on_hand, reserved: v.reserved })).collect())
}
