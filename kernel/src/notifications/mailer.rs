//! How mails leave: over SMTP, or into files where no server is set.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};
use tokio::sync::Notify;

use super::store::Claimed;
use super::{NotificationsConfig, mail};
use crate::Config;

/// The shop's sender of mails.
pub struct Mailer {
    transport: Transport,
    from: Mailbox,
    timeout: Duration,
    wake: Notify,
}

enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    /// One `.eml` for each mail.
    Files(PathBuf),
}

/// The settings of mails cannot be used. Never names the URL: it holds a password.
#[derive(Debug, thiserror::Error)]
pub enum MailerError {
    #[error("shop.email {email:?} is not an address that mail can come from: {cause}")]
    Sender { email: String, cause: lettre::address::AddressError },
    #[error("notifications.smtp_url: {0}")]
    SmtpUrl(String),
    #[error("notifications.{0} is at least 1")]
    Zero(&'static str),
    #[error("cannot use {path}: {cause}")]
    Folder { path: PathBuf, cause: io::Error },
}

/// A mail did not leave.
#[derive(Debug)]
pub(super) struct SendError {
    /// Fit for the log: no address, none of the server's words.
    pub code: String,
    /// All that is known.
    pub detail: String,
    /// Trying again cannot help.
    pub is_final: bool,
}

impl Mailer {
    /// Checks the settings and creates the folder of the mails where they are files. Connects to nobody: a mail server that
    /// is down must not keep the shop from opening.
    pub fn open(config: &Config) -> Result<Self, MailerError> {
        let NotificationsConfig { smtp_url, .. } = &config.notifications;
        config.notifications.check().map_err(MailerError::Zero)?;
        let from = mail::mailbox(&config.shop.name, &config.shop.email)
            .map_err(|cause| MailerError::Sender { email: config.shop.email.clone(), cause })?;
        let timeout = Duration::from_millis(config.notifications.send_timeout_ms);
        let transport = if smtp_url.as_str().is_empty() {
            let path = config.data.dir.join("mail");
            create_private_dir(&path).map_err(|cause| MailerError::Folder { path: path.clone(), cause })?;
            Transport::Files(path)
        } else {
            Transport::Smtp(open_smtp(smtp_url.as_str(), timeout)?)
        };
        Ok(Self { transport, from, timeout, wake: Notify::new() })
    }

    /// There is something to send.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Returns when there is something to send.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// The longest that [`Mailer::send`] takes.
    pub(super) fn timeout(&self) -> Duration {
        match self.transport {
            Transport::Smtp(_) => self.timeout,
            Transport::Files(_) => Duration::from_secs(5),
        }
    }

    /// Sends one mail. When it returns `Ok`, the server or the folder has it.
    pub(super) async fn send(&self, message: &Claimed) -> Result<(), SendError> {
        let mail = mail::build(message, &self.from).map_err(|error| SendError {
            code: "invalid-mail".into(),
            detail: error.to_string(),
            is_final: true,
        })?;
        let sent = async {
            match &self.transport {
                Transport::Smtp(smtp) => smtp.send(mail).await.map(drop).map_err(SendError::from),
                Transport::Files(dir) => write_file(dir, message, mail.formatted()).await.map_err(SendError::from),
            }
        };
        // lettre limits how long it connects, not how long it waits for an answer. Dropping its future closes the connection.
        tokio::time::timeout(self.timeout(), sent).await.unwrap_or_else(|_| {
            let text = format!("the server did not answer within {} ms", self.timeout().as_millis());
            Err(SendError { code: "timeout".into(), detail: text, is_final: false })
        })
    }
}

impl From<lettre::transport::smtp::Error> for SendError {
    fn from(error: lettre::transport::smtp::Error) -> Self {
        // A 5xx reply is about this mail, except 53x: the server does not like the shop's login, which somebody will mend.
        let status = error.status().map(u16::from);
        let is_final = error.is_permanent() && status.is_none_or(|code| code / 10 != 53);
        let code = status.map_or_else(|| "unreachable".into(), |code| format!("smtp-{code}"));
        Self { code, detail: error.to_string(), is_final }
    }
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        Self { code: "cannot-write".into(), detail: error.to_string(), is_final: false }
    }
}

fn open_smtp(url: &str, timeout: Duration) -> Result<AsyncSmtpTransport<Tokio1Executor>, MailerError> {
    check_smtp_url(url).map_err(MailerError::SmtpUrl)?;
    let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url);
    let builder = builder.map_err(|error| MailerError::SmtpUrl(error.to_string()))?;
    Ok(builder.timeout(Some(timeout)).build())
}

/// What lettre lets pass in silence: an option that it does not know, so that mails go unencrypted, and a password that
/// goes over the network in clear.
fn check_smtp_url(url: &str) -> Result<(), String> {
    let url = reqwest::Url::parse(url).map_err(|error| format!("not a URL: {error}"))?;
    if !matches!(url.scheme(), "smtp" | "smtps") {
        return Err("its scheme is smtp or smtps".into());
    }
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

/// Writes beside the target and renames, so that a reader sees all of it or nothing. A mail that is sent again, after a crash,
/// takes the place of the first. Not synced to the disk: the text stays in the database for whom a power cut takes the file.
async fn write_file(dir: &Path, message: &Claimed, mail: Vec<u8>) -> io::Result<()> {
    let name = format!("{}-{}.eml", message.created_at.format("%Y%m%dT%H%M%SZ"), message.id);
    let (temporary, target) = (dir.join(format!(".{}.part", message.id)), dir.join(name));
    tokio::task::spawn_blocking(move || {
        std::fs::write(&temporary, mail)?;
        std::fs::rename(&temporary, &target)
    })
    .await
    .map_err(io::Error::other)?
}

fn create_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir)
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
