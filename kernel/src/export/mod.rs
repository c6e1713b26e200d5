//! The catalog as a file: the shop's own format, with everything that [`crate::import`] takes, and Shopify's, with what
//! its columns hold. Importing what was exported changes nothing.
//!
//! A file is written part by part while it is sent, each part from a few statements of its own: the catalog is not held
//! still meanwhile, and what changes in between is in it or not. Memory holds one part.

pub mod http;
mod json_lines;
mod shopify;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream;
use uuid::Uuid;

use crate::{Shop, accounts, catalog, db, images, inventory, prices};

/// Products of one part.
const PART: u32 = 50;

/// What a file is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    JsonLines,
    ShopifyCsv,
}

/// Why a file breaks off.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Catalog(#[from] catalog::Error),
    #[error(transparent)]
    Inventory(#[from] inventory::Error),
    #[error(transparent)]
    Accounts(#[from] accounts::Error),
    #[error(transparent)]
    Prices(#[from] prices::Error),
    #[error(transparent)]
    Images(#[from] images::Error),
    #[error("a line cannot be written: {0}")]
    Line(#[from] serde_json::Error),
    #[error("a row cannot be written: {0}")]
    Row(#[from] csv::Error),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// Where in a file the next part begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Head,
    /// After this product.
    Products(Uuid),
    /// After this product, of those that have others beside them.
    Related(Uuid),
    Collections(Uuid),
    /// Of this price list, or of the first; after this variant.
    Prices(Option<Uuid>, Uuid),
    End,
}

/// The file, part by part.
pub fn file(shop: Shop, format: Format) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
    stream::try_unfold((shop, At::Head), move |(shop, at)| async move {
        if at == At::End || shop.stopping().is_cancelled() {
            return Ok(None);
        }
        let (bytes, next) = match format {
            Format::JsonLines => json_lines::part(&shop, at).await?,
            Format::ShopifyCsv => shopify::part(&shop, at).await?,
        };
        Ok(Some((Bytes::from(bytes), (shop, next))))
    })
}
