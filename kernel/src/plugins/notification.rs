//! Notification: the typed call and the checks of its answer.

use std::sync::Arc;

use super::answer::{self, Broken};
pub use super::bindings::notification::*;
use super::call::Abandoned;
use super::fault::Stopped;
use super::routing::Linked;
use super::{Bound, CallError, Called, Host};

const MESSAGES: usize = 5;
const SUBJECT_CHARACTERS: usize = 200;
const TEXT_BYTES: usize = 64 << 10;
const HTML_BYTES: usize = 256 << 10;

/// One question to a notification plugin.
#[derive(Clone, Debug, PartialEq)]
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
    }
}

fn check(messages: &[Message]) -> Result<(), Broken> {
    answer::at_most("messages", messages.len(), MESSAGES)?;
    for message in messages {
        answer::one_to_characters("the channel", &message.channel, 64)?;
        // A line break, which is refused with all control characters, would become another header of the mail.
        answer::one_to_characters("the subject", &message.subject, SUBJECT_CHARACTERS)?;
        at_most_bytes("the text", &message.text, TEXT_BYTES)?;
        at_most_bytes("the HTML", message.html.as_deref().unwrap_or_default(), HTML_BYTES)?;
        answer::attributes("a message", &message.attributes)?;
    }
    Ok(())
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
        for (rule, broken) in [
            ("empty subject", Message { subject: String::new(), ..message.clone() }),
            ("long subject", Message { subject: "x".repeat(201), ..message.clone() }),
            ("header injection", Message { subject: "Hi\r\nBcc: all@example.com".into(), ..message.clone() }),
            ("no channel", Message { channel: String::new(), ..message.clone() }),
            ("text", Message { text: "x".repeat(TEXT_BYTES + 1), ..message.clone() }),
            ("html", Message { html: Some("x".repeat(HTML_BYTES + 1)), ..message.clone() }),
        ] {
            assert!(check(&[broken]).is_err(), "{rule}");
        }
    }
}
