//! How messages leave: a transport for each channel, chosen by the settings when the shop opens.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::Notify;

use super::channel::Channel;
use super::gateway::Gateway;
use super::mailer::Mailer;
use super::store::queue::Claimed;
use crate::Config;

/// The transports of a shop. The inbox needs none: its items are rows that are written with the message.
pub struct Transports {
    mailer: Mailer,
    sms: Gateway,
    push: Gateway,
    timeout: Duration,
    /// By the position of the channel in [`Channel::SENT`].
    wake: [Notify; Channel::SENT.len()],
}

/// The settings of messages cannot be used. Never names a URL: it may hold a password.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    #[error("shop.email {email:?} is not an address that mail can come from: {cause}")]
    Sender { email: String, cause: lettre::address::AddressError },
    #[error("notifications.smtp_url: {0}")]
    SmtpUrl(String),
    #[error("notifications.{section}: {text}")]
    Gateway { section: &'static str, text: String },
    #[error("notifications.{0} is at least 1")]
    Zero(&'static str),
    #[error("cannot use {path}: {cause}")]
    Folder { path: PathBuf, cause: io::Error },
}

/// A message did not leave.
#[derive(Debug)]
pub(super) struct SendError {
    /// Fit for the log: no address, none of the server's words.
    pub code: String,
    /// All that is known.
    pub detail: String,
    /// Trying again cannot help.
    pub is_final: bool,
    /// There is no such recipient any more: a device that has lost the app.
    pub is_gone: bool,
}

impl SendError {
    pub(super) fn new(code: impl Into<String>, detail: impl Into<String>, is_final: bool) -> Self {
        Self { code: code.into(), detail: detail.into(), is_final, is_gone: false }
    }
}

impl From<io::Error> for SendError {
    fn from(error: io::Error) -> Self {
        Self::new("cannot-write", error.to_string(), false)
    }
}

impl Transports {
    /// Checks the settings and creates the folders where messages are files. Connects to nobody: a server that is down must
    /// not keep the shop from opening.
    pub fn open(config: &Config) -> Result<Self, TransportError> {
        let settings = &config.notifications;
        settings.check().map_err(TransportError::Zero)?;
        let timeout = Duration::from_millis(settings.send_timeout_ms);
        Ok(Self {
            mailer: Mailer::open(config, timeout)?,
            sms: Gateway::open("sms", &settings.sms, &config.data.dir, timeout)?,
            push: Gateway::open("push", &settings.push, &config.data.dir, timeout)?,
            timeout,
            wake: Default::default(),
        })
    }

    /// There is something to send.
    pub fn wake(&self) {
        self.wake.iter().for_each(Notify::notify_one);
    }

    /// Returns when there may be something to send on the channel; never for one on which nothing is sent.
    pub(super) async fn woken(&self, channel: Channel) {
        match Channel::SENT.iter().position(|sent| *sent == channel) {
            Some(position) => self.wake[position].notified().await,
            None => std::future::pending().await,
        }
    }

    /// The longest that [`Transports::send`] takes.
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sends one message. When it returns `Ok`, the server or the folder has it.
    pub(super) async fn send(&self, message: &Claimed) -> Result<(), SendError> {
        let sent = async {
            match Channel::parse(&message.channel) {
                Some(Channel::Email) => self.mailer.send(message).await,
                Some(Channel::Sms) => self.sms.send(message).await,
                Some(Channel::Push) => self.push.send(message).await,
                Some(Channel::Inbox) | None => {
                    Err(SendError::new("no-transport", "no transport for this channel", true))
                }
            }
        };
        // lettre limits how long it connects, not how long it waits for an answer. Dropping its future closes the connection.
        tokio::time::timeout(self.timeout, sent).await.unwrap_or_else(|_| {
            let text = format!("the server did not answer within {} ms", self.timeout.as_millis());
            Err(SendError::new("timeout", text, false))
        })
    }
}
