//! Texts in other languages than the shop's own.
//!
//! The shop's own language (`shop.locale`) stands in the rows themselves; a translation is a set of texts by field beside
//! them. A reader gets each text in the nearest language that has it: the exact tag, then a shorter one, then the
//! shop's own. Only languages of `catalog.locales` are kept, which also bounds what is cached.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use uuid::Uuid;

use super::products::{lock, read_product, update};
use super::{
    Attribute, AttributeKind, AttributeValue, AttributeValues, Described, Error, Flaw, Product, ProductOption,
    ProductType, announce, indexing, store,
};
use crate::db::{self, Conn, Tx};
use crate::{Shop, events, images};

/// What has texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Entity {
    Product,
    ProductType,
    Category,
    Collection,
}

impl Entity {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::ProductType => "product-type",
            Self::Category => "category",
            Self::Collection => "collection",
        }
    }
}

/// Texts by field: `title`, `options.size`, `attributes.roast.light`.
pub type Texts = BTreeMap<String, String>;

/// The languages that somebody reads, of those that the shop has: nearest first, and none for its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reading(Vec<String>);

impl Reading {
    /// The first of `wanted` that the shop has, and what is shorter: of `de-AT`, also `de`.
    pub fn of(shop: &Shop, wanted: &[String]) -> Self {
        Self(choose(&shop.config().shop.locale, &shop.config().catalog.locales, wanted))
    }

    /// The tag of the nearest, for `Content-Language`.
    pub fn tag<'a>(&'a self, shop: &'a Shop) -> &'a str {
        self.0.first().unwrap_or(&shop.config().shop.locale)
    }

    /// Nothing is translated.
    pub fn is_own(&self) -> bool {
        self.0.is_empty()
    }

    /// The nearest text of each field.
    fn nearest(&self, texts: Vec<(String, String, String)>) -> Texts {
        let place = |locale: &str| self.0.iter().position(|tag| tag == locale);
        let mut placed: Vec<_> =
            texts.into_iter().filter_map(|(tag, field, text)| Some((place(&tag)?, field, text))).collect();
        placed.sort_by_key(|(place, ..)| std::cmp::Reverse(*place));
        placed.into_iter().map(|(_, field, text)| (field, text)).collect()
    }
}

/// RFC 4647 look-up: each wanted tag is cut from its end until the shop has it.
fn choose(own: &str, others: &[String], wanted: &[String]) -> Vec<String> {
    for tag in wanted {
        let mut chosen = Vec::new();
        let mut rest = tag.as_str();
        loop {
            if own.eq_ignore_ascii_case(rest) {
                return chosen;
            }
            chosen.extend(others.iter().find(|other| other.eq_ignore_ascii_case(rest)).cloned());
            let Some((shorter, _)) = rest.rsplit_once('-') else { break };
            rest = shorter;
        }
        // A shop in `en-GB` serves those who want `en`.
        if !chosen.is_empty() || own.split('-').next().is_some_and(|language| language.eq_ignore_ascii_case(rest)) {
            return chosen;
        }
    }
    Vec::new()
}

/// All translations of something, by language.
pub async fn list_translations(shop: &Shop, entity: Entity, key: &str) -> Result<BTreeMap<String, Texts>, Error> {
    let mut conn = shop.db().read().await?;
    known_fields(&mut conn, entity, key).await?;
    let mut translations: BTreeMap<String, Texts> = BTreeMap::new();
    for (locale, field, text) in store::texts_of(&mut conn, entity, key).await? {
        translations.entry(locale).or_default().insert(field, text);
    }
    Ok(translations)
}

