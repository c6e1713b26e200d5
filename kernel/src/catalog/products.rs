//! Products and variants, changed by the merchant.
//!
//! Every change begins with [`store::lock_product`], which counts the version up: two merchants who change one
//! product, or its variants, come one after the other on both databases.

use serde_json::json;
use uuid::Uuid;

use super::{
    Error, MAX_VARIANTS, NewProduct, NewVariant, Product, ProductPatch, Status, Variant, VariantPatch, announce, store,
    text,
};
use crate::clock::Moment;
use crate::db::{Conn, Tx};
use crate::{Shop, clock, events, id, inventory};

/// A product with its variants, whatever its status.
pub async fn get_product(shop: &Shop, id: Uuid) -> Result<Product, Error> {
    let mut conn = shop.db().read().await?;
    read_product(&mut conn, id).await
}

/// Makes a product with its variants.
pub async fn create_product(shop: &Shop, new: &NewProduct) -> Result<Product, Error> {
    let mut tx = shop.db().write().await?;
    let id = insert_product(&mut tx, new).await?;
    let product = read_product(&mut tx, id).await?;
    tx.commit().await?;
    announce(shop);
    Ok(product)
}

/// Changes a product; where `expected` is some, only if that is its version.
pub async fn patch_product(
    shop: &Shop,
    id: Uuid,
    patch: ProductPatch,
    expected: Option<i64>,
) -> Result<Product, Error> {
    let mut tx = shop.db().write().await?;
    let mut product = lock(&mut tx, id, expected).await?;
    if let Some(Some(category_id)) = patch.category_id {
        require_category(&mut tx, category_id).await?;
    }
    product.title = patch.title.unwrap_or(product.title);
    product.slug = patch.slug.unwrap_or(product.slug);
    product.description = patch.description.unwrap_or(product.description);
    product.vendor = patch.vendor.unwrap_or(product.vendor);
    product.status = patch.status.unwrap_or(product.status);
    product.category_id = patch.category_id.unwrap_or(product.category_id);
    update(&mut tx, &product).await?;
    tx.commit().await?;
    announce(shop);
    Ok(product)
}

/// Takes a product out of the shop. Its rows stay: carts, links and reports point at them, and it can be made active
/// again.
pub async fn archive_product(shop: &Shop, id: Uuid, expected: Option<i64>) -> Result<(), Error> {
    let patch = ProductPatch { status: Some(Status::Archived), ..ProductPatch::default() };
    patch_product(shop, id, patch, expected).await.map(drop)
}

/// Adds a variant at the end of its product.
pub async fn create_variant(shop: &Shop, product_id: Uuid, new: &NewVariant) -> Result<Variant, Error> {
    let mut tx = shop.db().write().await?;
    let mut product = lock(&mut tx, product_id, None).await?;
    if product.variants.len() >= MAX_VARIANTS {
        return Err(Error::TooManyVariants);
    }
    let variant = insert_variant(&mut tx, product_id, new, next_position(&product), product.updated_at).await?;
    product.variants.push(variant.clone());
    update(&mut tx, &product).await?;
    tx.commit().await?;
    announce(shop);
    Ok(variant)
}

/// Changes a variant.
pub async fn patch_variant(shop: &Shop, id: Uuid, patch: VariantPatch) -> Result<Variant, Error> {
    let mut tx = shop.db().write().await?;
    let product_id = store::find_product_of_variant(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let mut product = lock(&mut tx, product_id, None).await?;
    let at = product.updated_at;
    let variant = product.variants.iter_mut().find(|variant| variant.id == id).ok_or(Error::NotFound)?;
    variant.title = patch.title.unwrap_or(std::mem::take(&mut variant.title));
    variant.price = patch.price.unwrap_or(variant.price);
    variant.compare_at_price = patch.compare_at_price.unwrap_or(variant.compare_at_price);
    variant.weight_grams = patch.weight_grams.unwrap_or(variant.weight_grams);
    store::update_variant(&mut tx, variant, at).await?;
    if let Some(on_hand) = patch.on_hand {
        set_on_hand(&mut tx, variant, on_hand).await?;
    }
    let variant = variant.clone();
    update(&mut tx, &product).await?;
    tx.commit().await?;
    announce(shop);
    Ok(variant)
}

/// Deletes a variant: it leaves the carts that it is in. Orders keep what they need of it.
pub async fn delete_variant(shop: &Shop, id: Uuid) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let product_id = store::find_product_of_variant(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let mut product = lock(&mut tx, product_id, None).await?;
    store::delete_variant(&mut tx, id).await?;
    product.variants.retain(|variant| variant.id != id);
    update(&mut tx, &product).await?;
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// Locks a product for the rest of the transaction, at its next version.
pub(super) async fn lock(tx: &mut Tx, id: Uuid, expected: Option<i64>) -> Result<Product, Error> {
    let mut product = store::lock_product(tx, id, clock::now()).await?.ok_or(Error::NotFound)?;
    let current = product.version - 1;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Error::VersionMismatch { current });
    }
    product.variants = store::variants_of(tx, id).await?;
    Ok(product)
}

