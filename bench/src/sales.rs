//! The sales of an online-retail file.
//!
//! Read on its own on purpose: none of the kernel's code for CSV, prices or sums is used, so that a fault there does not
//! hide itself by being made twice.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;

use csv::{ReaderBuilder, StringRecord};

use crate::{Error, Result, countries};

/// A line of an invoice that can be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// `<stock code>@<price>`, as the import names its variants.
    pub sku: String,
    pub quantity: u32,
    /// Pence for one.
    pub price: i64,
}

/// An invoice with at least one line that can be sold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invoice {
    pub number: String,
    /// ISO 3166-1 alpha-2.
    pub country: &'static str,
    pub lines: Vec<Line>,
}

impl Invoice {
    /// What its lines cost, in pence.
    pub fn goods(&self) -> i64 {
        self.lines.iter().map(|line| line.price * i64::from(line.quantity)).sum()
    }
}

/// What a file says that was sold.
#[derive(Debug, Default)]
pub struct Sales {
    /// In the order of the file.
    pub invoices: Vec<Invoice>,
    /// Rows, without the header.
    pub rows: u64,
    /// Rows that cannot be sold, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
}

impl Sales {
    /// What all invoices cost, in pence.
    pub fn total(&self) -> i64 {
        self.invoices.iter().map(Invoice::goods).sum()
    }

    /// Pieces sold of each SKU.
    pub fn pieces(&self) -> HashMap<&str, i64> {
        let mut pieces = HashMap::new();
        for line in self.invoices.iter().flat_map(|invoice| &invoice.lines) {
            *pieces.entry(line.sku.as_str()).or_default() += i64::from(line.quantity);
        }
        pieces
    }

    /// Rows that can be sold.
    pub fn lines(&self) -> usize {
        self.invoices.iter().map(|invoice| invoice.lines.len()).sum()
    }
}

/// Reads a file; at most `limit` invoices where there is one.
///
/// # Errors
///
/// Where the file cannot be read or lacks a column. A row that cannot be sold is counted by its reason instead.
pub fn read(input: impl Read, limit: Option<usize>) -> Result<Sales> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(input);
    let columns = Columns::of(reader.headers()?)?;
    let mut sales = Sales::default();
    let mut places: HashMap<String, usize> = HashMap::new();
    for record in reader.records() {
        sales.rows += 1;
        let row = columns.pick(&record?);
        match row.line() {
            Ok(line) => {
                let place = *places.entry(row.invoice.clone()).or_insert_with(|| {
                    let country = countries::code(&row.country);
                    sales.invoices.push(Invoice { number: row.invoice, country, lines: Vec::new() });
                    sales.invoices.len() - 1
                });
                sales.invoices[place].lines.push(line);
            }
            Err(reason) => *sales.rejected.entry(reason).or_default() += 1,
        }
    }
    sales.invoices.truncate(limit.unwrap_or(usize::MAX));
    Ok(sales)
}

struct Columns([usize; 5]);

struct Row {
    invoice: String,
    code: String,
    quantity: String,
    price: String,
    country: String,
}

impl Columns {
    fn of(headers: &StringRecord) -> Result<Self> {
        let mut columns = [0; 5];
        for (column, name) in columns.iter_mut().zip(["InvoiceNo", "StockCode", "Quantity", "UnitPrice", "Country"]) {
            *column = headers.iter().position(|header| header == name).ok_or(Error::MissingColumn(name))?;
        }
        Ok(Self(columns))
    }

    fn pick(&self, record: &StringRecord) -> Row {
        let [invoice, code, quantity, price, country] =
            self.0.map(|column| record.get(column).unwrap_or_default().trim().to_owned());
        Row { invoice, code, quantity, price, country }
    }
}

