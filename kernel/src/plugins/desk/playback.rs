//! The answers of a file, given again to the same questions in the same order. Nothing goes out.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::future::BoxFuture;

use super::record::{Content, HostCall, HttpAnswer, KvAnswer, KvOperation};
use crate::plugins::outbound::Refused;
use crate::plugins::{KvError, KvQuota, KvStore};

/// What was answered, and not asked for yet.
#[derive(Debug)]
pub struct Playback {
    left: Mutex<Left>,
    /// The file does not have all of them.
    cut: bool,
}

#[derive(Debug, Default)]
struct Left {
    kv: VecDeque<(KvOperation, String, Option<KvAnswer>)>,
    http: VecDeque<(String, String, Option<HttpAnswer>)>,
    departures: Vec<String>,
}

/// So many departures are told; a plugin can ask for ever.
const DEPARTURES: usize = 20;

impl Playback {
    pub(super) fn of(host_calls: &[HostCall], cut: bool) -> Self {
        let mut left = Left::default();
        for call in host_calls.iter().cloned() {
            match call {
                HostCall::Kv { operation, key, answer } => left.kv.push_back((operation, key, answer)),
                HostCall::Http { method, place, answer } => left.http.push_back((method, place, answer)),
            }
        }
        Self { left: Mutex::new(left), cut }
    }

    /// Where the plugin asked something else than it had asked.
    pub(super) fn departures(&self) -> Vec<String> {
        self.left().departures.clone()
    }

    fn left(&self) -> MutexGuard<'_, Left> {
        // Nothing here panics half-way.
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was answered to a request; one that had no answer gets none.
    pub(in crate::plugins) async fn request(&self, method: &str, place: &str) -> HttpAnswer {
        let recorded = {
            let mut left = self.left();
            match left.http.front() {
                Some((asked, at, _)) if (asked.as_str(), at.as_str()) == (method, place) => left.http.pop_front(),
                next => {
                    let next = next.map(|(method, place, _)| format!("{method} {place}"));
                    left.depart(&format!("{method} {place}"), next, self.cut);
                    None
                }
            }
        };
        match recorded {
            Some((_, _, Some(answer))) => answer,
            Some((_, _, None)) => pending().await,
            None => HttpAnswer::Refused(Refused::NotRecorded),
        }
    }

    async fn kv(&self, operation: KvOperation, key: &str) -> Result<KvAnswer, KvError> {
        let recorded = {
            let mut left = self.left();
            match left.kv.front() {
                Some((asked, of, _)) if (*asked, of.as_str()) == (operation, key) => left.kv.pop_front(),
                next => {
                    let next = next.map(|(operation, key, _)| format!("kv {operation:?} {key:?}"));
                    left.depart(&format!("kv {operation:?} {key:?}"), next, self.cut);
                    None
                }
            }
        };
        match recorded {
            Some((_, _, Some(KvAnswer::Quota(text)))) => Err(KvError::Quota(text)),
            Some((_, _, Some(answer))) if answer != KvAnswer::Unavailable => Ok(answer),
            Some((_, _, None)) => pending().await,
            Some(_) | None => Err(KvError::Unavailable("the file has no answer to this".to_owned())),
        }
    }
}

impl Left {
    fn depart(&mut self, asks: &str, next: Option<String>, cut: bool) {
        if self.departures.len() >= DEPARTURES {
            return;
        }
        self.departures.push(match next {
            Some(next) => format!("it asks for {asks}, where it had asked for {next}"),
            None if cut => format!("it asks for {asks}, of which no answer was kept: there were too many"),
            None => format!("it asks for {asks}, where it had asked for nothing more"),
        });
    }
}

fn other() -> KvError {
    KvError::Unavailable("the file has an answer of another operation".to_owned())
}

impl KvStore for Playback {
    fn get<'a>(&'a self, _plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<Option<Vec<u8>>, KvError>> {
        Box::pin(async move {
            match self.kv(KvOperation::Get, key).await? {
                KvAnswer::Value(value) => Ok(value.map(|Content(bytes)| bytes.to_vec())),
                _ => Err(other()),
            }
        })
    }

    fn set<'a>(
        &'a self,
        _plugin: &'a str,
        key: &'a str,
        _value: Vec<u8>,
        _quota: KvQuota,
    ) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async move { self.kv(KvOperation::Set, key).await.map(drop) })
    }

    fn set_if_absent<'a>(
        &'a self,
        _plugin: &'a str,
        key: &'a str,
        _value: Vec<u8>,
        _quota: KvQuota,
    ) -> BoxFuture<'a, Result<bool, KvError>> {
        Box::pin(async move {
            match self.kv(KvOperation::SetIfAbsent, key).await? {
                KvAnswer::Set(set) => Ok(set),
                _ => Err(other()),
            }
        })
    }

    fn delete<'a>(&'a self, _plugin: &'a str, key: &'a str) -> BoxFuture<'a, Result<(), KvError>> {
        Box::pin(async move { self.kv(KvOperation::Delete, key).await.map(drop) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::HttpResponse;
    use super::*;

    const QUOTA: KvQuota = KvQuota { keys: 1, total_bytes: 1 };

    #[tokio::test]
    async fn the_same_questions_get_the_same_answers() {
        let kv = |operation, answer| HostCall::Kv { operation, key: "k".into(), answer: Some(answer) };
        let body = Content(vec![1, 2].into());
        let response = HttpAnswer::Response(HttpResponse { status: 201, headers: Vec::new(), body: body.clone() });
        let http = |answer| HostCall::Http { method: "GET".into(), place: "h/p".into(), answer };
        let playback = Playback::of(
            &[
                kv(KvOperation::Get, KvAnswer::Value(Some(body))),
                http(Some(response.clone())),
                kv(KvOperation::SetIfAbsent, KvAnswer::Set(true)),
                kv(KvOperation::Set, KvAnswer::Quota("full".into())),
                kv(KvOperation::Delete, KvAnswer::Unavailable),
            ],
            false,
        );
        assert_eq!(playback.request("GET", "h/p").await, response);
        assert_eq!(playback.get("p", "k").await, Ok(Some(vec![1, 2])));
        assert_eq!(playback.set_if_absent("p", "k", Vec::new(), QUOTA).await, Ok(true));
        assert_eq!(playback.set("p", "k", Vec::new(), QUOTA).await, Err(KvError::Quota("full".into())));
        assert!(matches!(playback.delete("p", "k").await, Err(KvError::Unavailable(_))));
        assert_eq!(playback.departures(), Vec::<String>::new());
        // What it had not asked for has no answer, and is told.
        assert!(matches!(playback.get("p", "k").await, Err(KvError::Unavailable(_))));
        assert_eq!(playback.request("POST", "h/p").await, HttpAnswer::Refused(Refused::NotRecorded));
        assert_eq!(
            playback.departures(),
            [
                "it asks for kv Get \"k\", where it had asked for nothing more",
                "it asks for POST h/p, where it had asked for nothing more",
            ]
        );
    }

    #[tokio::test]
    async fn another_question_leaves_the_answers_where_they_are() {
        let kv = HostCall::Kv { operation: KvOperation::Get, key: "a".into(), answer: Some(KvAnswer::Value(None)) };
        let playback = Playback::of(&[kv], true);
        assert!(playback.get("p", "b").await.is_err());
        assert_eq!(playback.get("p", "a").await, Ok(None));
        assert!(playback.get("p", "c").await.is_err());
        let told = playback.departures();
        assert!(told[0].contains("where it had asked for kv Get \"a\"") && told[1].contains("too many"), "{told:?}");
    }
}
