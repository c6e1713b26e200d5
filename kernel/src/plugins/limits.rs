//! What a plugin may cost: the `[plugins]` section of shop.toml.

use serde::{Deserialize, Deserializer, Serialize};

use super::breaker::BreakerConfig;
use super::conformance::ConformanceConfig;
use super::fallback::FallbackConfig;
use super::telemetry::LogsConfig;
use super::{CompileConfig, Domain, FailedCallsConfig, OutboundConfig, SignaturesConfig};

/// How instances get their memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Allocator {
    /// Pooling where the machine has the address space for it, else on-demand; the log says which.
    #[default]
    Auto,
    /// Slots reserved in advance; the host does not start where they cannot be had.
    Pooling,
    /// Memory is mapped for every call: slower, but asks the machine for nothing.
    OnDemand,
}

/// The `[plugins]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PluginsConfig {
    pub allocator: Allocator,
    /// Milliseconds between two looks at a running plugin: the grain of every time limit. 1 to 5.
    pub epoch_tick_ms: u32,
    /// Calls in all domains together; the pools have that many slots. 1 to 1,000.
    pub total_calls: u32,
    /// Engines that share the calls: with one for each core, cores do not wait for each other's memory. Each has its own copy
    /// of every plugin's code (some 100 kB for one in Rust). 0 to 64; 0 is one for each core, at most 8. Never more
    /// than `total_calls`.
    pub engines: u32,
    /// OS threads for calls that outlive their first slice, so that they cannot delay shoppers. 1 to 16.
    pub slow_lane_threads: u32,
    /// By how much those threads give way to all others, on Linux: 0 (not at all) to 19.
    pub slow_lane_nice: u32,
    pub package: PackageLimits,
    pub compile: CompileConfig,
    pub conformance: ConformanceConfig,
    pub signatures: SignaturesConfig,
    pub logs: LogsConfig,
    pub outbound: OutboundConfig,
    pub breaker: BreakerConfig,
    pub fallback: FallbackConfig,
    pub failed_calls: FailedCallsConfig,
    pub limits: DomainLimits,
}

impl Default for PluginsConfig {
    fn default() -> Self {
        Self {
            allocator: Allocator::Auto,
            epoch_tick_ms: 2,
            total_calls: 64,
            engines: 0,
            slow_lane_threads: 1,
            slow_lane_nice: 10,
            package: PackageLimits::default(),
            compile: CompileConfig::default(),
            conformance: ConformanceConfig::default(),
            signatures: SignaturesConfig::default(),
            logs: LogsConfig::default(),
            outbound: OutboundConfig::default(),
            breaker: BreakerConfig::default(),
            fallback: FallbackConfig::default(),
            failed_calls: FailedCallsConfig::default(),
            limits: DomainLimits::default(),
        }
    }
}

/// What an uploaded package may be: the `[plugins.package]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PackageLimits {
    /// Size of the file. Rust and C fit 1 MiB; Python needs 20 MiB.
    pub max_bytes: u64,
    /// Components within components.
    pub nesting: u32,
    pub core_modules: u32,
    /// Entries of the type sections, over all modules and components.
    pub types: u32,
    /// Functions with a body, over all modules.
    pub functions: u32,
    /// One function body; what compiling costs grows faster than this.
    pub function_bytes: u32,
    /// Locals of one function.
    pub locals: u32,
    /// Targets of one `br_table`.
    pub branch_targets: u32,
    /// Tables, over all modules.
    pub tables: u32,
    /// Elements that one table begins with.
    pub table_elements: u32,
    pub imports: u32,
    pub exports: u32,
    /// All custom sections of the outer component together (the manifest is one).
    pub custom_bytes: u64,
}

impl Default for PackageLimits {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 20,
            nesting: 4,
            core_modules: 8,
            types: 2_000,
            functions: 20_000,
            function_bytes: 256 << 10,
            locals: 2_000,
            branch_targets: 4_096,
            tables: 16,
            table_elements: 10_000,
            imports: 64,
            exports: 32,
            custom_bytes: 64 << 10,
        }
    }
}

