//! A mail server that talks just enough SMTP.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

use super::{config, only_state, open_shop, queue_mail};
use crate::notifications::{SmtpUrl, sender};
use crate::test_shop;

/// A mail server that answers `reply` to the recipient, and keeps what it is sent. None: it never says a word.
async fn mail_server(reply: Option<&'static str>) -> (String, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let kept = received.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = kept.clone();
            tokio::spawn(async move {
                let (reader, mut writer) = stream.split();
                let Some(reply) = reply else { return std::future::pending().await };
                talk(BufReader::new(reader), &mut writer, reply, &kept).await.unwrap();
            });
        }
    });
    (url, received)
}

async fn talk(
    mut reader: impl tokio::io::AsyncBufRead + Unpin,
    writer: &mut (impl tokio::io::AsyncWrite + Unpin),
    reply: &str,
    kept: &Mutex<Vec<u8>>,
) -> std::io::Result<()> {
    writer.write_all(b"220 test\r\n").await?;
    let mut line = Vec::new();
    let mut in_data = false;
    while reader.read_until(b'\n', &mut line).await? > 0 {
        let command = String::from_utf8_lossy(&line).into_owned();
        let answer = match command.as_str() {
            ".\r\n" if in_data => {
                in_data = false;
                "250 kept"
            }
            _ if in_data => {
                kept.lock().unwrap().extend_from_slice(&line);
                ""
            }
            _ if command.starts_with("DATA") => {
                in_data = true;
                "354 go on"
            }
            _ if command.starts_with("RCPT") => reply,
            _ => "250 fine",
        };
        line.clear();
        if !answer.is_empty() {
            writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_mail_goes_to_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let (url, received) = mail_server(Some("250 fine")).await;
    let shop = open_shop(&dir, &url).await;
    queue_mail(&shop).await;
    sender::drain(&shop).await.unwrap();
    let state = only_state(&shop).await;
    assert_eq!((state.status.as_str(), state.attempts), ("sent", 1), "{state:?}");
    let mail = String::from_utf8(received.lock().unwrap().clone()).unwrap();
    assert!(mail.contains(&format!("Message-ID: <{}@example.org>\r\n", state.id)), "{mail}");
    // On the wire every line that begins with a dot has one more, or the second line would have ended the mail.
    assert!(mail.contains("Thank you.\r\n..\r\n...hidden\r\nEnd"), "{mail}");
    assert!(!dir.path().join("mail").exists());
}

#[tokio::test]
async fn what_the_server_says_decides_whether_it_is_tried_again() {
    let silent = None;
    for (reply, expected) in [
        (Some("550 no such mailbox"), ["dead", "dead"]),
        (Some("451 come back later"), ["queued", "dead"]),
        (Some("530 log in first"), ["queued", "dead"]),
        (silent, ["queued", "dead"]),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let (url, received) = mail_server(reply).await;
        let mut config = config(&dir);
        config.notifications.smtp_url = SmtpUrl::from(url.as_str());
        config.notifications.send_timeout_ms = if reply.is_some() { 10_000 } else { 50 };
        let shop = test_shop::open(config).await;
        queue_mail(&shop).await;
        for status in expected {
            sender::drain(&shop).await.unwrap();
            let state = only_state(&shop).await;
            assert_eq!(state.status, status, "{reply:?}: {state:?}");
            assert!(state.last_error.is_some());
        }
        assert!(received.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_server_that_is_down_is_tried_again_before_the_mail_is_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let shop = open_shop(&dir, &format!("smtp://{address}")).await;
    queue_mail(&shop).await;
    sender::drain(&shop).await.unwrap();
    let state = only_state(&shop).await;
    assert_eq!((state.status.as_str(), state.attempts), ("queued", 1), "{state:?}");
    sender::drain(&shop).await.unwrap();
    let state = only_state(&shop).await;
    assert_eq!((state.status.as_str(), state.attempts), ("dead", 2), "{state:?}");
    assert!(state.last_error.is_some_and(|error| error.contains("efused")));
}
