//! One connection, from its first byte to its last, with clients that are slow on purpose in mind.
//!
//! | a client | is ended by |
//! |---|---|
//! | connects and says nothing, or sends a head in drops | `header_timeout_ms`, from the very first byte |
//! | sends a body in drops | `request_timeout_ms` (`layers::time_limit`) |
//! | does not read its answer | `write_timeout_ms` without progress |
//! | holds an idle HTTP/1 connection | `header_timeout_ms` after the last answer |
//! | holds HTTP/2 streams, answering pings | `max_connection_age_ms` |
//!
//! hyper-util's `auto` builder was here first. It waits without any limit for the bytes that tell HTTP/1 from HTTP/2: a
//! thousand clients that connect and keep silent would have been enough to close the shop.

use std::convert::Infallible;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulConnection;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use super::HttpConfig;
use super::client::Peer;
use crate::problem::{Kind, Problem};

/// Largest head of a request, in bytes: a token and a few cookies of somebody else fit many times.
const HEAD_BYTES: usize = 16 * 1024;

/// What HTTP/2 with prior knowledge begins with (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// How connections are served. Made once.
pub(super) struct Protocols {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
    header_timeout: Duration,
    write_timeout: Duration,
    request_timeout: Duration,
    drain_timeout: Duration,
    max_age: Duration,
}

enum Protocol {
    Http1,
    Http2,
}

impl Protocols {
    pub(super) fn new(config: &HttpConfig) -> Self {
        let header_timeout = Duration::from_millis(config.header_timeout_ms);
        let mut http1 = http1::Builder::new();
        // Without a timer hyper's header timeout does nothing.
        http1.timer(TokioTimer::new()).header_read_timeout(header_timeout);
        http1.max_header_size(HEAD_BYTES).max_buf_size(4 * HEAD_BYTES);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .keep_alive_interval(Duration::from_secs(30))
            .keep_alive_timeout(header_timeout)
            .max_concurrent_streams(config.max_streams)
            .max_header_list_size(HEAD_BYTES as u32)
            // What one connection may make the kernel hold: hyper's defaults are 1 MiB a stream in and 400 KiB a stream out.
            .initial_connection_window_size(512 * 1024)
            .initial_stream_window_size(256 * 1024)
            .max_send_buf_size(64 * 1024);
        Self {
            http1,
            http2,
            header_timeout,
            write_timeout: Duration::from_millis(config.write_timeout_ms),
            request_timeout: Duration::from_millis(config.request_timeout_ms),
            drain_timeout: Duration::from_millis(config.drain_timeout_ms),
            max_age: Duration::from_millis(config.max_connection_age_ms),
        }
    }

    /// Serves `stream` until the client has had enough or `stop` is cancelled; requests under way then may end within the
    /// drain time.
    pub(super) async fn serve(&self, stream: TcpStream, router: Router, stop: &CancellationToken) {
        // An answer goes at once, not when the one before it was acknowledged.
        let _ = stream.set_nodelay(true);
        // Who is gone already has no address any more, and must not be served as somebody without one: throttling would not see them.
        let Ok(peer) = stream.peer_addr().map(|address| Peer(address.ip())) else { return };
        let mut stream = ClientStream::new(stream, self.write_timeout);
        let protocol = tokio::select! {
            protocol = timeout(self.header_timeout, stream.protocol()) => protocol,
            () = stop.cancelled() => return,
        };
        let service = router.map_request(move |mut request: http::Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.map(Body::new)
        });
        let service = TowerToHyperService::new(service.map_err(|never: Infallible| never));
        match protocol {
            Ok(Ok(Protocol::Http1)) => {
                let mut connection = self.http1.serve_connection(TokioIo::new(stream), service);
                let ended = self.run(Pin::new(&mut connection), stop).await;
                if ended.is_err_and(|error| error.is_timeout()) {
                    let parts = connection.into_parts();
                    // An idle connection just closes; who has begun a request is told what became of it.
                    if !parts.read_buf.is_empty() {
                        tell_too_slow(parts.io.into_inner()).await;
                    }
                }
            }
            Ok(Ok(Protocol::Http2)) => {
                let connection = self.http2.serve_connection(TokioIo::new(stream), service);
                // What went wrong is in the log already, and the client's affair.
                let _ = self.run(pin!(connection), stop).await;
            }
            Ok(Err(error)) => tracing::debug!(%error, "a connection ended before its first request"),
            Err(_) if stream.head.is_empty() => tracing::debug!("a connection was opened and not used"),
            Err(_) => tell_too_slow(stream).await,
        }
    }

    /// Drives `connection` to its end; from its greatest age or `stop` on, it takes no further requests.
    async fn run<C>(&self, mut connection: Pin<&mut C>, stop: &CancellationToken) -> Result<(), C::Error>
    where
        C: GracefulConnection<Error = hyper::Error>,
    {
        let time_left = tokio::select! {
            ended = connection.as_mut() => return ended.inspect_err(log),
            () = stop.cancelled() => self.drain_timeout,
            () = sleep(self.max_age) => self.request_timeout,
        };
        connection.as_mut().graceful_shutdown();
        match timeout(time_left, connection).await {
            Ok(ended) => ended.inspect_err(log),
            Err(_) => {
                tracing::info!("a connection did not end in time and was cut off");
                Ok(())
            }
        }
    }
}

/// A client that goes away or talks nonsense: its affair.
fn log(error: &hyper::Error) {
    tracing::debug!(%error, "a connection ended early");
}

/// Answers a request whose head did not arrive in time, which hyper ends without a word.
async fn tell_too_slow(mut stream: ClientStream) {
    let problem = Problem::new(Kind::RequestTimeout).detail("the head of the request took too long");
    let body = problem.to_json().to_string();
    let answer = format!(
        "HTTP/1.1 408 Request Timeout\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n\
         cache-control: no-store\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
    let _ = stream.shutdown().await;
}

/// A client's stream. Bytes that were read to tell the protocol are read again from it, and a client that takes nothing for too
/// long is an error.
struct ClientStream {
    stream: TcpStream,
    /// Read, but not yet handed on.
    head: Vec<u8>,
    write_timeout: Duration,
    /// Runs while the client takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
}

impl ClientStream {
    fn new(stream: TcpStream, write_timeout: Duration) -> Self {
        Self { stream, head: Vec::new(), write_timeout, stalled: None }
    }

    /// Reads until it is clear what the client speaks. Dropped midway, it has lost nothing.
    async fn protocol(&mut self) -> io::Result<Protocol> {
        let mut chunk = [0; 1024];
        loop {
            let known = self.head.len().min(PREFACE.len());
            if self.head[..known] != PREFACE[..known] {
                return Ok(Protocol::Http1);
            }
            if known == PREFACE.len() {
                return Ok(Protocol::Http2);
            }
            match self.stream.read(&mut chunk).await? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                length => self.head.extend_from_slice(&chunk[..length]),
            }
        }
    }

    /// Passes `progress` on, and ends a wait that takes too long.
    fn limit<T>(&mut self, cx: &mut Context<'_>, progress: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if progress.is_ready() {
            self.stalled = None;
            return progress;
        }
        let limit = self.write_timeout;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client takes nothing"))),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for ClientStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.head.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let length = self.head.len().min(buf.remaining());
        buf.put_slice(&self.head[..length]);
        self.head.drain(..length);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.limit(cx, progress)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let progress = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.limit(cx, progress)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
