//! A document in words: what HTML and PDF both say.

use super::sheet::{Kind, Sheet, Sum, What};
use super::texts::Language;
use crate::address::Address;
use crate::money::Amount;

/// The words of a document, in the order in which they are read.
#[derive(Debug, Clone)]
pub struct Printed {
    pub(super) language: Language,
    pub title: String,
    /// Name of the seller, then address and tax id.
    pub seller: Vec<String>,
    /// A label and what it is.
    pub facts: Vec<(String, String)>,
    /// A label, then the lines of the address.
    pub recipient: Vec<String>,
    pub columns: [String; 4],
    pub rows: Vec<[String; 4]>,
    pub sums: Vec<(String, String)>,
    pub total: (String, String),
    /// Tax that the prices contain.
    pub included: Vec<(String, String)>,
    pub footer: Vec<String>,
    /// Without its extension.
    pub file_name: String,
}

impl Printed {
    pub fn of(sheet: &Sheet) -> Self {
        let language = Language::of(&sheet.locale);
        let money = |amount: Amount| language.money(amount, sheet.exponent, &sheet.currency);
        let sum = |sum: &Sum| {
            let text = match &sum.what {
                What::Goods => language.goods().to_owned(),
                What::Labelled(label) => label.clone(),
                What::Delivery(label) => language.delivery(label),
                What::Other => language.other().to_owned(),
                What::Owed => language.owed().to_owned(),
                What::Correction => language.correction().to_owned(),
            };
            let text = match sum.taxed {
                Some(taxed) => language.taxed(&text, taxed.rate_ppm, &money(taxed.base)),
                None => text,
            };
            (clean(&text), money(sum.amount))
        };
        let row = |line: &super::sheet::SheetLine| {
            let title = match (line.title.as_str(), line.sku.as_str()) {
                ("", sku) => sku.to_owned(),
                (title, sku) => format!("{title} ({sku})"),
            };
            [
                clean(&title),
                line.quantity.to_string(),
                line.unit_price.map(money).unwrap_or_default(),
                money(line.total),
            ]
        };
        let order_number = sheet.order_number.to_string();
        let number = sheet.number.as_deref().unwrap_or(&order_number);
        Self {
            language,
            title: language.title(sheet.kind, number),
            seller: lines_of(&[&sheet.seller.name, &sheet.seller.address, &sheet.seller.tax_id]),
            facts: facts(language, sheet),
            recipient: recipient(language, sheet),
            columns: language.columns().map(str::to_owned),
            rows: sheet.lines.iter().map(row).collect(),
            sums: sheet.sums.iter().map(sum).collect(),
            total: (language.total(sheet.kind).to_owned(), money(sheet.total)),
            included: sheet
                .included
                .iter()
                .map(sum)
                .map(|(label, amount)| (language.included(&label), amount))
                .collect(),
            footer: lines_of(&[&sheet.seller.footer]),
            file_name: match sheet.kind {
                Kind::Confirmation => format!("order-{number}"),
                Kind::Invoice => format!("invoice-{number}"),
                Kind::CreditNote => format!("credit-note-{number}"),
            },
        }
    }
}

fn facts(language: Language, sheet: &Sheet) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    if sheet.kind != Kind::Confirmation {
        facts.push((language.issued(), language.date(sheet.date)));
        facts.push((language.order(), sheet.order_number.to_string()));
    }
    if let Some(invoice) = &sheet.corrects {
        facts.push((language.corrects(), invoice.clone()));
    }
    facts.push((language.placed(), language.date(sheet.placed_at)));
    facts.push((language.email(), clean(&sheet.email)));
    if let Some(address) = &sheet.delivered_to {
        facts.push((language.delivered_to(), lines_of_address(address).join(", ")));
    }
    facts.into_iter().map(|(label, text)| (label.to_owned(), text)).collect()
}

fn recipient(language: Language, sheet: &Sheet) -> Vec<String> {
    let mut lines = vec![language.recipient().to_owned()];
    lines.extend(lines_of_address(&sheet.address));
    lines
}

fn lines_of_address(address: &Address) -> Vec<String> {
    let city = format!("{} {}", address.postcode, address.city);
    lines_of(&[&address.name, &address.street, &city, &address.region, &address.country])
}

/// Texts with newlines become several lines; empty ones none.
fn lines_of(texts: &[&str]) -> Vec<String> {
    let lines = texts.iter().flat_map(|text| text.lines()).map(clean);
    lines.filter(|line| !line.is_empty()).collect()
}

/// On one line, whatever people typed.
fn clean(text: &str) -> String {
    text.split(|c: char| c.is_control()).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
