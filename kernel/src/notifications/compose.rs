//! What is said: the bound notification plugins are asked, and their answers are checked.

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
    pub messages: Result<Vec<Message>, ComposeError>,
}

/// A plugin did not give messages that can be used.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    #[error("{}", .0.code())]
    Call(#[from] CallError),
    /// The answer breaks the contract.
    #[error("{0}")]
    Invalid(&'static str),
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
        let messages = called.map(|called| called.value).map_err(ComposeError::Call);
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

/// The limits of `kassa:notification`; texts come back without control characters, which no mail needs and
/// PostgreSQL (U+0000) does not keep.
pub(super) fn check(messages: Vec<Message>) -> Result<Vec<Message>, ComposeError> {
    const MESSAGES: usize = 5;
    if messages.len() > MESSAGES {
        return Err(ComposeError::Invalid("more than 5 messages"));
    }
    messages.into_iter().map(check_message).collect()
}

fn check_message(message: Message) -> Result<Message, ComposeError> {
    const TEXT_BYTES: usize = 64 * 1024;
    const HTML_BYTES: usize = 256 * 1024;
    let channel_fits = (1..=32).contains(&message.channel.len())
        && message.channel.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !channel_fits {
        return Err(ComposeError::Invalid("a channel is 1 to 32 characters of a-z, 0-9 and -"));
    }
    let subject_fits = (1..=200).contains(&message.subject.chars().count());
    if !subject_fits || message.subject.contains(is_line_break) {
        return Err(ComposeError::Invalid("a subject is 1 to 200 characters without line breaks"));
    }
    if message.text.len() > TEXT_BYTES {
        return Err(ComposeError::Invalid("a text is at most 64 KiB"));
    }
    if message.html.as_ref().is_some_and(|html| html.len() > HTML_BYTES) {
        return Err(ComposeError::Invalid("an HTML text is at most 256 KiB"));
    }
    Ok(Message {
        channel: message.channel,
        subject: one_line(&message.subject),
        text: clean(&message.text),
        html: message.html.as_deref().map(clean),
        attributes: message.attributes,
    })
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// `text` on one line: line breaks and other control characters become spaces. Fit for the value of a mail header.
pub(super) fn one_line(text: &str) -> String {
    let spaced = |c: char| if c.is_control() || is_line_break(c) { ' ' } else { c };
    text.chars().map(spaced).collect::<String>().trim().to_owned()
}

/// `text` with `\n` as its only line break, and no control characters but that and the tab.
fn clean(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").chars().filter(|c| !c.is_control() || "\n\t".contains(*c)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(subject: &str) -> Message {
        Message {
            channel: "email".into(),
            subject: subject.into(),
            text: "Hello".into(),
            html: None,
            attributes: Vec::new(),
        }
    }

    #[test]
    fn limits_of_the_contract_hold() {
        let good = message("Order 1001");
        let table = [
            (vec![good.clone(); 5], true),
            (vec![good.clone(); 6], false),
            (vec![], true),
            (vec![message("")], false),
            (vec![message(&"ж".repeat(200))], true),
            (vec![message(&"ж".repeat(201))], false),
            (vec![message("a\r\nBcc: all@example.org")], false),
            (vec![message("a\u{2028}b")], false),
            (vec![Message { channel: "SMS!".into(), ..good.clone() }], false),
            (vec![Message { channel: String::new(), ..good.clone() }], false),
            (vec![Message { text: "x".repeat(65_536), ..good.clone() }], true),
            (vec![Message { text: "x".repeat(65_537), ..good.clone() }], false),
            (vec![Message { html: Some("x".repeat(262_144)), ..good.clone() }], true),
            (vec![Message { html: Some("x".repeat(262_145)), ..good }], false),
        ];
        for (index, (messages, fits)) in table.into_iter().enumerate() {
            assert_eq!(check(messages).is_ok(), fits, "case {index}");
        }
    }

    #[test]
    fn control_characters_do_not_come_through() {
        let odd = Message { text: "a\0b\r\nc\rd\te\u{1b}[31m".into(), ..message("a\0\u{7f}b\t") };
        let checked = check(vec![odd]).unwrap().remove(0);
        assert_eq!((checked.text.as_str(), checked.subject.as_str()), ("ab\nc\nd\te[31m", "a  b"));
    }

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
