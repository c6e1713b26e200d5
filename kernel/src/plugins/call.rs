//! The one path of every call: a place, a fresh store with its limits, the call, the outcome; the store is dropped whole.
//!
//! A call is polled once where its caller runs: nearly every call is over by then, after some microseconds and without
//! a change of thread. One that is not (it runs past a tick, or waits) goes to the *slow lane*, a runtime of its
//! own. There it may spin or sleep as long as its limits allow, and delays nobody but its like: on the shoppers'
//! runtime a guest that yields at every tick would still hold up every timer and connection.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crossbeam_utils::CachePadded;
use futures_util::future::BoxFuture;
use tokio::task::JoinHandle;
use wasmtime::{AsContextMut, Store, StoreContextMut, UpdateDeadline};

use super::breaker::Admitted;
use super::desk::{Asked, Record};
use super::fault::{Fault, Stopped};
use super::host::Inner;
use super::ledger::Ledger;
use super::limits::Limits;
use super::places::Place;
use super::routing::Local;
use super::state::State;
use super::telemetry::{Function, Version};
use super::{Bound, CallError, Called, Host, Level, LogLine, Report, types};

/// What becomes of a running call whose caller is dropped (the shopper went away, the request timed out).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Abandoned {
    /// It is dropped too: it has no effect that anybody would miss.
    Stops,
    /// It runs to its end within its limits: it moves money or goods, and half of that is worse than an answer
    /// that nobody hears. The reconciling worker finds out by asking again under the same key.
    Finishes,
}

/// What a guest answers: a value, or the contract's error.
pub(super) type Answer<T> = Result<T, types::Error>;

/// Instantiates the plugin in the store and calls it.
pub(super) trait Invoke<T>:
    for<'s> FnOnce(StoreContextMut<'s, State>, Arc<CachePadded<Local>>) -> BoxFuture<'s, wasmtime::Result<Answer<T>>>
{
}

impl<T, F> Invoke<T> for F where
    F: for<'s> FnOnce(
        StoreContextMut<'s, State>,
        Arc<CachePadded<Local>>,
    ) -> BoxFuture<'s, wasmtime::Result<Answer<T>>>
{
}

impl Host {
    /// Calls a plugin. `invoke` gets the store and the plugin, instantiates and calls; `check` holds the answer against
    /// the contract. As a call of the function that is `asked` it is counted, where the plugin is in force, and kept, should it fail.
    pub(super) async fn call<T, I>(
        &self,
        bound: &Bound,
        asked: Option<Asked<'_>>,
        abandoned: Abandoned,
        invoke: I,
        check: impl FnOnce(&T) -> Result<(), String>,
    ) -> Result<Called<T>, CallError>
    where
        T: Send + 'static,
        I: Invoke<T> + Send + 'static,
    {
        let limits = &bound.component().limits;
        let function = asked.map(|asked| asked.function);
        let counted = Counting::begin(bound, function)?;
        let Some(places) = places(&self.0, bound, limits).await else {
            let busy = CallError::not_begun(Fault::Busy);
            counted.end(0, Some(&busy.fault), &busy.report);
            return Err(busy);
        };
        let shard = places.of_engine.index;
        let ledger = Arc::new(counted.ledger(&self.0, limits));
        let store = self.0.store(bound, shard, function, ledger.clone())?;
        let running = Metered::new(ledger.clone(), run(places, store, ledger.clone(), invoke));
        let outcome = match first_slice(running).await {
            Ok(outcome) => outcome,
            Err(running) => slow_lane(&self.0, running, abandoned, limits).await,
        };
        let checked = outcome.and_then(|answer| answer.map_err(Fault::refused)).and_then(|value| match check(&value) {
            Ok(()) => Ok(value),
            Err(rule) => Err(Fault::InvalidAnswer(rule)),
        });
        let report = ledger.report();
        if is_told(bound, function) {
            tell(bound, &report);
        }
        counted.end(shard, checked.as_ref().err(), &report);
        if let (Err(fault), Some(asked)) = (&checked, asked) {
            self.keep_failed(bound, asked, &ledger, fault, &report);
        }
        match checked {
            Ok(value) => Ok(Called { value, report }),
            Err(fault) => Err(CallError { fault, report }),
        }
    }
}

/// Where a call is counted, if it is one of a plugin in force.
struct Counting<'a>(Option<(&'a Version, Function, Admitted)>);

impl<'a> Counting<'a> {
    /// Refused where the function failed too often lately.
    fn begin(bound: &'a Bound, function: Option<Function>) -> Result<Self, CallError> {
        let Some((version, function)) = bound.counted().zip(function) else { return Ok(Self(None)) };
        let admitted = version.admit(function).map_err(|wait| {
            let retry_after_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            let refused = CallError::not_begun(Fault::CircuitOpen { retry_after_ms });
            version.record(0, function, Admitted::Usually, Some(&refused.fault), &refused.report);
            refused
        })?;
        Ok(Self(Some((version, function, admitted))))
    }

