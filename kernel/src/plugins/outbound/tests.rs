//! What is sent where, held against a host of this machine that a name of the outside stands for.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::exchange::{Refused, send};
use super::{Outbound, OutboundConfig};
use crate::egress::PublicOnly;
use crate::plugins::grants::{Granted, SecretValue};

/// A host on this machine: what it received, and what it answers by path.
struct Peer {
    address: SocketAddr,
    received: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let log = received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, log.clone()));
            }
        });
        Self { address, received }
    }

    fn url(&self, path: &str) -> String {
        format!("http://api.example.com:{}{path}", self.address.port())
    }

    fn received(&self) -> Vec<String> {
        self.received.lock().expect("no panic").clone()
    }
}

/// One request a connection.
async fn serve(mut stream: TcpStream, log: Arc<Mutex<Vec<String>>>) {
    let mut text = Vec::new();
    let mut buffer = [0; 4096];
    let complete = |text: &[u8]| {
        let text = String::from_utf8_lossy(text).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).map_or(0, |n| n.parse().unwrap());
        body.len() >= length
    };
    while !complete(&text) {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(count) => text.extend_from_slice(&buffer[..count]),
        }
    }
    let text = String::from_utf8_lossy(&text).into_owned();
    let path = text.split(' ').nth(1).unwrap_or_default().to_owned();
    log.lock().expect("no panic").push(text.clone());
    let answer = match path.split('?').next().unwrap_or_default() {
        "/echo" => answer("200 OK", "x-echo: sk_live_1234\r\n", &format!("you sent {text}")),
        "/redirect" => answer("302 Found", "location: http://api.example.com/elsewhere\r\n", ""),
        "/large" => answer("200 OK", "", &"x".repeat(5_000)),
        "/endless" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n".to_owned(),
        "/slow" => return std::future::pending().await,
        "/broken" => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort".to_owned(),
        "/nonsense" => "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
        _ => answer("201 Created", "content-type: text/plain\r\nconnection: close\r\n", "ok"),
    };
    let _ = stream.write_all(answer.as_bytes()).await;
    if path == "/endless" {
        std::future::pending::<()>().await;
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
}

fn config() -> OutboundConfig {
    let address = "127.0.0.1".parse().expect("an address");
    OutboundConfig {
        allow_http: true,
        private_hosts: [("api.example.com".to_owned(), address)].into(),
        timeout_ms: 1_000,
        request_bytes: 1_000,
        answer_bytes: 1_000,
        ..OutboundConfig::default()
    }
}

fn granted(peer: &Peer) -> Granted {
    let host = format!("api.example.com:{}", peer.address.port());
    let secret = json!({ "name": "api-key", "host": host, "header": "authorization", "prefix": "Bearer " });
    let grants = serde_json::from_value(json!({ "hosts": [host], "secrets": [secret] })).expect("grants");
    let values = [("api-key".to_owned(), SecretValue::new("sk_live_1234"))].into();
    Granted { grants, values }
}

async fn sent(
    config: &OutboundConfig,
    granted: &Granted,
    request: http::request::Builder,
    body: &str,
) -> Result<http::Response<Bytes>, Refused> {
    let outbound = Outbound::new(config).expect("a client");
    let body = Full::new(Bytes::copy_from_slice(body.as_bytes())).map_err(|never| match never {}).boxed_unsync();
    send(&outbound, granted, request.body(body).expect("a request")).await
}

async fn get(config: &OutboundConfig, granted: &Granted, url: &str) -> Result<http::Response<Bytes>, Refused> {
    sent(config, granted, http::Request::get(url), "").await
}

