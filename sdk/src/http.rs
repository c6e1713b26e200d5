//! Requests to hosts that the shop granted, for payment and delivery plugins.
//!
//! A plugin asks for its hosts and secrets in Cargo.toml, and the merchant grants them:
//!
//! ```toml
//! [package.metadata.kassa]
//! hosts = ["api.example.com"]
//! secrets = [{ name = "api-key", host = "api.example.com", header = "authorization", prefix = "Bearer " }]
//! ```
//!
//! The kernel puts each secret into its header of every request to that host; a plugin never sees one. It follows no redirects. A call may
//! send 4 requests, each of at most 1 MiB with an answer of at most 1 MiB, in 10 s (settings of the operator). `quote` of a delivery
//! plugin may send none: the same question has to have the same answer.
//!
//! ```
//! use kassa_sdk::http::{Failure, Request, Response};
//! use kassa_sdk::testing;
//!
//! fn charge(cents: i64) -> Result<String, Failure> {
//!     let answer = Request::post("https://api.example.com/v1/charges")
//!         .header("content-type", "application/json")
//!         .body(format!(r#"{{"amount":{cents}}}"#))
//!         .send()?;
//!     Ok(String::from_utf8_lossy(&answer.body).into_owned())
//! }
//!
//! testing::answer_http(|request| {
//!     assert_eq!(request.body, br#"{"amount":1200}"#);
//!     Ok(Response { status: 201, headers: Vec::new(), body: b"ch_1".to_vec() })
//! });
//! assert_eq!(charge(12_00).unwrap(), "ch_1");
//! ```

use std::fmt;

use crate::Error;
#[cfg(not(target_family = "wasm"))]
use crate::testing::http as wire;

/// A request on the desk, not sent yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// `https://host/path?query`. The host is one that was granted, by its name in lower case.
    pub url: String,
    /// Names in lower case. How the message is carried (`host`, `content-length` and the like) is the kernel's affair.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// An answer, whatever its status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// 100 to 999.
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
}

/// There is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Nobody received the request: the host is not granted, has an address that is not public, a secret has no value, nobody listens there.
    NotSent(String),
    /// Whether the request was received is not known: it timed out, or its answer broke off or was too large. Ask again under the same
    /// idempotency key, or answer [`Status::Pending`](crate::payment::Status::Pending).
    NoAnswer(String),
}

impl Request {
    /// A request without a body.
    pub fn get(url: impl Into<String>) -> Self {
        Self::new("GET", url)
    }

    /// A request whose body is still empty.
    pub fn post(url: impl Into<String>) -> Self {
        Self::new("POST", url)
    }

    /// A request of any method.
    pub fn new(method: impl Into<String>, url: impl Into<String>) -> Self {
        Self { method: method.into(), url: url.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// Adds a header; `name` in lower case.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self
    }

    /// Sends it, and waits for the whole answer.
    pub fn send(&self) -> Result<Response, Failure> {
        wire::send(self)
    }
}

impl Response {
    /// 200 to 299.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The first value of a header, where it is text; `name` in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(&found.1).ok()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(why) => write!(f, "the request was not sent: {why}"),
            Self::NoAnswer(why) => write!(f, "no answer came: {why}"),
        }
    }
}

impl std::error::Error for Failure {}

/// For functions that move no money. Those that do must not answer an error to [`Failure::NoAnswer`]: it would say that nothing moved.
impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Error::Unavailable(failure.to_string())
    }
}

