//! From the start of the program to its `ready` line, with everything on disk as an earlier start left it.
//!
//! The real binary, `kassa serve`, as a child process: loading the program, the settings, the database, the keys and the compiled
//! plugins are all in it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kassa_bench::client::{Connection, address_of};
use kassa_bench::database::{self, Database};
use kassa_bench::latency::{Latency, millis};
use kassa_bench::{Error, Result, machine};

const RUNS: usize = 20;

#[tokio::main]
async fn main() -> Result<()> {
    println!("{}", machine::describe());
    let program = program()?;
    println!("{:<14}{:>16}{:>14}{:>10}{:>10}", "start, ms", "first of all", "then median", "p90", "max");
    measure(&program, None).await?;
    match database::postgres_server().await {
        Ok(server) => measure(&program, Some(&server)).await?,
        Err(reason) => {
            println!("NOT COVERED: PostgreSQL does not answer ({reason}); KASSA_TEST_POSTGRES says where it is")
        }
    }
    Ok(())
}

/// The program beside this one, built first where cargo runs this.
fn program() -> Result<PathBuf> {
    let failed = |path: &str, cause| Error::File { path: path.to_owned(), cause };
    if let Some(cargo) = std::env::var_os("CARGO") {
        let built = Command::new(cargo).args(["build", "--release", "--quiet", "--package", "kassa"]).status();
        let built = built.map_err(|cause| failed("cargo", cause))?;
        if !built.success() {
            return Err(Error::Plugin("cargo could not build kassa".into()));
        }
    }
    // target/release/deps/start-<hash>
    let own = std::env::current_exe().map_err(|cause| failed("this program", cause))?;
    let program =
        own.parent().and_then(Path::parent).map(|folder| folder.join(format!("kassa{}", std::env::consts::EXE_SUFFIX)));
    program
        .filter(|program| program.exists())
        .ok_or_else(|| Error::Plugin("cargo build --release -p kassa comes first".into()))
}

async fn measure(program: &Path, postgres: Option<&str>) -> Result<()> {
    let dir = tempfile::tempdir().map_err(|cause| Error::File { path: "the temporary folder".into(), cause })?;
    let database = match postgres {
        Some(server) => Database::postgres(server).await?,
        None => Database::sqlite(dir.path()),
    };
    let measured = start_again_and_again(program, dir.path(), &database).await;
    database.drop().await?;
    let (first, latency) = measured?;
    let [p50, p90] = [50.0, 90.0].map(|percent| millis(latency.percentile(percent)));
    println!("{:<14}{:>16.0}{p50:>14.0}{p90:>10.0}{:>10.0}", database.name(), millis(first), millis(latency.max()));
    Ok(())
}

async fn start_again_and_again(program: &Path, dir: &Path, database: &Database) -> Result<(Duration, Latency)> {
    // The first start makes the shop: schema, keys, plugins compiled, demo catalog.
    let first = start(program, dir, database).await?;
    let mut latency = Latency::default();
    for _ in 0..RUNS {
        latency.record(start(program, dir, database).await?);
    }
    Ok((first, latency))
}

/// How long it took to `ready`. It is asked for an answer, so that the line is known to be true, and stopped.
async fn start(program: &Path, dir: &Path, database: &Database) -> Result<Duration> {
    let mut command = Command::new(program);
    // Settings of the terminal would make it another shop.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("KASSA__")) {
        command.env_remove(name);
    }
    command
        .arg("serve")
        .current_dir(dir)
        .env("KASSA__DATA__DIR", dir.join("data"))
        .env("KASSA__DATABASE__URL", database.url())
        .env("KASSA__HTTP__LISTEN", "127.0.0.1:0")
        .env("KASSA__LOG__FILTER", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let begun = Instant::now();
    let mut child = command.spawn().map_err(|cause| Error::File { path: program.display().to_string(), cause })?;
    let url = wait_until_ready(&mut child);
    let took = begun.elapsed();
    let checked = match url {
        Ok(url) => check(&url).await,
        Err(error) => Err(error),
    };
    stop(&mut child);
    checked.map(|()| took)
}

fn wait_until_ready(child: &mut Child) -> Result<String> {
    let stdout = child.stdout.take().ok_or_else(|| Error::Plugin("it has no output".into()))?;
    let mut line = String::new();
    BufReader::new(stdout).read_line(&mut line).map_err(|cause| Error::File { path: "its output".into(), cause })?;
    let url = line.strip_prefix("ready ").map(|url| url.trim().to_owned());
    url.ok_or_else(|| Error::Plugin(format!("it said {line:?} and not that it is ready")))
}

async fn check(url: &str) -> Result<()> {
    let answer = Connection::open(&address_of(url)?).await?.get("/readyz").await?;
    if answer.is_success() { Ok(()) } else { answer.json("/readyz") }
}

/// As an operator stops it, so that the next start finds everything in order.
fn stop(child: &mut Child) {
    let told = Command::new("kill").arg(child.id().to_string()).status();
    if !told.is_ok_and(|status| status.success()) {
        let _ = child.kill();
    }
    let _ = child.wait();
}
