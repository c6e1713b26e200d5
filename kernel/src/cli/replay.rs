//! `kassa plugin replay`: what a candidate would change, told in a terminal.

use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use kassa::money::Currency;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::Merchant;
use super::{Outcome, visible};

/// How often the shop is asked how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Lines of a list; the page and the JSON have more.
const LINES: usize = 10;

/// What the author of a command line wants to see.
pub struct Wish<'a> {
    pub domain: &'a str,
    /// The whole candidate.
    pub plugins: Vec<Value>,
    pub last: u32,
    pub json: bool,
    /// Where to write the page.
    pub page: Option<&'a Path>,
}

/// Begins a replay, waits for it, and tells what it found.
pub async fn replay(merchant: &Merchant, wish: Wish<'_>) -> Outcome {
    let begin = merchant.request(Method::POST, &format!("/v1/admin/bindings/{}/replays", wish.domain));
    let begun = merchant.answer(begin.json(&json!({ "plugins": wish.plugins, "last": wish.last }))).await?;
    let path = format!("/v1/admin/replays/{}", text(&begun["id"]));
    let ended = wait(merchant, &path, begun).await?;
    if let Some(file) = wish.page {
        let page = merchant.send(merchant.request(Method::GET, &format!("{path}/page"))).await?.error_for_status()?;
        std::fs::write(file, page.text().await?).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if ended["state"] != "done" {
        return Err(format!("the replay is {}: {}", text(&ended["state"]), text(&ended["error"])).into());
    }
    match wish.json {
        true => println!("{}", serde_json::to_string_pretty(&ended["report"])?),
        false => tell(&ended["report"]),
    }
    Ok(())
}

async fn wait(merchant: &Merchant, path: &str, mut replay: Value) -> Result<Value, Box<dyn std::error::Error>> {
    let style = ProgressStyle::with_template("{bar:30} {pos} of {len} orders {elapsed}")?;
    let bar = ProgressBar::new(replay["orders_total"].as_u64().unwrap_or_default()).with_style(style);
    while replay["state"] == "running" {
        tokio::time::sleep(LOOK_EVERY).await;
        replay = merchant.answer(merchant.request(Method::GET, path)).await?;
        bar.set_position(replay["orders_done"].as_u64().unwrap_or_default());
    }
    bar.finish_and_clear();
    Ok(replay)
}

fn tell(report: &Value) {
    println!(
        "{} orders: {} unchanged, {} changed, {} without a price",
        report["orders"], report["unchanged"], report["changed"], report["failed"]
    );
    for change in list(&report["totals"]) {
        println!("  {} -> {}: {}", money(change, "before"), money(change, "after"), money(change, "difference"));
        for (name, side) in [("dearer", &change["up"]), ("cheaper", &change["down"])] {
            let amount = side["amount"].as_i64().unwrap_or_default().saturating_abs();
            let sum = json!({ "currency": change["currency"], "amount": amount });
            println!("  {} orders {name}, by {} in all", side["orders"], money(&sum, "amount"));
        }
    }
    for failure in list(&report["errors"]) {
        let numbers: Vec<_> = list(&failure["numbers"]).map(Value::to_string).collect();
        println!(
            "! {} orders: {} {} (orders {})",
            failure["orders"],
            text(&failure["plugin"]),
            one_line(&failure["text"]),
            numbers.join(", ")
        );
    }
    section("largest changes", &report["largest"], |change| format!("order {}", change["number"]));
    let grouped =
        |group: &Value| format!("{} ({} of {} orders)", one_line(&group["key"]), group["changed"], group["orders"]);
    section("by country", &report["countries"], grouped);
    section("by coupon", &report["coupons"], grouped);
    section("by category", &report["categories"], grouped);
    for (label, cost) in [("as it was", &report["cost"]["recorded"]), ("with it", &report["cost"]["candidate"])] {
        println!(
            "a call {label}: {} fuel, {} µs; 99 of 100 within {} µs",
            cost["fuel_mean"], cost["elapsed_us_p50"], cost["elapsed_us_p99"]
        );
    }
}

fn section(title: &str, lines: &Value, label: impl Fn(&Value) -> String) {
    if list(lines).next().is_none() {
        return;
    }
    println!("{title}");
    for line in list(lines).take(LINES) {
        let (before, after) = (money(line, "before"), money(line, "after"));
        println!("  {:<44} {before:>14} -> {after:>14}  {:>14}", label(line), money(line, "difference"));
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn money(of: &Value, name: &str) -> String {
    let amount = of[name].as_i64().unwrap_or_default();
    let sign = if name == "difference" && amount > 0 { "+" } else { "" };
    match Currency::try_from(text(&of["currency"]).to_owned()) {
        Ok(currency) => format!("{sign}{} {}", currency.format_amount(amount), currency.code()),
        Err(_) => format!("{sign}{amount} {}", text(&of["currency"])),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Of what shoppers typed and plugins said, nothing that a terminal would act on.
fn one_line(value: &Value) -> String {
    visible(text(value)).replace('\n', " ")
}
