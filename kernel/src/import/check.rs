//! What a file may say: the rules that requests of the API are held to, for lines.

use std::collections::HashSet;
use std::fmt;

use crate::catalog::{AttributeKind, AttributeValue};
use crate::catalog::{
    Condition, MAX_ATTRIBUTES, MAX_BARCODE, MAX_CHOICES, MAX_CONDITIONS, MAX_DECIMALS, MAX_DESCRIPTION, MAX_ON_HAND,
    MAX_OPTION_NAME, MAX_OPTION_VALUES, MAX_OPTIONS, MAX_SEO_DESCRIPTION, MAX_SEO_TITLE, MAX_SIDE_MM, MAX_SKU, MAX_TAG,
    MAX_TAGS, MAX_TITLE, MAX_TRANSLATION, MAX_UNIT, MAX_VARIANTS, MAX_VENDOR, MAX_WEIGHT_GRAMS, ProductOption,
    ProductType, Rule, WantedTexts, is_barcode, is_code, is_slug,
};
use crate::money::MAX_AMOUNT;

use super::lines::{
    CategoryLine, CollectionLine, GroupLine, LocationLine, PriceListLine, PricesLine, ProductLine, VariantLine,
};
use crate::prices::{MAX_ENTRIES_AT_ONCE, MAX_LIST_NAME, MAX_LIST_PRIORITY, is_moment_of_list};
use crate::{accounts, inventory};

/// Reasons of one line that are told; a line that is all wrong need not fill the report.
const MAX_REASONS: usize = 5;
/// Siblings are shown by position.
const MAX_POSITION: i64 = 1_000_000;
/// Most pieces that may be ordered beyond what is on hand.
const MAX_BACKORDER: i64 = 1_000_000;

/// What is wrong with a line, each by JSON pointer.
#[derive(Debug, Default)]
pub(super) struct Flaws(Vec<String>);

impl fmt::Display for Flaws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0[..self.0.len().min(MAX_REASONS)].join("; "))?;
        match self.0.len().saturating_sub(MAX_REASONS) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl Flaws {
    /// The reasons, unless there are none.
    pub fn done(self) -> Result<(), String> {
        if self.0.is_empty() { Ok(()) } else { Err(self.to_string()) }
    }

    pub fn require(&mut self, ok: bool, at: &str, detail: impl fmt::Display) {
        if !ok {
            self.0.push(format!("{at}: {detail}"));
        }
    }

    fn range(&mut self, value: Option<i64>, max: i64, at: &str) {
        self.require(value.is_none_or(|value| (0..=max).contains(&value)), at, format_args!("must be 0 to {max}"));
    }

    /// A text without control characters, newlines apart, and without space around it.
    fn text(&mut self, text: Option<&str>, min: usize, max: usize, at: &str) {
        let Some(text) = text else { return };
        let clean = !text.chars().any(|c| c.is_control() && c != '\n') && text.trim() == text;
        let fits = (min..=max).contains(&text.chars().count());
        self.require(
            clean && fits,
            at,
            format_args!("must be {min} to {max} characters, without control characters or space around them"),
        );
    }

    fn line(&mut self, text: Option<&str>, min: usize, max: usize, at: &str) {
        self.text(text, min, max, at);
        self.require(text.is_none_or(|text| !text.contains('\n')), at, "must be one line");
    }

    pub fn slug(&mut self, slug: &str, at: &str) {
        self.require(is_slug(slug), at, "must be lower-case ASCII words joined by hyphens, at most 80 characters");
    }

    fn code(&mut self, code: &str, at: &str) {
        let detail = "must be 1 to 40 lower-case ASCII letters and digits, joined by hyphens or underscores";
        self.require(is_code(code), at, detail);
    }

    /// Of a customer group or a price list.
    fn group_code(&mut self, code: &str, at: &str) {
        self.require(accounts::is_code(code), at, "must be 1 to 50 of a-z, 0-9 and -");
    }

    fn distinct<'a>(&mut self, texts: impl Iterator<Item = &'a str>, at: &str) {
        let mut seen = HashSet::new();
        let twice: Vec<_> = texts.filter(|text| !seen.insert(*text)).collect();
        for text in twice {
            self.require(false, at, format_args!("`{text}` stands here twice"));
        }
    }

    fn few(&mut self, count: usize, max: usize, at: &str) {
        self.require(count <= max, at, format_args!("must be at most {max}"));
    }

    fn seo(&mut self, title: Option<&str>, description: Option<&str>) {
        self.line(title, 0, MAX_SEO_TITLE, "/seo_title");
        self.text(description, 0, MAX_SEO_DESCRIPTION, "/seo_description");
    }

    /// Whether there are such fields is asked of what they belong to.
    fn texts(&mut self, texts: &WantedTexts) {
        for (locale, texts) in texts {
            for (field, text) in texts {
                let at = format!("/texts/{locale}/{field}");
                match field.as_str() {
                    "description" => self.text(Some(text), 1, MAX_DESCRIPTION, &at),
                    _ => self.line(Some(text), 1, MAX_TRANSLATION, &at),
                }
            }
        }
    }
}

