//! `kassa admin`.

use clap::Subcommand;
use kassa::{Config, Shop, accounts};

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
            let owner = accounts::create_owner(&shop, &email, None).await?;
            let how = if owner.promoted { "is an owner now" } else { "was made an owner" };
            println!("{email} {how}; the password is {}", owner.generated_password.unwrap_or_default());
        }
    }
    Ok(())
}
