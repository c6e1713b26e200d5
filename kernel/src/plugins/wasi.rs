//! A closed, deterministic WASI: what language runtimes ask for at their start, with nothing behind it.
//!
//! No files, arguments, environment or sockets. Clocks stand still and random numbers repeat, both, because a `HashMap`
//! of Rust is seeded from one and std reads the other: with either left open the same input gives different bytes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime::component::{HasData, Linker, Resource};
use wasmtime_wasi::cli::{IsTerminal, StdoutStream, WasiCli, WasiCliView};
use wasmtime_wasi::clocks::{WasiClocksCtxView, WasiClocksView};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView};
use wasmtime_wasi::p2::bindings::{cli, clocks, filesystem, random};
use wasmtime_wasi::p2::{DynPollable, OutputStream, Pollable, StreamResult};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtx, WasiCtxView, WasiView};

use super::ledger::{Ledger, Stream};
use super::state::State;

/// Interfaces of `wasi:*` that a plugin may import, of any 0.2 version.
pub(super) const INTERFACES: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// Any number does; this one is recognised when it turns up in an output.
const SEED: u128 = 0x6b61_7373_615f_7365_6564;
/// Random bytes asked for in one call.
const RANDOM_BYTES: u64 = 64 << 10;

/// Links what [`INTERFACES`] lists.
pub(super) fn link(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    // The proxy world is io, clocks, random and the three streams; the rest one by one. Sockets stay out.
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(linker)?;
    linker.allow_shadowing(true);
    clocks::monotonic_clock::add_to_linker::<State, NoTime>(linker, |state| NoTimePasses(state.clocks()))?;
    linker.allow_shadowing(false);
    random::insecure::add_to_linker::<State, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    random::insecure_seed::add_to_linker::<State, WasiRandom>(linker, |state| state.ctx().ctx.random())?;
    cli::environment::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::exit::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(linker, State::cli)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(linker, State::filesystem)
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let ledger = &self.ledger;
        let ctx = self.wasi.get_or_insert_with(|| Box::new(closed(ledger)));
        WasiCtxView { ctx, table: &mut self.resources }
    }
}

fn closed(ledger: &Arc<Ledger>) -> WasiCtx {
    let seed = SEED.to_le_bytes().to_vec();
    WasiCtx::builder()
        .secure_random(Deterministic::new(seed.clone()))
        .insecure_random(Deterministic::new(seed))
        .insecure_random_seed(SEED)
        .max_random_size(RANDOM_BYTES)
        .wall_clock(StoppedClock)
        .monotonic_clock(StoppedClock)
        .stdout(Printer { ledger: ledger.clone(), stream: Stream::Out })
        .stderr(Printer { ledger: ledger.clone(), stream: Stream::Err })
        .allow_tcp(false)
        .allow_udp(false)
        .build()
}

/// 1970-01-01T00:00:00Z, for ever. The time of the shop is an argument of every call.
struct StoppedClock;

impl HostWallClock for StoppedClock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::ZERO
    }
}

impl HostMonotonicClock for StoppedClock {
    fn resolution(&self) -> u64 {
        1_000_000_000
    }

    fn now(&self) -> u64 {
        0
    }
}

/// The monotonic clock whose timers are over at once. wasmtime-wasi's own follow the real clock whatever `now` says: a guest
/// could measure time with them, and answer by it.
struct NoTimePasses<'a>(WasiClocksCtxView<'a>);

struct NoTime;

impl HasData for NoTime {
    type Data<'a> = NoTimePasses<'a>;
}

impl clocks::monotonic_clock::Host for NoTimePasses<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.0.now()
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        self.0.resolution()
    }

    fn subscribe_instant(&mut self, _when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe_duration(0)
    }

    fn subscribe_duration(&mut self, _duration: u64) -> wasmtime::Result<Resource<DynPollable>> {
        let timer = self.0.table.push(Over)?;
        wasmtime_wasi::p2::subscribe(self.0.table, timer)
    }
}

/// A timer that is over. wasmtime-wasi's own give up their turn once before they say so, and that is waiting, which nobody
/// pays for: a guest could spend the slow lane with it.
struct Over;

#[wasmtime_wasi::async_trait]
impl Pollable for Over {
    async fn ready(&mut self) {}
}

/// stdout and stderr, as lines of the plugin's log.
#[derive(Clone)]
struct Printer {
    ledger: Arc<Ledger>,
    stream: Stream,
}

impl IsTerminal for Printer {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Printer {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        // Asked for by version 0.3 of WASI only, which is not linked.
        Box::new(tokio::io::sink())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl OutputStream for Printer {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.ledger.print(self.stream, &bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(4096)
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Printer {
    async fn ready(&mut self) {}
}
