//! The lines of a log as they come.
//!
//! Whoever follows reads the ring from where they are, whenever they are ready for more: nothing is queued for them, so one who is slow costs
//! no memory and holds nobody up, and misses what the ring did not keep for so long.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, sleep_until};

use super::logs::{Filter, Line, Lines, Logs};

/// As many follow as the shop lets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("as many follow the logs of plugins as plugins.logs.followers allows")]
pub struct TooManyFollowers;

/// What one who follows is told.
#[derive(Debug, PartialEq)]
pub enum News {
    Line(Line),
    /// So many lines of the plugin came and went unseen.
    Missed(u64),
    /// Nothing happened for a while.
    Heartbeat,
}

/// One who follows the log of a plugin.
pub struct Follower {
    logs: Arc<Logs>,
    newest: watch::Receiver<u64>,
    filter: Filter,
    /// Up to where they were told.
    after: u64,
    waiting: VecDeque<News>,
    heartbeat: Duration,
    next_heartbeat: Instant,
    _place: OwnedSemaphorePermit,
}

impl Follower {
    pub(super) fn new(
        logs: Arc<Logs>,
        place: OwnedSemaphorePermit,
        after: Option<u64>,
        filter: Filter,
        heartbeat_ms: u32,
    ) -> Self {
        let newest = logs.listen();
        let after = after.unwrap_or_else(|| logs.last(&filter, 0).until);
        Self {
            newest,
            after,
            logs,
            filter,
            waiting: VecDeque::new(),
            heartbeat: Duration::from_millis(heartbeat_ms.into()),
            // At once: the client sees that the stream is open.
            next_heartbeat: Instant::now(),
            _place: place,
        }
    }

    /// Waits for what comes next. May be dropped and asked again.
    pub async fn next(&mut self) -> News {
        loop {
            if self.waiting.is_empty() {
                self.read();
            }
            if let Some(news) = self.waiting.pop_front() {
                return news;
            }
            tokio::select! {
                // The log is there as long as this holds it.
                _ = self.newest.changed() => {}
                () = sleep_until(self.next_heartbeat) => {
                    self.next_heartbeat = Instant::now() + self.heartbeat;
                    return News::Heartbeat;
                }
            }
        }
    }

    fn read(&mut self) {
        const LINES: usize = 50;
        // Before the lines are read: what comes meanwhile is seen as a change afterwards.
        self.newest.mark_unchanged();
        let Lines { lines, until, missed } = self.logs.after(self.after, &self.filter, LINES);
        self.after = until;
        self.waiting.extend((missed > 0).then_some(News::Missed(missed)));
        self.waiting.extend(lines.into_iter().map(News::Line));
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Semaphore;

    use super::super::Function;
    use super::*;
    use crate::plugins::{Digest, Level, LogLine};

    fn write(logs: &Logs, text: &str) {
        let line = LogLine { level: Level::Info, text: text.into(), by_kernel: false };
        logs.write(&"1.0.0".into(), Digest::of(b""), Function::Price, &[line]);
    }

    async fn told(follower: &mut Follower) -> String {
        loop {
            match follower.next().await {
                News::Line(line) => return line.text.to_string(),
                News::Missed(lines) => return format!("{lines} missed"),
                News::Heartbeat => {}
            }
        }
    }

    #[tokio::test]
    async fn lines_are_told_as_they_come_and_what_was_missed_is_counted() {
        let logs = Arc::new(Logs::new(2, 100));
        write(&logs, "before");
        let places = Arc::new(Semaphore::new(1));
        let place = places.clone().try_acquire_owned().expect("a place");
        let mut follower = Follower::new(logs.clone(), place, None, Filter::default(), 1);
        assert_eq!(follower.next().await, News::Heartbeat, "at once");
        let (first, ()) = tokio::join!(told(&mut follower), async { write(&logs, "a") });
        assert_eq!(first, "a");
        ["b", "c", "d", "e"].into_iter().for_each(|text| write(&logs, text));
        for expected in ["2 missed", "d", "e"] {
            assert_eq!(told(&mut follower).await, expected);
        }
        assert_eq!(follower.next().await, News::Heartbeat);
        assert_eq!(places.available_permits(), 0);
        drop(follower);
        assert_eq!(places.available_permits(), 1);
    }
}
