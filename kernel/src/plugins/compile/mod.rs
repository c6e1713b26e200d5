//! Compiling, away from the kernel: a component that somebody uploaded is compiled by a process of its own, which has nothing but
//! the file, a core and limits.
//!
//! What a compiler does with a hostile file is outside what wasmtime promises. So a crash, a loop or all the memory of the machine
//! must be this process's and no more; and whoever takes it over finds no secrets in its memory, no files, no network and
//! no way to start a program. What it answers is machine code for the kernel to run, and that no process can make harmless: see `scan`
//! for what is kept from it, and the signatures for whom to trust.
//!
//! One process of the same program, so that both have one compiler: [`run_if_asked`] is the first line of its `main`.

mod child;
mod jail;

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};
use wasmtime::Engine;

pub use child::run_if_asked;
pub use jail::confine;

/// What the child says of its end goes to its stderr, cut here.
const WORDS_BYTES: u64 = 16 << 10;
/// Signals by number, as POSIX has them on every system that Kassa runs on.
const SIGABRT: i32 = 6;
const SIGKILL: i32 = 9;
const SIGXCPU: i32 = 24;

/// Where components are compiled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Isolation {
    /// In a process of its own, with limits.
    #[default]
    Process,
    /// In the kernel: for programs that embed it, and machines where a process cannot be confined.
    None,
}

/// The `[plugins.compile]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CompileConfig {
    pub isolation: Isolation,
    /// Address space of the process, in MiB; also the most code that it may answer.
    pub memory_mib: u32,
    /// Seconds on the processor.
    pub cpu_s: u32,
    /// Seconds by the clock on the wall.
    pub wall_s: u32,
}

impl Default for CompileConfig {
    fn default() -> Self {
        Self { isolation: Isolation::Process, memory_mib: 1_024, cpu_s: 20, wall_s: 30 }
    }
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CompileError {
    /// The fault of the file. The text is for the person who uploads it.
    #[error("{0}")]
    Refused(String),
    #[error("it takes more than {limit} {unit} (plugins.compile.{setting})")]
    TooMuch { limit: u32, unit: &'static str, setting: &'static str },
    #[error("the compiler crashed on it")]
    Crashed,
    /// The kernel's side failed; nothing is known against the file.
    #[error("the compiler does not start: {0}")]
    Unavailable(String),
}

impl From<io::Error> for CompileError {
    fn from(error: io::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Machine code that the compiler of this program made, just now.
pub(super) struct Compiled(Vec<u8>);

impl Compiled {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Machine code for `wasm`, for engines like `engine`.
pub(super) async fn compile(
    engine: &Engine,
    wasm: Arc<[u8]>,
    config: &CompileConfig,
) -> Result<Compiled, CompileError> {
    let code = match config.isolation {
        Isolation::Process => in_child(&wasm, config).await,
        Isolation::None => {
            let engine = engine.clone();
            let compiled = tokio::task::spawn_blocking(move || engine.precompile_component(&wasm)).await;
            // The task is never cancelled, so this is a panic of the compiler: the fault of a file that should be refused.
            compiled.map_err(|_| CompileError::Crashed)?.map_err(|error| CompileError::Refused(format!("{error:#}")))
        }
    };
    code.map(Compiled)
}

async fn in_child(wasm: &[u8], config: &CompileConfig) -> Result<Vec<u8>, CompileError> {
    let mut child = start(config)?;
    let wall = Duration::from_secs(config.wall_s.into());
    match tokio::time::timeout(wall, converse(&mut child, wasm, config)).await {
        Ok(answered) => answered,
        // Dropped, it is killed.
        Err(_elapsed) => Err(CompileError::TooMuch { limit: config.wall_s, unit: "s", setting: "wall_s" }),
    }
}

fn start(config: &CompileConfig) -> io::Result<Child> {
    Command::new(program()?)
        .args([child::ROLE, &config.memory_mib.to_string(), &config.cpu_s.to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
}

/// This very program, also where its file was replaced by a newer one meanwhile: another compiler's code would not fit.
fn program() -> io::Result<std::path::PathBuf> {
    match cfg!(target_os = "linux") {
        true => Ok("/proc/self/exe".into()),
        false => std::env::current_exe(),
    }
}

/// Gives it the file, takes its code, waits for its end.
async fn converse(child: &mut Child, wasm: &[u8], config: &CompileConfig) -> Result<Vec<u8>, CompileError> {
    let no_pipe = || CompileError::Unavailable("it has no pipes".into());
    let mut stdin = child.stdin.take().ok_or_else(no_pipe)?;
    let (stdout, stderr) = (child.stdout.take().ok_or_else(no_pipe)?, child.stderr.take().ok_or_else(no_pipe)?);
    let most = u64::from(config.memory_mib) << 20;
    // One that ends before it has read all has said why.
    let give = async move { drop(stdin.write_all(wasm).await) };
    let ((), code, words) = tokio::join!(give, read(stdout, most + 1), read(stderr, WORDS_BYTES));
    let (code, words) = (code?, words?);
    if code.len() as u64 > most {
        return Err(CompileError::TooMuch { limit: config.memory_mib, unit: "MiB of code", setting: "memory_mib" });
    }
    verdict(child.wait().await?, code, &String::from_utf8_lossy(&words), config)
}

async fn read(pipe: impl AsyncRead + Unpin, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

fn verdict(status: ExitStatus, code: Vec<u8>, words: &str, config: &CompileConfig) -> Result<Vec<u8>, CompileError> {
    let out_of_memory = words.contains("memory allocation of") || words.contains("Cannot allocate memory");
    match (status.code(), status.signal()) {
        (Some(child::DONE), _) => Ok(code),
        // Rust aborts where it gets no memory, with these words; where wasmtime maps some, it is an error.
        (_, Some(SIGABRT)) | (Some(child::REFUSED), _) if out_of_memory => {
            Err(CompileError::TooMuch { limit: config.memory_mib, unit: "MiB of memory", setting: "memory_mib" })
        }
        (Some(child::REFUSED), _) => Err(CompileError::Refused(words.trim().to_owned())),
        (Some(child::UNCONFINED), _) => Err(CompileError::Unavailable(words.trim().to_owned())),
        (_, Some(SIGXCPU | SIGKILL)) => {
            Err(CompileError::TooMuch { limit: config.cpu_s, unit: "s on the processor", setting: "cpu_s" })
        }
        _ => {
            tracing::warn!(%status, words, "the compiler crashed on a plugin");
            Err(CompileError::Crashed)
        }
    }
}
