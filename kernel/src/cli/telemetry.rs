//! `kassa plugin logs` and `kassa plugin counters`.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;

use super::client::Merchant;
use super::{Outcome, visible};

/// What a shop that stops, and ends every stream at once, is spared.
const FOLLOW_AGAIN_AFTER: Duration = Duration::from_millis(200);

pub async fn logs(merchant: &Merchant, plugin: &str, follow: bool, level: Option<&str>) -> Outcome {
    let path = format!("/v1/admin/plugins/{plugin}/logs");
    // A word of a closed list: nothing in it means something in an address.
    let level = level.map(|level| format!("&level={level}")).unwrap_or_default();
    let lately = merchant.answer(merchant.request(Method::GET, &format!("{path}?limit=100{level}"))).await?;
    lately["items"].as_array().into_iter().flatten().for_each(print_line);
    if !follow {
        return Ok(());
    }
    let mut after = lately["until"].as_u64().unwrap_or_default();
    loop {
        let live = merchant.request(Method::GET, &format!("{path}/live?after={after}{level}"));
        let live = merchant.send(live).await.map_err(|error| format!("the shop ended it: {error}"))?;
        if !live.status().is_success() {
            return Err(format!("{}: {}", live.status(), live.text().await?).into());
        }
        after = print_events(live, after).await?;
        tokio::time::sleep(FOLLOW_AGAIN_AFTER).await;
    }
}

/// Prints what comes until the stream ends: with the access token, or with the shop. Answers which line was the last.
async fn print_events(mut live: Response, mut after: u64) -> Result<u64, Box<dyn std::error::Error>> {
    // Server-sent events: a line each for what it is, which and what it says, and an empty one at its end.
    let (mut text, mut event) = (Vec::new(), String::new());
    while let Some(bytes) = live.chunk().await? {
        text.extend_from_slice(&bytes);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            match line.trim_end().split_once(": ") {
                Some(("event", name)) => event = name.to_owned(),
                Some(("id", id)) => after = id.parse().unwrap_or(after),
                Some(("data", data)) => print_event(&event, &serde_json::from_str(data)?),
                _ => {}
            }
        }
    }
    Ok(after)
}

fn print_event(event: &str, data: &Value) {
    match event {
        "missed" => println!("({} lines were not kept for so long)", data["lines"]),
        _ => print_line(data),
    }
}

fn print_line(line: &Value) {
    let text = |name: &str| line[name].as_str().unwrap_or_default();
    let by = if text("by") == "kernel" { "[kernel] " } else { "" };
    let line =
        format!("{} {:<5} {} {}: {}{}", text("at"), text("level"), text("version"), text("function"), by, text("text"));
    println!("{}", visible(&line));
}

pub async fn counters(merchant: &Merchant, plugin: &str) -> Outcome {
    let counted =
        merchant.answer(merchant.request(Method::GET, &format!("/v1/admin/plugins/{plugin}/counters"))).await?;
    print!("{}", visible(&table(&counted)));
    Ok(())
}

/// A line for each function of each version.
fn table(counted: &Value) -> String {
    let mut table = format!("since {}\n", counted["since"].as_str().unwrap_or_default());
    table += &format!(
        "{:<12} {:<10} {:>10} {:>10} {:>8} {:>8} {:>10} {:>10} {:>8}  what went wrong\n",
        "version", "function", "calls", "answered", "errors", "faults", "µs mean", "µs most", "lines"
    );
    for version in array(&counted["versions"]) {
        for function in array(&version["functions"]) {
            let calls = number(&function["calls"]);
            let codes = [&function["errors"], &function["faults"]].into_iter().flat_map(|codes| codes.as_object());
            let codes: Vec<_> = codes.flatten().map(|(code, count)| format!("{code} {count}")).collect();
            table += &format!(
                "{:<12} {:<10} {:>10} {:>10} {:>8} {:>8} {:>10} {:>10} {:>8}  {}\n",
                version["version"].as_str().unwrap_or_default(),
                function["function"].as_str().unwrap_or_default(),
                calls,
                number(&function["answered"]),
                sum(&function["errors"]),
                sum(&function["faults"]),
                number(&function["microseconds"]["total"]) / calls.max(1),
                number(&function["microseconds"]["highest"]),
                number(&function["log_lines"]["written"]),
                codes.join(", "),
            );
        }
    }
    table
}

fn array(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_default()
}

fn sum(codes: &Value) -> u64 {
    codes.as_object().into_iter().flatten().map(|(_, count)| number(count)).sum()
}
