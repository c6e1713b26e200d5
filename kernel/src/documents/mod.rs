//! Documents of an order: its confirmation, invoices and credit notes, as HTML and as PDF.
//!
//! A [`Sheet`] says what a document states, in amounts; [`Printed`] says it in words of the shopper's language; `html` and `pdf` lay the
//! same words out. An invoice keeps its sheet as it was issued ([`invoices`]): whatever happens to the order, the shop's name or these
//! files afterwards, it says the same, but for the person when they are forgotten.

mod html;
pub mod http;
mod invoices;
mod pdf;
mod printed;
mod sheet;
mod store;
mod texts;

use serde::Deserialize;

use crate::{db, orders};

pub use invoices::{credit_note, export, forget, invoice};
pub use printed::Printed;
pub use sheet::{Kind, Sheet};

/// `[documents]` of shop.toml: who sells, as documents have to name it.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct DocumentsConfig {
    /// Legal name of the seller; empty: that of [shop].
    pub seller: String,
    /// Postal address; its lines are separated by newlines.
    pub seller_address: String,
    /// Number by which the state knows the seller, with its label: `VAT ID DE123456789`.
    pub tax_id: String,
    /// The last lines of every document: bank account, register, managing directors.
    pub footer: String,
}

/// Why there is no document.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Order(#[from] orders::Error),
    /// Nothing was paid, so nothing can be invoiced.
    #[error("the order is {}", .0.name())]
    NotPaid(orders::Status),
    #[error("the order has no such refund")]
    NoRefund,
    #[error("the refund is {}", .0.name())]
    NotRefunded(orders::refunds::RefundStatus),
    /// What it gave back was owed anyway, or is on other documents already.
    #[error("the order does not cost less for the refund")]
    NothingCredited,
    #[error("the document cannot be drawn: {0}")]
    Drawing(String),
    #[error(transparent)]
    Database(#[from] db::Error),
}
