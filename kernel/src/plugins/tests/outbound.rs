//! What a guest can reach through `wasi:http` and `kv`, and what is told of it.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use crate::egress::PublicOnly;
use crate::plugins::outbound::Outbound;

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
        Self::of(Fixture::new(&config), address).await
    }

    /// The same where the name is somebody else's, who answers these addresses for it, one look-up after the other.
    async fn resolving(answers: Vec<Vec<&'static str>>) -> Self {
        let address = peer().await;
        let mut config = small();
        (config.outbound.allow_http, config.outbound.timeout_ms) = (true, 200);
        let mut fixture = Fixture::new(&config);
        let answers = Mutex::new(answers.into_iter());
        let resolver = PublicOnly::with_answers(move |_| {
            let next = answers.lock().expect("no panic").next().unwrap_or_default();
            next.iter().map(|address| SocketAddr::new(address.parse().expect("an address"), 0)).collect()
        });
        let outbound = Arc::new(Outbound::with_resolver(&config.outbound, resolver).expect("a client"));
        Arc::get_mut(&mut fixture.host.0).expect("nobody else has it yet").outbound = outbound;
        Self::of(fixture, address).await
    }

    async fn of(fixture: Fixture, address: SocketAddr) -> Self {
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

/// What a guest reaches by a name that was granted is decided by the address, at each connection: also where the name led elsewhere before.
#[tokio::test]
async fn a_name_that_leads_inside_leads_nowhere() {
    let nobody = "192.31.196.1";
    let inside = [
        "127.0.0.1",
        "10.0.0.5",
        "192.168.1.1",
        "100.64.0.1",
        "169.254.169.254",
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
    ];
    let answers =
        inside.iter().flat_map(|address| [vec![*address], vec!["8.8.8.8", *address], vec![nobody], vec![*address]]);
    let reaching = Reaching::resolving(answers.collect()).await;
    let url = &reaching.url;
    for address in inside {
        // Alone, behind a public one, and in the place of a public one.
        let called = reaching.pay(&format!("{url}/1 {url}/2 {url}/3 {url}/4")).await.expect("an answer");
        let ends: Vec<_> =
            told(&called.report).iter().map(|line| line.rsplit(": ").next().unwrap().to_owned()).collect();
        let refused = "address-not-allowed";
        assert_eq!([&ends[0], &ends[1], &ends[3]], [refused; 3], "{address}");
        assert!(["timeout", "unreachable"].contains(&ends[2].as_str()), "{address}: {ends:?}");
    }
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
