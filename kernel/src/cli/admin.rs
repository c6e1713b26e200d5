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
            match merchant.generated_password {
                Some(password) => println!("{email} is a merchant; the password is {}", password),
                None => println!("{email} is a merchant now, with the password that the account had"),
            }
        }
    }
    Ok(())
}
