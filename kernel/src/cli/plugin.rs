//! `kassa plugin`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use kassa::Config;
use kassa::plugins::build;
use kassa::plugins::registry::{self, http::CardOut};
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value, json};

use super::check::{self, Check};
use super::client::{Merchant, Remote};
use super::desk::ReplayCall;
use super::pack::{self, Pack};
use super::replay::{Wish, replay};
use super::{Outcome, card, desk, grants, rollout, telemetry, visible_json};

#[derive(Subcommand)]
pub enum Command {
    /// Build a crate into a component with its manifest
    Build {
        /// Folder of the crate
        #[arg(default_value = ".")]
        folder: PathBuf,
        /// Where to write it; `NAME-VERSION.wasm` here where nothing is said
        #[arg(long, short)]
        output: Option<PathBuf>,
    },
    /// Write into a component that some other tool made what makes it a plugin, and print its card
    Pack(Pack),
    /// Print the card of a file: what it is, asks for and who signed it, without running any of it
    Inspect {
        /// A `.wasm` file
        file: PathBuf,
    },
    /// Ask a file all that an upload is asked, in the host of a shop and without one: inputs at the edges of the contract and by chance,
    /// twice each. Ends with an error where an answer breaks the contract
    Check(Check),
    /// Upload a file, with its signature where FILE.minisig lies beside it, and print its card; it is in force only once it is
    /// activated
    Push {
        /// A `.wasm` file
        file: PathBuf,
        #[command(flatten)]
        remote: Remote,
    },
    /// List the shop's plugins with their versions
    List {
        #[command(flatten)]
        remote: Remote,
    },
    /// Put a plugin in force: in the place of its other version where that is bound, else as the domain's only plugin
    Activate {
        /// NAME or NAME@VERSION; the newest upload where no version is named
        plugin: String,
        /// Settings, a JSON file; those that it had when it was bound last where none is given
        #[arg(long)]
        settings: Option<PathBuf>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Tell what the newest orders would have cost with a plugin: how many would change, by how much, which, where
    Replay {
        /// NAME or NAME@VERSION; the newest upload where no version is named
        plugin: String,
        /// Settings, a JSON file; those that it had when it was bound last where none is given
        #[arg(long)]
        settings: Option<PathBuf>,
        /// How many of the newest orders
        #[arg(long, default_value_t = 10_000)]
        last: u32,
        /// Print the whole report as JSON
        #[arg(long)]
        json: bool,
        /// Write it as a page to read, an HTML file
        #[arg(long)]
        page: Option<PathBuf>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Print the settings that a plugin has in force, or put others in force
    Settings {
        /// NAME of a plugin that is bound
        plugin: String,
        /// All settings, a JSON file, to be put in force
        #[arg(long)]
        set: Option<PathBuf>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Print what a plugin may reach, and what its versions ask for
    Grants {
        /// NAME of a plugin
        plugin: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Grant a plugin what a version of it asks for, and nothing else: its hosts, where its secrets go, its store
    Grant {
        /// NAME or NAME@VERSION; the newest upload where no version is named
        plugin: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Give a secret of a plugin its value, read from the standard input
    Secret {
        /// NAME of a plugin
        plugin: String,
        /// Name of a secret that it was granted
        secret: String,
        /// Forget its value instead
        #[arg(long)]
        unset: bool,
        #[command(flatten)]
        remote: Remote,
    },
    /// Print what a plugin wrote to its log lately
    Logs {
        /// NAME of a plugin
        plugin: String,
        /// Go on with lines as they come
        #[arg(long, short)]
        follow: bool,
        /// As loud as this or louder
        #[arg(long, value_parser = ["trace", "debug", "info", "warn", "error"])]
        level: Option<String>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Print what the calls of a plugin came to since the shop started
    Counters {
        /// NAME of a plugin
        plugin: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Roll a plugin out in stages: beside what is in force, for some shoppers, for all and watched
    #[command(subcommand)]
    Rollout(rollout::Command),
    /// List the calls of a plugin that failed by its own fault, the newest first
    FailedCalls {
        /// NAME of a plugin
        plugin: String,
        #[command(flatten)]
        remote: Remote,
    },
    /// Write a call that failed into a file, without secrets; it may have data of a person
    FetchCall {
        /// ID of a call, as `failed-calls` lists it
        id: String,
        /// Where to write it; `call-ID.json` here where nothing is said
        #[arg(long, short)]
        output: Option<PathBuf>,
        #[command(flatten)]
        remote: Remote,
    },
    /// Run a call that failed again, here, with the answers that it had; ends with 0 where it ends the same way, with 3 where otherwise
    ReplayCall(ReplayCall),
    /// Go back to what was in force before
    Rollback {
        /// pricing, payment, delivery or notification
        domain: String,
        /// To this generation of the domain's binding
        #[arg(long)]
        to: Option<i64>,
        #[command(flatten)]
        remote: Remote,
    },
}

pub async fn run(config: Config, command: Command) -> Outcome {
    match command {
        Command::Build { folder, output } => build_crate(&folder, output),
        Command::Pack(arguments) => pack::run(&config, arguments),
        Command::Inspect { file } => inspect(&config, &file),
        Command::Check(arguments) => check::run(&config, arguments).await,
        Command::Push { file, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(push(&merchant, &file).await, merchant).await
        }
        Command::List { remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(list(&merchant).await, merchant).await
        }
        Command::Activate { plugin, settings, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(activate(&merchant, &plugin, settings.as_deref()).await, merchant).await
        }
        Command::Replay { plugin, settings, last, json, page, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            let told = async {
                let Candidate { domain, plugins, .. } = candidate(&merchant, &plugin, settings.as_deref()).await?;
                let wish = Wish { domain: &domain, plugins, last, json, page: page.as_deref() };
                replay(&merchant, wish).await
            };
            finish(told.await, merchant).await
        }
        Command::Settings { plugin, set, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(settings(&merchant, &plugin, set.as_deref()).await, merchant).await
        }
        Command::Grants { plugin, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(grants::show(&merchant, &plugin).await, merchant).await
        }
        Command::Grant { plugin, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(grants::grant(&merchant, &plugin).await, merchant).await
        }
        Command::Secret { plugin, secret, unset, remote } => {
            let value = if unset { None } else { Some(grants::read_value()?) };
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(grants::put_secret(&merchant, &plugin, &secret, value).await, merchant).await
        }
        Command::Logs { plugin, follow, level, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(telemetry::logs(&merchant, &plugin, follow, level.as_deref()).await, merchant).await
        }
        Command::Counters { plugin, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(telemetry::counters(&merchant, &plugin).await, merchant).await
        }
        Command::FailedCalls { plugin, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(desk::list(&merchant, &plugin).await, merchant).await
        }
        Command::FetchCall { id, output, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(desk::fetch(&merchant, &id, output.as_deref()).await, merchant).await
        }
        Command::ReplayCall(arguments) => desk::replay(&config, arguments).await,
        Command::Rollout(command) => rollout::run(&config, command).await,
        Command::Rollback { domain, to, remote } => {
            let merchant = Merchant::log_in(&config, &remote).await?;
            finish(roll_back(&merchant, &domain, to).await, merchant).await
        }
    }
}

pub(super) async fn finish(outcome: Outcome, merchant: Merchant) -> Outcome {
    merchant.log_out().await?;
    outcome
}

fn build_crate(folder: &Path, output: Option<PathBuf>) -> Outcome {
    let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
    let target_dir = folder.join("target").join("kassa-plugin");
    let built =
        build::build(&build::Build { crates: vec![folder], target_dir, show_progress: true, ..Default::default() });
    for component in built.map_err(|error| error.to_string())? {
        let name = format!("{}-{}.wasm", component.name, component.version);
        let path = output.clone().unwrap_or_else(|| name.into());
        std::fs::write(&path, &component.wasm)?;
        println!("{} ({} bytes)", path.display(), component.wasm.len());
    }
    Ok(())
}

fn inspect(config: &Config, file: &Path) -> Outcome {
    let inspected = registry::inspect(&read(file)?, read_signature(file)?.as_deref(), &config.plugins)?;
    card::print(&serde_json::to_value(CardOut::of(inspected.package, inspected.signer))?);
    Ok(())
}

async fn push(merchant: &Merchant, file: &Path) -> Outcome {
    let mut request = merchant.request(Method::POST, "/v1/admin/plugins").header(CONTENT_TYPE, "application/wasm");
    if let Some(signature) = read_signature(file)? {
        request = request.header("plugin-signature", STANDARD.encode(signature));
    }
    let uploaded = merchant.answer(request.body(read(file)?)).await?;
    card::print(&uploaded);
    // stdout is the card, the same as that of `inspect`.
    if let Some(conformance) = uploaded["conformance"].as_object() {
        let of = |name: &str| conformance.get(name).cloned().unwrap_or_default();
        eprintln!("conformance: {}, {} of {} inputs tried", text(&of("verdict")), of("tried"), of("inputs"));
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// The signature of a file lies beside it, where minisign writes it: `FILE.minisig`.
fn read_signature(file: &Path) -> Result<Option<String>, String> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(".minisig");
    match std::fs::read_to_string(&beside) {
        Ok(signature) => Ok(Some(signature)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{}: {error}", Path::new(&beside).display())),
    }
}

async fn list(merchant: &Merchant) -> Outcome {
    let plugins = merchant.answer(merchant.request(Method::GET, "/v1/admin/plugins")).await?;
    for plugin in plugins.as_array().into_iter().flatten() {
        for version in plugin["versions"].as_array().into_iter().flatten() {
            let active = version["version"] == plugin["active_version"];
            println!(
                "{} {:<13} {}@{} {} {}{}",
                if active { "*" } else { " " },
                text(&plugin["domain"]),
                text(&plugin["name"]),
                text(&version["version"]),
                text(&version["digest"]),
                card::signature(&version["signature"]),
                if version["conformance"]["verdict"] == "failed" { ", DOES NOT CONFORM" } else { "" },
            );
        }
    }
    Ok(())
}

async fn activate(merchant: &Merchant, plugin: &str, settings: Option<&Path>) -> Outcome {
    let Candidate { domain, generation, plugins } = candidate(merchant, plugin, settings).await?;
    let path = format!("/v1/admin/bindings/{domain}");
    let mut request = merchant.request(Method::PUT, &path).json(&json!({ "plugins": plugins }));
    if let Some(generation) = generation {
        request = request.header("if-match", format!("\"{generation}\""));
    }
    print_binding(&merchant.answer(request).await?);
    Ok(())
}

/// What a domain's binding is to be.
pub(super) struct Candidate {
    pub domain: String,
    /// Of what is in force.
    generation: Option<i64>,
    pub plugins: Vec<Value>,
}

/// What is in force, with `plugin` in the place of its other version. A chain keeps its other plugins; a plugin that is new to the domain
/// stands alone.
pub(super) async fn candidate(
    merchant: &Merchant,
    plugin: &str,
    settings: Option<&Path>,
) -> Result<Candidate, Box<dyn std::error::Error>> {
    let (name, version) = plugin.split_once('@').map_or((plugin, None), |(name, version)| (name, Some(version)));
    let known = merchant.answer(merchant.request(Method::GET, &format!("/v1/admin/plugins/{name}"))).await?;
    let domain = text(&known["domain"]).to_owned();
    let settings: Option<Value> = match settings {
        Some(file) => Some(serde_json::from_slice(&read(file)?)?),
        None => None,
    };
    let wanted = json!({ "name": name, "version": version, "settings": settings });
    let current = merchant.answer(merchant.request(Method::GET, &format!("/v1/admin/bindings/{domain}"))).await.ok();
    let generation = current.as_ref().and_then(|binding| binding["generation"].as_i64());
    let bound = current.as_ref().and_then(|binding| binding["plugins"].as_array()).cloned().unwrap_or_default();
    let plugins = match bound.iter().any(|bound| bound["name"] == name) {
        true => bound.iter().map(|bound| if bound["name"] == name { wanted.clone() } else { keep(bound) }).collect(),
        false => vec![wanted],
    };
    Ok(Candidate { domain, generation, plugins })
}

fn keep(bound: &Value) -> Value {
    json!({ "name": bound["name"], "version": bound["version"], "settings": bound["settings"] })
}

async fn settings(merchant: &Merchant, plugin: &str, set: Option<&Path>) -> Outcome {
    let path = format!("/v1/admin/plugins/{plugin}/settings");
    let Some(file) = set else {
        let in_force = merchant.answer(merchant.request(Method::GET, &path)).await?;
        println!("{}", visible_json(&serde_json::to_string_pretty(&in_force["settings"])?));
        return Ok(());
    };
    let settings: Value = serde_json::from_slice(&read(file)?)?;
    let changed = merchant.answer(merchant.request(Method::PUT, &path).json(&settings)).await?;
    println!("{} generation {}", text(&changed["domain"]), changed["generation"]);
    Ok(())
}

async fn roll_back(merchant: &Merchant, domain: &str, to: Option<i64>) -> Outcome {
    let to = to.map(|generation| format!("?generation={generation}")).unwrap_or_default();
    let path = format!("/v1/admin/bindings/{domain}/rollback{to}");
    print_binding(&merchant.answer(merchant.request(Method::POST, &path)).await?);
    Ok(())
}

fn print_binding(binding: &Value) {
    println!("{} generation {}", text(&binding["domain"]), binding["generation"]);
    for plugin in binding["plugins"].as_array().into_iter().flatten() {
        println!("  {}@{} {}", text(&plugin["name"]), text(&plugin["version"]), text(&plugin["digest"]));
    }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
