//! `kassa admin`.

use clap::Subcommand;
use kassa::{Config, Shop, accounts, audit};
use serde_json::json;

use super::Outcome;

#[derive(Subcommand)]
pub enum Command {
    /// Make an owner of the shop: a new account with a generated password, or an existing account promoted
    Create {
        /// E-mail address
        email: String,
    },
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let shop = Shop::open(config).await?;
    match command {
        Command::Create { email } => {
            let entry = audit::begin_command(&shop, "admin create", &json!({ "email": email })).await?;
            let owner = accounts::create_owner(&shop, &email, None).await;
            audit::finish(&shop, entry, if owner.is_ok() { 200 } else { 500 }, None).await;
            let owner = owner?;
            let how = if owner.promoted { "is an owner now" } else { "was made an owner" };
            println!("{email} {how}; the password is {}", owner.generated_password.unwrap_or_default());
        }
    }
    Ok(())
}
