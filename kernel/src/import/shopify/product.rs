//! What becomes of the rows of a handle.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};

use super::super::html;
use super::super::item::{Described, InCategory, Item, Thing};
use super::super::reading::Rules;
use super::{Group, Head, Outline, Remark, VariantRow};
use crate::catalog::{
    MAX_BARCODE, MAX_DESCRIPTION, MAX_ON_HAND, MAX_OPTION_NAME, MAX_OPTION_VALUES, MAX_SEO_DESCRIPTION, MAX_SEO_TITLE,
    MAX_SKU, MAX_TAG, MAX_TAGS, MAX_TITLE, MAX_VARIANTS, MAX_VENDOR, MAX_WEIGHT_GRAMS, OwnImages, Status, WantedChoice,
    WantedOptions, WantedProduct, WantedVariant, is_barcode, slugify,
};
use crate::inventory::WantedStock;

/// What has stood in the file: of each slug its handle, of each SKU its line.
#[derive(Default)]
pub(super) struct Told {
    slugs: HashMap<String, String>,
    skus: HashMap<String, u64>,
}

/// What is said of one group beside its product.
#[derive(Default)]
struct Remarks {
    rejected: Vec<Remark>,
    notes: Vec<Remark>,
}

/// What the variants of one product have in common.
struct Of<'a> {
    handle: &'a str,
    option_names: &'a [String],
    outline: &'a Outline,
    rules: &'a Rules,
}

impl Remarks {
    fn reject(&mut self, line: u64, text: impl Into<String>) {
        self.rejected.push(Remark { line, text: text.into() });
    }

    fn note(&mut self, line: u64, text: impl Into<String>) {
        self.notes.push(Remark { line, text: text.into() });
    }
}

impl Group {
    /// The product, or why all of its rows are rejected.
    pub(super) fn into_item(self, outline: &Outline, rules: &Rules, told: &mut Told) -> Item {
        let (line, rows) = (self.first_line, (self.rows.len() + self.bare_lines.len()) as u64);
        let lines: Vec<_> = self.rows.iter().map(|(line, _)| *line).chain(self.bare_lines.iter().copied()).collect();
        let mut remarks = Remarks::default();
        let thing = match product(self, outline, rules, told, &mut remarks) {
            Ok(described) => Some(Thing::Product(Box::new(described))),
            Err(reason) => {
                remarks = Remarks::default();
                lines.into_iter().for_each(|line| remarks.reject(line, reason.as_str()));
                None
            }
        };
        Item { rows, line, thing, rejected: remarks.rejected, notes: remarks.notes }
    }
}

