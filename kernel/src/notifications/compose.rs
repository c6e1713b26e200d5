//! What is said: the bound notification plugins are asked.

use std::sync::Arc;

use serde_json::Value;

use crate::events::Event;
use crate::plugins::notification::{self, Message};
use crate::plugins::{CallError, Domain};
use crate::{Shop, clock};

/// Whom an event is told to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Empty where it is not known.
    pub name: String,
    pub email: String,
    /// BCP 47.
    pub locale: String,
}

impl Recipient {
    /// The recipient that the data of `event` names; none where it has no `email`, and nobody is told.
    pub fn of(event: &Event, shop_locale: &str) -> Option<Self> {
        let text = |name: &str| event.data.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        Some(Self {
            email: text("email")?.to_owned(),
            name: text("name").unwrap_or_default().to_owned(),
            locale: text("locale").unwrap_or(shop_locale).to_owned(),
        })
    }
}

/// What one plugin said to an event.
pub struct Answer {
    /// Its name, without the version: a newer version that is asked again must not tell the same thing twice.
    pub plugin: String,
    pub messages: Result<Vec<Message>, CallError>,
}

/// Asks every bound notification plugin. Never inside a transaction.
pub async fn compose(shop: &Shop, event: &Event, recipient: &Recipient) -> Vec<Answer> {
    let question = Arc::new(question(shop, event, recipient));
    let mut answers = Vec::new();
    for bound in shop.plugins().routing().of(Domain::Notification).bound.iter() {
        let called = shop.plugins().host().compose(bound, &question).await.inspect_err(|error| {
            let (plugin, version, reason) = (bound.name(), bound.version(), error.code());
            tracing::warn!(plugin, version, reason, %error, event = %event.id, "a plugin failed");
        });
        let messages = called.map(|called| called.value);
        answers.push(Answer { plugin: bound.name().to_owned(), messages });
    }
    answers
}

fn question(shop: &Shop, event: &Event, recipient: &Recipient) -> notification::Compose {
    let shop = &shop.config().shop;
    notification::Compose {
        event: notification::Event {
            id: event.id.to_string(),
            kind: event.kind.clone(),
            at: clock::unix_seconds(event.occurred_at),
            data: event.data.to_string(),
        },
        recipient: notification::Recipient {
            name: recipient.name.clone(),
            email: recipient.email.clone(),
            attributes: Vec::new(),
        },
        locale: recipient.locale.clone(),
        shop: notification::Shop { name: shop.name.clone(), url: shop.url.clone(), email: shop.email.clone() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recipient_is_in_the_data() {
        let event = |data: Value| Event {
            id: crate::id::sequential(),
            kind: "order.paid".into(),
            subject: "1".into(),
            data,
            occurred_at: crate::clock::now(),
        };
        let known = event(serde_json::json!({"email": "a@example.org", "name": "Ann", "locale": "ru"}));
        let expected = Recipient { name: "Ann".into(), email: "a@example.org".into(), locale: "ru".into() };
        assert_eq!(Recipient::of(&known, "en"), Some(expected));
        let bare = event(serde_json::json!({"email": "a@example.org", "locale": null}));
        let expected = Recipient { name: String::new(), email: "a@example.org".into(), locale: "en".into() };
        assert_eq!(Recipient::of(&bare, "en"), Some(expected));
        for data in
            [serde_json::json!({}), serde_json::json!({"email": ""}), serde_json::json!({"email": 1}), Value::Null]
        {
            assert_eq!(Recipient::of(&event(data), "en"), None);
        }
    }
}
