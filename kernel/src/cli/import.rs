//! `kassa import`: catalogs from files of other systems.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};

use kassa::Shop;
use kassa::catalog::MAX_ON_HAND;
use kassa::import::{self, Error, Format, Progress, Remark, Report, Tally};

/// Import a catalog. The same file may be imported again: what is already so is left alone.
#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// The shop's own format, of `kassa export json-lines` (JSON Lines)
    JsonLines(FileArgs),
    /// A product export of Shopify (CSV)
    Shopify(FileArgs),
    /// Sales of the "Online Retail" data set of the UCI repository (CSV), as a catalog that can sell them again
    OnlineRetail(OnlineRetailArgs),
}

#[derive(Debug, Args)]
pub struct FileArgs {
    /// The file
    file: PathBuf,
    /// Write nothing, and say what would be done
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
pub struct OnlineRetailArgs {
    /// The file
    file: PathBuf,
    /// Pieces of each variant beyond those that the file sells
    #[arg(long, default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..=MAX_ON_HAND))]
    extra_stock: i64,
    /// Write nothing, and say what would be done
    #[arg(long)]
    dry_run: bool,
}

/// Imports, with a progress bar on stderr where that is a terminal, and the report on stdout.
pub async fn run(shop: &Shop, command: ImportCommand) -> Result<(), Error> {
    let bar = ProgressBar::no_length().with_style(style());
    let mut on_progress = |progress: Progress| {
        bar.set_length(progress.rows_total);
        bar.set_position(progress.rows_done);
    };
    let (file, format, dry_run) = match &command {
        ImportCommand::JsonLines(args) => (&args.file, Format::JsonLines, args.dry_run),
        ImportCommand::Shopify(args) => (&args.file, Format::ShopifyCsv, args.dry_run),
        ImportCommand::OnlineRetail(args) => {
            (&args.file, Format::OnlineRetail { extra_stock: args.extra_stock }, args.dry_run)
        }
    };
    let imported = import::run(shop, open(file)?, format, dry_run, &mut on_progress).await;
    bar.finish_and_clear();
    let currency = shop.config().shop.currency;
    let sales = |amount| format!("{} {currency}", currency.format_amount(amount));
    let report = imported?;
    let total = report.sales.map(sales);
    Ok(print(&mut io::stdout().lock(), &report, total.as_deref())?)
}

fn style() -> ProgressStyle {
    // The template is a constant; were it wrong, a plain bar would do.
    ProgressStyle::with_template("{bar:40} {pos}/{len} rows, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar())
}

fn open(path: &Path) -> io::Result<File> {
    File::open(path).map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
}

fn print(out: &mut impl Write, report: &Report, sales: Option<&str>) -> io::Result<()> {
    print_remarks(out, "not taken", &report.rejected)?;
    print_remarks(out, "note", &report.notes)?;
    writeln!(out, "rows      {} read, {} taken, {} not taken", report.rows, report.rows_taken, report.rejected.len())?;
    print_tally(out, "products", report.products)?;
    print_tally(out, "variants", report.variants)?;
    if report.others != Tally::default() {
        print_tally(out, "others  ", report.others)?;
    }
    if let Some(sales) = sales {
        writeln!(out, "sales     {sales} in the rows taken")?;
    }
    if [report.products, report.variants, report.others].iter().all(Tally::is_unchanged) {
        writeln!(out, "nothing has changed")?;
    }
    Ok(())
}

fn print_remarks(out: &mut impl Write, what: &str, remarks: &[Remark]) -> io::Result<()> {
    remarks.iter().try_for_each(|remark| writeln!(out, "line {}: {what}: {}", remark.line, remark.text))
}

fn print_tally(out: &mut impl Write, what: &str, tally: Tally) -> io::Result<()> {
    writeln!(out, "{what}  {} created, {} updated, {} unchanged", tally.created, tally.updated, tally.unchanged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_every_row_that_was_not_taken() {
        let report = Report {
            rows: 3,
            rows_taken: 2,
            products: Tally { created: 1, ..Tally::default() },
            variants: Tally { created: 2, ..Tally::default() },
            rejected: vec![Remark { line: 4, text: "it has no price".into() }],
            notes: vec![Remark { line: 2, text: "stock below zero".into() }],
            others: Tally::default(),
            sales: None,
        };
        let mut out = Vec::new();
        print(&mut out, &report, Some("1.00 GBP")).unwrap();
        let expected = "line 4: not taken: it has no price\n\
                        line 2: note: stock below zero\n\
                        rows      3 read, 2 taken, 1 not taken\n\
                        products  1 created, 0 updated, 0 unchanged\n\
                        variants  2 created, 0 updated, 0 unchanged\n\
                        sales     1.00 GBP in the rows taken\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        let same = Report { products: Tally { unchanged: 1, ..Tally::default() }, ..Report::default() };
        let mut out = Vec::new();
        print(&mut out, &same, None).unwrap();
        assert!(String::from_utf8(out).unwrap().ends_with("nothing has changed\n"));
    }
}
