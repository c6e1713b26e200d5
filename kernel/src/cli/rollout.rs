//! `kassa plugin rollout`.

use std::path::PathBuf;

use clap::Subcommand;
use kassa::Config;
use reqwest::Method;
use serde_json::{Value, json};

use super::Outcome;
use super::client::{Merchant, Remote};
use super::plugin::{candidate, finish, text};

#[derive(Subcommand)]
pub enum Command {
    /// Try a plugin on live calls: what is in force answers, the plugin is asked beside, the difference is summed up
    Begin {
        /// NAME or NAME@VERSION; the newest upload where no version is named
        plugin: String,
        /// Settings, a JSON file; those that it had when it was bound last where none is given
        #[arg(long)]
        settings: Option<PathBuf>,
        /// Let it answer so many per cent of the shoppers at once
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..100))]
        canary: Option<u16>,
        /// By how many per cent the mean total may differ before it is taken back; what the shop's settings say where nothing is
        #[arg(long, value_parser = clap::value_parser!(u32).range(0..=1000))]
        max_drift: Option<u32>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Print how the rollout of a domain stands
    Show {
        /// pricing, payment, delivery or notification
        domain: String,
        /// Print all of it as JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let the candidate answer nobody, and be asked beside
    Shadow {
        /// pricing, payment, delivery or notification
        domain: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Let the candidate answer a share of the shoppers
    Canary {
        /// pricing, payment, delivery or notification
        domain: String,
        /// Per cent
        #[arg(value_parser = clap::value_parser!(u16).range(1..100))]
        percent: u16,
        #[command(flatten)]
        remote: Remote,
    },
    /// Put the candidate in force, and watch it
    Activate {
        /// pricing, payment, delivery or notification
        domain: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Try the candidate no longer; one that is in force stays it
    Stop {
        /// pricing, payment, delivery or notification
        domain: String,
        #[command(flatten)]
        remote: Remote,
    },
}

pub async fn run(config: &Config, command: Command) -> Outcome {
    let remote = match &command {
        Command::Begin { remote, .. }
        | Command::Show { remote, .. }
        | Command::Shadow { remote, .. }
        | Command::Canary { remote, .. }
        | Command::Activate { remote, .. }
        | Command::Stop { remote, .. } => remote,
    };
    let merchant = Merchant::log_in(config, remote).await?;
    finish(run_as(&merchant, &command).await, merchant).await
}

async fn run_as(merchant: &Merchant, command: &Command) -> Outcome {
    let (domain, body) = match command {
        Command::Begin { plugin, settings, canary, max_drift, .. } => {
            let candidate = candidate(merchant, plugin, settings.as_deref()).await?;
            let guards = max_drift.map(|percent| json!({ "max_drift_bp": percent * 100 }));
            let share = canary.map(|percent| percent * 100);
            let body = json!({ "plugins": candidate.plugins, "share": share, "guards": guards });
            let path = format!("/v1/admin/bindings/{}/rollouts", candidate.domain);
            print(&merchant.answer(merchant.request(Method::POST, &path).json(&body)).await?);
            return Ok(());
        }
        Command::Show { domain, json, .. } => {
            let rollout = newest(merchant, domain).await?;
            match json {
                true => println!("{}", super::visible_json(&serde_json::to_string_pretty(&rollout)?)),
                false => print(&rollout),
            }
            return Ok(());
        }
        Command::Shadow { domain, .. } => (domain, json!({ "stage": "shadow" })),
        Command::Canary { domain, percent, .. } => (domain, json!({ "stage": "canary", "share": percent * 100 })),
        Command::Activate { domain, .. } => (domain, json!({ "stage": "active" })),
        Command::Stop { domain, .. } => {
            let path = format!("/v1/admin/rollouts/{}/stop", text(&newest(merchant, domain).await?["id"]));
            print(&merchant.answer(merchant.request(Method::POST, &path)).await?);
            return Ok(());
        }
    };
    let path = format!("/v1/admin/rollouts/{}/stage", text(&newest(merchant, domain).await?["id"]));
    print(&merchant.answer(merchant.request(Method::PUT, &path).json(&body)).await?);
    Ok(())
}

/// The newest rollout of the domain: the one that is under way, or the last.
async fn newest(merchant: &Merchant, domain: &str) -> Result<Value, Box<dyn std::error::Error>> {
    let mut cursor = String::new();
    loop {
        let path = format!("/v1/admin/rollouts?limit=100{cursor}");
        let page = merchant.answer(merchant.request(Method::GET, &path)).await?;
        let found = page["items"].as_array().into_iter().flatten().find(|rollout| rollout["domain"] == domain);
        if let Some(id) = found.and_then(|rollout| rollout["id"].as_str()) {
            return merchant.answer(merchant.request(Method::GET, &format!("/v1/admin/rollouts/{id}"))).await;
        }
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Err(format!("there never was a rollout of {domain} plugins").into()),
        }
    }
}

fn print(rollout: &Value) {
    let ending = rollout["ending"].as_str();
    let share = rollout["share"].as_f64().unwrap_or_default() / 100.0;
    println!("{} {} {}% {}", text(&rollout["domain"]), text(&rollout["stage"]), share, ending.unwrap_or("under way"));
    for plugin in rollout["candidate"].as_array().into_iter().flatten() {
        println!("  {}@{} {}", text(&plugin["name"]), text(&plugin["version"]), text(&plugin["digest"]));
    }
    let observed = &rollout["observed"];
    println!(
        "{} calls, {} of them for shoppers; {} compared, {} different, {} not compared; {} stood in for",
        observed["calls"],
        observed["served"],
        observed["compared"],
        observed["different"],
        observed["not_compared"],
        observed["stood_in"],
    );
    for (code, count) in observed["failed"].as_object().into_iter().flatten() {
        println!("  failed: {code} {count}");
    }
    for (currency, money) in observed["money"].as_object().into_iter().flatten() {
        println!(
            "  {currency} {} -> {} in minor units; dearer {} by {}, cheaper {} by {}",
            money["totals"]["base"],
            money["totals"]["candidate"],
            money["dearer"],
            money["dearer_by"],
            money["cheaper"],
            money["cheaper_by"],
        );
    }
    let of_payments = |what: &str, side: &str| observed[what][side].as_i64().unwrap_or_default();
    if ["base", "candidate"].iter().any(|side| of_payments("payment_calls", side) > 0) {
        let failed =
            |side| format!("{} of {}", of_payments("payment_failures", side), of_payments("payment_calls", side));
        println!("  calls that move money, failed: {} -> {}", failed("base"), failed("candidate"));
    }
    if let Some(reason) = rollout["reason"].as_str() {
        println!("{reason}");
    }
}