fn product(
    group: Group,
    outline: &Outline,
    rules: &Rules,
    told: &mut Told,
    remarks: &mut Remarks,
) -> Result<Described, String> {
    let handle = group.handle;
    let head = group.head.ok_or_else(|| format!("no row of `{handle}` has a title"))?;
    if head.gift_card {
        return Err("gift cards cannot be sold here".into());
    }
    if group.rows.is_empty() {
        return Err(format!("no row of `{handle}` is a variant"));
    }
    let slug = slugify(&handle, "product");
    if let Some(other) = told.slugs.get(&slug) {
        return Err(format!("the handles `{handle}` and `{other}` have the same address `{slug}`"));
    }
    let foreign = group.foreign_images.len();
    if foreign > 0 {
        let text = format!("{handle}: {foreign} images are not taken: download them, and upload each");
        remarks.note(head.line, text);
    }
    let mut wanted = describe(&head, outline, remarks)?;
    told.slugs.insert(slug.clone(), handle.clone());
    wanted.slug = Some(slug);
    let last = (0..3).rev().find(|index| group.rows.iter().any(|(_, row)| !row.values[*index].is_empty()));
    // Variants that are told apart by nothing but their titles.
    let titled = last.is_none_or(|last| last == 0) && ["Title", ""].contains(&group.option_names[0].as_str());
    let count = if titled { 0 } else { last.map_or(0, |last| last + 1) };
    let option_names = name_options(group.option_names, count);
    let (mut lines, mut values) = (Vec::new(), vec![std::collections::HashSet::new(); option_names.len()]);
    let of = Of { handle: &handle, option_names: &option_names, outline, rules };
    for (line, row) in group.rows {
        match variant(&of, line, &row, told, remarks) {
            Ok(_) if wanted.variants.len() >= MAX_VARIANTS => {
                remarks.reject(line, format!("a product has at most {MAX_VARIANTS} variants"));
            }
            Ok(variant) => {
                if let Some(WantedChoice::Named(named)) = &variant.options {
                    for (values, value) in values.iter_mut().zip(named) {
                        values.insert(value.clone());
                    }
                }
                wanted.variants.push(variant);
                lines.push(vec![line]);
            }
            Err(reason) => remarks.reject(line, reason),
        }
    }
    if values.iter().any(|values| values.len() > MAX_OPTION_VALUES) {
        return Err(format!("an option of `{handle}` has more than {MAX_OPTION_VALUES} values"));
    }
    wanted.options = (!titled).then_some(WantedOptions::Named(option_names));
    let category = match head.kind.as_str() {
        "" => InCategory::Unmentioned,
        kind => {
            let name: String = one_line(kind).chars().take(MAX_TITLE).collect();
            InCategory::Named { slug: slugify(&name, "category"), name }
        }
    };
    Ok(Described { wanted, category, lines })
}

/// The product's own columns. Those that the file does not have are not mentioned.
fn describe(head: &Head, outline: &Outline, remarks: &mut Remarks) -> Result<WantedProduct, String> {
    check_length("title", &head.title, MAX_TITLE)?;
    check_length("vendor", &head.vendor, MAX_VENDOR)?;
    let mut description = html::to_text(&head.body);
    cut(&mut description, MAX_DESCRIPTION, "description", head.line, remarks);
    let mut seo_title = one_line(&head.seo_title);
    cut(&mut seo_title, MAX_SEO_TITLE, "SEO title", head.line, remarks);
    let mut seo_description = one_line(&head.seo_description);
    cut(&mut seo_description, MAX_SEO_DESCRIPTION, "SEO description", head.line, remarks);
    let has = |column, value| outline.has(column).then_some(value);
    Ok(WantedProduct {
        title: Some(one_line(&head.title)),
        description: has("Body (HTML)", description),
        vendor: has("Vendor", one_line(&head.vendor)),
        status: Some(read_status(&head.published, &head.status)),
        seo_title: has("SEO Title", seo_title),
        seo_description: has("SEO Description", seo_description),
        tags: outline.has("Tags").then(|| read_tags(head, remarks)),
        words_only: true,
        ..WantedProduct::default()
    })
}

fn cut(text: &mut String, max: usize, what: &str, line: u64, remarks: &mut Remarks) {
    if let Some((end, _)) = text.char_indices().nth(max) {
        text.truncate(end);
        text.truncate(text.trim_end().len());
        remarks.note(line, format!("the {what} was cut to {max} characters"));
    }
}

