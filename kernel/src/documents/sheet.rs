//! What a document states: amounts and texts as the order has them, in no language yet.

use serde::{Deserialize, Serialize};

use crate::address::Address;
use crate::clock::Moment;
use crate::config::Config;
use crate::money::{Amount, Currency};
use crate::orders::refunds::Refund;
use crate::orders::{Adjustment, Delivery, Details, Line, Order};

/// Which document it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Confirmation,
    Invoice,
    CreditNote,
}

/// A document, as it is kept. A field that is added later has a default, so that old ones can be read.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sheet {
    pub kind: Kind,
    /// `2026-000001`; none of a confirmation.
    pub number: Option<String>,
    /// The invoice that a credit note takes back, in full or in part.
    pub corrects: Option<String>,
    pub date: Moment,
    pub locale: String,
    pub currency: String,
    pub exponent: u8,
    pub seller: Seller,
    pub order_number: i64,
    pub placed_at: Moment,
    pub email: String,
    /// Whom it is for, and where that is not where the goods go, that too.
    pub address: Address,
    pub delivered_to: Option<Address>,
    pub pickup: bool,
    pub lines: Vec<SheetLine>,
    /// What is added to the lines, or taken from them.
    pub sums: Vec<Sum>,
    /// Tax that the prices contain: for information.
    pub included: Vec<Sum>,
    pub total: Amount,
}

/// Who sells.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seller {
    pub name: String,
    pub address: String,
    pub tax_id: String,
    pub footer: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SheetLine {
    pub title: String,
    pub sku: String,
    pub quantity: u32,
    /// None where pieces do not cost the same to the cent.
    pub unit_price: Option<Amount>,
    pub total: Amount,
}

/// An amount beside the lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sum {
    pub what: What,
    pub amount: Amount,
    /// What a tax was made of, where its plugin said it.
    #[serde(default)]
    pub taxed: Option<Taxed>,
}

/// What a tax was made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taxed {
    /// Parts per million.
    pub rate_ppm: u32,
    /// Without the tax itself.
    pub base: Amount,
}

/// What a sum is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum What {
    /// All lines.
    Goods,
    /// The plugin's own words.
    Labelled(String),
    Delivery(String),
    /// Of a refund: what is given back beside pieces and delivery.
    Other,
    /// Of a refund: what was owed before, and is no part of what the order costs less for it.
    Owed,
    /// What staff corrected.
    Correction,
}

impl Sheet {
    /// What an order comes to, as it is written, with what staff corrected.
    pub fn of_order(config: &Config, kind: Kind, details: &Details, corrected: Amount) -> Self {
        let Details { order, lines, adjustments, .. } = details;
        let line = |line: &Line| SheetLine {
            title: line.title.clone(),
            sku: line.sku.clone(),
            quantity: line.quantity,
            unit_price: Some(line.unit_price),
            // Within the range of amounts: the order's own sums were checked.
            total: line.unit_price.saturating_mul(i64::from(line.quantity)),
        };
        let (included, added): (Vec<_>, Vec<_>) =
            adjustments.iter().partition(|adjustment| adjustment.kind == "tax-included");
        let mut sums = vec![Sum::of(What::Goods, order.goods_total)];
        sums.push(Sum::of(What::Delivery(order.delivery.label.clone()), order.delivery.amount));
        sums.extend(by_label(&added));
        sums.extend((corrected != 0).then(|| Sum::of(What::Correction, corrected)));
        Self {
            lines: lines.iter().map(line).collect(),
            sums,
            included: by_label(&included),
            // Both were checked when they were posted.
            total: order.total.saturating_add(corrected),
            ..Self::bare(config, kind, order, &order.delivery)
        }
    }

    /// What the order costs less for a refund: `credited` of it.
    pub fn of_refund(config: &Config, details: &Details, refund: &Refund, credited: Amount, invoice: &str) -> Self {
        let Details { order, lines, .. } = details;
        let mut rest = credited - refund.delivery;
        let mut back = Vec::with_capacity(refund.lines.len());
        for part in &refund.lines {
            rest -= part.amount;
            let Some(line) = lines.get(part.line as usize) else { continue };
            let pieces = i64::from(part.quantity.max(1));
            back.push(SheetLine {
                title: line.title.clone(),
                sku: line.sku.clone(),
                quantity: part.quantity,
                unit_price: (part.amount % pieces == 0).then_some(part.amount / pieces),
                total: part.amount,
            });
        }
        let delivery = Sum::of(What::Delivery(order.delivery.label.clone()), refund.delivery);
        let other = Sum::of(if rest < 0 { What::Owed } else { What::Other }, rest);
        Self {
            corrects: Some(invoice.to_owned()),
            lines: back,
            sums: [delivery, other].into_iter().filter(|sum| sum.amount != 0).collect(),
            total: credited,
            ..Self::bare(config, Kind::CreditNote, order, &order.delivery)
        }
    }

    /// The credit note that takes this invoice back as a whole.
    pub fn taken_back(&self, date: Moment) -> Self {
        Self { kind: Kind::CreditNote, corrects: self.number.clone(), number: None, date, ..self.clone() }
    }

    /// As it is kept when the person is forgotten.
    pub fn without_person(self) -> Self {
        let (address, delivered_to) = (self.address.without_person(), self.delivered_to.map(|to| to.without_person()));
        Self { email: String::new(), address, delivered_to, ..self }
    }

    fn bare(config: &Config, kind: Kind, order: &Order, delivery: &Delivery) -> Self {
        let documents = &config.documents;
        let name = if documents.seller.is_empty() { &config.shop.name } else { &documents.seller };
        Self {
            kind,
            number: None,
            corrects: None,
            date: order.placed_at,
            locale: order.locale.clone(),
            currency: order.currency.clone(),
            exponent: Currency::try_from(order.currency.clone()).map_or(2, Currency::exponent),
            seller: Seller {
                name: name.clone(),
                address: documents.seller_address.clone(),
                tax_id: documents.tax_id.clone(),
                footer: documents.footer.clone(),
            },
            order_number: order.number,
            placed_at: order.placed_at,
            email: order.email.clone(),
            address: order.billing().clone(),
            delivered_to: order.billing_address.as_ref().map(|_| order.address.clone()),
            pickup: delivery.pickup,
            lines: Vec::new(),
            sums: Vec::new(),
            included: Vec::new(),
            total: 0,
        }
    }
}

impl Sum {
    fn of(what: What, amount: Amount) -> Self {
        Self { what, amount, taxed: None }
    }
}

impl Taxed {
    fn of(adjustment: &Adjustment) -> Option<Self> {
        adjustment.rate_ppm.zip(adjustment.base).map(|(rate_ppm, base)| Self { rate_ppm, base })
    }

    /// None where there are two rates, which no one rate can stand for.
    fn and(self, other: Self) -> Option<Self> {
        let base = self.base.saturating_add(other.base);
        (self.rate_ppm == other.rate_ppm).then_some(Self { base, ..self })
    }
}

/// One sum for each label, in the order of their first.
fn by_label(adjustments: &[&Adjustment]) -> Vec<Sum> {
    let mut sums: Vec<Sum> = Vec::new();
    for adjustment in adjustments {
        let (what, taxed) = (What::Labelled(adjustment.label.clone()), Taxed::of(adjustment));
        match sums.iter_mut().find(|sum| sum.what == what) {
            Some(sum) => {
                sum.amount += adjustment.amount;
                sum.taxed = sum.taxed.zip(taxed).and_then(|(before, more)| before.and(more));
            }
            None => sums.push(Sum { what, amount: adjustment.amount, taxed }),
        }
    }
    sums
}
