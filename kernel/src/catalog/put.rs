//! Bringing a product to the state that a file describes. Files are imported again and again, so what is already
//! so is left untouched: no new version, no event.

use std::collections::HashMap;

use uuid::Uuid;

use super::products::{insert_product, lock, read_product, write};
use super::variants::{self, set_on_hand};
use super::{Error, NewProduct, NewVariant, Product, Status, store};
use crate::db::Tx;
use crate::inventory::CauseKind;
use crate::search;

/// What became of a product or variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Created,
    Updated,
    Unchanged,
}

/// What [`put_product`] did.
#[derive(Debug)]
pub struct Put {
    pub product: Outcome,
    /// One for each variant given, in the same order. An error is about that variant alone.
    pub variants: Vec<Result<Outcome, Error>>,
}

/// Makes or changes a product: the one with the slug of `wanted` or, where it names none, the one that has one of its
/// SKUs. Variants are found by their SKU; those that `wanted` does not name are left alone, and an archived product
/// stays archived. Stock on hand becomes what `wanted` says, unless orders have reserved more.
///
/// What it changes is queued for the index. The caller's transaction must be dropped after an error of the whole.
pub async fn put_product(tx: &mut Tx, wanted: &NewProduct) -> Result<Put, Error> {
    let owners = find_owners(tx, &wanted.variants).await?;
    let id = match &wanted.slug {
        Some(slug) => store::find_product_by_slug(tx, slug).await?,
        None => owners.iter().flatten().next().copied(),
    };
    let Some(id) = id else { return create(tx, wanted, &owners).await };
    let current = read_product(tx, id).await?;
    if is_so(&current, wanted, &owners) {
        let outcome = |(wanted, owner): (&NewVariant, &Option<Uuid>)| match owner {
            Some(owner) if *owner != id => Err(Error::SkuTaken(wanted.sku.clone())),
            _ => Ok(Outcome::Unchanged),
        };
        let variants = wanted.variants.iter().zip(&owners).map(outcome).collect();
        return Ok(Put { product: Outcome::Unchanged, variants });
    }
    change(tx, id, wanted, &owners).await
}

/// For each variant, the product that has its SKU now.
async fn find_owners(tx: &mut Tx, variants: &[NewVariant]) -> Result<Vec<Option<Uuid>>, Error> {
    let skus: Vec<_> = variants.iter().map(|variant| variant.sku.as_str()).collect();
    let mut owners = HashMap::new();
    for chunk in skus.chunks(store::SKU_CHUNK) {
        owners.extend(store::products_of_skus(tx, chunk).await?);
    }
    Ok(skus.into_iter().map(|sku| owners.get(sku).copied()).collect())
}

/// Makes the product with those of its variants whose SKU is free, or nothing where none is.
async fn create(tx: &mut Tx, wanted: &NewProduct, owners: &[Option<Uuid>]) -> Result<Put, Error> {
    let mut new = wanted.clone();
    let mut free = owners.iter().map(Option::is_none);
    new.variants.retain(|_| free.next().unwrap_or_default());
    let product = if new.variants.is_empty() && !wanted.variants.is_empty() {
        Outcome::Unchanged
    } else {
        let id = insert_product(tx, &new).await?;
        search::enqueue(tx, &[id]).await?;
        Outcome::Created
    };
    let outcome = |(wanted, owner): (&NewVariant, &Option<Uuid>)| match owner {
        Some(_) => Err(Error::SkuTaken(wanted.sku.clone())),
        None => Ok(Outcome::Created),
    };
    Ok(Put { product, variants: wanted.variants.iter().zip(owners).map(outcome).collect() })
}

/// Whether nothing is left to do. Variants of another product cannot be had, now or the next time.
fn is_so(current: &Product, wanted: &NewProduct, owners: &[Option<Uuid>]) -> bool {
    let head = (&current.title, &current.description, &current.vendor, current.status, current.category_id);
    let status = wanted_status(current, wanted);
    head == (&wanted.title, &wanted.description, &wanted.vendor, status, wanted.category_id)
        && wanted.variants.iter().zip(owners).all(|(wanted, owner)| {
            let foreign = owner.is_some_and(|owner| owner != current.id);
            foreign
                || current.variants.iter().any(|variant| {
                    let has = (&variant.sku, &variant.title, variant.price, variant.compare_at_price);
                    has == (&wanted.sku, &wanted.title, wanted.price, wanted.compare_at_price)
                        && (variant.weight_grams, variant.on_hand) == (wanted.weight_grams, wanted.on_hand)
                })
        })
}

fn wanted_status(current: &Product, wanted: &NewProduct) -> Status {
    if current.status == Status::Archived { Status::Archived } else { wanted.status }
}

async fn change(tx: &mut Tx, id: Uuid, wanted: &NewProduct, owners: &[Option<Uuid>]) -> Result<Put, Error> {
    let mut product = lock(tx, id, None).await?;
    let before = product.clone();
    product.status = wanted_status(&product, wanted);
    product.title.clone_from(&wanted.title);
    product.description.clone_from(&wanted.description);
    product.vendor.clone_from(&wanted.vendor);
    product.category_id = wanted.category_id;
    let product_changed = product != before;
    let mut variants = Vec::with_capacity(wanted.variants.len());
    for (wanted, owner) in wanted.variants.iter().zip(owners) {
        let outcome = match owner {
            Some(owner) if *owner != id => Err(Error::SkuTaken(wanted.sku.clone())),
            Some(_) => change_variant(tx, &mut product, wanted).await,
            None => add_variant(tx, &mut product, wanted).await,
        };
        match outcome {
            // These leave the transaction sound: they were found out before a statement failed.
            Err(
                error @ (Error::SkuTaken(_) | Error::BelowReserved { .. } | Error::TooManyVariants | Error::Invalid(_)),
            ) => {
                variants.push(Err(error));
            }
            outcome => variants.push(Ok(outcome?)),
        }
    }
    write(tx, &product).await?;
    search::enqueue(tx, &[id]).await?;
    Ok(Put { product: if product_changed { Outcome::Updated } else { Outcome::Unchanged }, variants })
}

async fn add_variant(tx: &mut Tx, product: &mut Product, wanted: &NewVariant) -> Result<Outcome, Error> {
    variants::add_variant(tx, product, wanted).await?;
    Ok(Outcome::Created)
}

async fn change_variant(tx: &mut Tx, product: &mut Product, wanted: &NewVariant) -> Result<Outcome, Error> {
    let at = product.updated_at;
    let Some(variant) = product.variants.iter_mut().find(|variant| variant.sku == wanted.sku) else {
        // Deleted between the look and the lock.
        return add_variant(tx, product, wanted).await;
    };
    let before = variant.clone();
    // Options make the title, where there are any.
    if variant.options.is_empty() {
        variant.title.clone_from(&wanted.title);
    }
    variant.price = wanted.price;
    variant.compare_at_price = wanted.compare_at_price;
    variant.weight_grams = wanted.weight_grams;
    if *variant != before {
        store::update_variant(tx, variant, at).await?;
    }
    if variant.on_hand != wanted.on_hand {
        set_on_hand(tx, variant, wanted.on_hand, CauseKind::Import).await?;
    }
    Ok(if *variant == before { Outcome::Unchanged } else { Outcome::Updated })
}
