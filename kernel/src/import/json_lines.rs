//! The shop's own format: an object a line.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Read, Seek};

use serde_json::Value;
use uuid::Uuid;

use super::item::{Described, InCategory, Item, Thing};
use super::lines::{
    CatalogLine, CategoryLine, CollectionLine, Line, PricesLine, ProductLine, RelatedLine, TypeLine, VERSION,
    VariantLine,
};
use super::reading::{Emit, Rules};
use super::{Error, Remark, check};
use crate::catalog::{
    Attribute, Choice, Condition, MAX_CHOSEN, OwnImages, ProductType, Rule, WantedCategory, WantedChoice,
    WantedCollection, WantedOptions, WantedProduct, WantedVariant, fold_tag, is_slug,
};
use crate::id;
use crate::inventory::WantedStock;

/// Lines of the file. Empty ones do not count.
pub(super) fn count(input: impl Read, rules: &Rules) -> Result<u64, Error> {
    let mut lines = Lines::new(input, rules.max_line_bytes);
    let mut count = 0;
    while lines.next()?.is_some() {
        count += 1;
    }
    Ok(count)
}

/// Reads the file from its beginning.
pub(super) fn read(input: impl Read + Seek, rules: &Rules, emit: &mut Emit<'_>) -> Result<(), Error> {
    let mut lines = Lines::new(input, rules.max_line_bytes);
    let mut seen = Seen::default();
    while let Some((line, text)) = lines.next()? {
        let item = match text.map(|text| parse(text, line, rules, &mut seen)) {
            Err(reason) => Item::refused(line, reason),
            Ok(Ok(item)) => item,
            Ok(Err(Refusal::Line(reason))) => Item::refused(line, reason),
            Ok(Err(Refusal::File(error))) => return Err(error),
        };
        emit(item)?;
    }
    Ok(())
}

/// Why a line is not taken, or with it the whole file.
enum Refusal {
    Line(String),
    File(Error),
}

impl From<String> for Refusal {
    fn from(reason: String) -> Self {
        Self::Line(reason)
    }
}

/// What has stood in the file: by kind and name, the line.
#[derive(Default)]
struct Seen {
    lines: HashMap<String, u64>,
    /// Of locations that the shop does not have yet: by their names, the ids that they are to have.
    locations: HashMap<String, Uuid>,
}

impl Seen {
    fn first(&mut self, what: String, line: u64) -> Result<(), String> {
        match self.lines.get(&what) {
            Some(before) => Err(format!("the {what} is that of line {before}")),
            None => {
                self.lines.insert(what, line);
                Ok(())
            }
        }
    }
}

fn parse(text: &[u8], line: u64, rules: &Rules, seen: &mut Seen) -> Result<Item, Refusal> {
    let parsed: Line = serde_json::from_slice(text).map_err(|error| reason(&error))?;
    let mut item = Item { rows: 1, line, ..Item::default() };
    item.thing = match parsed {
        Line::Catalog(CatalogLine { version, currency }) => {
            if version != VERSION {
                return Err(Refusal::File(Error::Version(version)));
            }
            if currency != rules.currency.code() {
                return Err(Refusal::File(Error::Currency { file: currency, shop: rules.currency.code() }));
            }
            None
        }
        Line::CustomerGroup(given) => {
            check::group(&given)?;
            seen.first(format!("customer group {}", given.code), line)?;
            Some(Thing::Group(given))
        }
        Line::Location(given) => {
            check::location(&given)?;
            seen.first(format!("location {}", given.name), line)?;
            Some(Thing::Location(location(&given.name, rules, seen)?, given))
        }
        Line::PriceList(given) => {
            check::price_list(&given)?;
            seen.first(format!("price list {}", given.code), line)?;
            Some(Thing::PriceList(Box::new(given)))
        }
        Line::Prices(given) => {
            check::prices(&given)?;
            Some(Thing::Prices(prices(given, &mut item, seen)))
        }
        Line::ProductType(given) => {
            let (kind, texts) = product_type(given);
            check::product_type(&kind, &texts)?;
            seen.first(format!("product type {}", kind.code), line)?;
            Some(Thing::ProductType(Box::new(kind), texts))
        }
        Line::Category(given) => {
            check::category(&given)?;
            seen.first(format!("category {}", given.slug), line)?;
            Some(Thing::Category(Box::new(category(given))))
        }
        Line::Product(given) => {
            check::product(&given)?;
            seen.first(format!("slug {}", given.slug), line)?;
            item.notes.extend(image_note(&given, line, rules));
            Some(Thing::Product(Box::new(product(*given, &mut item, rules, seen)?)))
        }
        Line::Related(given) => Some(related(given, rules)?),
        Line::Collection(given) => {
            let (rule, categories) = read_rule(given.rule.as_ref())?;
            check::collection(&given, rule.as_ref(), MAX_CHOSEN)?;
            seen.first(format!("collection {}", given.slug), line)?;
            Some(Thing::Collection(Box::new(collection(given, rule)), categories))
        }
    };
    Ok(item)
}

