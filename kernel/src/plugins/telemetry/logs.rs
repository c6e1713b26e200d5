//! The last lines of one plugin's log.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Function;
use crate::clock::{self, Moment};
use crate::plugins::{Digest, Level, LogLine};

/// A line that was kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Rises from line to line, also over a start of the shop; there may be gaps.
    pub sequence: u64,
    pub at: Moment,
    pub version: Arc<str>,
    pub digest: Digest,
    pub function: Function,
    pub level: Level,
    /// Control characters are escaped.
    pub text: Arc<str>,
    /// The kernel wrote it.
    pub by_kernel: bool,
}

/// Which lines.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// As loud as this or louder.
    pub level: Option<Level>,
    pub version: Option<String>,
}

impl Filter {
    fn takes(&self, line: &Line) -> bool {
        self.level.is_none_or(|level| line.level >= level)
            && self.version.as_ref().is_none_or(|version| **version == *line.version)
    }
}

/// Lines, the oldest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    pub lines: Vec<Line>,
    /// Up to where was looked: what comes after it is after this number.
    pub until: u64,
    /// Lines of the plugin, whatever the filter, that are not kept any more and came after what was asked for.
    pub missed: u64,
}

#[derive(Debug)]
pub(super) struct Logs {
    most_lines: usize,
    most_bytes: usize,
    ring: Mutex<Ring>,
    /// The number of the newest line.
    newest: watch::Sender<u64>,
}

#[derive(Debug)]
struct Ring {
    lines: VecDeque<Line>,
    bytes: usize,
    /// Of the first line of this process, kept or not.
    first: u64,
    /// Of the next line.
    next: u64,
}

impl Logs {
    pub(super) fn new(most_lines: usize, most_bytes: usize) -> Self {
        // Microseconds since 1970: a process writes fewer lines than that, so that who read up to a number before a start goes on
        // after it. Within what JavaScript counts exactly until the year 2255.
        let first = u64::try_from(clock::now().timestamp_micros()).unwrap_or_default() + 1;
        let ring = Ring { lines: VecDeque::new(), bytes: 0, first, next: first };
        Self { most_lines, most_bytes, ring: Mutex::new(ring), newest: watch::Sender::new(first - 1) }
    }

    /// Keeps what one call wrote.
    pub(super) fn write(&self, version: &Arc<str>, digest: Digest, function: Function, lines: &[LogLine]) {
        let at = clock::now();
        let mut ring = self.ring();
        for LogLine { level, text, by_kernel } in lines {
            let (version, text) = (version.clone(), text.as_str().into());
            let (sequence, level, by_kernel) = (ring.next, *level, *by_kernel);
            let line = Line { sequence, at, version, digest, function, level, text, by_kernel };
            ring.next += 1;
            ring.bytes += line.text.len();
            ring.lines.push_back(line);
        }
        while ring.lines.len() > self.most_lines || ring.bytes > self.most_bytes {
            let Some(oldest) = ring.lines.pop_front() else { break };
            ring.bytes -= oldest.text.len();
        }
        self.newest.send_replace(ring.next - 1);
    }

    /// The first `limit` lines after `after`.
    pub(super) fn after(&self, after: u64, filter: &Filter, limit: usize) -> Lines {
        let ring = self.ring();
        // A number that was not given yet is that of another kernel: what comes from now on is new to whoever has it.
        let after = after.min(ring.next - 1).max(ring.first - 1);
        let oldest = ring.lines.front().map_or(ring.next, |line| line.sequence);
        let skipped = ring.lines.partition_point(|line| line.sequence <= after);
        let mut lines = Vec::new();
        let mut until = ring.next - 1;
        for line in ring.lines.iter().skip(skipped).filter(|line| filter.takes(line)) {
            if lines.len() == limit {
                until = lines.last().map_or(after, |line: &Line| line.sequence);
                break;
            }
            lines.push(line.clone());
        }
        Lines { lines, until, missed: oldest.saturating_sub(after + 1) }
    }

    /// The last `limit` lines.
    pub(super) fn last(&self, filter: &Filter, limit: usize) -> Lines {
        let ring = self.ring();
        let mut lines: Vec<_> =
            ring.lines.iter().rev().filter(|line| filter.takes(line)).take(limit).cloned().collect();
        lines.reverse();
        Lines { lines, until: ring.next - 1, missed: 0 }
    }

    /// Tells that there are new lines.
    pub(super) fn listen(&self) -> watch::Receiver<u64> {
        self.newest.subscribe()
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // Nothing here panics half-way.
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(logs: &Logs, version: &str, lines: &[(Level, &str)]) {
        let lines: Vec<_> = lines
            .iter()
            .map(|(level, text)| LogLine { level: *level, text: (*text).into(), by_kernel: false })
            .collect();
        logs.write(&version.into(), Digest::of(b""), Function::Price, &lines);
    }

    fn texts(lines: &Lines) -> Vec<&str> {
        lines.lines.iter().map(|line| &*line.text).collect()
    }

    #[test]
    fn the_last_lines_are_kept_and_what_was_missed_is_told() {
        let logs = Logs::new(3, 10);
        let all = Filter::default();
        let begin = logs.last(&all, 9).until;
        write(&logs, "1", &[(Level::Info, "a"), (Level::Warn, "b"), (Level::Debug, "c"), (Level::Error, "d")]);
        let found = logs.after(begin, &all, 9);
        assert_eq!((texts(&found), found.until, found.missed), (vec!["b", "c", "d"], begin + 4, 1));
        assert_eq!(logs.after(0, &all, 9), found, "of a former process");
        let page = logs.after(begin + 1, &all, 2);
        assert_eq!((texts(&page), page.until, page.missed), (vec!["b", "c"], begin + 3, 0));
        assert_eq!(texts(&logs.after(page.until, &all, 2)), ["d"]);
        assert_eq!((texts(&logs.after(u64::MAX, &all, 2)), logs.after(u64::MAX, &all, 2).until), (vec![], begin + 4));
        assert_eq!(texts(&logs.last(&all, 2)), ["c", "d"]);
        // Ten bytes in all; a line that is longer by itself leaves nothing.
        write(&logs, "2", &[(Level::Info, "123456789")]);
        assert_eq!(texts(&logs.last(&all, 9)), ["d", "123456789"]);
        write(&logs, "2", &[(Level::Info, "12345678901")]);
        let found = logs.after(begin, &all, 9);
        assert_eq!((texts(&found), found.until, found.missed), (vec![], begin + 6, 6));
    }

    #[test]
    fn lines_are_filtered_by_level_and_version() {
        let logs = Logs::new(10, 100);
        write(&logs, "1", &[(Level::Info, "a"), (Level::Warn, "b"), (Level::Error, "c")]);
        write(&logs, "2", &[(Level::Warn, "d"), (Level::Trace, "e")]);
        let filter = |level, version: Option<&str>| Filter { level, version: version.map(str::to_owned) };
        for (filter, expected) in [
            (filter(Some(Level::Warn), None), &["b", "c", "d"][..]),
            (filter(None, Some("2")), &["d", "e"]),
            (filter(Some(Level::Error), Some("2")), &[]),
        ] {
            assert_eq!(texts(&logs.last(&filter, 9)), expected);
            let found = logs.after(0, &filter, 9);
            assert_eq!((texts(&found), found.missed), (expected.to_vec(), 0));
        }
        // What the filter leaves out is looked at once.
        let found = logs.after(0, &filter(Some(Level::Warn), Some("1")), 2);
        assert_eq!(found.until, logs.last(&Filter::default(), 1).until);
    }
}