/// Replaces the texts of one language; none takes it away.
pub async fn put_translation(shop: &Shop, entity: Entity, key: &str, locale: &str, texts: &Texts) -> Result<(), Error> {
    let known = shop.config().catalog.locales.iter().find(|known| known.eq_ignore_ascii_case(locale));
    let Some(locale) = known else { return Err(Error::LocaleUnknown) };
    let mut tx = shop.db().write().await?;
    let fields = known_fields(&mut tx, entity, key).await?;
    let unknown = texts.keys().filter(|field| !fields.contains(*field));
    let flaw = |field: &String| Flaw::new(format!("/texts/{field}"), "there is no such text to translate");
    Flaw::none(unknown.map(flaw).collect())?;
    store::delete_texts(&mut tx, entity, key, locale).await?;
    for (field, text) in texts {
        store::insert_text(&mut tx, entity, key, locale, field, text).await?;
    }
    tell(&mut tx, entity, key).await?;
    tx.commit().await?;
    announce(shop);
    Ok(())
}

/// Whether the texts of something differ from `wanted`, whose languages alone are looked at.
pub(super) async fn differ(
    conn: &mut Conn,
    entity: Entity,
    key: &str,
    wanted: &BTreeMap<String, Texts>,
    locales: &[String],
) -> Result<bool, Error> {
    Ok(!differing(conn, entity, key, wanted, locales).await?.is_empty())
}

/// Brings the texts of something to what a file says; tells whether they were otherwise. The caller tells of it.
pub(super) async fn bring_to(
    tx: &mut Tx,
    entity: Entity,
    key: &str,
    wanted: &BTreeMap<String, Texts>,
    locales: &[String],
) -> Result<bool, Error> {
    let differing = differing(tx, entity, key, wanted, locales).await?;
    if differing.is_empty() {
        return Ok(false);
    }
    let known = known_fields(tx, entity, key).await?;
    for (locale, texts) in &differing {
        let unknown = texts.keys().filter(|field| !known.contains(*field));
        let flaw = |field: &String| Flaw::new(format!("/texts/{locale}/{field}"), "there is no such text to translate");
        Flaw::none(unknown.map(flaw).collect())?;
        for (field, _) in current(tx, entity, key, locale).await? {
            store::delete_text(tx, entity, key, locale, &field).await?;
        }
        for (field, text) in *texts {
            store::insert_text(tx, entity, key, locale, field, text).await?;
        }
    }
    Ok(true)
}

/// Those of `wanted` that are not so, under the names that the shop has for its languages.
async fn differing<'a>(
    conn: &mut Conn,
    entity: Entity,
    key: &str,
    wanted: &'a BTreeMap<String, Texts>,
    locales: &[String],
) -> Result<BTreeMap<String, &'a Texts>, Error> {
    let mut differing = BTreeMap::new();
    if wanted.is_empty() {
        return Ok(differing);
    }
    // Of what is gone, files have no texts.
    let fields = known_fields(conn, entity, key).await?;
    for (locale, texts) in wanted {
        let Some(known) = locales.iter().find(|known| known.eq_ignore_ascii_case(locale)) else {
            let detail = "the shop has no texts in this language";
            return Err(Error::Invalid(vec![Flaw::new(format!("/texts/{locale}"), detail)]));
        };
        let mut current = current(conn, entity, key, known).await?;
        current.retain(|field, _| fields.contains(field));
        if current != *texts {
            differing.insert(known.clone(), texts);
        }
    }
    Ok(differing)
}

/// What files have of the texts in one language: all but those of images, whose ids mean nothing elsewhere.
async fn current(conn: &mut Conn, entity: Entity, key: &str, locale: &str) -> db::Result<Texts> {
    let texts = store::texts_of(conn, entity, key).await?.into_iter();
    let own = texts.filter(|(tag, field, _)| tag == locale && !field.starts_with(IMAGES));
    Ok(own.map(|(_, field, text)| (field, text)).collect())
}

/// The texts of something in all languages of the shop, as files have them.
pub async fn texts_for_file(shop: &Shop, entity: Entity, key: &str) -> Result<BTreeMap<String, Texts>, Error> {
    let mut conn = shop.db().read().await?;
    let known = known_fields(&mut conn, entity, key).await?;
    let mut all = BTreeMap::new();
    for locale in &shop.config().catalog.locales {
        let mut texts = current(&mut conn, entity, key, locale).await?;
        texts.retain(|field, _| known.contains(field));
        if !texts.is_empty() {
            all.insert(locale.clone(), texts);
        }
    }
    Ok(all)
}

