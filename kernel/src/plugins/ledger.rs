//! What a call used and wrote. It lives outside the call's store, so that it is still there when a deadline drops that.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::desk::Record;
use super::limits::Limits;
use super::{Level, LogLine, Report};

/// The two streams of WASI that end in the log.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    Out,
    Err,
}

/// One call's account. The call writes it, at most one thread at a time; the caller reads it at the end.
pub(super) struct Ledger {
    began: Instant,
    /// The thread's CPU clock when the present slice began or was first looked at; 0 where it was not looked at yet.
    slice_began_ns: AtomicU64,
    /// CPU time of the slices before it.
    computed_ns: AtomicU64,
    fuel: AtomicU64,
    memory_bytes: AtomicU64,
    log: Mutex<Log>,
    requests: Mutex<Vec<Request>>,
    record: Mutex<Record>,
}

/// A request that the call sent, or wanted to.
struct Request {
    method: String,
    /// Host and path.
    place: String,
    began: Instant,
    /// None until it ended.
    ended: Option<Ended>,
}

struct Ended {
    elapsed: Duration,
    /// Status and bytes of the answer, or why there was none.
    outcome: Result<(u16, u64), String>,
}

/// Which of the call's requests it is.
#[derive(Clone, Copy)]
pub(super) struct RequestId(usize);

/// Beyond these a request is not logged: the call may not send it either.
const LOGGED_REQUESTS: usize = 1_000;

struct Log {
    lines: Vec<LogLine>,
    dropped: u32,
    lines_left: u32,
    bytes_left: usize,
    /// What came on stdout and stderr since the last line break.
    unfinished: [Vec<u8>; 2],
    /// What the kernel has to say, each thing once.
    notes: Vec<(Level, &'static str)>,
}

impl Ledger {
    /// What the kernel answers goes into `record`.
    pub(super) fn new(limits: &Limits, record: Record) -> Self {
        Self {
            began: Instant::now(),
            slice_began_ns: AtomicU64::new(0),
            computed_ns: AtomicU64::new(0),
            fuel: AtomicU64::new(0),
            memory_bytes: AtomicU64::new(0),
            log: Mutex::new(Log {
                lines: Vec::new(),
                dropped: 0,
                lines_left: limits.log_lines,
                bytes_left: limits.log_bytes as usize,
                unfinished: [Vec::new(), Vec::new()],
                notes: Vec::new(),
            }),
            requests: Mutex::default(),
            record: Mutex::new(record),
        }
    }

    /// Time since the call had its place.
    pub(super) fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// The present slice is to be billed from here. Called at the beginning of a slice on the slow lane, and at the first
    /// tick of a first slice: reading the clock is a system call, and most calls are over before they see a tick.
    pub(super) fn begin_billing(&self) {
        self.slice_began_ns.store(thread_cpu_ns(), Ordering::Relaxed);
    }

    /// Whether the present slice is billed.
    pub(super) fn is_billed(&self) -> bool {
        self.slice_began_ns.load(Ordering::Relaxed) != 0
    }

    /// The poll is over: what follows is waiting, and not billed.
    pub(super) fn end_slice(&self) {
        if self.is_billed() {
            self.computed_ns.store(self.computed_ns(), Ordering::Relaxed);
            self.slice_began_ns.store(0, Ordering::Relaxed);
        }
    }

    fn computed_ns(&self) -> u64 {
        let slice = match self.slice_began_ns.load(Ordering::Relaxed) {
            0 => 0,
            began => thread_cpu_ns().saturating_sub(began),
        };
        self.computed_ns.load(Ordering::Relaxed).saturating_add(slice)
    }

    /// CPU time of the call so far. Only to be asked on the thread that polls it.
    pub(super) fn computed(&self) -> Duration {
        Duration::from_nanos(self.computed_ns())
    }

    pub(super) fn set_fuel(&self, used: u64) {
        self.fuel.store(used, Ordering::Relaxed);
    }

    pub(super) fn set_memory(&self, bytes: usize) {
        self.memory_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn write(&self, level: Level, text: &str) {
        self.log().write(level, text);
    }

    /// A line by the kernel, once a call however often it comes.
    pub(super) fn note(&self, level: Level, text: &'static str) {
        let mut log = self.log();
        if !log.notes.contains(&(level, text)) {
            log.notes.push((level, text));
        }
    }

    /// Takes what a guest printed; whole lines go to the log.
    pub(super) fn print(&self, stream: Stream, bytes: &[u8]) {
        let mut log = self.log();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let room = log.bytes_left;
            let unfinished = &mut log.unfinished[stream as usize];
            // What cannot become a line any more need not be kept; one byte too many makes it count as dropped.
            let kept = piece.len().min((room + 1).saturating_sub(unfinished.len()));
            unfinished.extend_from_slice(&piece[..kept]);
            if piece.ends_with(b"\n") {
                log.finish_line(stream);
            }
        }
    }

    /// `place` is a host and a path.
    pub(super) fn begin_request(&self, method: &str, place: &str) -> RequestId {
        let mut requests = self.requests();
        let began = Instant::now();
        if requests.len() < LOGGED_REQUESTS {
            requests.push(Request { method: method.to_owned(), place: place.to_owned(), began, ended: None });
            return RequestId(requests.len() - 1);
        }
        RequestId(usize::MAX)
    }

    /// With the status and the bytes of its answer, or why there was none.
    pub(super) fn end_request(&self, id: RequestId, outcome: Result<(u16, u64), String>) {
        if let Some(request) = self.requests().get_mut(id.0) {
            request.ended = Some(Ended { elapsed: request.began.elapsed(), outcome });
        }
    }

