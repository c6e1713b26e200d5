//! What the store of one call holds.

use std::sync::Arc;

use crossbeam_utils::CachePadded;
use tokio::runtime::Handle;
use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::WasiCtx;

use super::fault::Stopped;
use super::grants::Granted;
use super::ledger::Ledger;
use super::limits::Limits;
use super::outbound::{Outbound, Wire};
use super::routing::{Lent, Linked, Local};
use super::telemetry::Function;
use super::{Domain, KvStore};

/// The data of a call's store.
pub(super) struct State {
    pub(super) plugin: Arc<CachePadded<Local>>,
    pub(super) ledger: Arc<Ledger>,
    pub(super) memory: Memory,
    pub(super) resources: ResourceTable,
    /// Made when the guest first asks for it: a call that never does pays nothing.
    pub(super) wasi: Option<Box<WasiCtx>>,
    /// For domains whose calls may wait for others.
    pub(super) reach: Option<Reach>,
    /// Made when the guest first asks for it.
    pub(super) wire: Option<Box<Wire>>,
    host_calls: u32,
}

/// What a call reaches beyond its arguments.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) granted: Arc<Granted>,
    pub(super) kv: Arc<dyn KvStore>,
    pub(super) outbound: Arc<Outbound>,
    /// Whether the function may send requests: one that has to answer the same to the same question may not.
    pub(super) may_send: bool,
    /// The runtime of the call's first slice, where the kernel's connections live: the store and the client run there,
    /// wherever the guest is.
    pub(super) home: Handle,
}

/// Whether plugins of a domain may have hosts and secrets. What prices is recorded and asked again; what composes messages leaves their
/// delivery to the kernel.
pub(super) fn reaches_out(domain: Domain) -> bool {
    matches!(domain, Domain::Payment | Domain::Delivery)
}

impl State {
    pub(super) fn new(
        plugin: Arc<CachePadded<Local>>,
        ledger: Arc<Ledger>,
        function: Option<Function>,
        kv: &Arc<dyn KvStore>,
        outbound: &Arc<Outbound>,
    ) -> Self {
        let limits = plugin.limits();
        let mut resources = ResourceTable::new();
        resources.set_max_capacity(limits.resources as usize);
        let reach = matches!(plugin.linked(), Linked::Payment(_) | Linked::Delivery(_)).then(|| Reach {
            granted: if plugin.lent == Lent::Nothing { Arc::default() } else { outbound.grants.of(plugin.name()) },
            kv: kv.clone(),
            outbound: outbound.clone(),
            may_send: function.is_some_and(Function::may_send),
            home: Handle::current(),
        });
        Self { ledger, memory: Memory::new(limits), resources, wasi: None, reach, wire: None, host_calls: 0, plugin }
    }

    pub(super) fn limits(&self) -> &Limits {
        self.plugin.limits()
    }

    /// Counts a call to the kernel.
    pub(super) fn count_host_call(&mut self) -> Result<(), Stopped> {
        self.host_calls += 1;
        if self.host_calls > self.limits().host_calls { Err(Stopped::HostCalls) } else { Ok(()) }
    }
}

/// Bounds what the guest's instances may hold. wasmtime's own limiter bounds each memory by itself; a component can have
/// several, so this one adds them up.
pub(super) struct Memory {
    bytes: usize,
    bytes_limit: usize,
    table_elements_limit: usize,
    instances: usize,
    tables: usize,
    memories: usize,
    refused: bool,
}

impl Memory {
    fn new(limits: &Limits) -> Self {
        Self {
            bytes: 0,
            bytes_limit: (limits.memory_mib as usize) << 20,
            table_elements_limit: limits.table_elements as usize,
            instances: limits.instances as usize,
            tables: limits.tables as usize,
            memories: limits.memories as usize,
            refused: false,
        }
    }

    /// Of all memories together. They never shrink, so at the end of a call it is the most that it had.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The guest wanted more than it may have.
    pub(super) fn refused(&self) -> bool {
        self.refused
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        // Asked before wasmtime looks at the memory's own maximum: what it will refuse is not counted.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(true);
        }
        let bytes = self.bytes.saturating_add(desired.saturating_sub(current));
        if bytes > self.bytes_limit {
            self.refused = true;
            return Ok(false);
        }
        self.bytes = bytes;
        Ok(true)
    }

    fn table_growing(&mut self, _current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        Ok(desired <= self.table_elements_limit)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

#[cfg(test)]
mod tests {
    use super::super::Domain;
    use super::*;

    #[test]
    fn the_memories_of_a_call_are_summed() {
        const MIB: usize = 1 << 20;
        let mut memory = Memory::new(&Limits { memory_mib: 4, ..Limits::of(Domain::Pricing) });
        // Beyond its own maximum it does not grow, whatever is answered: nothing is counted.
        assert!(memory.memory_growing(0, 3 * MIB, Some(2 * MIB)).expect("no trap"));
        let mut grows = |current, desired| memory.memory_growing(current, desired, None).expect("no trap");
        assert!(grows(0, 2 * MIB));
        assert!(grows(0, MIB));
        // 3 MiB are taken: the second memory may reach 2 MiB and no more.
        assert!(!grows(MIB, 3 * MIB));
        assert!(grows(MIB, 2 * MIB));
        assert!(!grows(2 * MIB, 2 * MIB + 1));
        assert!(memory.refused());
    }
}
