//! A product of a file, found, compared and written.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::products::{free_options, insert_product, lock, read_product, record, write};
use super::super::translations::{self, Entity};
use super::super::variants::insert_variant;
use super::super::{Error, Product, ProductType, Status, Variant, attributes, store, tags};
use super::{Outcome, WantedProduct};
use crate::db::Tx;
use crate::inventory::{self, Cause, WantedStock};
use crate::search;

/// What [`put_product`] did.
#[derive(Debug)]
pub struct Put {
    /// None where nothing was made.
    pub id: Option<Uuid>,
    pub product: Outcome,
    /// One for each variant given, in the same order. An error is about that variant alone.
    pub variants: Vec<Result<Outcome, Error>>,
    /// What is left to be done for their stock, by [`put_stock`].
    pub stock: Vec<StockWish>,
}

/// What is to be so of the stock of a variant.
#[derive(Debug, Clone)]
pub struct StockWish {
    /// Which of the variants given.
    pub index: usize,
    pub variant_id: Uuid,
    pub sku: String,
    pub stock: WantedStock,
}

/// Makes or changes a product: the one with the slug of `wanted` or, where it names none, the one that has one of its
/// SKUs. `locales` are the languages of the shop.
///
/// What it changes is queued for the index. The caller's transaction must be dropped after an error of the whole.
pub async fn put_product(tx: &mut Tx, wanted: &WantedProduct, locales: &[String]) -> Result<Put, Error> {
    let owners = find_owners(tx, wanted).await?;
    let id = match &wanted.slug {
        Some(slug) => store::find_product_by_slug(tx, slug).await?,
        None => owners.iter().flatten().next().copied(),
    };
    let Some(id) = id else { return create(tx, wanted, &owners, locales).await };
    let current = read_product(tx, id).await?;
    let (after, variants) = wanted.over(&current, &owners)?;
    let texts_differ = translations::differ(tx, Entity::Product, &id.to_string(), &wanted.texts, locales).await?;
    if after == current && !texts_differ {
        let stock = wishes(wanted, &current.variants, &owners);
        return Ok(Put { id: Some(id), product: Outcome::Unchanged, variants, stock });
    }
    change(tx, id, wanted, &owners, locales).await
}

/// Brings the stock of variants to what is wanted, in the order of locking; answers for each wish whether it changed
/// anything. To be called once, after everything else of the transaction: a checkout that holds a later variant and
/// wants an earlier one would wait for this, and this for it.
pub async fn put_stock(
    tx: &mut Tx,
    mut wishes: Vec<StockWish>,
    cause: &Cause<'_>,
) -> Result<Vec<(StockWish, Result<bool, Error>)>, Error> {
    wishes.sort_by_key(|wish| wish.variant_id);
    let locations: Vec<_> = wishes.iter().flat_map(|wish| wish.stock.locations()).collect();
    inventory::lock_locations(tx, &locations).await?;
    let mut done = Vec::with_capacity(wishes.len());
    for wish in wishes {
        let outcome = match inventory::bring_to(tx, wish.variant_id, &wish.stock, cause).await {
            Ok(moved) => Ok(moved.changed),
            Err(inventory::Error::Database(error)) => return Err(error.into()),
            Err(inventory::Error::BelowReserved) => Err(Error::BelowReserved { sku: wish.sku.clone() }),
            Err(error) => Err(error.into()),
        };
        done.push((wish, outcome));
    }
    Ok(done)
}

/// For each variant, the product that has its SKU now.
async fn find_owners(tx: &mut Tx, wanted: &WantedProduct) -> Result<Vec<Option<Uuid>>, Error> {
    let skus: Vec<_> = wanted.variants.iter().map(|variant| variant.sku.as_str()).collect();
    let mut owners = HashMap::new();
    for chunk in skus.chunks(store::SKU_CHUNK) {
        owners.extend(store::products_of_skus(tx, chunk).await?);
    }
    Ok(skus.into_iter().map(|sku| owners.get(sku).copied()).collect())
}