/// The change of a text is one of the product or type that it belongs to, and products are found by it.
pub(super) async fn tell(tx: &mut Tx, entity: Entity, key: &str) -> Result<(), Error> {
    match (entity, Uuid::try_parse(key)) {
        (Entity::Product, Ok(id)) => {
            let product = lock(tx, id, None).await?;
            update(tx, &product).await
        }
        (Entity::ProductType, _) => {
            indexing::enqueue_type(tx, key).await?;
            let data = serde_json::json!({ "code": key });
            Ok(events::record(tx, "product-type.updated", key, data).await?)
        }
        (Entity::Category, Ok(id)) => match store::find_category(tx, id).await? {
            Some(category) => Ok(indexing::enqueue_subtree(tx, &category.path).await?),
            None => Ok(()),
        },
        _ => Ok(()),
    }
}

/// Every text of a product in other languages: language, field, text. For the index of the search.
pub async fn product_texts(conn: &mut Conn, id: Uuid) -> db::Result<Vec<(String, String, String)>> {
    store::texts_of(conn, Entity::Product, &id.to_string()).await
}

/// Takes away all texts of what is gone.
pub(super) async fn forget(tx: &mut Tx, entity: Entity, key: &str) -> db::Result<()> {
    store::delete_all_texts(tx, entity, key).await
}

/// Takes away the translated texts of an image that is gone.
pub async fn forget_image_text(tx: &mut Tx, product_id: Uuid, image_id: Uuid) -> db::Result<()> {
    store::delete_field(tx, Entity::Product, &product_id.to_string(), &image_field(image_id)).await
}

/// What the fields of alternative texts begin with.
const IMAGES: &str = "images.";

/// The field of an image's alternative text.
fn image_field(image_id: Uuid) -> String {
    format!("{IMAGES}{image_id}")
}

/// Those of the images, by their ids.
pub(super) fn image_alts(texts: &Texts) -> BTreeMap<Uuid, String> {
    let alt =
        |(field, text): (&String, &String)| Some((Uuid::try_parse(field.strip_prefix(IMAGES)?).ok()?, text.clone()));
    texts.iter().filter_map(alt).collect()
}

async fn known_fields(conn: &mut Conn, entity: Entity, key: &str) -> Result<BTreeSet<String>, Error> {
    let id = Uuid::try_parse(key);
    match entity {
        Entity::ProductType => {
            let kind = store::find_type(conn, key).await?.ok_or(Error::NotFound)?;
            Ok(fields_of_type(&kind))
        }
        Entity::Product => {
            let id = id.map_err(|_| Error::NotFound)?;
            let product = read_product(conn, id).await?;
            let kind = match &product.type_code {
                Some(code) => store::find_type(conn, code).await?,
                None => None,
            };
            let mut fields = fields_of_product(&product, kind.as_ref());
            fields.extend(images::ids_of(conn, id).await?.into_iter().map(image_field));
            Ok(fields)
        }
        Entity::Category => {
            let id = id.map_err(|_| Error::NotFound)?;
            store::find_category(conn, id).await?.ok_or(Error::NotFound)?;
            Ok(set(&["name", "seo_title", "seo_description"]))
        }
        Entity::Collection => {
            let id = id.map_err(|_| Error::NotFound)?;
            store::find_collection(conn, id).await?.ok_or(Error::NotFound)?;
            Ok(set(&["title", "description", "seo_title", "seo_description"]))
        }
    }
}

fn set(fields: &[&str]) -> BTreeSet<String> {
    fields.iter().map(|field| (*field).to_owned()).collect()
}

/// What the titles of variants are kept under begins with this.
const VARIANTS: &str = "variants.";