pub(super) fn group(line: &GroupLine) -> Result<(), String> {
    let mut flaws = Flaws::default();
    flaws.group_code(&line.code, "/code");
    flaws.line(Some(&line.name), 1, MAX_LIST_NAME, "/name");
    flaws.done()
}

pub(super) fn location(line: &LocationLine) -> Result<(), String> {
    let mut flaws = Flaws::default();
    flaws.line(Some(&line.name), 1, inventory::MAX_LOCATION_NAME, "/name");
    flaws.range(line.priority, MAX_POSITION, "/priority");
    flaws.done()
}

pub(super) fn price_list(line: &PriceListLine) -> Result<(), String> {
    let mut flaws = Flaws::default();
    flaws.group_code(&line.code, "/code");
    flaws.line(line.name.as_deref(), 1, MAX_LIST_NAME, "/name");
    if let Some(Some(group)) = &line.group {
        flaws.group_code(group, "/group");
    }
    let fits = line.priority.is_none_or(|priority| (-MAX_LIST_PRIORITY..=MAX_LIST_PRIORITY).contains(&priority));
    flaws.require(fits, "/priority", format_args!("must be -{MAX_LIST_PRIORITY} to {MAX_LIST_PRIORITY}"));
    for (at, moment) in [("/starts_at", line.starts_at), ("/ends_at", line.ends_at)] {
        flaws.require(moment.flatten().is_none_or(is_moment_of_list), at, "must be from 2000 to 9999");
    }
    flaws.done()
}

pub(super) fn prices(line: &PricesLine) -> Result<(), String> {
    let mut flaws = Flaws::default();
    flaws.group_code(&line.list, "/list");
    flaws.few(line.prices.len(), MAX_ENTRIES_AT_ONCE, "/prices");
    for (index, price) in line.prices.iter().enumerate().take(MAX_ENTRIES_AT_ONCE) {
        flaws.line(Some(&price.sku), 1, MAX_SKU, &format!("/prices/{index}/sku"));
        flaws.range(Some(price.amount), MAX_AMOUNT, &format!("/prices/{index}/amount"));
        flaws.range(price.compare_at, MAX_AMOUNT, &format!("/prices/{index}/compare_at"));
    }
    flaws.done()
}

