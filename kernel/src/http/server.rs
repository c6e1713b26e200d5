//! The accept loop: hyper drives the connections, the router is the service.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::HttpConfig;
use super::connection::Protocols;

/// Serves `router` on `listener` until `stop` is cancelled, then refuses new connections and lets requests under way end,
/// for `drain_timeout_ms` at most.
pub async fn serve(listener: TcpListener, router: Router, config: &HttpConfig, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(config.max_connections.max(1)));
    let protocols = Arc::new(Protocols::new(config));
    let connections = TaskTracker::new();
    loop {
        // The place is taken before the connection: beyond the limit, clients wait in the backlog.
        let place = tokio::select! {
            place = places.clone().acquire_owned() => place.expect("the semaphore is never closed"),
            () = stop.cancelled() => break,
        };
        let stream = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) if is_of_one_client(&error) => continue,
                Err(error) => {
                    // Out of file descriptors, most likely: accepting again at once would spin.
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            },
            () = stop.cancelled() => break,
        };
        let (protocols, router, stop) = (protocols.clone(), router.clone(), stop.clone());
        connections.spawn(async move {
            protocols.serve(stream, router, &stop).await;
            drop(place);
        });
    }
    drop(listener);
    // Each connection ends itself within the drain time.
    connections.close();
    connections.wait().await;
}

