//! What a payment plugin reaches for: hosts that it was not granted, addresses of the inside, more than an answer may have.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Ground;
use crate::plugin_grants::asking;
use crate::support::App;
use crate::support::app::Answer;
use crate::support::components::OUTBOUND;
use crate::support::merchant::Merchant;
use crate::support::shopper::Shopper;

const PLUGIN: &str = "/v1/admin/plugins/outbound-payment";
const SECRET: &str = "sk_live_4eC39HqLyjWD";
/// Inside many clouds there is a host of this name, which tells secrets; elsewhere there is none.
const METADATA: &str = "metadata.google.internal:80";

/// A host of the outside.
struct Peer {
    address: SocketAddr,
    /// The heads of the requests that came.
    received: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = Arc::new(Mutex::new(Vec::new()));
        let kept = received.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone()));
            }
        });
        Self { address, received }
    }

    fn heads(&self) -> Vec<String> {
        self.received.lock().expect("no panic").clone()
    }
}

/// One request a connection; its path says how it is answered.
async fn serve(mut stream: TcpStream, received: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        match stream.read_buf(&mut head).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    received.lock().expect("no panic").push(head.clone());
    let whole = |status: &str, headers: &str, body: &str| {
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len())
    };
    let answer = match head.split(' ').nth(1).unwrap_or_default() {
        "/redirect" => whole("302 Found", "location: http://169.254.169.254/latest/meta-data\r\n", ""),
        "/moved" => whole("307 Temporary Redirect", "location: http://127.0.0.1:5432/\r\n", ""),
        "/echo" => whole("200 OK", "", &head),
        "/large" => "HTTP/1.1 200 OK\r\ncontent-length: 50000000\r\n\r\n".to_owned(),
        "/slow" => return std::future::pending().await,
        "/drops" => "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_owned(),
        "/half" => "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf".to_owned(),
        "/nonsense" => "SSH-2.0-OpenSSH_9.9\r\n".to_owned(),
        _ => whole("200 OK", "", "ok"),
    };
    let mut sent = stream.write_all(answer.as_bytes()).await;
    let more = match head.split(' ').nth(1) {
        Some("/large") => vec![b'x'; 1 << 16],
        Some("/drops") => b"1\r\nx\r\n".to_vec(),
        _ => return,
    };
    // Until whoever asked has had enough.
    while sent.is_ok() {
        sent = stream.write_all(&more).await;
        if more.len() < 1_000 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
}

/// What a token asks the plugin to reach for, and how the kernel's line about it ends.
const REACHES: [(&str, &[&str]); 16] = [
    ("http://169.254.169.254/latest/meta-data", &["it is no URL that can be granted"]),
    ("http://[::ffff:169.254.169.254]/latest", &["it is no URL that can be granted"]),
    ("http://[fd00:ec2::254]/latest/meta-data", &["it is no URL that can be granted"]),
    ("http://2852039166/latest/meta-data", &["it is no URL that can be granted"]),
    ("http://0x7f.1/", &["it is no URL that can be granted"]),
    ("http://127.0.0.1:5432/", &["it is no URL that can be granted"]),
    ("http://localhost:5432/", &["the host is not granted"]),
    ("http://METADATA/computeMetadata", &["unreachable", "address-not-allowed", "timeout"]),
    ("http://evil.example/", &["the host is not granted"]),
    ("http://api.example.com/", &["the host is not granted"]),
    ("http://PEER/slow", &["timeout"]),
    ("http://PEER/drops", &["timeout", "the answer has more than 1048576 bytes"]),
    ("http://PEER/large", &["the answer has more than 1048576 bytes", "timeout"]),
    ("http://PEER/half", &["broken-answer"]),
    ("http://PEER/nonsense", &["broken-answer"]),
    ("http://PEER/a http://PEER/b http://PEER/c http://PEER/d http://PEER/e", &["a call may send 4 requests"]),
];

/// The payment plugin that does what its token says, with a host that it may ask, and that host.
pub(super) struct Outbound<'a> {
    pub(super) merchant: Merchant<'a>,
    peer: Peer,
}