pub(super) fn product_type(kind: &ProductType, texts: &WantedTexts) -> Result<(), String> {
    let mut flaws = Flaws::default();
    flaws.code(&kind.code, "/code");
    flaws.line(Some(&kind.name), 1, MAX_TITLE, "/name");
    flaws.few(kind.attributes.len(), MAX_ATTRIBUTES, "/attributes");
    flaws.distinct(kind.attributes.iter().map(|attribute| attribute.code.as_str()), "/attributes");
    for (index, attribute) in kind.attributes.iter().enumerate() {
        let at = format!("/attributes/{index}");
        flaws.code(&attribute.code, &format!("{at}/code"));
        flaws.line(Some(&attribute.name), 1, MAX_TITLE, &format!("{at}/name"));
        flaws.line(Some(&attribute.unit), 0, MAX_UNIT, &format!("{at}/unit"));
        let number = attribute.kind == AttributeKind::Number;
        flaws.require(number || attribute.unit.is_empty(), &format!("{at}/unit"), "only a number has a unit");
        flaws.range(Some(attribute.decimals), if number { MAX_DECIMALS } else { 0 }, &format!("{at}/decimals"));
        let choices = if attribute.kind == AttributeKind::Choice { 1..=MAX_CHOICES } else { 0..=0 };
        let detail = format!("must be {} to {}", choices.start(), choices.end());
        flaws.require(choices.contains(&attribute.choices.len()), &format!("{at}/choices"), detail);
        flaws.distinct(attribute.choices.iter().map(|choice| choice.code.as_str()), &format!("{at}/choices"));
        for choice in &attribute.choices {
            flaws.code(&choice.code, &format!("{at}/choices"));
            flaws.line(Some(&choice.name), 1, MAX_TITLE, &format!("{at}/choices"));
        }
    }
    flaws.texts(texts);
    flaws.done()
}

pub(super) fn category(line: &CategoryLine) -> Result<(), String> {
    let mut flaws = Flaws::default();
    flaws.slug(&line.slug, "/slug");
    flaws.line(line.name.as_deref(), 1, MAX_TITLE, "/name");
    if let Some(Some(parent)) = &line.parent {
        flaws.slug(parent, "/parent");
    }
    flaws.range(line.position, MAX_POSITION, "/position");
    flaws.seo(line.seo_title.as_deref(), line.seo_description.as_deref());
    flaws.texts(&line.texts);
    flaws.done()
}

pub(super) fn product(line: &ProductLine) -> Result<(), String> {
    let mut flaws = Flaws::default();
    flaws.slug(&line.slug, "/slug");
    flaws.line(line.title.as_deref(), 1, MAX_TITLE, "/title");
    flaws.text(line.description.as_deref(), 0, MAX_DESCRIPTION, "/description");
    flaws.line(line.vendor.as_deref(), 0, MAX_VENDOR, "/vendor");
    flaws.seo(line.seo_title.as_deref(), line.seo_description.as_deref());
    if let Some(Some(category)) = &line.category {
        flaws.slug(category, "/category");
    }
    let tags = line.tags.as_deref().unwrap_or_default();
    flaws.few(tags.len(), MAX_TAGS, "/tags");
    tags.iter().for_each(|tag| flaws.line(Some(tag), 1, MAX_TAG, "/tags"));
    flaws.few(line.attributes.as_ref().map_or(0, |values| values.len()), MAX_ATTRIBUTES, "/attributes");
    options(&mut flaws, line.options.as_deref().unwrap_or_default());
    flaws.few(line.variants.len(), MAX_VARIANTS, "/variants");
    for (index, variant_line) in line.variants.iter().enumerate().take(MAX_VARIANTS) {
        variant(&mut flaws, variant_line, &format!("/variants/{index}"));
    }
    flaws.texts(&line.texts);
    flaws.done()
}

fn options(flaws: &mut Flaws, options: &[ProductOption]) {
    flaws.few(options.len(), MAX_OPTIONS, "/options");
    flaws.distinct(options.iter().map(|option| option.code.as_str()), "/options");
    for (index, option) in options.iter().enumerate() {
        let at = format!("/options/{index}");
        flaws.code(&option.code, &format!("{at}/code"));
        flaws.line(Some(&option.name), 1, MAX_OPTION_NAME, &format!("{at}/name"));
        let detail = format!("must be 1 to {MAX_OPTION_VALUES}");
        flaws.require((1..=MAX_OPTION_VALUES).contains(&option.values.len()), &format!("{at}/values"), detail);
        flaws.distinct(option.values.iter().map(|value| value.code.as_str()), &format!("{at}/values"));
        for value in &option.values {
            flaws.code(&value.code, &format!("{at}/values"));
            flaws.line(Some(&value.name), 1, MAX_OPTION_NAME, &format!("{at}/values"));
        }
    }
}