#[tokio::test]
async fn a_request_goes_to_its_host_with_the_secret_and_without_what_carries_it() {
    let peer = Peer::start().await;
    let request = http::Request::post(peer.url("/charges?key=1"))
        .header("content-type", "text/plain")
        .header("authorization", "Bearer of the guest")
        .header("te", "trailers")
        .header("accept-encoding", "gzip, br")
        .header("content-length", "3");
    let answer = sent(&config(), &granted(&peer), request, "12 EUR").await.expect("an answer");
    assert_eq!((answer.status().as_u16(), &answer.body()[..]), (201, &b"ok"[..]));
    assert_eq!(answer.headers().get("content-type").map(|value| value.as_bytes()), Some(&b"text/plain"[..]));
    assert!(!answer.headers().contains_key("connection"));
    let received = peer.received().remove(0);
    let (head, body) = received.split_once("\r\n\r\n").expect("a message");
    let lines: Vec<_> = head.lines().collect();
    assert_eq!(lines[0], "POST /charges?key=1 HTTP/1.1");
    assert!(lines.contains(&"authorization: Bearer sk_live_1234"), "{head}");
    assert!(lines.contains(&format!("host: api.example.com:{}", peer.address.port()).as_str()), "{head}");
    assert!(lines.contains(&"content-length: 6"), "{head}");
    let encodings: Vec<_> = lines.iter().filter(|line| line.starts_with("accept-encoding")).collect();
    assert_eq!(encodings, [&"accept-encoding: identity"], "{head}");
    assert!(!head.contains("of the guest") && !head.contains("te:"), "{head}");
    assert_eq!(body, "12 EUR");
}

#[tokio::test]
async fn what_is_not_granted_is_not_sent() {
    let peer = Peer::start().await;
    let (port, own) = (peer.address.port(), granted(&peer));
    for (url, expected) in [
        (format!("http://api.example.com:{}/", port.wrapping_add(1)), Refused::NotGranted),
        (format!("https://api.example.com:{port}.evil.example/"), Refused::Url),
        (format!("http://evil.example:{port}/"), Refused::NotGranted),
        (format!("http://api.example.com.evil.example:{port}/"), Refused::NotGranted),
        (format!("http://api.example.com.:{port}/"), Refused::NotGranted),
        (format!("http://sub.api.example.com:{port}/"), Refused::NotGranted),
        (format!("http://api.example.com:{port}@evil.example/"), Refused::Url),
        (format!("http://127.0.0.1:{port}/"), Refused::Url),
        (format!("http://0x7f.0.0.1:{port}/"), Refused::Url),
        (format!("http://2130706433:{port}/"), Refused::Url),
        (format!("http://[::1]:{port}/"), Refused::Url),
        ("http://169.254.169.254/latest/meta-data".to_owned(), Refused::Url),
        (format!("ftp://api.example.com:{port}/"), Refused::Url),
    ] {
        let Ok(uri) = url.parse::<http::Uri>() else { continue };
        let refused = sent(&config(), &own, http::Request::get(uri), "").await.expect_err("not sent");
        assert_eq!(refused, expected, "{url}");
    }
    for method in ["CONNECT", "TRACE"] {
        let request = http::Request::builder().method(method).uri(peer.url("/"));
        assert_eq!(sent(&config(), &own, request, "").await.expect_err("not sent"), Refused::Method);
    }
    let https_only = OutboundConfig { allow_http: false, ..config() };
    assert_eq!(get(&https_only, &own, &peer.url("/")).await.expect_err("not sent"), Refused::Url);
    let without_value = Granted { values: Default::default(), ..own.clone() };
    let refused = get(&config(), &without_value, &peer.url("/")).await.expect_err("not sent");
    assert_eq!(refused, Refused::NoSecret("api-key".into()));
    assert_eq!(get(&config(), &Granted::default(), &peer.url("/")).await.expect_err("not sent"), Refused::NotGranted);
    let too_large = sent(&config(), &own, http::Request::post(peer.url("/")), &"x".repeat(1_001)).await;
    assert_eq!(too_large.expect_err("not sent"), Refused::RequestTooLarge(1_000));
    assert_eq!(peer.received(), Vec::<String>::new());
}

