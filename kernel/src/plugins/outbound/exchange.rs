//! One request and its answer.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use wasmtime_wasi_http::{Error, WasiBody};

use super::Outbound;
use crate::egress;
use crate::plugins::desk::{Content, HttpAnswer, HttpResponse, Place};
use crate::plugins::grants::{Endpoint, Granted, SecretUse, SecretValue};
use crate::plugins::ledger::{Ledger, RequestId};

/// Headers that tell how a message is carried: the client's affair. `wasi:http` refuses others of them itself.
const CARRIAGE: [HeaderName; 11] = [
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// What stands in an answer where a secret stood.
const REDACTED: &[u8] = b"[secret]";

/// Why a request is not sent, or its answer not given to the guest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refused {
    #[error("this function may send no requests")]
    PureFunction,
    #[error("a call may send {0} requests")]
    TooMany(u32),
    #[error("the method is not allowed")]
    Method,
    #[error("it is no URL that can be granted")]
    Url,
    #[error("the host is not granted")]
    NotGranted,
    #[error("the secret {0} has no value")]
    NoSecret(String),
    #[error("the body has more than {0} bytes")]
    RequestTooLarge(u32),
    #[error("the body of the request broke off")]
    RequestBroken,
    #[error("the answer has more than {0} bytes")]
    AnswerTooLarge(u32),
    /// On a desk: nothing goes out.
    #[error("no answer to it was recorded")]
    NotRecorded,
    #[error("{0}")]
    Failed(Cow<'static, str>),
}

impl Refused {
    /// As the guest sees it.
    fn code(&self) -> Error {
        match self {
            Self::PureFunction | Self::Method | Self::NotGranted | Self::NotRecorded => Error::HttpRequestDenied,
            Self::TooMany(_) => Error::ConnectionLimitReached,
            Self::Url => Error::HttpRequestUriInvalid,
            Self::NoSecret(_) => Error::ConfigurationError,
            Self::RequestTooLarge(most) => Error::HttpRequestBodySize(Some((*most).into())),
            Self::RequestBroken => Error::HttpProtocolError,
            Self::AnswerTooLarge(most) => Error::HttpResponseBodySize(Some((*most).into())),
            Self::Failed(why) => match &**why {
                "address-not-allowed" => Error::DestinationIpProhibited,
                "timeout" => Error::ConnectionTimeout,
                "unreachable" => Error::DestinationUnavailable,
                _ => Error::HttpResponseIncomplete,
            },
        }
    }
}

/// A request on its way. It stands in the call's account from its beginning: also what the call did not live to see is logged.
pub(super) struct Exchange {
    ledger: Arc<Ledger>,
    id: RequestId,
    place: Place,
}

impl Exchange {
    pub(super) fn begin(request: &http::Request<WasiBody>, ledger: &Arc<Ledger>) -> Self {
        let (method, at) = (request.method().as_str(), place(request.uri()));
        let place = ledger.record().begin_http(method, &at);
        let id = ledger.begin_request(method, &at);
        Self { ledger: ledger.clone(), id, place }
    }

    pub(super) fn refuse(self, why: Refused) -> Error {
        let code = why.code();
        self.ledger.end_request(self.id, Err(why.to_string()));
        self.ledger.record().end_http(self.place, || HttpAnswer::Refused(why));
        code
    }

    /// Sends it, where the plugin may, and takes the answer.
    pub(super) async fn carry(
        self,
        outbound: &Outbound,
        granted: &Granted,
        request: http::Request<WasiBody>,
    ) -> Result<http::Response<WasiBody>, Error> {
        let answered = match &outbound.playback {
            Some(playback) => {
                let (method, at) = (request.method().to_string(), place(request.uri()));
                // Its body cannot go from thread to thread as what waits here may.
                drop(request);
                played_back(playback.request(&method, &at).await)
            }
            None => send(outbound, granted, request).await,
        };
        match answered {
            Ok(answer) => {
                let bytes = answer.body().len() as u64;
                self.ledger.end_request(self.id, Ok((answer.status().as_u16(), bytes)));
                self.ledger.record().end_http(self.place, || HttpAnswer::Response(kept(&answer)));
                Ok(answer.map(|body| Full::new(body).map_err(|never| match never {}).boxed_unsync()))
            }
            Err(why) => Err(self.refuse(why)),
        }
    }
}

/// The answer as it is kept: of headers what is text.
fn kept(answer: &http::Response<Bytes>) -> HttpResponse {
    let text = |(name, value): (&HeaderName, &HeaderValue)| Some((name.to_string(), value.to_str().ok()?.to_owned()));
    HttpResponse {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().filter_map(text).collect(),
        body: Content(answer.body().clone()),
    }
}

/// The answer that was kept.
fn played_back(answer: HttpAnswer) -> Result<http::Response<Bytes>, Refused> {
    let HttpResponse { status, headers, body } = match answer {
        HttpAnswer::Response(response) => response,
        HttpAnswer::Refused(why) => return Err(why),
    };
    let mut answer = http::Response::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(name, value);
    }
    answer.body(body.0).map_err(|_| Refused::Failed("broken-answer".into()))
}

/// What of a URL is logged: neither what may be a key (a query), nor more than a line of it.
fn place(uri: &http::Uri) -> String {
    const CHARACTERS: usize = 200;
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    // Who writes a name and a password before the host is refused; what they wrote is not for the log.
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{host}{}", uri.path()).chars().take(CHARACTERS).collect()
}

