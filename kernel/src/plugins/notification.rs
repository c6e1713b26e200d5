//! Notification: the typed call and the checks of its answer.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::answer::{self, Broken};
pub use super::bindings::notification::*;
use super::call::Abandoned;
use super::desk::{Asked, Question};
use super::fault::Stopped;
use super::routing::Linked;
use super::telemetry::Function;
use super::{Bound, CallError, Called, Host};

const MESSAGES: usize = 5;
const CHANNEL_CHARACTERS: usize = 32;
const SUBJECT_CHARACTERS: usize = 200;
const TEXT_BYTES: usize = 64 << 10;
const HTML_BYTES: usize = 256 << 10;

/// One question to a notification plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compose {
    pub event: Event,
    pub recipient: Recipient,
    /// BCP 47.
    pub locale: String,
    pub shop: Shop,
}

impl Host {
    /// The messages that one recipient gets about one event.
    pub async fn compose(&self, bound: &Arc<Bound>, request: &Arc<Compose>) -> Result<Called<Vec<Message>>, CallError> {
        let asked = request.clone();
        self.call(
            bound,
            Some(Asked::new(Function::Compose, &|| Question::Compose(request.clone()))),
            Abandoned::Stops,
            move |mut store, plugin| {
                Box::pin(async move {
                    let Linked::Notification(plugin) = plugin.linked() else { return Err(Stopped::WrongDomain.into()) };
                    let plugin = plugin.instantiate_async(&mut store).await?;
                    let Compose { event, recipient, locale, shop } = &*asked;
                    plugin
                        .kassa_notification_notification()
                        .call_compose(&mut store, event, recipient, locale, shop)
                        .await
                })
            },
            |messages: &Vec<Message>| check(messages),
        )
        .await
        .map(|mut called| {
            called.value.iter_mut().for_each(clean);
            called
        })
    }
}

fn check(messages: &[Message]) -> Result<(), Broken> {
    answer::at_most("messages", messages.len(), MESSAGES)?;
    for message in messages {
        if !answer::is_kebab(&message.channel, CHANNEL_CHARACTERS) {
            return Err(format!("the channel is not 1 to {CHANNEL_CHARACTERS} characters of a-z 0-9 -"));
        }
        // A line break, which is refused with all control characters, would become another header of the mail.
        answer::one_to_characters("the subject", &message.subject, SUBJECT_CHARACTERS)?;
        if message.subject.contains(['\u{2028}', '\u{2029}']) {
            return Err("the subject has line breaks".into());
        }
        at_most_bytes("the text", &message.text, TEXT_BYTES)?;
        at_most_bytes("the HTML", message.html.as_deref().unwrap_or_default(), HTML_BYTES)?;
        answer::attributes("a message", &message.attributes)?;
    }
    Ok(())
}

/// Texts with `\n` as their only line break, and no control characters but that and the tab: no mail needs them, and
/// PostgreSQL does not keep U+0000.
fn clean(message: &mut Message) {
    for text in std::iter::once(&mut message.text).chain(message.html.as_mut()) {
        if text.contains(|c: char| c.is_control() && !"\n\t".contains(c)) {
            *text = text.replace("\r\n", "\n").replace('\r', "\n");
            text.retain(|c| !c.is_control() || "\n\t".contains(c));
        }
    }
}

fn at_most_bytes(what: &str, text: &str, most: usize) -> Result<(), Broken> {
    if text.len() > most { Err(format!("{what} has more than {most} bytes")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_a_message_is_held() {
        let message = Message {
            channel: "email".into(),
            subject: "Your order".into(),
            text: String::new(),
            html: None,
            attributes: Vec::new(),
        };
        assert!(check(&vec![message.clone(); 5]).is_ok());
        assert!(check(&vec![message.clone(); 6]).is_err());
        assert!(check(&[Message { subject: "ж".repeat(200), ..message.clone() }]).is_ok());
        assert!(check(&[Message { text: "x".repeat(TEXT_BYTES), ..message.clone() }]).is_ok());
        for (rule, broken) in [
            ("empty subject", Message { subject: String::new(), ..message.clone() }),
            ("long subject", Message { subject: "ж".repeat(201), ..message.clone() }),
            ("header injection", Message { subject: "Hi\r\nBcc: all@example.com".into(), ..message.clone() }),
            ("line separator", Message { subject: "Hi\u{2028}".into(), ..message.clone() }),
            ("no channel", Message { channel: String::new(), ..message.clone() }),
            ("odd channel", Message { channel: "SMS!".into(), ..message.clone() }),
            ("long channel", Message { channel: "x".repeat(33), ..message.clone() }),
            ("text", Message { text: "x".repeat(TEXT_BYTES + 1), ..message.clone() }),
            ("html", Message { html: Some("x".repeat(HTML_BYTES + 1)), ..message.clone() }),
        ] {
            assert!(check(&[broken]).is_err(), "{rule}");
        }
    }

    #[test]
    fn control_characters_do_not_come_through() {
        let mut odd = Message {
            channel: "email".into(),
            subject: "Hello".into(),
            text: "a\0b\r\nc\rd\te\u{1b}[31m".into(),
            html: Some("<p>\u{7f}</p>\n".into()),
            attributes: Vec::new(),
        };
        clean(&mut odd);
        assert_eq!((odd.text.as_str(), odd.html.as_deref()), ("ab\nc\nd\te[31m", Some("<p></p>\n")));
    }
}
