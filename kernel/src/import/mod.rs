//! Catalogs from files: the shop's own format ([`json_lines`]), those of Shopify ([`shopify`]), and sales
//! ([`online_retail`]).
//!
//! A file is read a little ahead of being written ([`reading`]): [`item::Item`] is what all formats become, and
//! [`write`] is the only thing that writes, many items to a transaction. A row that cannot be taken is reported with its
//! line and the reason and never stops the rest. Things are found again (by slug, code or SKU) and changed only where
//! they differ, so the same file imported twice changes nothing the second time.
//!
//! The command line waits for [`run`]; over HTTP a file becomes a job ([`jobs`]), which a [`worker`] does by the same
//! code, and takes up again where a crash has left it.

mod check;
mod config;
mod html;
pub mod http;
mod item;
pub mod jobs;
mod json_lines;
mod lasting;
pub mod lines;
mod online_retail;
mod reading;
mod report;
mod shopify;
mod store;
mod table;
mod trade;
mod worker;
mod write;

use crate::money::Amount;
use crate::{Shop, catalog, db, inventory};

pub use config::ImportConfig;
pub use reading::Source;
pub use report::{Counts, Outcome, Progress, Remark, Report, Tally};
pub use worker::run as run_jobs;

/// What a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    JsonLines,
    ShopifyCsv,
    /// Of each variant there is on hand what the file sells, and so many beyond it.
    OnlineRetail {
        extra_stock: i64,
    },
}

/// Told of the progress after each batch.
pub type OnProgress<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Why a file cannot be imported at all, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the file cannot be read: {0}")]
    Read(#[from] std::io::Error),
    #[error("the file has no column `{0}`: it is not of this format")]
    MissingColumn(&'static str),
    #[error("the file is of version {0} of the format, which this kernel does not know")]
    Version(u32),
    #[error("the file has {rows} rows, and at most {max} are taken at once (`import.max_rows`)")]
    TooManyRows { rows: u64, max: u64 },
    #[error(
        "the prices of this file are in {file} and the shop's currency is {shop}: import it into a shop with \
         `currency = \"{file}\"` under [shop] in shop.toml, or KASSA__SHOP__CURRENCY={file}"
    )]
    Currency { file: String, shop: &'static str },
    /// The job was cancelled, or another worker has it, or the shop stops.
    #[error("the import was stopped")]
    Stopped,
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    #[error(transparent)]
    Inventory(#[from] inventory::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Error {
    /// The file is at fault, and will be the next time.
    pub(crate) fn is_of_the_file(&self) -> bool {
        use Error::{Currency, MissingColumn, TooManyRows, Version};
        matches!(self, MissingColumn(_) | Version(_) | TooManyRows { .. } | Currency { .. })
    }
}

/// Imports a file to its end. A dry run writes nothing, and reports what would have been done.
pub async fn run(
    shop: &Shop,
    source: impl Source,
    format: Format,
    dry_run: bool,
    on_progress: OnProgress<'_>,
) -> Result<Report, Error> {
    let mut at_hand = write::AtHand { report: Report::default(), on_progress };
    let sales = write::import(shop, source, format, dry_run, 0, &mut at_hand).await?;
    let mut report = at_hand.report;
    report.sales = sales;
    report.finish();
    if !dry_run {
        // A shop that is served meanwhile shares the work.
        match catalog::index_queued(shop, |_| {}).await {
            Err(catalog::Error::Database(error)) => return Err(error.into()),
            // What waits stays queued, and is found once it is indexed.
            _ => catalog::announce(shop),
        }
    }
    Ok(report)
}

/// Of a file of sales.
type Sales = Option<Amount>;
