//! The engine: how components are compiled, where instances get their memory, and the clock that interrupts them.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::Duration;

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use super::limits::{Allocator, Limits, PluginsConfig};
use super::{Domain, HostError};

/// Stack of the guest's own functions.
const WASM_STACK_BYTES: usize = 512 << 10;
/// Stack of the fibre: the guest's, and what host calls need on top.
const FIBRE_STACK_BYTES: usize = 2 << 20;
/// What a slot keeps resident after a call. Giving pages back costs more than a whole call, and page faults in one
/// address space keep a second core from helping. (Stacks keep what they touched: no guest sees what lies in them.)
const MEMORY_KEPT_BYTES: usize = 1 << 20;
const TABLE_KEPT_BYTES: usize = 64 << 10;

/// Makes an engine for so many calls at once.
pub(super) fn start(config: &PluginsConfig, calls: u32) -> Result<Engine, HostError> {
    let pooled = || Engine::new(basic().allocation_strategy(InstanceAllocationStrategy::Pooling(pool(config, calls))));
    let on_demand = || Engine::new(basic().allocation_strategy(InstanceAllocationStrategy::OnDemand));
    let engine = match config.allocator {
        Allocator::Pooling => pooled(),
        Allocator::OnDemand => on_demand(),
        Allocator::Auto => pooled().or_else(|error| {
            tracing::warn!(%error, "no pool of instances on this machine; plugins run on the slower on-demand allocator");
            on_demand()
        }),
    };
    engine.map_err(|error| HostError::Engine(format!("{error:#}")))
}

/// Makes an engine that runs nothing. Its code fits the others: how instances get their memory is no part of it. One core: a compiler that
/// takes them all would keep shoppers waiting.
pub(super) fn for_compiling() -> wasmtime::Result<Engine> {
    Engine::new(basic().allocation_strategy(InstanceAllocationStrategy::OnDemand).parallel_compilation(false))
}

/// What all engines share. Whatever plugins have no use for is off: less that a hostile file can reach.
fn basic() -> Config {
    let mut config = Config::new();
    config
        .epoch_interruption(true)
        .consume_fuel(true)
        .max_wasm_stack(WASM_STACK_BYTES)
        .async_stack_size(FIBRE_STACK_BYTES)
        // `call_async` then takes the plain fibre path.
        .concurrency_support(false)
        .gc_support(false)
        .shared_memory(false)
        .wasm_threads(false)
        .wasm_memory64(false)
        .wasm_exceptions(false)
        .wasm_gc(false)
        .wasm_function_references(false)
        .wasm_relaxed_simd(false)
        .wasm_stack_switching(false)
        // The same bytes on every machine, also where a rule computes with floats.
        .cranelift_nan_canonicalization(true);
    config
}

fn pool(config: &PluginsConfig, calls: u32) -> PoolingAllocationConfig {
    let most = |limit: fn(&Limits) -> u32| {
        Domain::ALL.iter().map(|domain| limit(config.limits.of(*domain))).max().unwrap_or_default()
    };
    let (memories, tables, instances) = (most(|l| l.memories), most(|l| l.tables), most(|l| l.instances));
    let mut pool = PoolingAllocationConfig::new();
    pool.linear_memory_keep_resident(MEMORY_KEPT_BYTES)
        .table_keep_resident(TABLE_KEPT_BYTES)
        // One system call tells which pages a guest touched, so that only those are cleared.
        .pagemap_scan(Enabled::Auto)
        .max_memory_size((most(|l| l.memory_mib) as usize) << 20)
        .table_elements(most(|l| l.table_elements) as usize)
        .max_memories_per_component(memories)
        .max_tables_per_component(tables)
        .max_core_instances_per_component(instances)
        .total_component_instances(calls)
        .total_stacks(calls)
        .total_memories(calls.saturating_mul(memories))
        .total_tables(calls.saturating_mul(tables))
        .total_core_instances(calls.saturating_mul(instances))
        .max_unused_warm_slots(calls);
    pool
}

/// Moves the epoch of every engine on, from an OS thread of its own: a task of the runtime would be held up by the very guest
/// that it is to interrupt. Ends when it is dropped.
pub(super) struct Ticker {
    /// Dropped first, which ends the thread's wait at once.
    stop: Option<mpsc::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Ticker {
    pub(super) fn start(engines: Vec<Engine>, tick_ms: u32) -> std::io::Result<Self> {
        let (stop, stopped) = mpsc::channel();
        let tick = Duration::from_millis(tick_ms.into());
        let thread = std::thread::Builder::new().name("kassa-epoch".into()).spawn(move || {
            while stopped.recv_timeout(tick) == Err(RecvTimeoutError::Timeout) {
                engines.iter().for_each(Engine::increment_epoch);
            }
        })?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It only ticks, so there is nothing in it that could panic.
            drop(thread.join());
        }
    }
}