impl<'a> Outbound<'a> {
    pub(super) async fn begin(app: &'a App, token: &str) -> Self {
        let (peer, ground) = (Peer::start().await, Ground::of(app, token).await);
        let host = format!("api.example.com:{}", peer.address.port());
        let secret = json!({ "name": "api-key", "host": host, "header": "authorization", "prefix": "Bearer " });
        let asks = json!({ "hosts": [host, METADATA], "secrets": [secret] });
        ground.upload(&asking(&OUTBOUND, "2.0.0", &asks)).await.expect(201);
        let merchant = ground.merchant;
        let grants = json!({ "hosts": asks["hosts"], "secrets": asks["secrets"], "kv": true });
        merchant.put(&format!("{PLUGIN}/grants"), grants).await.expect(200);
        merchant.put(&format!("{PLUGIN}/secrets/api-key"), json!({ "value": SECRET })).await.expect(204);
        Self { merchant, peer }
    }

    /// Puts it in force anew: whatever it did before is forgotten.
    pub(super) async fn bind(&self, settings: Value) {
        let body = json!({ "plugins": [{ "name": "outbound-payment", "settings": settings }] });
        self.merchant.put("/v1/admin/bindings/payment", body).await.expect(200);
    }

    /// A piece, paid with this token.
    pub(super) async fn check_out(&self, token: &str) -> Answer {
        let shopper = Shopper::ready(self.merchant.app, "TEA-SENCHA-100", 1).await;
        let total = shopper.show().await["total"].clone();
        shopper.check_out_by("outbound-payment:card", token, total).await
    }

    /// The texts of the newest lines of its log that the kernel wrote.
    async fn told(&self) -> Vec<String> {
        let log = self.merchant.get(&format!("{PLUGIN}/logs?limit=1000")).await.expect(200);
        let items = log["items"].as_array().cloned().unwrap_or_default().into_iter();
        items
            .filter(|line| line["by"] == "kernel")
            .filter_map(|line| line["text"].as_str().map(str::to_owned))
            .collect()
    }

    /// How many cases there were.
    pub(super) async fn reach(&self, wrong: &mut Vec<String>) -> usize {
        self.bind(json!({})).await;
        let peer = format!("api.example.com:{}", self.peer.address.port());
        for (token, words) in REACHES {
            let before = self.told().await.len();
            let token = token.replace("PEER", &peer).replace("METADATA", METADATA);
            self.check_out(&token).await.expect(201);
            let told = self.told().await.split_off(before);
            if !told.last().is_some_and(|line| words.iter().any(|word| line.ends_with(word))) {
                wrong.push(format!("{token}: {told:?}"));
            }
        }
        self.follow_no_redirect(&peer, wrong).await;
        self.see_no_secret(&peer, wrong).await;
        REACHES.len() + 2
    }

    /// A redirect is an answer like any other.
    async fn follow_no_redirect(&self, peer: &str, wrong: &mut Vec<String>) {
        let before = self.peer.heads().len();
        let placed = self.check_out(&format!("http://{peer}/redirect http://{peer}/moved")).await.expect(201);
        let (asked, reference) = (self.peer.heads().len() - before, self.reference(&placed).await);
        if (asked, reference.as_str()) != (2, "302 ; 307 ") {
            wrong.push(format!("redirects: {asked} requests, {reference:?}"));
        }
    }

    /// The host gets the secret, in no form that the guest could have chosen; the guest does not see it in the answer.
    async fn see_no_secret(&self, peer: &str, wrong: &mut Vec<String>) {
        let placed = self.check_out(&format!("GZIP=http://{peer}/echo")).await.expect(201);
        let (head, reference) = (self.peer.heads().pop().unwrap_or_default(), self.reference(&placed).await);
        let given = head.contains(&format!("authorization: Bearer {SECRET}"));
        if !given || head.contains("gzip") || reference.contains(SECRET) || !reference.contains("Bearer [secret]") {
            wrong.push(format!("the secret: {head:?}, {reference:?}"));
        }
    }

    async fn reference(&self, order: &Value) -> String {
        let path = format!("/v1/admin/orders/{}", order["id"].as_str().unwrap_or_default());
        let order = self.merchant.get(&path).await.expect(200);
        order["payments"][0]["reference"].as_str().unwrap_or_default().to_owned()
    }
}
