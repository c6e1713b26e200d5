//! Sales of the "Online Retail" data set: invoice lines of which a catalog is made that can be sold again.
//!
//! One product for each stock code, and in it one variant for each distinct unit price, with the SKU `<code>@<price>`
//! (`85123A@2.55`): the shop changed its prices during the year, and an order must be replayable at the price that was
//! paid. Codes are taken as they stand: `85123A` and `85123a` are two products.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use super::{Described, Error, OnProgress, Report, table, write};
use crate::Shop;
use crate::catalog::{MAX_ON_HAND, MAX_SKU, MAX_TITLE, MAX_VARIANTS, NewProduct, NewVariant, Status};
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

/// Imports the file. Of each variant there is on hand what the file sells, and `extra_stock` beyond it.
pub async fn import(
    shop: &Shop,
    input: impl Read,
    extra_stock: i64,
    on_progress: OnProgress<'_>,
) -> Result<Report, Error> {
    let currency = shop.config().shop.currency;
    if currency.code() != CURRENCY {
        return Err(Error::Currency { file: CURRENCY, shop: currency.code() });
    }
    let mut report = Report::default();
    let described = describe(input, currency, extra_stock, &mut report)?;
    write::products(shop, &described, &mut report, on_progress).await?;
    report.finish();
    Ok(report)
}

fn describe(
    input: impl Read,
    currency: Currency,
    extra_stock: i64,
    report: &mut Report,
) -> Result<Vec<Described>, Error> {
    let mut codes: BTreeMap<String, Sold> = BTreeMap::new();
    let mut sales = Vec::new();
    table::read(input, COLUMNS, &COLUMNS, report, |_, line, [invoice, code, title, quantity, price]| {
        let sale = read_sale(currency, invoice, code, quantity, price)?;
        let sold = codes.entry(code.to_owned()).or_default();
        let full = sold.prices.len() >= MAX_VARIANTS && !sold.prices.contains_key(&sale.price);
        if full {
            return Err(format!("{code} has more than {MAX_VARIANTS} prices"));
        }
        let at = sold.prices.entry(sale.price).or_default();
        if at.quantity + sale.quantity > MAX_ON_HAND {
            return Err(format!("more than {MAX_ON_HAND} of {code} would be in stock"));
        }
        at.quantity += sale.quantity;
        at.lines.push(line);
        sales.push(sale.total);
        if !title.is_empty() {
            *sold.titles.entry(shorten(title)).or_default() += 1;
        }
        Ok(())
    })?;
    // A sum beyond the range of money is not worth failing for: it is only shown.
    report.sales = money::sum(sales).ok();
    Ok(codes.into_iter().map(|(code, sold)| product(&code, sold, currency, extra_stock)).collect())
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

fn product(code: &str, sold: Sold, currency: Currency, extra_stock: i64) -> Described {
    let variants = sold.prices.into_iter().map(|(price, at)| {
        let text = currency.format_amount(price);
        let variant = NewVariant {
            sku: format!("{code}@{text}"),
            title: format!("at {text}"),
            price,
            // The file has no weights.
            weight_grams: 0,
            on_hand: at.quantity.saturating_add(extra_stock).clamp(0, MAX_ON_HAND),
            ..NewVariant::default()
        };
        (variant, at.lines)
    });
    let (variants, lines): (Vec<_>, Vec<_>) = variants.unzip();
    let fee = FEES.contains(&code.to_ascii_uppercase().as_str());
    let (slug, name) =
        if fee { ("fees-and-services", "Fees and services") } else { ("online-retail", "Online retail") };
    let product = NewProduct {
        title: best_title(sold.titles).unwrap_or_else(|| code.to_owned()),
        // From the title: a product is found again by its SKUs.
        slug: None,
        description: String::new(),
        vendor: String::new(),
        status: Status::Active,
        category_id: None,
        variants,
        ..NewProduct::default()
    };
    Described { product, category: Some((slug.to_owned(), name.to_owned())), lines }
}

/// The most frequent; of several, the first by alphabet, so that the same file always gives the same.
fn best_title(titles: HashMap<String, u64>) -> Option<String> {
    titles.into_iter().max_by(|(a, times_a), (b, times_b)| times_a.cmp(times_b).then(b.cmp(a))).map(|(title, _)| title)
}

fn shorten(title: &str) -> String {
    title.chars().filter(|c| !c.is_control()).take(MAX_TITLE).collect()
}