/// Makes the product with those of its variants whose SKU is free, or nothing where none is.
async fn create(
    tx: &mut Tx,
    wanted: &WantedProduct,
    owners: &[Option<Uuid>],
    locales: &[String],
) -> Result<Put, Error> {
    let new = wanted.to_new(owners)?;
    let outcome = |(index, owner): (usize, &Option<Uuid>)| match owner {
        Some(_) => Err(Error::SkuTaken(wanted.variants[index].sku.clone())),
        None => Ok(Outcome::Created),
    };
    let variants = owners.iter().enumerate().map(outcome).collect();
    if new.variants.is_empty() && !wanted.variants.is_empty() {
        return Ok(Put { id: None, product: Outcome::Unchanged, variants, stock: Vec::new() });
    }
    let id = insert_product(tx, &new).await?;
    translations::bring_to(tx, Entity::Product, &id.to_string(), &wanted.texts, locales).await?;
    search::enqueue(tx, &[id]).await?;
    let more = wanted.variants.iter().any(|variant| variant.wants_beyond_opening());
    let made = if more { store::variants_of(tx, id).await? } else { Vec::new() };
    Ok(Put { id: Some(id), product: Outcome::Created, variants, stock: wishes(wanted, &made, owners) })
}

async fn change(
    tx: &mut Tx,
    id: Uuid,
    wanted: &WantedProduct,
    owners: &[Option<Uuid>],
    locales: &[String],
) -> Result<Put, Error> {
    let before = lock(tx, id, None).await?;
    let (mut product, variants) = wanted.over(&before, owners)?;
    let kind = attributes::require_type(tx, product.type_code.as_deref()).await?;
    if product.type_code != before.type_code {
        attributes::keep_known(&mut product, kind.as_ref());
    }
    attributes::check_product(&product, kind.as_ref())?;
    if product.category_id != before.category_id
        && let Some(category_id) = product.category_id
    {
        store::find_category(tx, category_id).await?.ok_or(Error::CategoryUnknown)?;
    }
    write_variants(tx, &before, &product, kind.as_ref()).await?;
    if product.tags != before.tags {
        tags::write(tx, id, &product.tags).await?;
    }
    let told = translations::bring_to(tx, Entity::Product, &id.to_string(), &wanted.texts, locales).await?;
    write(tx, &product).await?;
    if product.status == Status::Archived && before.status != Status::Archived {
        record(tx, "product.archived", &product).await?;
    }
    search::enqueue(tx, &[id]).await?;
    let stock = wishes(wanted, &product.variants, owners);
    let is_so = !told && head(&product) == head(&before);
    Ok(Put { id: Some(id), product: if is_so { Outcome::Unchanged } else { Outcome::Updated }, variants, stock })
}

/// A product without its variants.
fn head(product: &Product) -> Product {
    Product { variants: Vec::new(), ..product.clone() }
}

async fn write_variants(
    tx: &mut Tx,
    before: &Product,
    product: &Product,
    kind: Option<&ProductType>,
) -> Result<(), Error> {
    let at = product.updated_at;
    let had = |variant: &Variant| before.variants.iter().find(|had| had.id == variant.id);
    free_options(tx, before, product).await?;
    for variant in &product.variants {
        match had(variant) {
            None => insert_variant(tx, variant, at).await?,
            Some(had) if had != variant => store::update_variant(tx, variant, at).await?,
            Some(_) => {}
        }
    }
    attributes::write_changed(tx, before, product, kind).await
}

/// Of the variants that are there, and are not another product's.
fn wishes(wanted: &WantedProduct, there: &[Variant], owners: &[Option<Uuid>]) -> Vec<StockWish> {
    let wish = |(index, wanted): (usize, &super::WantedVariant)| {
        let variant = there.iter().find(|variant| variant.sku == wanted.sku)?;
        let asks = !wanted.stock.is_empty() && (owners[index].is_some() || wanted.wants_beyond_opening());
        asks.then(|| StockWish { index, variant_id: variant.id, sku: variant.sku.clone(), stock: wanted.stock.clone() })
    };
    wanted.variants.iter().enumerate().filter_map(wish).collect()
}
