//! One keep-alive connection to a shop.
//!
//! hyper's own client connection, without a pool, redirects, cookies or decompression around it: what is measured is the shop, and
//! N of these are N connections exactly.

use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;

use crate::{Error, Result};

/// How long an answer is waited for.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The `host:port` of `http://host:port`.
pub fn address_of(url: &str) -> Result<String> {
    let wrong = || Error::Url(url.to_owned());
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let host = uri.authority().filter(|_| uri.scheme_str() == Some("http")).ok_or_else(wrong)?;
    Ok(if host.port().is_some() { host.to_string() } else { format!("{host}:80") })
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Bytes,
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The JSON of a good answer to `request`.
    pub fn json<T: DeserializeOwned>(&self, request: &str) -> Result<T> {
        if !self.is_success() {
            let body = String::from_utf8_lossy(&self.body).into_owned();
            return Err(Error::Refused { request: request.to_owned(), status: self.status, body });
        }
        serde_json::from_slice(&self.body).map_err(|cause| Error::Answer { request: request.to_owned(), cause })
    }
}

/// A connection that is used again for every request.
pub struct Connection {
    address: String,
    host: HeaderValue,
    bearer: Option<HeaderValue>,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    /// Connects to `address`, a `host:port`.
    pub async fn open(address: &str) -> Result<Self> {
        let host = HeaderValue::from_str(address).map_err(|_| Error::Url(address.to_owned()))?;
        Ok(Self { address: address.to_owned(), host, bearer: None, sender: connect(address).await? })
    }

    /// Bears `token` with every request from now on.
    pub fn sign_in(&mut self, token: &str) {
        self.bearer = HeaderValue::from_str(&format!("Bearer {token}")).ok();
    }

    /// Sends a request without a body.
    pub async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send(Method::GET, path, "", Bytes::new()).await
    }

    /// Sends a JSON body.
    pub async fn send_json(&mut self, method: Method, path: &str, body: &impl Serialize) -> Result<Answer> {
        let body = serde_json::to_vec(body).map_err(|cause| Error::Answer { request: path.to_owned(), cause })?;
        self.send(method, path, "application/json", body.into()).await
    }

    /// Sends a body of any media type, none where it is empty, and waits for the whole answer.
    pub async fn send(&mut self, method: Method, path: &str, media_type: &'static str, body: Bytes) -> Result<Answer> {
        // A server may close a connection between two requests; one that it closes during a request is a failure.
        if self.sender.is_closed() {
            self.sender = connect(&self.address).await?;
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().map_err(|_| Error::Url(path.to_owned()))?;
        let headers = request.headers_mut();
        headers.insert(HOST, self.host.clone());
        if !media_type.is_empty() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        if let Some(bearer) = &self.bearer {
            headers.insert(AUTHORIZATION, bearer.clone());
        }
        let exchange = async {
            self.sender.ready().await?;
            let response = self.sender.send_request(request).await?;
            let status = response.status().as_u16();
            Ok(Answer { status, body: response.into_body().collect().await?.to_bytes() })
        };
        match tokio::time::timeout(PATIENCE, exchange).await {
            Ok(answer) => answer,
            Err(_) => Err(Error::NoAnswer(path.to_owned())),
        }
    }
}

async fn connect(address: &str) -> Result<SendRequest<Full<Bytes>>> {
    let failed = |cause| Error::Connect { address: address.to_owned(), cause };
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // Its end is seen by the sender.
    tokio::spawn(connection);
    Ok(sender)
}