/// The place is a column, since the line is known.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    if error.is_data() { text.to_owned() } else { format!("it is not a JSON object: {text}") }
}

fn product_type(given: TypeLine) -> (ProductType, crate::catalog::WantedTexts) {
    let attribute = |given: super::lines::AttributeLine| Attribute {
        code: given.code,
        name: given.name,
        kind: given.kind,
        level: given.level,
        unit: given.unit,
        decimals: given.decimals,
        required: given.required,
        filterable: given.filterable,
        choices: given.choices.into_iter().map(|choice| Choice { code: choice.code, name: choice.name }).collect(),
    };
    let attributes = given.attributes.into_iter().map(attribute).collect();
    (ProductType { code: given.code, name: given.name, version: 1, attributes }, given.texts)
}

fn category(given: CategoryLine) -> WantedCategory {
    WantedCategory {
        slug: given.slug,
        name: given.name,
        parent: given.parent,
        position: given.position,
        seo_title: given.seo_title,
        seo_description: given.seo_description,
        texts: given.texts,
    }
}

/// A variant whose SKU stood in the file before is refused, the rest is taken.
fn product(given: ProductLine, item: &mut Item, rules: &Rules, seen: &mut Seen) -> Result<Described, String> {
    let mut variants = Vec::with_capacity(given.variants.len());
    for line in given.variants {
        if let Err(reason) = seen.first(format!("SKU {}", line.sku), item.line) {
            item.rejected.push(Remark { line: item.line, text: reason });
            continue;
        }
        variants.push(variant(line, rules, seen)?);
    }
    let lines = vec![vec![item.line]; variants.len()];
    let category = match given.category {
        None => InCategory::Unmentioned,
        Some(None) => InCategory::Nowhere,
        Some(Some(slug)) => InCategory::Slug(slug),
    };
    let wanted = WantedProduct {
        slug: Some(given.slug),
        title: given.title,
        description: given.description,
        vendor: given.vendor,
        status: given.status,
        category_id: None,
        type_code: given.product_type,
        attributes: given.attributes,
        options: given.options.map(WantedOptions::Exactly),
        seo_title: given.seo_title,
        seo_description: given.seo_description,
        tags: given.tags,
        texts: given.texts,
        words_only: false,
        variants,
    };
    Ok(Described { wanted, category, lines })
}

/// The shop's own, or one that is to be made.
fn location(name: &str, rules: &Rules, seen: &mut Seen) -> Result<Uuid, String> {
    if let Some(id) = rules.location(name) {
        return Ok(id);
    }
    if Uuid::try_parse(name).is_ok() {
        return Err(format!("there is no location `{name}`"));
    }
    if rules.is_location_name(name) {
        return Err(format!("several locations are called `{name}`: name it by its id"));
    }
    Ok(*seen.locations.entry(name.to_owned()).or_insert_with(id::sequential))
}

