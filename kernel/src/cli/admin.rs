//! `kassa admin`.

use clap::Subcommand;
use kassa::{Config, Shop, accounts};

use super::Outcome;

#[derive(Subcommand)]
pub enum Command {
    /// Make a merchant: a new account with a generated password, or an existing account promoted
    Create {
        /// E-mail address
        email: String,
    },
}

pub async fn run(config: Config, command: Command) -> Outcome {
    let shop = Shop::open(config).await?;
    match command {
        Command::Create { email } => {
            let merchant = accounts::create_merchant(&shop, &email, None).await?;
            let how = if merchant.promoted { "is a merchant now" } else { "was made a merchant" };
            println!("{email} {how}; the password is {}", merchant.generated_password.unwrap_or_default());
        }
    }
    Ok(())
}
