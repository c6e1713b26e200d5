//! Products, changed by the merchant.
//!
//! Every change begins with [`store::lock_product`], which counts the version up: two merchants who change one
//! product, or its variants, come one after the other on both databases.

use serde_json::json;
use uuid::Uuid;

use super::slugs::{self, SlugOf};
use super::variants::{describe, insert_variant};
use super::{
    Error, Flaw, MAX_VARIANTS, NewProduct, Product, ProductPatch, Status, Variant, announce, attributes, collections,
    indexing, options, store, tags, text, types,
};
use crate::db::{self, Conn, Tx};
use crate::{Shop, clock, events, id};

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
    indexing::index(&mut tx, &product).await?;
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
    let before = lock(&mut tx, id, expected).await?;
    if let Some(Some(category_id)) = patch.category_id {
        require_category(&mut tx, category_id).await?;
    }
    let shape_changed =
        patch.type_code.is_some() || !patch.attributes.is_empty() || patch.status == Some(Status::Active);
    let mut product = before.clone();
    apply(&mut product, patch)?;
    if shape_changed {
        let kind = attributes::require_type(&mut tx, product.type_code.as_deref()).await?;
        if product.type_code != before.type_code {
            attributes::keep_known(&mut product, kind.as_ref());
        }
        attributes::check_product(&product, kind.as_ref())?;
        attributes::write_changed(&mut tx, &before, &product, kind.as_ref()).await?;
    }
    if product.options != before.options {
        move_options(&mut tx, &before, &product).await?;
    }
    if product.tags != before.tags {
        tags::write(&mut tx, id, &product.tags).await?;
    }
    update(&mut tx, &product).await?;
    slugs::rename(&mut tx, SlugOf::Product, id, &before.slug, &product.slug).await?;
    if product.status == Status::Archived && before.status != Status::Archived {
        record(&mut tx, "product.archived", &product).await?;
    }
    tx.commit().await?;
    announce(shop);
    Ok(product)
}

/// Writes the variants whose values are others now. Two that change places would meet halfway: the values of each are let go before any is
/// taken.
async fn move_options(tx: &mut Tx, before: &Product, product: &Product) -> Result<(), Error> {
    let at = product.updated_at;
    free_options(tx, before, product).await?;
    for variant in &product.variants {
        store::update_variant(tx, variant, at).await?;
    }
    Ok(())
}

/// Lets go of the values of variants that get others.
pub(super) async fn free_options(tx: &mut Tx, before: &Product, product: &Product) -> Result<(), Error> {
    for variant in &product.variants {
        let had = before.variants.iter().find(|had| had.id == variant.id);
        if had.is_some_and(|had| had.options != variant.options && !had.options.is_empty()) {
            let freed = Variant { options: Vec::new(), ..variant.clone() };
            store::update_variant(tx, &freed, product.updated_at).await?;
        }
    }
    Ok(())
}

fn apply(product: &mut Product, patch: ProductPatch) -> Result<(), Error> {
    let set = |field: &mut String, value: Option<String>| {
        if let Some(value) = value {
            *field = value;
        }
    };
    set(&mut product.title, patch.title);
    set(&mut product.slug, patch.slug);
    set(&mut product.description, patch.description);
    set(&mut product.vendor, patch.vendor);
    set(&mut product.seo_title, patch.seo_title);
    set(&mut product.seo_description, patch.seo_description);
    product.status = patch.status.unwrap_or(product.status);
    product.category_id = patch.category_id.unwrap_or(product.category_id);
    product.type_code = patch.type_code.unwrap_or(product.type_code.take());
    if let Some(tags) = patch.tags {
        product.tags = tags::fold(&tags);
    }
    types::merge(&mut product.attributes, patch.attributes);
    match patch.options {
        Some(options) => options::change(product, options),
        None => Ok(()),
    }
}

/// Takes a product out of the shop. Its rows stay: carts, links and reports point at them, and it can be made active
/// again.
pub async fn archive_product(shop: &Shop, id: Uuid, expected: Option<i64>) -> Result<(), Error> {
    let patch = ProductPatch { status: Some(Status::Archived), ..ProductPatch::default() };
    patch_product(shop, id, patch, expected).await.map(drop)
}

/// Locks a product for the rest of the transaction, at its next version.
pub(super) async fn lock(tx: &mut Tx, id: Uuid, expected: Option<i64>) -> Result<Product, Error> {
    let mut product = store::lock_product(tx, id, clock::now()).await?.ok_or(Error::NotFound)?;
    let current = product.version - 1;
    if expected.is_some_and(|expected| expected != current) {
        return Err(Error::VersionMismatch { current });
    }
    product.variants = store::variants_of(tx, id).await?;
    product.tags = store::tags_of(tx, id).await?;
    attributes::read(tx, &mut product).await?;
    Ok(product)
}