pub(super) async fn send(
    outbound: &Outbound,
    granted: &Granted,
    request: http::Request<WasiBody>,
) -> Result<http::Response<Bytes>, Refused> {
    let (parts, body) = request.into_parts();
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        return Err(Refused::Method);
    }
    let (url, endpoint) = destination(&parts.uri, outbound.config.allow_http)?;
    if !granted.grants.hosts.contains(&endpoint) {
        return Err(Refused::NotGranted);
    }
    let secrets = secrets_for(&endpoint, granted)?;
    let mut headers = parts.headers;
    CARRIAGE.iter().for_each(|name| drop(headers.remove(name)));
    // A packed answer is one in which no secret is found. Nothing said of it, a host may pack; told this, it must not.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    put_secrets(&mut headers, &secrets)?;
    let body = collect(body, outbound.config.request_bytes).await?;
    let sent = outbound.client.request(parts.method, url).headers(headers).body(body).send().await;
    let mut answer = sent.map_err(|error| Refused::Failed(egress::reason(&error).into()))?;
    let mut redacted = http::Response::builder().status(answer.status());
    if let Some(headers) = redacted.headers_mut() {
        *headers = redact_headers(answer.headers(), &secrets);
    }
    let body = redact(read(&mut answer, outbound.config.answer_bytes).await?, &secrets);
    redacted.body(body).map_err(|_| Refused::Failed("broken-answer".into()))
}

/// The URL, parsed once: what is looked at is what is sent.
fn destination(uri: &http::Uri, allow_http: bool) -> Result<(Url, Endpoint), Refused> {
    let url = Url::parse(&uri.to_string()).map_err(|_| Refused::Url)?;
    let scheme = url.scheme() == "https" || allow_http && url.scheme() == "http";
    let plain = url.username().is_empty() && url.password().is_none();
    // An address in the place of a name would not be looked up.
    match (url.domain(), url.port_or_known_default()) {
        (Some(host), Some(port)) if scheme && plain => {
            let endpoint = Endpoint { host: host.to_owned(), port };
            Ok((url, endpoint))
        }
        _ => Err(Refused::Url),
    }
}

type Secrets<'a> = Vec<(&'a SecretUse, &'a SecretValue)>;

/// Every secret that goes to the host, with its value. Without one the request is not sent: the host would only refuse it, and say why
/// to a guest that cannot tell the merchant.
fn secrets_for<'a>(endpoint: &Endpoint, granted: &'a Granted) -> Result<Secrets<'a>, Refused> {
    let of_host = granted.grants.secrets.iter().filter(|secret| secret.host == *endpoint);
    let with_value = |secret: &'a SecretUse| match granted.values.get(&secret.name) {
        Some(value) => Ok((secret, value)),
        None => Err(Refused::NoSecret(secret.name.clone())),
    };
    of_host.map(with_value).collect()
}

/// In the place of what the guest may have put there.
fn put_secrets(headers: &mut HeaderMap, secrets: &Secrets<'_>) -> Result<(), Refused> {
    for (secret, value) in secrets {
        let missing = || Refused::NoSecret(secret.name.clone());
        let name = HeaderName::try_from(secret.header.as_str()).map_err(|_| missing())?;
        let text = format!("{}{}", secret.prefix, value.reveal());
        let mut value = HeaderValue::try_from(text).map_err(|_| missing())?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(())
}

async fn collect(body: WasiBody, most: u32) -> Result<Bytes, Refused> {
    let collected = Limited::new(body, most as usize).collect().await;
    collected.map(http_body_util::Collected::to_bytes).map_err(|error| match error.is::<LengthLimitError>() {
        true => Refused::RequestTooLarge(most),
        false => Refused::RequestBroken,
    })
}

async fn read(answer: &mut reqwest::Response, most: u32) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| Refused::Failed(egress::reason(&error).into()))? {
        if bytes.len() + chunk.len() > most as usize {
            return Err(Refused::AnswerTooLarge(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// Headers of the answer, as the guest may see them.
fn redact_headers(headers: &HeaderMap, secrets: &Secrets<'_>) -> HeaderMap {
    let fit = headers.iter().filter(|(name, _)| !CARRIAGE.contains(name));
    let redacted = |(name, value): (&HeaderName, &HeaderValue)| {
        let value = HeaderValue::from_bytes(&redact(value.as_bytes().to_vec(), secrets)).ok()?;
        Some((name.clone(), value))
    };
    fit.filter_map(redacted).collect()
}

/// A host may send back what it was sent; the guest sees no secret there either.
fn redact(mut bytes: Vec<u8>, secrets: &Secrets<'_>) -> Bytes {
    for (_, value) in secrets {
        bytes = without(bytes, value.reveal().as_bytes());
    }
    bytes.into()
}

fn without(bytes: Vec<u8>, secret: &[u8]) -> Vec<u8> {
    let find = |from: &[u8]| from.windows(secret.len()).position(|window| window == secret);
    let Some(mut at) = find(&bytes) else { return bytes };
    let mut rest = bytes.as_slice();
    let mut clean = Vec::with_capacity(bytes.len());
    loop {
        clean.extend_from_slice(&rest[..at]);
        clean.extend_from_slice(REDACTED);
        rest = &rest[at + secret.len()..];
        match find(rest) {
            Some(next) => at = next,
            None => break,
        }
    }
    clean.extend_from_slice(rest);
    clean
}
