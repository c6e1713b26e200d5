//! Product exports in Shopify's CSV format.
//!
//! The rows of one `Handle` make a product: the first with a title describes it, each row with a price, an option
//! value or a SKU is a variant, and rows with only an image are passed over. docs/import.md says what becomes of each
//! column.

use std::collections::HashMap;
use std::io::Read;

use aws_lc_rs::digest::{SHA256, digest};

use super::{Described, Error, OnProgress, Report, html, table, write};
use crate::Shop;
use crate::catalog::{
    MAX_DESCRIPTION, MAX_ON_HAND, MAX_SKU, MAX_TITLE, MAX_VARIANTS, MAX_VENDOR, MAX_WEIGHT_GRAMS, NewProduct,
    NewVariant, Status, slugify,
};
use crate::money::Currency;

const COLUMNS: [&str; 19] = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Published",
    "Status",
    "Gift Card",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Qty",
    "Variant Price",
    "Variant Compare At Price",
];

/// The rows of one handle.
struct Group {
    handle: String,
    head: Option<Head>,
    rows: Vec<(u64, VariantRow)>,
    /// Rows with nothing but an image.
    bare_lines: Vec<u64>,
}

/// The product's columns of the row that has them.
struct Head {
    title: String,
    body: String,
    vendor: String,
    kind: String,
    status: Status,
    gift_card: bool,
}

struct VariantRow {
    options: Vec<String>,
    sku: String,
    grams: String,
    quantity: String,
    price: String,
    compare_at: String,
}

/// Imports the file.
pub async fn import(shop: &Shop, input: impl Read, on_progress: OnProgress<'_>) -> Result<Report, Error> {
    let mut report = Report::default();
    let described = describe(input, shop.config().shop.currency, &mut report)?;
    write::products(shop, &described, &mut report, on_progress).await?;
    report.finish();
    Ok(report)
}

fn describe(input: impl Read, currency: Currency, report: &mut Report) -> Result<Vec<Described>, Error> {
    let groups = read_groups(input, report)?;
    let (mut slugs, mut skus) = (HashMap::new(), HashMap::new());
    let mut described = Vec::with_capacity(groups.len());
    for group in groups {
        let lines: Vec<_> = group.rows.iter().map(|(line, _)| *line).chain(group.bare_lines.iter().copied()).collect();
        match product(group, currency, &mut slugs, &mut skus, report) {
            Ok(product) => described.push(product),
            Err(reason) => lines.into_iter().for_each(|line| report.reject(line, reason.as_str())),
        }
    }
    Ok(described)
}

/// Handles in the order of their first row. Their rows usually stand together; nothing here relies on it.
fn read_groups(input: impl Read, report: &mut Report) -> Result<Vec<Group>, Error> {
    let mut groups: Vec<Group> = Vec::new();
    let mut by_handle: HashMap<String, usize> = HashMap::new();
    table::read(input, COLUMNS, &["Handle", "Title", "Variant Price"], report, |_, line, row| {
        let [handle, title, body, vendor, kind, published, status, gift_card, option1_name, ..] = row;
        let [.., value1, _, value2, _, value3, sku, grams, quantity, price, compare_at] = row;
        if handle.is_empty() {
            return Err("it has no handle".into());
        }
        let index = *by_handle.entry(handle.to_owned()).or_insert_with(|| {
            groups.push(Group { handle: handle.to_owned(), head: None, rows: Vec::new(), bare_lines: Vec::new() });
            groups.len() - 1
        });
        let group = &mut groups[index];
        if group.head.is_none() && !title.is_empty() {
            group.head = Some(Head {
                title: title.to_owned(),
                body: body.to_owned(),
                vendor: vendor.to_owned(),
                kind: kind.to_owned(),
                status: read_status(published, status),
                gift_card: gift_card.eq_ignore_ascii_case("true"),
            });
        }
        // Shopify's name for the one variant of a product without options.
        let only = option1_name == "Title" && value1 == "Default Title";
        let values = [if only { "" } else { value1 }, value2, value3];
        if !only && sku.is_empty() && price.is_empty() && values.iter().all(|value| value.is_empty()) {
            group.bare_lines.push(line);
            return Ok(());
        }
        let options = values.into_iter().filter(|value| !value.is_empty()).map(str::to_owned).collect();
        // Spreadsheets put an apostrophe before numbers that are to stay texts.
        let sku = sku.trim_start_matches('\'').to_owned();
        let (grams, quantity) = (grams.to_owned(), quantity.to_owned());
        let (price, compare_at) = (price.to_owned(), compare_at.to_owned());
        group.rows.push((line, VariantRow { options, sku, grams, quantity, price, compare_at }));
        Ok(())
    })?;
    Ok(groups)
}

/// `Status` is in newer exports and says more; a product that is not published is a draft.
fn read_status(published: &str, status: &str) -> Status {
    match status.to_ascii_lowercase().as_str() {
        "archived" => Status::Archived,
        "draft" => Status::Draft,
        _ if published.eq_ignore_ascii_case("false") => Status::Draft,
        _ => Status::Active,
    }
}