/// The client was gone before it was accepted. No reason to keep others waiting.
fn is_of_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::net::SocketAddr;
    use std::sync::atomic::{AtomicU32, Ordering};

    use axum::body::Body;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;
    use tokio::sync::Notify;
    use tokio::task::JoinHandle;

    use super::*;

    struct Server {
        address: SocketAddr,
        stop: CancellationToken,
        ended: JoinHandle<()>,
    }

    async fn start(router: Router, change: impl FnOnce(&mut HttpConfig)) -> Server {
        let mut config = HttpConfig::default();
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let token = stop.clone();
        let ended = tokio::spawn(async move { serve(listener, router, &config, token).await });
        Server { address, stop, ended }
    }

    impl Server {
        async fn connect(&self) -> TcpStream {
            TcpStream::connect(self.address).await.unwrap()
        }
    }

    fn hello() -> Router {
        Router::new().route("/", get(async || "hello"))
    }

    async fn send(stream: &mut TcpStream, text: &str) {
        stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads one answer of [`hello`].
    async fn read_hello(stream: &mut TcpStream) {
        let mut read = Vec::new();
        while !read.ends_with(b"hello") {
            assert!(stream.read_buf(&mut read).await.unwrap() > 0, "{}", String::from_utf8_lossy(&read));
        }
        assert!(read.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }

    /// Everything until the server closes.
    async fn read_to_end(stream: &mut TcpStream) -> String {
        let mut read = Vec::new();
        // A reset is an end too.
        let _ = stream.read_to_end(&mut read).await;
        String::from_utf8_lossy(&read).into_owned()
    }

    const GET: &str = "GET / HTTP/1.1\r\nhost: shop\r\n\r\n";

    #[tokio::test]
    async fn a_head_in_drops_is_ended_with_a_problem_while_others_are_served() {
        let server = start(hello(), |config| config.header_timeout_ms = 1_000).await;
        let mut silent = server.connect().await;
        let mut preface = server.connect().await;
        send(&mut preface, "PRI * HTTP/2.0\r\n").await;
        let mut head = server.connect().await;
        send(&mut head, "GET / HTTP/1.1\r\nhost: sh").await;
        let mut second = server.connect().await;
        send(&mut second, GET).await;
        read_hello(&mut second).await;
        send(&mut second, "GET / HT").await;
        let mut idle = server.connect().await;
        send(&mut idle, GET).await;
        read_hello(&mut idle).await;
        for slow in [&mut preface, &mut head, &mut second] {
            let answer = read_to_end(slow).await;
            assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
            assert!(answer.contains("application/problem+json") && answer.contains("/problems/request-timeout"));
        }
        for quiet in [&mut silent, &mut idle] {
            assert_eq!(read_to_end(quiet).await, "");
        }
    }

    #[tokio::test]
    async fn a_head_that_never_ends_is_too_large() {
        let server = start(hello(), |_| {}).await;
        let mut stream = server.connect().await;
        send(&mut stream, &format!("GET / HTTP/1.1\r\nx: {}", "a".repeat(20 * 1024))).await;
        assert!(read_to_end(&mut stream).await.starts_with("HTTP/1.1 431 "));
    }

    #[tokio::test]
    async fn beyond_the_cap_connections_wait_for_a_place() {
        let served = Arc::new(AtomicU32::new(0));
        let count = served.clone();
        let router = Router::new().route("/", get(async || "hello")).route(
            "/second",
            get(async move || {
                count.fetch_add(1, Ordering::SeqCst);
                "hello"
            }),
        );
        let server = start(router, |config| config.max_connections = 1).await;
        let mut first = server.connect().await;
        send(&mut first, GET).await;
        read_hello(&mut first).await;
        let mut second = server.connect().await;
        send(&mut second, "GET /second HTTP/1.1\r\nhost: shop\r\n\r\n").await;
        for _ in 0..100 {
            send(&mut first, GET).await;
            read_hello(&mut first).await;
        }
        assert_eq!(served.load(Ordering::SeqCst), 0);
        drop(first);
        read_hello(&mut second).await;
        assert_eq!(served.load(Ordering::SeqCst), 1);
    }

    /// A handler that tells when it has begun and waits until it may end.
    fn waiting() -> (Router, Arc<Notify>, Arc<Notify>) {
        let (begun, may_end) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (begun.clone(), may_end.clone());
        let handler = async move || {
            tell.notify_one();
            wait.notified().await;
            "hello"
        };
        (Router::new().route("/", get(handler)), begun, may_end)
    }

    #[tokio::test]
    async fn a_stopping_server_ends_what_is_under_way_and_refuses_the_rest() {
        let (router, begun, may_end) = waiting();
        let server = start(router, |_| {}).await;
        let mut silent = server.connect().await;
        let mut stream = server.connect().await;
        send(&mut stream, GET).await;
        begun.notified().await;
        server.stop.cancel();
        assert_eq!(read_to_end(&mut silent).await, "", "who has asked nothing is not waited for");
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(!server.ended.is_finished());
        may_end.notify_one();
        let answer = read_to_end(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("hello"), "{answer}");
        assert!(answer.contains("connection: close\r\n"), "{answer}");
        server.ended.await.unwrap();
    }

    #[tokio::test]
    async fn a_request_that_does_not_end_is_cut_off() {
        let (router, begun, _may_end) = waiting();
        let server = start(router, |config| config.drain_timeout_ms = 50).await;
        let mut stream = server.connect().await;
        send(&mut stream, GET).await;
        begun.notified().await;
        server.stop.cancel();
        server.ended.await.unwrap();
        assert_eq!(read_to_end(&mut stream).await, "");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_loses_its_place() {
        let endless = || futures_util::stream::repeat(Ok::<_, Infallible>(bytes::Bytes::from_static(&[b'x'; 4096])));
        let router = hello().route("/endless", get(async move || Body::from_stream(endless())));
        let change = |config: &mut HttpConfig| {
            config.max_connections = 1;
            config.write_timeout_ms = 100;
        };
        let server = start(router, change).await;
        let mut deaf = server.connect().await;
        send(&mut deaf, "GET /endless HTTP/1.1\r\nhost: shop\r\n\r\n").await;
        let mut next = server.connect().await;
        send(&mut next, GET).await;
        read_hello(&mut next).await;
    }

    /// Type of the next HTTP/2 frame; none at the end.
    async fn read_frame(stream: &mut TcpStream) -> Option<u8> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await.ok()?;
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        stream.read_exact(&mut payload).await.ok()?;
        Some(head[3])
    }

    #[tokio::test]
    async fn http2_is_served_and_an_old_connection_is_asked_to_go() {
        const SETTINGS: u8 = 4;
        const GOAWAY: u8 = 7;
        let server = start(hello(), |config| config.max_connection_age_ms = 100).await;
        let mut stream = server.connect().await;
        // In two pieces, and with the client's empty SETTINGS behind it.
        send(&mut stream, "PRI * HTTP/2.0\r\n").await;
        send(&mut stream, "\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0").await;
        assert_eq!(read_frame(&mut stream).await, Some(SETTINGS));
        let mut last = None;
        while let Some(kind) = read_frame(&mut stream).await {
            last = Some(kind);
            if kind == GOAWAY {
                break;
            }
        }
        assert_eq!(last, Some(GOAWAY));
    }
}
