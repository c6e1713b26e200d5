//! `kassa order`.

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use kassa::orders::receipts;
use kassa::{Config, Shop};

use super::Outcome;

#[derive(Subcommand)]
pub enum Command {
    /// Derive every amount of orders again, from their receipts and the plugins that were asked for them
    Verify(Verify),
}

#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct Verify {
    /// Number of an order
    number: Option<i64>,
    /// Every order of the shop
    #[arg(long)]
    all: bool,
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let Command::Verify(Verify { number, .. }) = command;
    let shop = Shop::open(config).await?;
    match number {
        Some(number) => {
            let order = kassa::orders::get_by_number(&shop, number).await?;
            receipts::verify(&shop, &order).await?;
            println!("order {number}: every amount derived again; {} {} in all", order.total, order.currency);
            Ok(())
        }
        None => verify_all(&shop).await,
    }
}

async fn verify_all(shop: &Shop) -> Outcome {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} orders {elapsed} {per_sec}")?;
    let bar = ProgressBar::new(kassa::orders::count(shop).await?).with_style(style);
    let (mut verified, mut failed) = (0_u64, 0_u64);
    let told = |number, outcome: Result<(), receipts::VerifyError>| {
        match outcome {
            Ok(()) => verified += 1,
            Err(error) => {
                failed += 1;
                bar.suspend(|| println!("order {number}: {error}"));
            }
        }
        bar.inc(1);
    };
    receipts::verify_all(shop, told).await?;
    bar.finish_and_clear();
    println!("{verified} orders derived again, {failed} failed");
    if failed == 0 { Ok(()) } else { Err("some orders cannot be derived again".into()) }
}
