//! The process that compiles: its whole life.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use super::jail;
use crate::plugins::engine;

/// The argument that makes a program this process.
pub(super) const ROLE: &str = "compile-plugin";

/// How it ends: with code on stdout.
pub(super) const DONE: i32 = 0;
/// The file is not to be compiled; why stands on stderr.
pub(super) const REFUSED: i32 = 2;
/// It could not lock itself in, and did not begin.
pub(super) const UNCONFINED: i32 = 3;

/// Whether this program can be started in that role: its `main` has asked.
static KNOWN: AtomicBool = AtomicBool::new(false);

pub(super) fn is_known() -> bool {
    KNOWN.load(Ordering::Relaxed)
}

/// The first line of the `main` of every program that opens a shop: where the kernel has started it to compile a plugin, it
/// does that, and its exit code is here.
pub fn run_if_asked() -> Option<ExitCode> {
    KNOWN.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os().skip(1);
    if arguments.next()? != ROLE {
        return None;
    }
    let (code, words) = match run(arguments) {
        Ok(()) => (DONE, String::new()),
        Err((code, words)) => (code, words),
    };
    // Nobody to tell it to is no reason to end otherwise.
    drop(io::stderr().write_all(words.as_bytes()));
    Some(ExitCode::from(code as u8))
}

fn run(mut arguments: impl Iterator<Item = OsString>) -> Result<(), (i32, String)> {
    let unconfined = |error: String| (UNCONFINED, error);
    let mut number = |what: &str| {
        let argument = arguments.next().and_then(|argument| argument.to_str()?.parse().ok());
        argument.ok_or_else(|| unconfined(format!("there is no number for {what}")))
    };
    let (memory_mib, cpu_s) = (number("memory")?, number("time on the processor")?);
    let mut wasm = Vec::new();
    io::stdin().read_to_end(&mut wasm).map_err(|error| unconfined(error.to_string()))?;
    // Where the machine itself runs out of memory, this process should go and not the shop. It is no loss where that cannot be said.
    drop(std::fs::write("/proc/self/oom_score_adj", "1000"));
    // Made before the door is locked: it looks at the processor.
    let engine = engine::for_compiling().map_err(|error| unconfined(format!("{error:#}")))?;
    jail::confine(memory_mib, cpu_s).map_err(unconfined)?;
    let code = engine.precompile_component(&wasm).map_err(|error| (REFUSED, format!("{error:#}")))?;
    io::stdout().write_all(&code).map_err(|error| unconfined(error.to_string()))
}
