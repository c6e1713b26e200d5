//! Shopify's columns. What they cannot hold (attributes, translations, several locations, dimensions) is not in the file.

use csv::Writer;
use uuid::Uuid;

use super::{At, Error, PART};
use crate::catalog::{self, Category, Product, Status, Variant, slugify};
use crate::inventory::{self, Item};
use crate::{Shop, images};

const COLUMNS: [&str; 29] = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Status",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Barcode",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "Gift Card",
    "SEO Title",
    "SEO Description",
    "Variant Image",
];

pub(super) async fn part(shop: &Shop, at: At) -> Result<(Vec<u8>, At), Error> {
    let mut writer = Writer::from_writer(Vec::new());
    let next = match at {
        At::Head => {
            writer.write_record(COLUMNS)?;
            At::Products(Uuid::nil())
        }
        At::Products(after) => {
            let ids = catalog::product_ids(shop, after, PART).await?;
            let categories = catalog::all_categories(shop).await?;
            for id in &ids {
                product(shop, *id, &categories, &mut writer).await?;
            }
            ids.last().map_or(At::End, |last| At::Products(*last))
        }
        At::Related(_) | At::Collections(_) | At::Prices(..) | At::End => At::End,
    };
    // A Vec takes whatever is written to it.
    Ok((writer.into_inner().map_err(|error| csv::Error::from(error.into_error()))?, next))
}

/// A product's rows: the first has what is the product's own, and each has a variant, an image or both. One without
/// variants is no product in this format.
async fn product(shop: &Shop, id: Uuid, categories: &[Category], out: &mut Writer<Vec<u8>>) -> Result<(), Error> {
    let product = catalog::get_product(shop, id).await?;
    if product.variants.is_empty() {
        return Ok(());
    }
    let images = images::of_products(shop, &[id]).await?.remove(&id).unwrap_or_default();
    let head = head(&product, categories);
    for index in 0..product.variants.len().max(images.len()) {
        let head = if index == 0 { head.clone() } else { [const { String::new() }; 9] };
        let [title, body, vendor, kind, tags, published, status, seo_title, seo_description] = head;
        let variant = match product.variants.get(index) {
            Some(variant) => {
                let stock = inventory::get_stock(shop, variant.id).await?;
                columns(shop, &product, variant, &stock.item, index == 0)
            }
            None => [const { String::new() }; 14],
        };
        let url = |image: &images::Image| format!("{}/v1/images/{}", shop.config().shop.url, image.file_name());
        let image = images.get(index).map(|image| [url(image), (index + 1).to_string(), image.alt.clone()]);
        let own = product.variants.get(index);
        let own = own.and_then(|own| images.iter().find(|image| image.variant_ids.contains(&own.id)));
        let gift_card = if index == 0 { "false".to_owned() } else { String::new() };
        let row = [product.slug.clone(), title, body, vendor, kind, tags, published, status].into_iter();
        let row = row.chain(variant).chain(image.unwrap_or_default());
        let row = row.chain([gift_card, seo_title, seo_description, own.map(url).unwrap_or_default()]);
        out.write_record(row.collect::<Vec<_>>())?;
    }
    Ok(())
}

fn head(product: &Product, categories: &[Category]) -> [String; 9] {
    let published = product.status == Status::Active;
    let status = match product.status {
        Status::Draft => "draft",
        Status::Active => "active",
        Status::Archived => "archived",
    };
    [
        product.title.clone(),
        body(&product.description),
        product.vendor.clone(),
        product.category_id.and_then(|id| kind(categories, id)).unwrap_or_default(),
        product.tags.join(", "),
        published.to_string(),
        status.to_owned(),
        product.seo_title.clone(),
        product.seo_description.clone(),
    ]
}

/// The name of a category, where its slug follows from it; else the slug, from which it follows too.
fn kind(categories: &[Category], id: Uuid) -> Option<String> {
    let category = categories.iter().find(|category| category.id == id)?;
    let follows = slugify(&category.name, "category") == category.slug;
    Some(if follows { category.name.clone() } else { category.slug.clone() })
}

/// Plain text as HTML that shows it.
fn body(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    escaped.replace('\n', "<br>")
}

/// From `Option1 Name` to `Variant Barcode`.
fn columns(shop: &Shop, product: &Product, variant: &Variant, item: &Item, first: bool) -> [String; 14] {
    let mut options = [const { String::new() }; 6];
    for (index, (option, code)) in product.options.iter().zip(&variant.options).enumerate().take(3) {
        if first {
            options[2 * index].clone_from(&option.name);
        }
        let value = option.values.iter().find(|value| value.code == *code);
        options[2 * index + 1] = value.map_or_else(|| code.clone(), |value| value.name.clone());
    }
    if product.options.is_empty() {
        options[0] = if first { "Title".to_owned() } else { String::new() };
        options[1] = if variant.title.is_empty() { "Default Title".to_owned() } else { variant.title.clone() };
    }
    let policy = if item.backorder_limit == Some(0) { "deny" } else { "continue" };
    let [name1, value1, name2, value2, name3, value3] = options;
    let currency = &shop.config().shop.currency;
    [
        name1,
        value1,
        name2,
        value2,
        name3,
        value3,
        variant.sku.clone(),
        variant.weight_grams.to_string(),
        if item.tracked { "shopify".to_owned() } else { String::new() },
        variant.on_hand.to_string(),
        policy.to_owned(),
        currency.format_amount(variant.price),
        variant.compare_at_price.map(|amount| currency.format_amount(amount)).unwrap_or_default(),
        variant.barcode.clone(),
    ]
}
