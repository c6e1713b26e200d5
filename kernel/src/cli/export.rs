//! `kassa export`: the catalog as a file.

use std::io::{self, Write};
use std::pin::pin;

use clap::Subcommand;
use futures_util::TryStreamExt;

use kassa::export::{self, Error, Format};
use kassa::{Config, Shop};

use super::Outcome;

/// Print the catalog, to be imported again
#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ExportCommand {
    /// The shop's own format, with all that there is (JSON Lines)
    JsonLines,
    /// What the columns of Shopify hold (CSV)
    Shopify,
}

/// Writes the file to stdout.
pub async fn run(config: Config, command: ExportCommand) -> Outcome {
    let shop = Shop::open(config).await?;
    let format = match command {
        ExportCommand::JsonLines => Format::JsonLines,
        ExportCommand::Shopify => Format::ShopifyCsv,
    };
    Ok(print(shop, format, &mut io::stdout()).await?)
}

#[derive(Debug, thiserror::Error)]
enum PrintError {
    #[error(transparent)]
    Export(#[from] Error),
    #[error(transparent)]
    Write(#[from] io::Error),
}

async fn print(shop: Shop, format: Format, out: &mut impl Write) -> Result<(), PrintError> {
    let mut parts = pin!(export::file(shop, format));
    while let Some(part) = parts.try_next().await? {
        out.write_all(&part)?;
    }
    Ok(out.flush()?)
}