/// A price that stood in the file before is refused, the rest is taken.
fn prices(mut given: PricesLine, item: &mut Item, seen: &mut Seen) -> PricesLine {
    let list = given.list.clone();
    given.prices.retain(|price| match seen.first(format!("price of {} in {list}", price.sku), item.line) {
        Ok(()) => true,
        Err(reason) => {
            item.rejected.push(Remark { line: item.line, text: reason });
            false
        }
    });
    given
}

fn variant(given: VariantLine, rules: &Rules, seen: &Seen) -> Result<WantedVariant, String> {
    let mut levels = Vec::with_capacity(given.stock.len());
    for stock in &given.stock {
        let location = rules.location(&stock.location).or_else(|| seen.locations.get(&stock.location).copied());
        levels.push((location.ok_or_else(|| format!("there is no location `{}`", stock.location))?, stock.on_hand));
    }
    Ok(WantedVariant {
        sku: given.sku,
        title: given.title,
        price: given.price,
        compare_at_price: given.compare_at_price,
        weight_grams: given.weight_grams,
        options: given.options.map(WantedChoice::Codes),
        attributes: given.attributes,
        barcode: given.barcode,
        length_mm: given.length_mm,
        width_mm: given.width_mm,
        height_mm: given.height_mm,
        stock: WantedStock {
            levels,
            tracked: given.tracked,
            backorder_limit: given.backorder_limit,
            low_stock_threshold: given.low_stock_threshold,
            ..WantedStock::default()
        },
        images: given.images.as_ref().and_then(|urls| own_images(urls, rules)),
    })
}

/// Where none of several is the shop's, nothing is said of them: they are told with those of the product.
fn own_images(urls: &[String], rules: &Rules) -> Option<OwnImages> {
    let files: Vec<_> = urls.iter().filter_map(|url| Some(rules.own_image(url)?.to_owned())).collect();
    (urls.is_empty() || !files.is_empty()).then_some(OwnImages::Are(files))
}

/// Images of this shop are there already; others are told.
fn image_note(given: &ProductLine, line: u64, rules: &Rules) -> Option<Remark> {
    let own = given.variants.iter().flat_map(|variant| variant.images.iter().flatten()).map(String::as_str);
    let all = given.images.iter().map(|image| image.url.as_str()).chain(own);
    let foreign = all.filter(|url| rules.own_image(url).is_none()).collect::<HashSet<_>>().len();
    let text = format!("{}: {foreign} images are not taken: upload each", given.slug);
    (foreign > 0).then_some(Remark { line, text })
}

fn related(given: RelatedLine, rules: &Rules) -> Result<Thing, String> {
    let mut flaws = check::Flaws::default();
    let few = given.products.len() <= rules.max_related;
    flaws.require(few, "/products", format_args!("must be at most {}", rules.max_related));
    flaws.slug(&given.product, "/product");
    given.products.iter().for_each(|related| flaws.slug(&related.slug, "/products"));
    flaws.done()?;
    let products = given.products.into_iter().map(|related| (related.relation, related.slug)).collect();
    Ok(Thing::Related(given.product, products))
}

/// The places of a rule's conditions that name a category, and its slug.
type NamedCategories = Vec<(usize, String)>;

