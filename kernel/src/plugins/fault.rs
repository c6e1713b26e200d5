//! Why a call has no usable answer, and how that is told from what wasmtime reports.

use wasmtime::PoolConcurrencyLimitError;
use wasmtime::Trap;
use wasmtime_wasi::I32Exit;

use super::state::State;
use super::{answer, types};

/// Why a call has no usable answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Fault {
    /// No place came free within the bounded wait; nothing ran.
    #[error("too many calls of this plugin at once")]
    Busy,
    /// Too many calls of the function failed lately; nothing ran.
    #[error("the plugin failed too often, and is asked again in {retry_after_ms} ms")]
    CircuitOpen { retry_after_ms: u64 },
    #[error("the plugin computed for more than {cpu_ms} ms")]
    DeadlineExceeded { cpu_ms: u32 },
    #[error("the plugin did not answer within {wall_ms} ms")]
    WallClockExceeded { wall_ms: u32 },
    #[error("the plugin used more than {fuel} units of fuel")]
    FuelExhausted { fuel: u64 },
    #[error("the plugin wanted more than {memory_mib} MiB of memory")]
    MemoryExceeded { memory_mib: u32 },
    #[error("the plugin used up its stack")]
    StackOverflow,
    #[error("the plugin called the kernel more than {host_calls} times")]
    HostCallsExceeded { host_calls: u32 },
    #[error("the plugin crashed: {0}")]
    Trapped(String),
    #[error("the plugin passed more than {answer_bytes} bytes at once")]
    AnswerTooLarge { answer_bytes: u32 },
    /// The text names the rule of the contract that the answer breaks.
    #[error("the plugin's answer breaks the contract: {0}")]
    InvalidAnswer(String),
    /// The plugin answered the contract's `error`.
    #[error("the plugin refused: {}", refusal(.0))]
    Plugin(types::Error),
    /// The kernel's side failed; nothing is known against the plugin.
    #[error("the plugin cannot be run: {0}")]
    Unavailable(String),
}

