//! `kassa order`.

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use kassa::orders::receipts;
use kassa::{Config, Shop};

use super::Outcome;

#[derive(Subcommand)]
pub enum Command {
    /// Derive the price of orders again, from their receipts and the plugins that priced them
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
            println!("order {number}: {} {} derived again", order.total, order.currency);
            Ok(())
        }
        None => verify_all(&shop).await,
    }
}

async fn verify_all(shop: &Shop) -> Outcome {
    let bar = ProgressBar::no_length().with_style(ProgressStyle::with_template("{pos} orders {elapsed} {per_sec}")?);
    let (mut verified, mut failed, mut after) = (0_u64, 0_u64, 0);
    loop {
        let numbers = kassa::orders::numbers_after(shop, after, 500).await?;
        let Some(last) = numbers.last() else { break };
        after = *last;
        for number in numbers {
            let order = kassa::orders::get_by_number(shop, number).await?;
            match receipts::verify(shop, &order).await {
                Ok(()) => verified += 1,
                Err(error) => {
                    failed += 1;
                    bar.suspend(|| println!("order {number}: {error}"));
                }
            }
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    println!("{verified} orders derived again, {failed} failed");
    if failed == 0 { Ok(()) } else { Err("some orders cannot be derived again".into()) }
}