macro_rules! limits {
    ($( $(#[$doc:meta])* $name:ident: $type:ty, )*) => {
        /// What one call of one domain may use: a `[plugins.limits.<domain>]` section.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
        pub struct Limits {
            $( $(#[$doc])* pub $name: $type, )*
        }

        /// A section as written: what it leaves out keeps the default of its domain.
        #[derive(Default, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        struct Given {
            $( $name: Option<$type>, )*
        }

        impl Given {
            fn over(self, defaults: Limits) -> Limits {
                Limits { $( $name: self.$name.unwrap_or(defaults.$name), )* }
            }
        }
    };
}

limits! {
    /// CPU time, in milliseconds, as the operating system counts it: neither waiting for the database nor for a turn on a
    /// busy machine is in it. Looked at once per tick.
    cpu_ms: u32,
    /// Time by the wall clock, in milliseconds, with all waiting; the queue for a place is not in it.
    wall_ms: u32,
    /// Instructions, roughly. The same on every machine, so a call that ends here ends here everywhere.
    fuel: u64,
    /// Linear memory, in MiB, summed over all memories of the call.
    memory_mib: u32,
    /// Elements of one table.
    table_elements: u32,
    tables: u32,
    memories: u32,
    /// Core instances; a Python component holds 38.
    instances: u32,
    /// Bytes that one crossing of the border may bring to the kernel: the arguments of a host call (a log line too), or
    /// the answer. More ends the call before the kernel allocates any of it.
    answer_bytes: u32,
    /// Handles of the component model held at once.
    handles: u32,
    /// WASI resources (streams and the like) held at once.
    resources: u32,
    log_lines: u32,
    /// Bytes of log text, after escaping.
    log_bytes: u32,
    /// Calls to `kassa:host` interfaces, the log apart.
    host_calls: u32,
    /// Keys of the plugin's `kv`, all versions of the plugin together.
    kv_keys: u32,
    /// Bytes of one key.
    kv_key_bytes: u32,
    /// Bytes of one value.
    kv_value_bytes: u32,
    /// Bytes of all keys and values together.
    kv_total_bytes: u64,
    /// Calls of one plugin at the same time. A healthy call holds its place for microseconds, so this is met
    /// only by plugins that wait or spin.
    concurrent_calls: u32,
    /// How long a call waits for a place before it is refused as busy, in milliseconds.
    wait_ms: u32,
}

impl Limits {
    /// The defaults of a domain.
    pub fn of(domain: Domain) -> Self {
        let base = Self {
            cpu_ms: 100,
            wall_ms: 5_000,
            fuel: 100_000_000,
            memory_mib: 64,
            table_elements: 10_000,
            tables: 8,
            memories: 4,
            instances: 16,
            answer_bytes: 1 << 20,
            handles: 1_000,
            resources: 256,
            log_lines: 64,
            log_bytes: 16 << 10,
            host_calls: 1_000,
            kv_keys: 1_000,
            kv_key_bytes: 256,
            kv_value_bytes: 64 << 10,
            kv_total_bytes: 8 << 20,
            concurrent_calls: 8,
            wait_ms: 500,
        };
        match domain {
            // Nothing in pricing waits, so its wall clock only catches a guest that sleeps.
            Domain::Pricing => Self { cpu_ms: 50, wall_ms: 2_000, fuel: 50_000_000, ..base },
            Domain::Delivery => Self { cpu_ms: 200, fuel: 200_000_000, ..base },
            // A payment plugin keeps a key for every payment.
            // It also waits for the database, and for providers: a place is held longer.
            Domain::Payment => Self { kv_keys: 1_000_000, kv_total_bytes: 1 << 30, concurrent_calls: 24, ..base },
            // Five messages of 64 KiB of text and 256 KiB of HTML each.
            Domain::Notification => Self { answer_bytes: 2 << 20, ..base },
        }
    }
}

/// The `[plugins.limits]` section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DomainLimits {
    #[serde(deserialize_with = "pricing")]
    pub pricing: Limits,
    #[serde(deserialize_with = "payment")]
    pub payment: Limits,
    #[serde(deserialize_with = "delivery")]
    pub delivery: Limits,
    #[serde(deserialize_with = "notification")]
    pub notification: Limits,
}

impl Default for DomainLimits {
    fn default() -> Self {
        Self {
            pricing: Limits::of(Domain::Pricing),
            payment: Limits::of(Domain::Payment),
            delivery: Limits::of(Domain::Delivery),
            notification: Limits::of(Domain::Notification),
        }
    }
}

impl DomainLimits {
    /// The limits of `domain`.
    pub fn of(&self, domain: Domain) -> &Limits {
        match domain {
            Domain::Pricing => &self.pricing,
            Domain::Payment => &self.payment,
            Domain::Delivery => &self.delivery,
            Domain::Notification => &self.notification,
        }
    }
}

fn pricing<'de, D: Deserializer<'de>>(section: D) -> Result<Limits, D::Error> {
    Ok(Given::deserialize(section)?.over(Limits::of(Domain::Pricing)))
}

fn payment<'de, D: Deserializer<'de>>(section: D) -> Result<Limits, D::Error> {
    Ok(Given::deserialize(section)?.over(Limits::of(Domain::Payment)))
}

fn delivery<'de, D: Deserializer<'de>>(section: D) -> Result<Limits, D::Error> {
    Ok(Given::deserialize(section)?.over(Limits::of(Domain::Delivery)))
}

fn notification<'de, D: Deserializer<'de>>(section: D) -> Result<Limits, D::Error> {
    Ok(Given::deserialize(section)?.over(Limits::of(Domain::Notification)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_that_names_one_limit_keeps_the_other_defaults_of_its_domain() {
        let given = r#"{"limits": {"pricing": {"cpu_ms": 7}}}"#;
        let config: PluginsConfig = serde_json::from_str(given).expect("a valid section");
        assert_eq!(config.limits.pricing, Limits { cpu_ms: 7, ..Limits::of(Domain::Pricing) });
        assert_eq!(config.limits.delivery, Limits::of(Domain::Delivery));
    }

    #[test]
    fn unknown_settings_are_refused() {
        for given in [r#"{"alocator": "auto"}"#, r#"{"limits": {"pricing": {"cpu": 7}}}"#, r#"{"package": {"x": 1}}"#] {
            assert!(serde_json::from_str::<PluginsConfig>(given).is_err(), "{given}");
        }
    }
}
