//! How products and variants are called in the language of a reader, outside the product's page: in lists, carts and orders. The texts of
//! any number of them are read at once.

use std::collections::{BTreeMap, HashMap};

use uuid::Uuid;

use super::sellable::full_title;
use super::translations::{self, Reading, Texts};
use super::{Error, ListedProduct, ProductOption, SellableVariant, options, store};
use crate::Shop;
use crate::db::{self, Conn};

/// What has been translated of some products, by their ids.
#[derive(Default)]
struct Names {
    texts: HashMap<Uuid, Texts>,
    /// In the language of the reader.
    options: HashMap<Uuid, Vec<ProductOption>>,
}

impl Names {
    async fn read(conn: &mut Conn, ids: &[Uuid], reading: &Reading) -> db::Result<Self> {
        if reading.is_own() || ids.is_empty() {
            return Ok(Self::default());
        }
        let texts = translations::names(conn, ids, reading).await?;
        let mut options = HashMap::new();
        for (id, mut known) in store::options_of(conn, ids).await? {
            if let Some(texts) = texts.get(&id) {
                translations::translate_options(&mut known, texts);
                options.insert(id, known);
            }
        }
        Ok(Self { texts, options })
    }

    fn put_product(&self, id: Uuid, title: &mut String) {
        if let Some(texts) = self.texts.get(&id) {
            translations::put(title, texts, "title");
        }
    }

    /// `codes` are those of its values; the title of a variant without any has a translation of its own.
    fn put_variant(&self, product_id: Uuid, sku: &str, codes: &[String], title: &mut String) {
        let Some(texts) = self.texts.get(&product_id) else { return };
        let options = self.options.get(&product_id).map(Vec::as_slice).unwrap_or_default();
        match options::title(options, codes) {
            Some(translated) => *title = translated,
            None => translations::put_variant_title(title, texts, sku),
        }
    }
}

/// Gives the products of a list and their variants the titles of the reader's language; answers the alternative texts of their images, by
/// the id of the image.
pub async fn translate_names(
    shop: &Shop,
    products: &mut [ListedProduct],
    reading: &Reading,
) -> Result<BTreeMap<Uuid, String>, Error> {
    if reading.is_own() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<_> = products.iter().map(|product| product.id).collect();
    let names = Names::read(&mut shop.db().read().await?, &ids, reading).await?;
    for product in products {
        names.put_product(product.id, &mut product.title);
        for variant in &mut product.variants {
            names.put_variant(product.id, &variant.sku, &variant.options, &mut variant.title);
        }
    }
    Ok(names.texts.values().flat_map(translations::image_alts).collect())
}

/// Gives a variant that was just read, and so is called as the shop's own language calls it, its title in that of `locale`.
pub async fn translate_variant(
    shop: &Shop,
    conn: &mut Conn,
    locale: &str,
    variant: &mut SellableVariant,
) -> db::Result<()> {
    if !Reading::of(shop, &[locale.to_owned()]).is_own() {
        let mut titles = variant_titles(shop, conn, locale, &[variant.id]).await?;
        if let Some(title) = titles.remove(&variant.id) {
            variant.title = title;
        }
    }
    Ok(())
}

/// The titles of variants outside their product's page, in the language of `locale`, by their ids. What is gone has none.
pub async fn variant_titles(
    shop: &Shop,
    conn: &mut Conn,
    locale: &str,
    ids: &[Uuid],
) -> db::Result<HashMap<Uuid, String>> {
    let reading = Reading::of(shop, &[locale.to_owned()]);
    let mut variants = store::named_variants(conn, ids).await?;
    let mut products: Vec<_> = variants.iter().map(|variant| variant.product_id).collect();
    products.sort_unstable();
    products.dedup();
    let names = Names::read(conn, &products, &reading).await?;
    for variant in &mut variants {
        let codes = store::split_codes(&variant.options);
        names.put_product(variant.product_id, &mut variant.product_title);
        names.put_variant(variant.product_id, &variant.sku, &codes, &mut variant.title);
    }
    let title = |variant: store::NamedVariant| (variant.id, full_title(&variant.product_title, &variant.title));
    Ok(variants.into_iter().map(title).collect())
}