/// The field of the title of a variant that no option gives one. It has the SKU, which never changes and means the same in files.
fn variant_title_field(sku: &str) -> String {
    format!("{VARIANTS}{sku}.title")
}

/// The field of a text that is the value of an attribute: the product's or, with its SKU, a variant's. Codes hold no dot.
fn value_field(code: &str, sku: Option<&str>) -> String {
    match sku {
        Some(sku) => format!("attributes.{code}.{sku}"),
        None => format!("attributes.{code}"),
    }
}

fn fields_of_product(product: &Product, kind: Option<&ProductType>) -> BTreeSet<String> {
    let mut fields = set(&["title", "description", "seo_title", "seo_description"]);
    for option in &product.options {
        fields.insert(format!("options.{}", option.code));
        fields.extend(option.values.iter().map(|value| format!("options.{}.{}", option.code, value.code)));
    }
    let texts = |values: &AttributeValues, sku: Option<&str>| -> Vec<_> {
        let is_text = |code: &&String| kind.and_then(|kind| kind.attribute(code)).is_some_and(is_text);
        values.keys().filter(is_text).map(|code| value_field(code, sku)).collect()
    };
    fields.extend(texts(&product.attributes, None));
    for variant in &product.variants {
        fields.extend(texts(&variant.attributes, Some(&variant.sku)));
        if variant.options.is_empty() && !variant.title.is_empty() {
            fields.insert(variant_title_field(&variant.sku));
        }
    }
    fields
}

fn is_text(attribute: &Attribute) -> bool {
    attribute.kind == AttributeKind::Text
}

fn fields_of_type(kind: &ProductType) -> BTreeSet<String> {
    let mut fields = set(&["name"]);
    for attribute in &kind.attributes {
        fields.insert(format!("attributes.{}", attribute.code));
        if !attribute.unit.is_empty() {
            fields.insert(format!("units.{}", attribute.code));
        }
        let choices = attribute.choices.iter();
        fields.extend(choices.map(|choice| format!("attributes.{}.{}", attribute.code, choice.code)));
    }
    fields
}

/// The texts of something as somebody reads them.
pub(super) async fn read(conn: &mut Conn, entity: Entity, key: &str, reading: &Reading) -> db::Result<Texts> {
    if reading.is_own() {
        return Ok(Texts::new());
    }
    Ok(reading.nearest(store::texts_of(conn, entity, key).await?))
}

/// Those of everything of a sort, by id: of the categories, which a tree shows at once.
pub(super) async fn read_all(conn: &mut Conn, entity: Entity, reading: &Reading) -> db::Result<HashMap<String, Texts>> {
    let mut texts: HashMap<String, Vec<(String, String, String)>> = HashMap::new();
    if !reading.is_own() {
        for (key, locale, field, text) in store::texts_of_all(conn, entity).await? {
            texts.entry(key).or_default().push((locale, field, text));
        }
    }
    Ok(texts.into_iter().map(|(key, texts)| (key, reading.nearest(texts))).collect())
}

/// What lists show of these products, in the language of the reader.
pub(super) async fn names(conn: &mut Conn, ids: &[Uuid], reading: &Reading) -> db::Result<HashMap<Uuid, Texts>> {
    let mut texts: HashMap<Uuid, Vec<(String, String, String)>> = HashMap::new();
    for (key, locale, field, text) in store::names_of(conn, ids, &reading.0).await? {
        texts.entry(Uuid::try_parse(&key).unwrap_or_default()).or_default().push((locale, field, text));
    }
    Ok(texts.into_iter().map(|(id, texts)| (id, reading.nearest(texts))).collect())
}

