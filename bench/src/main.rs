//! `kassa-bench`: plays the sales of a real shop through the HTTP API, and checks every penny afterwards. It also tells what plugin files
//! cost, and what a hostile plugin costs another.

mod hostile;
mod plugin;
mod report;

use std::fs::File;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use bytes::Bytes;
use clap::{Args, Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use kassa_bench::merchant::{Login, Merchant};
use kassa_bench::own_shop::OwnShop;
use kassa_bench::replay::{self, Outcome, Progress};
use kassa_bench::sales::{self, Sales};
use kassa_bench::swap::{Before, Swapper};
use kassa_bench::{Error, Result, candidate, checks, client, machine, stock, versions};
use report::Findings;

/// What is measured, and how to run it again
#[derive(Parser)]
#[command(name = "kassa-bench", version, about)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play the sales of an online-retail file as carts and orders, and check that every penny and piece is where it belongs
    Replay(Replay),
    /// Tell what pricing plugin files cost: compiling, loading, and calls with carts of 1, 10, 100 and 500 lines
    Plugin(plugin::Plugin),
    /// Tell how long a plugin's quotes take alone, and while a hostile plugin is called beside it
    Hostile(hostile::Hostile),
}

#[derive(Args)]
struct Replay {
    /// The file of sales, online-retail-30k.csv
    file: PathBuf,
    #[command(flatten)]
    shop: WhichShop,
    /// The merchant of the shop at --url
    #[arg(long, env = "KASSA_EMAIL")]
    email: Option<String>,
    /// The merchant's password, better given by the environment
    #[arg(long, env = "KASSA_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// Connections, each with one shopper at a time
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=500))]
    connections: u16,
    /// Play so many invoices of the file and no more
    #[arg(long)]
    limit: Option<usize>,
    /// Swap the pricing plugin so many times, evenly over the replay
    #[arg(long, value_name = "TIMES", default_value_t = 0)]
    swap: usize,
    /// One of the two versions, a .wasm file with the setting `percent_bp`; both are built from the checkout where none is given
    #[arg(long, value_name = "FILE", requires = "plugin_b")]
    plugin_a: Option<PathBuf>,
    /// The other version
    #[arg(long, value_name = "FILE", requires = "plugin_a")]
    plugin_b: Option<PathBuf>,
    /// What the one version takes off, in basis points
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(..=10_000))]
    percent_a: u32,
    /// What the other takes off. Where they differ, shoppers meet prices that change between the cart and the checkout
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(..=10_000))]
    percent_b: u32,
}

/// Of these, one.
#[derive(Args)]
#[group(required = true, multiple = false)]
struct WhichShop {
    /// A shop of its own in this process, on SQLite
    #[arg(long)]
    sqlite: bool,
    /// A shop of its own in this process, on a fresh database of this PostgreSQL server
    #[arg(long, value_name = "URL")]
    postgres: Option<String>,
    /// A shop that runs and has imported the file
    #[arg(long, value_name = "URL", requires_all = ["email", "password"])]
    url: Option<String>,
}

