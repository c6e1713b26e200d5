//! Sales of the "Online Retail" data set: invoice lines of which a catalog is made that can be sold again.
//!
//! One product for each stock code, and in it one variant for each distinct unit price, with the SKU `<code>@<price>`
//! (`85123A@2.55`): the shop changed its prices during the year, and an order must be replayable at the price that was
//! paid. Codes are taken as they stand: `85123A` and `85123a` are two products.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use super::item::{Described, InCategory, Item, Thing};
use super::reading::{Emit, Rules};
use super::{Error, table};
use crate::catalog::{MAX_ON_HAND, MAX_SKU, MAX_TITLE, MAX_VARIANTS, Status, WantedProduct, WantedVariant};
use crate::inventory::WantedStock;
use crate::money::{self, Amount, Currency, ParseAmountError};

/// The currency of the file.
const CURRENCY: &str = "GBP";
/// Codes of postage, fees and manual corrections: products too, so that a whole invoice can be replayed.
const FEES: &[&str] = &["POST", "DOT", "C2", "M", "D", "S", "B", "CRUK", "AMAZONFEE", "BANK CHARGES"];
const COLUMNS: [&str; 5] = ["InvoiceNo", "StockCode", "Description", "Quantity", "UnitPrice"];

/// Everything that the file says of one stock code.
#[derive(Default)]
struct Sold {
    titles: HashMap<String, u64>,
    prices: BTreeMap<Amount, SoldAt>,
}

/// What was sold of a stock code at one price.
#[derive(Default)]
struct SoldAt {
    quantity: i64,
    lines: Vec<u64>,
}

/// Reads the whole file, and tells of each product; answers the rows of the file, and what those that are taken sold
/// for. Of each variant there is on hand what the file sells, and `extra_stock` beyond it.
pub(super) fn read(
    input: impl Read,
    rules: &Rules,
    extra_stock: i64,
    emit: &mut Emit<'_>,
) -> Result<(u64, Option<Amount>), Error> {
    let currency = rules.currency;
    if currency.code() != CURRENCY {
        return Err(Error::Currency { file: CURRENCY.to_owned(), shop: currency.code() });
    }
    let mut codes: BTreeMap<String, Sold> = BTreeMap::new();
    let (mut rows, mut sales) = (0, Vec::new());
    table::read(input, COLUMNS, &COLUMNS, rules.max_line_bytes, |row| {
        rows += 1;
        match row.fields.and_then(|fields| take(&mut codes, row.line, fields, currency)) {
            Ok(total) => sales.push(total),
            Err(reason) => emit(Item::refused(row.line, reason))?,
        }
        Ok(())
    })?;
    for (code, sold) in codes {
        emit(product(&code, sold, currency, extra_stock))?;
    }
    // A sum beyond the range of money is not worth failing for: it is only shown.
    Ok((rows, money::sum(sales).ok()))
}

/// Counts one sale in; what it was worth.
fn take(
    codes: &mut BTreeMap<String, Sold>,
    line: u64,
    [invoice, code, title, quantity, price]: [&str; COLUMNS.len()],
    currency: Currency,
) -> Result<Amount, String> {
    let sale = read_sale(currency, invoice, code, quantity, price)?;
    let known = codes.get(code);
    let at_this_price = known.and_then(|sold| sold.prices.get(&sale.price));
    if at_this_price.is_none() && known.is_some_and(|sold| sold.prices.len() >= MAX_VARIANTS) {
        return Err(format!("{code} has more than {MAX_VARIANTS} prices"));
    }
    if at_this_price.map_or(0, |at| at.quantity) + sale.quantity > MAX_ON_HAND {
        return Err(format!("more than {MAX_ON_HAND} of {code} would be in stock"));
    }
    // Only now: a row that is not taken leaves no product behind.
    let sold = codes.entry(code.to_owned()).or_default();
    let at = sold.prices.entry(sale.price).or_default();
    at.quantity += sale.quantity;
    at.lines.push(line);
    if !title.is_empty() {
        *sold.titles.entry(shorten(title)).or_default() += 1;
    }
    Ok(sale.total)
}

struct Sale {
    quantity: i64,
    price: Amount,
    total: Amount,
}

fn read_sale(currency: Currency, invoice: &str, code: &str, quantity: &str, price: &str) -> Result<Sale, String> {
    if code.is_empty() {
        return Err("it has no stock code".into());
    }
    if code.chars().count() + price.len() > MAX_SKU || code.chars().any(char::is_control) {
        return Err("its stock code cannot be part of a SKU".into());
    }
    let quantity: i64 = quantity.parse().map_err(|_| format!("the quantity `{quantity}` is not a whole number"))?;
    if quantity < 0 {
        return Err(format!("a return: the quantity is {quantity}"));
    }
    if quantity == 0 {
        return Err("the quantity is zero".into());
    }
    if invoice.starts_with(['C', 'c']) {
        return Err(format!("the invoice {invoice} is a cancellation"));
    }
    let price = match currency.parse_amount(price) {
        Ok(amount) if amount > 0 => amount,
        Ok(_) => return Err(format!("the price {price} is zero or less")),
        Err(ParseAmountError::TooPrecise(_)) => return Err(format!("the price {price} is finer than a penny")),
        Err(error) => return Err(format!("the price `{price}`: {error}")),
    };
    let total = money::checked(i128::from(price) * i128::from(quantity)).map_err(|error| error.to_string())?;
    Ok(Sale { quantity, price, total })
}

fn product(code: &str, sold: Sold, currency: Currency, extra_stock: i64) -> Item {
    let variants = sold.prices.into_iter().map(|(price, at)| {
        let text = currency.format_amount(price);
        let on_hand = at.quantity.saturating_add(extra_stock).clamp(0, MAX_ON_HAND);
        let variant = WantedVariant {
            sku: format!("{code}@{text}"),
            title: Some(format!("at {text}")),
            price: Some(price),
            // The file has no weights.
            weight_grams: Some(0),
            stock: WantedStock { total: Some(on_hand), ..WantedStock::default() },
            ..WantedVariant::default()
        };
        (variant, at.lines)
    });
    let (variants, lines): (Vec<_>, Vec<_>) = variants.unzip();
    let fee = FEES.contains(&code.to_ascii_uppercase().as_str());
    let (slug, name) =
        if fee { ("fees-and-services", "Fees and services") } else { ("online-retail", "Online retail") };
    let wanted = WantedProduct {
        title: Some(best_title(sold.titles).unwrap_or_else(|| code.to_owned())),
        // From the title: a product is found again by its SKUs.
        slug: None,
        status: Some(Status::Active),
        variants,
        ..WantedProduct::default()
    };
    let rows = lines.iter().map(|lines: &Vec<u64>| lines.len() as u64).sum();
    let line = lines.iter().flatten().min().copied().unwrap_or_default();
    let category = InCategory::Named { slug: slug.to_owned(), name: name.to_owned() };
    let thing = Thing::Product(Box::new(Described { wanted, category, lines }));
    Item { rows, line, thing: Some(thing), ..Item::default() }
}

/// The most frequent; of several, the first by alphabet, so that the same file always gives the same.
fn best_title(titles: HashMap<String, u64>) -> Option<String> {
    titles.into_iter().max_by(|(a, times_a), (b, times_b)| times_a.cmp(times_b).then(b.cmp(a))).map(|(title, _)| title)
}

fn shorten(title: &str) -> String {
    title.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect()
}
