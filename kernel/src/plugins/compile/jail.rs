//! What the compiling process takes from itself before it looks at a file: memory, time, files, network, programs.

#[cfg(target_os = "linux")]
use std::collections::BTreeMap;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Takes from this process, for good, what compiling does not need. Memory and time have the given limits; on Linux every system call
/// is refused but those that compute, take memory, and use what is open already.
///
/// # Errors
///
/// What this system does not let it give up: then nothing may be compiled here.
pub fn confine(memory_mib: u32, cpu_s: u32) -> Result<(), String> {
    let memory = u64::from(memory_mib) << 20;
    // At the soft limit of time comes a signal that ends it; a second later one that cannot be caught.
    let cpu = Rlimit { current: Some(cpu_s.into()), maximum: Some(u64::from(cpu_s) + 1) };
    let most = |limit| Rlimit { current: Some(limit), maximum: Some(limit) };
    for (resource, wanted) in [
        (Resource::As, most(memory)),
        (Resource::Cpu, cpu),
        (Resource::Nofile, most(32)),
        (Resource::Fsize, most(0)),
        (Resource::Core, most(0)),
    ] {
        // Whoever started the shop may have set less, and nobody may have more than that.
        let lower = |wanted: Option<u64>, present: Option<u64>| {
            present.map_or(wanted, |present| wanted.map(|wanted| wanted.min(present)))
        };
        let present = getrlimit(resource).maximum;
        let limit = Rlimit { current: lower(wanted.current, present), maximum: lower(wanted.maximum, present) };
        setrlimit(resource, limit).map_err(|error| format!("limit of {resource:?}: {error}"))?;
    }
    refuse_system_calls()
}

#[cfg(target_os = "linux")]
fn refuse_system_calls() -> Result<(), String> {
    install(ALLOWED).map_err(|error| format!("filter of system calls: {error}"))
}

#[cfg(target_os = "linux")]
fn install(allowed: &[libc::c_long]) -> Result<(), Box<dyn std::error::Error>> {
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
        apply_filter_all_threads,
    };

    let mut rules: BTreeMap<_, _> = allowed.iter().map(|call| (*call, Vec::new())).collect();
    // To end by a signal it may send one to itself, as glibc does or as musl; to the kernel, whose user it is, none. It has one thread, whose id
    // is the process's.
    let own = std::process::id().into();
    for call in [libc::SYS_tgkill, libc::SYS_tkill] {
        let to_itself = SeccompCondition::new(0, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, own)?;
        rules.insert(call, vec![SeccompRule::new(vec![to_itself])?]);
    }
    // Refused, not killed: what the C library would like to know and can do without is no reason to die.
    let refused = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, std::env::consts::ARCH.try_into()?)?;
    let filter: BpfProgram = filter.try_into()?;
    Ok(apply_filter_all_threads(&filter)?)
}

/// Elsewhere the limits are all that there is.
#[cfg(not(target_os = "linux"))]
fn refuse_system_calls() -> Result<(), String> {
    Ok(())
}

/// Nothing in it names a file, an address or another process.
#[cfg(target_os = "linux")]
const ALLOWED: &[libc::c_long] = &[
    // What is open: stdin, stdout and stderr.
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_writev,
    libc::SYS_close,
    // Memory.
    libc::SYS_brk,
    libc::SYS_mmap,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_mprotect,
    libc::SYS_madvise,
    // Locks, the clock, chance.
    libc::SYS_futex,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_clock_gettime,
    libc::SYS_getrandom,
    // Its own signals and its end.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    libc::SYS_restart_syscall,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];
