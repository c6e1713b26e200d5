//! `kassa keys`.

use clap::Subcommand;
use kassa::{Config, Shop, accounts, audit};
use serde_json::json;

use super::Outcome;

#[derive(Subcommand)]
pub enum Command {
    /// Make the next key of access tokens. Running kernels publish it within a minute and sign with it a quarter of an hour later; tokens of
    /// before stay good until they run out
    Rotate,
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let shop = Shop::open(config).await?;
    match command {
        Command::Rotate => {
            let entry = audit::begin_command(&shop, "keys rotate", &json!({})).await?;
            let rotated = accounts::rotate_signing_keys(&shop);
            audit::finish(&shop, entry, if rotated.is_ok() { 200 } else { 500 }, None).await;
            println!("access tokens are signed with a new key from {} on", rotated?.to_rfc3339());
        }
    }
    Ok(())
}
