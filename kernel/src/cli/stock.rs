//! `kassa stock`.

use clap::Subcommand;
use kassa::{Config, Shop, inventory};

use super::Outcome;

#[derive(Subcommand)]
pub enum Command {
    /// Derive every number of the stock again, from its movements and reservations
    Verify,
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let Command::Verify = command;
    let shop = Shop::open(config).await?;
    let found = inventory::verify(&shop).await?;
    for wrong in &found {
        let place = wrong.location_id.map_or_else(String::new, |id| format!(" at {id}"));
        println!("{}{place}: {} is {}, and {} follows", wrong.variant_id, wrong.what, wrong.stands, wrong.derived);
    }
    if !found.is_empty() {
        return Err("some numbers of the stock are not explained".into());
    }
    println!("every number of the stock is explained");
    Ok(())
}