/// The rule, with the categories that it names by their slugs, which only the database can find.
fn read_rule(given: Option<&Value>) -> Result<(Option<Rule>, NamedCategories), String> {
    let Some(given) = given else { return Ok((None, Vec::new())) };
    let (mut given, mut categories) = (given.clone(), Vec::new());
    let conditions = given.get_mut("conditions").and_then(Value::as_array_mut);
    for (index, condition) in conditions.into_iter().flatten().enumerate() {
        let named = condition.get("field").is_some_and(|field| field == "category");
        let Some(value) = condition.get_mut("value").filter(|_| named) else { continue };
        if let Some(slug) = value.as_str().filter(|slug| Uuid::try_parse(slug).is_err()) {
            if !is_slug(slug) {
                return Err(format!("/rule/conditions/{index}: is no slug of a category"));
            }
            categories.push((index, slug.to_owned()));
            *value = Uuid::nil().to_string().into();
        }
    }
    let mut rule: Rule = serde_json::from_value(given).map_err(|error| format!("/rule: {}", reason(&error)))?;
    for condition in &mut rule.conditions {
        if let Condition::Tag { value } = condition {
            *value = fold_tag(value);
        }
    }
    Ok((Some(rule), categories))
}

fn collection(given: CollectionLine, rule: Option<Rule>) -> WantedCollection {
    WantedCollection {
        slug: given.slug,
        title: given.title,
        description: given.description,
        seo_title: given.seo_title,
        seo_description: given.seo_description,
        status: given.status,
        rule,
        products: given.products,
        texts: given.texts,
    }
}

/// A line with its number, or why it is not taken.
type Numbered<'a> = (u64, Result<&'a [u8], String>);

/// Lines with their numbers, of which no longer ones are held than may be.
struct Lines<R> {
    input: BufReader<R>,
    buffer: Vec<u8>,
    line: u64,
    max_bytes: usize,
}

impl<R: Read> Lines<R> {
    fn new(input: R, max_bytes: usize) -> Self {
        Self { input: BufReader::new(input), buffer: Vec::new(), line: 0, max_bytes }
    }

    /// The next line that is not empty.
    fn next(&mut self) -> Result<Option<Numbered<'_>>, Error> {
        loop {
            self.buffer.clear();
            self.line += 1;
            let most = self.max_bytes as u64 + 1;
            let read = (&mut self.input).take(most).read_until(b'\n', &mut self.buffer)?;
            if read == 0 {
                return Ok(None);
            }
            if self.buffer.len() > self.max_bytes && !self.buffer.ends_with(b"\n") {
                self.input.skip_until(b'\n')?;
                let reason = format!("it is longer than {} bytes", self.max_bytes);
                return Ok(Some((self.line, Err(reason))));
            }
            let mark: &[u8] = if self.line == 1 { b"\xef\xbb\xbf" } else { b"" };
            let start = if self.buffer.starts_with(mark) { mark.len() } else { 0 };
            if !self.buffer[start..].trim_ascii().is_empty() {
                return Ok(Some((self.line, Ok(self.buffer[start..].trim_ascii()))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_numbers_of_an_editor_and_a_bound() {
        let file = b"\xef\xbb\xbf{}\r\n\n  \nshort\nmuch too long\nend";
        let mut lines = Lines::new(&file[..], 8);
        let mut seen = Vec::new();
        while let Some((line, text)) = lines.next().unwrap() {
            seen.push((line, text.map(|text| String::from_utf8_lossy(text).into_owned())));
        }
        let expected = [
            (1, Ok("{}".to_owned())),
            (4, Ok("short".to_owned())),
            (5, Err("it is longer than 8 bytes".to_owned())),
            (6, Ok("end".to_owned())),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn categories_of_a_rule_are_named_by_their_slugs() {
        let given = serde_json::json!({ "match": "all", "conditions": [
            { "field": "tag", "value": "Sale" }, { "field": "category", "value": "tea" }
        ]});
        let (rule, categories) = read_rule(Some(&given)).unwrap();
        assert_eq!(categories, [(1, "tea".to_owned())]);
        let conditions = rule.unwrap().conditions;
        assert_eq!(conditions[0], Condition::Tag { value: "sale".into() });
        assert_eq!(conditions[1], Condition::Category { value: Uuid::nil() });
        assert!(read_rule(Some(&serde_json::json!({ "match": "all" }))).is_err());
    }
}