/// The product of a group, or why all of its rows are rejected. Single rows that cannot be taken are rejected here.
fn product(
    group: Group,
    currency: Currency,
    slugs: &mut HashMap<String, String>,
    skus: &mut HashMap<String, u64>,
    report: &mut Report,
) -> Result<Described, String> {
    let handle = group.handle;
    let head = group.head.ok_or_else(|| format!("no row of `{handle}` has a title"))?;
    if head.gift_card {
        return Err("gift cards cannot be sold here".into());
    }
    if group.rows.is_empty() {
        return Err(format!("no row of `{handle}` is a variant"));
    }
    check_length("title", &head.title, MAX_TITLE)?;
    check_length("vendor", &head.vendor, MAX_VENDOR)?;
    let slug = slugify(&handle, "product");
    if let Some(other) = slugs.get(&slug) {
        return Err(format!("the handles `{handle}` and `{other}` have the same address `{slug}`"));
    }
    slugs.insert(slug.clone(), handle.clone());
    let first_line = group.rows.first().map_or(0, |(line, _)| *line);
    let mut description = html::to_text(&head.body);
    if let Some((end, _)) = description.char_indices().nth(MAX_DESCRIPTION) {
        description.truncate(end);
        report.note(first_line, format!("the description was cut to {MAX_DESCRIPTION} characters"));
    }
    let (mut variants, mut lines) = (Vec::new(), Vec::new());
    for (line, row) in group.rows {
        match variant(&handle, &row, currency, line, skus, report) {
            Ok(_) if variants.len() >= MAX_VARIANTS => {
                report.reject(line, format!("a product has at most {MAX_VARIANTS} variants"));
            }
            Ok(variant) => {
                variants.push(variant);
                lines.push(vec![line]);
            }
            Err(reason) => report.reject(line, reason),
        }
    }
    let category = (!head.kind.is_empty()).then(|| {
        let name: String = one_line(&head.kind).chars().take(MAX_TITLE).collect();
        (slugify(&name, "category"), name)
    });
    let product = NewProduct {
        title: one_line(&head.title),
        slug: Some(slug),
        description,
        vendor: one_line(&head.vendor),
        status: head.status,
        category_id: None,
        variants,
        ..NewProduct::default()
    };
    Ok(Described { product, category, lines })
}

fn variant(
    handle: &str,
    row: &VariantRow,
    currency: Currency,
    line: u64,
    skus: &mut HashMap<String, u64>,
    report: &mut Report,
) -> Result<NewVariant, String> {
    let price = match row.price.as_str() {
        "" => return Err("it has no price".into()),
        text => currency.parse_amount(text).map_err(|error| format!("the price `{text}`: {error}"))?,
    };
    if price < 0 {
        return Err(format!("the price {} is negative", row.price));
    }
    let title = one_line(&row.options.join(" / "));
    check_length("option values", &title, MAX_TITLE)?;
    let weight_grams = read_grams(&row.grams)?;
    let on_hand = match row.quantity.as_str() {
        "" => 0,
        text => text.parse().map_err(|_| format!("the inventory quantity `{text}` is not a whole number"))?,
    };
    let sku = if row.sku.is_empty() { make_sku(handle, &row.options) } else { one_line(&row.sku) };
    check_length("SKU", &sku, MAX_SKU)?;
    if let Some(other) = skus.get(&sku) {
        return Err(format!("the SKU {sku} is that of line {other}"));
    }
    skus.insert(sku.clone(), line);
    if on_hand < 0 {
        report.note(line, format!("{sku}: the inventory quantity {on_hand} was taken as 0"));
    }
    // What is crossed out decides nothing, so a bad one costs a note and not the row.
    let compare_at_price = currency.parse_amount(&row.compare_at).ok().filter(|amount| *amount >= 0);
    if compare_at_price.is_none() && !row.compare_at.is_empty() {
        report.note(line, format!("{sku}: the compare-at price `{}` was left out", row.compare_at));
    }
    let on_hand = on_hand.clamp(0, MAX_ON_HAND);
    Ok(NewVariant { sku, title, price, compare_at_price, weight_grams, on_hand, ..NewVariant::default() })
}

/// Where the file has no SKU: the handle, and a slug of each option value, joined by colons. The same row always has
/// the same one; one that would be too long ends with a digest instead.
fn make_sku(handle: &str, options: &[String]) -> String {
    let mut sku = handle.to_owned();
    for option in options {
        sku.push(':');
        sku.push_str(&slugify(option, "option"));
    }
    if sku.chars().count() <= MAX_SKU {
        return sku;
    }
    let hash = digest(&SHA256, sku.as_bytes());
    let tail: String = hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let head: String = sku.chars().take(MAX_SKU - tail.len() - 1).collect();
    format!("{head}:{tail}")
}

/// Whole grams; a fraction is rounded up, since a parcel weighs at least that much.
fn read_grams(text: &str) -> Result<i64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let wrong = || format!("the weight `{text}` is not a number of grams from 0 to {MAX_WEIGHT_GRAMS}");
    if !digits(whole) || !digits(fraction) {
        return Err(wrong());
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
    let grams = whole.saturating_add(i64::from(fraction.bytes().any(|byte| byte != b'0')));
    if grams <= MAX_WEIGHT_GRAMS { Ok(grams) } else { Err(wrong()) }
}

fn check_length(what: &str, text: &str, max: usize) -> Result<(), String> {
    let long = text.chars().count() > max;
    if long { Err(format!("the {what} is longer than {max} characters")) } else { Ok(()) }
}

fn one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