fn main() -> ExitCode {
    // As `kassa` does: a plugin file is compiled by a process of its own, of this program.
    if let Some(compiled) = kassa::plugins::compile::run_if_asked() {
        return compiled;
    }
    start_log();
    match dispatch(Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> Result<bool> {
    let runtime = |mut builder: tokio::runtime::Builder| {
        builder.enable_all().build().map_err(|cause| Error::File { path: "the runtime".into(), cause })
    };
    match command {
        Command::Replay(replay) => runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(run(&replay)),
        // One thread, as a request has it.
        Command::Plugin(files) => runtime(tokio::runtime::Builder::new_current_thread())?.block_on(plugin::run(&files)),
        Command::Hostile(hostile) => {
            runtime(tokio::runtime::Builder::new_multi_thread())?.block_on(hostile::run(&hostile))
        }
    }
}

/// What the shop in this process has to say, where it is not well.
fn start_log() {
    let log = tracing_subscriber::fmt().with_env_filter("warn").with_writer(std::io::stderr);
    log.with_ansi(std::io::stderr().is_terminal()).init();
}

/// Whether everything was as it must be.
async fn run(arguments: &Replay) -> Result<bool> {
    println!("{}", machine::describe());
    let sales = Arc::new(sales::read(open(&arguments.file)?, arguments.limit)?);
    report::sales(&sales);
    let findings = match &arguments.shop.url {
        Some(url) => {
            let login = Login {
                address: client::address_of(url)?,
                email: arguments.email.clone().unwrap_or_default(),
                password: arguments.password.clone().unwrap_or_default(),
            };
            play(arguments, &login, &sales).await?
        }
        None => play_in_own_shop(arguments, &sales).await?,
    };
    Ok(findings.tell())
}

async fn play_in_own_shop(arguments: &Replay, sales: &Arc<Sales>) -> Result<Findings> {
    let own = OwnShop::open(arguments.shop.postgres.as_deref()).await?;
    println!("shop: in this process, on {}", own.database.name());
    let findings = play_and_look_inside(arguments, &own, sales).await;
    own.close().await?;
    findings
}

async fn play_and_look_inside(arguments: &Replay, own: &OwnShop, sales: &Arc<Sales>) -> Result<Findings> {
    // A few pieces more than are sold, so that stock at the end is a number and not just nothing.
    let import = own.import(open(&arguments.file)?, 10).await?;
    println!(
        "imported: {} products with {} variants; {} rows rejected",
        import.products.created,
        import.variants.created,
        import.rejected.len()
    );
    let mut findings = play(arguments, &own.login, sales).await?;

    // With a limit the driver reads less than the kernel imports.
    if arguments.limit.is_none() {
        let mut otherwise_read = Vec::new();
        let (kernel, driver) = (import.sales.unwrap_or_default(), sales.total());
        if kernel != driver {
            otherwise_read.push(format!("by the kernel's import {kernel} pence, by the driver {driver}"));
        }
        let (kernel, driver) = (import.rejected.len() as u64, sales.rejected.values().sum::<u64>());
        if kernel != driver {
            otherwise_read.push(format!("the import rejects {kernel} rows, the driver {driver}"));
        }
        findings.check("the import and the driver read the same in the file", otherwise_read);
    }

    let wrongly_paid = own.database.wrongly_paid_orders().await?;
    let wrong = wrongly_paid.iter().map(|number| format!("order {number} has not exactly one captured payment"));
    findings.check("one captured payment for every paid order, in the database", wrong.collect());

    let bar = progress_bar("prices derived again", findings.orders);
    let (verified, mut wrong) = checks::receipts(&own.shop, || bar.inc(1)).await?;
    bar.finish_and_clear();
    if verified != findings.orders && wrong.is_empty() {
        wrong.push(format!("{verified} orders were derived again, {} were placed", findings.orders));
    }
    findings.check("every order's price derived again from its receipts, by the digest that it names", wrong);
    Ok(findings)
}

/// Plays and checks; whatever became of it, the plugins that were in force before are so again.
async fn play(arguments: &Replay, login: &Login, sales: &Arc<Sales>) -> Result<Findings> {
    if arguments.swap == 0 {
        return play_and_check(arguments, login, sales).await;
    }
    let before = Before::read(login).await?;
    let findings = play_and_check(arguments, login, sales).await;
    before.put_back(login).await?;
    findings
}

async fn play_and_check(arguments: &Replay, login: &Login, sales: &Arc<Sales>) -> Result<Findings> {
    let before = stock::read(login).await?;
    let swapper = match arguments.swap {
        0 => None,
        _ => {
            let merchant = Merchant::log_in(login).await?;
            let percents = [arguments.percent_a, arguments.percent_b];
            Some(Swapper::begin(merchant, plugin_files(arguments)?, percents).await?)
        }
    };
    let (outcome, swapper) = replay_and_swap(arguments, login, sales, swapper).await?;

    let mut findings = Findings::new(&outcome);
    report::outcome(&outcome);
    findings.check("no request failed", checks::all_placed(sales, &outcome));
    if swapper.is_none() || arguments.percent_a == arguments.percent_b {
        findings.check("no price changed between the cart and the checkout", checks::no_stale_quotes(&outcome));
    }
    findings.check("nobody was charged what they were not shown", checks::charged_as_shown(&outcome.placed));
    let versions = swapper.as_ref().map(Swapper::versions);
    let (sums, wrong) = checks::totals(login, sales, &outcome.placed, versions).await?;
    findings.check("every order's total is that of the file", wrong);
    findings.sums(&sums, sales, swapper.is_none());
    let after = stock::read(login).await?;
    findings.check(
        "stock after is stock before, with what was sold reserved",
        checks::stock(&before, &after, &sales.pieces()),
    );
    let bar = progress_bar("payments checked", findings.orders);
    let counting = bar.clone();
    let wrong = checks::payments(login, &outcome.placed, move || counting.inc(1)).await?;
    bar.finish_and_clear();
    findings.check("every order is paid, once, with a captured payment of its total", wrong);
    if swapper.is_none() {
        let wrong = candidate::check(login, sales, &outcome.placed).await?;
        findings.check("a replay with 10 % off above 100.00 names the orders and the sums of the file", wrong);
    }
    if let Some(swapper) = swapper {
        report::swaps(&swapper, &outcome);
        findings.check("both versions priced orders", checks::versions_occur(&outcome.placed, swapper.versions()));
    }
    Ok(findings)
}

async fn replay_and_swap(
    arguments: &Replay,
    login: &Login,
    sales: &Arc<Sales>,
    swapper: Option<Swapper>,
) -> Result<(Outcome, Option<Swapper>)> {
    let progress = Arc::new(Progress::default());
    let invoices = sales.invoices.len();
    let swapping = swapper.map(|swapper| tokio::spawn(swapper.run(arguments.swap, invoices, progress.clone())));
    let bar = progress_bar("orders", invoices as u64);
    let counting = bar.clone();
    let connections = arguments.connections.into();
    let outcome = replay::run(&login.address, sales, connections, &progress, move || counting.inc(1)).await?;
    bar.finish_and_clear();
    let swapper = match swapping {
        Some(swapping) => Some(swapping.await??),
        None => None,
    };
    Ok((outcome, swapper))
}

fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|cause| Error::File { path: path.display().to_string(), cause })
}

fn plugin_files(arguments: &Replay) -> Result<[Bytes; 2]> {
    let read = |path: &Path| match std::fs::read(path) {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(cause) => Err(Error::File { path: path.display().to_string(), cause }),
    };
    match (&arguments.plugin_a, &arguments.plugin_b) {
        (Some(a), Some(b)) => Ok([read(a)?, read(b)?]),
        _ => versions::build(),
    }
}

fn progress_bar(what: &'static str, length: u64) -> ProgressBar {
    let template = "{wide_bar} {pos}/{len} {prefix} {per_sec} {eta}";
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style).with_prefix(what)
}
