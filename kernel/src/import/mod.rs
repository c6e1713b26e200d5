//! Catalogs from files of other systems: [`shopify`] and [`online_retail`].
//!
//! An import reads the whole file first, then writes product by product, many to a transaction. A row that cannot be
//! taken is reported with its line and the reason and never stops the rest. Products are found again (by slug or SKU)
//! and changed only where they differ, so the same file imported twice changes nothing the second time.
//!
//! Nothing here prints: the command line does, from the [`Report`] and the progress callback.

mod html;
pub mod online_retail;
pub mod shopify;
mod table;
mod write;

use crate::catalog::{self, NewProduct, Outcome};
use crate::db;
use crate::money::Amount;

/// What an import did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Rows read, without the header.
    pub rows: u64,
    /// Rows of which something was taken.
    pub rows_taken: u64,
    pub products: Tally,
    pub variants: Tally,
    /// Rows that could not be taken, by line.
    pub rejected: Vec<Remark>,
    /// Rows that were taken otherwise than they stand, by line.
    pub notes: Vec<Remark>,
    /// Quantity times price of the rows taken, in minor units, where the file is one of sales.
    pub sales: Option<Amount>,
}

/// How many were made, changed, and already so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
}

/// Something about a line of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// As an editor counts it, from 1; for a row of several lines, the first.
    pub line: u64,
    pub text: String,
}

/// How far the writing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub products_done: u64,
    pub products_total: u64,
}

/// Told of the progress after each batch.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Why a file cannot be imported at all.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("the file has no column `{0}`: it is not of this format")]
    MissingColumn(&'static str),
    #[error(
        "the prices of this file are in {file} and the shop's currency is {shop}: import it into a shop with \
         `currency = \"{file}\"` under [shop] in shop.toml, or KASSA__SHOP__CURRENCY={file}"
    )]
    Currency { file: &'static str, shop: &'static str },
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// A product that a file describes.
struct Described {
    product: NewProduct,
    /// Slug and name of its category, a root.
    category: Option<(String, String)>,
    /// For each variant, the lines that it comes from.
    lines: Vec<Vec<u64>>,
}

impl Report {
    fn reject(&mut self, line: u64, text: impl Into<String>) {
        self.rejected.push(Remark { line, text: text.into() });
    }

    fn note(&mut self, line: u64, text: impl Into<String>) {
        self.notes.push(Remark { line, text: text.into() });
    }

    fn finish(&mut self) {
        self.rejected.sort_by_key(|remark| remark.line);
        self.notes.sort_by_key(|remark| remark.line);
        self.rows_taken = self.rows - self.rejected.len() as u64;
    }
}

impl Tally {
    /// Whether nothing was made or changed.
    pub fn is_unchanged(&self) -> bool {
        self.created == 0 && self.updated == 0
    }

    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Updated => self.updated += 1,
            Outcome::Unchanged => self.unchanged += 1,
        }
    }
}
