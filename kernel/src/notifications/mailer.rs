//! How mails leave: over SMTP, or into files where no server is set.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::files::Folder;
use super::mail;
use super::store::queue::Claimed;
use super::transports::{SendError, TransportError};
use crate::Config;

/// The shop's sender of mails.
pub(super) struct Mailer {
    transport: Transport,
    from: Mailbox,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// One `.eml` for each mail.
    Files(Folder),
}

impl Mailer {
    pub(super) fn open(config: &Config, timeout: Duration) -> Result<Self, TransportError> {
        let smtp_url = config.notifications.smtp_url.as_str();
        let from = mail::mailbox(&config.shop.name, &config.shop.email)
            .map_err(|cause| TransportError::Sender { email: config.shop.email.clone(), cause })?;
        let transport = if smtp_url.is_empty() {
            let folder = Folder::open(config.data.dir.join("mail"), "eml");
            Transport::Files(folder.map_err(|(path, cause)| TransportError::Folder { path, cause })?)
        } else {
            Transport::Smtp(open_smtp(smtp_url, timeout)?)
        };
        Ok(Self { transport, from })
    }

    /// Sends one mail. When it returns `Ok`, the server or the folder has it.
    pub(super) async fn send(&self, message: &Claimed) -> Result<(), SendError> {
        let mail = mail::build(message, &self.from)
            .map_err(|error| SendError::new("invalid-mail", error.to_string(), true))?;
        match &self.transport {
            Transport::Smtp(smtp) => smtp.send(mail).await.map(drop).map_err(SendError::from),
            Transport::Files(folder) => folder.write(message, mail.formatted()).await.map_err(SendError::from),
        }
    }
}

impl From<lettre::transport::smtp::Error> for SendError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        // A 5xx reply is about this mail, except 53x: the server does not like the shop's login, which somebody will mend.
        let status = error.status().map(u16::from);
        let is_final = error.is_permanent() && status.is_none_or(|code| code / 10 != 53);
        let code = status.map_or_else(|| "unreachable".into(), |code| format!("smtp-{code}"));
        Self::new(code, error.to_string(), is_final)
    }
}

fn open_smtp(url: &str, timeout: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, TransportError> {
    check_smtp_url(url).map_err(TransportError::SmtpUrl)?;
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
    let builder = builder.map_err(|error| TransportError::SmtpUrl(error.to_string()))?;
    Ok(builder.timeout(Some(timeout)).build())
}

/// What lettre lets pass in silence: an option that it does not know, so that mails go unencrypted, and a password that
/// goes over the network in clear.
fn check_smtp_url(url: &str) -> Result<(), String> {
    let url = reqwest::Url::parse(url).map_err(|error| format!("not a URL: {error}"))?;
    let options: Vec<_> = url.query_pairs().collect();
    let tls_fits = match options.as_slice() {
        [] => true,
        [(name, value)] => name == "tls" && matches!(&**value, "required" | "opportunistic") && url.scheme() == "smtp",
        _ => false,
    };
    if !tls_fits {
        return Err("its only option is tls=required or tls=opportunistic, for smtp://".into());
    }
    let encrypted = url.scheme() == "smtps" || options.iter().any(|(_, value)| value == "required");
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let is_local = host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if url.password().is_some() && !encrypted && !is_local {
        return Err("a password goes only over smtps:// or smtp://…?tls=required".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_would_send_in_clear_are_refused() {
        let table = [
            ("smtp://127.0.0.1:2525", true),
            ("smtp://user:secret@localhost", true),
            ("smtp://user:secret@[::1]:25", true),
            ("smtps://user:secret@mail.example.org", true),
            ("smtp://user:secret@mail.example.org?tls=required", true),
            ("smtp://mail.example.org?tls=opportunistic", true),
            ("smtp://user:secret@mail.example.org", false),
            ("smtp://user:secret@mail.example.org?tls=opportunistic", false),
            ("smtp://mail.example.org?tls=on", false),
            ("smtp://mail.example.org?starttls=required", false),
            ("http://mail.example.org", false),
            ("mail.example.org", false),
        ];
        for (url, fits) in table {
            assert_eq!(open_smtp(url, Duration::from_secs(1)).is_ok(), fits, "{url}");
        }
    }

    #[test]
    fn an_error_about_the_url_does_not_tell_the_password() {
        for url in ["smtp://user:secret@mail.example.org", "gopher://user:secret@x", "smtp://user:secret@:x", "secret"]
        {
            let Err(error) = open_smtp(url, Duration::from_secs(1)) else { panic!("{url}") };
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }
}