#[tokio::test]
async fn a_name_that_points_inside_is_not_connected_to() {
    let peer = Peer::start().await;
    let own = granted(&peer);
    let config = OutboundConfig { private_hosts: Default::default(), ..config() };
    let address = |text: &str| SocketAddr::new(text.parse().expect("an address"), 0);
    for answers in [
        vec![address("127.0.0.1")],
        vec![address("8.8.8.8"), address("127.0.0.1")],
        vec![address("169.254.169.254")],
        vec![address("::ffff:127.0.0.1")],
        vec![address("100.64.0.1")],
        vec![address("fd00:ec2::254")],
    ] {
        let resolver = PublicOnly::with_answers(move |_| answers.clone());
        let outbound = Outbound::with_resolver(&config, resolver).expect("a client");
        let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        let request = http::Request::get(peer.url("/")).body(body).expect("a request");
        let refused = send(&outbound, &own, request).await.expect_err("not sent");
        assert_eq!(refused, Refused::Failed("address-not-allowed".into()));
    }
    assert_eq!(peer.received(), Vec::<String>::new());
}

/// A name that is looked up once to be checked and once to be connected to could be two hosts.
#[tokio::test]
async fn a_name_is_looked_up_once_a_connection() {
    let peer = Peer::start().await;
    let own = granted(&peer);
    let config = OutboundConfig { private_hosts: Default::default(), timeout_ms: 200, ..config() };
    let asked = Arc::new(Mutex::new(0));
    let count = asked.clone();
    // Public at first, with nobody there, then this machine.
    let resolver = PublicOnly::with_answers(move |_| {
        let mut count = count.lock().expect("no panic");
        *count += 1;
        let address = if *count == 1 { "192.31.196.1" } else { "127.0.0.1" };
        vec![SocketAddr::new(address.parse().expect("an address"), 0)]
    });
    let outbound = Outbound::with_resolver(&config, resolver).expect("a client");
    for _ in 0..2 {
        let body = Full::new(Bytes::new()).map_err(|never| match never {}).boxed_unsync();
        let request = http::Request::get(peer.url("/")).body(body).expect("a request");
        assert!(matches!(send(&outbound, &own, request).await, Err(Refused::Failed(_))));
    }
    assert_eq!(*asked.lock().expect("no panic"), 2);
    assert_eq!(peer.received(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_has_its_limits_and_no_secret() {
    let peer = Peer::start().await;
    let own = granted(&peer);
    let echo = get(&config(), &own, &peer.url("/echo")).await.expect("an answer");
    let body = String::from_utf8_lossy(echo.body()).into_owned();
    assert!(body.contains("authorization: Bearer [secret]") && !body.contains("sk_live"), "{body}");
    assert_eq!(echo.headers().get("x-echo").map(|value| value.as_bytes()), Some(&b"[secret]"[..]));
    let redirect = get(&config(), &own, &peer.url("/redirect")).await.expect("an answer");
    assert_eq!(redirect.status().as_u16(), 302);
    for (path, expected) in [
        ("/large", Refused::AnswerTooLarge(1_000)),
        ("/endless", Refused::Failed("timeout".into())),
        ("/slow", Refused::Failed("timeout".into())),
        ("/broken", Refused::Failed("broken-answer".into())),
        ("/nonsense", Refused::Failed("broken-answer".into())),
    ] {
        assert_eq!(get(&config(), &own, &peer.url(path)).await.expect_err("no answer"), expected, "{path}");
    }
    // The redirect was not followed.
    let paths: Vec<_> =
        peer.received().iter().map(|text| text.split(' ').nth(1).unwrap_or_default().to_owned()).collect();
    assert_eq!(paths, ["/echo", "/redirect", "/large", "/endless", "/slow", "/broken", "/nonsense"]);
}

#[test]
fn private_hosts_are_names() {
    for (host, fits) in
        [("erp.example.com", true), ("erp.example.com:8080", false), ("10.0.0.5", false), ("ERP.a", false)]
    {
        let private_hosts = [(host.to_owned(), "10.0.0.5".parse().expect("an address"))].into();
        let config = OutboundConfig { private_hosts, ..OutboundConfig::default() };
        assert_eq!(Outbound::new(&config).is_ok(), fits, "{host}");
    }
}
