//! Which messages go out about an event: for each channel that is open and wanted, the merchant's own text, else ours.

use std::collections::BTreeMap;

use kassa_sdk::notification::{Error, Event, Message, Recipient, Shop};
use serde::Deserialize;

use crate::language::Language;
use crate::letter::{Letter, escape, page};
use crate::template::{Wrong, render};
use crate::values::{self, Values};

/// A way to reach someone.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    Email,
    Inbox,
    Sms,
    Push,
}

impl Channel {
    fn name(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Inbox => "inbox",
            Channel::Sms => "sms",
            Channel::Push => "push",
        }
    }
}

/// A text of the merchant's.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    kind: String,
    channel: Channel,
    /// BCP 47; `de` is for `de-AT` too. Empty: for every language that has no text of its own.
    #[serde(default)]
    locale: String,
    subject: String,
    text: String,
    /// Of mails: what stands between greeting line and footer, as HTML. Without it, it is made of the text.
    html: Option<String>,
}

/// Which channels each kind of event uses.
pub struct Channels<'a> {
    pub usual: &'a [Channel],
    pub by_kind: &'a BTreeMap<String, Vec<Channel>>,
}

impl Channels<'_> {
    /// Those of `kind` that are open to the recipient, each once. A kernel that names none has mail and nothing else.
    fn of(&self, kind: &str, recipient: &Recipient) -> Vec<Channel> {
        // A link that opens an account goes to the address that it proves.
        if values::may_be_secret(kind) {
            return vec![Channel::Email];
        }
        let open = recipient.attributes.iter().find(|(name, _)| name == "channels");
        let open = open.map_or("email", |(_, channels)| channels.as_str());
        let wanted = self.by_kind.get(kind).map_or(self.usual, Vec::as_slice);
        let mut channels: Vec<Channel> = Vec::new();
        for channel in wanted {
            if open.split(' ').any(|name| name == channel.name()) && !channels.contains(channel) {
                channels.push(*channel);
            }
        }
        channels
    }
}

/// Where the words come from.
pub struct Source<'a> {
    pub texts: &'a [Text],
    pub footer: &'a str,
    pub language: Language,
    /// BCP 47, of the recipient.
    pub locale: &'a str,
    pub shop: &'a Shop,
}

impl Source<'_> {
    pub fn compose(
        &self,
        event: &Event,
        recipient: &Recipient,
        letter: Option<Letter>,
        channels: &Channels<'_>,
    ) -> Result<Vec<Message>, Error> {
        let values = Values::of(event, recipient, self.language, self.shop)?;
        let mut messages = Vec::new();
        for channel in channels.of(&event.kind, recipient) {
            match (self.find(&event.kind, channel), &letter) {
                (Some((index, text)), _) => messages.push(self.own(index, text, &values)?),
                (None, Some(letter)) if channel == Channel::Email => {
                    messages.push(letter.to_message(self.language, self.shop, self.footer))
                }
                (None, Some(letter)) => messages.push(short(letter, channel)),
                (None, None) => {}
            }
        }
        Ok(messages)
    }

    /// The text that fits best: of the very locale, of its language, of none in particular.
    fn find(&self, kind: &str, channel: Channel) -> Option<(usize, &Text)> {
        let fits = |text: &Text| {
            if text.locale.eq_ignore_ascii_case(self.locale) {
                Some(3)
            } else if text.locale.is_empty() {
                Some(1)
            } else {
                kassa_sdk::is_language(self.locale, &text.locale).then_some(2)
            }
        };
        let of_kind = self.texts.iter().enumerate().filter(|(_, text)| text.kind == kind && text.channel == channel);
        // Of two that fit alike, the first.
        of_kind
            .rev()
            .filter_map(|found| Some((fits(found.1)?, found)))
            .max_by_key(|(rank, _)| *rank)
            .map(|(_, found)| found)
    }

    fn own(&self, index: usize, text: &Text, values: &Values) -> Result<Message, Error> {
        let plain = |field: &str, template: &str| {
            render(template, |name| values.text(name)).map_err(|wrong| refused(index, field, &text.kind, wrong))
        };
        let (subject, body) = (plain("subject", &text.subject)?, plain("text", &text.text)?);
        let subject = if subject.trim().is_empty() { self.shop.name.clone() } else { subject };
        let mut message = Message::email(&subject, &body);
        message.channel = text.channel.name().to_owned();
        if text.channel == Channel::Email {
            let inner = match &text.html {
                Some(html) => {
                    render(html, |name| values.html(name)).map_err(|wrong| refused(index, "html", &text.kind, wrong))?
                }
                None => paragraphs(&body),
            };
            let language = if text.locale.is_empty() { self.locale } else { &text.locale };
            return Ok(message.with_html(page(language, &subject, &inner, self.shop, self.footer)));
        }
        message.attributes = link(values.text("url").unwrap_or_default());
        Ok(message)
    }
}

/// The letter in a few words, for a small screen.
fn short(letter: &Letter, channel: Channel) -> Message {
    let (mut text, url) = letter.in_short();
    // What takes an SMS has nothing to click beside the text.
    if channel == Channel::Sms && !url.is_empty() {
        text = format!("{text} {url}");
    }
    let mut message = Message::email(&letter.subject, text);
    message.channel = channel.name().to_owned();
    message.attributes = link(url);
    message
}

fn link(url: String) -> Vec<(String, String)> {
    if url.is_empty() { Vec::new() } else { vec![("url".to_owned(), url)] }
}

fn paragraphs(text: &str) -> String {
    let paragraph = |text: &str| format!("<p>{}</p>\n", escape(text.trim()).replace('\n', "<br>"));
    text.split("\n\n").filter(|text| !text.trim().is_empty()).map(paragraph).collect()
}

/// Refuses texts that could not be sent: asked when the plugin is activated, so that no shopper meets them.
pub fn check(texts: &[Text]) -> Result<(), Error> {
    for (index, text) in texts.iter().enumerate() {
        let names = values::names(&text.kind);
        let known = |name: &str| names.contains(&name).then(String::new);
        let fields = [("subject", Some(&text.subject)), ("text", Some(&text.text)), ("html", text.html.as_ref())];
        for (field, template) in fields.into_iter().filter_map(|(field, template)| Some((field, template?))) {
            render(template, known).map_err(|wrong| refused(index, field, &text.kind, wrong))?;
        }
        if text.html.is_some() && text.channel != Channel::Email {
            return Err(Error::InvalidSettings(format!("texts[{index}].html: only mails have HTML")));
        }
        if values::may_be_secret(&text.kind) && text.channel != Channel::Email {
            return Err(Error::InvalidSettings(format!("texts[{index}].channel: {} goes by email only", text.kind)));
        }
    }
    Ok(())
}

fn refused(index: usize, field: &str, kind: &str, wrong: Wrong) -> Error {
    let reason = match wrong {
        Wrong::Brace => "a brace is written twice, {{ or }}, where it is not part of a placeholder".to_owned(),
        Wrong::Unknown(name) => {
            format!("there is no {{{name}}} for {kind}; there are {}", values::names(kind).join(", "))
        }
    };
    Error::InvalidSettings(format!("texts[{index}].{field}: {reason}"))
}
