//! The host's shards: an engine with its pool and linkers for every core, so that calls on different cores write to no
//! cache line in common.
//!
//! A call writes to some twenty lines that all calls of one engine share (reference counts, the pool's counters and
//! free lists). Between cores that share a cache it hardly matters; where they do not, each line takes 0.2 µs
//! to come over, and a second core gave 1.4 times the calls of one. With an engine each it gives 1.9 times, see
//! bench/README. Rejected: pools that wasmtime shards by thread, which share all the rest and gave 1.43.

use wasmtime::Engine;
use wasmtime::component::{Component, InstancePre, Linker};

use super::limits::PluginsConfig;
use super::state::State;
use super::{Domain, HostError, capabilities, engine, wasi};

/// Engines where the setting leaves their number to the host: more cores share them.
const MOST_ENGINES: usize = 8;

/// One engine and what belongs to it.
pub(super) struct Shard {
    pub(super) engine: Engine,
    /// By domain, in the order of `Domain::ALL`.
    linkers: [Linker<State>; 4],
}

/// Makes the engines that `config` asks for, at least one.
pub(super) fn start(config: &PluginsConfig) -> Result<Box<[Shard]>, HostError> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from).min(MOST_ENGINES);
    let engines = if config.engines == 0 { cores() } else { config.engines as usize };
    // An engine without a place for a call would be of no use.
    let engines = engines.min(config.total_calls as usize);
    let calls = config.total_calls.div_ceil(engines as u32);
    (0..engines)
        .map(|_| {
            let engine = engine::start(config, calls)?;
            let linker = |domain| linker(&engine, domain).map_err(|error| HostError::Engine(format!("{error:#}")));
            let [pricing, payment, delivery, notification] = Domain::ALL.map(linker);
            Ok(Shard { linkers: [pricing?, payment?, delivery?, notification?], engine })
        })
        .collect()
}

impl Shard {
    /// Resolves the imports of a component that was made for this shard's engine.
    pub(super) fn link(&self, domain: Domain, component: &Component) -> wasmtime::Result<InstancePre<State>> {
        self.linkers[domain as usize].instantiate_pre(component)
    }
}

fn linker(engine: &Engine, domain: Domain) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    wasi::link(&mut linker)?;
    capabilities::link(&mut linker, domain)?;
    Ok(linker)
}
