//! What a guest can reach through `wasi:http` and `kv`, and what is told of it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A host that answers every request with its headers, one a connection.
async fn peer() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).await.unwrap_or_default();
                let text = String::from_utf8_lossy(&buffer[..count]).into_owned();
                if text.contains("/slow") {
                    return std::future::pending().await;
                }
                let authorization = text.lines().find(|line| line.starts_with("authorization")).unwrap_or("nobody");
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{authorization}", authorization.len());
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    address
}

struct Reaching {
    fixture: Fixture,
    plugin: Arc<Bound>,
    url: String,
}

impl Reaching {
    /// The test plugin, granted a host of this machine and its secret.
    async fn new(change: impl FnOnce(&mut PluginsConfig)) -> Self {
        let address = peer().await;
        let mut config = small();
        config.outbound.allow_http = true;
        config.outbound.private_hosts = [("api.example.com".to_owned(), address.ip())].into();
        change(&mut config);
        let fixture = Fixture::new(&config);
        let plugin = fixture.bind("outbound-payment", "{}").await;
        let host = format!("api.example.com:{}", address.port());
        let secret = json!({ "name": "api-key", "host": host, "header": "authorization" });
        let grants = json!({ "hosts": [host], "secrets": [secret], "kv": true });
        let values = [("api-key".to_owned(), "sk_live_1234".parse().expect("a secret"))].into();
        let grants = serde_json::from_value(grants).expect("grants");
        fixture.host.grant("outbound-payment", Granted { grants, values });
        Self { fixture, plugin, url: format!("http://{host}") }
    }

    async fn pay(&self, token: &str) -> Result<Called<payment::Outcome>, CallError> {
        self.fixture.host.authorize(&self.plugin, &authorize("key", token)).await
    }
}

/// The kernel's lines, without the times.
fn told(report: &Report) -> Vec<String> {
    let lines = report.log.iter().filter(|line| line.by_kernel);
    lines.map(|line| line.text.split(" in ").next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_payment_asks_a_host_that_was_granted() {
    let reaching = Reaching::new(|_| {}).await;
    let url = &reaching.url;
    let called = reaching.pay(&format!("{url}/a?key=1 POST={url}/b")).await.expect("an answer");
    // It had the secret in its header, and the plugin does not see it, not even in the answer.
    assert_eq!(called.value.reference, "200 authorization: [secret]; 200 authorization: [secret]");
    let host = url.strip_prefix("http://").expect("a URL");
    // Neither the query nor the secret is in the log.
    assert_eq!(told(&called.report), [format!("GET {host}/a: 200, 23 bytes"), format!("POST {host}/b: 200, 23 bytes")]);
}

#[tokio::test]
async fn what_is_beyond_the_grants_is_refused_and_told() {
    let reaching = Reaching::new(|config| config.outbound.requests = 1).await;
    let url = &reaching.url;
    let called = reaching.pay(&format!("http://evil.example/ {url}/a")).await.expect("an answer");
    assert!(called.value.reference.contains("the request was not sent"), "{}", called.value.reference);
    let lines: Vec<_> = called.report.log.iter().map(|line| (line.level, line.by_kernel)).collect();
    assert_eq!(lines, [(Level::Warn, true), (Level::Warn, true)]);
    let texts: Vec<_> = called.report.log.iter().map(|line| line.text.rsplit(": ").next().unwrap()).collect();
    assert_eq!(texts, ["the host is not granted", "a call may send 1 requests"]);
    // Taken back, it is gone with the next call; what was bound stays.
    reaching.fixture.host.grant("outbound-payment", Granted::default());
    let called = reaching.pay(&format!("{url}/a")).await.expect("an answer");
    assert!(called.report.log[0].text.ends_with("the host is not granted"), "{:?}", called.report.log);
    let called = reaching.pay("kv").await.expect("an answer");
    assert!(called.value.reference.starts_with("Err"), "{}", called.value.reference);
    assert_eq!(told(&called.report), ["kv: not granted"]);
}

#[tokio::test]
async fn a_host_that_does_not_answer_ends_with_the_call() {
    let reaching = Reaching::new(|config| config.limits.payment.wall_ms = 300).await;
    let url = &reaching.url;
    let failed = reaching.pay(&format!("{url}/slow")).await.expect_err("no answer");
    assert_eq!(failed.fault, Fault::WallClockExceeded { wall_ms: 300 });
    let host = url.strip_prefix("http://").expect("a URL");
    assert_eq!(told(&failed.report), [format!("GET {host}/slow: no answer when the call ended")]);
    // The place is free again, and the next call is answered.
    tokio::time::timeout(Duration::from_secs(60), reaching.pay(&format!("{url}/a"))).await.unwrap().expect("an answer");
}

/// The same question has to have the same answer: a quote asks nobody, whatever was granted. Where a parcel is may change.
#[tokio::test]
async fn a_quote_asks_nobody() {
    let reaching = Reaching::new(|_| {}).await;
    let (url, host) = (&reaching.url, &reaching.fixture.host);
    let carrier = reaching.fixture.bind("outbound-delivery", &format!(r#"{{"url": "{url}/rates"}}"#)).await;
    let endpoint = url.strip_prefix("http://").expect("a URL");
    let grants = serde_json::from_value(json!({ "hosts": [endpoint] })).expect("grants");
    host.grant("outbound-delivery", Granted { grants, ..Granted::default() });
    let shipment = delivery::Shipment {
        currency: "EUR".into(),
        now: 1_800_000_000,
        locale: "en".into(),
        destination: types::Destination { country: "DE".into(), region: String::new(), postcode: String::new() },
        items: Vec::new(),
        goods_total: 0,
        attributes: Vec::new(),
    };
    let quoted = host.delivery_quote(&carrier, &Arc::new(shipment)).await.expect("an answer");
    let label = &quoted.value.options[0].label;
    assert!(label.contains("was not sent"), "{label}");
    assert!(quoted.report.log[0].text.ends_with("this function may send no requests"), "{:?}", quoted.report.log);
    let tracked = host.track_delivery(&carrier, "parcel", 1_800_000_000).await.expect("an answer");
    assert_eq!(tracked.value[0].text, "200");
}