impl Fault {
    /// A stable name of the fault, for problems, metrics and the database.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Busy => "busy",
            Self::CircuitOpen { .. } => "circuit-open",
            Self::DeadlineExceeded { .. } => "deadline-exceeded",
            Self::WallClockExceeded { .. } => "wall-clock-exceeded",
            Self::FuelExhausted { .. } => "fuel-exhausted",
            Self::MemoryExceeded { .. } => "memory-exceeded",
            Self::StackOverflow => "stack-overflow",
            Self::HostCallsExceeded { .. } => "host-calls-exceeded",
            Self::Trapped(_) => "trapped",
            Self::AnswerTooLarge { .. } => "answer-too-large",
            Self::InvalidAnswer(_) => "invalid-answer",
            Self::Plugin(types::Error::InvalidSettings(_)) => "invalid-settings",
            Self::Plugin(types::Error::Unsupported(_)) => "unsupported",
            Self::Plugin(types::Error::Unavailable(_)) => "plugin-unavailable",
            Self::Plugin(types::Error::Internal(_)) => "plugin-internal",
            Self::Unavailable(_) => "unavailable",
        }
    }

    /// Every code: first those of errors that the plugin answered.
    pub(super) const CODES: [&str; 16] = [
        "invalid-settings",
        "unsupported",
        "plugin-unavailable",
        "plugin-internal",
        "busy",
        "circuit-open",
        "deadline-exceeded",
        "wall-clock-exceeded",
        "fuel-exhausted",
        "memory-exceeded",
        "stack-overflow",
        "host-calls-exceeded",
        "trapped",
        "answer-too-large",
        "invalid-answer",
        "unavailable",
    ];
    /// How many of them are errors that the plugin answered.
    pub(super) const ANSWERED: usize = 4;

    /// The place of its code among all.
    pub(super) fn place(&self) -> usize {
        let code = self.code();
        // The last stands for what the kernel does not know of a plugin.
        Self::CODES.iter().position(|known| *known == code).unwrap_or(Self::CODES.len() - 1)
    }

    /// What the plugin itself says went wrong.
    pub(super) fn refused(error: types::Error) -> Self {
        Self::Plugin(answer::cleaned_refusal(error))
    }

    /// Reads what wasmtime reports about a call that ended in `state`.
    pub(super) fn of(error: wasmtime::Error, state: &State) -> Self {
        let limits = state.limits();
        if let Some(stopped) = error.downcast_ref::<Stopped>() {
            return match stopped {
                Stopped::Deadline => Self::DeadlineExceeded { cpu_ms: limits.cpu_ms },
                Stopped::HostCalls => Self::HostCallsExceeded { host_calls: limits.host_calls },
                Stopped::WrongDomain => Self::Unavailable(stopped.to_string()),
            };
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::OutOfFuel) => return Self::FuelExhausted { fuel: limits.fuel },
            Some(Trap::StackOverflow) => return Self::StackOverflow,
            // Compilers keep a second stack in the guest's memory; one too deep leaves it at its lower end.
            Some(Trap::MemoryOutOfBounds) if !state.memory.refused() => {
                return Self::Trapped("out of bounds memory access (recursion without end looks like this too)".into());
            }
            _ => {}
        }
        let cause = error.root_cause().to_string();
        // The error is a private type of wasmtime, so its text is all there is; a test notices when it changes.
        if cause.contains("fuel allocated for hostcalls has been exhausted") {
            return Self::AnswerTooLarge { answer_bytes: limits.answer_bytes };
        }
        // A guest that is refused memory mostly aborts; what it says then is only the consequence.
        if state.memory.refused() {
            return Self::MemoryExceeded { memory_mib: limits.memory_mib };
        }
        if error.is::<PoolConcurrencyLimitError>() {
            return Self::Busy;
        }
        if let Some(I32Exit(status)) = error.downcast_ref::<I32Exit>() {
            return Self::Trapped(format!("it exited with status {status}"));
        }
        // Without a frame of the guest the failure lies in reading its answer: text that is not UTF-8, a list beyond its
        // memory, a case that the variant does not have.
        match error.downcast_ref::<wasmtime::WasmBacktrace>() {
            None => Self::InvalidAnswer(cause),
            Some(_) => Self::Trapped(cause),
        }
    }
}

/// Why the host itself ended a call.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    #[error("out of computing time")]
    Deadline,
    #[error("too many calls to the kernel")]
    HostCalls,
    /// A mistake in the kernel, which `publish` would have refused.
    #[error("the plugin is of another domain")]
    WrongDomain,
}

fn refusal(error: &types::Error) -> String {
    match error {
        types::Error::InvalidSettings(text) => format!("its settings are wrong: {text}"),
        types::Error::Unsupported(text) => format!("it does not do this: {text}"),
        types::Error::Unavailable(text) => format!("a service that it needs did not answer: {text}"),
        types::Error::Internal(text) => format!("it failed: {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_has_its_place() {
        let text = String::new;
        let answered = [
            types::Error::InvalidSettings(text()),
            types::Error::Unsupported(text()),
            types::Error::Unavailable(text()),
            types::Error::Internal(text()),
        ];
        let others = [
            Fault::Busy,
            Fault::CircuitOpen { retry_after_ms: 1 },
            Fault::DeadlineExceeded { cpu_ms: 1 },
            Fault::WallClockExceeded { wall_ms: 1 },
            Fault::FuelExhausted { fuel: 1 },
            Fault::MemoryExceeded { memory_mib: 1 },
            Fault::StackOverflow,
            Fault::HostCallsExceeded { host_calls: 1 },
            Fault::Trapped(text()),
            Fault::AnswerTooLarge { answer_bytes: 1 },
            Fault::InvalidAnswer(text()),
            Fault::Unavailable(text()),
        ];
        assert_eq!(answered.len(), Fault::ANSWERED);
        let all: Vec<_> = answered.into_iter().map(Fault::Plugin).chain(others).collect();
        assert_eq!(all.iter().map(Fault::code).collect::<Vec<_>>(), Fault::CODES);
        assert!(all.iter().enumerate().all(|(index, fault)| fault.place() == index));
    }
}