    /// What is not counted is not kept either, should it fail: the answers to it need no room.
    fn ledger(&self, host: &Inner, limits: &Limits) -> Ledger {
        let room = if self.0.is_some() { host.failed_calls.room() } else { 0 };
        Ledger::new(limits, Record::with_room(room))
    }

    fn end(self, shard: usize, fault: Option<&Fault>, report: &Report) {
        if let Self(Some((version, function, admitted))) = self {
            version.record(shard, function, admitted, fault, report);
        }
    }
}

/// Of a plugin that is not in force, no answer is news of the shop: it is for a replay, an order that is verified or a preview, and there may be
/// a hundred thousand of them. What has an effect is told all the same: what a plugin began, a payment or a booking, it ends though the binding
/// has left it.
fn is_told(bound: &Bound, function: Option<Function>) -> bool {
    bound.counted().is_some() || !function.is_some_and(Function::only_answers)
}

/// What a plugin wrote goes to the shop's log, under a name of its own: `log.filter = "info,kassa::plugin=debug"`.
pub(super) fn tell(bound: &Bound, report: &Report) {
    let plugin = bound.name();
    for LogLine { level, text, .. } in &report.log {
        match level {
            Level::Trace => tracing::trace!(target: "kassa::plugin", plugin, "{text}"),
            Level::Debug => tracing::debug!(target: "kassa::plugin", plugin, "{text}"),
            Level::Info => tracing::info!(target: "kassa::plugin", plugin, "{text}"),
            Level::Warn => tracing::warn!(target: "kassa::plugin", plugin, "{text}"),
            Level::Error => tracing::error!(target: "kassa::plugin", plugin, "{text}"),
        }
    }
    if report.dropped_log_lines > 0 {
        tracing::warn!(target: "kassa::plugin", plugin, lines = report.dropped_log_lines, "wrote more than its limits");
    }
}

/// The call's places: one of its plugin's, one of the engines'. Given back when the call's store is gone.
struct Places {
    _of_plugin: Place,
    of_engine: Place,
}

/// Waits for both, within the bound of the domain. The plugin's comes first, so that a slow plugin queues by itself
/// and takes no places from others.
async fn places(host: &Inner, bound: &Bound, limits: &Limits) -> Option<Places> {
    let of_plugin = &bound.component().calls;
    if let (Some(_of_plugin), Some(of_engine)) = (of_plugin.try_enter(), host.calls.try_enter()) {
        return Some(Places { _of_plugin, of_engine });
    }
    let both = async { Places { _of_plugin: of_plugin.enter().await, of_engine: host.calls.enter().await } };
    tokio::time::timeout(Duration::from_millis(limits.wait_ms.into()), both).await.ok()
}

/// The call itself, in whichever runtime polls it.
///
/// `places` comes first: what is dropped halfway drops its arguments from the last to the first, and a place must not be
/// free before its store is gone.
async fn run<T, I>(places: Places, mut store: Store<State>, ledger: Arc<Ledger>, invoke: I) -> Result<Answer<T>, Fault>
where
    I: Invoke<T>,
{
    let fuel = store.data().limits().fuel;
    let plugin = store.data().plugin.clone();
    let answer = invoke(store.as_context_mut(), plugin).await;
    ledger.set_fuel(fuel.saturating_sub(store.get_fuel().unwrap_or_default()));
    ledger.set_memory(store.data().memory.bytes());
    let outcome = answer.map_err(|error| Fault::of(error, store.data()));
    drop(store);
    drop(places);
    outcome
}

/// A call with its account: CPU time inside `poll` is the guest's, time between polls is waiting.
struct Metered<F> {
    ledger: Arc<Ledger>,
    call: Pin<Box<F>>,
    on_slow_lane: bool,
}

impl<F> Metered<F> {
    fn new(ledger: Arc<Ledger>, call: F) -> Self {
        Self { ledger, call: Box::pin(call), on_slow_lane: false }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        if this.on_slow_lane {
            this.ledger.begin_billing();
        }
        let polled = this.call.as_mut().poll(context);
        this.ledger.end_slice();
        polled
    }
}

/// Polls once, here; what is not ready comes back to be moved. The waker does nothing: whoever takes the call over
/// polls it at once, and that poll leaves a waker that counts.
async fn first_slice<F: Future>(mut running: Metered<F>) -> Result<F::Output, Metered<F>> {
    let polled = poll_fn(|_| Poll::Ready(Pin::new(&mut running).poll(&mut Context::from_waker(Waker::noop())))).await;
    match polled {
        Poll::Ready(outcome) => Ok(outcome),
        Poll::Pending => Err(running),
    }
}

