//! Variants, changed by the merchant. A change of a variant is a change of its product, and counts its version up.

use uuid::Uuid;

use super::products::{lock, update};
use super::{
    Error, Flaw, MAX_VARIANTS, NewVariant, Product, ProductOption, Variant, VariantPatch, announce, attributes,
    options, store, types,
};
use crate::clock::Moment;
use crate::db::Tx;
use crate::inventory::{self, CauseKind};
use crate::{Shop, id};

/// A variant with its product's version and options.
pub type Changed = (Variant, i64, Vec<ProductOption>);

/// Adds a variant at the end of its product.
pub async fn create_variant(shop: &Shop, product_id: Uuid, new: &NewVariant) -> Result<Changed, Error> {
    let mut tx = shop.db().write().await?;
    let mut product = lock(&mut tx, product_id, None).await?;
    let variant = add_variant(&mut tx, &mut product, new).await?;
    let kind = attributes::require_type(&mut tx, product.type_code.as_deref()).await?;
    attributes::check_variant(&variant, kind.as_ref(), product.status)?;
    attributes::write(&mut tx, product.id, Some(variant.id), &variant.attributes, kind.as_ref()).await?;
    update(&mut tx, &product).await?;
    tx.commit().await?;
    announce(shop);
    Ok((variant, product.version, product.options))
}

