//! Compiling, away from the kernel: a component that somebody uploaded is compiled by a process of its own, which has nothing but
//! the file, a core and limits.
//!
//! What a compiler does with a hostile file is outside what wasmtime promises. So a crash, a loop or all the memory of the machine
//! must be this process's and no more; and whoever takes it over finds no secrets in its memory and, on Linux, no files, no network and
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
use tokio::sync::{Mutex, MutexGuard, Semaphore, SemaphorePermit};
use wasmtime::Engine;

pub use child::run_if_asked;
pub use jail::confine;

/// What the child says of its end goes to its stderr, cut here.
const WORDS_BYTES: u64 = 16 << 10;
/// Files that wait for one that is being compiled; who comes later is told to come again.
const MOST_WAITING: usize = 4;
/// Signals by number, as Linux has them.
const SIGABRT: i32 = 6;
const SIGXCPU: i32 = 24;
/// Of a program that does what it must not: illegal instruction, trap, abort, bus, arithmetic, memory, system call.
const CRASHES: [i32; 7] = [4, 5, SIGABRT, 7, 8, 11, 31];
/// How a panic ends a Rust program.
const PANICKED: i32 = 101;

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
    /// Address space of the process, in MiB.
    pub memory_mib: u32,
    /// Machine code that it may answer, in MiB.
    pub code_mib: u32,
    /// Seconds on the processor.
    pub cpu_s: u32,
    /// Seconds by the clock on the wall.
    pub wall_s: u32,
}

