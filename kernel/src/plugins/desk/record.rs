//! What the kernel answers a call while it runs: kept with the call's account, and dropped with it when the call ends well.
//!
//! The log, the settings and the time are not among it: the report has the first, and the others are arguments.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plugins::outbound::Refused;

/// A call to the kernel whose answer depends on more than the request and the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum HostCall {
    Kv {
        operation: KvOperation,
        key: String,
        /// None: the call ended before there was one.
        answer: Option<KvAnswer>,
    },
    Http {
        method: String,
        /// Host and path. What is behind them may be a key.
        place: String,
        answer: Option<HttpAnswer>,
    },
}

/// What is asked of `kv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KvOperation {
    Get,
    Set,
    SetIfAbsent,
    Delete,
}

/// What `kv` answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KvAnswer {
    /// Of `get`.
    Value(Option<Content>),
    /// Of `set-if-absent`: whether it set.
    Set(bool),
    /// Of `set` and `delete`.
    Done,
    Quota(String),
    Unavailable,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HttpAnswer {
    Response(HttpResponse),
    /// It was not sent, or its answer not given to the plugin.
    Refused(Refused),
}

/// The answer of a host, as the plugin saw it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HttpResponse {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Content,
}

/// Bytes; in a file as text where they are some: `{"text": "…"}`, else `{"base64": "…"}`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content(pub Bytes);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Written {
    Text(String),
    Base64(String),
}

impl Serialize for Content {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let written = match std::str::from_utf8(&self.0) {
            Ok(text) => Written::Text(text.to_owned()),
            Err(_) => Written::Base64(STANDARD.encode(&self.0)),
        };
        written.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Content {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Written::deserialize(deserializer)? {
            Written::Text(text) => Ok(Self(text.into())),
            Written::Base64(text) => {
                STANDARD.decode(text).map(|bytes| Self(bytes.into())).map_err(serde::de::Error::custom)
            }
        }
    }
}

/// What one call is to be kept of: nothing, where it has no room.
#[derive(Debug, Default)]
pub struct Record {
    room: usize,
    /// It had room at the beginning.
    keeps: bool,
    calls: Vec<HostCall>,
    cut: bool,
}

/// Which of the call's questions an answer is to; none where it is not kept.
#[derive(Clone, Copy, Debug)]
pub struct Place(Option<usize>);

/// What a question takes beside its texts.
const OVERHEAD: usize = 64;

impl Record {
    /// With room for so many bytes.
    pub fn with_room(room: usize) -> Self {
        Self { room, keeps: room > 0, calls: Vec::new(), cut: false }
    }

    pub fn begin_kv(&mut self, operation: KvOperation, key: &str) -> Place {
        self.begin(key.len(), || HostCall::Kv { operation, key: key.to_owned(), answer: None })
    }

    pub fn begin_http(&mut self, method: &str, place: &str) -> Place {
        let call = || HostCall::Http { method: method.to_owned(), place: place.to_owned(), answer: None };
        self.begin(method.len() + place.len(), call)
    }

    fn begin(&mut self, bytes: usize, call: impl FnOnce() -> HostCall) -> Place {
        if !self.take(bytes + OVERHEAD) {
            return Place(None);
        }
        self.calls.push(call());
        Place(Some(self.calls.len() - 1))
    }

    /// From the first that there is no room for nothing is kept any more: what is kept has no gaps.
    fn take(&mut self, bytes: usize) -> bool {
        match self.room.checked_sub(bytes) {
            Some(left) => {
                self.room = left;
                true
            }
            None => {
                self.cut |= self.keeps;
                self.room = 0;
                false
            }
        }
    }

    pub fn end_kv(&mut self, place: Place, answered: impl FnOnce() -> KvAnswer) {
        let Place(Some(index)) = place else { return };
        let answered = answered();
        let bytes = match &answered {
            KvAnswer::Value(Some(Content(value))) => value.len(),
            KvAnswer::Quota(text) => text.len(),
            KvAnswer::Value(None) | KvAnswer::Set(_) | KvAnswer::Done | KvAnswer::Unavailable => 0,
        };
        if !self.take(bytes) {
            return self.forget_from(index);
        }
        if let Some(HostCall::Kv { answer, .. }) = self.calls.get_mut(index) {
            *answer = Some(answered);
        }
    }