/// Changes a variant; where `expected` is some, only if that is the version of its product.
pub async fn patch_variant(
    shop: &Shop,
    id: Uuid,
    patch: VariantPatch,
    expected: Option<i64>,
) -> Result<Changed, Error> {
    let mut tx = shop.db().write().await?;
    let product_id = store::find_product_of_variant(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let mut product = lock(&mut tx, product_id, expected).await?;
    let index = product.variants.iter().position(|variant| variant.id == id).ok_or(Error::NotFound)?;
    let mut variant = product.variants.remove(index);
    let on_hand = patch.on_hand;
    let position = patch.position.and_then(|position| usize::try_from(position).ok()).unwrap_or(index);
    if !patch.attributes.is_empty() {
        types::merge(&mut variant.attributes, patch.attributes.clone());
        let kind = attributes::require_type(&mut tx, product.type_code.as_deref()).await?;
        attributes::check_variant(&variant, kind.as_ref(), product.status)?;
        attributes::write(&mut tx, product.id, Some(id), &variant.attributes, kind.as_ref()).await?;
    }
    apply(&product, &mut variant, patch)?;
    store::update_variant(&mut tx, &variant, product.updated_at).await?;
    if let Some(on_hand) = on_hand {
        set_on_hand(&mut tx, &mut variant, on_hand, CauseKind::Count).await?;
    }
    let index = position.min(product.variants.len());
    product.variants.insert(index, variant);
    renumber(&mut tx, &mut product).await?;
    update(&mut tx, &product).await?;
    tx.commit().await?;
    announce(shop);
    Ok((product.variants.swap_remove(index), product.version, product.options))
}

/// Deletes a variant: it leaves the carts that it is in. Orders keep what they need of it.
pub async fn delete_variant(shop: &Shop, id: Uuid, expected: Option<i64>) -> Result<(), Error> {
    let mut tx = shop.db().write().await?;
    let product_id = store::find_product_of_variant(&mut tx, id).await?.ok_or(Error::NotFound)?;
    let mut product = lock(&mut tx, product_id, expected).await?;
    inventory::close_item(&mut tx, id).await?;
    store::delete_variant(&mut tx, id).await?;
    product.variants.retain(|variant| variant.id != id);
    update(&mut tx, &product).await?;
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// Everything but stock and attributes. `product` is without the variant.
fn apply(product: &Product, variant: &mut Variant, patch: VariantPatch) -> Result<(), Error> {
    variant.title = patch.title.unwrap_or(std::mem::take(&mut variant.title));
    variant.price = patch.price.unwrap_or(variant.price);
    variant.compare_at_price = patch.compare_at_price.unwrap_or(variant.compare_at_price);
    variant.weight_grams = patch.weight_grams.unwrap_or(variant.weight_grams);
    variant.barcode = patch.barcode.unwrap_or(std::mem::take(&mut variant.barcode));
    variant.length_mm = patch.length_mm.unwrap_or(variant.length_mm);
    variant.width_mm = patch.width_mm.unwrap_or(variant.width_mm);
    variant.height_mm = patch.height_mm.unwrap_or(variant.height_mm);
    if let Some(chosen) = patch.options {
        variant.options = options::choose(&product.options, &chosen, "").map_err(Error::Invalid)?;
    }
    take_place(product, variant)
}

/// Its values are its own, and make its title.
fn take_place(product: &Product, variant: &mut Variant) -> Result<(), Error> {
    if options::is_taken(&product.variants, variant) {
        return Err(Error::Invalid(vec![Flaw::new("/options", "another variant has the same values")]));
    }
    if let Some(title) = options::title(&product.options, &variant.options) {
        variant.title = title;
    }
    Ok(())
}

/// Positions are places in the list.
async fn renumber(tx: &mut Tx, product: &mut Product) -> Result<(), Error> {
    let at = product.updated_at;
    for (position, variant) in (0..).zip(&mut product.variants) {
        if variant.position != position {
            variant.position = position;
            store::update_variant(tx, variant, at).await?;
        }
    }
    Ok(())
}

/// Adds a variant to a locked product; its attributes are not written.
pub(super) async fn add_variant(tx: &mut Tx, product: &mut Product, new: &NewVariant) -> Result<Variant, Error> {
    if product.variants.len() >= MAX_VARIANTS {
        return Err(Error::TooManyVariants);
    }
    let mut variant = describe(product, new, next_position(product), "")?;
    take_place(product, &mut variant)?;
    insert_variant(tx, &variant, product.updated_at).await?;
    product.variants.push(variant.clone());
    Ok(variant)
}

/// A variant that is not written yet. `at` is the pointer of what was sent.
pub(super) fn describe(product: &Product, new: &NewVariant, position: i64, at: &str) -> Result<Variant, Error> {
    let options = options::choose(&product.options, &new.options, at).map_err(Error::Invalid)?;
    let title = options::title(&product.options, &options).unwrap_or_else(|| new.title.clone());
    Ok(Variant {
        id: id::sequential(),
        product_id: product.id,
        sku: new.sku.clone(),
        title,
        price: new.price,
        compare_at_price: new.compare_at_price,
        weight_grams: new.weight_grams,
        options,
        attributes: new.attributes.clone(),
        barcode: new.barcode.clone(),
        length_mm: new.length_mm,
        width_mm: new.width_mm,
        height_mm: new.height_mm,
        position,
        on_hand: new.on_hand,
        reserved: 0,
        available: new.on_hand,
    })
}

pub(super) async fn insert_variant(tx: &mut Tx, variant: &Variant, at: Moment) -> Result<(), Error> {
    if !store::insert_variant(tx, variant, at).await? {
        return Err(Error::SkuTaken(variant.sku.clone()));
    }
    Ok(inventory::create_item(tx, variant.id, variant.on_hand).await?)
}

pub(super) async fn set_on_hand(
    tx: &mut Tx,
    variant: &mut Variant,
    on_hand: i64,
    kind: CauseKind,
) -> Result<(), Error> {
    variant.available = match inventory::set_on_hand(tx, variant.id, on_hand, kind).await {
        Err(inventory::Error::BelowReserved) => return Err(Error::BelowReserved { sku: variant.sku.clone() }),
        available => available?,
    };
    variant.on_hand = on_hand;
    Ok(())
}

fn next_position(product: &Product) -> i64 {
    product.variants.iter().map(|variant| variant.position + 1).max().unwrap_or(0)
}
