//! What would be said: plugins are asked as for an event, and nothing is sent.

use serde_json::Value;

use super::channel::Channel;
use super::compose::{self, Answer, Recipient};
use super::reach::Reach;
use super::samples;
use crate::events::{self, Event};
use crate::plugins::trial::Served;
use crate::plugins::{Domain, RegistryError, Route};
use crate::{Shop, clock, db, id};

/// What to show.
#[derive(Debug)]
pub struct Preview {
    pub kind: String,
    /// BCP 47; the one of the event, or the shop's own.
    pub locale: Option<String>,
    /// The last event of this kind about this (an order's id, say); without it, a sample.
    pub about: Option<String>,
    /// Settings that are not in force yet.
    pub candidate: Option<Candidate>,
}

/// A plugin that is bound, under other settings.
#[derive(Debug)]
pub struct Candidate {
    pub plugin: String,
    pub settings: Value,
}

/// Why there is nothing to show.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    #[error("there is no sample of this kind")]
    UnknownKind,
    #[error("nothing of this kind was told about it, or it is too long ago")]
    NoEvent,
    #[error(transparent)]
    Plugins(#[from] RegistryError),
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// What each plugin would say to someone whom every channel reaches.
pub async fn preview(shop: &Shop, preview: Preview) -> Result<Vec<Answer>, PreviewError> {
    let mut event = match &preview.about {
        Some(about) => {
            let found = events::find_last(&mut shop.db().read().await?, &preview.kind, about).await?;
            found.ok_or(PreviewError::NoEvent)?
        }
        None => sample(&preview.kind)?,
    };
    if let Some(locale) = preview.locale
        && let Some(data) = event.data.as_object_mut()
    {
        data.insert("locale".into(), locale.into());
    }
    let recipient = Recipient::of(&event, &shop.config().shop.locale).ok_or(PreviewError::NoEvent)?;
    let everywhere =
        Reach { channels: Channel::ALL.into_iter().map(|(channel, _)| channel).collect(), devices: Vec::new() };
    let asked = Served::by(asked(shop, preview.candidate).await?);
    Ok(compose::ask(shop, &asked, &event, &recipient, &everywhere).await)
}

async fn asked(shop: &Shop, candidate: Option<Candidate>) -> Result<Route, RegistryError> {
    match candidate {
        None => Ok(shop.plugins().routing().of(Domain::Notification)),
        Some(Candidate { plugin, settings }) => {
            let bound = shop.plugins().try_settings(Domain::Notification, &plugin, &settings).await?;
            Ok(Route { bound: [bound].into(), ..Route::default() })
        }
    }
}

fn sample(kind: &str) -> Result<Event, PreviewError> {
    let data = samples::data_of(kind).ok_or(PreviewError::UnknownKind)?;
    Ok(Event { id: id::sequential(), kind: kind.to_owned(), subject: "sample".into(), data, occurred_at: clock::now() })
}
