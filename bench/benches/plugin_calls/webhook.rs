//! The rule behind HTTP on loopback, twice: as a shop would build it (axum answers; reqwest asks, with a pool of connections and a
//! time limit), and with as little as HTTP takes (hyper answers; a bare socket asks), which is a bound and no product.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kassa::plugins::pricing::{Quote, Request};

/// As a shop would call it.
pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    pub fn connect() -> Result<Self, Box<dyn std::error::Error>> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        let url = format!("http://{}/price", listener.local_addr()?);
        listener.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let router = axum::Router::new().route("/price", axum::routing::post(answer_json));
                axum::serve(tokio::net::TcpListener::from_std(listener)?, router).await
            })
        });
        // The time that a pricing plugin has, too.
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).tcp_nodelay(true).build()?;
        Ok(Self { http, url })
    }

    pub async fn price(&self, request: &Request) -> reqwest::Result<Quote> {
        let answer = self.http.post(&self.url).json(request).send().await?;
        answer.error_for_status()?.json().await
    }
}

async fn answer_json(axum::Json(cart): axum::Json<Request>) -> axum::Json<Quote> {
    axum::Json(super::percent_off_natively(&cart))
}

/// A connection to a server of its own.
pub struct BareClient {
    connection: BufReader<TcpStream>,
    line: String,
    body: Vec<u8>,
}

impl BareClient {
    pub fn connect() -> std::io::Result<Self> {
        let stream = TcpStream::connect(serve()?)?;
        stream.set_nodelay(true)?;
        Ok(Self { connection: BufReader::new(stream), line: String::new(), body: Vec::new() })
    }

    pub fn price(&mut self, request: &Request) -> std::io::Result<Quote> {
        let json = serde_json::to_vec(request)?;
        let mut sent =
            format!("POST /price HTTP/1.1\r\nhost: bench\r\ncontent-length: {}\r\n\r\n", json.len()).into_bytes();
        sent.extend(json);
        self.connection.get_mut().write_all(&sent)?;
        let mut length = 0;
        loop {
            self.line.clear();
            self.connection.read_line(&mut self.line)?;
            let header = self.line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length: ") {
                length = value.parse().map_err(std::io::Error::other)?;
            }
        }
        self.body.resize(length, 0);
        self.connection.read_exact(&mut self.body)?;
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Starts a server on a thread of its own, for as long as the process lives.
fn serve() -> std::io::Result<SocketAddr> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    listener.set_nonblocking(true)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let served = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(answer))
                .await;
            served.map_err(std::io::Error::other)
        })
    });
    Ok(address)
}

async fn answer(request: hyper::Request<Incoming>) -> Result<hyper::Response<Full<Bytes>>, std::io::Error> {
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    let cart: Request = serde_json::from_slice(&body)?;
    let quote = serde_json::to_vec(&super::percent_off_natively(&cart))?;
    Ok(hyper::Response::new(Full::new(quote.into())))
}
