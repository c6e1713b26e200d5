//! A service for SMS and push messages.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::{Canned, config, message, only_state};
use crate::events::{Bus, Event, Memory};
use crate::notifications::sender;
use crate::plugins::notification::Message;
use crate::{Shop, clock, id, test_shop};

/// A service that answers `status` to everything and keeps what it is sent, head included.
async fn service(status: &'static str) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/send", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = received.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut read = Vec::new();
            while !is_whole(&read) {
                tokio::io::AsyncReadExt::read_buf(&mut stream, &mut read).await.unwrap();
            }
            kept.lock().unwrap().push(String::from_utf8(read).unwrap());
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    (url, received)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

async fn queue_sms(shop: &Shop) {
    let event = Event {
        id: id::sequential(),
        kind: "order.shipped".into(),
        subject: "1".into(),
        data: json!({"email": "ann@example.org", "phone": "+49 30 12345"}),
        occurred_at: clock::now(),
    };
    let sms = Message { channel: "sms".into(), attributes: vec![("sender".into(), "Tea".into())], ..message() };
    Memory::new(vec![Box::new(Canned(vec![("sms", Ok(vec![sms]))]))]).publish(shop, &event).await.unwrap();
}

#[tokio::test]
async fn an_sms_goes_to_its_service_signed() {
    let dir = tempfile::tempdir().unwrap();
    let (url, received) = service("202 Accepted").await;
    let mut config = config(&dir);
    let (token, secret) = (dir.path().join("token"), dir.path().join("secret"));
    std::fs::write(&token, "let-me-in\n").unwrap();
    std::fs::write(&secret, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n").unwrap();
    config.notifications.sms =
        crate::notifications::GatewayConfig { url, token_file: token, signing_secret_file: secret };
    let shop = test_shop::open(config).await;
    queue_sms(&shop).await;
    sender::drain(&shop).await.unwrap();
    let state = only_state(&shop).await;
    assert_eq!((state.channel.as_str(), state.status.as_str()), ("sms", "sent"), "{state:?}");
    let request = received.lock().unwrap().remove(0);
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).unwrap();
    assert_eq!((header("authorization"), header("webhook-id")), ("Bearer let-me-in", state.id.to_string().as_str()));
    let at = chrono::DateTime::from_timestamp(header("webhook-timestamp").parse().unwrap(), 0).unwrap();
    let secret = crate::signature::SigningSecret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    assert_eq!(header("webhook-signature"), secret.sign(header("webhook-id"), at, body.as_bytes()));
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&body["to"], &body["title"], &body["kind"]),
        (&json!("+493012345"), &json!("Заказ 1001"), &json!("order.shipped"))
    );
    assert_eq!(body["attributes"], json!({"sender": "Tea"}));
}

#[tokio::test]
async fn what_a_service_says_decides_whether_it_is_tried_again() {
    for (answer, expected) in [
        ("503 Busy", ["queued", "dead"]),
        ("302 Found\r\nlocation: http://127.0.0.1:1/", ["queued", "dead"]),
        ("422 No", ["dead", "dead"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(&dir);
        config.notifications.sms.url = service(answer).await.0;
        let shop = test_shop::open(config).await;
        queue_sms(&shop).await;
        for status in expected {
            sender::drain(&shop).await.unwrap();
            assert_eq!(only_state(&shop).await.status, status, "{answer}");
        }
    }
}
