//! Notifications.

use futures_util::future::BoxFuture;
use serde::Deserialize;

use crate::events::{Consumer, Event, HandleError};
use crate::{Config, Shop};

#[derive(Debug, Clone, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct NotificationsConfig {}

pub struct Notifications;

impl Consumer for Notifications {
    fn name(&self) -> &'static str {
        "notifications"
    }

    fn handle<'a>(&'a self, _: &'a Shop, _: &'a Event) -> BoxFuture<'a, Result<(), HandleError>> {
        Box::pin(async { Ok(()) })
    }
}

pub struct Mailer;

#[derive(Debug, thiserror::Error)]
#[error("")]
pub struct MailerError;

impl Mailer {
    pub fn open(_: &Config) -> Result<Self, MailerError> {
        Ok(Self)
    }
}

pub async fn run(_: Shop) {}