    pub fn end_http(&mut self, place: Place, answered: impl FnOnce() -> HttpAnswer) {
        let Place(Some(index)) = place else { return };
        let answered = answered();
        let bytes = match &answered {
            HttpAnswer::Response(HttpResponse { headers, body, .. }) => {
                headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() + body.0.len()
            }
            HttpAnswer::Refused(_) => 0,
        };
        if !self.take(bytes) {
            return self.forget_from(index);
        }
        if let Some(HostCall::Http { answer, .. }) = self.calls.get_mut(index) {
            *answer = Some(answered);
        }
    }

    /// An answer that is not kept is not one that never came.
    fn forget_from(&mut self, index: usize) {
        self.cut = true;
        self.calls.truncate(index);
    }

    /// All that was kept, and whether there was more.
    pub fn take_all(&mut self) -> (Vec<HostCall>, bool) {
        self.room = 0;
        (std::mem::take(&mut self.calls), self.cut)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_kept_has_no_gaps_and_ends_where_the_room_does() {
        let value = |bytes: usize| KvAnswer::Value(Some(Content(vec![b'x'; bytes].into())));
        for (room, answers, kept, cut) in [
            (0, vec![1], 0, false),
            (1_000, vec![1, 2], 2, false),
            (OVERHEAD, vec![1], 0, true),
            (OVERHEAD + 1 + 100, vec![100, 1], 1, true),
            // The first is too large, and what follows it would fit.
            (3 * OVERHEAD, vec![1_000, 1, 1], 0, true),
        ] {
            let mut record = Record::with_room(room);
            for bytes in answers.iter().copied() {
                let place = record.begin_kv(KvOperation::Get, "k");
                record.end_kv(place, || value(bytes));
            }
            let (calls, was_cut) = record.take_all();
            assert_eq!((calls.len(), was_cut), (kept, cut), "{room}: {answers:?}");
            assert!(calls.iter().all(|call| matches!(call, HostCall::Kv { answer: Some(_), .. })), "{calls:?}");
        }
    }

    #[test]
    fn a_question_without_an_answer_is_kept_as_that() {
        let mut record = Record::with_room(1_000);
        record.begin_http("GET", "api.example.com/slow");
        let place = record.begin_kv(KvOperation::Set, "k");
        record.end_kv(place, || KvAnswer::Done);
        let (calls, _) = record.take_all();
        let written = json!([
            { "call": "http", "method": "GET", "place": "api.example.com/slow", "answer": null },
            { "call": "kv", "operation": "set", "key": "k", "answer": "done" },
        ]);
        assert_eq!(serde_json::to_value(&calls).expect("it has a form"), written);
    }

    #[test]
    fn what_is_written_is_read_again() {
        let response = HttpResponse {
            status: 200,
            headers: vec![("content-type".into(), "text/plain".into())],
            body: Content(Bytes::from_static(b"ok")),
        };
        let kv = |answer| HostCall::Kv { operation: KvOperation::SetIfAbsent, key: "k".into(), answer };
        let http = |answer| HostCall::Http { method: "GET".into(), place: "h/p".into(), answer };
        let calls = vec![
            kv(Some(KvAnswer::Value(None))),
            kv(Some(KvAnswer::Value(Some(Content(Bytes::from_static(&[0xff, 0])))))),
            kv(Some(KvAnswer::Set(true))),
            kv(Some(KvAnswer::Quota("at most 1 keys".into()))),
            kv(Some(KvAnswer::Unavailable)),
            http(Some(HttpAnswer::Response(response))),
            http(Some(HttpAnswer::Refused(Refused::TooMany(4)))),
            http(Some(HttpAnswer::Refused(Refused::Failed("timeout".into())))),
            http(None),
        ];
        let text = serde_json::to_string(&calls).expect("it has a form");
        assert_eq!(serde_json::from_str::<Vec<HostCall>>(&text).expect("it is read"), calls);
        assert!(text.contains(r#"{"base64":"/wA="}"#) && text.contains(r#"{"text":"ok"}"#), "{text}");
    }
}