async fn slow_lane<T, F>(
    host: &Inner,
    mut running: Metered<F>,
    abandoned: Abandoned,
    limits: &Limits,
) -> Result<T, Fault>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Fault>> + Send + 'static,
{
    let left = Duration::from_millis(limits.wall_ms.into()).saturating_sub(running.ledger.elapsed());
    running.on_slow_lane = true;
    // The timer is made inside, where it belongs to the slow lane: its runtime looks at timers after every poll.
    let task = host.slow_lane.spawn(async move { tokio::time::timeout(left, running).await });
    let mut task = Task { task, abandoned };
    match (&mut task.task).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_elapsed)) => Err(Fault::WallClockExceeded { wall_ms: limits.wall_ms }),
        Err(error) if error.is_cancelled() => Err(Fault::Unavailable("the plugin host is shutting down".into())),
        Err(error) => {
            tracing::error!(%error, "the kernel panicked inside a plugin call");
            Err(Fault::Unavailable("the kernel failed inside the call".into()))
        }
    }
}

/// A call on the slow lane, which learns when its caller is dropped.
struct Task<T> {
    task: JoinHandle<T>,
    abandoned: Abandoned,
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if self.abandoned == Abandoned::Stops {
            self.task.abort();
        }
    }
}

impl Inner {
    /// A fresh store for one call, with every limit set.
    fn store(
        &self,
        bound: &Bound,
        shard: usize,
        function: Option<Function>,
        ledger: Arc<Ledger>,
    ) -> Result<Store<State>, CallError> {
        let limits = &bound.component().limits;
        let state = State::new(bound.on(shard).clone(), ledger, function, &self.kv, &self.outbound);
        let mut store = Store::new(&self.shards[shard].engine, state);
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(limits.answer_bytes as usize);
        store.set_max_component_handles(limits.handles as usize);
        store.set_fuel(limits.fuel).map_err(|error| CallError {
            fault: Fault::Unavailable(format!("{error:#}")),
            report: Report::default(),
        })?;
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(at_tick);
        Ok(store)
    }
}

/// What happens to a guest that is still computing when the clock ticks.
fn at_tick(store: StoreContextMut<'_, State>) -> wasmtime::Result<UpdateDeadline> {
    let state = store.data();
    let limits = state.limits();
    state.ledger.set_fuel(limits.fuel.saturating_sub(store.get_fuel().unwrap_or_default()));
    if state.ledger.computed() >= Duration::from_millis(limits.cpu_ms.into()) {
        return Err(Stopped::Deadline.into());
    }
    // The first tick comes at any moment, perhaps a microsecond after the call began. A call is moved only when it has
    // really run for a while: moving costs more than most calls.
    if !state.ledger.is_billed() {
        state.ledger.begin_billing();
        return Ok(UpdateDeadline::Continue(1));
    }
    Ok(UpdateDeadline::Yield(1))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::super::{Domain, MemoryKv, PluginsConfig};
    use super::*;

    #[tokio::test]
    async fn only_the_first_slice_runs_where_the_caller_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let host = Host::new(&PluginsConfig::default(), folder.path(), b"key", Arc::new(MemoryKv::default()));
        let host = host.expect("a host");
        let limits = Limits::of(Domain::Pricing);
        let threads = Arc::new(Mutex::new(Vec::new()));
        let polled_on = threads.clone();
        // A guest that is not over after its first and second slice.
        let spinning = poll_fn(move |context| {
            let mut threads = polled_on.lock().expect("no panic");
            threads.push(std::thread::current().name().unwrap_or_default().to_owned());
            context.waker().wake_by_ref();
            if threads.len() == 3 { Poll::Ready(Ok(())) } else { Poll::Pending }
        });
        let running = Metered::new(Arc::new(Ledger::new(&limits, Record::default())), spinning);
        let Err(running) = first_slice(running).await else { panic!("it is over at once") };
        slow_lane(&host.0, running, Abandoned::Stops, &limits).await.expect("it ends");
        let threads = threads.lock().expect("no panic");
        assert!(!threads[0].contains("slow-lane"), "{threads:?}");
        assert_eq!(threads[1..], ["kassa-slow-lane", "kassa-slow-lane"]);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_slow_lane_gives_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let nice = || rustix::process::getpriority_process(Some(rustix::thread::gettid())).expect("Linux tells");
        for given in [0, 10] {
            let config = PluginsConfig { slow_lane_nice: given, ..PluginsConfig::default() };
            let host = Host::new(&config, folder.path(), b"key", Arc::new(MemoryKv::default())).expect("a host");
            let found = host.0.slow_lane.spawn(async move { nice() }).await.expect("it ends");
            assert_eq!(found, nice().saturating_add_unsigned(given).min(19));
        }
    }
}