impl Default for CompileConfig {
    fn default() -> Self {
        Self { isolation: Isolation::Process, memory_mib: 1_024, code_mib: 64, cpu_s: 20, wall_s: 25 }
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
    #[error("too many files are waiting to be compiled")]
    Busy,
    /// The kernel's side failed; nothing is known against the file.
    #[error("the compiler does not start: {0}")]
    Unavailable(String),
}

impl From<io::Error> for CompileError {
    fn from(error: io::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// The one place where a file is compiled, and the few where others wait for it.
pub(super) struct Queue {
    places: Semaphore,
    compiling: Mutex<()>,
}

impl Default for Queue {
    fn default() -> Self {
        Self { places: Semaphore::new(1 + MOST_WAITING), compiling: Mutex::default() }
    }
}

/// Held while a file is compiled.
pub(super) struct Turn<'a> {
    _one_at_a_time: MutexGuard<'a, ()>,
    _place: SemaphorePermit<'a>,
}

impl Queue {
    /// Waits for its turn. Each before it takes no longer than `wall_s`.
    pub(super) async fn turn(&self) -> Result<Turn<'_>, CompileError> {
        let place = self.places.try_acquire().map_err(|_| CompileError::Busy)?;
        Ok(Turn { _one_at_a_time: self.compiling.lock().await, _place: place })
    }
}

/// Machine code that a compiler of this program answered, just now.
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

fn start(config: &CompileConfig) -> Result<Child, CompileError> {
    // What is started is this program. One that does not know the role would open its shop again, and again compile.
    if !child::is_known() {
        return Err(CompileError::Unavailable("`main` does not begin with `plugins::compile::run_if_asked`".into()));
    }
    let child = Command::new(program()?)
        .args([child::ROLE, &config.memory_mib.to_string(), &config.cpu_s.to_string()])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Not the kernel's group: Ctrl-C is for the kernel, which lets it end.
        .process_group(0)
        .kill_on_drop(true)
        .spawn()?;
    Ok(child)
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
    let most = u64::from(config.code_mib) << 20;
    // One that ends before it has read all has said why.
    let give = async move { drop(stdin.write_all(wasm).await) };
    let ((), code, words) = tokio::join!(give, read(stdout, most + 1), read(stderr, WORDS_BYTES));
    let (code, words) = (code?, words?);
    if code.len() as u64 > most {
        return Err(CompileError::TooMuch { limit: config.code_mib, unit: "MiB of code", setting: "code_mib" });
    }
    verdict(child.wait().await?, code, &String::from_utf8_lossy(&words), config)
}

async fn read(pipe: impl AsyncRead + Unpin, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    pipe.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}

/// What its end says of the file. What is nobody's fault but the machine's or the operator's is no reason to refuse one.
fn verdict(status: ExitStatus, code: Vec<u8>, words: &str, config: &CompileConfig) -> Result<Vec<u8>, CompileError> {
    let (ended, signal) = (status.code(), status.signal());
    let no_memory = ["memory allocation of", "Cannot allocate memory", "Out of memory"];
    let out_of_memory = no_memory.iter().any(|text| words.contains(text));
    match (ended, signal) {
        (Some(child::DONE), _) => Ok(code),
        // Rust aborts where it gets no memory, with these words; where wasmtime maps some, it is an error.
        (_, Some(SIGABRT)) | (Some(child::REFUSED), _) if out_of_memory => {
            Err(CompileError::TooMuch { limit: config.memory_mib, unit: "MiB of memory", setting: "memory_mib" })
        }
        (Some(child::REFUSED), _) => Err(CompileError::Refused(words.trim().to_owned())),
        (_, Some(SIGXCPU)) => {
            Err(CompileError::TooMuch { limit: config.cpu_s, unit: "s on the processor", setting: "cpu_s" })
        }
        (Some(PANICKED), _) => Err(crashed(status, words)),
        (_, Some(signal)) if CRASHES.contains(&signal) => Err(crashed(status, words)),
        _ => Err(CompileError::Unavailable(format!("{status}: {}", words.trim()))),
    }
}

fn crashed(status: ExitStatus, words: &str) -> CompileError {
    tracing::warn!(%status, words, "the compiler crashed on a plugin");
    CompileError::Crashed
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By what `wait` answers: an exit code times 256, or a signal.
    #[test]
    fn how_the_compiler_ended_says_whose_fault_it_is() {
        let config = CompileConfig::default();
        let of = |status: i32, words: &str| match verdict(ExitStatus::from_raw(status), vec![1], words, &config) {
            Ok(code) => format!("{} byte of code", code.len()),
            Err(error) => error.to_string(),
        };
        for (status, words, expected) in [
            (child::DONE << 8, "", "1 byte of code"),
            (child::REFUSED << 8, "type mismatch\n", "type mismatch"),
            (child::REFUSED << 8, "mmap: Cannot allocate memory", "it takes more than 1024 MiB of memory"),
            (SIGABRT, "memory allocation of 9 bytes failed", "it takes more than 1024 MiB of memory"),
            (SIGXCPU, "", "it takes more than 20 s on the processor"),
            (SIGABRT, "stack overflow", "the compiler crashed on it"),
            (11, "", "the compiler crashed on it"),
            (PANICKED << 8, "", "the compiler crashed on it"),
            (9, "", "the compiler does not start"),
            (15, "", "the compiler does not start"),
            (child::UNCONFINED << 8, "no filter", "the compiler does not start"),
            (127 << 8, "no such library", "the compiler does not start"),
        ] {
            let said = of(status, words);
            assert!(said.starts_with(expected), "{status} {words:?}: {said}");
        }
    }

    #[tokio::test]
    async fn few_wait_for_their_turn_and_the_rest_is_told() {
        let queue = Queue::default();
        let first = queue.turn().await.expect("its turn");
        let mut waiting: Vec<_> = (0..MOST_WAITING).map(|_| Box::pin(queue.turn())).collect();
        for turn in &mut waiting {
            assert!(futures_util::poll!(turn).is_pending());
        }
        assert!(matches!(queue.turn().await, Err(CompileError::Busy)));
        drop(first);
        assert!(waiting.remove(0).await.is_ok());
    }

    /// The unit tests' program has a `main` of its own.
    #[tokio::test]
    async fn a_program_that_does_not_know_the_role_is_not_started() {
        let failed = in_child(b"", &CompileConfig::default()).await;
        assert!(matches!(failed, Err(CompileError::Unavailable(_))));
    }
}
