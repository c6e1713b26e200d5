//! `kassa plugin failed-calls`, `fetch-call` and `replay-call`: what failed in a shop, run again on its author's desk.

use std::path::{Path, PathBuf};

use clap::Args;
use kassa::plugins::{CallFile, Ending, Replayed, Report, run_again};
use kassa::{Config, id};
use reqwest::Method;
use serde_json::Value;

use super::client::Merchant;
use super::{Outcome, Status, visible};

/// How a call that is run again ends the command where it ended otherwise than it had.
const OTHERWISE: u8 = 3;

#[derive(Args)]
pub struct ReplayCall {
    /// A file that `fetch-call` wrote
    file: PathBuf,
    /// The component, a `.wasm` file: the one that failed, or another that is to do better
    #[arg(long)]
    plugin: Option<PathBuf>,
}

/// All that are kept, a page after the other.
pub async fn list(merchant: &Merchant, plugin: &str) -> Outcome {
    let path = format!("/v1/admin/plugins/{plugin}/failed-calls?limit=100");
    let mut page = path.clone();
    loop {
        let calls = merchant.answer(merchant.request(Method::GET, &page)).await?;
        for call in calls["items"].as_array().into_iter().flatten() {
            let text = |pointer: &str| call.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
            let line = format!(
                "{} {} {} {}: {} ({})",
                text("/id"),
                text("/failed_at"),
                text("/version"),
                text("/function"),
                text("/fault/code"),
                text("/fault/text"),
            );
            println!("{}", visible(&line.replace('\n', " ")));
        }
        match calls["next_cursor"].as_str() {
            // A cursor is of characters that mean nothing else in an address.
            Some(cursor) => page = format!("{path}&cursor={cursor}"),
            None if calls["not_kept"] == 0 => return Ok(()),
            None => {
                println!("{} more were not kept since the shop started", calls["not_kept"]);
                return Ok(());
            }
        }
    }
}

pub async fn fetch(merchant: &Merchant, id: &str, output: Option<&Path>) -> Outcome {
    let id: uuid::Uuid =
        id.parse().map_err(|_| format!("{id} is no id of a call: `kassa plugin failed-calls NAME` lists them"))?;
    let call = merchant.answer(merchant.request(Method::GET, &format!("/v1/admin/failed-calls/{id}"))).await?;
    let path = output.map_or_else(|| PathBuf::from(format!("call-{id}.json")), Path::to_owned);
    std::fs::write(&path, format!("{}\n", serde_json::to_string_pretty(&call)?))?;
    println!("{}", path.display());
    Ok(())
}

pub async fn replay(config: &Config, arguments: ReplayCall) -> Outcome {
    let read = |path: &Path| std::fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let file = CallFile::read(&read(&arguments.file)?)?;
    let Some(component) = arguments.plugin else {
        let (name, version, digest) = (&file.plugin.name, &file.plugin.version, &file.plugin.digest);
        let wanted = format!("give the component with --plugin: {name} {version}, the file with the digest {digest}");
        return Err(visible(&wanted).into());
    };
    let folder = Folder::make()?;
    let replayed = run_again(&config.plugins, &folder.0, &file, read(&component)?).await?;
    print!("{}", visible(&told(&file, &replayed)));
    if replayed.ends_as(&file) { Ok(()) } else { Err(Status(OTHERWISE).into()) }
}

/// For compiled code, and gone with the command.
struct Folder(PathBuf);

impl Folder {
    fn make() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("kassa-desk-{}", id::unguessable()));
        std::fs::create_dir(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is compiled code under a name of its own.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn told(file: &CallFile, replayed: &Replayed) -> String {
    let plugin = &file.plugin;
    let mut told = format!("call         {} of {} {}\n", file.function, plugin.name, plugin.version);
    told += &format!("digest       {}\n", plugin.digest);
    if !replayed.same_component {
        told += "component    another than the one that failed\n";
    }
    told += &format!("then         {}: {}\n", file.fault.code, file.fault.text);
    told += &match &replayed.ending {
        Ending::Answered => "now          it answered, and the answer holds\n".to_owned(),
        Ending::Failed(fault) => format!("now          {}: {}\n", fault.code, fault.text),
    };
    let ends = if replayed.ends_as(file) { "the same way" } else { "otherwise" };
    told += &format!("it ends      {ends}\n");
    told += &format!("fuel         {} then, {} now\n", file.report.fuel, replayed.report.fuel);
    told += &lines("log then", &file.report);
    told += &lines("log now", &replayed.report);
    for departure in &replayed.departures {
        told += &format!("departed     {departure}\n");
    }
    told
}

fn lines(title: &str, report: &Report) -> String {
    let line = |line: &kassa::plugins::LogLine| format!("{title:<12} {:?} {}\n", line.level, line.text);
    report.log.iter().map(line).collect()
}