/// Writes a locked product with its place in collections, what it is found by, and the event.
pub(super) async fn update(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    write(tx, product).await?;
    indexing::index(tx, product).await
}

/// Writes a locked product with its place in collections, and the event. The caller sees to it that it is indexed.
pub(super) async fn write(tx: &mut Tx, product: &Product) -> Result<(), Error> {
    match store::update_product(tx, product).await {
        Err(error) if error.is_unique_violation() => return Err(Error::SlugTaken(product.slug.clone())),
        done => done.map_err(gone)?,
    }
    collections::derive_product(tx, product).await?;
    Ok(record(tx, "product.updated", product).await?)
}

/// Makes a product in the caller's transaction, which must be dropped after an error. The caller sees to it that it is
/// indexed.
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
        type_code: new.type_code.clone(),
        attributes: new.attributes.clone(),
        options: new.options.clone(),
        seo_title: new.seo_title.clone(),
        seo_description: new.seo_description.clone(),
        tags: tags::fold(&new.tags),
        version: 1,
        created_at: now,
        updated_at: now,
        variants: Vec::new(),
    };
    for (index, variant) in (0..).zip(&new.variants) {
        let at = format!("/variants/{index}");
        let variant = describe(&product, variant, index, &at)?;
        if options::is_taken(&product.variants, &variant) {
            return Err(Error::Invalid(vec![Flaw::new(at + "/options", "another variant has the same values")]));
        }
        product.variants.push(variant);
    }
    let kind = attributes::require_type(tx, product.type_code.as_deref()).await?;
    attributes::check_product(&product, kind.as_ref())?;
    insert_with_slug(tx, &mut product, new.slug.is_some()).await?;
    for variant in &product.variants {
        insert_variant(tx, variant, now).await?;
        attributes::write(tx, product.id, Some(variant.id), &variant.attributes, kind.as_ref()).await?;
    }
    attributes::write(tx, product.id, None, &product.attributes, kind.as_ref()).await?;
    tags::write(tx, product.id, &product.tags).await?;
    slugs::take(tx, SlugOf::Product, &product.slug).await?;
    collections::derive_product(tx, &product).await?;
    record(tx, "product.created", &product).await?;
    Ok(product.id)
}

/// A slug that the merchant chose is taken or refused; one made from the title gets a number until it is free.
async fn insert_with_slug(tx: &mut Tx, product: &mut Product, chosen: bool) -> Result<(), Error> {
    if chosen {
        let inserted = store::insert_product(tx, product).await.map_err(gone)?;
        return if inserted { Ok(()) } else { Err(Error::SlugTaken(product.slug.clone())) };
    }
    let base = text::slugify(&product.title, "product");
    // A shop with more namesakes than that gets slugs that nobody counts any more.
    let numbered = (2..=20).map(|number| format!("{base}-{number}"));
    let tail = product.id.simple().to_string().split_off(20);
    for slug in std::iter::once(base.clone()).chain(numbered).chain([format!("{base}-{tail}")]) {
        product.slug = slug;
        if store::insert_product(tx, product).await.map_err(gone)? {
            return Ok(());
        }
    }
    Err(Error::SlugTaken(base))
}

pub(super) async fn read_product(conn: &mut Conn, id: Uuid) -> Result<Product, Error> {
    let mut product = store::find_product(conn, id).await?.ok_or(Error::NotFound)?;
    product.variants = store::variants_of(conn, id).await?;
    product.tags = store::tags_of(conn, id).await?;
    attributes::read(conn, &mut product).await?;
    Ok(product)
}

async fn require_category(tx: &mut Tx, id: Uuid) -> Result<(), Error> {
    store::find_category(tx, id).await?.map(drop).ok_or(Error::CategoryUnknown)
}

/// A category, or a type, that was there when it was looked for may be gone when the product is written.
fn gone(error: db::Error) -> Error {
    if error.is_foreign_key_violation_of("category_id") {
        Error::CategoryUnknown
    } else if error.is_foreign_key_violation_of("type_code") {
        attributes::no_such_type()
    } else {
        error.into()
    }
}

pub(super) async fn record(tx: &mut Tx, kind: &str, product: &Product) -> db::Result<()> {
    let data = json!({
        "id": product.id,
        "slug": product.slug,
        "title": product.title,
        "status": product.status,
        "version": product.version,
    });
    events::record(tx, kind, product.id, data).await
}