/// Writes a locked product with the search text of its variants, and the event.
pub(super) async fn update(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    match store::update_product(tx, product, &search_text(product)).await {
        Err(error) if error.is_unique_violation() => return Err(Error::SlugTaken(product.slug.clone())),
        done => done?,
    }
    Ok(record(tx, "product.updated", product).await?)
}

/// Makes a product in the caller's transaction, which must be dropped after an error.
pub(super) async fn insert_product(tx: &mut Tx, new: &NewProduct) -> Result<Uuid, Error> {
    if new.variants.len() > MAX_VARIANTS {
        return Err(Error::TooManyVariants);
    }
    if let Some(category_id) = new.category_id {
        require_category(tx, category_id).await?;
    }
    let now = clock::now();
    let mut product = Product {
        id: id::sequential(),
        slug: new.slug.clone().unwrap_or_default(),
        title: new.title.clone(),
        description: new.description.clone(),
        vendor: new.vendor.clone(),
        status: new.status,
        category_id: new.category_id,
        version: 1,
        created_at: now,
        updated_at: now,
        variants: Vec::new(),
    };
    let search = text::search_text(&new.title, &new.vendor, new.variants.iter().map(|variant| variant.sku.as_str()));
    insert_with_slug(tx, &mut product, new.slug.is_some(), &search).await?;
    for (position, variant) in (0..).zip(&new.variants) {
        insert_variant(tx, product.id, variant, position, now).await?;
    }
    record(tx, "product.created", &product).await?;
    Ok(product.id)
}

/// A slug that the merchant chose is taken or refused; one made from the title gets a number until it is free.
async fn insert_with_slug(tx: &mut Tx, product: &mut Product, chosen: bool, search: &str) -> Result<(), Error> {
    if chosen {
        let inserted = store::insert_product(tx, product, search).await?;
        return if inserted { Ok(()) } else { Err(Error::SlugTaken(product.slug.clone())) };
    }
    let base = text::slugify(&product.title, "product");
    // A shop with more namesakes than that gets slugs that nobody counts any more.
    let numbered = (2..=20).map(|number| format!("{base}-{number}"));
    let tail = product.id.simple().to_string().split_off(20);
    for slug in std::iter::once(base.clone()).chain(numbered).chain([format!("{base}-{tail}")]) {
        product.slug = slug;
        if store::insert_product(tx, product, search).await? {
            return Ok(());
        }
    }
    Err(Error::SlugTaken(base))
}

pub(super) async fn insert_variant(
    tx: &mut Tx,
    product_id: Uuid,
    new: &NewVariant,
    position: i64,
    at: Moment,
) -> Result<Variant, Error> {
    let variant = Variant {
        id: id::sequential(),
        product_id,
        sku: new.sku.clone(),
        title: new.title.clone(),
        price: new.price,
        compare_at_price: new.compare_at_price,
        weight_grams: new.weight_grams,
        position,
        on_hand: new.on_hand,
        reserved: 0,
    };
    if !store::insert_variant(tx, &variant, at).await? {
        return Err(Error::SkuTaken(variant.sku));
    }
    inventory::create_level(tx, variant.id, variant.on_hand).await?;
    Ok(variant)
}

pub(super) async fn set_on_hand(tx: &mut Tx, variant: &mut Variant, on_hand: i64) -> Result<(), Error> {
    if !inventory::set_on_hand(tx, variant.id, on_hand).await? {
        return Err(Error::BelowReserved { sku: variant.sku.clone() });
    }
    variant.on_hand = on_hand;
    Ok(())
}

pub(super) fn next_position(product: &Product) -> i64 {
    product.variants.iter().map(|variant| variant.position + 1).max().unwrap_or(0)
}

pub(super) async fn read_product(conn: &mut Conn, id: Uuid) -> Result<Product, Error> {
    let mut product = store::find_product(conn, id).await?.ok_or(Error::NotFound)?;
    product.variants = store::variants_of(conn, id).await?;
    Ok(product)
}

async fn require_category(tx: &mut Tx, id: Uuid) -> Result<(), Error> {
    store::find_category(tx, id).await?.map(drop).ok_or(Error::CategoryUnknown)
}

fn search_text(product: &Product) -> String {
    text::search_text(&product.title, &product.vendor, product.variants.iter().map(|variant| variant.sku.as_str()))
}

async fn record(tx: &mut Tx, kind: &str, product: &Product) -> crate::db::Result<()> {
    let data = json!({
        "id": product.id,
        "slug": product.slug,
        "title": product.title,
        "status": product.status,
        "version": product.version,
    });
    events::record(tx, kind, product.id, data).await
}
