//! SMS and push messages: posted to a service of the merchant's choice, or written as files.
//!
//! The service gets one JSON object and answers any 2xx. docs/notifications.md describes it for those who write one.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, Url, redirect};
use serde_json::json;

use super::files::Folder;
use super::settings::GatewayConfig;
use super::store::queue::Claimed;
use super::transports::{SendError, TransportError};
use crate::clock;
use crate::signature::{ID_HEADER, SIGNATURE_HEADER, SigningSecret, TIMESTAMP_HEADER};

/// Where the messages of one channel go.
pub(super) enum Gateway {
    Files(Folder),
    Service(Box<Service>),
}

pub(super) struct Service {
    client: Client,
    url: Url,
    token: Option<String>,
    secret: Option<SigningSecret>,
}

impl Gateway {
    /// Reads the settings and the files that they name. `section` names them in errors, and is the folder of the files.
    pub(super) fn open(
        section: &'static str,
        config: &GatewayConfig,
        data_dir: &Path,
        timeout: Duration,
    ) -> Result<Self, TransportError> {
        if config.url.is_empty() {
            let folder = Folder::open(data_dir.join(section), "json");
            return folder.map(Self::Files).map_err(|(path, cause)| TransportError::Folder { path, cause });
        }
        let wrong = |text: String| TransportError::Gateway { section, text };
        let url = check_url(&config.url).map_err(wrong)?;
        let token = read_secret(&config.token_file)?;
        let secret = read_secret(&config.signing_secret_file)?.map(|text| SigningSecret::parse(&text)).transpose();
        let secret = secret.map_err(|error| wrong(format!("the secret in signing_secret_file {error}")))?;
        // No redirects and no proxy of the environment: the token goes to this address and no other.
        let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(timeout).build();
        let client = client.map_err(|error| wrong(error.to_string()))?;
        Ok(Self::Service(Box::new(Service { client, url, token, secret })))
    }

    pub(super) async fn send(&self, message: &Claimed) -> Result<(), SendError> {
        let body = body(message);
        match self {
            Self::Files(folder) => folder.write(message, body).await.map_err(SendError::from),
            Self::Service(service) => service.post(message, body).await,
        }
    }
}

impl Service {
    async fn post(&self, message: &Claimed, body: Vec<u8>) -> Result<(), SendError> {
        let (id, now) = (message.id.to_string(), clock::now());
        let mut request = self.client.post(self.url.clone()).header("content-type", "application/json");
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(secret) = &self.secret {
            request = request.header(SIGNATURE_HEADER, secret.sign(&id, now, &body));
        }
        let request = request.header(ID_HEADER, id).header(TIMESTAMP_HEADER, now.timestamp().to_string());
        answer(request.body(body)).await
    }
}

async fn answer(request: RequestBuilder) -> Result<(), SendError> {
    match request.send().await {
        Ok(response) if response.status().is_success() => Ok(()),
        Ok(response) => Err(refusal(response.status())),
        // The text of the error would name the URL, which may hold a key.
        Err(error) => {
            let (code, detail) = match error.is_timeout() {
                true => ("timeout", "the service did not answer in time"),
                false => ("unreachable", "the service cannot be reached"),
            };
            Err(SendError { code: code.into(), detail: detail.into(), is_final: false, is_gone: false })
        }
    }
}

/// A 4xx is about this message, except those that somebody will mend (the token, the address) or that pass by themselves.
fn refusal(status: StatusCode) -> SendError {
    let code = status.as_u16();
    let passes = !status.is_client_error() || matches!(code, 401 | 403 | 404 | 405 | 408 | 425 | 429);
    SendError {
        code: format!("http-{code}"),
        detail: format!("the service answered {code}"),
        is_final: !passes,
        is_gone: status == StatusCode::GONE,
    }
}

/// What the service is told. The same message is the same bytes.
fn body(message: &Claimed) -> Vec<u8> {
    let attributes: serde_json::Map<_, _> =
        message.attributes.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
    json!({
        "id": message.id,
        "channel": message.channel,
        "to": message.recipient,
        "kind": message.kind,
        "title": message.subject,
        "text": message.body_text,
        "attributes": attributes,
        "created_at": message.created_at,
    })
    .to_string()
    .into_bytes()
}

fn check_url(url: &str) -> Result<Url, String> {
    let url = Url::parse(url).map_err(|error| format!("url is not a URL: {error}"))?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_local => Ok(url),
        _ => Err("url begins with https://, or http:// for a service on this machine".into()),
    }
}

/// The secret in the file at `path`; none where no file is named.
fn read_secret(path: &PathBuf) -> Result<Option<String>, TransportError> {
    if path.as_os_str().is_empty() {
        return Ok(None);
    }
    let failed = |cause: io::Error| TransportError::Folder { path: path.clone(), cause };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let secret = text.trim();
    if secret.is_empty() || secret.contains(char::is_control) {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidData, "it does not hold one line")));
    }
    Ok(Some(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_concerns_the_message_is_final() {
        for (code, is_final) in [
            (400, true),
            (401, false),
            (404, false),
            (410, true),
            (422, true),
            (429, false),
            (302, false),
            (503, false),
        ] {
            let refused = refusal(StatusCode::from_u16(code).unwrap());
            assert_eq!((refused.is_final, refused.is_gone), (is_final, code == 410), "{code}");
        }
    }

    #[test]
    fn a_secret_is_one_line_of_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        assert_eq!(read_secret(&PathBuf::new()).unwrap(), None);
        read_secret(&path).unwrap_err();
        for (text, fits) in [(" hush \n", true), ("", false), (" \n", false), ("two\nlines", false), ("a\0b", false)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(read_secret(&path).ok().flatten().as_deref(), fits.then_some("hush"), "{text:?}");
        }
    }

    #[test]
    fn messages_go_in_clear_to_this_machine_only() {
        for (url, fits) in [
            ("https://sms.example/send", true),
            ("http://127.0.0.1:9000/send", true),
            ("http://[::1]:9000", true),
            ("http://sms.example/send", false),
            ("ftp://sms.example", false),
            ("sms.example", false),
        ] {
            assert_eq!(check_url(url).is_ok(), fits, "{url}");
        }
    }
}
