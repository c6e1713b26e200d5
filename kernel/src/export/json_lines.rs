//! The shop's own format. The order is that in which lines rest on each other.

mod trade;

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::{At, Error, PART};
use crate::catalog::{self, Category, Collection, Entity, Product, ProductType, Variant};
use crate::import::lines::{
    AttributeLine, CatalogLine, CategoryLine, ChoiceLine, CollectionLine, ImageLine, Line, ProductLine, RelatedLine,
    RelatedProductLine, StockLine, TypeLine, VERSION, VariantLine,
};
use crate::inventory::{self, Location, Stock};
use crate::{Shop, images};

/// Types read at once.
const TYPES: u32 = 100;

pub(super) async fn part(shop: &Shop, at: At) -> Result<(Vec<u8>, At), Error> {
    let mut out = Vec::new();
    let next = match at {
        At::Head => {
            let currency = shop.config().shop.currency.code().to_owned();
            write(&mut out, &Line::Catalog(CatalogLine { version: VERSION, currency }))?;
            trade::groups(shop, &mut out).await?;
            trade::locations(shop, &Shelf::of(shop).await?, &mut out).await?;
            types(shop, &mut out).await?;
            categories(shop, &mut out).await?;
            trade::lists(shop, &mut out).await?;
            At::Products(Uuid::nil())
        }
        At::Products(after) => {
            let ids = catalog::product_ids(shop, after, PART).await?;
            let shelf = Shelf::of(shop).await?;
            for id in &ids {
                write(&mut out, &Line::Product(Box::new(product(shop, *id, &shelf).await?)))?;
            }
            ids.last().map_or(At::Related(Uuid::nil()), |last| At::Products(*last))
        }
        At::Related(after) => {
            let ids = catalog::ids_with_related(shop, after, PART).await?;
            for id in &ids {
                write(&mut out, &Line::Related(related(shop, *id).await?))?;
            }
            ids.last().map_or(At::Collections(Uuid::nil()), |last| At::Related(*last))
        }
        At::Collections(after) => {
            let found = catalog::collections_after(shop, after, PART).await?;
            let shelf = Shelf::of(shop).await?;
            for collection in &found {
                write(&mut out, &Line::Collection(collection_line(shop, collection, &shelf).await?))?;
            }
            found.last().map_or(At::Prices(None, Uuid::nil()), |last| At::Collections(last.id))
        }
        At::Prices(list, after) => trade::prices(shop, list, after, &mut out).await?,
        At::End => At::End,
    };
    Ok((out, next))
}

fn write(out: &mut Vec<u8>, line: &Line) -> Result<(), Error> {
    serde_json::to_writer(&mut *out, line)?;
    out.push(b'\n');
    Ok(())
}

/// What products name by a word of its own.
struct Shelf {
    categories: HashMap<Uuid, String>,
    locations: HashMap<Uuid, String>,
}

impl Shelf {
    async fn of(shop: &Shop) -> Result<Self, Error> {
        let categories = catalog::all_categories(shop).await?;
        let locations = inventory::list_locations(shop).await?;
        let named = |location: &Location| {
            let alone = locations.iter().filter(|other| other.name == location.name).count() == 1;
            let name = if alone { location.name.clone() } else { location.id.to_string() };
            (location.id, name)
        };
        Ok(Self {
            locations: locations.iter().map(named).collect(),
            categories: categories.into_iter().map(|category| (category.id, category.slug)).collect(),
        })
    }
}

async fn types(shop: &Shop, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut after: Option<String> = None;
    loop {
        let types = catalog::list_product_types(shop, after.as_deref(), TYPES).await?;
        let Some(last) = types.last() else { return Ok(()) };
        after = Some(last.code.clone());
        for kind in types {
            let texts = catalog::texts_for_file(shop, Entity::ProductType, &kind.code).await?;
            write(out, &Line::ProductType(TypeLine { texts, ..type_line(kind) }))?;
        }
    }
}

fn type_line(kind: ProductType) -> TypeLine {
    let attribute = |attribute: catalog::Attribute| AttributeLine {
        code: attribute.code,
        name: attribute.name,
        kind: attribute.kind,
        level: attribute.level,
        unit: attribute.unit,
        decimals: attribute.decimals,
        required: attribute.required,
        filterable: attribute.filterable,
        choices: attribute
            .choices
            .into_iter()
            .map(|choice| ChoiceLine { code: choice.code, name: choice.name })
            .collect(),
    };
    let attributes = kind.attributes.into_iter().map(attribute).collect();
    TypeLine { code: kind.code, name: kind.name, attributes, texts: Default::default() }
}

/// Parents stand before what is in them.
async fn categories(shop: &Shop, out: &mut Vec<u8>) -> Result<(), Error> {
    let mut all = catalog::all_categories(shop).await?;
    all.sort_by(|a, b| (a.level(), &a.path).cmp(&(b.level(), &b.path)));
    let slugs: HashMap<Uuid, String> = all.iter().map(|category| (category.id, category.slug.clone())).collect();
    for category in all {
        let texts = catalog::texts_for_file(shop, Entity::Category, &category.id.to_string()).await?;
        write(out, &Line::Category(CategoryLine { texts, ..category_line(category, &slugs) }))?;
    }
    Ok(())
}