fn variant(flaws: &mut Flaws, line: &VariantLine, at: &str) {
    flaws.line(Some(&line.sku), 1, MAX_SKU, &format!("{at}/sku"));
    flaws.line(line.title.as_deref(), 0, MAX_TITLE, &format!("{at}/title"));
    flaws.range(line.price, MAX_AMOUNT, &format!("{at}/price"));
    flaws.range(line.compare_at_price.flatten(), MAX_AMOUNT, &format!("{at}/compare_at_price"));
    flaws.range(line.weight_grams, MAX_WEIGHT_GRAMS, &format!("{at}/weight_grams"));
    for (name, side) in [("length", line.length_mm), ("width", line.width_mm), ("height", line.height_mm)] {
        flaws.range(side, MAX_SIDE_MM, &format!("{at}/{name}_mm"));
    }
    flaws.line(line.barcode.as_deref(), 0, MAX_BARCODE, &format!("{at}/barcode"));
    let checks = line.barcode.as_deref().is_none_or(is_barcode);
    flaws.require(checks, &format!("{at}/barcode"), "has not the check digit of a GTIN");
    flaws.few(line.options.as_ref().map_or(0, |chosen| chosen.len()), MAX_OPTIONS, &format!("{at}/options"));
    flaws.few(line.attributes.as_ref().map_or(0, |values| values.len()), MAX_ATTRIBUTES, &format!("{at}/attributes"));
    flaws.range(line.backorder_limit.flatten(), MAX_BACKORDER, &format!("{at}/backorder_limit"));
    flaws.range(line.low_stock_threshold.flatten(), MAX_ON_HAND, &format!("{at}/low_stock_threshold"));
    flaws.distinct(line.stock.iter().map(|stock| stock.location.as_str()), &format!("{at}/stock"));
    for (index, stock) in line.stock.iter().enumerate() {
        flaws.range(Some(stock.on_hand), MAX_ON_HAND, &format!("{at}/stock/{index}/on_hand"));
    }
}

pub(super) fn collection(line: &CollectionLine, rule: Option<&Rule>, max_products: usize) -> Result<(), String> {
    let mut flaws = Flaws::default();
    flaws.slug(&line.slug, "/slug");
    flaws.line(line.title.as_deref(), 1, MAX_TITLE, "/title");
    flaws.text(line.description.as_deref(), 0, MAX_DESCRIPTION, "/description");
    flaws.seo(line.seo_title.as_deref(), line.seo_description.as_deref());
    let products = line.products.as_deref().unwrap_or_default();
    flaws.few(products.len(), max_products, "/products");
    products.iter().for_each(|product| flaws.slug(product, "/products"));
    flaws.distinct(products.iter().map(String::as_str), "/products");
    flaws.require(rule.is_none() || line.products.is_none(), "/products", "follow from the rule");
    if let Some(rule) = rule {
        let detail = format!("must be 1 to {MAX_CONDITIONS}");
        flaws.require((1..=MAX_CONDITIONS).contains(&rule.conditions.len()), "/rule/conditions", detail);
        for (index, condition) in rule.conditions.iter().enumerate() {
            flaws.require(is_sound(condition), &format!("/rule/conditions/{index}"), "cannot be met");
        }
    }
    flaws.texts(&line.texts);
    flaws.done()
}

fn is_sound(condition: &Condition) -> bool {
    let plain = |text: &str| !text.contains(char::is_control);
    let amount = |amount: &Option<i64>| amount.is_none_or(|amount| (0..=MAX_AMOUNT).contains(&amount));
    match condition {
        Condition::ProductType { value } => is_code(value),
        Condition::Attribute { code, value } => {
            is_code(code) && !matches!(value, AttributeValue::Text(text) if !plain(text))
        }
        Condition::Vendor { value } => value.chars().count() <= MAX_VENDOR && plain(value),
        Condition::Tag { value } => (1..=MAX_TAG).contains(&value.chars().count()) && plain(value),
        Condition::Price { min, max } => (min.is_some() || max.is_some()) && amount(min) && amount(max),
        Condition::CreatedWithinDays { days } => (1..=3_650).contains(days),
        Condition::Category { .. } | Condition::InStock { .. } => true,
    }
}