/// Titles of products in the language of the reader, where they have been translated.
pub async fn titles(conn: &mut Conn, ids: &[Uuid], reading: &Reading) -> db::Result<HashMap<Uuid, String>> {
    let mut texts: HashMap<Uuid, Vec<(String, String, String)>> = HashMap::new();
    let wanted = if reading.is_own() { &[] } else { ids };
    for chunk in wanted.chunks(store::TITLE_CHUNK) {
        let keys: Vec<_> = chunk.iter().map(Uuid::to_string).collect();
        for (key, locale, title) in store::titles_of(conn, &keys).await? {
            let id = Uuid::try_parse(&key).unwrap_or_default();
            texts.entry(id).or_default().push((locale, "title".into(), title));
        }
    }
    let title = |(id, texts)| Some((id, reading.nearest(texts).remove("title")?));
    Ok(texts.into_iter().filter_map(title).collect())
}

/// A text, if there is a translation.
pub(super) fn put(text: &mut String, texts: &Texts, field: &str) {
    if let Some(translated) = texts.get(field) {
        text.clone_from(translated);
    }
}

pub(super) fn translate_options(options: &mut [ProductOption], texts: &Texts) {
    for option in options {
        put(&mut option.name, texts, &format!("options.{}", option.code));
        for value in &mut option.values {
            put(&mut value.name, texts, &format!("options.{}.{}", option.code, value.code));
        }
    }
}

/// The title of a variant without options.
pub(super) fn put_variant_title(title: &mut String, texts: &Texts, sku: &str) {
    put(title, texts, &variant_title_field(sku));
}

/// Values that are texts: the product's own or, with its SKU, a variant's.
pub(super) fn translate_values(described: &mut [Described], texts: &Texts, sku: Option<&str>) {
    for Described { attribute, value, .. } in described {
        if let AttributeValue::Text(text) = value
            && is_text(attribute)
        {
            put(text, texts, &value_field(&attribute.code, sku));
        }
    }
}

pub(super) fn translate_type(kind: &mut ProductType, texts: &Texts) {
    put(&mut kind.name, texts, "name");
    for attribute in &mut kind.attributes {
        translate_attribute(attribute, texts);
    }
}

/// By the texts of its type.
pub(super) fn translate_attribute(attribute: &mut Attribute, texts: &Texts) {
    put(&mut attribute.name, texts, &format!("attributes.{}", attribute.code));
    put(&mut attribute.unit, texts, &format!("units.{}", attribute.code));
    for choice in &mut attribute.choices {
        put(&mut choice.name, texts, &format!("attributes.{}.{}", attribute.code, choice.code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_language_is_chosen() {
        let others = ["de", "de-AT", "pt-BR", "zh-Hant"].map(String::from);
        for (own, wanted, expected) in [
            ("en", vec![], vec![]),
            ("en", vec!["de-AT"], vec!["de-AT", "de"]),
            ("en", vec!["DE-at"], vec!["de-AT", "de"]),
            ("en", vec!["de-CH"], vec!["de"]),
            ("en", vec!["fr", "de"], vec!["de"]),
            ("en", vec!["en-US", "de"], vec![]),
            ("en-GB", vec!["en", "de"], vec![]),
            ("en-GB", vec!["en-US", "de"], vec![]),
            ("en", vec!["pt"], vec![]),
            ("en", vec!["zh-Hant-TW"], vec!["zh-Hant"]),
            ("de", vec!["de-AT"], vec!["de-AT"]),
            ("en", vec!["", "-"], vec![]),
        ] {
            let wanted: Vec<_> = wanted.into_iter().map(String::from).collect();
            assert_eq!(choose(own, &others, &wanted), expected, "{own} {wanted:?}");
        }
    }

    #[test]
    fn each_text_comes_from_the_nearest_language_that_has_it() {
        let reading = Reading(vec!["de-AT".into(), "de".into()]);
        let text = |locale: &str, field: &str| (locale.to_owned(), field.to_owned(), format!("{field} in {locale}"));
        let texts =
            vec![text("de", "title"), text("de-AT", "title"), text("de", "description"), text("fr", "seo_title")];
        let nearest = reading.nearest(texts);
        assert_eq!(nearest.get("title").unwrap(), "title in de-AT");
        assert_eq!(nearest.get("description").unwrap(), "description in de");
        assert_eq!(nearest.len(), 2);
    }
}