    fn requests(&self) -> MutexGuard<'_, Vec<Request>> {
        self.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What the kernel answered so far.
    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        // A record that lacks one answer is one that ends there.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The account at the end of the call.
    pub(super) fn report(&self) -> Report {
        let mut log = self.log();
        log.finish_line(Stream::Out);
        log.finish_line(Stream::Err);
        let mut lines = std::mem::take(&mut log.lines);
        // Beyond the guest's limits: it is the kernel that writes them, and how many there are has a limit of its own.
        let note = |(level, text): (Level, &str)| LogLine { level, text: text.to_owned(), by_kernel: true };
        lines.extend(log.notes.drain(..).map(note));
        lines.extend(self.requests().drain(..).map(Request::into_line));
        Report {
            fuel: self.fuel.load(Ordering::Relaxed),
            memory_bytes: self.memory_bytes.load(Ordering::Relaxed),
            elapsed_us: u64::try_from(self.elapsed().as_micros()).unwrap_or(u64::MAX),
            log: lines,
            dropped_log_lines: log.dropped,
        }
    }

    fn log(&self) -> MutexGuard<'_, Log> {
        // Nothing panics between two writes, and half a line would be no harm.
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    fn into_line(self) -> LogLine {
        let Self { method, place, ended, .. } = self;
        let (level, outcome) = match ended {
            Some(Ended { elapsed, outcome: Ok((status, bytes)) }) => {
                (Level::Info, format!("{status}, {bytes} bytes in {} ms", elapsed.as_millis()))
            }
            Some(Ended { elapsed, outcome: Err(why) }) => {
                (Level::Warn, format!("no answer after {} ms: {why}", elapsed.as_millis()))
            }
            None => (Level::Warn, "no answer when the call ended".to_owned()),
        };
        let text = format!("{method} {place}: {outcome}");
        LogLine { level, text: escape(&text).unwrap_or_default(), by_kernel: true }
    }
}

impl Log {
    fn finish_line(&mut self, stream: Stream) {
        let bytes = std::mem::take(&mut self.unfinished[stream as usize]);
        let line = String::from_utf8_lossy(&bytes);
        let line = line.trim_end_matches(['\r', '\n']);
        if !line.is_empty() {
            let level = match stream {
                Stream::Out => Level::Info,
                Stream::Err => Level::Error,
            };
            self.write(level, line);
        }
    }

    fn write(&mut self, level: Level, text: &str) {
        // Escaping only makes a text longer, so one that does not fit raw need not be escaped to know.
        let text = if self.lines_left > 0 && text.len() <= self.bytes_left { escape(text) } else { None };
        match text.filter(|text| text.len() <= self.bytes_left) {
            Some(text) => {
                self.lines_left -= 1;
                self.bytes_left -= text.len();
                self.lines.push(LogLine { level, text, by_kernel: false });
            }
            None => self.dropped = self.dropped.saturating_add(1),
        }
    }
}

/// CPU time of this thread. Not the time of day: on a busy machine a thread waits for its turn, and a guest that computes for
/// a microsecond must not be stopped because others took the processor meanwhile.
#[cfg(unix)]
fn thread_cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000_000 + time.tv_nsec).unwrap_or_default()
}

/// Elsewhere the time of day has to do.
#[cfg(not(unix))]
fn thread_cpu_ns() -> u64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    1 + u64::try_from(START.elapsed().as_nanos()).unwrap_or(u64::MAX - 1)
}

/// Makes control characters visible, and those that turn the direction of writing: a line must be shown as what it is.
fn escape(text: &str) -> Option<String> {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => {
                write!(escaped, "{}", character.escape_unicode()).ok()?;
            }
            _ if character.is_control() => write!(escaped, "{}", character.escape_default()).ok()?,
            _ => escaped.push(character),
        }
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use super::super::Domain;
    use super::*;

    fn texts(report: &Report) -> Vec<&str> {
        report.log.iter().map(|line| line.text.as_str()).collect()
    }

    #[test]
    fn lines_are_escaped_bounded_and_counted() {
        let limits = Limits { log_lines: 3, log_bytes: 20, ..Limits::of(Domain::Pricing) };
        let ledger = Ledger::new(&limits, Record::default());
        ledger.write(Level::Info, "a\r\nb\u{1b}[31m");
        ledger.write(Level::Info, "longer than what is left");
        ledger.write(Level::Warn, "é");
        let report = ledger.report();
        assert_eq!(texts(&report), ["a\\r\\nb\\u{1b}[31m", "é"]);
        assert_eq!(report.dropped_log_lines, 1);

        let ledger = Ledger::new(&limits, Record::default());
        (0..5).for_each(|_| ledger.write(Level::Info, ""));
        assert_eq!(ledger.report().dropped_log_lines, 2);
    }

    #[test]
    fn what_is_printed_becomes_lines() {
        let ledger = Ledger::new(&Limits { log_bytes: 12, ..Limits::of(Domain::Pricing) }, Record::default());
        ledger.print(Stream::Out, b"one\r\ntw");
        ledger.print(Stream::Err, b"oops\n\n");
        ledger.print(Stream::Out, b"o");
        ledger.print(Stream::Err, &[b'x'; 1000]);
        let report = ledger.report();
        assert_eq!(texts(&report), ["one", "oops", "two"]);
        assert_eq!(report.log[1].level, Level::Error);
        assert_eq!(report.dropped_log_lines, 1);
    }
}