fn category_line(category: Category, slugs: &HashMap<Uuid, String>) -> CategoryLine {
    CategoryLine {
        parent: Some(category.parent_id.and_then(|id| slugs.get(&id).cloned())),
        slug: category.slug,
        name: Some(category.name),
        position: Some(category.position),
        seo_title: Some(category.seo_title),
        seo_description: Some(category.seo_description),
        texts: Default::default(),
    }
}

async fn product(shop: &Shop, id: Uuid, shelf: &Shelf) -> Result<ProductLine, Error> {
    let product = catalog::get_product(shop, id).await?;
    let texts = catalog::texts_for_file(shop, Entity::Product, &id.to_string()).await?;
    let images = images::of_products(shop, &[id]).await?.remove(&id).unwrap_or_default();
    let url = |image: &images::Image| format!("{}/v1/images/{}", shop.config().shop.url, image.file_name());
    let mut variants = Vec::with_capacity(product.variants.len());
    for variant in &product.variants {
        let stock = inventory::get_stock(shop, variant.id).await?;
        let own = images.iter().filter(|image| image.variant_ids.contains(&variant.id));
        variants.push(VariantLine {
            images: Some(own.map(url).collect()),
            ..variant_line(&product, variant, &stock, shelf)
        });
    }
    Ok(ProductLine {
        category: Some(product.category_id.and_then(|id| shelf.categories.get(&id).cloned())),
        slug: product.slug,
        title: Some(product.title),
        description: Some(product.description),
        vendor: Some(product.vendor),
        status: Some(product.status),
        product_type: Some(product.type_code),
        attributes: Some(product.attributes),
        options: Some(product.options),
        seo_title: Some(product.seo_title),
        seo_description: Some(product.seo_description),
        tags: Some(product.tags),
        variants,
        images: images.iter().map(|image| ImageLine { url: url(image), alt: image.alt.clone() }).collect(),
        texts,
    })
}

fn variant_line(product: &Product, variant: &Variant, stock: &Stock, shelf: &Shelf) -> VariantLine {
    let level = |level: &inventory::StockLevel| {
        let location = shelf.locations.get(&level.location_id)?.clone();
        Some(StockLine { location, on_hand: level.on_hand })
    };
    VariantLine {
        sku: variant.sku.clone(),
        title: Some(variant.title.clone()),
        price: Some(variant.price),
        compare_at_price: Some(variant.compare_at_price),
        weight_grams: Some(variant.weight_grams),
        options: Some(catalog::chosen(&product.options, &variant.options)),
        attributes: Some(variant.attributes.clone()),
        barcode: Some(variant.barcode.clone()),
        length_mm: Some(variant.length_mm),
        width_mm: Some(variant.width_mm),
        height_mm: Some(variant.height_mm),
        tracked: Some(stock.item.tracked),
        backorder_limit: Some(stock.item.backorder_limit),
        low_stock_threshold: Some(stock.item.low_stock_threshold),
        stock: stock.levels.iter().filter_map(level).collect(),
        images: None,
    }
}

async fn related(shop: &Shop, id: Uuid) -> Result<RelatedLine, Error> {
    let product = catalog::get_product(shop, id).await?.slug;
    let (related, _) = catalog::get_related(shop, id).await?;
    let line = |related: catalog::RelatedProduct| RelatedProductLine { relation: related.relation, slug: related.slug };
    Ok(RelatedLine { product, products: related.into_iter().map(line).collect() })
}

async fn collection_line(shop: &Shop, collection: &Collection, shelf: &Shelf) -> Result<CollectionLine, Error> {
    let texts = catalog::texts_for_file(shop, Entity::Collection, &collection.id.to_string()).await?;
    let mut products = None;
    if collection.rule.is_none() {
        products = Some(catalog::chosen_slugs(shop, collection.id).await?);
    }
    let mut rule = collection.rule.as_ref().map(serde_json::to_value).transpose()?;
    let conditions = rule.as_mut().and_then(|rule| rule.get_mut("conditions")).and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten().filter(|condition| condition["field"] == "category") {
        let slug = condition["value"].as_str().and_then(|id| shelf.categories.get(&Uuid::try_parse(id).ok()?));
        if let Some(slug) = slug {
            condition["value"] = slug.as_str().into();
        }
    }
    Ok(CollectionLine {
        slug: collection.slug.clone(),
        title: Some(collection.title.clone()),
        description: Some(collection.description.clone()),
        seo_title: Some(collection.seo_title.clone()),
        seo_description: Some(collection.seo_description.clone()),
        status: Some(collection.status),
        rule,
        products,
        texts,
    })
}
