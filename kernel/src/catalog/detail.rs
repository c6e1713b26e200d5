//! One product with all that its page shows: a fixed number of statements, each by a key, however much it has.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::products::read_product;
use super::slugs::{self, SlugOf};
use super::translations::{self, Entity, Reading};
use super::{
    AttributeValues, Described, Error, ListedProduct, Product, ProductOption, RelatedProduct, Variant, describe,
    find_listed, options, store, text,
};
use crate::Shop;
use crate::db::Conn;
use crate::prices::PriceContext;

/// A product as its page shows it.
#[derive(Debug, Clone)]
pub struct Detail {
    pub listed: ListedProduct,
    pub product_type: Option<String>,
    pub attributes: Vec<Described>,
    pub options: Vec<ProductOption>,
    pub seo_title: String,
    pub seo_description: String,
    pub tags: Vec<String>,
    /// Translated alternative texts, by the id of the image.
    pub image_alts: BTreeMap<Uuid, String>,
    /// What the list does not show of variants.
    pub variants: HashMap<Uuid, VariantDetail>,
    /// Active ones.
    pub related: Vec<RelatedProduct>,
}

/// The rest of a variant.
#[derive(Debug, Clone)]
pub struct VariantDetail {
    pub options: Vec<String>,
    pub attributes: Vec<Described>,
    pub barcode: String,
    pub length_mm: i64,
    pub width_mm: i64,
    pub height_mm: i64,
}

/// What an id or slug leads to.
#[derive(Debug)]
pub enum Found<T> {
    Here(Box<T>),
    /// It has another slug now.
    Moved(String),
}

/// The active product with this id or slug, in the language of the reader and at the prices of `context`.
pub async fn find_detail(
    shop: &Shop,
    context: &PriceContext,
    id_or_slug: &str,
    reading: &Reading,
) -> Result<Option<Found<Detail>>, Error> {
    let Some(listed) = find_listed(shop, context, id_or_slug).await? else {
        return Ok(find_moved(shop, id_or_slug).await?.map(Found::Moved));
    };
    let mut conn = shop.db().read().await?;
    let product = match read_product(&mut conn, listed.id).await {
        // Gone since.
        Err(Error::NotFound) => return Ok(None),
        product => product?,
    };
    let detail = assemble(&mut conn, listed, product, reading).await?;
    Ok(Some(Found::Here(Box::new(detail))))
}

async fn find_moved(shop: &Shop, slug: &str) -> Result<Option<String>, Error> {
    if !text::is_slug(slug) {
        return Ok(None);
    }
    let mut conn = shop.db().read().await?;
    let Some(id) = slugs::find_moved(&mut conn, SlugOf::Product, slug).await? else { return Ok(None) };
    let product = store::find_product(&mut conn, id).await?;
    Ok(product.filter(|product| product.status == super::Status::Active).map(|product| product.slug))
}

async fn assemble(
    conn: &mut Conn,
    mut listed: ListedProduct,
    mut product: Product,
    reading: &Reading,
) -> Result<Detail, Error> {
    let texts = translations::read(conn, Entity::Product, &product.id.to_string(), reading).await?;
    translations::put(&mut listed.title, &texts, "title");
    translations::put(&mut listed.description, &texts, "description");
    translations::put(&mut product.seo_title, &texts, "seo_title");
    translations::put(&mut product.seo_description, &texts, "seo_description");
    translations::translate_options(&mut product.options, &texts);
    let kind = match &product.type_code {
        Some(code) => store::find_type(conn, code).await?,
        None => None,
    };
    let kind = match kind {
        Some(mut kind) => {
            let texts = translations::read(conn, Entity::ProductType, &kind.code, reading).await?;
            translations::translate_type(&mut kind, &texts);
            Some(kind)
        }
        None => None,
    };
    let described = |values: &AttributeValues, sku: Option<&str>| {
        let mut described = kind.as_ref().map(|kind| describe(kind, values)).unwrap_or_default();
        translations::translate_values(&mut described, &texts, sku);
        described
    };
    for variant in &mut listed.variants {
        let codes = product.variants.iter().find(|known| known.id == variant.id).map(|known| &known.options);
        match codes.and_then(|codes| options::title(&product.options, codes)) {
            Some(title) => variant.title = title,
            None => translations::put_variant_title(&mut variant.title, &texts, &variant.sku),
        }
    }
    let variant = |variant: Variant| {
        let attributes = described(&variant.attributes, Some(&variant.sku));
        let Variant { options, barcode, length_mm, width_mm, height_mm, .. } = variant;
        (variant.id, VariantDetail { options, attributes, barcode, length_mm, width_mm, height_mm })
    };
    let mut related = store::related_of(conn, product.id).await?;
    related.retain(|related| related.active);
    let ids: Vec<_> = related.iter().map(|related| related.id).collect();
    let mut titles = translations::titles(conn, &ids, reading).await?;
    for related in &mut related {
        related.title = titles.remove(&related.id).unwrap_or(std::mem::take(&mut related.title));
    }
    Ok(Detail {
        image_alts: translations::image_alts(&texts),
        attributes: described(&product.attributes, None),
        variants: product.variants.into_iter().map(variant).collect(),
        product_type: product.type_code,
        options: product.options,
        seo_title: product.seo_title,
        seo_description: product.seo_description,
        tags: product.tags,
        listed,
        related,
    })
}
