//! Product exports in Shopify's CSV format.
//!
//! The rows of one `Handle` make a product: the first with a title describes it, each row with a price, an option
//! value or a SKU is a variant, and rows with only an image are passed over. docs/import.md says what becomes of each
//! column.

mod product;

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::item::Item;
use super::reading::{Emit, Rules};
use super::{Error, Remark, table};
use product::Told;

/// Columns of which something is taken, or that are known to tell nothing new.
const COLUMNS: [&str; 29] = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Status",
    "Gift Card",
    "SEO Title",
    "SEO Description",
    "Image Src",
    "Image Position",
    "Image Alt Text",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Barcode",
    "Variant Inventory Tracker",
    "Variant Image",
];

/// What a first look at the file finds.
pub(super) struct Outline {
    pub rows: u64,
    columns: Vec<String>,
    /// Of each handle, its last row: the product is whole then. Rows of a handle usually stand together; nothing here
    /// relies on it.
    ends: HashMap<String, u64>,
}

/// The rows of one handle.
struct Group {
    handle: String,
    first_line: u64,
    head: Option<Head>,
    /// Names of the options, as the first row that has them says.
    option_names: [String; 3],
    rows: Vec<(u64, VariantRow)>,
    /// Rows with nothing but an image.
    bare_lines: Vec<u64>,
    /// Images that are not this shop's.
    foreign_images: HashSet<String>,
}

/// The product's columns of the row that has them.
struct Head {
    line: u64,
    title: String,
    body: String,
    vendor: String,
    kind: String,
    tags: String,
    published: String,
    status: String,
    seo_title: String,
    seo_description: String,
    gift_card: bool,
}

struct VariantRow {
    values: [String; 3],
    sku: String,
    grams: String,
    quantity: String,
    policy: String,
    price: String,
    compare_at: String,
    barcode: String,
    /// Who counts it; empty where nobody does.
    tracker: String,
    /// The file of its own image, where that is one of this shop's.
    image: Option<String>,
}

impl Outline {
    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|known| known == column)
    }
}

pub(super) fn outline(input: impl Read, rules: &Rules) -> Result<Outline, Error> {
    let (mut rows, mut ends) = (0, HashMap::new());
    let required = ["Handle", "Title", "Variant Price"];
    let columns = table::read(input, ["Handle"], &required, rules.max_line_bytes, |row| {
        rows += 1;
        if let Ok([handle]) = row.fields {
            ends.insert(handle.to_owned(), row.index);
        }
        Ok(())
    })?;
    Ok(Outline { rows, columns, ends })
}

/// Reads the file from its beginning.
pub(super) fn read(input: impl Read, rules: &Rules, outline: Outline, emit: &mut Emit<'_>) -> Result<(), Error> {
    if let Some(note) = passed_over(&outline.columns) {
        emit(Item { line: 1, notes: vec![note], ..Item::default() })?;
    }
    let (mut told, mut groups) = (Told::default(), HashMap::<String, Group>::new());
    table::read(input, COLUMNS, &[], rules.max_line_bytes, |row| {
        let fields = match row.fields {
            Ok(fields) => fields,
            Err(reason) => return emit(Item::refused(row.line, reason)),
        };
        let handle = fields[0];
        if handle.is_empty() {
            return emit(Item::refused(row.line, "it has no handle"));
        }
        let group = groups.entry(handle.to_owned()).or_insert_with(|| Group::new(handle, row.line));
        group.take(row.line, fields, rules);
        if outline.ends.get(handle) == Some(&row.index)
            && let Some(group) = groups.remove(handle)
        {
            emit(group.into_item(&outline, rules, &mut told))?;
        }
        Ok(())
    })?;
    Ok(())
}

/// Once for the whole file.
fn passed_over(columns: &[String]) -> Option<Remark> {
    let other = columns.iter().filter(|column| !column.is_empty() && !COLUMNS.contains(&column.as_str()));
    let other: Vec<_> = other.map(String::as_str).collect();
    let text = format!("columns that are passed over: {}", other.join(", "));
    (!other.is_empty()).then_some(Remark { line: 1, text })
}

impl Group {
    fn new(handle: &str, first_line: u64) -> Self {
        Self {
            handle: handle.to_owned(),
            first_line,
            head: None,
            option_names: [const { String::new() }; 3],
            rows: Vec::new(),
            bare_lines: Vec::new(),
            foreign_images: HashSet::new(),
        }
    }

    fn take(&mut self, line: u64, row: [&str; COLUMNS.len()], rules: &Rules) {
        let [_, title, body, vendor, kind, tags, published, status, gift_card, seo_title, seo_description, ..] = row;
        let [
            ..,
            image,
            _,
            _,
            name1,
            value1,
            name2,
            value2,
            name3,
            value3,
            sku,
            grams,
            quantity,
            policy,
            price,
            compare_at,
            barcode,
            tracker,
            own_image,
        ] = row;
        let text = str::to_owned;
        if self.head.is_none() && !title.is_empty() {
            self.head = Some(Head {
                line,
                title: text(title),
                body: text(body),
                vendor: text(vendor),
                kind: text(kind),
                tags: text(tags),
                published: text(published),
                status: text(status),
                seo_title: text(seo_title),
                seo_description: text(seo_description),
                gift_card: gift_card.eq_ignore_ascii_case("true"),
            });
        }
        let foreign = |image: &&str| !image.is_empty() && rules.own_image(image).is_none();
        self.foreign_images.extend([image, own_image].into_iter().filter(foreign).map(text));
        // Shopify's name for the one variant of a product without options.
        let only = name1 == "Title" && value1 == "Default Title";
        let (names, values) = ([name1, name2, name3], [value1, value2, value3]);
        if !only && sku.is_empty() && price.is_empty() && values.iter().all(|value| value.is_empty()) {
            self.bare_lines.push(line);
            return;
        }
        for (known, name) in self.option_names.iter_mut().zip(names) {
            if known.is_empty() {
                *known = text(name);
            }
        }
        self.rows.push((
            line,
            VariantRow {
                values: values.map(text),
                // Spreadsheets put an apostrophe before numbers that are to stay texts.
                sku: text(sku.trim_start_matches('\'')),
                grams: text(grams),
                quantity: text(quantity),
                policy: text(policy),
                price: text(price),
                compare_at: text(compare_at),
                barcode: text(barcode.trim_start_matches('\'')),
                tracker: text(tracker),
                image: rules.own_image(own_image).map(text),
            },
        ));
    }
}
