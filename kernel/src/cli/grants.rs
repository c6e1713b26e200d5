//! `kassa plugin grants`, `grant`, `secret`: what a plugin may reach.

use std::io::{self, BufRead, IsTerminal};

use reqwest::Method;
use serde_json::{Value, json};

use super::client::Merchant;
use super::{Outcome, card, visible};

/// Prints what was granted, then what each version asks for beyond it.
pub async fn show(merchant: &Merchant, plugin: &str) -> Outcome {
    let state = merchant.answer(merchant.request(Method::GET, &path(plugin))).await?;
    print!("{}", visible(&text(&state)));
    Ok(())
}

/// Grants all that a version asks for. What it is stands on the screen before and after: `kassa plugin grants NAME`.
pub async fn grant(merchant: &Merchant, plugin: &str) -> Outcome {
    let (name, version) = plugin.split_once('@').map_or((plugin, None), |(name, version)| (name, Some(version)));
    let state = merchant.answer(merchant.request(Method::GET, &path(name))).await?;
    let versions = state["versions"].as_array().cloned().unwrap_or_default();
    let wanted = match version {
        Some(version) => versions.iter().find(|known| known["version"] == version),
        None => versions.first(),
    };
    let wanted = wanted.ok_or_else(|| format!("there is no plugin {plugin}"))?;
    let request = merchant.request(Method::PUT, &path(name)).json(&wanted["asks_for"]);
    let granted = merchant.answer(request.header("if-match", format!("\"{}\"", state["version"]))).await?;
    print!("{}", visible(&text(&granted)));
    Ok(())
}

/// Gives a secret its value, or takes it away.
pub async fn put_secret(merchant: &Merchant, plugin: &str, secret: &str, value: Option<String>) -> Outcome {
    let path = format!("/v1/admin/plugins/{plugin}/secrets/{secret}");
    let request = match &value {
        Some(value) => merchant.request(Method::PUT, &path).json(&json!({ "value": value })),
        None => merchant.request(Method::DELETE, &path),
    };
    merchant.answer(request).await?;
    println!("{secret} of {plugin} has {}", if value.is_some() { "its value" } else { "no value any more" });
    Ok(())
}

/// The first line of the standard input: an argument would stand in the shell's history and in the list of processes.
pub fn read_value() -> io::Result<String> {
    if io::stdin().is_terminal() {
        eprintln!("the value, then Enter:");
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

fn path(plugin: &str) -> String {
    format!("/v1/admin/plugins/{plugin}/grants")
}

fn text(state: &Value) -> String {
    let mut lines = String::new();
    let mut line = |label: &str, value: &str| lines += &format!("{label:<12} {value}\n");
    line("granted", state["granted_by"].as_str().map_or("nothing yet", |_| "to all versions:"));
    card::grants(&mut line, state);
    for version in state["versions"].as_array().into_iter().flatten() {
        let missing = &version["missing"];
        let waits = missing["kv"] == true
            || [&missing["hosts"], &missing["secrets"]]
                .iter()
                .any(|list| list.as_array().is_some_and(|l| !l.is_empty()));
        let version = version["version"].as_str().unwrap_or_default();
        line("version", &format!("{version}{}", if waits { " asks for more:" } else { " asks for no more" }));
        if waits {
            card::grants(&mut line, missing);
        }
    }
    lines
}