impl Row {
    fn line(&self) -> Result<Line, &'static str> {
        if self.invoice.is_empty() || self.code.is_empty() {
            return Err("no invoice number or stock code");
        }
        if self.quantity.starts_with('-') {
            return Err("a return: the quantity is negative");
        }
        if self.invoice.to_ascii_uppercase().starts_with('C') {
            return Err("a cancellation");
        }
        let quantity: u32 = self.quantity.parse().map_err(|_| "the quantity is no whole number")?;
        if quantity == 0 {
            return Err("the quantity is zero");
        }
        let price = pence(&self.price)?;
        if price <= 0 {
            return Err("the price is zero or less");
        }
        Ok(Line { sku: format!("{}@{}.{:02}", self.code, price / 100, price % 100), quantity, price })
    }
}

/// `4.15` is 415, `4.1` is 410; a fraction of a penny cannot be paid.
fn pence(text: &str) -> Result<i64, &'static str> {
    let unreadable = "the price is no decimal number";
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    let (pounds, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if (pounds.is_empty() && fraction.is_empty())
        || !(pounds.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit())
    {
        return Err(unreadable);
    }
    let (kept, beyond) = fraction.split_at(fraction.len().min(2));
    if beyond.bytes().any(|digit| digit != b'0') {
        return Err("the price is finer than a penny");
    }
    let pounds: i64 = if pounds.is_empty() { 0 } else { pounds.parse().map_err(|_| unreadable)? };
    let kept: i64 = format!("{kept:0<2}").parse().map_err(|_| unreadable)?;
    pounds.checked_mul(100).and_then(|whole| whole.checked_add(kept)).map(|pence| sign * pence).ok_or(unreadable)
}

/// `basis_points` of `amount` (not negative), rounded half up: what the percentage plugins of a replay take off.
pub fn share(amount: i64, basis_points: u32) -> i64 {
    let share = (i128::from(amount) * i128::from(basis_points) * 2 + 10_000) / 20_000;
    i64::try_from(share).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_whole_pence() {
        for (text, expected) in [
            ("4.15", Ok(415)),
            ("4.1", Ok(410)),
            ("4", Ok(400)),
            (".5", Ok(50)),
            ("0.0", Ok(0)),
            ("1.250", Ok(125)),
            ("-20.5", Ok(-2050)),
            ("0.001", Err("the price is finer than a penny")),
            ("", Err("the price is no decimal number")),
            ("1e3", Err("the price is no decimal number")),
            ("99999999999999999999", Err("the price is no decimal number")),
        ] {
            assert_eq!(pence(text), expected, "{text:?}");
        }
    }

    #[test]
    fn shares_are_rounded_half_up() {
        for (amount, basis_points, expected) in
            [(0, 1000, 0), (14, 1000, 1), (15, 1000, 2), (25, 1000, 3), (999, 0, 0), (7, 10_000, 7)]
        {
            assert_eq!(share(amount, basis_points), expected, "{basis_points} of {amount}");
        }
    }

    #[test]
    fn what_can_be_sold_is_gathered_by_invoice() {
        let file = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n\
                    1,A,\"x, y\",2,,4.15,,EIRE\n\
                    2,B,,1,,0.5,,United Kingdom\n\
                    1,A,,1,,4.15,,EIRE\n\
                    C3,A,,-1,,4.15,,EIRE\n\
                    C4,A,,1,,4.15,,EIRE\n\
                    5,A,,1,,0.0,,EIRE\n\
                    5,A\n";
        let sales = read(file.as_bytes(), None).expect("it is readable");
        assert_eq!((sales.rows, sales.lines(), sales.invoices.len()), (7, 3, 2));
        assert_eq!(sales.total(), 3 * 415 + 50);
        assert_eq!(sales.invoices[0].country, "IE");
        assert_eq!(sales.pieces()["A@4.15"], 3);
        assert_eq!(sales.rejected.values().sum::<u64>(), 4);
        let first = read(file.as_bytes(), Some(1)).expect("it is readable");
        assert_eq!((first.invoices.len(), first.total()), (1, 3 * 415));
    }
}
