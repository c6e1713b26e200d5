//! `[notifications]` of shop.toml.

use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;

/// `[notifications]` of shop.toml.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationsConfig {
    /// The mail server: `smtps://user:password@host:465`, `smtp://user:password@host:587?tls=required`, or
    /// `smtp://127.0.0.1:25` for one on this machine. Empty: mails are written as files into `mail` in `data.dir`.
    pub smtp_url: SmtpUrl,
    /// How often the queue is looked at when nothing wakes the worker, in milliseconds.
    pub poll_interval_ms: u64,
    /// Messages of a channel that are being sent at the same time.
    pub concurrency: u32,
    /// How long sending one message may take, in milliseconds. After a crash, messages that were being sent wait twice as long.
    pub send_timeout_ms: u64,
    /// Wait before a message that could not be sent is tried again, in milliseconds; it doubles with each try, up to an hour.
    pub retry_after_ms: u64,
    /// Tries before a message is given up: logged once, and kept as dead.
    pub max_attempts: u32,
    /// Days that messages, with their addresses and texts, are kept in the database.
    pub keep_days: u32,
    /// Short messages for telephones.
    pub sms: GatewayConfig,
    /// Messages for devices with the shop's app.
    pub push: GatewayConfig,
    pub inbox: InboxConfig,
}

/// `[notifications.sms]` and `[notifications.push]`: a service that takes messages over HTTP.
#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct GatewayConfig {
    /// Where messages are posted. Empty: they are written as files into a folder of `data.dir`.
    pub url: String,
    /// File with the token that goes along as `Authorization: Bearer`. Empty: none does.
    pub token_file: PathBuf,
    /// File with the secret, `whsec_…`, that messages are signed with. Empty: they are not signed.
    pub signing_secret_file: PathBuf,
}

/// `[notifications.inbox]`: what people find in the app.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct InboxConfig {
    /// Days that items are kept, read or not.
    pub keep_days: u32,
    /// Live streams that are open at once, in all; each takes a connection of `http.max_connections`.
    pub streams: u32,
    /// Live streams that one person may have open at once.
    pub streams_per_person: u32,
    /// Live streams that one address may have open at once, whoever they are for.
    pub streams_per_address: u32,
    /// How often an open stream says that it lives, and is asked whether its token still counts, in milliseconds.
    pub heartbeat_ms: u64,
    /// How often items that another kernel wrote are looked for, in milliseconds.
    pub poll_interval_ms: u64,
    /// Devices for push messages that one person may register.
    pub devices_per_person: u32,
}

impl Default for NotificationsConfig {
    fn default() -> Self {
        Self {
            smtp_url: SmtpUrl::default(),
            poll_interval_ms: 1_000,
            concurrency: 8,
            send_timeout_ms: 30_000,
            retry_after_ms: 30_000,
            // About 13 hours.
            max_attempts: 20,
            keep_days: 30,
            sms: GatewayConfig::default(),
            push: GatewayConfig::default(),
            inbox: InboxConfig::default(),
        }
    }
}

impl Default for InboxConfig {
    fn default() -> Self {
        Self {
            keep_days: 90,
            streams: 256,
            streams_per_person: 4,
            streams_per_address: 32,
            heartbeat_ms: 15_000,
            poll_interval_ms: 2_000,
            devices_per_person: 20,
        }
    }
}

impl NotificationsConfig {
    /// The name of a setting that may not be zero and is.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let at_least_one = [
            ("poll_interval_ms", self.poll_interval_ms),
            ("concurrency", self.concurrency.into()),
            ("send_timeout_ms", self.send_timeout_ms),
            ("max_attempts", self.max_attempts.into()),
            ("inbox.streams", self.inbox.streams.into()),
            ("inbox.streams_per_person", self.inbox.streams_per_person.into()),
            ("inbox.streams_per_address", self.inbox.streams_per_address.into()),
            ("inbox.heartbeat_ms", self.inbox.heartbeat_ms),
            ("inbox.poll_interval_ms", self.inbox.poll_interval_ms),
            ("inbox.devices_per_person", self.inbox.devices_per_person.into()),
        ];
        at_least_one.into_iter().find(|(_, value)| *value == 0).map_or(Ok(()), |(name, _)| Err(name))
    }
}

/// The URL of a mail server. It may hold a password, so it does not show itself.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct SmtpUrl(String);

impl SmtpUrl {
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SmtpUrl {
    fn from(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "none" } else { "(hidden)" })
    }
}
