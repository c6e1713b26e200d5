//! What a replay prints.

use kassa_bench::checks::Sums;
use kassa_bench::latency;
use kassa_bench::replay::{Outcome, Step};
use kassa_bench::sales::Sales;
use kassa_bench::swap::Swapper;

/// What the checks found.
pub struct Findings {
    /// Orders placed.
    pub orders: u64,
    checks: u32,
    mismatches: u64,
}

impl Findings {
    pub fn new(outcome: &Outcome) -> Self {
        Self { orders: outcome.placed.len() as u64, checks: 0, mismatches: 0 }
    }

    /// Prints a check and everything that contradicts it.
    pub fn check(&mut self, what: &str, mismatches: Vec<String>) {
        println!("{} {what}", if mismatches.is_empty() { "ok      " } else { "MISMATCH" });
        for mismatch in &mismatches {
            println!("           {mismatch}");
        }
        self.checks += 1;
        self.mismatches += mismatches.len() as u64;
    }

    /// The sums, to the penny. Where nobody took anything off, they are also that of the whole file.
    pub fn sums(&mut self, sums: &Sums, sales: &Sales, at_list_price: bool) {
        let Sums { expected, answered, listed } = *sums;
        let mut wrong = Vec::new();
        if answered != expected || listed != expected {
            wrong.push("they differ".to_owned());
        }
        if at_list_price && expected != sales.total() {
            wrong.push(format!("the whole file comes to {}", pounds(sales.total())));
        }
        let [file, answers, list] = [expected, answered, listed].map(pounds);
        self.check(&format!("sum of the orders: {file} by the file, {answers} as answered, {list} as listed"), wrong);
    }

    /// Whether all was as it must be.
    pub fn tell(&self) -> bool {
        println!("{} checks, {} mismatches", self.checks, self.mismatches);
        self.mismatches == 0
    }
}

/// What the file holds.
pub fn sales(sales: &Sales) {
    println!(
        "sales: {} invoices with {} lines, {} in all; {} rows in the file",
        sales.invoices.len(),
        sales.lines(),
        pounds(sales.total()),
        sales.rows
    );
    for (reason, count) in &sales.rejected {
        println!("{count:>8} rows not sold: {reason}");
    }
}

/// How long everything took.
pub fn outcome(outcome: &Outcome) {
    println!("{:<24}{}", "", latency::COLUMNS);
    for ((_, name), latency) in Step::ALL.iter().zip(&outcome.steps) {
        println!("{name:<24}{latency}");
    }
    println!("{:<24}{}", "cart to order", outcome.whole);
    let seconds = outcome.took.as_secs_f64();
    let requests: u64 = outcome.steps.iter().map(latency::Latency::count).sum();
    println!(
        "{} orders in {seconds:.1} s: {:.1} orders/s, {:.0} requests/s",
        outcome.placed.len(),
        outcome.placed.len() as f64 / seconds,
        requests as f64 / seconds
    );
}

/// How often the plugin was swapped.
pub fn swaps(swapper: &Swapper, outcome: &Outcome) {
    println!("{:<24}{}", "", latency::COLUMNS);
    println!("{:<24}{}", "swap of the plugin", swapper.latency);
    println!("{:>8} checkouts were told of another price, and accepted it", outcome.stale_quotes);
}

/// Pence as pounds, with integers only.
fn pounds(pence: i64) -> String {
    let sign = if pence < 0 { "-" } else { "" };
    format!("{sign}£{}.{:02}", pence.unsigned_abs() / 100, pence.unsigned_abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pence_are_shown_as_pounds() {
        for (pence, expected) in [(0, "£0.00"), (5, "£0.05"), (12_345, "£123.45"), (-5, "-£0.05")] {
            assert_eq!(pounds(pence), expected);
        }
    }
}