/// `scheme`, `authority` and what follows it.
#[cfg(any(target_family = "wasm", test))]
fn parts(url: &str) -> Option<(&str, &str, String)> {
    let (scheme, rest) = url.split_once("://")?;
    let rest = rest.split('#').next()?;
    let (authority, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    // A query may follow the host at once.
    let slash = if path.starts_with('/') { "" } else { "/" };
    (!authority.is_empty()).then(|| (scheme, authority, format!("{slash}{path}")))
}

#[cfg(target_family = "wasm")]
mod wire {
    use wasip2::http::outgoing_handler::{FutureIncomingResponse, handle};
    use wasip2::http::types::{
        ErrorCode, Fields, IncomingBody, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
    };
    use wasip2::io::streams::StreamError;

    use super::{Failure, Request, Response, parts};

    /// What one write to a stream of WASI takes.
    const WRITE_BYTES: usize = 4096;
    const READ_BYTES: u64 = 64 << 10;

    pub fn send(request: &Request) -> Result<Response, Failure> {
        let outgoing = outgoing(request)?;
        let body = outgoing.body().map_err(|()| not_sent("it has no body"))?;
        let answer = handle(outgoing, None).map_err(failure)?;
        // Where it is refused meanwhile, the answer says why.
        let _ = write(body, &request.body);
        receive(wait(&answer)?)
    }

    fn not_sent(why: &str) -> Failure {
        Failure::NotSent(why.to_owned())
    }

    fn outgoing(request: &Request) -> Result<OutgoingRequest, Failure> {
        let wrong = |()| not_sent("the URL or the method is wrong");
        let (scheme, authority, path) = parts(&request.url).ok_or(()).map_err(wrong)?;
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| (name.clone(), value.clone().into_bytes())).collect();
        let headers =
            Fields::from_list(&headers).map_err(|error| not_sent(&format!("a header is refused: {error}")))?;
        let outgoing = OutgoingRequest::new(headers);
        let scheme = match scheme {
            "https" => Scheme::Https,
            "http" => Scheme::Http,
            other => Scheme::Other(other.to_owned()),
        };
        outgoing.set_method(&method(&request.method)).map_err(wrong)?;
        outgoing.set_scheme(Some(&scheme)).map_err(wrong)?;
        outgoing.set_authority(Some(authority)).map_err(wrong)?;
        outgoing.set_path_with_query(Some(&path)).map_err(wrong)?;
        Ok(outgoing)
    }

    fn method(name: &str) -> Method {
        match name {
            "GET" => Method::Get,
            "HEAD" => Method::Head,
            "POST" => Method::Post,
            "PUT" => Method::Put,
            "DELETE" => Method::Delete,
            "PATCH" => Method::Patch,
            "OPTIONS" => Method::Options,
            other => Method::Other(other.to_owned()),
        }
    }

    fn write(body: OutgoingBody, bytes: &[u8]) -> Result<(), StreamError> {
        if let Ok(stream) = body.write() {
            for chunk in bytes.chunks(WRITE_BYTES) {
                stream.blocking_write_and_flush(chunk)?;
            }
        }
        // An answer without it would be refused by the kernel, which says so.
        let _ = OutgoingBody::finish(body, None);
        Ok(())
    }

    fn wait(answer: &FutureIncomingResponse) -> Result<IncomingResponse, Failure> {
        let lost = || Failure::NoAnswer("the answer was lost".to_owned());
        loop {
            match answer.get() {
                Some(taken) => return taken.map_err(|()| lost())?.map_err(failure),
                None => answer.subscribe().block(),
            }
        }
    }

    fn receive(answer: IncomingResponse) -> Result<Response, Failure> {
        let broken = || Failure::NoAnswer("the answer broke off".to_owned());
        let (status, headers) = (answer.status(), answer.headers().entries());
        let body = answer.consume().map_err(|()| broken())?;
        let bytes = read(&body).map_err(|()| broken())?;
        Ok(Response { status, headers, body: bytes })
    }

    fn read(body: &IncomingBody) -> Result<Vec<u8>, ()> {
        let stream = body.stream()?;
        let mut bytes = Vec::new();
        loop {
            match stream.blocking_read(READ_BYTES) {
                Ok(chunk) => bytes.extend(chunk),
                Err(StreamError::Closed) => return Ok(bytes),
                Err(StreamError::LastOperationFailed(_)) => return Err(()),
            }
        }
    }

    fn failure(code: ErrorCode) -> Failure {
        let why = code.to_string();
        match code {
            ErrorCode::HttpRequestDenied
            | ErrorCode::HttpRequestUriInvalid
            | ErrorCode::HttpRequestMethodInvalid
            | ErrorCode::HttpRequestBodySize(_)
            | ErrorCode::HttpProtocolError
            | ErrorCode::ConnectionLimitReached
            | ErrorCode::ConfigurationError
            | ErrorCode::DestinationIpProhibited
            | ErrorCode::DestinationUnavailable => Failure::NotSent(why),
            _ => Failure::NoAnswer(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_url_has_three_parts() {
        for (url, expected) in [
            ("https://a.b/c?d#e", Some(("https", "a.b", "/c?d"))),
            ("https://a.b:444", Some(("https", "a.b:444", "/"))),
            ("http://a.b?c=/d", Some(("http", "a.b", "/?c=/d"))),
            ("https:///a", None),
            ("a.b/c", None),
        ] {
            let found = parts(url);
            assert_eq!(found.as_ref().map(|(a, b, c)| (*a, *b, c.as_str())), expected, "{url}");
        }
    }

    #[test]
    fn the_desk_answers_in_the_place_of_the_host() {
        assert!(matches!(Request::get("https://a.b").send(), Err(Failure::NotSent(_))));
        testing::answer_http(|request| match request.url.as_str() {
            "https://a.b" => Ok(Response {
                status: 204,
                headers: vec![("x-id".to_owned(), request.headers[0].1.clone().into_bytes())],
                body: Vec::new(),
            }),
            _ => Err(Failure::NoAnswer("timeout".to_owned())),
        });
        let answer = Request::get("https://a.b").header("x-key", "7").send().unwrap();
        assert!(answer.is_success());
        assert_eq!((answer.header("x-id"), answer.header("x-key")), (Some("7"), None));
        let failed: Error = Request::get("https://c.d").send().unwrap_err().into();
        assert_eq!(failed, Error::Unavailable("no answer came: timeout".to_owned()));
    }
}
