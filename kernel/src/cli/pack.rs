//! `kassa plugin pack`.

use std::path::{Path, PathBuf};

use clap::Args;
use kassa::Config;
use kassa::plugins::pack;
use kassa::plugins::registry::{self, http::CardOut};
use serde_json::{Map, Value};

use super::{Outcome, card};

#[derive(Args)]
pub struct Pack {
    /// A component that some other tool made
    component: PathBuf,
    /// What it says of itself, a TOML file, or JSON where its name ends in `.json`: name, version, description, authors, licenses, source,
    /// homepage, hosts, secrets, settings
    #[arg(long, value_name = "FILE")]
    manifest: PathBuf,
    /// Where to write it; `NAME-VERSION.wasm` here where nothing is said
    #[arg(long, short)]
    output: Option<PathBuf>,
}

/// Writes the plugin file and prints its card. A file that no shop with these limits would take is not written.
pub fn run(config: &Config, Pack { component, manifest, output }: Pack) -> Outcome {
    let description = read_description(&manifest)?;
    let folder = manifest.parent().unwrap_or(Path::new(""));
    let packed = pack(&read(&component)?, description, folder)
        .map_err(|error| format!("{} with {}: {error}", component.display(), manifest.display()))?;
    let inspected = registry::inspect(&packed, None, &config.plugins)?;
    let name = format!("{}-{}.wasm", inspected.package.name(), inspected.package.version());
    let output = output.unwrap_or_else(|| name.into());
    std::fs::write(&output, &packed).map_err(|error| format!("{}: {error}", output.display()))?;
    card::print(&serde_json::to_value(CardOut::of(inspected.package, inspected.signer))?);
    // stdout is the card, the same as that of `inspect`.
    eprintln!("{} ({} bytes)", output.display(), packed.len());
    Ok(())
}

fn read_description(file: &Path) -> Result<Map<String, Value>, String> {
    let wrong = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let text = String::from_utf8(read(file)?).map_err(|error| wrong(&error))?;
    match file.extension().is_some_and(|extension| extension == "json") {
        true => serde_json::from_str(&text).map_err(|error| wrong(&error)),
        false => toml::from_str(&text).map_err(|error| wrong(&error)),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}
