//! The command line. Each command is a file; this one says what there is.

mod admin;
mod card;
mod check;
mod client;
mod desk;
mod export;
mod grants;
mod import;
mod keys;
mod order;
mod pack;
mod plugin;
mod replay;
mod rollout;
mod search;
mod serve;
mod stock;
mod telemetry;

use std::error::Error;
use std::io::IsTerminal;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use kassa::plugins::is_invisible;
use kassa::{Config, Shop, audit};
use serde_json::json;

/// A command's failure is told to the person who typed it, as text with its causes.
pub type Outcome = Result<(), Box<dyn Error>>;

/// A command did what it is for, and ends with this status: what it found stands on the screen already.
#[derive(Debug, thiserror::Error)]
#[error("status {0}")]
pub struct Status(pub u8);

/// A shop, and the tools around it
#[derive(Parser)]
#[command(name = "kassa", version, about)]
struct Arguments {
    /// Settings; the defaults where the file is missing. `KASSA__SECTION__KEY` in the environment overrides a setting
    #[arg(long, global = true, default_value = "shop.toml", value_name = "FILE")]
    config: PathBuf,
    /// What to do; `serve` where nothing is said
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the shop; the first start creates it
    Serve,
    /// Bring the database to the newest schema
    Migrate,
    /// Fill an empty catalog with a small demo
    Seed,
    /// Accounts of owners
    #[command(subcommand)]
    Admin(admin::Command),
    /// The keys of this install
    #[command(subcommand)]
    Keys(keys::Command),
    /// Take a catalog from a file
    #[command(subcommand)]
    Import(import::ImportCommand),
    /// Print the catalog as a file
    #[command(subcommand)]
    Export(export::ExportCommand),
    /// Plugins: build one here, or manage those of a running shop
    #[command(subcommand)]
    Plugin(plugin::Command),
    /// Orders
    #[command(subcommand)]
    Order(order::Command),
    /// The index that products are found by
    #[command(subcommand)]
    Search(search::Command),
    /// Stock
    #[command(subcommand)]
    Stock(stock::Command),
    /// Print the OpenAPI document
    Openapi,
}

/// A text that others wrote, as a terminal may be given it: what is not seen is spelled out, so that no file can paint over what is said of it.
pub fn visible(text: &str) -> String {
    let mut visible = String::with_capacity(text.len());
    for c in text.chars() {
        match c != '\n' && is_invisible(c) {
            true => visible.extend(c.escape_unicode()),
            false => visible.push(c),
        }
    }
    visible
}

/// The same for JSON, which stays what it is: what is not seen becomes an escape of JSON.
pub fn visible_json(json: &str) -> String {
    let mut visible = String::with_capacity(json.len());
    for c in json.chars() {
        match c != '\n' && is_invisible(c) {
            // All of them are of the plane whose characters are one escape.
            true => visible += &format!("\\u{:04x}", u32::from(c)),
            false => visible.push(c),
        }
    }
    visible
}

/// Parses the arguments and runs the command.
pub fn run() -> Outcome {
    let arguments = Arguments::parse();
    let config = Config::load(&arguments.config)?;
    start_log(&config)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(dispatch(arguments.command.unwrap_or(Command::Serve), config))
}

async fn dispatch(command: Command, config: Config) -> Outcome {
    match command {
        Command::Serve => serve::run(config).await,
        Command::Migrate => migrate(config).await,
        Command::Seed => seed(config).await,
        Command::Admin(command) => admin::run(config, command).await,
        Command::Keys(command) => keys::run(config, command).await,
        Command::Import(command) => import_catalog(config, command).await,
        Command::Export(command) => export::run(config, command).await,
        Command::Plugin(command) => plugin::run(config, command).await,
        Command::Order(command) => order::run(config, command).await,
        Command::Search(command) => search::run(config, command).await,
        Command::Stock(command) => stock::run(config, command).await,
        Command::Openapi => {
            println!("{}", kassa::routes::document().to_pretty_json()?);
            Ok(())
        }
    }
}

async fn migrate(config: Config) -> Outcome {
    Shop::migrate(&config).await?;
    eprintln!("the schema is up to date");
    Ok(())
}

async fn import_catalog(config: Config, command: import::ImportCommand) -> Outcome {
    let shop = Shop::open(config).await?;
    let entry = audit::begin_command(&shop, "import", &json!({ "arguments": format!("{command:?}") })).await?;
    let imported = import::run(&shop, command).await;
    audit::finish(&shop, entry, if imported.is_ok() { 200 } else { 500 }, None).await;
    Ok(imported?)
}

async fn seed(config: Config) -> Outcome {
    let shop = Shop::open(config).await?;
    match kassa::catalog::seed::demo(&shop).await? {
        true => eprintln!("the demo catalog was added"),
        false => eprintln!("the catalog is not empty: nothing was added"),
    }
    Ok(())
}

/// Logs go to stderr; stdout is for what a command answers.
fn start_log(config: &Config) -> Outcome {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_new(&config.log.filter)?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Colours are for people who look at a screen, not for files.
    let log = log.with_ansi(std::io::stderr().is_terminal());
    if config.log.json {
        log.json().init()
    } else {
        log.init()
    }
    Ok(())
}
