//! `kassa search`.

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use kassa::{Config, Shop, catalog};

use super::Outcome;

#[derive(Subcommand)]
pub enum Command {
    /// Index every product anew. The shop may be served meanwhile, and is searched as before until it is done
    Reindex,
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let shop = Shop::open(config).await?;
    match command {
        Command::Reindex => {
            let products = catalog::reindex(&shop).await?;
            let style = ProgressStyle::with_template("{bar:40} {pos} of {len} products, {elapsed}")?;
            let bar = ProgressBar::new(products as u64).with_style(style);
            catalog::index_queued(&shop, |indexed| bar.inc(indexed as u64)).await?;
            bar.finish_and_clear();
            eprintln!("{products} products are indexed");
        }
    }
    Ok(())
}
