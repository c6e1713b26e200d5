//! One try to post one message.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::{Client, Response, StatusCode, redirect};
use tokio::sync::Notify;
use uuid::Uuid;

use super::WebhooksError;
use super::settings::WebhooksConfig;
use super::store::messages::Claimed;
use super::store::subscriptions::Destination;
use super::target;
use crate::accounts::Keys;
use crate::clock::{self, Moment};
use crate::egress::{PublicOnly, reason};
use crate::signature::{ID_HEADER, SIGNATURE_HEADER, SigningSecret, TIMESTAMP_HEADER};

/// How much of an answer is kept.
const ANSWER_BYTES: usize = 1_024;

/// What posts the messages of a shop.
pub struct Sender {
    client: Client,
    config: WebhooksConfig,
    wake: Notify,
}

/// What became of one try.
#[derive(Debug)]
pub(super) struct Outcome {
    pub duration_ms: i64,
    /// Of the answer; none where there was none.
    pub status: Option<u16>,
    /// Why there was none.
    pub error: Option<&'static str>,
    pub answer: String,
}

impl Outcome {
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    /// Nobody is there any more, and nobody wants to be asked again.
    pub fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }
}

impl Sender {
    /// Checks the settings. Connects to nobody.
    pub fn open(config: &WebhooksConfig) -> Result<Self, WebhooksError> {
        config.check().map_err(WebhooksError::Zero)?;
        let resolver = PublicOnly::new(config.allow_private_networks);
        let client = Client::builder()
            // A redirect would be a way around every check, and would carry the message to whom nobody chose.
            .redirect(redirect::Policy::none())
            // A proxy would look the name up again.
            .no_proxy()
            .https_only(!config.allow_http)
            .dns_resolver(Arc::new(resolver))
            .timeout(Duration::from_millis(config.timeout_ms))
            .user_agent("Kassa-Webhooks/1")
            .build()
            .map_err(|error| WebhooksError::Client(error.to_string()))?;
        Ok(Self { client, config: config.clone(), wake: Notify::new() })
    }

    /// There is something to post.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Returns when there is something to post.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Posts one message. However it ends, it ends within `webhooks.timeout_ms`.
    pub(super) async fn post(&self, keys: &Keys, destination: &Destination, message: &Claimed) -> Outcome {
        let begun = Instant::now();
        let answered = self.try_to_post(keys, destination, message).await;
        let duration_ms = i64::try_from(begun.elapsed().as_millis()).unwrap_or(i64::MAX);
        match answered {
            Ok((status, answer)) => Outcome { duration_ms, status: Some(status.as_u16()), error: None, answer },
            Err(error) => Outcome { duration_ms, status: None, error: Some(error), answer: String::new() },
        }
    }

    async fn try_to_post(
        &self,
        keys: &Keys,
        destination: &Destination,
        message: &Claimed,
    ) -> Result<(StatusCode, String), &'static str> {
        // Asked again: the settings may be stricter than when the webhook was made.
        let url = target::check_url(&destination.url, &self.config).map_err(|_| "url-not-allowed")?;
        let (id, now) = (message.id.to_string(), clock::now());
        let request = self
            .client
            .post(url)
            .header("content-type", "application/cloudevents+json; charset=utf-8")
            .header(SIGNATURE_HEADER, signatures(keys, destination, &id, now, message.body.as_bytes()))
            .header(TIMESTAMP_HEADER, now.timestamp().to_string())
            .header(ID_HEADER, id)
            .body(message.body.clone());
        let response = request.send().await.map_err(|error| reason(&error))?;
        let status = response.status();
        Ok((status, beginning(response).await))
    }
}

/// By the secret that is good, and while they overlap by the one before.
fn signatures(keys: &Keys, destination: &Destination, id: &str, now: Moment, body: &[u8]) -> String {
    let sign = |salt: Uuid| SigningSecret::of_bytes(&keys.webhook_secret(destination.id, salt)).sign(id, now, body);
    let mut signatures = sign(destination.salt);
    if let (Some(former), Some(until)) = (destination.former_salt, destination.former_until)
        && now < until
    {
        signatures.push(' ');
        signatures.push_str(&sign(former));
    }
    signatures
}

/// The beginning of the answer as text. What does not come, or is none, is left out: the status has been told already.
async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES {
        let Ok(Some(chunk)) = response.chunk().await else { break };
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(ANSWER_BYTES);
    // U+0000 is right in UTF-8, and PostgreSQL keeps it in no text.
    String::from_utf8_lossy(&bytes).replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The resolver is in the client: a name that points at this machine is not connected to, whatever was checked before.
    #[tokio::test]
    async fn no_connection_goes_to_a_name_of_this_machine() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://localhost:{}/", listener.local_addr().unwrap().port());
        for (allow_private_networks, expected) in [(false, "address-not-allowed"), (true, "timeout")] {
            let config = WebhooksConfig {
                allow_http: true,
                allow_private_networks,
                timeout_ms: 200,
                ..WebhooksConfig::default()
            };
            let sender = Sender::open(&config).unwrap();
            let error = sender.client.post(&url).send().await.unwrap_err();
            assert_eq!(reason(&error), expected);
        }
    }
}