/// Tags that are too long, or too many, are left out and told.
fn read_tags(head: &Head, remarks: &mut Remarks) -> Vec<String> {
    let mut tags: Vec<_> = head.tags.split(',').map(one_line).filter(|tag| !tag.is_empty()).collect();
    let count = tags.len();
    tags.retain(|tag| tag.chars().count() <= MAX_TAG);
    tags.truncate(MAX_TAGS);
    if tags.len() < count {
        let text =
            format!("{} tags are left out: at most {MAX_TAGS} of {MAX_TAG} characters are kept", count - tags.len());
        remarks.note(head.line, text);
    }
    tags
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

/// The first `count` options; one without a name, or with that of another, is called by its number.
fn name_options(names: [String; 3], count: usize) -> Vec<String> {
    let mut named: Vec<String> = Vec::with_capacity(count);
    for (index, name) in names.iter().enumerate().take(count) {
        let name = one_line(name);
        let usable = !name.is_empty() && name.chars().count() <= MAX_OPTION_NAME && !named.contains(&name);
        named.push(if usable { name } else { format!("Option {}", index + 1) });
    }
    named
}

fn variant(
    of: &Of<'_>,
    line: u64,
    row: &VariantRow,
    told: &mut Told,
    remarks: &mut Remarks,
) -> Result<WantedVariant, String> {
    let Of { handle, option_names, outline, rules } = *of;
    let price = match row.price.as_str() {
        "" => return Err("it has no price".into()),
        text => rules.currency.parse_amount(text).map_err(|error| format!("the price `{text}`: {error}"))?,
    };
    if price < 0 {
        return Err(format!("the price {} is negative", row.price));
    }
    let values = read_values(row, option_names)?;
    let weight_grams = read_grams(&row.grams)?;
    let on_hand: Option<i64> = match row.quantity.as_str() {
        "" => None,
        text => Some(text.parse().map_err(|_| format!("the inventory quantity `{text}` is not a whole number"))?),
    };
    let title = if row.values[0] == "Default Title" { String::new() } else { one_line(&row.values[0]) };
    let named = |value: &&String| !value.is_empty() && *value != "Default Title";
    let given: Vec<_> = row.values.iter().filter(named).cloned().collect();
    let sku = if row.sku.is_empty() { make_sku(&one_line(handle), &given) } else { one_line(&row.sku) };
    check_length("SKU", &sku, MAX_SKU)?;
    if let Some(other) = told.skus.get(&sku) {
        return Err(format!("the SKU {sku} is that of line {other}"));
    }
    told.skus.insert(sku.clone(), line);
    if let Some(on_hand) = on_hand.filter(|on_hand| *on_hand < 0) {
        remarks.note(line, format!("{sku}: the inventory quantity {on_hand} was taken as 0"));
    }
    // What is crossed out decides nothing, so a bad one costs a note and not the row.
    let compare_at = match row.compare_at.as_str() {
        "" => Some(None),
        text => rules.currency.parse_amount(text).ok().filter(|amount| *amount >= 0).map(Some),
    };
    if compare_at.is_none() {
        remarks.note(line, format!("{sku}: the compare-at price `{}` was left out", row.compare_at));
    }
    let barcode = one_line(&row.barcode);
    let sound = barcode.chars().count() <= MAX_BARCODE && is_barcode(&barcode);
    if !sound {
        remarks.note(
            line,
            format!("{sku}: the barcode is left out: it has not the check digit of a GTIN, or is too long"),
        );
    }
    let backorder = match row.policy.to_ascii_lowercase().as_str() {
        "continue" => Some(true),
        "deny" => Some(false),
        _ => None,
    };
    Ok(WantedVariant {
        sku,
        title: option_names.is_empty().then_some(title),
        price: Some(price),
        compare_at_price: compare_at.filter(|_| outline.has("Variant Compare At Price")),
        weight_grams: outline.has("Variant Grams").then_some(weight_grams),
        options: (!option_names.is_empty()).then_some(WantedChoice::Named(values)),
        barcode: (outline.has("Variant Barcode") && sound).then_some(barcode),
        stock: WantedStock {
            total: on_hand.map(|on_hand| on_hand.clamp(0, MAX_ON_HAND)),
            backorder,
            tracked: outline.has("Variant Inventory Tracker").then_some(!row.tracker.is_empty()),
            ..WantedStock::default()
        },
        images: row.image.clone().map(OwnImages::Have),
        ..WantedVariant::default()
    })
}

fn read_values(row: &VariantRow, option_names: &[String]) -> Result<Vec<String>, String> {
    let mut values = Vec::with_capacity(option_names.len());
    for (name, value) in option_names.iter().zip(&row.values) {
        let value = one_line(value);
        if value.is_empty() {
            return Err(format!("it has no value of the option `{name}`"));
        }
        check_length("option value", &value, MAX_OPTION_NAME)?;
        values.push(value);
    }
    Ok(values)
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
